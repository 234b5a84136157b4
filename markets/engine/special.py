"""Every message that a plain book does not take: special orders, special rules, calls and halts.

The stages of a message, any of which an event ring without room may interrupt: it CAME, is checked and accepted; the
taker goes WALKING through the other side, SHARING a level out by size where the venue does; LEAVING, what is left of it
rests, waits or ends; then, ELECTING, each stop that the last trade price has reached is carried out as a taker of its
own. A mass cancel goes TAKING_OUT, an uncross CALLING and UNWINDING, then ELECTING.

`special` answers as `matching.handle` does; the outcome in the header is the message's own, whatever stops it elected.
"""

from __future__ import annotations

from numpy import int32
from numpy import uint64 as U

from .arrival import arrive
from .auction import cancel_unfilled, trade_call
from .book import free_slot, level_at, side_index_of, side_of, take_slot
from .events import emit, has_room
from .extras import enqueue, leave_queue, level_lots, mark_as, park, remark_shown, unmark
from .intent import carry_out
from .jit import inlined, kernel
from .layout import (
    ARRIVED,
    BASE,
    CALL_PRICE,
    CALLING,
    CAME,
    CANCELLED,
    CONTINUOUS,
    DONE,
    DRAIN,
    ELECTING,
    EXTRAS,
    ID_SHIFT,
    IDLE,
    IS_ICEBERG,
    IS_STOP_LIMIT,
    IS_WAITING,
    LAST,
    LEAVING,
    LEVEL_FULL,
    M_BOOK,
    M_CURSOR,
    M_DISPLAY,
    M_FILLED,
    M_FLAGS,
    M_HELD,
    M_OP,
    M_ORDER,
    M_OWNER,
    M_PRICE,
    M_REASON,
    M_ROOT,
    M_SIDE,
    M_SIZE,
    M_STAGE,
    M_STOP,
    M_TAG,
    M_TAKEN,
    MAX_SIZE,
    NO_TAG,
    OK,
    OP_AON,
    OP_LIMIT,
    OP_MARKET,
    OP_MODIFY,
    OWNER,
    PHASE,
    PRICE,
    QTY,
    REFUSED_CODE,
    ROOT_FILLED,
    ROOT_OP,
    ROOT_ORDER,
    ROOT_TAG,
    ROOT_TAKEN,
    SHARING,
    SIDE,
    SLOTS,
    TAG,
    TAKING_OUT,
    TRIGGERED,
    UNFILLED,
    UNWINDING,
    WALKING,
    X_DISPLAY,
    Row,
)
from .matching import refuse
from .phases import change_phase
from .probe import lots_left
from .rules import regate
from .stops import reached
from .taking import take_out, walk

__all__ = ["special"]


@kernel
def special(row: Row, _seat: int) -> int:
    """Work on the message in hand until it is done, or events have to be read. Modifies `row` in place."""
    if row[U(M_STAGE)] == ARRIVED:  # as a plain one
        row[U(M_FLAGS)] = row[U(M_DISPLAY)] = row[U(M_STOP)] = 0
        row[U(M_STAGE)] = CAME
    if row[U(M_STAGE)] == CAME:
        if not has_room(row, 4):
            return DRAIN
        reason = arrive(row)
        if reason != OK:
            return refuse(row, reason)
    while row[U(M_STAGE)] != IDLE:
        if not _go_on(row):
            return DRAIN
    return DONE if row[U(M_REASON)] == OK else REFUSED_CODE


@inlined
def _go_on(row: Row) -> bool:
    """Do a stage of the message in hand; return False to drain first."""
    stage, book = row[U(M_STAGE)], row[U(M_BOOK)]
    if stage in (WALKING, SHARING):
        if not walk(row):
            return False
        row[U(M_STAGE)] = LEAVING
    elif stage == LEAVING:
        if not has_room(row, 1):
            return False
        _leave(row, book)
        row[U(M_STAGE)] = ELECTING
    elif stage == ELECTING:
        if not has_room(row, 2):
            return False
        if not _elect(row, book):
            _end(row, book)
    elif stage == TAKING_OUT:
        if not _take_all_out(row, book):
            return False
        row[U(M_STAGE)] = ELECTING
    elif stage == CALLING:
        if not trade_call(row):
            return False
        row[U(M_STAGE)] = UNWINDING
    elif stage == UNWINDING:
        if not cancel_unfilled(row) or not has_room(row, 1):
            return False
        change_phase(row, book, CONTINUOUS, row[U(CALL_PRICE)])
        row[U(M_STAGE)] = ELECTING
    return True


@inlined
def _leave(row: Row, book: int) -> None:
    """Rest what is left of the taker in hand, let it wait for the end of a call, or cancel it."""
    op, left, held = row[U(M_OP)], lots_left(row), row[U(M_HELD)]
    side, price = side_of(book, row[U(M_SIDE)]), row[U(M_PRICE)]
    waits = op == OP_MARKET and row[U(book + PHASE)] != CONTINUOUS
    rests, reason = op in (OP_LIMIT, OP_AON, OP_MODIFY), UNFILLED
    if rests and left > 0 and level_lots(row, book, level_at(row, side, price)) + left > MAX_SIZE:
        rests, reason = False, LEVEL_FULL
    row[U(M_ORDER)] = row[U(M_HELD)] = 0
    if left > 0 and (rests or waits):
        order = _slot_in_hand(row, book, held)
        mark_as(row, book, order, IS_WAITING if waits else row[U(M_FLAGS)])
        if waits:
            park(row, book, side, order, price, left)
        else:
            enqueue(row, book, side, order, price, left)
        row[U(M_ORDER)] = row[U(M_TAG)] << ID_SHIFT | order
        return
    if left > 0:
        row[U(M_TAKEN)] = left
        emit(row, book, CANCELLED, reason, row[U(M_SIDE)], price, left, row[U(M_TAG)], NO_TAG, row[U(M_OWNER)])
    if held != 0:
        free_slot(row, held)


@inlined
def _slot_in_hand(row: Row, book: int, held: int) -> int:
    """Return the slot of the order in hand: the one that it had, or a fresh one; it has no flags yet."""
    half, order = row.view(int32), held
    if order == 0:
        order = take_slot(row, book)
        half[U(order + OWNER)], half[U(order + TAG)] = row[U(M_OWNER)], row[U(M_TAG)]
    if row[U(M_FLAGS)] & IS_ICEBERG:
        half[U(order + row[U(book + EXTRAS)] + X_DISPLAY)] = row[U(M_DISPLAY)]
    return int(order)


@kernel
def _elect(row: Row, book: int) -> bool:
    """Make the oldest stop that the last price has reached the taker in hand; return False if there is none."""
    order = reached(row, book) if row[U(book + PHASE)] == CONTINUOUS else 0
    if order == 0:
        return False
    if row[U(M_ROOT)] == 0:
        row[U(M_ROOT)], row[U(ROOT_OP)], row[U(ROOT_TAG)] = 1, row[U(M_OP)], row[U(M_TAG)]
        row[U(ROOT_ORDER)], row[U(ROOT_FILLED)] = row[U(M_ORDER)], row[U(M_FILLED)]
        row[U(ROOT_TAKEN)] = row[U(M_TAKEN)]
    half = row.view(int32)
    leave_queue(row, book, order)
    flags, side_index = unmark(row, book, order), side_index_of(book, int(half[U(order + SIDE)]))
    owner, tag, size = int(half[U(order + OWNER)]), int(half[U(order + TAG)]), int(half[U(order + QTY)])
    emit(row, book, TRIGGERED, OK, side_index, row[U(book + LAST)], size, tag, NO_TAG, owner)
    row[U(M_OP)] = OP_LIMIT if flags & IS_STOP_LIMIT else OP_MARKET
    row[U(M_PRICE)] = int(half[U(order + PRICE)]) if flags & IS_STOP_LIMIT else -row[U(book + BASE)]
    row[U(M_SIDE)], row[U(M_OWNER)], row[U(M_TAG)], row[U(M_SIZE)] = side_index, owner, tag, size
    row[U(M_HELD)], row[U(M_FLAGS)], row[U(M_FILLED)] = order, 0, 0
    carry_out(row, book)
    return True


@inlined
def _end(row: Row, book: int) -> None:
    """End the message in hand: its own outcome, the mark, the gate."""
    if row[U(M_ROOT)] != 0:
        row[U(M_ROOT)], row[U(M_OP)], row[U(M_TAG)] = 0, row[U(ROOT_OP)], row[U(ROOT_TAG)]
        row[U(M_ORDER)], row[U(M_FILLED)] = row[U(ROOT_ORDER)], row[U(ROOT_FILLED)]
        row[U(M_TAKEN)] = row[U(ROOT_TAKEN)]
    if row[U(book + PHASE)] == CONTINUOUS:
        remark_shown(row, book)
    regate(row, book)
    row[U(M_STAGE)] = IDLE


@kernel
def _take_all_out(row: Row, book: int) -> bool:
    """Cancel all orders of the owner in hand, from the last slot down; return False to drain first.

    A slot that is given back is filled by the last live one, which has been looked at already.
    """
    half, owner = row.view(int32), row[U(M_OWNER)]
    while row[U(M_CURSOR)] > 0:
        order = int(half[U(row[U(book + SLOTS)] + row[U(M_CURSOR)] - 1)])
        if half[U(order + OWNER)] == owner:
            if not has_room(row, 1):
                return False
            taken = row[U(M_TAKEN)]
            take_out(row, book, order, MAX_SIZE)
            row[U(M_TAKEN)] = taken + 1
        row[U(M_CURSOR)] -= 1
    row[U(M_ORDER)] = 0
    return True
