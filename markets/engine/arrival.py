"""What is asked of the venue, checked and accepted: the first fault that counts refuses a message and changes nothing.

An order is looked at in this order: its owner, side, size, id; what kind of order it is; its prices; whether this phase
takes it; whether there is room; the owner's limits; and last, if it must not trade, whether it would.
"""

from __future__ import annotations

from numpy import int32

from .auction import call_price
from .book import find, level_at, side_index_of, side_of, take_slot
from .events import emit
from .extras import flags_of, leave_queue, level_lots, mark_as, named_price, open_size, park, unmark
from .intent import carry_out, set_reach
from .jit import inlined, kernel
from .layout import Account, Book, Call, Extra, Market, Message, Order, Probe, Row
from .ledger import account_of
from .limits import count_order, limit_fault, position_fault
from .matching import is_off_lot, order_fault, price_fault, resting_fault
from .packing import pair
from .phases import change_phase
from .probe import lots_left, probe
from .taking import take_out
from .terms import KEEP, MAX_PRICE, MAX_SIZE, NEVER, NO_TAG, UNSEEN, Flag, Kind, Op, Phase, Reason, Stage

__all__ = ["arrive"]


@kernel
def arrive(row: Row) -> int:
    """Check the message in hand and do all of it that cannot be interrupted; return OK or why it is refused."""
    book, op, owner = row[Message.BOOK], row[Message.OP], row[Message.OWNER]
    if owner < 0 or owner >= row[Market.ACCOUNT_COUNT]:
        return Reason.BAD_OWNER
    row[account_of(row, owner) + Account.SENT] += 1
    if op in (Op.LIMIT, Op.IOC, Op.FOK, Op.AON, Op.MARKET):
        return _arrive_order(row, book, owner, op)
    if op in (Op.STOP, Op.STOP_LIMIT, Op.TRAILING_STOP):
        return _arrive_stop(row, book, owner, op)
    if op in (Op.PHASE, Op.UNCROSS):
        return _arrive_phase(row, book, op)
    if op == Op.MASS_CANCEL:
        row[Message.STAGE], row[Message.CURSOR] = Stage.TAKING_OUT, row[book + Book.LIVE]
        return Reason.OK
    if op == Op.INVALID:
        return int(row[Message.SIZE])
    if op not in (Op.CANCEL, Op.REDUCE, Op.MODIFY):
        return Reason.BAD_OPERATION
    order = find(row, book, row[Message.ORDER])
    if order == 0:
        return Reason.UNKNOWN_ORDER
    if row.view(int32)[order + Order.OWNER] != owner:
        return Reason.NOT_OWNER
    row[Message.STAGE] = Stage.ELECTING  # what stays in its place needs nothing more
    if op == Op.CANCEL:
        take_out(row, book, order, MAX_SIZE)
        return Reason.OK
    if op == Op.REDUCE:
        if row[Message.SIZE] <= 0:
            return Reason.BAD_SIZE
        if row[Message.SIZE] < open_size(row, book, order) and is_off_lot(row, row[Message.SIZE]):
            return Reason.OFF_LOT
        take_out(row, book, order, row[Message.SIZE])
        return Reason.OK
    return _arrive_modify(row, book, order)


@inlined
def _owner_and_shown(owner: int, flags: int, display: int) -> int:
    """Return an event's OWNERS for an order: its owner, and one more than the lots that it shows, 0 for a plain one."""
    if flags & Flag.HIDDEN:
        return pair(1, owner)
    return pair(display + 1 if flags & Flag.ICEBERG else 0, owner)


# --- new orders -------------------------------------------------------------------------------------------------------
@inlined
def _arrive_order(row: Row, book: int, owner: int, op: int) -> int:
    """Accept an order that trades, rests or ends at once."""
    if op == Op.AON:
        row[Message.FLAGS] |= Flag.AON
    if op == Op.MARKET:
        row[Message.PRICE] = -row[book + Book.BASE]  # printed as 0, which no price is
    reason = _order_fault(row, book, op)
    is_post_only = row[Message.FLAGS] & Flag.POST_ONLY != 0
    rests, in_call = op in (Op.LIMIT, Op.AON), row[book + Book.PHASE] != Phase.CONTINUOUS
    stays = rests or (op == Op.MARKET and in_call)
    size, side_index = row[Message.SIZE], row[Message.SIDE]
    if reason == Reason.OK and in_call and (op in (Op.IOC, Op.FOK) or is_post_only):
        reason = Reason.NOT_IN_CALL
    if reason == Reason.OK and stays:
        reason = _room_fault(row, book, op)
    if reason == Reason.OK:
        reason = limit_fault(row, book, owner, side_index, size, int(stays))
    if reason == Reason.OK and is_post_only and _would_meet(row, book):
        reason = Reason.WOULD_TRADE
    if reason != Reason.OK:
        return reason
    row[Message.FLAGS] &= ~Flag.POST_ONLY
    count_order(row, book, owner)
    owner = _owner_and_shown(owner, row[Message.FLAGS], row[Message.DISPLAY])
    emit(row, book, Kind.ACCEPTED, Reason.OK, side_index, row[Message.PRICE], size, row[Message.TAG], op, owner)
    carry_out(row, book)
    return Reason.OK


@inlined
def _order_fault(row: Row, book: int, op: int) -> int:
    """Return what is wrong with a new order in itself, or OK."""
    flags, display, size = row[Message.FLAGS], row[Message.DISPLAY], row[Message.SIZE]
    reason = order_fault(row, row[Message.SIDE], size, row[Message.TAG])
    if reason != Reason.OK:
        return reason
    if flags & Flag.POST_ONLY and op not in (Op.LIMIT, Op.AON):
        return Reason.BAD_OPERATION
    if flags & ~Flag.POST_ONLY and row[book + Book.EXTRAS] == 0:
        return Reason.BAD_OPERATION
    if flags & Flag.ICEBERG:
        if flags & (Flag.AON | Flag.HIDDEN):
            return Reason.BAD_OPERATION
        if display < 1 or display > size:
            return Reason.BAD_DISPLAY
        if is_off_lot(row, display):
            return Reason.OFF_LOT
    return Reason.OK if op == Op.MARKET else price_fault(row, book, row[Message.PRICE])


@kernel
def _room_fault(row: Row, book: int, op: int) -> int:
    """Return why an order that may stay has no place, or OK."""
    price, size = row[Message.PRICE], row[Message.SIZE]
    if op == Op.MARKET:
        if row[book + Book.EXTRAS] == 0:
            return Reason.BAD_OPERATION
    else:
        reason = resting_fault(row, book, price, size)
        if reason != Reason.OK:
            return reason
    if row[book + Book.LIVE] == row[book + Book.CAPACITY]:
        set_reach(row, book)
        probe(row)
        is_sure = op != Op.MARKET and row[book + Book.PHASE] == Phase.CONTINUOUS and row[Probe.FILL] > 0
        if not is_sure or (op == Op.AON and row[Probe.FILL] < size):  # what it trades through frees a slot
            return Reason.BOOK_FULL
    if op == Op.MARKET:
        return Reason.OK
    level = level_at(row, side_of(book, row[Message.SIDE]), price)
    return Reason.LEVEL_FULL if level_lots(row, book, level) + size > MAX_SIZE else Reason.OK


@kernel
def _would_meet(row: Row, book: int) -> bool:
    """Return whether the order in hand would trade or meet its owner's own; if all or none, whether it would fill."""
    set_reach(row, book)
    probe(row)
    if row[Message.FLAGS] & Flag.AON:
        return bool(row[Probe.FILL] == lots_left(row))
    return bool(row[Probe.MEETS])


@kernel
def _arrive_stop(row: Row, book: int, owner: int, op: int) -> int:
    """Accept an order that waits for the last trade price."""
    i32, size, stop = row.view(int32), row[Message.SIZE], row[Message.STOP]
    reason = _stop_fault(row, book, op)
    if reason == Reason.OK:
        reason = limit_fault(row, book, owner, row[Message.SIDE], size, 1)
    if reason != Reason.OK:
        return reason
    count_order(row, book, owner)
    emit(row, book, Kind.ACCEPTED, Reason.OK, row[Message.SIDE], row[Message.PRICE], size, row[Message.TAG], op, owner)
    order, flags = take_slot(row, book), Flag.STOP
    i32[order + Order.OWNER], i32[order + Order.TAG] = owner, row[Message.TAG]
    extra = order + row[book + Book.EXTRAS]
    if op == Op.TRAILING_STOP:
        flags |= Flag.TRAILING
        last = row[book + Book.LAST]
        i32[extra + Extra.OFFSET], i32[extra + Extra.STOP] = stop, 0
        i32[extra + Extra.SEEN] = last if last >= 0 else UNSEEN
    else:
        flags |= Flag.STOP_LIMIT if op == Op.STOP_LIMIT else 0
        i32[extra + Extra.STOP] = stop
    mark_as(row, book, order, flags)
    price = row[Message.PRICE] if op == Op.STOP_LIMIT else -row[book + Book.BASE]
    park(row, book, side_of(book, row[Message.SIDE]), order, price, size)
    row[Message.ORDER] = pair(row[Message.TAG], order)
    row[book + Book.SCANNED], row[Message.STAGE] = NEVER, Stage.ELECTING
    return Reason.OK


@kernel
def _stop_fault(row: Row, book: int, op: int) -> int:
    """Return what is wrong with a new stop, the owner's limits aside, or OK."""
    stop = row[Message.STOP]
    reason = order_fault(row, row[Message.SIDE], row[Message.SIZE], row[Message.TAG])
    if reason != Reason.OK:
        return reason
    if row[book + Book.EXTRAS] == 0:
        return Reason.BAD_OPERATION
    if op == Op.TRAILING_STOP:
        if stop <= 0 or stop > MAX_PRICE:
            return Reason.BAD_PRICE
        reason = Reason.OFF_TICK if stop % row[book + Book.TICK] != 0 else Reason.OK
    else:
        reason = price_fault(row, book, stop)
    if reason == Reason.OK and op == Op.STOP_LIMIT:
        reason = resting_fault(row, book, row[Message.PRICE], row[Message.SIZE])
    if reason == Reason.OK and row[book + Book.LIVE] == row[book + Book.CAPACITY]:
        reason = Reason.BOOK_FULL
    return reason


# --- orders that are there --------------------------------------------------------------------------------------------
@kernel
def _arrive_modify(row: Row, book: int, order: int) -> int:
    """Change an order in place where it keeps its place; else take it out of its queue, to come anew."""
    i32, flags = row.view(int32), flags_of(row, book, order)
    whole, old_price = open_size(row, book, order), int(i32[order + Order.PRICE])
    price = old_price if row[Message.PRICE] == KEEP else row[Message.PRICE]
    size = whole if row[Message.SIZE] == KEEP else row[Message.SIZE]
    if size == 0:
        take_out(row, book, order, MAX_SIZE)
        return Reason.OK
    is_market = flags & Flag.WAITING != 0 or (flags & Flag.STOP != 0 and flags & Flag.STOP_LIMIT == 0)
    if is_market and row[Message.PRICE] != KEEP:
        return Reason.BAD_OPERATION
    if size < 0:
        return Reason.BAD_SIZE
    if is_off_lot(row, size):
        return Reason.OFF_LOT
    if price == old_price and size <= whole:
        take_out(row, book, order, whole - size)
        return Reason.OK
    reason = _change_fault(row, book, order, price, size)
    if reason != Reason.OK:
        return reason
    side_index = side_index_of(book, int(i32[order + Order.SIDE]))
    tag, owner = int(i32[order + Order.TAG]), row[Message.OWNER]
    if flags & (Flag.STOP | Flag.WAITING):  # it becomes the youngest of its list
        leave_queue(row, book, order)
        park(row, book, int(i32[order + Order.SIDE]), order, price, size)
        emit(row, book, Kind.REPLACED, Reason.OK, side_index, named_price(row, book, order), size, tag, NO_TAG, owner)
        row[book + Book.SCANNED] = NEVER
        return Reason.OK
    display = int(i32[order + row[book + Book.EXTRAS] + Extra.DISPLAY])
    owner = _owner_and_shown(owner, flags, display)
    emit(row, book, Kind.REPLACED, Reason.OK, side_index, price, size, tag, NO_TAG, owner)
    leave_queue(row, book, order)
    unmark(row, book, order)
    row[Message.FLAGS], row[Message.DISPLAY] = flags, display
    row[Message.PRICE], row[Message.SIZE], row[Message.SIDE], row[Message.TAG], row[Message.HELD] = (
        price,
        size,
        side_index,
        tag,
        order,
    )
    carry_out(row, book)
    return Reason.OK


@kernel
def _change_fault(row: Row, book: int, order: int, price: int, size: int) -> int:
    """Return why an order cannot have another price, or more size, or OK."""
    i32, flags, whole = row.view(int32), flags_of(row, book, order), open_size(row, book, order)
    side, old_price = int(i32[order + Order.SIDE]), int(i32[order + Order.PRICE])
    is_market = flags & Flag.WAITING != 0 or (flags & Flag.STOP != 0 and flags & Flag.STOP_LIMIT == 0)
    if size > row[Market.MAX_ORDER_SIZE]:
        return Reason.BAD_SIZE
    if not is_market:
        reason = resting_fault(row, book, price, size)
        if reason != Reason.OK:
            return reason
    if flags & (Flag.STOP | Flag.WAITING) == 0:
        already = level_lots(row, book, level_at(row, side, price)) - (whole if price == old_price else 0)
        if already + size > MAX_SIZE:
            return Reason.LEVEL_FULL
    if size > whole:
        return position_fault(row, book, row[Message.OWNER], side_index_of(book, side), size - whole)
    return Reason.OK


# --- the venue --------------------------------------------------------------------------------------------------------
@kernel
def _arrive_phase(row: Row, book: int, op: int) -> int:
    """Go on in the phase that Message.SIZE names; into continuous trading, and if so asked, by an uncross."""
    before, to, reference = row[book + Book.PHASE], row[Message.SIZE], row[Message.PRICE]
    row[Message.STAGE], row[Message.ORDER] = Stage.ELECTING, 0
    if op == Op.PHASE:
        if to < Phase.CONTINUOUS or to > Phase.HALT:
            return Reason.BAD_OPERATION
        if to == before:
            return Reason.OK
        reference = KEEP
        if to != Phase.CONTINUOUS:
            change_phase(row, book, to, -row[book + Book.BASE])
            return Reason.OK
    elif before == Phase.CONTINUOUS:
        row[Message.PRICE] = -row[book + Book.BASE] if reference == KEEP else reference
        return Reason.NO_CALL
    if reference == KEEP:
        reference = row[book + Book.LAST]
    elif reference + row[book + Book.BASE] <= 0 or reference + row[book + Book.BASE] > MAX_PRICE:
        return Reason.BAD_PRICE
    elif reference < 0 or reference >= row[book + Book.TICKS]:
        return Reason.BEYOND_LADDER
    price = call_price(row, book, reference)
    row[Call.PRICE] = price if row[Call.LEFT] > 0 else -row[book + Book.BASE]
    row[Message.STAGE] = Stage.CALLING
    return Reason.OK
