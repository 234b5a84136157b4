"""LOBSTER's files: a day of one stock as two tables of numbers without a header, alone or in a zip.

The message file has time (seconds after midnight, to the nanosecond), type, order id, size, price and direction of the
resting order (1 buy, -1 sell); prices are in ten-thousandths of the currency. Row k of the order book file is the state
*after* message k: for each level ask price, ask size, bid price, bid size; a level that is empty has a price of
+-9999999999 and size 0. Names end in `_message_<levels>.csv` and `_orderbook_<levels>.csv`.

What is read and written again is the same file, byte for byte.
"""

from __future__ import annotations

import io
import re
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from sekai.markets.data.tape import L3, BadTape, Tape, TapeKind, check_book, check_messages
from sekai.utils.files import reading, whole_file

__all__ = ["PRICE_UNIT", "read_lobster", "write_lobster"]

PRICE_UNIT: Final = 0.0001  # of the currency: what a price in these files is counted in
_NOBODY = 9_999_999_999
_NS = 1_000_000_000
_MOST_SECONDS = 1e9
_MESSAGE_NAME = re.compile(r"(.*)_message_(\d+)\.csv$")
_COLUMNS = [("time", "f8"), ("kind", "i8"), ("order", "i8"), ("size", "i8"), ("price", "i8"), ("direction", "i8")]


def read_lobster(path: str | Path) -> Tape:
    """Return the day in a zip, or in a message file with its order book file beside it if there is one.

    Prices are in ticks of `PRICE_UNIT`. Raises BadTape naming the file, and the row, that is not as it should be.
    """
    source = Path(path)
    if not source.is_file():
        raise BadTape(f"no LOBSTER file at {source}")
    if source.suffix != ".zip":
        beside = source.with_name(_book_name(source.name))
        with reading(source, "file that can be read", BadTape):
            text, levels = source.read_bytes(), beside.read_bytes() if beside.is_file() else None
        return _tape(text, levels, source.name)
    with reading(source, "zip", BadTape), zipfile.ZipFile(source) as archive:
        names = archive.namelist()
        days = [name for name in names if _MESSAGE_NAME.search(name)]
        if len(days) != 1:
            raise BadTape(f"{source} must hold one file named ..._message_<levels>.csv, got {names}")
        book = _book_name(days[0])
        text, levels = archive.read(days[0]), archive.read(book) if book in names else None
    return _tape(text, levels, f"{source.name}: {days[0]}")


def write_lobster(tape: Tape, path: str | Path) -> None:
    """Write a tape as LOBSTER's files: `x.zip` holds both, `x_message_10.csv` gets its order book file beside it.

    A tape without a book has no order book file. Raises BadTape for prices between two units, or a name that says
    nothing of messages.
    """
    target, units = Path(path), tape.in_ticks(PRICE_UNIT)
    messages = _message_text(units.messages)
    book = None if units.book is None else _book_text(units.book)
    if target.suffix == ".zip":
        name = f"{target.stem}_message_{tape.levels}.csv"
        with whole_file(target) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
            for inside, text in ((name, messages), (_book_name(name), book)):
                if text is not None:  # always of the same date, so that the same tape is the same file
                    archive.writestr(zipfile.ZipInfo(inside), text, zipfile.ZIP_DEFLATED)
        return
    if not _MESSAGE_NAME.search(target.name):
        raise BadTape(f"a LOBSTER file must be named ..._message_<levels>.csv, or end in .zip, got {target.name!r}")
    with ExitStack() as both:
        for name, text in ((_book_name(target.name), book), (target.name, messages)):
            if text is not None:
                both.enter_context(whole_file(target.with_name(name))).write_text(text, encoding="ascii", newline="\n")


def _book_name(name: str) -> str:
    return _MESSAGE_NAME.sub(r"\1_orderbook_\2.csv", name)


# --- reading ----------------------------------------------------------------------------------------------------------
def _tape(messages: bytes, book: bytes | None, name: str) -> Tape:
    raw = _numbers(messages, name, np.dtype(_COLUMNS), range(6))
    for wrong, what in (  # what the tape's own columns could not hold
        (~((raw["time"] >= 0) & (raw["time"] <= _MOST_SECONDS)), f"time must be >= 0 and <= {_MOST_SECONDS:g} seconds"),
        (~np.isin(raw["kind"], list(TapeKind)), "type must be from 1 to 7"),
        (~np.isin(raw["direction"], (-1, 1)), "direction must be 1 or -1"),
    ):
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            raise BadTape(f"{name}, row {at + 1}: {what}, got {raw[at].tolist()}")
    out = np.zeros(len(raw), L3)
    out["time_ns"] = np.rint(raw["time"] * _NS)  # a day's seconds to the ns have 14 digits: a float holds them
    for field, column in (("kind", "kind"), ("order", "order"), ("size", "size"), ("price_ticks", "price")):
        out[field] = raw[column]
    out["side"] = raw["direction"] < 0
    check_messages(out, name)
    return Tape(out, None if book is None else _levels(book, _book_name(name), len(out)), PRICE_UNIT)


def _levels(book: bytes, name: str, rows: int) -> NDArray[np.int64]:
    raw = _numbers(book, name, np.dtype(np.int64), None, ndmin=2)
    if len(raw) != rows or raw.shape[1] % 4:
        raise BadTape(f"{name} must have a row a message, {rows}, of four numbers a level, got {raw.shape}")
    levels = raw.reshape(rows, -1, 4)
    out = np.empty((rows, 2, levels.shape[1], 2), np.int64)
    out[:, 0], out[:, 1] = levels[:, :, 2:4], levels[:, :, 0:2]
    out[np.abs(out[..., 0]) == _NOBODY] = 0
    check_book(out, name)
    return out


def _numbers(
    text: bytes, name: str, dtype: np.dtype[Any], columns: range | None, *, ndmin: Literal[1, 2] = 1
) -> NDArray[Any]:
    if not text.strip():
        raise BadTape(f"{name} must hold rows of numbers, got an empty file")
    try:
        return np.loadtxt(
            io.BytesIO(text), dtype, delimiter=",", usecols=columns, ndmin=ndmin, encoding="ascii", comments=None
        )
    except ValueError as error:
        from_one = re.sub(r"at row (\d+), column", lambda found: f"in row {int(found[1]) + 1}, column", str(error))
        raise BadTape(f"{name} must hold rows of numbers: {from_one}") from None


# --- writing ----------------------------------------------------------------------------------------------------------
def _message_text(messages: NDArray[Any]) -> str:
    whole, part = np.divmod(messages["time_ns"], _NS)
    directions = 1 - 2 * messages["side"].astype(np.int64)
    columns = [messages[name].tolist() for name in ("kind", "order", "size", "price_ticks")]
    rows = zip(whole.tolist(), part.tolist(), *columns, directions.tolist(), strict=True)
    return "".join(
        f"{_seconds(s, ns)},{kind},{order},{size},{price},{way}\n" for s, ns, kind, order, size, price, way in rows
    )


def _seconds(whole: int, ns: int) -> str:
    return f"{whole}.{ns:09d}".rstrip("0").rstrip(".")


def _book_text(book: NDArray[np.int64]) -> str:
    out = np.empty((len(book), book.shape[2], 4), np.int64)
    for side, first, nobody in ((1, 0, _NOBODY), (0, 2, -_NOBODY)):
        level = book[:, side]
        out[:, :, first] = np.where(level[..., 1] == 0, nobody, level[..., 0])
        out[:, :, first + 1] = level[..., 1]
    return "".join(",".join(map(str, row)) + "\n" for row in out.reshape(len(book), -1).tolist())
