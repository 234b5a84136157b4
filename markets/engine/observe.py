"""What a seat sees, as reals: its account and the clock, its own orders, the best levels, the last trades.

An observation is mirror-symmetric: distances count away from the mark, in ticks, on the seat's own side of the book,
so that a bid and an ask equally far away read the same. What is not there (a level, an order, a trade) reads zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import uint64 as U
from numpy.typing import NDArray

from .book import find, next_key, side_index_of
from .feed import kept_level, next_shown, public_phase, snapshot
from .jit import kernel
from .layout import (
    ASK,
    AUCTION,
    BASE,
    BEST,
    BID,
    BOOK,
    CASH,
    CLOSE,
    FEED,
    FEED_LEVELS,
    FEED_SHORT,
    FLIP,
    HALF_TICK,
    HALT,
    HALT_NS,
    INDEX,
    LEVEL_WORDS,
    LEVELS,
    MAKER,
    MARK,
    NONE,
    NOW,
    OPEN,
    POSITION,
    PREV,
    PRICE,
    QTY,
    S_BOOK,
    S_LAG,
    S_LEVELS,
    S_PRINTS,
    S_ROLE,
    S_SLOTS,
    SIDE,
    SNAP_MARK,
    SNAP_PRINTS,
    T_PRICE,
    T_SIZE,
    T_TIME,
    TAPE,
    TAPE_CAPACITY,
    TAPE_HEAD,
    TAPE_WORDS,
    UNIT_VALUE,
    Row,
)
from .ledger import account_of, seat_number, wealth

__all__ = [
    "ACCOUNT_REALS",
    "CLOCK_REALS",
    "LEVEL_REALS",
    "ORDER_REALS",
    "PHASE_REALS",
    "PRINT_REALS",
    "QUOTES",
    "Reals",
    "observe",
]

Reals = NDArray[np.floating[Any]]

ACCOUNT_REALS, CLOCK_REALS, ORDER_REALS, LEVEL_REALS, PRINT_REALS, PHASE_REALS = 2, 1, 3, 2, 3, 3
QUOTES = 2  # a maker's orders: its bid and its ask


@kernel
def observe(row: Row, seat: int, out: Reals) -> int:
    """Write what a seat sees now to `out`; return how many reals that is. Modifies `out` in place.

    A seat with a lag sees the book, the trades and the mark as they were then; its account and its orders are its own.

    In this order: position in lots, wealth in currency; share of the session that is left; for a maker, of its bid and
    its ask, distance, open lots and lots ahead in the queue; distance and lots of each bid level, best first, then of
    each ask level; distance, lots (positive: the taker bought) and age in seconds of each trade, latest first; where a
    clock changes the phase, 1 in a call, 1 in a halt, and the seconds until it ends.
    """
    number, book = seat_number(row, seat), row[U(seat + S_BOOK)]
    account = account_of(row, number)
    lag = row[U(seat + S_LAG)]
    snap = snapshot(row, seat) if lag else 0
    mark = row[U(snap + SNAP_MARK)] if lag else row[U(book + MARK)]
    out[U(0)] = row[U(account + POSITION + row[U(book + INDEX)])]
    worth = _worth_at(row, book, account, mark) if lag else wealth(row, number)
    out[U(1)] = worth * row.view(np.float64)[UNIT_VALUE]
    out[U(2)] = (row[CLOSE] - row[NOW]) / max(row[CLOSE] - row[OPEN], 1)
    n = ACCOUNT_REALS + CLOCK_REALS
    if row[U(seat + S_ROLE)] == MAKER:
        for place in range(QUOTES):
            _own_order(row, book, row[U(seat + S_SLOTS + place)], mark, out, n)
            n += ORDER_REALS
    levels = row[U(seat + S_LEVELS)]
    for side in (book + BID, book + ASK):
        if lag:
            _kept_levels(row, side, snap, mark, levels, out, n)
        else:
            _levels(row, side, mark, levels, out, n)
        n += levels * LEVEL_REALS
    prints = row[U(seat + S_PRINTS)]
    printed = row[U(snap + SNAP_PRINTS)] if lag else row[U(book + TAPE_HEAD)]
    _prints(row, book, mark, row[NOW] - lag, printed, prints, out, n)
    n += prints * PRINT_REALS
    if row[U(book + HALT_NS)] == 0:
        return int(n)
    phase, left_ns = public_phase(row, seat)
    out[U(n)], out[U(n + 1)], out[U(n + 2)] = phase == AUCTION, phase == HALT, left_ns * 1e-9
    return int(n + PHASE_REALS)


@kernel
def _own_order(row: Row, book: int, order_id: int, mark: int, out: Reals, n: int) -> None:
    half, order = row.view(np.int32), find(row, book, order_id)
    out[U(n)] = out[U(n + 1)] = out[U(n + 2)] = 0.0
    if order == 0:
        return
    out[U(n)] = _distance(row, half[U(order + SIDE)], half[U(order + PRICE)], mark)
    out[U(n + 1)] = half[U(order + QTY)]
    side = half[U(order + SIDE)]
    level = row[U(side + LEVELS)] + LEVEL_WORDS * (half[U(order + PRICE)] ^ row[U(side + FLIP)])
    ahead, other = 0, half[U(order + PREV)]
    while other != level:
        ahead += half[U(other + QTY)]
        other = half[U(other + PREV)]
    out[U(n + 2)] = ahead


@kernel
def _levels(row: Row, side: int, mark: int, levels: int, out: Reals, n: int) -> None:
    half, key = row.view(np.int32), next_shown(row, side, row[U(side + BEST)])
    for k in range(levels):
        at = n + k * LEVEL_REALS
        if key == NONE:
            out[U(at)] = out[U(at + 1)] = 0.0
            continue
        out[U(at)] = _distance(row, side, key ^ row[U(side + FLIP)], mark)
        out[U(at + 1)] = half[U(row[U(side + LEVELS)] + LEVEL_WORDS * key + QTY)]
        if k + 1 < levels:
            key = next_shown(row, side, next_key(row, side, key))


@kernel
def _kept_levels(row: Row, side: int, snap: int, mark: int, levels: int, out: Reals, n: int) -> None:
    book = row[U(side + BOOK)]
    depth = row[U(row[U(book + FEED)] + FEED_LEVELS)]
    for k in range(levels):
        price, lots = kept_level(row, snap, depth, side_index_of(book, side), k)
        out[U(n + k * LEVEL_REALS)] = _distance(row, side, price, mark) if lots else 0.0
        out[U(n + k * LEVEL_REALS + 1)] = lots


@kernel
def _prints(row: Row, book: int, mark: int, now: int, head: int, prints: int, out: Reals, n: int) -> None:
    """Write the last of `head` trades, latest first, with their age at `now`."""
    capacity = row[U(book + TAPE_CAPACITY)]
    if head - min(prints, head) < row[U(book + TAPE_HEAD)] - capacity:
        row[U(row[U(book + FEED)] + FEED_SHORT)] += 1
    for k in range(prints):
        at = n + k * PRINT_REALS
        if k >= head:
            out[U(at)] = out[U(at + 1)] = out[U(at + 2)] = 0.0
            continue
        trade = row[U(book + TAPE)] + ((head - 1 - k) & (capacity - 1)) * TAPE_WORDS
        out[U(at)] = row[U(trade + T_PRICE)] - 0.5 * mark
        out[U(at + 1)] = row[U(trade + T_SIZE)]
        out[U(at + 2)] = (now - row[U(trade + T_TIME)]) * 1e-9


@kernel
def _worth_at(row: Row, book: int, account: int, mark: int) -> int:
    """Return cash and the position in a book at a mark, in money units; without a mark the position counts 0."""
    position = row[U(account + POSITION + row[U(book + INDEX)])]
    value = position * (mark + 2 * row[U(book + BASE)]) * HALF_TICK if mark >= 0 else 0
    return int(row[U(account + CASH)] + value)


@kernel
def _distance(row: Row, side: int, price: int, mark: int) -> float:
    """Return how far a price lies from the mark in ticks, away from the other side counting as positive."""
    away = price - 0.5 * mark
    return away if row[U(side + FLIP)] == 0 else -away
