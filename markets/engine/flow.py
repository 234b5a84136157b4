"""Background flow: the crowd that trades without a reason (Cont, Stoikov, Talreja, Oper. Res. 2010).

On each side limit orders arrive at each distance from the opposite best price, each resting order is cancelled at a
rate that depends on its distance, and market orders arrive, all independently and at exponential times. The next
event is drawn at the total rate of what may happen, with every live order cancelled at the highest rate; an event
that falls on too high a rate, or on an order that is not the crowd's, is a time at which nothing happens. Since
between two events only others trade, and a live order never moves to a later place, the bound holds and the flow
is exact.
"""

from __future__ import annotations

import numpy as np

from . import rng
from .book import best, side_index_of, side_of
from .jit import inlined
from .layout import Book, Flow, Market, Order, Row, Side
from .matching import take
from .packing import pair
from .recorded import next_recorded, play_recorded
from .terms import BUY, SELL, FlowKind, Op

__all__ = ["OP_NOTHING", "anchor", "background", "next_background"]

OP_NOTHING = -1


@inlined
def next_background(row: Row, book: int) -> int:
    """Draw the time in ns of the flow's next event. Modifies `row` in place."""
    reals, flow = row.view(np.float64), row[book + Book.FLOW]
    if row[flow + Flow.KIND] == FlowKind.RECORDED:
        return next_recorded(row, book)
    row[flow + Flow.BOUND] = row[book + Book.LIVE]
    rate = 2.0 * (reals[flow + Flow.LIMIT] + reals[flow + Flow.MARKET])
    rate += row[flow + Flow.BOUND] * reals[flow + Flow.CANCEL]
    return int(row[Market.NOW] + 1 + np.int64(rng.exponential(row, flow + Flow.STREAM) / rate))


@inlined
def background(row: Row, book: int) -> bool:
    """Take in hand what the flow's event of this instant sends; return whether it sends anything. Modifies `row`."""
    if row[row[book + Book.FLOW] + Flow.KIND] == FlowKind.RECORDED:
        return play_recorded(row, book)
    op, side, price, order = _draw(row, book, row[book + Book.FLOW])
    if op == OP_NOTHING:
        return False
    row[Market.SERIAL] += 1
    size = row[row[book + Book.FLOW] + Flow.SIZE]
    take(row, book, op, side, row[Market.BACKGROUND], price, size, row[Market.SERIAL], order)
    return True


@inlined
def _draw(row: Row, book: int, flow: int) -> tuple[int, int, int, int]:
    """Draw what happens: operation, side, price, and the order that it concerns."""
    reals = row.view(np.float64)
    limits, markets = 2.0 * reals[flow + Flow.LIMIT], 2.0 * reals[flow + Flow.MARKET]
    which = rng.uniform(row, flow + Flow.STREAM) * (
        limits + markets + row[flow + Flow.BOUND] * reals[flow + Flow.CANCEL]
    )
    if which >= limits + markets:
        return _draw_cancel(row, book, flow)
    if which >= limits:
        return Op.MARKET, BUY if which - limits < 0.5 * markets else SELL, 0, 0
    side, share = BUY if which < 0.5 * limits else SELL, rng.uniform(row, flow + Flow.STREAM)
    distance, last = 1, row[flow + Flow.DEPTH]
    while distance < last and share >= reals[flow + Flow.WORDS + distance - 1]:
        distance += 1
    return Op.LIMIT, side, anchor(row, book, side) + (distance if side == SELL else -distance), 0


@inlined
def _draw_cancel(row: Row, book: int, flow: int) -> tuple[int, int, int, int]:
    """Draw which order is cancelled, if any: one of those live when this event was drawn, at its own rate."""
    place = rng.below(row, flow + Flow.STREAM, row[flow + Flow.BOUND])
    chance = rng.uniform(row, flow + Flow.STREAM)
    if place >= row[book + Book.LIVE]:
        return OP_NOTHING, BUY, 0, 0
    i32, reals = row.view(np.int32), row.view(np.float64)
    order = int(i32[row[book + Book.SLOTS] + place])
    side = side_index_of(book, int(i32[order + Order.SIDE]))
    distance = abs(i32[order + Order.PRICE] - anchor(row, book, side))
    depth = row[flow + Flow.DEPTH]
    kept = chance >= reals[flow + Flow.WORDS + depth + min(max(distance, 1), depth) - 1]
    if kept or i32[order + Order.OWNER] != row[Market.BACKGROUND]:
        return OP_NOTHING, BUY, 0, 0
    return Op.CANCEL, side, 0, pair(int(i32[order + Order.TAG]), order)


@inlined
def anchor(row: Row, book: int, side: int) -> int:
    """Return the price from which distances of an order on `side` count: the opposite best, else next to the mark."""
    price = best(row, side_of(book, side) ^ Side.SWAP)
    if price < 0:
        price = (row[book + Book.MARK] + 2) // 2 if side == BUY else (row[book + Book.MARK] - 1) // 2
    return price
