"""A tape: what a market has published, message by message, and, where somebody kept it, the book after each.

A message says what happened to an order in public: it was added, reduced, deleted, executed. The numbers of its kinds
are LOBSTER's, and like there the side of an execution is the side of the order that rested. File order is the only
order: many messages share their nanosecond.

`sekai.markets.data.files` saves and loads tapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sekai.error import SekaiError
from sekai.utils import InvalidValue

__all__ = ["L3", "BadTape", "Tape", "TapeKind", "check_book", "check_messages"]

L3: Final = np.dtype(
    [("time_ns", "<i8"), ("order", "<i8"), ("price_ticks", "<i8"), ("size", "<i8"), ("kind", "i1"), ("side", "i1")]
)
"""A message: ns since midnight (or a session's start); the order's id, 0 or -1 where nobody may know it; price in
ticks of the tape; size in lots (or shares); what happened, a `TapeKind`; 0 a buy order, 1 a sell order."""
_MOST_LOTS = 2**30 - 1  # of one order, as in the engine's layout
_MOST_TICKS = 2**31 - 1  # a price, there


class TapeKind(IntEnum):
    """What a message says of its order; `L3["kind"]` holds its number.

    REDUCE takes `size` away and DELETE all that is left; EXECUTE trades `size` of it. EXECUTE_HIDDEN prints a trade of
    an order that was never shown, CROSS one of an auction. HALT has a code as price: -1 halted, 0 quoting, 1 trading.
    """

    ADD = 1
    REDUCE = 2
    DELETE = 3
    EXECUTE = 4
    EXECUTE_HIDDEN = 5
    CROSS = 6
    HALT = 7


class BadTape(SekaiError, ValueError):
    """Raised for a file, or arrays, that are no tape; it says where and what would have been right."""


@dataclass(frozen=True, slots=True, eq=False)
class Tape:
    """Messages `(n,)` of dtype `L3`, and perhaps the book after each of them.

    `book` `(n, 2, levels, 2)` int64 holds bids, then asks, best first, each price in ticks and size; a level that is
    not there reads zero. `tick_size` is what a tick is worth in the currency.
    """

    messages: NDArray[Any]
    book: NDArray[np.int64] | None = None
    tick_size: float = 0.01

    def __post_init__(self) -> None:
        messages, book = self.messages, self.book
        if messages.dtype != L3 or messages.ndim != 1:
            raise BadTape(f"messages must be one-dimensional of dtype L3, got {messages.dtype} {messages.shape}")
        if book is not None and (book.dtype != np.int64 or book.ndim != 4 or book.shape[:2] != (len(messages), 2)):
            raise BadTape(f"book must be int64 ({len(messages)}, 2, levels, 2), got {book.dtype} {book.shape}")
        if not self.tick_size > 0:
            raise InvalidValue(f"tick_size must be > 0, got {self.tick_size}")

    def __len__(self) -> int:
        """Return how many messages there are."""
        return len(self.messages)

    def __eq__(self, other: object) -> bool:
        """Say whether all messages, books and the tick size are the same."""
        if not isinstance(other, Tape):
            return NotImplemented
        has_book = self.book is not None and other.book is not None
        return (
            self.tick_size == other.tick_size
            and np.array_equal(self.messages, other.messages)
            and (np.array_equal(self.book, other.book) if has_book else self.book is other.book)  # type: ignore[arg-type]
        )

    __hash__ = None  # type: ignore[assignment]

    def __getitem__(self, rows: slice) -> Tape:
        """Return the messages of a slice, and their books."""
        return Tape(self.messages[rows], None if self.book is None else self.book[rows], self.tick_size)

    @property
    def levels(self) -> int:
        """How many levels of each side the book has; 0 without a book."""
        return 0 if self.book is None else int(self.book.shape[2])

    def in_ticks(self, tick_size: float) -> Tape:
        """Return the tape with prices in ticks of another size, rounded down where a print lies between two.

        Raises BadTape for a resting order that lies between two: only hidden executions and crosses may.
        """
        ratio = tick_size / self.tick_size
        down, up = max(round(ratio), 1), max(round(1 / ratio), 1)
        if abs(ratio * up / down - 1) > 1e-9:
            raise BadTape(f"tick_size must be a multiple, or a part, of the tape's {self.tick_size}, got {tick_size}")
        messages = self.messages.copy()
        priced = messages["kind"] != TapeKind.HALT
        rests = priced & (messages["kind"] != TapeKind.EXECUTE_HIDDEN) & (messages["kind"] != TapeKind.CROSS)
        off = np.flatnonzero(rests & (messages["price_ticks"] % down != 0))
        if off.size:
            price = messages["price_ticks"][off[0]] * self.tick_size
            raise BadTape(f"message {off[0]}: price must be a multiple of {tick_size}, got {price:g}")
        messages["price_ticks"][priced] = messages["price_ticks"][priced] * up // down
        if self.book is None:
            return Tape(messages, None, tick_size)
        book = self.book.copy()
        if (book[..., 0] % down).any():
            raise BadTape(f"the book has prices that are no multiple of {tick_size}")
        book[..., 0] = book[..., 0] * up // down
        return Tape(messages, book, tick_size)


def check_messages(messages: NDArray[Any], name: str) -> None:
    """Raise BadTape, naming the file and the first row that is wrong, unless messages can be a day's."""
    time_ns, kind, size, side = (messages[field] for field in ("time_ns", "kind", "size", "side"))
    is_order, is_priced = kind <= TapeKind.EXECUTE, kind <= TapeKind.EXECUTE_HIDDEN
    for wrong, what in (
        (~np.isin(kind, list(TapeKind)), "type must be from 1 to 7"),
        (~np.isin(side, (0, 1)), "side must be 0 or 1"),
        (time_ns < 0, "time must be >= 0"),
        (np.diff(time_ns, prepend=time_ns[:1]) < 0, "time must not go back"),
        (is_order & (messages["order"] < 0), "order id must be >= 0"),
        ((size < 0) | (size > _MOST_LOTS), f"size must be >= 0 and <= {_MOST_LOTS}"),
        ((kind == TapeKind.ADD) & (size == 0), "size of an order that is added must be >= 1"),
        (is_priced & (messages["price_ticks"] < 1), "price must be >= 1"),
        (is_priced & (messages["price_ticks"] > _MOST_TICKS), f"price must be <= {_MOST_TICKS}"),
    ):
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise BadTape(
                f"{name}, row {row + 1}: {what}, got {dict(zip(L3.names or (), messages[row].tolist(), strict=True))}"
            )


def check_book(book: NDArray[np.int64], name: str) -> None:
    """Raise BadTape, naming the file and the first row that is wrong, unless a day's `(n, 2, levels, 2)` can be."""
    price, size = book[..., 0], book[..., 1]
    for wrong, what in (
        ((size < 0) | (size > _MOST_LOTS), f"sizes must be >= 0 and <= {_MOST_LOTS}"),
        ((size > 0) & ((price < 1) | (price > _MOST_TICKS)), f"prices must be >= 1 and <= {_MOST_TICKS}"),
    ):
        if wrong.any():
            row, side, level = (int(index[0]) for index in np.nonzero(wrong))
            where = f"{name}, row {row + 1}, {('bid', 'ask')[side]} level {level + 1}"
            raise BadTape(f"{where}: {what}, got price {price[row, side, level]} and size {size[row, side, level]}")
