"""The ledger: who paid whom. What one account gets another gives, to the unit, so every column sums to zero.

Money is counted in hundredths of tick x lot. The mark is the mid in half ticks, the last that two sides agreed on; it
moves between messages, never inside one, so that a sweep earns and pays against the market that it found.
"""

from __future__ import annotations

from numpy import float64

from .jit import inlined
from .layout import Account, Book, Fill, Market, Rejection, Row, Seat, Side
from .terms import HALF_TICK, MAX_MONEY, MONEY, NONE

__all__ = [
    "account_of",
    "accrue",
    "exchange",
    "log_reject",
    "remark",
    "seat_number",
    "transfer_positions",
    "wealth",
]


@inlined
def account_of(row: Row, owner: int) -> int:
    """Return the handle of an owner's account."""
    return int(row[Market.ACCOUNTS] + row[Market.ACCOUNT_STRIDE] * owner)


@inlined
def seat_number(row: Row, seat: int) -> int:
    """Return the number of a seat, which is its account's too."""
    return int((seat - row[Market.SEATS]) // Seat.WORDS)


@inlined
def exchange(row: Row, book: int, buyer: int, seller: int, price: int, lots: int, maker: int) -> None:
    """Exchange `lots` for cash at `price` (ladder ticks) between two owners, and count what each earned on the mark.

    `maker` is which of them was the maker, -1 in a call auction.
    """
    cash = lots * (price + row[book + Book.BASE]) * MONEY
    mark = row[book + Book.MARK]
    edge = lots * (mark - 2 * price) * HALF_TICK if mark >= 0 else 0
    position = Account.POSITION + row[book + Book.INDEX]
    accrue(row, buyer)
    accrue(row, seller)
    _book_fill(row, account_of(row, buyer), position, lots, -cash, edge, lots)
    _book_fill(row, account_of(row, seller), position, -lots, cash, -edge, lots)
    _log_fill(row, buyer, price, lots, maker)
    _log_fill(row, seller, price, -lots, maker)


@inlined
def _book_fill(row: Row, account: int, position: int, bought: int, cash: int, edge: int, lots: int) -> None:
    money = row[account + Account.CASH] + cash
    if money > MAX_MONEY or money < -MAX_MONEY:
        row[Market.OVERFLOWED] = 1
    row[account + Account.CASH] = money
    row[account + position] += bought
    row[account + Account.EDGE] += edge
    row[account + Account.FILLS] += 1
    row[account + Account.VOLUME] += lots


@inlined
def _log_fill(row: Row, owner: int, price: int, bought: int, maker: int) -> None:
    """Note a fill for the seat of an owner, if it has one."""
    if owner >= row[Market.SEAT_COUNT]:
        return
    seat = row[Market.SEATS] + Seat.WORDS * owner
    if row[seat + Seat.FILL_CAPACITY]:
        fill = row[seat + Seat.FILLS] + row[seat + Seat.FILLS_LOGGED] % row[seat + Seat.FILL_CAPACITY] * Fill.WORDS
        row[fill + Fill.PRICE], row[fill + Fill.SIZE], row[fill + Fill.IS_MAKER] = price, bought, int(owner == maker)
    row[seat + Seat.FILLS_LOGGED] += 1


@inlined
def log_reject(row: Row, owner: int, reason: int, word: int) -> None:
    """Note a reject for the seat of an owner, if it has one; `word` is that of its client order slot, 0 for none."""
    if not 0 <= owner < row[Market.SEAT_COUNT]:
        return
    seat = row[Market.SEATS] + Seat.WORDS * owner
    if row[seat + Seat.REJECT_CAPACITY]:
        number = row[seat + Seat.REJECTS_LOGGED] % row[seat + Seat.REJECT_CAPACITY]
        rejection = row[seat + Seat.REJECTS] + number * Rejection.WORDS
        row[rejection + Rejection.REASON] = reason
        row[rejection + Rejection.SLOT] = (word - row[seat + Seat.SLOTS]) // 2 if word else -1
    row[seat + Seat.REJECTS_LOGGED] += 1


@inlined
def transfer_positions(row: Row, owner: int, to: int) -> None:
    """Give an owner's positions to another account for what they are worth at the marks."""
    giver, taker = account_of(row, owner), account_of(row, to)
    accrue(row, owner)
    for k in range(row[Market.BOOK_COUNT]):
        book = row[Market.BOOKS] + Book.WORDS * k
        lots = row[giver + Account.POSITION + k]
        mark = row[book + Book.MARK]
        value = lots * (mark + 2 * row[book + Book.BASE]) * HALF_TICK if mark >= 0 else 0
        row[giver + Account.POSITION + k], row[giver + Account.CASH] = 0, row[giver + Account.CASH] + value
        row[taker + Account.POSITION + k] += lots
        row[taker + Account.CASH] -= value


@inlined
def accrue(row: Row, owner: int) -> None:
    """Add what an owner has held since its exposure was last counted, lots squared times seconds, if it has a seat."""
    if owner >= row[Market.SEAT_COUNT]:
        return
    seat, account = row[Market.SEATS] + Seat.WORDS * owner, account_of(row, owner)
    seconds = (row[Market.NOW] - row[seat + Seat.ACCRUED]) * 1e-9
    row[seat + Seat.ACCRUED] = row[Market.NOW]
    for k in range(row[Market.BOOK_COUNT]):
        lots = float64(row[account + Account.POSITION + k])
        row.view(float64)[seat + Seat.EXPOSURE] += lots * lots * seconds


@inlined
def remark(row: Row, book: int) -> None:
    """Set the book's mark to the mid of its best prices, in half ticks; leave it while a side is empty."""
    bid, ask = row[book + Book.BID + Side.BEST], row[book + Book.ASK + Side.BEST]
    if bid != NONE and ask != NONE:
        row[book + Book.MARK] = (bid ^ row[book + Book.BID + Side.FLIP]) + (ask ^ row[book + Book.ASK + Side.FLIP])


@inlined
def wealth(row: Row, owner: int) -> int:
    """Return an owner's cash and positions at the marks, in money units; without a mark a position counts 0."""
    account = account_of(row, owner)
    money = int(row[account + Account.CASH])
    for k in range(row[Market.BOOK_COUNT]):
        book = row[Market.BOOKS] + Book.WORDS * k
        if row[book + Book.MARK] >= 0:
            money += (
                row[account + Account.POSITION + k] * (row[book + Book.MARK] + 2 * row[book + Book.BASE]) * HALF_TICK
            )
    return money
