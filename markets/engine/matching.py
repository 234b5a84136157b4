"""Price-time priority: one message at a time, worked off in stages that an event ring without room may interrupt.

Better price first; at one price, first come first served; every trade at the resting order's price. A limit order rests
with what is left, an immediate one (IOC, market) is cancelled with it. A smaller size keeps its place in the queue; a
larger one, or another price, goes to the back, and trades first if it crosses. Only an order's owner may touch it.

The message in hand lives in the row's header (M_*), so stopping anywhere loses nothing: `submit` writes it down and
works on it, `handle` goes on with it. Both answer DONE; REFUSED_CODE with the reason in M_REASON, the book unchanged;
DRAIN: read the events, then call `handle`; or SPECIAL: the venue or an order in it is not plain, and `special.special`
must do what `handle` would. So what a plain venue has no need of costs it one word read a message.

The outcome stands in the header until the next message: M_REASON, M_FILLED (lots traded), M_TAKEN (lots, or orders,
taken away), M_ORDER (the id of the order that rests, 0 if none does).

A limit order that needs a slot or a level with room, and finds none, is refused as a whole, before it trades. It never
has to be refused in the middle: if it crosses, its own level is empty, and what it trades through frees slots.
"""

from __future__ import annotations

from numpy import int32
from numpy import uint64 as U

from .book import find, free_slot, level_at, link, remove, rest, side_index_of, side_of, unlink
from .events import emit, has_room, print_trade
from .jit import inlined, kernel
from .layout import (
    ACCEPTED,
    ACCOUNT_COUNT,
    ARRIVED,
    BAD_OPERATION,
    BAD_OWNER,
    BAD_PRICE,
    BAD_SIDE,
    BAD_SIZE,
    BAND_HIGH,
    BAND_LOW,
    BASE,
    BEST,
    BEYOND_LADDER,
    BOOK_FULL,
    BOOK_TRADES,
    BOOK_VOLUME,
    BUY,
    BY_OWNER,
    CANCELLED,
    CAPACITY,
    CHECKED,
    CLEARING,
    DONE,
    DRAIN,
    DUPLICATE_TAG,
    EXTRAS,
    FLIP,
    GATE,
    ID_SHIFT,
    IDLE,
    KEEP,
    LAST,
    LEVEL_FULL,
    LEVEL_WORDS,
    LEVELS,
    LIVE,
    LOT,
    M_BOOK,
    M_CURSOR,
    M_FILLED,
    M_HELD,
    M_OP,
    M_ORDER,
    M_OWNER,
    M_PRICE,
    M_REACH,
    M_REASON,
    M_SIDE,
    M_SIZE,
    M_STAGE,
    M_TAG,
    M_TAKEN,
    MAX_ORDER_SIZE,
    MAX_PRICE,
    MAX_SIZE,
    MAX_TAG,
    MAX_VALUE,
    MESSAGES,
    NEXT,
    NO_TAG,
    NOT_OWNER,
    OFF_LOT,
    OFF_TICK,
    OK,
    OP_CANCEL,
    OP_FOK,
    OP_IOC,
    OP_LIMIT,
    OP_MARKET,
    OP_MASS_CANCEL,
    OP_MODIFY,
    OP_REDUCE,
    OP_TRAILING_STOP,
    OUTSIDE_BAND,
    OWNER,
    PRICE,
    QTY,
    REDUCED,
    REFUSED,
    REFUSED_CODE,
    REJECTED,
    REJECTS,
    REPLACED,
    RESERVED,
    SELL,
    SENT_MESSAGES,
    SIDE,
    SIDE_FLIP,
    SLOTS,
    SPECIAL,
    SPECIAL_ALL,
    SPECIAL_ARRIVALS,
    SPECIALS,
    SWEEPING,
    TAG,
    TAGS_EXHAUSTED,
    TICK,
    TICKS,
    TRADED,
    TRADES,
    UNFILLED,
    UNKNOWN_ORDER,
    X_FLAGS,
    Row,
)
from .ledger import account_of, remark, settle

__all__ = [
    "handle",
    "is_off_lot",
    "order_fault",
    "prepare",
    "price_fault",
    "refuse",
    "resting_fault",
    "submit",
    "take",
    "trade",
]


@inlined
def submit(row: Row, book: int, op: int, side_index: int, owner: int, price: int, size: int, tag: int,
           order_id: int) -> int:  # fmt: skip
    """Take a message and work on it. The row must have none in hand.

    `price` is in ladder ticks; a market order has none, a modify may KEEP price or size; a reduce takes `size` away.
    `tag` names a new order. `order_id` is the order that a cancel, reduce or modify means; with a new order it is what
    the sender's map shows for that tag, 0 if nothing: if that order is live, the tag is a duplicate.
    """
    take(row, book, op, side_index, owner, price, size, tag, order_id)
    return handle(row)


@inlined
def take(row: Row, book: int, op: int, side_index: int, owner: int, price: int, size: int, tag: int,
         order_id: int) -> None:  # fmt: skip
    """Take a message in hand, as `submit` does, for `handle` to work on."""
    prepare(row, book, op, side_index, owner, price, size, tag, order_id)
    row[U(M_STAGE)] = ARRIVED


@inlined
def prepare(row: Row, book: int, op: int, side_index: int, owner: int, price: int, size: int, tag: int,
            order_id: int) -> None:  # fmt: skip
    """Take a message in hand, and count it. Its stage is for the caller to say."""
    row[U(M_OP)] = op
    row[U(M_BOOK)] = book
    row[U(M_SIDE)] = side_index
    row[U(M_OWNER)] = owner
    row[U(M_PRICE)] = price
    row[U(M_SIZE)] = size
    row[U(M_TAG)] = tag
    row[U(M_ORDER)] = order_id
    row[U(M_FILLED)] = 0
    row[U(M_TAKEN)] = 0
    row[U(M_REASON)] = OK
    row[U(M_HELD)] = 0
    row[U(MESSAGES)] += 1


@inlined
def handle(row: Row) -> int:
    """Work on the message in hand until it is done or events have to be read; without one, repeat the last answer."""
    if row[U(M_STAGE)] == ARRIVED:
        gate = row[U(row[U(M_BOOK)] + GATE)]
        if gate > CHECKED and _is_special(row, gate):
            return SPECIAL
        if not has_room(row, 2):  # one that opens, one that closes
            return DRAIN
        reason = _arrive(row)
        if reason != OK:
            return refuse(row, reason)
    if row[U(M_STAGE)] == SWEEPING:
        if not _sweep(row):
            return DRAIN
        _leave(row)
    elif row[U(M_STAGE)] == CLEARING:
        if not _clear(row):
            return DRAIN
    elif row[U(M_STAGE)] > CLEARING:
        return SPECIAL
    if row[U(M_STAGE)] != IDLE:
        remark(row, row[U(M_BOOK)])
        row[U(M_STAGE)] = IDLE
    return DONE if row[U(M_REASON)] == OK else REFUSED_CODE


@kernel
def _is_special(row: Row, gate: int) -> bool:
    """Return whether the message in hand meets anything that a plain one would not, in a book with such a gate."""
    book, op, order_id = row[U(M_BOOK)], row[U(M_OP)], row[U(M_ORDER)]
    if gate & SPECIAL_ALL:
        return True
    if op == OP_LIMIT:
        if gate & SPECIAL_ARRIVALS:
            return True
        side = side_of(book, row[U(M_SIDE)] & 1)
        price, other = row[U(M_PRICE)], side ^ SIDE_FLIP
        if price < 0 or price >= row[U(book + TICKS)] or row[U(other + BEST)] <= price ^ row[U(other + FLIP)]:
            return True
        shown = row.view(int32)[U(level_at(row, side, price) + QTY)]
        return bool(shown + row[U(book + RESERVED)] + row[U(M_SIZE)] > MAX_SIZE)
    if op in (OP_CANCEL, OP_REDUCE):
        order = find(row, book, order_id) if row[U(book + SPECIALS)] != 0 else 0
        return bool(order != 0 and row.view(int32)[U(order + row[U(book + EXTRAS)] + X_FLAGS)] != 0)
    return bool(op != OP_MASS_CANCEL or row[U(book + SPECIALS)] != 0)


@inlined
def refuse(row: Row, reason: int) -> int:
    """Refuse the message in hand: count it, write it down, leave everything else as it is. Answer REFUSED_CODE."""
    owner, op = row[U(M_OWNER)], row[U(M_OP)]
    is_new = op in (OP_LIMIT, OP_IOC, OP_MARKET) or OP_FOK <= op <= OP_TRAILING_STOP
    tag = row[U(M_TAG)] if is_new else row[U(M_ORDER)] >> ID_SHIFT
    price, size = row[U(M_PRICE)], row[U(M_SIZE)]
    if price == KEEP:
        price = KEEP - row[U(row[U(M_BOOK)] + BASE)]  # written down as it was sent
    emit(row, row[U(M_BOOK)], REJECTED, reason, row[U(M_SIDE)] & 1, price, size, tag, op, owner)
    row[U(REJECTS)] += 1
    if 0 <= owner < row[U(ACCOUNT_COUNT)]:
        row[U(account_of(row, owner) + REFUSED)] += 1
    row[U(M_REASON)] = reason
    row[U(M_ORDER)] = 0
    row[U(M_STAGE)] = IDLE
    return REFUSED_CODE


@inlined
def _arrive(row: Row) -> int:
    """Check the message in hand and do all of it that cannot be interrupted; return OK or why it is refused."""
    book, op, owner = row[U(M_BOOK)], row[U(M_OP)], row[U(M_OWNER)]
    if owner < 0 or owner >= row[U(ACCOUNT_COUNT)]:
        return BAD_OWNER
    row[U(account_of(row, owner) + SENT_MESSAGES)] += 1
    if op == OP_LIMIT:
        return _arrive_limit(row, book, owner)
    if op in (OP_IOC, OP_MARKET):
        return _arrive_immediate(row, book, owner, op)
    if op == OP_MASS_CANCEL:
        row[U(M_STAGE)], row[U(M_CURSOR)] = CLEARING, row[U(book + LIVE)]
        return OK
    order = find(row, book, row[U(M_ORDER)])
    if order == 0:
        return UNKNOWN_ORDER
    if row.view(int32)[U(order + OWNER)] != owner:
        return NOT_OWNER
    if op == OP_CANCEL:
        _take(row, book, order, MAX_SIZE)
        return OK
    if op == OP_REDUCE:
        if row[U(M_SIZE)] <= 0:
            return BAD_SIZE
        if row[U(M_SIZE)] < row.view(int32)[U(order + QTY)] and is_off_lot(row, row[U(M_SIZE)]):
            return OFF_LOT
        _take(row, book, order, row[U(M_SIZE)])
        return OK
    return _arrive_modify(row, book, order) if op == OP_MODIFY else BAD_OPERATION


@inlined
def _arrive_limit(row: Row, book: int, owner: int) -> int:
    """Accept a limit order and, where it does not cross, queue it."""
    price, size, tag, side_index = row[U(M_PRICE)], row[U(M_SIZE)], row[U(M_TAG)], row[U(M_SIDE)]
    reason = order_fault(row, side_index, size, tag)
    if reason == OK:
        reason = resting_fault(row, book, price, size)
    if reason != OK:
        return reason
    side = side_of(book, side_index)
    other = side ^ SIDE_FLIP
    reach = price ^ row[U(other + FLIP)]
    crosses = row[U(other + BEST)] <= reach
    if not crosses:
        if row[U(book + LIVE)] == row[U(book + CAPACITY)]:
            return BOOK_FULL
        if size + row.view(int32)[U(level_at(row, side, price) + QTY)] > MAX_SIZE:
            return LEVEL_FULL
    emit(row, book, ACCEPTED, OK, side_index, price, size, tag, OP_LIMIT, owner)
    if crosses:
        row[U(M_REACH)], row[U(M_STAGE)] = reach, SWEEPING
    else:
        row[U(M_ORDER)] = tag << ID_SHIFT | rest(row, side, owner, price, size, tag)
    return OK


@inlined
def _arrive_immediate(row: Row, book: int, owner: int, op: int) -> int:
    """Accept an order that never rests: it may stand beyond the ladder, which only bounds how far it reaches."""
    size, tag, side_index = row[U(M_SIZE)], row[U(M_TAG)], row[U(M_SIDE)]
    reason = order_fault(row, side_index, size, tag)
    if reason != OK:
        return reason
    reach = row[U(book + TICKS)] - 1
    if op == OP_MARKET:
        price = -row[U(book + BASE)]  # printed as 0, which no price is
    else:
        price = row[U(M_PRICE)]
        reason = price_fault(row, book, price)
        if reason != OK:
            return reason
        reach = min(reach, price if side_index == BUY else reach - price)
    emit(row, book, ACCEPTED, OK, side_index, price, size, tag, op, owner)
    row[U(M_PRICE)], row[U(M_REACH)], row[U(M_STAGE)] = price, reach, SWEEPING
    return OK


@inlined
def _arrive_modify(row: Row, book: int, order: int) -> int:
    """Change an order in place where it keeps its place; else take it out of its queue, to trade and rest anew."""
    half = row.view(int32)
    side, open_size, old_price = (
        int(half[U(order + SIDE)]),
        int(half[U(order + QTY)]),
        int(half[U(order + PRICE)]),
    )
    price = old_price if row[U(M_PRICE)] == KEEP else row[U(M_PRICE)]
    size = open_size if row[U(M_SIZE)] == KEEP else row[U(M_SIZE)]
    if size < 0:
        return BAD_SIZE
    if size == 0:
        _take(row, book, order, MAX_SIZE)
        return OK
    if is_off_lot(row, size):
        return OFF_LOT
    if price == old_price and size <= open_size:
        _take(row, book, order, open_size - size)
        return OK
    side_index, tag, other = side_index_of(book, side), int(half[U(order + TAG)]), side ^ SIDE_FLIP
    reason = BAD_SIZE if size > row[U(MAX_ORDER_SIZE)] else resting_fault(row, book, price, size)
    if reason != OK:
        return reason
    already = half[U(level_at(row, side, price) + QTY)] - (open_size if price == old_price else 0)
    if size + already > MAX_SIZE:  # nobody waits there if it crosses
        return LEVEL_FULL
    emit(row, book, REPLACED, OK, side_index, price, size, tag, NO_TAG, row[U(M_OWNER)])
    unlink(row, order)
    row[U(M_PRICE)], row[U(M_SIZE)], row[U(M_SIDE)], row[U(M_TAG)] = price, size, side_index, tag
    row[U(M_HELD)], row[U(M_REACH)], row[U(M_STAGE)] = order, price ^ row[U(other + FLIP)], SWEEPING
    return OK


@inlined
def order_fault(row: Row, side_index: int, size: int, tag: int) -> int:
    """Return what is wrong with a new order, its price aside, or OK."""
    if side_index not in (BUY, SELL):
        return BAD_SIDE
    if size <= 0 or size > row[U(MAX_ORDER_SIZE)]:
        return BAD_SIZE
    if is_off_lot(row, size):
        return OFF_LOT
    if tag < 0 or tag > MAX_TAG:
        return TAGS_EXHAUSTED
    if row[U(M_ORDER)] != 0 and find(row, row[U(M_BOOK)], row[U(M_ORDER)]) != 0:
        return DUPLICATE_TAG
    return OK


@inlined
def price_fault(row: Row, book: int, price: int) -> int:
    """Return what is wrong with an order's price, or OK."""
    absolute = price + row[U(book + BASE)]
    if absolute <= 0 or absolute > MAX_PRICE:
        return BAD_PRICE
    if row[U(book + GATE)] & CHECKED == 0:
        return OK
    tick = row[U(book + TICK)]
    if tick != 1 and absolute % tick != 0:  # a division takes longer than all the rest
        return OFF_TICK
    if absolute < row[U(book + BAND_LOW)] or absolute > row[U(book + BAND_HIGH)]:
        return OUTSIDE_BAND
    return OK


@inlined
def is_off_lot(row: Row, size: int) -> bool:
    """Return whether a size is no multiple of the lot of the book in hand."""
    book = row[U(M_BOOK)]
    return bool(row[U(book + GATE)] & CHECKED != 0 and row[U(book + LOT)] != 1 and size % row[U(book + LOT)] != 0)


@inlined
def resting_fault(row: Row, book: int, price: int, size: int) -> int:
    """Return what is wrong with a price at which `size` lots would rest, or OK."""
    reason, absolute = price_fault(row, book, price), price + row[U(book + BASE)]
    if reason != OK:
        return reason
    if price < 0 or price >= row[U(book + TICKS)]:
        return BEYOND_LADDER
    return BAD_SIZE if size * absolute > MAX_VALUE else OK


@inlined
def _sweep(row: Row) -> bool:
    """Trade with the other side, best price first and oldest first, as far as it may; return False to drain first."""
    half, book, side_index = row.view(int32), row[U(M_BOOK)], row[U(M_SIDE)]
    other = side_of(book, side_index) ^ SIDE_FLIP
    left = row[U(M_SIZE)] - row[U(M_FILLED)]
    while left > 0 and row[U(other + BEST)] <= row[U(M_REACH)]:
        if not has_room(row, 2):  # this trade, and what closes the message
            return False
        level = row[U(other + LEVELS)] + LEVEL_WORDS * row[U(other + BEST)]
        maker = int(half[U(level + NEXT)])
        lots = min(left, int(half[U(maker + QTY)]))
        trade(row, book, side_index, maker, lots)
        left -= lots
        row[U(M_FILLED)] += lots
        if lots == half[U(maker + QTY)]:
            remove(row, maker)
        else:
            half[U(maker + QTY)] -= lots
            half[U(level + QTY)] -= lots
    return True


@inlined
def trade(row: Row, book: int, side_index: int, maker: int, lots: int) -> None:
    """Book one fill of the message in hand against a resting order, at its price: money, tape, counters, event."""
    half = row.view(int32)
    price, tag, owner = int(half[U(maker + PRICE)]), int(half[U(maker + TAG)]), int(half[U(maker + OWNER)])
    taker = row[U(M_OWNER)]
    owners = owner | taker << 32
    if side_index == BUY:
        settle(row, book, taker, owner, price, lots)
    else:
        settle(row, book, owner, taker, price, lots)
    emit(row, book, TRADED, OK, side_index, price, lots, tag, row[U(M_TAG)], owners)
    print_trade(row, book, side_index, price, lots, owners)
    row[U(book + LAST)] = price
    row[U(TRADES)] += 1
    row[U(book + BOOK_TRADES)] += 1
    row[U(book + BOOK_VOLUME)] += lots


@inlined
def _leave(row: Row) -> None:
    """Rest what a sweep has left of a limit order; cancel what is left of an immediate one."""
    book, side_index, owner = row[U(M_BOOK)], row[U(M_SIDE)], row[U(M_OWNER)]
    price, tag = row[U(M_PRICE)], row[U(M_TAG)]
    left, held, order = row[U(M_SIZE)] - row[U(M_FILLED)], row[U(M_HELD)], 0
    if row[U(M_OP)] in (OP_IOC, OP_MARKET):
        if left > 0:
            row[U(M_TAKEN)] = left
            emit(row, book, CANCELLED, UNFILLED, side_index, price, left, tag, NO_TAG, owner)
    elif left == 0:
        if held != 0:
            free_slot(row, held)
    elif held != 0:
        order = held
        link(row, side_of(book, side_index), order, price, left)
    else:
        order = rest(row, side_of(book, side_index), owner, price, left, tag)
    row[U(M_ORDER)] = tag << ID_SHIFT | order if order != 0 else 0


@inlined
def _take(row: Row, book: int, order: int, lots: int) -> None:
    """Take up to `lots` away from an order, which keeps its place; one that has none left is cancelled."""
    half = row.view(int32)
    open_size, side, tag = int(half[U(order + QTY)]), int(half[U(order + SIDE)]), int(half[U(order + TAG)])
    price, owner, taken = int(half[U(order + PRICE)]), int(half[U(order + OWNER)]), min(lots, open_size)
    kind = CANCELLED if taken == open_size else REDUCED
    emit(row, book, kind, BY_OWNER, side_index_of(book, side), price, taken, tag, NO_TAG, owner)
    if taken == open_size:
        remove(row, order)
        row[U(M_ORDER)] = 0
    else:
        half[U(order + QTY)] -= taken
        half[U(level_at(row, side, price) + QTY)] -= taken
    row[U(M_TAKEN)] = taken


@inlined
def _clear(row: Row) -> bool:
    """Cancel all orders of the owner in hand, from the last slot down; return False to drain first.

    A slot that is given back is filled by the last live one, which has been looked at already.
    """
    half, book, owner = row.view(int32), row[U(M_BOOK)], row[U(M_OWNER)]
    while row[U(M_CURSOR)] > 0:
        order = int(half[U(row[U(book + SLOTS)] + row[U(M_CURSOR)] - 1)])
        if half[U(order + OWNER)] == owner:
            if not has_room(row, 1):
                return False
            taken = row[U(M_TAKEN)]
            _take(row, book, order, MAX_SIZE)
            row[U(M_TAKEN)] = taken + 1
        row[U(M_CURSOR)] -= 1
    return True
