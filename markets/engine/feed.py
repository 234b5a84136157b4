"""Market data that arrives late: what a seat with a lag may know is the book as it was that long ago.

Each message leaves a snapshot of the best levels, the mark, the phase and how many trades had printed, in a ring that
has room for FEED_CAPACITY of them; messages of one instant overwrite each other's, save that what arrived before the
instant's wake-ups stays apart from what was sent by those. So the public observation at t under a lag d is the
undelayed one at t - d, word for word. A snapshot that was needed and is overwritten already is counted, and never made
up.
"""

from __future__ import annotations

import numpy as np
from numpy import uint64 as U

from .book import best, next_key, side_of
from .jit import inlined, kernel
from .layout import (
    BEST,
    FEED,
    FEED_CAPACITY,
    FEED_HEAD,
    FEED_LEVELS,
    FEED_SHORT,
    FEED_STRIDE,
    FEED_WORDS,
    FLIP,
    LEVEL_WORDS,
    LEVELS,
    MARK,
    NONE,
    NOW,
    PHASE,
    PHASE_ENDS,
    QTY,
    S_BOOK,
    S_LAG,
    SNAP_MARK,
    SNAP_PHASE,
    SNAP_PRINTS,
    SNAP_STAMP,
    SNAP_WORDS,
    TAPE_HEAD,
    Row,
)

__all__ = ["BEFORE_ALL", "keep", "kept_level", "next_shown", "public_best", "public_mark", "public_phase", "snapshot"]

BEFORE_ALL = -(1 << 62)  # the stamp of the opening book


@kernel
def next_shown(row: Row, side: int, key: int) -> int:
    """Return the first key from `key` on at which somebody shows an order, NONE when nobody does."""
    half, levels = row.view(np.int32), row[U(side + LEVELS)]
    while key != NONE and half[U(levels + LEVEL_WORDS * key + QTY)] == 0:
        key = next_key(row, side, key)
    return int(key)


@inlined
def _packed_phase(row: Row, book: int) -> int:
    return int(row[U(book + PHASE_ENDS)] << 2 | row[U(book + PHASE)])


@kernel
def keep(row: Row, book: int, stamp: int) -> None:
    """Write down how a book looks now; what was written with the same stamp is overwritten. Modifies `row` in place."""
    feed = row[U(book + FEED)]
    head, capacity, stride = row[U(feed + FEED_HEAD)], row[U(feed + FEED_CAPACITY)], row[U(feed + FEED_STRIDE)]
    snap = feed + FEED_WORDS + stride * ((head - 1) & (capacity - 1))
    if head == 0 or row[U(snap + SNAP_STAMP)] != stamp:
        snap = feed + FEED_WORDS + stride * (head & (capacity - 1))
        row[U(feed + FEED_HEAD)] = head + 1
    row[U(snap + SNAP_STAMP)], row[U(snap + SNAP_MARK)] = stamp, row[U(book + MARK)]
    row[U(snap + SNAP_PRINTS)] = row[U(book + TAPE_HEAD)]
    row[U(snap + SNAP_PHASE)] = _packed_phase(row, book)
    half, depth, word = row.view(np.int32), row[U(feed + FEED_LEVELS)], snap + SNAP_WORDS
    for s in range(2):
        side = side_of(book, s)
        key = next_shown(row, side, row[U(side + BEST)])
        for _ in range(depth):
            packed = np.int64(0)
            if key != NONE:
                lots = np.int64(half[U(row[U(side + LEVELS)] + LEVEL_WORDS * key + QTY)])
                packed = (key ^ row[U(side + FLIP)]) << 32 | lots
                key = next_shown(row, side, next_key(row, side, key))
            row[U(word)] = packed
            word += 1


@kernel
def snapshot(row: Row, seat: int) -> int:
    """Return the handle of the snapshot that a seat with a lag sees now; count it as short if that is gone."""
    feed = row[U(row[U(seat + S_BOOK)] + FEED)]
    head, capacity, stride = row[U(feed + FEED_HEAD)], row[U(feed + FEED_CAPACITY)], row[U(feed + FEED_STRIDE)]
    wanted = 2 * (row[NOW] - row[U(seat + S_LAG)])
    first, last = max(head - capacity, 0), head - 1  # the latest snapshot that is not after `wanted` is among them
    while first < last:
        middle = (first + last + 1) // 2
        if row[U(feed + FEED_WORDS + stride * (middle & (capacity - 1)) + SNAP_STAMP)] <= wanted:
            first = middle
        else:
            last = middle - 1
    snap = feed + FEED_WORDS + stride * (first & (capacity - 1))
    if row[U(snap + SNAP_STAMP)] > wanted:
        row[U(feed + FEED_SHORT)] += 1
    return int(snap)


@kernel
def kept_level(row: Row, snap: int, depth: int, side_index: int, k: int) -> tuple[int, int]:
    """Return price in ladder ticks and lots of the k-th best level of a snapshot; 0 lots where there is none."""
    packed = row[U(snap + SNAP_WORDS + side_index * depth + k)]
    return int(packed >> 32), int(packed & 0xFFFFFFFF)


@kernel
def public_mark(row: Row, seat: int) -> int:
    """Return the mark in half ticks that a seat knows of."""
    if row[U(seat + S_LAG)] == 0:
        return int(row[U(row[U(seat + S_BOOK)] + MARK)])
    return int(row[U(snapshot(row, seat) + SNAP_MARK)])


@kernel
def public_phase(row: Row, seat: int) -> tuple[int, int]:
    """Return the phase that a seat knows of, and how many ns of it were left then: 0 in continuous trading."""
    book, lag = row[U(seat + S_BOOK)], row[U(seat + S_LAG)]
    packed = _packed_phase(row, book) if lag == 0 else row[U(snapshot(row, seat) + SNAP_PHASE)]
    phase, ends_ns = packed & 3, packed >> 2
    return int(phase), int(ends_ns - (row[U(NOW)] - lag)) if ends_ns != 0 else 0


@kernel
def public_best(row: Row, seat: int, side_index: int) -> int:
    """Return the best price of a side that a seat knows of, in ladder ticks; -1 where there is none."""
    book = row[U(seat + S_BOOK)]
    if row[U(seat + S_LAG)] == 0:
        return best(row, side_of(book, side_index))
    price, lots = kept_level(row, snapshot(row, seat), row[U(row[U(book + FEED)] + FEED_LEVELS)], side_index, 0)
    return price if lots else -1
