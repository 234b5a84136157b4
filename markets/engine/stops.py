"""Stops: orders that wait for the last trade price. A buy waits for it to rise to its trigger, a sell for it to fall.

A trailing stop's trigger is its offset away from the best trade price since it came, so that it never moves back.
"""

from __future__ import annotations

from numpy import int32

from .extras import flags_of
from .jit import inlined, kernel
from .layout import Book, Extra, Level, Order, Row
from .terms import NEVER, UNSEEN, Flag

__all__ = ["follow", "reached", "trail"]


@inlined
def trail(row: Row, book: int, price: int) -> None:
    """Let the trailing stops see a trade price."""
    if row[book + Book.TRAILERS] != 0:
        _trail_all(row, book, price)


@kernel
def _trail_all(row: Row, book: int, price: int) -> None:
    i32, head = row.view(int32), int(row[book + Book.STOPS])
    row[book + Book.SCANNED] = NEVER
    order = int(i32[head + Level.NEXT])
    while order != head:
        if flags_of(row, book, order) & Flag.TRAILING:
            follow(row, book, order, price)
        order = int(i32[order + Order.NEXT])


@kernel
def follow(row: Row, book: int, order: int, price: int) -> None:
    """Let one trailing stop see a trade price."""
    i32, extra = row.view(int32), order + row[book + Book.EXTRAS]
    seen = int(i32[extra + Extra.SEEN])
    if seen != UNSEEN:
        price = min(seen, price) if i32[order + Order.SIDE] == book + Book.BID else max(seen, price)
    i32[extra + Extra.SEEN] = price


@kernel
def reached(row: Row, book: int) -> int:
    """Return the oldest stop that the last trade price has reached, or 0."""
    i32, head, last = row.view(int32), int(row[book + Book.STOPS]), row[book + Book.LAST]
    if last < 0 or row[book + Book.SCANNED] == last or head == 0:
        return 0
    order = int(i32[head + Level.NEXT])
    while order != head:
        extra, sign = order + row[book + Book.EXTRAS], 1 if i32[order + Order.SIDE] == book + Book.BID else -1
        stop, is_armed = int(i32[extra + Extra.STOP]), True
        if flags_of(row, book, order) & Flag.TRAILING:
            seen = int(i32[extra + Extra.SEEN])
            stop, is_armed = seen + sign * int(i32[extra + Extra.OFFSET]), seen != UNSEEN
        if is_armed and sign * last >= sign * stop:
            return order
        order = int(i32[order + Order.NEXT])
    row[book + Book.SCANNED] = last
    return 0
