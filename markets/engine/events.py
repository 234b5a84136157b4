"""The event ring and the tape: what happened, written down as it happens.

The ring has room for EVENT_CAPACITY events. A row that must lose nothing sets EVENT_STOP: a kernel that might write
past the last unread event stops before it changes anything, and answers DRAIN. Else the oldest is overwritten.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .jit import inlined
from .layout import Book, Event, Market, Row, Trade
from .packing import pack_event

__all__ = ["drain", "emit", "has_room", "pour", "print_trade"]


@inlined
def has_room(row: Row, count: int) -> bool:
    """Return whether `count` events can be written without losing one that must not be lost."""
    if row[Market.EVENT_STOP] == 0:
        return True
    return bool(row[Market.EVENT_HEAD] - row[Market.EVENT_TAIL] + count <= row[Market.EVENT_CAPACITY])


@inlined
def emit(row: Row, book: int, kind: int, reason: int, side_index: int, price: int, size: int, order: int, other: int,
         owners: int) -> None:  # fmt: skip
    """Write one event, if its kind is wanted: `price` in ladder ticks, `order` and `other` as tags, `owners` packed."""
    if (row[Market.EVENT_KINDS] >> kind) & 1 == 0:
        return
    head = row[Market.EVENT_HEAD]
    event = row[Market.EVENTS] + Event.WORDS * (head & (row[Market.EVENT_CAPACITY] - 1))
    row[event + Event.TIME] = row[Market.NOW]
    row[event + Event.WHAT] = pack_event(kind, reason, side_index, row[book + Book.INDEX])
    row[event + Event.PRICE] = price + row[book + Book.BASE]
    row[event + Event.SIZE] = size
    row[event + Event.ORDER] = order
    row[event + Event.OTHER] = other
    row[event + Event.OWNERS] = owners
    row[event + Event.CAUSE] = row[Market.MESSAGES]
    row[Market.EVENT_HEAD] = head + 1
    if head - row[Market.EVENT_TAIL] == row[Market.EVENT_CAPACITY]:
        row[Market.EVENT_TAIL] += 1


@inlined
def print_trade(row: Row, book: int, side_index: int, price: int, lots: int, owners: int) -> None:
    """Append a trade to the book's tape, which keeps the last TAPE_CAPACITY: a taker's buy has a positive size."""
    head = row[book + Book.TAPE_HEAD]
    print_ = row[book + Book.TAPE] + Trade.WORDS * (head & (row[book + Book.TAPE_CAPACITY] - 1))
    row[print_ + Trade.TIME] = row[Market.NOW]
    row[print_ + Trade.PRICE] = price
    row[print_ + Trade.SIZE] = lots * (1 - 2 * side_index)
    row[print_ + Trade.OWNERS] = owners
    row[book + Book.TAPE_HEAD] = head + 1


@inlined
def pour(row: Row, log: Any, logged: int) -> int:
    """Move unread events into `log`, `(m * EVENT_WORDS,) int64`, from event `logged` on; return how many it holds then.

    Modifies `row` and `log` in place. What does not fit stays in the ring.
    """
    capacity = row[Market.EVENT_CAPACITY]
    while row[Market.EVENT_TAIL] < row[Market.EVENT_HEAD] and (logged + 1) * Event.WORDS <= log.size:
        event = row[Market.EVENTS] + Event.WORDS * (row[Market.EVENT_TAIL] & (capacity - 1))
        for word in range(Event.WORDS):
            log[logged * Event.WORDS + word] = row[event + word]
        row[Market.EVENT_TAIL] += 1
        logged += 1
    return logged


def drain(row: Row) -> NDArray[np.int64]:
    """Return a copy of the events that were not read yet, oldest first, `(n, EVENT_WORDS)`, and count them as read."""
    tail, head, capacity = int(row[Market.EVENT_TAIL]), int(row[Market.EVENT_HEAD]), int(row[Market.EVENT_CAPACITY])
    first = int(row[Market.EVENTS])
    ring = row[first : first + Event.WORDS * capacity].reshape(capacity, Event.WORDS)
    unread: NDArray[np.int64] = ring[np.arange(tail, head) & (capacity - 1)]
    row[Market.EVENT_TAIL] = head
    return unread
