"""The phases of a market: continuous trading, a call, a halt; and how the clock of a venue goes from one to the next.

In a book of its own a message names the next phase. In a market the venue sends that message, when it stands in the
heap of what is pending: each scheduled call's beginning and end from the first, a halt's end once there is a halt. A
scheduled call takes over from a halt, and from the call after one, whose own ends count no more.

A halting band lies around a reference price, the opening one. Each call that clears is the new reference, and the band
moves with it; else a market that has left its band would halt at every trade from then on.
"""

from __future__ import annotations

from numpy import uint64 as U

from .clock import ENDING, push
from .events import emit
from .extras import shown_best
from .jit import inlined, kernel
from .layout import (
    ASK,
    AUCTION,
    BASE,
    BID,
    BOOK_WORDS,
    BOOKS,
    BUY,
    CALL_BEGINS,
    CALL_ENDS,
    CAME,
    CONTINUOUS,
    HALT,
    HALT_ENDS,
    HALT_HIGH,
    HALT_LOW,
    HALT_NS,
    INDEX,
    KEEP,
    LAST,
    M_STAGE,
    NEVER,
    NO_LIMIT,
    NO_TAG,
    NOW,
    OK,
    OP_PHASE,
    OP_UNCROSS,
    PHASE,
    PHASE_CHANGE,
    PHASE_ENDS,
    PHASED,
    REFERENCE,
    REOPENING_NS,
    SCANNED,
    VENUE,
    Row,
)
from .matching import prepare

__all__ = ["change_phase", "take_change"]


@kernel
def change_phase(row: Row, book: int, phase: int, price: int) -> None:
    """Go on in another phase; `price` is what a call cleared at, in ladder ticks, minus BASE for none."""
    row[U(book + PHASE)] = phase
    row[U(book + SCANNED)] = NEVER
    emit(row, book, PHASED, OK, 0, price, phase, NO_TAG, NO_TAG, 0)
    if row[U(book + HALT_NS)] == 0:
        return
    if phase == HALT:
        _ends_in(row, book, HALT_ENDS, row[U(book + HALT_NS)])
    elif phase == CONTINUOUS:
        row[U(book + PHASE_ENDS)] = 0
        if price + row[U(book + BASE)] <= 0:  # where nothing trades, what is on show says where the market is
            bid, ask = shown_best(row, book, book + BID), shown_best(row, book, book + ASK)
            price = (bid + ask) // 2 if bid >= 0 and ask >= 0 else row[U(book + REFERENCE)] - row[U(book + BASE)]
        _refer_to(row, book, price + row[U(book + BASE)])


@kernel
def take_change(row: Row, what: int, until_ns: int) -> bool:
    """Take in hand, for `special`, the message that a pending change of phase means; return False if it means none.

    `what` and `until_ns` are the entry's Q_WHAT and Q_ARG. Ties of a call's price go to the last trade, and before the
    first one to the reference.
    """
    book, how = row[U(BOOKS)] + (what >> 8) * BOOK_WORDS, what >> 4 & 15
    begins = how == CALL_BEGINS
    if begins:
        row[U(book + PHASE_ENDS)] = until_ns
    elif row[U(book + PHASE_ENDS)] != row[U(NOW)] or (how == HALT_ENDS) != (row[U(book + PHASE)] == HALT):
        return False  # of a phase that another has taken over from
    elif how == HALT_ENDS and row[U(book + REOPENING_NS)] != 0:
        begins = True
        _ends_in(row, book, CALL_ENDS, row[U(book + REOPENING_NS)])
    price = KEEP if row[U(book + LAST)] >= 0 else row[U(book + REFERENCE)] - row[U(book + BASE)]
    op, phase = (OP_PHASE, AUCTION) if begins else (OP_UNCROSS, CONTINUOUS)
    prepare(row, book, op, BUY, row[U(VENUE)], price, phase, NO_TAG, 0)
    row[U(M_STAGE)] = CAME
    return True


@kernel
def _ends_in(row: Row, book: int, how: int, length_ns: int) -> None:
    """Note when the phase that begins now will end."""
    row[U(book + PHASE_ENDS)] = row[U(NOW)] + length_ns
    push(row, row[U(book + PHASE_ENDS)], ENDING, PHASE_CHANGE | how << 4 | row[U(book + INDEX)] << 8, 0)


@inlined
def _refer_to(row: Row, book: int, price: int) -> None:
    """Move the reference, and with it a halting band, to a price that counts from zero."""
    if row[U(book + HALT_HIGH)] != NO_LIMIT:
        row[U(book + HALT_LOW)] += price - row[U(book + REFERENCE)]
        row[U(book + HALT_HIGH)] += price - row[U(book + REFERENCE)]
    row[U(book + REFERENCE)] = price
