"""Price-time priority: one message at a time, worked off in stages that an event ring without room may interrupt.

Better price first; at one price, first come first served; every trade at the resting order's price. A limit order rests
with what is left, an immediate one (IOC, market) is cancelled with it. A smaller size keeps its place in the queue; a
larger one, or another price, goes to the back, and trades first if it crosses. Only an order's owner may touch it.

The message in hand lives in the row's header (`Message`), so stopping anywhere loses nothing: `submit` writes it down
and works on it, `handle` goes on with it. Both answer DONE; REJECTED with the reason in REASON, the book unchanged;
DRAIN: read the events, then call `handle`; or SPECIAL: the venue or an order in it is not plain, and `special.special`
must do what `handle` would. So what a plain venue has no need of costs it one word read a message.

The outcome stands in the header until the next message: REASON, FILLED (lots traded), TAKEN (lots, or orders, taken
away), ORDER (the id of the order that rests, 0 if none does).

A limit order that needs a slot or a level with room, and finds none, is refused as a whole, before it trades. It never
has to be refused in the middle: if it crosses, its own level is empty, and what it trades through frees slots.
"""

from __future__ import annotations

from numpy import int32

from .bits import is_in
from .book import find, free_slot, level_at, link, remove, rest, side_index_of, side_of, unlink
from .events import emit, has_room, print_trade
from .jit import inlined, kernel
from .layout import Account, Book, Extra, Level, Market, Message, Order, Row, Side
from .ledger import account_of, exchange, log_reject, remark
from .operations import NEW
from .packing import pair, upper
from .terms import (
    BUY,
    KEEP,
    MAX_PRICE,
    MAX_SIZE,
    MAX_TAG,
    MAX_VALUE,
    NO_TAG,
    SELL,
    Answer,
    Due,
    Gate,
    Kind,
    Op,
    Reason,
    Stage,
)

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
    row[Message.STAGE] = Stage.ARRIVED


@inlined
def prepare(row: Row, book: int, op: int, side_index: int, owner: int, price: int, size: int, tag: int,
            order_id: int) -> None:  # fmt: skip
    """Take a message in hand, and count it. Its stage is for the caller to say."""
    row[Message.OP] = op
    row[Message.BOOK] = book
    row[Message.SIDE] = side_index
    row[Message.OWNER] = owner
    row[Message.PRICE] = price
    row[Message.SIZE] = size
    row[Message.TAG] = tag
    row[Message.ORDER] = order_id
    row[Message.FILLED] = 0
    row[Message.TAKEN] = 0
    row[Message.REASON] = Reason.OK
    row[Message.HELD] = 0
    row[Market.MESSAGES] += 1


@inlined
def handle(row: Row) -> int:
    """Work on the message in hand until it is done or events have to be read; without one, repeat the last answer."""
    if row[Message.STAGE] == Stage.ARRIVED:
        gate = row[row[Message.BOOK] + Book.GATE]
        if gate > Gate.CHECKED and _is_special(row, gate):
            return Answer.SPECIAL
        if not has_room(row, 2):  # one that opens, one that closes
            return Answer.DRAIN
        reason = _arrive(row)
        if reason != Reason.OK:
            return refuse(row, reason)
    if row[Message.STAGE] == Stage.SWEEPING:
        if not _sweep(row):
            return Answer.DRAIN
        _leave(row)
    elif row[Message.STAGE] == Stage.CLEARING:
        if not _clear(row):
            return Answer.DRAIN
    elif row[Message.STAGE] > Stage.CLEARING:
        return Answer.SPECIAL
    if row[Message.STAGE] != Stage.IDLE:
        remark(row, row[Message.BOOK])
        row[Message.STAGE] = Stage.IDLE
    return Answer.DONE if row[Message.REASON] == Reason.OK else Answer.REJECTED


@kernel
def _is_special(row: Row, gate: int) -> bool:
    """Return whether the message in hand meets anything that a plain one would not, in a book with such a gate."""
    book, op, order_id = row[Message.BOOK], row[Message.OP], row[Message.ORDER]
    if gate & Gate.SPECIAL_ALL:
        return True
    if op == Op.LIMIT:
        if gate & Gate.SPECIAL_ARRIVALS:
            return True
        side = side_of(book, row[Message.SIDE] & 1)
        price, other = row[Message.PRICE], side ^ Side.SWAP
        if price < 0 or price >= row[book + Book.TICKS] or row[other + Side.BEST] <= price ^ row[other + Side.FLIP]:
            return True
        shown = row.view(int32)[level_at(row, side, price) + Level.QTY]
        return bool(shown + row[book + Book.RESERVED] + row[Message.SIZE] > MAX_SIZE)
    if op in (Op.CANCEL, Op.REDUCE):
        order = find(row, book, order_id) if row[book + Book.SPECIALS] != 0 else 0
        return bool(order != 0 and row.view(int32)[order + row[book + Book.EXTRAS] + Extra.FLAGS] != 0)
    return bool(op != Op.MASS_CANCEL or row[book + Book.SPECIALS] != 0)


@inlined
def refuse(row: Row, reason: int) -> int:
    """Refuse the message in hand: count it, write it down, leave everything else as it is. Answer REJECTED."""
    owner, op = row[Message.OWNER], row[Message.OP]
    tag = row[Message.TAG] if is_in(NEW, op) else upper(row[Message.ORDER])
    price, size = row[Message.PRICE], row[Message.SIZE]
    if price == KEEP:
        price = KEEP - row[row[Message.BOOK] + Book.BASE]  # written down as it was sent
    emit(row, row[Message.BOOK], Kind.REJECTED, reason, row[Message.SIDE] & 1, price, size, tag, op, owner)
    row[Market.REJECTS] += 1
    if 0 <= owner < row[Market.ACCOUNT_COUNT]:
        row[account_of(row, owner) + Account.REJECTED] += 1
    log_reject(row, owner, reason, row[Message.PLACE] if row[Message.AFTER] == Due.ARRIVAL else 0)
    row[Message.REASON] = reason
    row[Message.ORDER] = 0
    row[Message.STAGE] = Stage.IDLE
    return Answer.REJECTED


@inlined
def _arrive(row: Row) -> int:
    """Check the message in hand and do all of it that cannot be interrupted; return OK or why it is refused."""
    book, op, owner = row[Message.BOOK], row[Message.OP], row[Message.OWNER]
    if owner < 0 or owner >= row[Market.ACCOUNT_COUNT]:
        return Reason.BAD_OWNER
    row[account_of(row, owner) + Account.SENT] += 1
    if op == Op.LIMIT:
        return _arrive_limit(row, book, owner)
    if op in (Op.IOC, Op.MARKET):
        return _arrive_immediate(row, book, owner, op)
    if op == Op.MASS_CANCEL:
        row[Message.STAGE], row[Message.CURSOR] = Stage.CLEARING, row[book + Book.LIVE]
        return Reason.OK
    if op == Op.INVALID:
        return int(row[Message.SIZE])
    order = find(row, book, row[Message.ORDER])
    if order == 0:
        return Reason.UNKNOWN_ORDER
    if row.view(int32)[order + Order.OWNER] != owner:
        return Reason.NOT_OWNER
    if op == Op.CANCEL:
        _take(row, book, order, MAX_SIZE)
        return Reason.OK
    if op == Op.REDUCE:
        if row[Message.SIZE] <= 0:
            return Reason.BAD_SIZE
        if row[Message.SIZE] < row.view(int32)[order + Order.QTY] and is_off_lot(row, row[Message.SIZE]):
            return Reason.OFF_LOT
        _take(row, book, order, row[Message.SIZE])
        return Reason.OK
    return _arrive_modify(row, book, order) if op == Op.MODIFY else Reason.BAD_OPERATION


@inlined
def _arrive_limit(row: Row, book: int, owner: int) -> int:
    """Accept a limit order and, where it does not cross, queue it."""
    price, size, tag, side_index = row[Message.PRICE], row[Message.SIZE], row[Message.TAG], row[Message.SIDE]
    reason = order_fault(row, side_index, size, tag)
    if reason == Reason.OK:
        reason = resting_fault(row, book, price, size)
    if reason != Reason.OK:
        return reason
    side = side_of(book, side_index)
    other = side ^ Side.SWAP
    reach = price ^ row[other + Side.FLIP]
    crosses = row[other + Side.BEST] <= reach
    if not crosses:
        if row[book + Book.LIVE] == row[book + Book.CAPACITY]:
            return Reason.BOOK_FULL
        if size + row.view(int32)[level_at(row, side, price) + Level.QTY] > MAX_SIZE:
            return Reason.LEVEL_FULL
    emit(row, book, Kind.ACCEPTED, Reason.OK, side_index, price, size, tag, Op.LIMIT, owner)
    if crosses:
        row[Message.REACH], row[Message.STAGE] = reach, Stage.SWEEPING
    else:
        row[Message.ORDER] = pair(tag, rest(row, side, owner, price, size, tag))
    return Reason.OK


@inlined
def _arrive_immediate(row: Row, book: int, owner: int, op: int) -> int:
    """Accept an order that never rests: it may stand beyond the ladder, which only bounds how far it reaches."""
    size, tag, side_index = row[Message.SIZE], row[Message.TAG], row[Message.SIDE]
    reason = order_fault(row, side_index, size, tag)
    if reason != Reason.OK:
        return reason
    reach = row[book + Book.TICKS] - 1
    if op == Op.MARKET:
        price = -row[book + Book.BASE]  # printed as 0, which no price is
    else:
        price = row[Message.PRICE]
        reason = price_fault(row, book, price)
        if reason != Reason.OK:
            return reason
        reach = min(reach, price if side_index == BUY else reach - price)
    emit(row, book, Kind.ACCEPTED, Reason.OK, side_index, price, size, tag, op, owner)
    row[Message.PRICE], row[Message.REACH], row[Message.STAGE] = price, reach, Stage.SWEEPING
    return Reason.OK


@inlined
def _arrive_modify(row: Row, book: int, order: int) -> int:
    """Change an order in place where it keeps its place; else take it out of its queue, to trade and rest anew."""
    i32 = row.view(int32)
    side, open_size, old_price = (
        int(i32[order + Order.SIDE]),
        int(i32[order + Order.QTY]),
        int(i32[order + Order.PRICE]),
    )
    price = old_price if row[Message.PRICE] == KEEP else row[Message.PRICE]
    size = open_size if row[Message.SIZE] == KEEP else row[Message.SIZE]
    if size < 0:
        return Reason.BAD_SIZE
    if size == 0:
        _take(row, book, order, MAX_SIZE)
        return Reason.OK
    if is_off_lot(row, size):
        return Reason.OFF_LOT
    if price == old_price and size <= open_size:
        _take(row, book, order, open_size - size)
        return Reason.OK
    side_index, tag, other = side_index_of(book, side), int(i32[order + Order.TAG]), side ^ Side.SWAP
    reason = Reason.BAD_SIZE if size > row[Market.MAX_ORDER_SIZE] else resting_fault(row, book, price, size)
    if reason != Reason.OK:
        return reason
    already = i32[level_at(row, side, price) + Level.QTY] - (open_size if price == old_price else 0)
    if size + already > MAX_SIZE:  # nobody waits there if it crosses
        return Reason.LEVEL_FULL
    emit(row, book, Kind.REPLACED, Reason.OK, side_index, price, size, tag, NO_TAG, row[Message.OWNER])
    unlink(row, order)
    row[Message.PRICE], row[Message.SIZE], row[Message.SIDE], row[Message.TAG] = price, size, side_index, tag
    row[Message.HELD], row[Message.REACH], row[Message.STAGE] = order, price ^ row[other + Side.FLIP], Stage.SWEEPING
    return Reason.OK


@inlined
def order_fault(row: Row, side_index: int, size: int, tag: int) -> int:
    """Return what is wrong with a new order, its price aside, or OK."""
    if side_index not in (BUY, SELL):
        return Reason.BAD_SIDE
    if size <= 0 or size > row[Market.MAX_ORDER_SIZE]:
        return Reason.BAD_SIZE
    if is_off_lot(row, size):
        return Reason.OFF_LOT
    if tag < 0 or tag > MAX_TAG:
        return Reason.TAGS_EXHAUSTED
    if row[Message.ORDER] != 0 and find(row, row[Message.BOOK], row[Message.ORDER]) != 0:
        return Reason.DUPLICATE_TAG
    return Reason.OK


@inlined
def price_fault(row: Row, book: int, price: int) -> int:
    """Return what is wrong with an order's price, or OK."""
    absolute = price + row[book + Book.BASE]
    if absolute <= 0 or absolute > MAX_PRICE:
        return Reason.BAD_PRICE
    if row[book + Book.GATE] & Gate.CHECKED == 0:
        return Reason.OK
    tick = row[book + Book.TICK]
    if tick != 1 and absolute % tick != 0:  # a division takes longer than all the rest
        return Reason.OFF_TICK
    if absolute < row[book + Book.BAND_LOW] or absolute > row[book + Book.BAND_HIGH]:
        return Reason.OUTSIDE_BAND
    return Reason.OK


@inlined
def is_off_lot(row: Row, size: int) -> bool:
    """Return whether a size is no multiple of the lot of the book in hand."""
    book = row[Message.BOOK]
    return bool(
        row[book + Book.GATE] & Gate.CHECKED != 0 and row[book + Book.LOT] != 1 and size % row[book + Book.LOT] != 0
    )


@inlined
def resting_fault(row: Row, book: int, price: int, size: int) -> int:
    """Return what is wrong with a price at which `size` lots would rest, or OK."""
    reason, absolute = price_fault(row, book, price), price + row[book + Book.BASE]
    if reason != Reason.OK:
        return reason
    if price < 0 or price >= row[book + Book.TICKS]:
        return Reason.BEYOND_LADDER
    return Reason.BAD_SIZE if size * absolute > MAX_VALUE else Reason.OK


@inlined
def _sweep(row: Row) -> bool:
    """Trade with the other side, best price first and oldest first, as far as it may; return False to drain first."""
    i32, book, side_index = row.view(int32), row[Message.BOOK], row[Message.SIDE]
    other = side_of(book, side_index) ^ Side.SWAP
    left = row[Message.SIZE] - row[Message.FILLED]
    while left > 0 and row[other + Side.BEST] <= row[Message.REACH]:
        if not has_room(row, 2):  # this trade, and what closes the message
            return False
        level = row[other + Side.LEVELS] + Level.WORDS * row[other + Side.BEST]
        maker = int(i32[level + Level.NEXT])
        lots = min(left, int(i32[maker + Order.QTY]))
        trade(row, book, side_index, maker, lots)
        left -= lots
        row[Message.FILLED] += lots
        if lots == i32[maker + Order.QTY]:
            remove(row, maker)
        else:
            i32[maker + Order.QTY] -= lots
            i32[level + Level.QTY] -= lots
    return True


@inlined
def trade(row: Row, book: int, side_index: int, maker: int, lots: int) -> None:
    """Book one fill of the message in hand against a resting order, at its price: money, tape, counters, event."""
    i32 = row.view(int32)
    price, tag, owner = int(i32[maker + Order.PRICE]), int(i32[maker + Order.TAG]), int(i32[maker + Order.OWNER])
    taker = row[Message.OWNER]
    owners = pair(taker, owner)
    if side_index == BUY:
        exchange(row, book, taker, owner, price, lots, owner)
    else:
        exchange(row, book, owner, taker, price, lots, owner)
    emit(row, book, Kind.TRADED, Reason.OK, side_index, price, lots, tag, row[Message.TAG], owners)
    print_trade(row, book, side_index, price, lots, owners)
    row[book + Book.LAST] = price
    row[Market.TRADES] += 1
    row[book + Book.TRADES] += 1
    row[book + Book.VOLUME] += lots


@inlined
def _leave(row: Row) -> None:
    """Rest what a sweep has left of a limit order; cancel what is left of an immediate one."""
    book, side_index, owner = row[Message.BOOK], row[Message.SIDE], row[Message.OWNER]
    price, tag = row[Message.PRICE], row[Message.TAG]
    left, held, order = row[Message.SIZE] - row[Message.FILLED], row[Message.HELD], 0
    if row[Message.OP] in (Op.IOC, Op.MARKET):
        if left > 0:
            row[Message.TAKEN] = left
            emit(row, book, Kind.CANCELLED, Reason.UNFILLED, side_index, price, left, tag, NO_TAG, owner)
    elif left == 0:
        if held != 0:
            free_slot(row, held)
    elif held != 0:
        order = held
        link(row, side_of(book, side_index), order, price, left)
    else:
        order = rest(row, side_of(book, side_index), owner, price, left, tag)
    row[Message.ORDER] = pair(tag, order) if order != 0 else 0


@inlined
def _take(row: Row, book: int, order: int, lots: int) -> None:
    """Take up to `lots` away from an order, which keeps its place; one that has none left is cancelled."""
    i32 = row.view(int32)
    open_size, side, tag = int(i32[order + Order.QTY]), int(i32[order + Order.SIDE]), int(i32[order + Order.TAG])
    price, owner, taken = int(i32[order + Order.PRICE]), int(i32[order + Order.OWNER]), min(lots, open_size)
    kind = Kind.CANCELLED if taken == open_size else Kind.REDUCED
    emit(row, book, kind, Reason.BY_OWNER, side_index_of(book, side), price, taken, tag, NO_TAG, owner)
    if taken == open_size:
        remove(row, order)
        row[Message.ORDER] = 0
    else:
        i32[order + Order.QTY] -= taken
        i32[level_at(row, side, price) + Level.QTY] -= taken
    row[Message.TAKEN] = taken


@inlined
def _clear(row: Row) -> bool:
    """Cancel all orders of the owner in hand, from the last slot down; return False to drain first.

    A slot that is given back is filled by the last live one, which has been looked at already.
    """
    i32, book, owner = row.view(int32), row[Message.BOOK], row[Message.OWNER]
    while row[Message.CURSOR] > 0:
        order = int(i32[row[book + Book.SLOTS] + row[Message.CURSOR] - 1])
        if i32[order + Order.OWNER] == owner:
            if not has_room(row, 1):
                return False
            taken = row[Message.TAKEN]
            _take(row, book, order, MAX_SIZE)
            row[Message.TAKEN] = taken + 1
        row[Message.CURSOR] -= 1
    return True
