"""Stops: orders that wait for the last trade price. A buy waits for it to rise to its trigger, a sell for it to fall.

A trailing stop's trigger is its offset away from the best trade price since it came, so that it never moves back.
"""

from __future__ import annotations

from numpy import int32
from numpy import uint64 as U

from .extras import flags_of
from .jit import inlined, kernel
from .layout import (
    BID,
    EXTRAS,
    IS_TRAILING,
    LAST,
    NEVER,
    NEXT,
    SCANNED,
    SIDE,
    STOPS,
    TRAILERS,
    UNSEEN,
    X_OFFSET,
    X_SEEN,
    X_STOP,
    Row,
)

__all__ = ["follow", "reached", "trail"]


@inlined
def trail(row: Row, book: int, price: int) -> None:
    """Let the trailing stops see a trade price."""
    if row[U(book + TRAILERS)] != 0:
        _trail_all(row, book, price)


@kernel
def _trail_all(row: Row, book: int, price: int) -> None:
    half, head = row.view(int32), int(row[U(book + STOPS)])
    row[U(book + SCANNED)] = NEVER
    order = int(half[U(head + NEXT)])
    while order != head:
        if flags_of(row, book, order) & IS_TRAILING:
            follow(row, book, order, price)
        order = int(half[U(order + NEXT)])


@kernel
def follow(row: Row, book: int, order: int, price: int) -> None:
    """Let one trailing stop see a trade price."""
    half, extra = row.view(int32), order + row[U(book + EXTRAS)]
    seen = int(half[U(extra + X_SEEN)])
    if seen != UNSEEN:
        price = min(seen, price) if half[U(order + SIDE)] == book + BID else max(seen, price)
    half[U(extra + X_SEEN)] = price


@kernel
def reached(row: Row, book: int) -> int:
    """Return the oldest stop that the last trade price has reached, or 0."""
    half, head, last = row.view(int32), int(row[U(book + STOPS)]), row[U(book + LAST)]
    if last < 0 or row[U(book + SCANNED)] == last or head == 0:
        return 0
    order = int(half[U(head + NEXT)])
    while order != head:
        extra, sign = order + row[U(book + EXTRAS)], 1 if half[U(order + SIDE)] == book + BID else -1
        stop, is_armed = int(half[U(extra + X_STOP)]), True
        if flags_of(row, book, order) & IS_TRAILING:
            seen = int(half[U(extra + X_SEEN)])
            stop, is_armed = seen + sign * int(half[U(extra + X_OFFSET)]), seen != UNSEEN
        if is_armed and sign * last >= sign * stop:
            return order
        order = int(half[U(order + NEXT)])
    row[U(book + SCANNED)] = last
    return 0
