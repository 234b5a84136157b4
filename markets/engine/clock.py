"""What is pending in a market, soonest first: a four-way heap of (time, key, what, argument) in the row.

The key decides among things due at the same nanosecond. Its top bits say what goes first: calls and halts that end,
calls that begin, messages that are on their way, then wake-ups, so that everybody who decides at an instant sees the
same book, then messages sent at that very instant. Below comes a number that the sender drew from its own stream, then
the order in which it sent.
"""

from __future__ import annotations

from .jit import inlined, kernel
from .layout import Entry, Market, Row

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
    node = row[Market.QUEUED]
    if node == row[Market.QUEUE_CAPACITY]:
        row[Market.LOST] += 1
        return False
    row[Market.QUEUED] = node + 1
    queue = row[Market.QUEUE]
    while node > 0:
        up = (node - 1) // BRANCHES
        parent = queue + up * Entry.WORDS
        time = row[parent]
        if time < time_ns or (time == time_ns and row[parent + Entry.KEY] <= key):
            break
        _copy(row, parent, queue + node * Entry.WORDS)
        node = up
    _write(row, queue + node * Entry.WORDS, time_ns, key, what, arg)
    return True


@inlined
def replace(row: Row, time_ns: int, key: int, what: int, arg: int) -> None:
    """Drop the first pending thing and add another, in one descent. Modifies `row` in place."""
    _sift_down(row, 0, time_ns, key, what, arg)


@inlined
def pop(row: Row) -> None:
    """Drop the first pending thing; the heap must not be empty. Modifies `row` in place."""
    row[Market.QUEUED] -= 1
    last = row[Market.QUEUE] + row[Market.QUEUED] * Entry.WORDS
    if row[Market.QUEUED] > 0:
        _sift_down(row, 0, row[last], row[last + Entry.KEY], row[last + Entry.WHAT], row[last + Entry.ARG])


@inlined
def _sift_down(row: Row, node: int, time_ns: int, key: int, what: int, arg: int) -> None:
    queue, pending = row[Market.QUEUE], row[Market.QUEUED]
    while True:
        child = node * BRANCHES + 1
        if child >= pending:
            break
        first = queue + child * Entry.WORDS
        time, tie = row[first], row[first + Entry.KEY]
        for k in range(child + 1, min(child + BRANCHES, pending)):
            other = queue + k * Entry.WORDS
            if row[other] < time or (row[other] == time and row[other + Entry.KEY] < tie):
                child, first, time, tie = k, other, row[other], row[other + Entry.KEY]
        if time_ns < time or (time_ns == time and key <= tie):
            break
        _copy(row, first, queue + node * Entry.WORDS)
        node = child
    _write(row, queue + node * Entry.WORDS, time_ns, key, what, arg)


@inlined
def _copy(row: Row, source: int, target: int) -> None:
    for k in range(Entry.WORDS):
        row[target + k] = row[source + k]


@inlined
def _write(row: Row, entry: int, time_ns: int, key: int, what: int, arg: int) -> None:
    row[entry] = time_ns
    row[entry + Entry.KEY] = key
    row[entry + Entry.WHAT] = what
    row[entry + Entry.ARG] = arg
