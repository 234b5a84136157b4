"""What is pending in a market, soonest first: a four-way heap of (time, key, what, argument) in the row.

The key decides among things due at the same nanosecond. Its top bits say what goes first: calls and halts that end,
calls that begin, messages that are on their way, then wake-ups, so that everybody who decides at an instant sees the
same book, then messages sent at that very instant. Below comes a number that the sender drew from its own stream, then
the order in which it sent.
"""

from __future__ import annotations

from numpy import uint64 as U

from .jit import inlined, kernel
from .layout import (
    LOST,
    Q_ARG,
    Q_KEY,
    Q_WHAT,
    QUEUE,
    QUEUE_CAPACITY,
    QUEUE_WORDS,
    QUEUED,
    Row,
)

__all__ = [
    "AT_ONCE",
    "BEGINNING",
    "BRANCHES",
    "ENDING",
    "ON_ITS_WAY",
    "TIE_BITS",
    "TIE_SHIFT",
    "WAKE_UP",
    "pop",
    "push",
    "replace",
]

BRANCHES = 4
ENDING, BEGINNING, ON_ITS_WAY, WAKE_UP, AT_ONCE = -2, -1, 0, 1 << 60, 2 << 60  # classes of keys
TIE_BITS = 40  # drawn by the sender
TIE_SHIFT = 16  # below: the order in which it sent


@kernel
def push(row: Row, time_ns: int, key: int, what: int, arg: int) -> bool:
    """Add a pending thing; return False, and count it as lost, when the heap is full. Modifies `row` in place."""
    node = row[QUEUED]
    if node == row[QUEUE_CAPACITY]:
        row[LOST] += 1
        return False
    row[QUEUED] = node + 1
    queue = row[QUEUE]
    while node > 0:
        up = (node - 1) // BRANCHES
        parent = queue + up * QUEUE_WORDS
        time = row[U(parent)]
        if time < time_ns or (time == time_ns and row[U(parent + Q_KEY)] <= key):
            break
        _copy(row, parent, queue + node * QUEUE_WORDS)
        node = up
    _write(row, queue + node * QUEUE_WORDS, time_ns, key, what, arg)
    return True


@inlined
def replace(row: Row, time_ns: int, key: int, what: int, arg: int) -> None:
    """Drop the first pending thing and add another, in one descent. Modifies `row` in place."""
    _sift_down(row, 0, time_ns, key, what, arg)


@inlined
def pop(row: Row) -> None:
    """Drop the first pending thing; the heap must not be empty. Modifies `row` in place."""
    row[QUEUED] -= 1
    last = row[QUEUE] + row[QUEUED] * QUEUE_WORDS
    if row[QUEUED] > 0:
        _sift_down(row, 0, row[U(last)], row[U(last + Q_KEY)], row[U(last + Q_WHAT)], row[U(last + Q_ARG)])


@inlined
def _sift_down(row: Row, node: int, time_ns: int, key: int, what: int, arg: int) -> None:
    queue, pending = row[QUEUE], row[QUEUED]
    while True:
        child = node * BRANCHES + 1
        if child >= pending:
            break
        first = queue + child * QUEUE_WORDS
        time, tie = row[U(first)], row[U(first + Q_KEY)]
        for k in range(child + 1, min(child + BRANCHES, pending)):
            other = queue + k * QUEUE_WORDS
            if row[U(other)] < time or (row[U(other)] == time and row[U(other + Q_KEY)] < tie):
                child, first, time, tie = k, other, row[U(other)], row[U(other + Q_KEY)]
        if time_ns < time or (time_ns == time and key <= tie):
            break
        _copy(row, first, queue + node * QUEUE_WORDS)
        node = child
    _write(row, queue + node * QUEUE_WORDS, time_ns, key, what, arg)


@inlined
def _copy(row: Row, source: int, target: int) -> None:
    for k in range(QUEUE_WORDS):
        row[U(target + k)] = row[U(source + k)]


@inlined
def _write(row: Row, entry: int, time_ns: int, key: int, what: int, arg: int) -> None:
    row[U(entry)] = time_ns
    row[U(entry + Q_KEY)] = key
    row[U(entry + Q_WHAT)] = what
    row[U(entry + Q_ARG)] = arg
