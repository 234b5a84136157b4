"""The compiled engine: one signature a kernel, the same tape interpreted, and never a stale cache."""

from __future__ import annotations

import importlib
import os
import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numba.core.errors import TypingError
from numba.np import arrayobj

import sekai.markets.engine
from sekai.markets.engine import jit, layout
from sekai.markets.engine.bits import highest_bit, lowest_bit
from sekai.markets.engine.book import price_of
from sekai.markets.engine.check import books_of
from sekai.markets.engine.jit import entry_of
from sekai.markets.engine.layout import Book, Market
from sekai.markets.engine.replay import replay, send
from sekai.markets.engine.rows import new_row
from sekai.markets.engine.terms import ALL_KINDS, Answer
from tests.markets.referee.test_reference import random_messages
from tests.shipped import ROOT

ENGINE = Path(sekai.markets.engine.__file__).parent

TAPE = """
import hashlib
import numpy as np
from sekai.markets.engine import jit
from tests.markets.engine.test_jit import tape
from tests.markets.referee.test_reference import random_messages
print(jit.JIT, hashlib.blake2b(tape(random_messages(3, 1_500)).tobytes()).hexdigest())
"""

# one order rests, another takes it: the cash that changes hands is the whole program's output
TRADE = """
from engine.layout import Account, Market
from engine.matching import submit
from engine.rows import new_row
from engine.terms import BUY, SELL, Op
row = new_row()
for side in (SELL, BUY):
    submit(row, int(row[Market.BOOKS]), Op.LIMIT, side, side, 100, 3, side, 0)
print(int(row[row[Market.ACCOUNTS] + Account.CASH]))
"""


def tape(stream: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return all events of a stream, `(n * EVENT_WORDS,)`."""
    row = new_row(ticks=4096, orders=1024, accounts=8, events=64)
    row[Market.EVENT_STOP], row[Market.EVENT_KINDS] = 1, ALL_KINDS
    handles, log = np.zeros(len(stream) + 1, np.int32), np.zeros(1 << 18, np.int64)
    done, logged, code = replay(row, stream.view(np.int32), handles, log, books_of(row)[0], 0, 0)
    assert (done, code) == (len(stream), Answer.DONE)
    return log[: logged * layout.Event.WORDS]


def run(code: str, cwd: Path, **environment: str) -> str:
    """Run a program in another process and return what it prints."""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=os.environ | environment, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def kernels() -> dict[str, Any]:
    """Return every kernel of the engine that is defined in a module of it, by its full name."""
    found = {}
    for info in pkgutil.iter_modules([str(ENGINE)]):
        module: ModuleType = importlib.import_module(f"sekai.markets.engine.{info.name}")
        for name, value in vars(module).items():
            if hasattr(value, "py_func") and value.py_func.__module__ == module.__name__:
                found[f"{module.__name__}.{name}"] = value
    return found


def test_each_kernel_is_compiled_for_one_signature() -> None:
    """Several, compiled by several processes at once, have been seen to overwrite each other in the cache."""
    assert tape(random_messages(3, 500)).size > 0
    counts = {name: len(kernel.signatures) for name, kernel in kernels().items()}
    assert "sekai.markets.engine.replay.replay" in counts and counts["sekai.markets.engine.replay.replay"] == 1
    assert {name: count for name, count in counts.items() if count > 1} == {}


@pytest.mark.parametrize("find", [lowest_bit, highest_bit])
def test_the_bits_of_a_signed_word(find: Any) -> None:
    """The sign is a bit as any other, compiled and interpreted."""
    for bit in range(64):
        word = (1 << bit) - (1 << 64 if bit == 63 else 0)
        with np.errstate(over="ignore"):
            assert find(np.int64(word)) == getattr(find, "py_func", find)(np.int64(word)) == bit
    assert getattr(highest_bit, "py_func", highest_bit)(-(1 << 63)) == 63


def test_interpreted_is_the_same_tape() -> None:
    outputs = [run(TAPE, ROOT, NUMBA_DISABLE_JIT=flag).split() for flag in ("0", "1")]
    assert [output[0] for output in outputs] == ["True", "False"] and outputs[0][1] == outputs[1][1]


def test_an_edited_helper_is_seen(tmp_path: Path) -> None:
    """Numba alone would go on running the caller's old machine code: the edit is in another file than the kernel."""
    shutil.copytree(ENGINE, tmp_path / "engine", ignore=shutil.ignore_patterns("__pycache__"))
    cache = str(tmp_path / "cache")
    assert run(TRADE, tmp_path, SEKAI_CACHE_DIR=cache) == "-30000"
    assert run(TRADE, tmp_path, SEKAI_CACHE_DIR=cache) == "-30000"
    ledger = tmp_path / "engine" / "ledger.py"
    text = ledger.read_text(encoding="utf-8")
    assert text.count("cash = lots * (") == 1
    ledger.write_text(text.replace("cash = lots * (", "cash = 2 * lots * ("), encoding="utf-8")
    assert run(TRADE, tmp_path, SEKAI_CACHE_DIR=cache) == "-60000"
    ledger.write_text(text, encoding="utf-8")
    assert run(TRADE, tmp_path, SEKAI_CACHE_DIR=cache) == "-30000"


def test_the_fingerprint_is_of_contents_and_names(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    first = jit.fingerprint(tmp_path)
    assert jit.fingerprint(tmp_path) == first
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert jit.fingerprint(tmp_path) != first


def test_kernels_cannot_allocate() -> None:
    """`_nrt=False` makes an allocation inside a kernel a compile-time error."""

    def allocates(count: int) -> int:
        return int(np.ones(count).sum())

    with pytest.raises(TypingError, match="empty"):
        jit.kernel(allocates)(3)


def compiled_anew(kernel: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, str]:
    """Return a kernel compiled again, past the cache, and its machine code in words."""
    monkeypatch.setattr(jit, "CACHE", None)
    anew = jit.kernel(kernel.py_func)
    row, side = new_row(base=7), books_of(new_row())[0] + Book.BID
    assert anew(row, side, 3) == kernel.py_func(row, side, 3) == 1023 - 3
    return anew, anew.inspect_llvm(anew.signatures[0])


def last_of(row: Any, _me: int) -> Any:
    return row[-1] + row[_me - 1]


def test_the_engine_does_not_wrap_indices_around_and_others_do(monkeypatch: pytest.MonkeyPatch) -> None:
    wraps = " select "
    assert wraps not in compiled_anew(price_of, monkeypatch)[1]
    with jit._plain_indices():  # as if the engine were being compiled, and had come to a kernel of somebody's
        theirs = jit.kernel(last_of)
        assert theirs(np.arange(5), 0) == 8
    assert wraps in theirs.inspect_llvm(theirs.signatures[0])


def test_with_another_numba_indices_only_cost_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the function that is replaced, or with one that is called otherwise, kernels compile as numba's do."""
    numbas = arrayobj.fix_integer_index

    def as_if_newer(context: Any, builder: Any, idxty: Any, idx: Any, size: Any, axis: int = 0) -> Any:
        return numbas(context, builder, idxty, idx, size)

    monkeypatch.setattr(arrayobj, "fix_integer_index", as_if_newer)
    assert " select " in compiled_anew(price_of, monkeypatch)[1]


def test_indices_can_be_checked() -> None:
    """Of the engine's too, and a negative one is no index."""
    program = (
        "import numpy as np\nfrom sekai.markets.engine.book import price_of\n"
        "for side in (7, 9_999, -9):\n"
        "    try:\n        print(price_of(np.zeros(64, np.int64), side, 3))\n"
        "    except IndexError:\n        print('out')"
    )
    assert run(program, ROOT, NUMBA_BOUNDSCHECK="1").split() == ["3", "out", "out"]


def test_the_way_in_that_looks_at_no_types_does_the_same() -> None:
    row = new_row(events=16)
    slow, fast = row.copy(), row.copy()
    handles, slow_handles = np.zeros(4, np.int32), np.zeros(4, np.int32)
    enter = entry_of(send, row, handles, *[0] * 7)
    book = books_of(row)[0]
    for op, number, price in ((0, 0, 9), (0, 1, 8), (0, 1, 8), (1, 0, 0)):
        message = (op, number, 0, price, 1, 0)
        assert enter(fast, handles, book, *message) == send(slow, slow_handles, book, *message)
    np.testing.assert_array_equal(fast, slow)
    with pytest.raises(OverflowError):
        enter(fast, handles, book, 0, 2, 0, 1 << 64, 1, 0)
