"""What a venue asks of one owner: a position that no fill can push beyond its limit, so many open orders, so many new
ones in a window of time; and what it charges for a trade.
"""

from __future__ import annotations

from numpy import int32
from numpy import uint64 as U

from .extras import open_size
from .jit import inlined, kernel
from .layout import (
    BACKGROUND,
    BASE,
    BID,
    BUY,
    CASH,
    FEES,
    FLOW,
    INDEX,
    LIVE,
    MAKER_FEE,
    MAKER_FEE_PER_LOT,
    MONEY,
    MOST_ORDERS,
    MOST_POSITION,
    MOST_RATE,
    NO_LIMIT,
    NOW,
    OK,
    ORDER_LIMIT,
    OWNER,
    POSITION,
    POSITION_LIMIT,
    RATE_LIMIT,
    RATE_WINDOW,
    RATES,
    SIDE,
    SLOTS,
    TAKER_FEE,
    TAKER_FEE_PER_LOT,
    VENUE,
    Row,
)
from .ledger import account_of

__all__ = ["charge", "count_order", "is_crowd", "limit_fault", "position_fault"]

_FEE_PARTS = 10_000 * 10_000  # a fee of 1 is a ten-thousandth of a basis point


@inlined
def is_crowd(row: Row, book: int, owner: int) -> bool:
    """Return whether an account is that of a flow in the background: many people, so that no rule is about it."""
    return bool(row[U(book + FLOW)] != 0 and owner == row[U(BACKGROUND)])


@inlined
def position_fault(row: Row, book: int, owner: int, side_index: int, more: int) -> int:
    """Return POSITION_LIMIT if all of an owner's open orders of a side, and `more` lots, could lead beyond it."""
    if row[U(book + MOST_POSITION)] == NO_LIMIT or is_crowd(row, book, owner):
        return OK
    half = row.view(int32)
    lots = row[U(account_of(row, owner) + POSITION + row[U(book + INDEX)])] * (1 if side_index == BUY else -1) + more
    for place in range(row[U(book + LIVE)]):
        order = int(half[U(row[U(book + SLOTS)] + place)])
        if half[U(order + OWNER)] == owner and (half[U(order + SIDE)] == book + BID) == (side_index == BUY):
            lots += open_size(row, book, order)
    return POSITION_LIMIT if lots > row[U(book + MOST_POSITION)] else OK


@inlined
def limit_fault(row: Row, book: int, owner: int, side_index: int, size: int, stays: int) -> int:
    """Return which limit a new order breaks, or OK; `stays` is 1 for one that may be open after its message."""
    reason = position_fault(row, book, owner, side_index, size)
    if reason != OK or is_crowd(row, book, owner):
        return reason
    if stays and row[U(book + MOST_ORDERS)] != NO_LIMIT:
        half, count = row.view(int32), 0
        for place in range(row[U(book + LIVE)]):
            count += half[U(half[U(row[U(book + SLOTS)] + place)] + OWNER)] == owner
        if count >= row[U(book + MOST_ORDERS)]:
            return ORDER_LIMIT
    if row[U(book + MOST_RATE)] != NO_LIMIT:
        rate = row[U(RATES)] + 2 * owner
        in_window = row[U(rate)] == row[U(NOW)] // row[U(book + RATE_WINDOW)]
        if (row[U(rate + 1)] if in_window else 0) >= row[U(book + MOST_RATE)]:
            return RATE_LIMIT
    return OK


@inlined
def count_order(row: Row, book: int, owner: int) -> None:
    """Count a new order that was accepted, in its window of time."""
    if row[U(book + MOST_RATE)] == NO_LIMIT:
        return
    rate, window = row[U(RATES)] + 2 * owner, row[U(NOW)] // row[U(book + RATE_WINDOW)]
    row[U(rate + 1)] = row[U(rate + 1)] + 1 if row[U(rate)] == window else 1
    row[U(rate)] = window


@kernel
def charge(row: Row, book: int, owner: int, price: int, lots: int, is_maker: int) -> None:
    """Let an owner pay the venue for one side of a fill: by value, rounded half away from zero, and by lot."""
    rate = row[U(book + (MAKER_FEE if is_maker else TAKER_FEE))]
    per_lot = row[U(book + (MAKER_FEE_PER_LOT if is_maker else TAKER_FEE_PER_LOT))]
    if rate == 0 and per_lot == 0:
        return
    value, size = lots * (price + row[U(book + BASE)]) * MONEY, abs(rate)
    whole, rest = value // _FEE_PARTS, value % _FEE_PARTS  # value x rate would not fit 64 bits
    fee = whole * size + (2 * rest * size + _FEE_PARTS) // (2 * _FEE_PARTS)
    fee = (fee if rate >= 0 else -fee) + per_lot * lots
    account, venue = account_of(row, owner), account_of(row, row[U(VENUE)])
    row[U(account + CASH)] -= fee
    row[U(account + FEES)] += fee
    row[U(venue + CASH)] += fee
