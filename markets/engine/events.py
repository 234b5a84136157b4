"""The event ring and the tape: what happened, written down as it happens.

The ring has room for EVENT_CAPACITY events. A row that must lose nothing sets EVENT_STOP: a kernel that might write
past the last unread event stops before it changes anything, and answers DRAIN. Else the oldest is overwritten.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import uint64 as U
from numpy.typing import NDArray

from .jit import inlined
from .layout import (
    BASE,
    E_CAUSE,
    E_ORDER,
    E_OTHER,
    E_OWNERS,
    E_PRICE,
    E_SIZE,
    E_TIME,
    E_WHAT,
    EVENT_CAPACITY,
    EVENT_HEAD,
    EVENT_KINDS,
    EVENT_STOP,
    EVENT_TAIL,
    EVENT_WORDS,
    EVENTS,
    INDEX,
    MESSAGES,
    NOW,
    T_OWNERS,
    T_PRICE,
    T_SIZE,
    T_TIME,
    TAPE,
    TAPE_CAPACITY,
    TAPE_HEAD,
    TAPE_WORDS,
    Row,
)

__all__ = ["drain", "emit", "has_room", "pour", "print_trade", "what"]


@inlined
def has_room(row: Row, count: int) -> bool:
    """Return whether `count` events can be written without losing one that must not be lost."""
    if row[U(EVENT_STOP)] == 0:
        return True
    return bool(row[U(EVENT_HEAD)] - row[U(EVENT_TAIL)] + count <= row[U(EVENT_CAPACITY)])


@inlined
def what(row: Row, kind: int, reason: int, side_index: int, book: int) -> int:
    """Return the E_WHAT of an event."""
    return int(kind | reason << 8 | side_index << 16 | row[U(book + INDEX)] << 24)


@inlined
def emit(row: Row, book: int, kind: int, reason: int, side_index: int, price: int, size: int, order: int, other: int,
         owners: int) -> None:  # fmt: skip
    """Write one event, if its kind is wanted: `price` in ladder ticks, `order` and `other` as tags, `owners` packed."""
    if (row[U(EVENT_KINDS)] >> kind) & 1 == 0:
        return
    head = row[U(EVENT_HEAD)]
    event = row[U(EVENTS)] + EVENT_WORDS * (head & (row[U(EVENT_CAPACITY)] - 1))
    row[U(event + E_TIME)] = row[U(NOW)]
    row[U(event + E_WHAT)] = what(row, kind, reason, side_index, book)
    row[U(event + E_PRICE)] = price + row[U(book + BASE)]
    row[U(event + E_SIZE)] = size
    row[U(event + E_ORDER)] = order
    row[U(event + E_OTHER)] = other
    row[U(event + E_OWNERS)] = owners
    row[U(event + E_CAUSE)] = row[U(MESSAGES)]
    row[U(EVENT_HEAD)] = head + 1
    if head - row[U(EVENT_TAIL)] == row[U(EVENT_CAPACITY)]:
        row[U(EVENT_TAIL)] += 1


@inlined
def print_trade(row: Row, book: int, side_index: int, price: int, lots: int, owners: int) -> None:
    """Append a trade to the book's tape, which keeps the last TAPE_CAPACITY: a taker's buy has a positive size."""
    head = row[U(book + TAPE_HEAD)]
    print_ = row[U(book + TAPE)] + TAPE_WORDS * (head & (row[U(book + TAPE_CAPACITY)] - 1))
    row[U(print_ + T_TIME)] = row[U(NOW)]
    row[U(print_ + T_PRICE)] = price
    row[U(print_ + T_SIZE)] = lots * (1 - 2 * side_index)
    row[U(print_ + T_OWNERS)] = owners
    row[U(book + TAPE_HEAD)] = head + 1


@inlined
def pour(row: Row, log: Any, logged: int) -> int:
    """Move unread events into `log`, `(m * EVENT_WORDS,) int64`, from event `logged` on; return how many it holds then.

    Modifies `row` and `log` in place. What does not fit stays in the ring.
    """
    capacity = row[U(EVENT_CAPACITY)]
    while row[U(EVENT_TAIL)] < row[U(EVENT_HEAD)] and (logged + 1) * EVENT_WORDS <= log.size:
        event = row[U(EVENTS)] + EVENT_WORDS * (row[U(EVENT_TAIL)] & (capacity - 1))
        for word in range(EVENT_WORDS):
            log[U(logged * EVENT_WORDS + word)] = row[U(event + word)]
        row[U(EVENT_TAIL)] += 1
        logged += 1
    return logged


def drain(row: Row) -> NDArray[np.int64]:
    """Return a copy of the events that were not read yet, oldest first, `(n, EVENT_WORDS)`, and count them as read."""
    tail, head, capacity = int(row[EVENT_TAIL]), int(row[EVENT_HEAD]), int(row[EVENT_CAPACITY])
    first = int(row[EVENTS])
    ring = row[first : first + EVENT_WORDS * capacity].reshape(capacity, EVENT_WORDS)
    unread: NDArray[np.int64] = ring[np.arange(tail, head) & (capacity - 1)]
    row[EVENT_TAIL] = head
    return unread
