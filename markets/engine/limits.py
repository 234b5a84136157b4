"""What a venue asks of one owner: a position that no fill can push beyond its limit, so many open orders, so many new
ones in a window of time; and what it charges for a trade.
"""

from __future__ import annotations

from numpy import int32

from .extras import open_size
from .jit import inlined, kernel
from .layout import Account, Book, Market, Order, Row
from .ledger import account_of
from .terms import BUY, MONEY, NO_LIMIT, Reason

__all__ = ["charge", "count_order", "is_crowd", "limit_fault", "position_fault", "position_room"]

_FEE_PARTS = 10_000 * 10_000  # a fee of 1 is a ten-thousandth of a basis point


@inlined
def is_crowd(row: Row, book: int, owner: int) -> bool:
    """Return whether an account is that of a flow in the background: many people, so that no rule is about it."""
    return bool(row[book + Book.FLOW] != 0 and owner == row[Market.BACKGROUND])


@inlined
def position_room(row: Row, book: int, owner: int, side_index: int) -> int:
    """Return how many lots more an owner may ask for on a side, or NO_LIMIT: its open orders of that side count."""
    if row[book + Book.MOST_POSITION] == NO_LIMIT or is_crowd(row, book, owner):
        return NO_LIMIT
    i32 = row.view(int32)
    lots = row[account_of(row, owner) + Account.POSITION + row[book + Book.INDEX]] * (1 if side_index == BUY else -1)
    for place in range(row[book + Book.LIVE]):
        order = int(i32[row[book + Book.SLOTS] + place])
        if i32[order + Order.OWNER] == owner and (i32[order + Order.SIDE] == book + Book.BID) == (side_index == BUY):
            lots += open_size(row, book, order)
    return int(row[book + Book.MOST_POSITION] - lots)


@inlined
def position_fault(row: Row, book: int, owner: int, side_index: int, more: int) -> int:
    """Return POSITION_LIMIT if all of an owner's open orders of a side, and `more` lots, could lead beyond it."""
    return Reason.POSITION_LIMIT if more > position_room(row, book, owner, side_index) else Reason.OK


@inlined
def limit_fault(row: Row, book: int, owner: int, side_index: int, size: int, stays: int) -> int:
    """Return which limit a new order breaks, or OK; `stays` is 1 for one that may be open after its message."""
    reason = position_fault(row, book, owner, side_index, size)
    if reason != Reason.OK or is_crowd(row, book, owner):
        return reason
    if stays and row[book + Book.MOST_ORDERS] != NO_LIMIT:
        i32, count = row.view(int32), 0
        for place in range(row[book + Book.LIVE]):
            count += i32[i32[row[book + Book.SLOTS] + place] + Order.OWNER] == owner
        if count >= row[book + Book.MOST_ORDERS]:
            return Reason.ORDER_LIMIT
    if row[book + Book.MOST_RATE] != NO_LIMIT:
        rate = row[Market.RATES] + 2 * owner
        in_window = row[rate] == row[Market.NOW] // row[book + Book.RATE_WINDOW]
        if (row[rate + 1] if in_window else 0) >= row[book + Book.MOST_RATE]:
            return Reason.RATE_LIMIT
    return Reason.OK


@inlined
def count_order(row: Row, book: int, owner: int) -> None:
    """Count a new order that was accepted, in its window of time."""
    if row[book + Book.MOST_RATE] == NO_LIMIT:
        return
    rate, window = row[Market.RATES] + 2 * owner, row[Market.NOW] // row[book + Book.RATE_WINDOW]
    row[rate + 1] = row[rate + 1] + 1 if row[rate] == window else 1
    row[rate] = window


@kernel
def charge(row: Row, book: int, owner: int, price: int, lots: int, is_maker: int) -> None:
    """Let an owner pay the venue for one side of a fill: by value, rounded half away from zero, and by lot."""
    rate = row[book + (Book.MAKER_FEE if is_maker else Book.TAKER_FEE)]
    per_lot = row[book + (Book.MAKER_FEE_PER_LOT if is_maker else Book.TAKER_FEE_PER_LOT)]
    if rate == 0 and per_lot == 0:
        return
    value, size = lots * (price + row[book + Book.BASE]) * MONEY, abs(rate)
    whole, rest = value // _FEE_PARTS, value % _FEE_PARTS  # value x rate would not fit 64 bits
    fee = whole * size + (2 * rest * size + _FEE_PARTS) // (2 * _FEE_PARTS)
    fee = (fee if rate >= 0 else -fee) + per_lot * lots
    account, venue = account_of(row, owner), account_of(row, row[Market.VENUE])
    row[account + Account.CASH] -= fee
    row[account + Account.FEES] += fee
    row[venue + Account.CASH] += fee
