"""Market data that arrives late: what a seat with a lag may know is the book as it was that long ago.

Each message leaves a snapshot of the best levels, the mark, the phase and how many trades had printed, in a ring that
has room for FEED_CAPACITY of them; messages of one instant overwrite each other's, save that what arrived before the
instant's wake-ups stays apart from what was sent by those. So the public observation at t under a lag d is the
undelayed one at t - d, word for word. A snapshot that was needed and is overwritten already is counted, and never made
up.
"""

from __future__ import annotations

import numpy as np

from .book import best, next_key, side_of
from .jit import inlined, kernel
from .layout import Book, Feed, Level, Market, Row, Seat, Side, Snapshot
from .packing import lower, pack_phase, pair, phase_of, upper
from .terms import NONE

__all__ = ["BEFORE_ALL", "keep", "kept_level", "next_shown", "public_best", "public_mark", "public_phase", "snapshot"]

BEFORE_ALL = -(1 << 62)  # the stamp of the opening book


@inlined
def next_shown(row: Row, side: int, key: int) -> int:
    """Return the first key from `key` on at which somebody shows an order, NONE when nobody does."""
    i32, levels = row.view(np.int32), row[side + Side.LEVELS]
    while key != NONE and i32[levels + Level.WORDS * key + Level.QTY] == 0:
        key = next_key(row, side, key)
    return int(key)


@inlined
def _packed_phase(row: Row, book: int) -> int:
    return int(pack_phase(row[book + Book.PHASE], row[book + Book.PHASE_ENDS]))


@kernel
def keep(row: Row, book: int, stamp: int) -> None:
    """Write down how a book looks now; what was written with the same stamp is overwritten. Modifies `row` in place."""
    feed = row[book + Book.FEED]
    head, capacity, stride = row[feed + Feed.HEAD], row[feed + Feed.CAPACITY], row[feed + Feed.STRIDE]
    snap = feed + Feed.WORDS + stride * ((head - 1) & (capacity - 1))
    if head == 0 or row[snap + Snapshot.STAMP] != stamp:
        snap = feed + Feed.WORDS + stride * (head & (capacity - 1))
        row[feed + Feed.HEAD] = head + 1
    row[snap + Snapshot.STAMP], row[snap + Snapshot.MARK] = stamp, row[book + Book.MARK]
    row[snap + Snapshot.TRADES] = row[book + Book.TAPE_HEAD]
    row[snap + Snapshot.PHASE] = _packed_phase(row, book)
    i32, depth, word = row.view(np.int32), row[feed + Feed.LEVELS], snap + Snapshot.WORDS
    for s in range(2):
        side = side_of(book, s)
        key = next_shown(row, side, row[side + Side.BEST])
        for _ in range(depth):
            packed = 0
            if key != NONE:
                lots = int(i32[row[side + Side.LEVELS] + Level.WORDS * key + Level.QTY])
                packed = pair(key ^ row[side + Side.FLIP], lots)
                key = next_shown(row, side, next_key(row, side, key))
            row[word] = packed
            word += 1


@kernel
def snapshot(row: Row, seat: int) -> int:
    """Return the handle of the snapshot that a seat with a lag sees now; count it as short if that is gone."""
    feed = row[row[seat + Seat.BOOK] + Book.FEED]
    head, capacity, stride = row[feed + Feed.HEAD], row[feed + Feed.CAPACITY], row[feed + Feed.STRIDE]
    wanted = 2 * (row[Market.NOW] - row[seat + Seat.LAG])
    first, last = max(head - capacity, 0), head - 1  # the latest snapshot that is not after `wanted` is among them
    while first < last:
        middle = (first + last + 1) // 2
        if row[feed + Feed.WORDS + stride * (middle & (capacity - 1)) + Snapshot.STAMP] <= wanted:
            first = middle
        else:
            last = middle - 1
    snap = feed + Feed.WORDS + stride * (first & (capacity - 1))
    if row[snap + Snapshot.STAMP] > wanted:
        row[feed + Feed.SHORT] += 1
    return int(snap)


@kernel
def kept_level(row: Row, snap: int, depth: int, side_index: int, k: int) -> tuple[int, int]:
    """Return price in ladder ticks and lots of the k-th best level of a snapshot; 0 lots where there is none."""
    packed = row[snap + Snapshot.WORDS + side_index * depth + k]
    return upper(packed), lower(packed)


@kernel
def public_mark(row: Row, seat: int) -> int:
    """Return the mark in half ticks that a seat knows of."""
    if row[seat + Seat.LAG] == 0:
        return int(row[row[seat + Seat.BOOK] + Book.MARK])
    return int(row[snapshot(row, seat) + Snapshot.MARK])


@kernel
def public_phase(row: Row, seat: int) -> tuple[int, int]:
    """Return the phase that a seat knows of, and how many ns of it were left then: 0 in continuous trading."""
    book, lag = row[seat + Seat.BOOK], row[seat + Seat.LAG]
    packed = _packed_phase(row, book) if lag == 0 else row[snapshot(row, seat) + Snapshot.PHASE]
    phase, ends_ns = phase_of(packed)
    return int(phase), int(ends_ns - (row[Market.NOW] - lag)) if ends_ns != 0 else 0


@kernel
def public_best(row: Row, seat: int, side_index: int) -> int:
    """Return the best price of a side that a seat knows of, in ladder ticks; -1 where there is none."""
    book = row[seat + Seat.BOOK]
    if row[seat + Seat.LAG] == 0:
        return best(row, side_of(book, side_index))
    price, lots = kept_level(row, snapshot(row, seat), row[row[book + Book.FEED] + Feed.LEVELS], side_index, 0)
    return price if lots else -1
