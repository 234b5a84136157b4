"""The ledger: who paid whom. What one account gets another gives, to the unit, so every column sums to zero.

Money is counted in hundredths of tick x lot. The mark is the mid in half ticks, the last that two sides agreed on; it
moves between messages, never inside one, so that a sweep earns and pays against the market that it found.
"""

from __future__ import annotations

from numpy import float64
from numpy import uint64 as U

from .jit import inlined
from .layout import (
    ACCOUNT_STRIDE,
    ACCOUNTS,
    ASK,
    BASE,
    BEST,
    BID,
    BOOK_COUNT,
    BOOK_WORDS,
    BOOKS,
    CASH,
    EDGE,
    FILLS,
    FLIP,
    HALF_TICK,
    INDEX,
    MARK,
    MAX_MONEY,
    MONEY,
    NONE,
    NOW,
    OVERFLOWED,
    POSITION,
    S_ACCRUED,
    S_EXPOSURE,
    SEAT_COUNT,
    SEAT_WORDS,
    SEATS,
    VOLUME,
    Row,
)

__all__ = ["account_of", "accrue", "remark", "seat_number", "settle", "wealth"]


@inlined
def account_of(row: Row, owner: int) -> int:
    """Return the handle of an owner's account."""
    return int(row[U(ACCOUNTS)] + row[U(ACCOUNT_STRIDE)] * owner)


@inlined
def seat_number(row: Row, seat: int) -> int:
    """Return the number of a seat, which is its account's too."""
    return int((seat - row[SEATS]) // SEAT_WORDS)


@inlined
def settle(row: Row, book: int, buyer: int, seller: int, price: int, lots: int) -> None:
    """Exchange `lots` for cash at `price` (ladder ticks) between two owners, and count what each earned on the mark."""
    cash = lots * (price + row[U(book + BASE)]) * MONEY
    mark = row[U(book + MARK)]
    edge = lots * (mark - 2 * price) * HALF_TICK if mark >= 0 else 0
    position = POSITION + row[U(book + INDEX)]
    accrue(row, buyer)
    accrue(row, seller)
    _book_fill(row, account_of(row, buyer), position, lots, -cash, edge, lots)
    _book_fill(row, account_of(row, seller), position, -lots, cash, -edge, lots)


@inlined
def _book_fill(row: Row, account: int, position: int, bought: int, cash: int, edge: int, lots: int) -> None:
    money = row[U(account + CASH)] + cash
    if money > MAX_MONEY or money < -MAX_MONEY:
        row[U(OVERFLOWED)] = 1
    row[U(account + CASH)] = money
    row[U(account + position)] += bought
    row[U(account + EDGE)] += edge
    row[U(account + FILLS)] += 1
    row[U(account + VOLUME)] += lots


@inlined
def accrue(row: Row, owner: int) -> None:
    """Add what an owner has held since its exposure was last counted, lots squared times seconds, if it has a seat."""
    if owner >= row[U(SEAT_COUNT)]:
        return
    seat, account = row[U(SEATS)] + SEAT_WORDS * owner, account_of(row, owner)
    seconds = (row[U(NOW)] - row[U(seat + S_ACCRUED)]) * 1e-9
    row[U(seat + S_ACCRUED)] = row[U(NOW)]
    for k in range(row[U(BOOK_COUNT)]):
        lots = float64(row[U(account + POSITION + k)])
        row.view(float64)[U(seat + S_EXPOSURE)] += lots * lots * seconds


@inlined
def remark(row: Row, book: int) -> None:
    """Set the book's mark to the mid of its best prices, in half ticks; leave it while a side is empty."""
    bid, ask = row[U(book + BID + BEST)], row[U(book + ASK + BEST)]
    if bid != NONE and ask != NONE:
        row[U(book + MARK)] = (bid ^ row[U(book + BID + FLIP)]) + (ask ^ row[U(book + ASK + FLIP)])


@inlined
def wealth(row: Row, owner: int) -> int:
    """Return an owner's cash and positions at the marks, in money units; without a mark a position counts 0."""
    account = account_of(row, owner)
    money = int(row[U(account + CASH)])
    for k in range(row[U(BOOK_COUNT)]):
        book = row[U(BOOKS)] + BOOK_WORDS * k
        if row[U(book + MARK)] >= 0:
            money += row[U(account + POSITION + k)] * (row[U(book + MARK)] + 2 * row[U(book + BASE)]) * HALF_TICK
    return money
