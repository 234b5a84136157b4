"""Files of tapes: NumPy (`.npz`) and Parquet (`.parquet`, with pyarrow), where what comes back is what went in, bit for
bit; and LOBSTER's CSV (`.csv`, `.zip`), from which it comes back in ticks of 0.0001.

A file from outside may be anything: what is wrong with it is told with the file, the row and the column.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sekai.markets.data.lobster import read_lobster, write_lobster
from sekai.markets.data.tape import L3, BadTape, Tape, check_book, check_messages
from sekai.utils.files import reading, whole_file

__all__ = ["SUFFIXES", "load", "save"]

SUFFIXES: Final = (".npz", ".parquet", ".csv", ".zip")
_VERSION = 1
_FIELDS: Final = L3.names or ()


def save(tape: Tape, path: str | Path) -> None:
    """Write a tape to a file; its suffix says how: `.npz`, `.parquet`, `.csv` (a book beside it) or `.zip`.

    The file is written whole or not at all; raises `UnwritableFile` where it cannot be.
    """
    target = Path(path)
    if target.suffix == ".npz":
        arrays: dict[str, Any] = {"messages": tape.messages, "tick_size": np.float64(tape.tick_size)}
        arrays |= {"version": np.int64(_VERSION)} | ({} if tape.book is None else {"book": tape.book})
        with whole_file(target) as beside:
            np.savez_compressed(beside, **arrays)
    elif target.suffix == ".parquet":
        _save_parquet(tape, target)
    elif target.suffix in (".csv", ".zip"):
        write_lobster(tape, target)
    else:
        raise _wrong_suffix(target)


def load(path: str | Path) -> Tape:
    """Return the tape that a file holds. Raises BadTape for one that is none, or that is not there."""
    source = Path(path)
    if not source.is_file():
        raise BadTape(f"no tape at {source}")
    if source.suffix in (".csv", ".zip"):
        return read_lobster(source)
    if source.suffix == ".npz":
        with reading(source, "file of NumPy's arrays", BadTape), np.load(source, allow_pickle=False) as arrays:
            held = dict(arrays)
    elif source.suffix == ".parquet":
        held = _load_parquet(source)
    else:
        raise _wrong_suffix(source)
    return _tape(held, source)


def _tape(held: Mapping[str, Any], path: Path) -> Tape:
    """Return the tape of these arrays, `messages`, `book`, `tick_size` and `version`, after a look at each."""
    if not {"messages", "tick_size", "version"} <= set(held):
        raise BadTape(f"{path} must hold 'messages', 'tick_size' and 'version', got {sorted(held)}")
    version, tick_size = (np.asarray(held[name]) for name in ("version", "tick_size"))
    if version.shape or version.dtype.kind not in "iu" or version != _VERSION:
        raise BadTape(f"{path}: version must be {_VERSION}, got {version}")
    if tick_size.shape or tick_size.dtype.kind != "f" or not 0 < tick_size < np.inf:
        raise BadTape(f"{path}: tick_size must be a number > 0, got {tick_size}")
    try:
        tape = Tape(held["messages"], held.get("book"), float(tick_size))
    except BadTape as error:
        raise BadTape(f"{path}: {error}") from None
    check_messages(tape.messages, path.name)
    if tape.book is not None:
        check_book(tape.book, path.name)
    return tape


def _wrong_suffix(path: Path) -> BadTape:
    return BadTape(f"a tape's file must end in {', '.join(SUFFIXES)}, got {path.name!r}")


# --- Parquet: a column a field; the book's as bid_price_1, bid_size_1, ..., ask_price_1, ... --------------------------
def _book_columns(levels: int) -> list[tuple[str, tuple[int, int, int]]]:
    return [
        (f"{side}_{field}_{k + 1}", (s, k, f))
        for s, side in enumerate(("bid", "ask"))
        for k in range(levels)
        for f, field in enumerate(("price", "size"))
    ]


def _pyarrow() -> Any:
    try:
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise BadTape('Parquet needs pyarrow: in the checkout, run pip install ".[parquet]"') from None
    return pyarrow


def _save_parquet(tape: Tape, path: Path) -> None:
    arrow = _pyarrow()
    columns = {name: np.ascontiguousarray(tape.messages[name]) for name in _FIELDS}
    if tape.book is not None:
        columns |= {n: np.ascontiguousarray(tape.book[:, s, k, f]) for n, (s, k, f) in _book_columns(tape.levels)}
    table = arrow.table({name: arrow.array(column) for name, column in columns.items()})
    facts = {"tick_size": float(tape.tick_size).hex(), "levels": str(tape.levels), "sekai": str(_VERSION)}
    with whole_file(path) as beside:
        arrow.parquet.write_table(table.replace_schema_metadata(facts), beside)


def _load_parquet(path: Path) -> dict[str, Any]:
    arrow = _pyarrow()
    with reading(path, "Parquet file", BadTape):
        table = arrow.parquet.read_table(path)
        table.validate(full=True)
    facts = table.schema.metadata or {}
    if not {b"tick_size", b"levels", b"sekai"} <= set(facts):
        raise BadTape(f"{path} must have the facts tick_size, levels and sekai in its schema, got {sorted(facts)}")
    with reading(path, "Parquet file of a tape", BadTape):
        levels, version = int(facts[b"levels"]), int(facts[b"sekai"])
        tick_size = float.fromhex(facts[b"tick_size"].decode())
    in_book = [name for name in table.column_names if name.startswith(("bid_", "ask_"))]
    if not 0 <= 4 * levels <= len(in_book):
        raise BadTape(f"{path}: levels must be those that have columns, at most {len(in_book) // 4}, got {levels}")
    messages = np.empty(table.num_rows, L3)
    for name in _FIELDS:
        messages[name] = _integers(table, name, L3[name], path)
    held: dict[str, Any] = {"messages": messages, "tick_size": np.float64(tick_size), "version": np.int64(version)}
    if levels:
        held["book"] = np.empty((table.num_rows, 2, levels, 2), np.int64)
        for name, (s, k, f) in _book_columns(levels):
            held["book"][:, s, k, f] = _integers(table, name, np.dtype(np.int64), path)
    return held


def _integers(table: Any, name: str, dtype: np.dtype[Any], path: Path) -> NDArray[Any]:
    """Return a column's numbers; raise BadTape, naming the row, for the first that `dtype` cannot hold as it is."""
    if table.column_names.count(name) != 1:
        raise BadTape(f"{path} must have one column {name}, got {table.column_names}")
    with reading(f"column {name} of {path}", "column of numbers", BadTape):
        column = table.column(name).to_numpy()
    if column.dtype.kind not in "iuf":
        raise BadTape(f"{path}, column {name}: must be integers, got {table.schema.field(name).type}")
    with np.errstate(invalid="ignore"):
        exact: NDArray[Any] = column.astype(dtype)
        is_same = (exact == column) & ((exact < 0) == (column < 0))  # what does not fit in wraps around
    if not is_same.all():
        row = int(np.flatnonzero(~is_same)[0])
        raise BadTape(f"{path}, row {row + 1}, column {name}: must be an integer of {dtype}, got {column[row]}")
    return exact
