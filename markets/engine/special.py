"""Every message that a plain book does not take: special orders, special rules, calls and halts.

The stages of a message, any of which an event ring without room may interrupt: it CAME, is checked and accepted; the
taker goes WALKING through the other side, SHARING a level out by size where the venue does; LEAVING, what is left of it
rests, waits or ends; then, ELECTING, each stop that the last trade price has reached is carried out as a taker of its
own. A mass cancel goes TAKING_OUT, an uncross CALLING and UNWINDING, then ELECTING.

`special` answers as `matching.handle` does; the outcome in the header is the message's own, whatever stops it elected.
"""

from __future__ import annotations

from numpy import int32

from .arrival import arrive
from .auction import cancel_unfilled, trade_call
from .book import free_slot, level_at, side_index_of, side_of, take_slot
from .events import emit, has_room
from .extras import enqueue, leave_queue, level_lots, mark_as, park, remark_shown, unmark
from .intent import carry_out
from .jit import inlined, kernel
from .layout import Book, Call, Extra, Message, Order, Root, Row
from .matching import refuse
from .packing import pair
from .phases import change_phase
from .probe import lots_left
from .rules import regate
from .stops import reached
from .taking import take_out, walk
from .terms import MAX_SIZE, NO_TAG, Answer, Flag, Kind, Op, Phase, Reason, Stage

__all__ = ["special"]


@kernel
def special(row: Row, _seat: int) -> int:
    """Work on the message in hand until it is done, or events have to be read. Modifies `row` in place."""
    if row[Message.STAGE] == Stage.ARRIVED:  # as a plain one
        row[Message.FLAGS] = row[Message.DISPLAY] = row[Message.STOP] = 0
        row[Message.STAGE] = Stage.CAME
    if row[Message.STAGE] == Stage.CAME:
        if not has_room(row, 4):
            return Answer.DRAIN
        reason = arrive(row)
        if reason != Reason.OK:
            return refuse(row, reason)
    while row[Message.STAGE] != Stage.IDLE:
        if not _go_on(row):
            return Answer.DRAIN
    return Answer.DONE if row[Message.REASON] == Reason.OK else Answer.REJECTED


@inlined
def _go_on(row: Row) -> bool:
    """Do a stage of the message in hand; return False to drain first."""
    stage, book = row[Message.STAGE], row[Message.BOOK]
    if stage in (Stage.WALKING, Stage.SHARING):
        if not walk(row):
            return False
        row[Message.STAGE] = Stage.LEAVING
    elif stage == Stage.LEAVING:
        if not has_room(row, 1):
            return False
        _leave(row, book)
        row[Message.STAGE] = Stage.ELECTING
    elif stage == Stage.ELECTING:
        if not has_room(row, 2):
            return False
        if not _elect(row, book):
            _end(row, book)
    elif stage == Stage.TAKING_OUT:
        if not _take_all_out(row, book):
            return False
        row[Message.STAGE] = Stage.ELECTING
    elif stage == Stage.CALLING:
        if not trade_call(row):
            return False
        row[Message.STAGE] = Stage.UNWINDING
    elif stage == Stage.UNWINDING:
        if not cancel_unfilled(row) or not has_room(row, 1):
            return False
        change_phase(row, book, Phase.CONTINUOUS, row[Call.PRICE])
        row[Message.STAGE] = Stage.ELECTING
    return True


@inlined
def _leave(row: Row, book: int) -> None:
    """Rest what is left of the taker in hand, let it wait for the end of a call, or cancel it."""
    op, left, held = row[Message.OP], lots_left(row), row[Message.HELD]
    side, price = side_of(book, row[Message.SIDE]), row[Message.PRICE]
    waits = op == Op.MARKET and row[book + Book.PHASE] != Phase.CONTINUOUS
    rests, reason = op in (Op.LIMIT, Op.AON, Op.MODIFY), Reason.UNFILLED
    if rests and left > 0 and level_lots(row, book, level_at(row, side, price)) + left > MAX_SIZE:
        rests, reason = False, Reason.LEVEL_FULL
    row[Message.ORDER] = row[Message.HELD] = 0
    if left > 0 and (rests or waits):
        order = _slot_in_hand(row, book, held)
        mark_as(row, book, order, Flag.WAITING if waits else row[Message.FLAGS])
        if waits:
            park(row, book, side, order, price, left)
        else:
            enqueue(row, book, side, order, price, left)
        row[Message.ORDER] = pair(row[Message.TAG], order)
        return
    if left > 0:
        row[Message.TAKEN] = left
        emit(
            row,
            book,
            Kind.CANCELLED,
            reason,
            row[Message.SIDE],
            price,
            left,
            row[Message.TAG],
            NO_TAG,
            row[Message.OWNER],
        )
    if held != 0:
        free_slot(row, held)


@inlined
def _slot_in_hand(row: Row, book: int, held: int) -> int:
    """Return the slot of the order in hand: the one that it had, or a fresh one; it has no flags yet."""
    i32, order = row.view(int32), held
    if order == 0:
        order = take_slot(row, book)
        i32[order + Order.OWNER], i32[order + Order.TAG] = row[Message.OWNER], row[Message.TAG]
    if row[Message.FLAGS] & Flag.ICEBERG:
        i32[order + row[book + Book.EXTRAS] + Extra.DISPLAY] = row[Message.DISPLAY]
    return int(order)


@kernel
def _elect(row: Row, book: int) -> bool:
    """Make the oldest stop that the last price has reached the taker in hand; return False if there is none."""
    order = reached(row, book) if row[book + Book.PHASE] == Phase.CONTINUOUS else 0
    if order == 0:
        return False
    if row[Root.ELECTED] == 0:
        row[Root.ELECTED], row[Root.OP], row[Root.TAG] = 1, row[Message.OP], row[Message.TAG]
        row[Root.ORDER], row[Root.FILLED] = row[Message.ORDER], row[Message.FILLED]
        row[Root.TAKEN] = row[Message.TAKEN]
    i32 = row.view(int32)
    leave_queue(row, book, order)
    flags, side_index = unmark(row, book, order), side_index_of(book, int(i32[order + Order.SIDE]))
    owner, tag, size = int(i32[order + Order.OWNER]), int(i32[order + Order.TAG]), int(i32[order + Order.QTY])
    emit(row, book, Kind.TRIGGERED, Reason.OK, side_index, row[book + Book.LAST], size, tag, NO_TAG, owner)
    row[Message.OP] = Op.LIMIT if flags & Flag.STOP_LIMIT else Op.MARKET
    row[Message.PRICE] = int(i32[order + Order.PRICE]) if flags & Flag.STOP_LIMIT else -row[book + Book.BASE]
    row[Message.SIDE], row[Message.OWNER], row[Message.TAG], row[Message.SIZE] = side_index, owner, tag, size
    row[Message.HELD], row[Message.FLAGS], row[Message.FILLED] = order, 0, 0
    carry_out(row, book)
    return True


@inlined
def _end(row: Row, book: int) -> None:
    """End the message in hand: its own outcome, the mark, the gate."""
    if row[Root.ELECTED] != 0:
        row[Root.ELECTED], row[Message.OP], row[Message.TAG] = 0, row[Root.OP], row[Root.TAG]
        row[Message.ORDER], row[Message.FILLED] = row[Root.ORDER], row[Root.FILLED]
        row[Message.TAKEN] = row[Root.TAKEN]
    if row[book + Book.PHASE] == Phase.CONTINUOUS:
        remark_shown(row, book)
    regate(row, book)
    row[Message.STAGE] = Stage.IDLE


@kernel
def _take_all_out(row: Row, book: int) -> bool:
    """Cancel all orders of the owner in hand, from the last slot down; return False to drain first.

    A slot that is given back is filled by the last live one, which has been looked at already.
    """
    i32, owner = row.view(int32), row[Message.OWNER]
    while row[Message.CURSOR] > 0:
        order = int(i32[row[book + Book.SLOTS] + row[Message.CURSOR] - 1])
        if i32[order + Order.OWNER] == owner:
            if not has_room(row, 1):
                return False
            taken = row[Message.TAKEN]
            take_out(row, book, order, MAX_SIZE)
            row[Message.TAKEN] = taken + 1
        row[Message.CURSOR] -= 1
    row[Message.ORDER] = 0
    return True
