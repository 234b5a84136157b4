"""What a seat sees, as reals: its account and the clock, its own orders, the best levels, the last trades.

An observation is mirror-symmetric: distances count away from the mark, in ticks, on the seat's own side of the book,
so that a bid and an ask equally far away read the same. What is not there (a level, an order, a trade) reads zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .book import find, next_key, side_index_of
from .feed import kept_level, next_shown, public_phase, snapshot
from .jit import kernel
from .layout import Account, Book, Feed, Level, Market, Order, Row, Seat, Side, Snapshot, Trade
from .ledger import account_of, seat_number, wealth
from .terms import HALF_TICK, NONE, Phase, Role

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
    number, book = seat_number(row, seat), row[seat + Seat.BOOK]
    account = account_of(row, number)
    lag = row[seat + Seat.LAG]
    snap = snapshot(row, seat) if lag else 0
    mark = row[snap + Snapshot.MARK] if lag else row[book + Book.MARK]
    out[0] = row[account + Account.POSITION + row[book + Book.INDEX]]
    worth = _worth_at(row, book, account, mark) if lag else wealth(row, number)
    out[1] = worth * row.view(np.float64)[Market.UNIT_VALUE]
    out[2] = (row[Market.CLOSE] - row[Market.NOW]) / max(row[Market.CLOSE] - row[Market.OPEN], 1)
    n = ACCOUNT_REALS + CLOCK_REALS
    if row[seat + Seat.ROLE] == Role.MAKER:
        for place in range(QUOTES):
            _own_order(row, book, row[seat + Seat.SLOTS + place], mark, out, n)
            n += ORDER_REALS
    levels = row[seat + Seat.LEVELS]
    for side in (book + Book.BID, book + Book.ASK):
        if lag:
            _kept_levels(row, side, snap, mark, levels, out, n)
        else:
            _levels(row, side, mark, levels, out, n)
        n += levels * LEVEL_REALS
    prints = row[seat + Seat.TRADES]
    printed = row[snap + Snapshot.TRADES] if lag else row[book + Book.TAPE_HEAD]
    _prints(row, book, mark, row[Market.NOW] - lag, printed, prints, out, n)
    n += prints * PRINT_REALS
    if row[book + Book.HALT_NS] == 0:
        return int(n)
    phase, left_ns = public_phase(row, seat)
    out[n], out[n + 1], out[n + 2] = phase == Phase.AUCTION, phase == Phase.HALT, left_ns * 1e-9
    return int(n + PHASE_REALS)


@kernel
def _own_order(row: Row, book: int, order_id: int, mark: int, out: Reals, n: int) -> None:
    i32, order = row.view(np.int32), find(row, book, order_id)
    out[n] = out[n + 1] = out[n + 2] = 0.0
    if order == 0:
        return
    out[n] = _distance(row, i32[order + Order.SIDE], i32[order + Order.PRICE], mark)
    out[n + 1] = i32[order + Order.QTY]
    side = i32[order + Order.SIDE]
    level = row[side + Side.LEVELS] + Level.WORDS * (i32[order + Order.PRICE] ^ row[side + Side.FLIP])
    ahead, other = 0, i32[order + Order.PREV]
    while other != level:
        ahead += i32[other + Order.QTY]
        other = i32[other + Order.PREV]
    out[n + 2] = ahead


@kernel
def _levels(row: Row, side: int, mark: int, levels: int, out: Reals, n: int) -> None:
    i32, key = row.view(np.int32), next_shown(row, side, row[side + Side.BEST])
    for k in range(levels):
        at = n + k * LEVEL_REALS
        if key == NONE:
            out[at] = out[at + 1] = 0.0
            continue
        out[at] = _distance(row, side, key ^ row[side + Side.FLIP], mark)
        out[at + 1] = i32[row[side + Side.LEVELS] + Level.WORDS * key + Level.QTY]
        if k + 1 < levels:
            key = next_shown(row, side, next_key(row, side, key))


@kernel
def _kept_levels(row: Row, side: int, snap: int, mark: int, levels: int, out: Reals, n: int) -> None:
    book = row[side + Side.BOOK]
    depth = row[row[book + Book.FEED] + Feed.LEVELS]
    for k in range(levels):
        price, lots = kept_level(row, snap, depth, side_index_of(book, side), k)
        out[n + k * LEVEL_REALS] = _distance(row, side, price, mark) if lots else 0.0
        out[n + k * LEVEL_REALS + 1] = lots


@kernel
def _prints(row: Row, book: int, mark: int, now: int, head: int, prints: int, out: Reals, n: int) -> None:
    """Write the last of `head` trades, latest first, with their age at `now`."""
    capacity = row[book + Book.TAPE_CAPACITY]
    if head - min(prints, head) < row[book + Book.TAPE_HEAD] - capacity:
        row[row[book + Book.FEED] + Feed.SHORT] += 1
    for k in range(prints):
        at = n + k * PRINT_REALS
        if k >= head:
            out[at] = out[at + 1] = out[at + 2] = 0.0
            continue
        trade = row[book + Book.TAPE] + ((head - 1 - k) & (capacity - 1)) * Trade.WORDS
        out[at] = row[trade + Trade.PRICE] - 0.5 * mark
        out[at + 1] = row[trade + Trade.SIZE]
        out[at + 2] = (now - row[trade + Trade.TIME]) * 1e-9


@kernel
def _worth_at(row: Row, book: int, account: int, mark: int) -> int:
    """Return cash and the position in a book at a mark, in money units; without a mark the position counts 0."""
    position = row[account + Account.POSITION + row[book + Book.INDEX]]
    value = position * (mark + 2 * row[book + Book.BASE]) * HALF_TICK if mark >= 0 else 0
    return int(row[account + Account.CASH] + value)


@kernel
def _distance(row: Row, side: int, price: int, mark: int) -> float:
    """Return how far a price lies from the mark in ticks, away from the other side counting as positive."""
    away = price - 0.5 * mark
    return away if row[side + Side.FLIP] == 0 else -away
