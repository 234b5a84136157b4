"""A recorded day, made playable: every message names an order that is in the book, at a price that the record shows.

A record shows the best levels only. What happens further out is not told, so a book that replays the messages alone
drifts away from the day within minutes. So the window is kept by hand (`windowed`): the book is seeded from the first
row with one anonymous order a level; an order that the record never added is taken to be part of its level's anonymous
one; a level that leaves the window is forgotten, and one that scrolls in is adopted as an anonymous order. Then every
level of every row is the record's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sekai.markets.data.tape import BadTape, Tape, TapeKind
from sekai.markets.engine import recorded

__all__ = ["RECORDED", "RecordedOp", "Recording", "windowed"]

RECORDED: Final = np.dtype([(name, "<i8") for name in ("row", "time_ns", "op", "order", "side", "price_ticks", "size")])
"""A message of a recording: the row of the tape that it came from, ns since midnight, a `RecordedOp`, the order's
number (dense from 0), 0 buy or 1 sell of the order that rests, ticks, and lots."""
_ANONYMOUS = -1  # the key of a level's anonymous order
_TAKING = frozenset((TapeKind.REDUCE, TapeKind.DELETE, TapeKind.EXECUTE))


class RecordedOp(IntEnum):
    """What happens to an order: FORGET and ADOPT are the window's doing, the rest is the record's."""

    ADD = recorded.ADD
    REDUCE = recorded.REDUCE
    EXECUTE = recorded.EXECUTE
    ADOPT = recorded.ADOPT
    FORGET = recorded.FORGET


@dataclass(frozen=True, slots=True)
class Recording:
    """A day to play: `messages` `(m,)` of dtype `RECORDED`, and the `tape` that it came from, in the same ticks.

    `orders` is how many orders there are in all, `live_most` how many at once; `short_lots` what the record takes away
    from orders that have no more of it (0 where the record is whole).
    """

    messages: NDArray[Any]
    tape: Tape
    orders: int
    live_most: int
    short_lots: int

    @property
    def prices(self) -> tuple[int, int]:
        """The lowest and the highest price at which an order rests, in ticks."""
        prices = self.messages["price_ticks"]
        return int(prices.min()), int(prices.max())


def windowed(tape: Tape, *, tick_size: float = 0.01, first: int = 0, last: int | None = None) -> Recording:
    """Return rows `first` to `last` (excluded) of a tape with a book as a recording; row `first` is the seed.

    Raises BadTape for a tape without a book, without such rows, or with a resting order between two ticks.
    """
    if tape.book is None:
        raise BadTape("a recording needs the book beside the messages (LOBSTER's order book file)")
    end = len(tape) if last is None else min(last, len(tape))
    if not 0 <= first < end:
        raise BadTape(f"first must be a row from 0 to {end - 1}, got {first}")
    part = tape[first:end].in_ticks(tick_size)
    assert part.book is not None
    window = _Window()
    window.scroll(0, int(part.messages["time_ns"][0]), part.book[0])
    moved = np.append(True, (part.book[1:, ..., 0] != part.book[:-1, ..., 0]).any(axis=(1, 2)))
    names = ("time_ns", "kind", "order", "side", "price_ticks", "size")
    columns = [part.messages[name].tolist() for name in names]
    for row, (time_ns, kind, order, side, price, size) in enumerate(zip(*columns, strict=True)):
        if row == 0:
            continue
        if kind == TapeKind.ADD:
            window.add(row, time_ns, RecordedOp.ADD, order, side, price, size)
        elif kind in _TAKING:
            op = RecordedOp.EXECUTE if kind == TapeKind.EXECUTE else RecordedOp.REDUCE
            window.take(row, time_ns, op, order, side, price, size)
        if moved[row]:
            window.scroll(row, time_ns, part.book[row])
    messages = np.array(window.messages, np.int64).reshape(-1, len(RECORDED.names or ())).view(RECORDED)[:, 0]
    return Recording(messages, part, window.orders, window.live_most, window.short_lots)


class _Window:
    """The orders inside the window: `levels[side][price]` maps an order's id to its number and its open lots."""

    def __init__(self) -> None:
        self.levels: tuple[dict[int, dict[int, list[int]]], ...] = ({}, {})
        self.messages: list[tuple[int, ...]] = []
        self.orders = self.live = self.live_most = self.short_lots = 0

    def add(self, row: int, time_ns: int, op: int, order: int, side: int, price: int, size: int) -> None:
        self.levels[side].setdefault(price, {})[order] = [self.orders, size]
        self.messages.append((row, time_ns, op, self.orders, side, price, size))
        self.orders += 1
        self.live += 1
        self.live_most = max(self.live_most, self.live)

    def take(self, row: int, time_ns: int, op: int, order: int, side: int, price: int, size: int) -> None:
        """Take lots from the order of that id or, if there is none, from its level's anonymous one."""
        level = self.levels[side].get(price, {})
        key = order if order in level else _ANONYMOUS
        number, left = level.get(key, (-1, 0))
        taken = min(size, left)
        self.short_lots += size - taken
        if not taken:
            return
        self.messages.append((row, time_ns, op, number, side, price, taken))
        if taken < left:
            level[key][1] = left - taken
            return
        del level[key]
        self.live -= 1
        if not level:
            del self.levels[side][price]

    def scroll(self, row: int, time_ns: int, book: NDArray[np.int64]) -> None:
        """Forget the levels that the record shows no more; adopt those that it shows for the first time."""
        for side, shown in enumerate(book.tolist()):
            levels = self.levels[side]
            prices = {price: size for price, size in shown if size}
            for price in [price for price in levels if price not in prices]:
                for number, left in levels.pop(price).values():
                    self.messages.append((row, time_ns, RecordedOp.FORGET, number, side, price, left))
                    self.live -= 1
            for price, size in prices.items():
                if price not in levels:
                    self.add(row, time_ns, RecordedOp.ADOPT, _ANONYMOUS, side, price, size)
