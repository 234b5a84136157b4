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
from numpy import uint64 as U

from . import rng
from .book import best, side_index_of, side_of
from .jit import inlined
from .layout import (
    BACKGROUND,
    BUY,
    F_BOUND,
    F_CANCEL,
    F_DEPTH,
    F_KIND,
    F_LIMIT,
    F_MARKET,
    F_SIZE,
    F_STREAM,
    FLOW,
    FLOW_WORDS,
    ID_SHIFT,
    LIVE,
    MARK,
    NOW,
    OP_CANCEL,
    OP_LIMIT,
    OP_MARKET,
    OWNER,
    PRICE,
    RECORDED_FLOW,
    SELL,
    SERIAL,
    SIDE,
    SIDE_FLIP,
    SLOTS,
    TAG,
    Row,
)
from .matching import take
from .recorded import next_recorded, play_recorded

__all__ = ["OP_NOTHING", "anchor", "background", "next_background"]

OP_NOTHING = -1


@inlined
def next_background(row: Row, book: int) -> int:
    """Draw the time in ns of the flow's next event. Modifies `row` in place."""
    reals, flow = row.view(np.float64), row[U(book + FLOW)]
    if row[U(flow + F_KIND)] == RECORDED_FLOW:
        return next_recorded(row, book)
    row[U(flow + F_BOUND)] = row[U(book + LIVE)]
    rate = 2.0 * (reals[U(flow + F_LIMIT)] + reals[U(flow + F_MARKET)])
    rate += row[U(flow + F_BOUND)] * reals[U(flow + F_CANCEL)]
    return int(row[NOW] + 1 + np.int64(rng.exponential(row, flow + F_STREAM) / rate))


@inlined
def background(row: Row, book: int) -> bool:
    """Take in hand what the flow's event of this instant sends; return whether it sends anything. Modifies `row`."""
    if row[U(row[U(book + FLOW)] + F_KIND)] == RECORDED_FLOW:
        return play_recorded(row, book)
    op, side, price, order = _draw(row, book, row[U(book + FLOW)])
    if op == OP_NOTHING:
        return False
    row[SERIAL] += 1
    size = row[U(row[U(book + FLOW)] + F_SIZE)]
    take(row, book, op, side, row[BACKGROUND], price, size, row[SERIAL], order)
    return True


@inlined
def _draw(row: Row, book: int, flow: int) -> tuple[int, int, int, int]:
    """Draw what happens: operation, side, price, and the order that it concerns."""
    reals = row.view(np.float64)
    limits, markets = 2.0 * reals[U(flow + F_LIMIT)], 2.0 * reals[U(flow + F_MARKET)]
    which = rng.uniform(row, flow + F_STREAM) * (limits + markets + row[U(flow + F_BOUND)] * reals[U(flow + F_CANCEL)])
    if which >= limits + markets:
        return _draw_cancel(row, book, flow)
    if which >= limits:
        return OP_MARKET, BUY if which - limits < 0.5 * markets else SELL, 0, 0
    side, share = BUY if which < 0.5 * limits else SELL, rng.uniform(row, flow + F_STREAM)
    distance, last = 1, row[U(flow + F_DEPTH)]
    while distance < last and share >= reals[U(flow + FLOW_WORDS + distance - 1)]:
        distance += 1
    return OP_LIMIT, side, anchor(row, book, side) + (distance if side == SELL else -distance), 0


@inlined
def _draw_cancel(row: Row, book: int, flow: int) -> tuple[int, int, int, int]:
    """Draw which order is cancelled, if any: one of those live when this event was drawn, at its own rate."""
    place = rng.below(row, flow + F_STREAM, row[U(flow + F_BOUND)])
    chance = rng.uniform(row, flow + F_STREAM)
    if place >= row[U(book + LIVE)]:
        return OP_NOTHING, BUY, 0, 0
    half, reals = row.view(np.int32), row.view(np.float64)
    order = np.int64(half[U(row[U(book + SLOTS)] + place)])
    side = side_index_of(book, int(half[U(order + SIDE)]))
    distance = abs(half[U(order + PRICE)] - anchor(row, book, side))
    depth = row[U(flow + F_DEPTH)]
    kept = chance >= reals[U(flow + FLOW_WORDS + depth + min(max(distance, 1), depth) - 1)]
    if kept or half[U(order + OWNER)] != row[BACKGROUND]:
        return OP_NOTHING, BUY, 0, 0
    return OP_CANCEL, side, 0, int(np.int64(half[U(order + TAG)]) << ID_SHIFT | order)


@inlined
def anchor(row: Row, book: int, side: int) -> int:
    """Return the price from which distances of an order on `side` count: the opposite best, else next to the mark."""
    price = best(row, side_of(book, side) ^ SIDE_FLIP)
    if price < 0:
        price = (row[U(book + MARK)] + 2) // 2 if side == BUY else (row[U(book + MARK)] - 1) // 2
    return price
