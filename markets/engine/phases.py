"""The phases of a market: continuous trading, a call, a halt; and how the clock of a venue goes from one to the next.

In a book of its own a message names the next phase. In a market the venue sends that message, when it stands in the
heap of what is pending: each scheduled call's beginning and end from the first, a halt's end once there is a halt. A
scheduled call takes over from a halt, and from the call after one, whose own ends count no more.

A halting band lies around a reference price, the opening one. Each call that clears is the new reference, and the band
moves with it; else a market that has left its band would halt at every trade from then on.
"""

from __future__ import annotations

from .clock import ENDING, push
from .events import emit
from .extras import shown_best
from .jit import inlined, kernel
from .layout import Book, Market, Message, Row
from .matching import prepare
from .packing import change_of, pack_change
from .terms import BUY, KEEP, NEVER, NO_LIMIT, NO_TAG, Change, Kind, Op, Phase, Reason, Stage

__all__ = ["change_phase", "take_change"]


@kernel
def change_phase(row: Row, book: int, phase: int, price: int) -> None:
    """Go on in another phase; `price` is what a call cleared at, in ladder ticks, minus BASE for none."""
    row[book + Book.PHASE] = phase
    row[book + Book.SCANNED] = NEVER
    emit(row, book, Kind.PHASED, Reason.OK, 0, price, phase, NO_TAG, NO_TAG, 0)
    if row[book + Book.HALT_NS] == 0:
        return
    if phase == Phase.HALT:
        _ends_in(row, book, Change.HALT_ENDS, row[book + Book.HALT_NS])
    elif phase == Phase.CONTINUOUS:
        row[book + Book.PHASE_ENDS] = 0
        if price + row[book + Book.BASE] <= 0:  # where nothing trades, what is on show says where the market is
            bid, ask = shown_best(row, book, book + Book.BID), shown_best(row, book, book + Book.ASK)
            price = (bid + ask) // 2 if bid >= 0 and ask >= 0 else row[book + Book.REFERENCE] - row[book + Book.BASE]
        _refer_to(row, book, price + row[book + Book.BASE])


@kernel
def take_change(row: Row, what: int, until_ns: int) -> bool:
    """Take in hand, for `special`, the message that a pending change of phase means; return False if it means none.

    `what` and `until_ns` are the entry's WHAT and ARG. Ties of a call's price go to the last trade, and before the
    first one to the reference.
    """
    how, number = change_of(what)
    book = row[Market.BOOKS] + number * Book.WORDS
    begins = how == Change.CALL_BEGINS
    if begins:
        row[book + Book.PHASE_ENDS] = until_ns
    elif row[book + Book.PHASE_ENDS] != row[Market.NOW] or (how == Change.HALT_ENDS) != (
        row[book + Book.PHASE] == Phase.HALT
    ):
        return False  # of a phase that another has taken over from
    elif how == Change.HALT_ENDS and row[book + Book.REOPENING_NS] != 0:
        begins = True
        _ends_in(row, book, Change.CALL_ENDS, row[book + Book.REOPENING_NS])
    price = KEEP if row[book + Book.LAST] >= 0 else row[book + Book.REFERENCE] - row[book + Book.BASE]
    op, phase = (Op.PHASE, Phase.AUCTION) if begins else (Op.UNCROSS, Phase.CONTINUOUS)
    prepare(row, book, op, BUY, row[Market.VENUE], price, phase, NO_TAG, 0)
    row[Message.STAGE] = Stage.CAME
    return True


@kernel
def _ends_in(row: Row, book: int, how: int, length_ns: int) -> None:
    """Note when the phase that begins now will end."""
    row[book + Book.PHASE_ENDS] = row[Market.NOW] + length_ns
    push(row, row[book + Book.PHASE_ENDS], ENDING, pack_change(how, row[book + Book.INDEX]), 0)


@inlined
def _refer_to(row: Row, book: int, price: int) -> None:
    """Move the reference, and with it a halting band, to a price that counts from zero."""
    if row[book + Book.HALT_HIGH] != NO_LIMIT:
        row[book + Book.HALT_LOW] += price - row[book + Book.REFERENCE]
        row[book + Book.HALT_HIGH] += price - row[book + Book.REFERENCE]
    row[book + Book.REFERENCE] = price
