"""What is asked of the venue, checked and accepted: the first fault that counts refuses a message and changes nothing.

An order is looked at in this order: its owner, side, size, id; what kind of order it is; its prices; whether this phase
takes it; whether there is room; the owner's limits; and last, if it must not trade, whether it would.
"""

from __future__ import annotations

from numpy import int32
from numpy import uint64 as U

from .auction import call_price
from .book import find, level_at, side_index_of, side_of, take_slot
from .events import emit
from .extras import flags_of, leave_queue, level_lots, mark_as, named_price, open_size, park, unmark
from .intent import carry_out, set_reach
from .jit import inlined, kernel
from .layout import (
    ACCEPTED,
    ACCOUNT_COUNT,
    BAD_DISPLAY,
    BAD_OPERATION,
    BAD_OWNER,
    BAD_PRICE,
    BAD_SIZE,
    BASE,
    BEYOND_LADDER,
    BOOK_FULL,
    CALL_LEFT,
    CALL_PRICE,
    CALLING,
    CAPACITY,
    CONTINUOUS,
    ELECTING,
    EXTRAS,
    HALT,
    ID_SHIFT,
    IS_AON,
    IS_HIDDEN,
    IS_ICEBERG,
    IS_POST_ONLY,
    IS_STOP,
    IS_STOP_LIMIT,
    IS_TRAILING,
    IS_WAITING,
    KEEP,
    LAST,
    LEVEL_FULL,
    LIVE,
    M_BOOK,
    M_CURSOR,
    M_DISPLAY,
    M_FLAGS,
    M_HELD,
    M_OP,
    M_ORDER,
    M_OWNER,
    M_PRICE,
    M_SIDE,
    M_SIZE,
    M_STAGE,
    M_STOP,
    M_TAG,
    MAX_ORDER_SIZE,
    MAX_PRICE,
    MAX_SIZE,
    NEVER,
    NO_CALL,
    NO_TAG,
    NOT_IN_CALL,
    NOT_OWNER,
    OFF_LOT,
    OFF_TICK,
    OK,
    OP_AON,
    OP_CANCEL,
    OP_FOK,
    OP_IOC,
    OP_LIMIT,
    OP_MARKET,
    OP_MASS_CANCEL,
    OP_MODIFY,
    OP_PHASE,
    OP_REDUCE,
    OP_STOP,
    OP_STOP_LIMIT,
    OP_TRAILING_STOP,
    OP_UNCROSS,
    OWNER,
    PHASE,
    PRICE,
    PROBE_FILL,
    PROBE_MEETS,
    REPLACED,
    SCANNED,
    SENT_MESSAGES,
    SIDE,
    TAG,
    TAKING_OUT,
    TICK,
    TICKS,
    UNKNOWN_ORDER,
    UNSEEN,
    WOULD_TRADE,
    X_DISPLAY,
    X_OFFSET,
    X_SEEN,
    X_STOP,
    Row,
)
from .ledger import account_of
from .limits import count_order, limit_fault, position_fault
from .matching import is_off_lot, order_fault, price_fault, resting_fault
from .phases import change_phase
from .probe import lots_left, probe
from .taking import take_out

__all__ = ["arrive"]


@kernel
def arrive(row: Row) -> int:
    """Check the message in hand and do all of it that cannot be interrupted; return OK or why it is refused."""
    book, op, owner = row[U(M_BOOK)], row[U(M_OP)], row[U(M_OWNER)]
    if owner < 0 or owner >= row[U(ACCOUNT_COUNT)]:
        return BAD_OWNER
    row[U(account_of(row, owner) + SENT_MESSAGES)] += 1
    if op in (OP_LIMIT, OP_IOC, OP_FOK, OP_AON, OP_MARKET):
        return _arrive_order(row, book, owner, op)
    if op in (OP_STOP, OP_STOP_LIMIT, OP_TRAILING_STOP):
        return _arrive_stop(row, book, owner, op)
    if op in (OP_PHASE, OP_UNCROSS):
        return _arrive_phase(row, book, op)
    if op == OP_MASS_CANCEL:
        row[U(M_STAGE)], row[U(M_CURSOR)] = TAKING_OUT, row[U(book + LIVE)]
        return OK
    order = find(row, book, row[U(M_ORDER)])
    if order == 0:
        return UNKNOWN_ORDER
    if row.view(int32)[U(order + OWNER)] != owner:
        return NOT_OWNER
    row[U(M_STAGE)] = ELECTING  # what stays in its place needs nothing more
    if op == OP_CANCEL:
        take_out(row, book, order, MAX_SIZE)
        return OK
    if op == OP_REDUCE:
        if row[U(M_SIZE)] <= 0:
            return BAD_SIZE
        if row[U(M_SIZE)] < open_size(row, book, order) and is_off_lot(row, row[U(M_SIZE)]):
            return OFF_LOT
        take_out(row, book, order, row[U(M_SIZE)])
        return OK
    return _arrive_modify(row, book, order) if op == OP_MODIFY else BAD_OPERATION


@inlined
def _shown_bits(flags: int, display: int) -> int:
    """Return what an event adds to the owner of an order: one more than the lots that it shows, 0 for a plain one."""
    if flags & IS_HIDDEN:
        return 1 << 32
    return int(display + 1) << 32 if flags & IS_ICEBERG else 0


# --- new orders -------------------------------------------------------------------------------------------------------
@inlined
def _arrive_order(row: Row, book: int, owner: int, op: int) -> int:
    """Accept an order that trades, rests or ends at once."""
    if op == OP_AON:
        row[U(M_FLAGS)] |= IS_AON
    if op == OP_MARKET:
        row[U(M_PRICE)] = -row[U(book + BASE)]  # printed as 0, which no price is
    reason = _order_fault(row, book, op)
    is_post_only = row[U(M_FLAGS)] & IS_POST_ONLY != 0
    rests, in_call = op in (OP_LIMIT, OP_AON), row[U(book + PHASE)] != CONTINUOUS
    stays = rests or (op == OP_MARKET and in_call)
    size, side_index = row[U(M_SIZE)], row[U(M_SIDE)]
    if reason == OK and in_call and (op in (OP_IOC, OP_FOK) or is_post_only):
        reason = NOT_IN_CALL
    if reason == OK and stays:
        reason = _room_fault(row, book, op)
    if reason == OK:
        reason = limit_fault(row, book, owner, side_index, size, int(stays))
    if reason == OK and is_post_only and _would_meet(row, book):
        reason = WOULD_TRADE
    if reason != OK:
        return reason
    row[U(M_FLAGS)] &= ~IS_POST_ONLY
    count_order(row, book, owner)
    shown = _shown_bits(row[U(M_FLAGS)], row[U(M_DISPLAY)])
    emit(row, book, ACCEPTED, OK, side_index, row[U(M_PRICE)], size, row[U(M_TAG)], op, owner | shown)
    carry_out(row, book)
    return OK


@inlined
def _order_fault(row: Row, book: int, op: int) -> int:
    """Return what is wrong with a new order in itself, or OK."""
    flags, display, size = row[U(M_FLAGS)], row[U(M_DISPLAY)], row[U(M_SIZE)]
    reason = order_fault(row, row[U(M_SIDE)], size, row[U(M_TAG)])
    if reason != OK:
        return reason
    if flags & IS_POST_ONLY and op not in (OP_LIMIT, OP_AON):
        return BAD_OPERATION
    if flags & ~IS_POST_ONLY and row[U(book + EXTRAS)] == 0:
        return BAD_OPERATION
    if flags & IS_ICEBERG:
        if flags & (IS_AON | IS_HIDDEN):
            return BAD_OPERATION
        if display < 1 or display > size:
            return BAD_DISPLAY
        if is_off_lot(row, display):
            return OFF_LOT
    return OK if op == OP_MARKET else price_fault(row, book, row[U(M_PRICE)])


@kernel
def _room_fault(row: Row, book: int, op: int) -> int:
    """Return why an order that may stay has no place, or OK."""
    price, size = row[U(M_PRICE)], row[U(M_SIZE)]
    if op == OP_MARKET:
        if row[U(book + EXTRAS)] == 0:
            return BAD_OPERATION
    else:
        reason = resting_fault(row, book, price, size)
        if reason != OK:
            return reason
    if row[U(book + LIVE)] == row[U(book + CAPACITY)]:
        set_reach(row, book)
        probe(row)
        is_sure = op != OP_MARKET and row[U(book + PHASE)] == CONTINUOUS and row[U(PROBE_FILL)] > 0
        if not is_sure or (op == OP_AON and row[U(PROBE_FILL)] < size):  # what it trades through frees a slot
            return BOOK_FULL
    if op == OP_MARKET:
        return OK
    level = level_at(row, side_of(book, row[U(M_SIDE)]), price)
    return LEVEL_FULL if level_lots(row, book, level) + size > MAX_SIZE else OK


@kernel
def _would_meet(row: Row, book: int) -> bool:
    """Return whether the order in hand would trade or meet its owner's own; if all or none, whether it would fill."""
    set_reach(row, book)
    probe(row)
    if row[U(M_FLAGS)] & IS_AON:
        return bool(row[U(PROBE_FILL)] == lots_left(row))
    return bool(row[U(PROBE_MEETS)])


@kernel
def _arrive_stop(row: Row, book: int, owner: int, op: int) -> int:
    """Accept an order that waits for the last trade price."""
    half, size, stop = row.view(int32), row[U(M_SIZE)], row[U(M_STOP)]
    reason = _stop_fault(row, book, op)
    if reason == OK:
        reason = limit_fault(row, book, owner, row[U(M_SIDE)], size, 1)
    if reason != OK:
        return reason
    count_order(row, book, owner)
    emit(row, book, ACCEPTED, OK, row[U(M_SIDE)], row[U(M_PRICE)], size, row[U(M_TAG)], op, owner)
    order, flags = take_slot(row, book), IS_STOP
    half[U(order + OWNER)], half[U(order + TAG)] = owner, row[U(M_TAG)]
    extra = order + row[U(book + EXTRAS)]
    if op == OP_TRAILING_STOP:
        flags |= IS_TRAILING
        last = row[U(book + LAST)]
        half[U(extra + X_OFFSET)], half[U(extra + X_STOP)] = stop, 0
        half[U(extra + X_SEEN)] = last if last >= 0 else UNSEEN
    else:
        flags |= IS_STOP_LIMIT if op == OP_STOP_LIMIT else 0
        half[U(extra + X_STOP)] = stop
    mark_as(row, book, order, flags)
    price = row[U(M_PRICE)] if op == OP_STOP_LIMIT else -row[U(book + BASE)]
    park(row, book, side_of(book, row[U(M_SIDE)]), order, price, size)
    row[U(M_ORDER)] = row[U(M_TAG)] << ID_SHIFT | order
    row[U(book + SCANNED)], row[U(M_STAGE)] = NEVER, ELECTING
    return OK


@kernel
def _stop_fault(row: Row, book: int, op: int) -> int:
    """Return what is wrong with a new stop, the owner's limits aside, or OK."""
    stop = row[U(M_STOP)]
    reason = order_fault(row, row[U(M_SIDE)], row[U(M_SIZE)], row[U(M_TAG)])
    if reason != OK:
        return reason
    if row[U(book + EXTRAS)] == 0:
        return BAD_OPERATION
    if op == OP_TRAILING_STOP:
        if stop <= 0 or stop > MAX_PRICE:
            return BAD_PRICE
        reason = OFF_TICK if stop % row[U(book + TICK)] != 0 else OK
    else:
        reason = price_fault(row, book, stop)
    if reason == OK and op == OP_STOP_LIMIT:
        reason = resting_fault(row, book, row[U(M_PRICE)], row[U(M_SIZE)])
    if reason == OK and row[U(book + LIVE)] == row[U(book + CAPACITY)]:
        reason = BOOK_FULL
    return reason


# --- orders that are there --------------------------------------------------------------------------------------------
@kernel
def _arrive_modify(row: Row, book: int, order: int) -> int:
    """Change an order in place where it keeps its place; else take it out of its queue, to come anew."""
    half, flags = row.view(int32), flags_of(row, book, order)
    whole, old_price = open_size(row, book, order), int(half[U(order + PRICE)])
    price = old_price if row[U(M_PRICE)] == KEEP else row[U(M_PRICE)]
    size = whole if row[U(M_SIZE)] == KEEP else row[U(M_SIZE)]
    if size == 0:
        take_out(row, book, order, MAX_SIZE)
        return OK
    is_market = flags & IS_WAITING != 0 or (flags & IS_STOP != 0 and flags & IS_STOP_LIMIT == 0)
    if is_market and row[U(M_PRICE)] != KEEP:
        return BAD_OPERATION
    if size < 0:
        return BAD_SIZE
    if is_off_lot(row, size):
        return OFF_LOT
    if price == old_price and size <= whole:
        take_out(row, book, order, whole - size)
        return OK
    reason = _change_fault(row, book, order, price, size)
    if reason != OK:
        return reason
    side_index = side_index_of(book, int(half[U(order + SIDE)]))
    tag, owner = int(half[U(order + TAG)]), row[U(M_OWNER)]
    if flags & (IS_STOP | IS_WAITING):  # it becomes the youngest of its list
        leave_queue(row, book, order)
        park(row, book, int(half[U(order + SIDE)]), order, price, size)
        emit(row, book, REPLACED, OK, side_index, named_price(row, book, order), size, tag, NO_TAG, owner)
        row[U(book + SCANNED)] = NEVER
        return OK
    display = half[U(order + row[U(book + EXTRAS)] + X_DISPLAY)]
    emit(row, book, REPLACED, OK, side_index, price, size, tag, NO_TAG, owner | _shown_bits(flags, display))
    leave_queue(row, book, order)
    unmark(row, book, order)
    row[U(M_FLAGS)], row[U(M_DISPLAY)] = flags, display
    row[U(M_PRICE)], row[U(M_SIZE)], row[U(M_SIDE)], row[U(M_TAG)], row[U(M_HELD)] = price, size, side_index, tag, order
    carry_out(row, book)
    return OK


@kernel
def _change_fault(row: Row, book: int, order: int, price: int, size: int) -> int:
    """Return why an order cannot have another price, or more size, or OK."""
    half, flags, whole = row.view(int32), flags_of(row, book, order), open_size(row, book, order)
    side, old_price = int(half[U(order + SIDE)]), int(half[U(order + PRICE)])
    is_market = flags & IS_WAITING != 0 or (flags & IS_STOP != 0 and flags & IS_STOP_LIMIT == 0)
    if size > row[U(MAX_ORDER_SIZE)]:
        return BAD_SIZE
    if not is_market:
        reason = resting_fault(row, book, price, size)
        if reason != OK:
            return reason
    if flags & (IS_STOP | IS_WAITING) == 0:
        already = level_lots(row, book, level_at(row, side, price)) - (whole if price == old_price else 0)
        if already + size > MAX_SIZE:
            return LEVEL_FULL
    if size > whole:
        return position_fault(row, book, row[U(M_OWNER)], side_index_of(book, side), size - whole)
    return OK


# --- the venue --------------------------------------------------------------------------------------------------------
@kernel
def _arrive_phase(row: Row, book: int, op: int) -> int:
    """Go on in the phase that M_SIZE names; into continuous trading, and if so asked, by an uncross."""
    before, to, reference = row[U(book + PHASE)], row[U(M_SIZE)], row[U(M_PRICE)]
    row[U(M_STAGE)], row[U(M_ORDER)] = ELECTING, 0
    if op == OP_PHASE:
        if to < CONTINUOUS or to > HALT:
            return BAD_OPERATION
        if to == before:
            return OK
        reference = KEEP
        if to != CONTINUOUS:
            change_phase(row, book, to, -row[U(book + BASE)])
            return OK
    elif before == CONTINUOUS:
        row[U(M_PRICE)] = -row[U(book + BASE)] if reference == KEEP else reference
        return NO_CALL
    if reference == KEEP:
        reference = row[U(book + LAST)]
    elif reference + row[U(book + BASE)] <= 0 or reference + row[U(book + BASE)] > MAX_PRICE:
        return BAD_PRICE
    elif reference < 0 or reference >= row[U(book + TICKS)]:
        return BEYOND_LADDER
    price = call_price(row, book, reference)
    row[U(CALL_PRICE)] = price if row[U(CALL_LEFT)] > 0 else -row[U(book + BASE)]
    row[U(M_STAGE)] = CALLING
    return OK
