"""Files of tapes from outside: whatever is in one, a tape comes of it, or an error that names file, row and column."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sekai.markets.config import Market, Replay, Seat, Venue
from sekai.markets.data.files import SUFFIXES, load, save
from sekai.markets.data.replay import replay
from sekai.markets.data.tape import L3, BadTape, Tape
from sekai.markets.envs import MarketEnv
from sekai.markets.parts import Maker
from sekai.utils import InvalidValue
from tests.markets.data.days import a_day

NAMES = ("day.npz", "day.parquet", "day.zip", "day_message_3.csv")


def damaged(good: bytes, rng: random.Random) -> bytes:
    """Cut a file short, flip some of its bits, write over a part of it, or take one out."""
    bad, first, last = bytearray(good), *sorted(rng.sample(range(len(good)), 2))
    match rng.randrange(4):
        case 0:
            return good[:first]
        case 1:
            for _ in range(rng.randrange(1, 4)):
                bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
        case 2:
            bad[first : first + rng.randrange(30)] = rng.randbytes(rng.randrange(30))
        case 3:
            del bad[first:last]
    return bytes(bad)


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_is_a_bad_tape_that_names_it(name: str, tmp_path: Path) -> None:
    rng = random.Random(5)
    save(a_day(3, rows=60, levels=3), tmp_path / name)
    good, refused = (tmp_path / name).read_bytes(), 0
    for number in range(300):
        (tmp_path / name).write_bytes(damaged(good, rng))
        try:
            assert isinstance(load(tmp_path / name), Tape)
        except BadTape as error:
            refused += 1
            assert name in str(error) or "day_" in str(error), (number, error)
    assert refused > 200


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
def test_whatever_numbers_are_in_one_it_is_refused_or_it_can_be_played(suffix: str, tmp_path: Path) -> None:
    extreme = (-(2**63), -1, 0, 1, 2, 7, 127, 1000, 2**30, 2**31 - 1, 2**31, 2**62, 2**63 - 1, 34_200_000_000_000)
    rng, played = random.Random(1), 0
    market = {"venue": Venue(opening_price=10.0), "seats": (Seat(name="a", role=Maker()),), "session_s": 0.5}
    for _ in range(60):
        day = a_day(rng.randrange(4), rows=60, levels=3)
        messages, book = day.messages.copy(), day.book.copy()
        for _ in range(rng.randrange(1, 3)):
            if rng.random() < 0.6:
                field = rng.choice(L3.names)
                value = rng.choice(extreme)
                messages[field][rng.randrange(60)] = value if L3[field] == np.int64 else value % 256 - 128
            else:
                book[rng.randrange(60), rng.randrange(2), rng.randrange(3), rng.randrange(2)] = rng.choice(extreme)
        path = tmp_path / f"day{suffix}"
        save(Tape(messages, book, day.tick_size), path)
        try:
            replay(load(path))
            env = MarketEnv(Market(flow=Replay(file=str(path)), **market))
        except (BadTape, InvalidValue):
            continue
        env.reset(seed=0)
        while env.acting:
            env.step({"a": [0, 0, 2, 2]})
        assert sum(env.wealth().values()) == 0
        played += 1
    assert 5 < played < 55


# --- Parquet ----------------------------------------------------------------------------------------------------------
def rewrite(path: Path, column: str, change: Callable[[Any], Any]) -> None:
    """Replace a column of a Parquet file, or, where None comes back, leave it out."""
    pyarrow = pytest.importorskip("pyarrow.parquet")
    import pyarrow as arrow

    table = pyarrow.read_table(path)
    place, new = table.column_names.index(column), change(table.column(column).to_pylist())
    facts = table.schema.metadata
    table = table.remove_column(place)
    if new is not None:
        table = table.add_column(place, column, arrow.array(new))
    pyarrow.write_table(table.replace_schema_metadata(facts), path)


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    pytest.importorskip("pyarrow")
    save(a_day(1, rows=20, levels=2), tmp_path / "day.parquet")
    return tmp_path / "day.parquet"


@pytest.mark.parametrize(
    ("column", "change", "words"),
    [
        ("size", lambda c: [*map(float, c[:4]), 2.5, *map(float, c[5:])], "row 5, column size: must be an integer"),
        ("time_ns", lambda c: [*map(float, c[:-1]), float("nan")], "row 20, column time_ns: .* got nan"),
        ("order", lambda c: [*map(float, c[:-1]), 1e19], r"row 20, column order: .* got 1e\+19"),
        ("order", lambda c: [*c[:-1], None], "row 20, column order: .* got nan"),
        ("kind", lambda c: [257, *c[1:]], "row 1, column kind: must be an integer of int8, got 257"),
        ("side", lambda c: [*c[:2], -255, *c[3:]], "row 3, column side: must be an integer of int8, got -255"),
        ("price_ticks", lambda c: list(map(str, c)), "column price_ticks: must be integers, got string"),
        ("price_ticks", lambda c: None, "must have one column price_ticks"),
        ("bid_size_2", lambda c: None, "must have one column bid_size_2|levels must be"),
        ("ask_price_1", lambda c: [*map(float, c[:7]), 0.5, *map(float, c[8:])], "row 8, column ask_price_1"),
        ("ask_size_1", lambda c: [*c[:9], -1, *c[10:]], "row 10, ask level 1: sizes must be >= 0"),
    ],
)
def test_a_column_that_is_no_day_s_is_named_with_its_row(
    parquet: Path, column: str, change: Callable[[Any], Any], words: str
) -> None:
    rewrite(parquet, column, change)
    with pytest.raises(BadTape, match=words) as caught:
        load(parquet)
    assert "day.parquet" in str(caught.value)


def test_whole_numbers_of_another_type_are_what_they_are(parquet: Path) -> None:
    """Other programs write integers as floats where a column once had gaps."""
    before = load(parquet)
    for column in ("size", "kind", "bid_price_1"):
        rewrite(parquet, column, lambda c: list(map(float, c)))
    assert load(parquet) == before


# --- NumPy ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"messages": None}, "must hold 'messages', 'tick_size' and 'version'"),
        ({"messages": np.zeros(3)}, "dtype L3, got float64"),
        ({"messages": np.zeros(3, np.dtype([(n, "<f8") for n in L3.names]))}, "dtype L3"),
        ({"tick_size": np.float64("nan")}, "tick_size must be a number > 0, got nan"),
        ({"tick_size": np.zeros(2)}, "tick_size must be a number > 0"),
        ({"tick_size": np.array("x")}, "tick_size must be a number > 0, got x"),
        ({"version": np.int64(2)}, "version must be 1, got 2"),
        ({"book": np.zeros((20, 2, 2, 2))}, "book must be int64"),
        ({"messages": np.array([object()])}, "damaged"),
    ],
)
def test_arrays_that_are_no_tape_are_named(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    path = tmp_path / "day.npz"
    save(a_day(1, rows=20, levels=2), path)
    arrays = dict(np.load(path)) | changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(BadTape, match=words) as caught:
        load(path)
    assert "day.npz" in str(caught.value)


def test_a_file_in_a_zip_is_named_with_the_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("day_message_1.csv", "34200,1,1,x,1,1\n")
    with pytest.raises(BadTape, match="two.zip: day_message_1.csv must hold rows of numbers: .*row 1, column 4"):
        load(tmp_path / "two.zip")


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        (tmp_path / f"folder{suffix}").mkdir()
        for name in ("folder", "nothing"):
            with pytest.raises(BadTape, match=f"no tape at .*{name}{suffix}"):
                load(tmp_path / f"{name}{suffix}")
