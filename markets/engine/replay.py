"""The edge: messages that name orders by their sender's own numbers, one at a time or a whole day at once.

Here a tag *is* the sender's order id, dense from 0, and `handles[id]` is where that order was last seen. The entry may
be stale; the order's tag says so. A row with ELASTIC set is never refused for want of room: the kernel stops before the
message with GROW, and the row's owner calls again with a larger one (`sekai.markets.engine.grow`).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from numpy import int32

from .bits import is_in
from .book import find
from .events import pour
from .jit import call, inlined, kernel
from .layout import Book, Market, Message, Order, Row
from .matching import handle, prepare, submit
from .operations import NEW, PLAIN, PRICED, STAYING
from .packing import lower, pair
from .terms import KEEP, MAX_PRICE, NO_TAG, Answer, Gate, Op, Stage

__all__ = [
    "ANYONE",
    "GROW",
    "MESSAGE_KEEP",
    "MESSAGE_WORDS",
    "ORDER_WORDS",
    "Demand",
    "demand",
    "demand_special",
    "fits",
    "note",
    "replay",
    "replay_special",
    "resume",
    "resume_special",
    "send",
    "send_special",
]

GROW: Final = 4  # what a kernel of this file answers, beside DONE, DRAIN and REJECTED
ANYONE: Final = -(1 << 40)  # as owner
MESSAGE_KEEP: Final = -(1 << 31)  # KEEP in a message of int32
MESSAGE_WORDS: Final = 6
ORDER_WORDS: Final = 9  # with what is not plain
(_OP, _ORDER_ID, _SIDE_INDEX, _PRICE_TICKS, _SIZE, _OWNER, _STOP_TICKS, _DISPLAY, _FLAGS) = range(ORDER_WORDS)


class Demand(NamedTuple):
    """What a row must have room for, to take some messages; -1, or `low` above `high`, where there is nothing."""

    order_id: int  # the largest of a new order
    owner: int
    low: int  # prices at which orders may rest, counted from zero
    high: int


@kernel
def demand(messages: Any) -> Demand:
    """Return what messages `(n * MESSAGE_WORDS,) int32` ask for.

    Operations come in no order that a processor could foresee, so that the loop selects instead of branching.
    """
    order_id, last_owner, low, high = -1, -1, MAX_PRICE + 1, -1
    for at in range(0, messages.size, MESSAGE_WORDS):
        op, price = messages[at + _OP], messages[at + _PRICE_TICKS]
        rests = is_in(PRICED, op) & (price > 0)
        order_id = max(order_id, messages[at + _ORDER_ID] if is_in(NEW, op) else -1)
        last_owner = max(last_owner, messages[at + _OWNER])
        low, high = min(low, price if rests else MAX_PRICE + 1), max(high, price if rests else -1)
    return Demand(int(order_id), int(last_owner), int(low), int(high))


@inlined
def fits(row: Row, handles: Any, book: int, op: int, order_id: int, price: int, owner: int) -> bool:
    """Return whether the row and `handles` have room for whatever the message may do; `price` counts from zero."""
    if owner >= row[Market.ACCOUNT_COUNT]:
        return False
    if is_in(NEW, op) and order_id >= handles.size:
        return False
    is_full = row[book + Book.LIVE] == row[book + Book.CAPACITY]
    if is_full and (is_in(STAYING, op) or (is_in(NEW, op) and row[book + Book.GATE] > Gate.CHECKED)):
        return False  # in a call a market order waits
    if not is_in(PRICED, op):
        return True
    ladder = price - row[book + Book.BASE]
    return bool(0 <= ladder < row[book + Book.TICKS]) or price <= 0 or price > MAX_PRICE


@inlined
def send(row: Row, handles: Any, book: int, op: int, order_id: int, side_index: int, price: int, size: int,
         owner: int) -> int:  # fmt: skip
    """Submit one message that names its order by the sender's id; modifies `row` and `handles` in place.

    `price` counts from zero, or is KEEP. For an order that exists, `owner` may be ANYONE: its own. Answers
    as `submit`, or GROW, nothing having happened. After DRAIN call `resume`. A new order whose id is beyond `handles`
    is refused, TAGS_EXHAUSTED, and written down without its id. SERIAL is the largest id so far.
    """
    if row[Market.ELASTIC] != 0 and not fits(row, handles, book, op, order_id, price, owner):
        return GROW
    tag = NO_TAG if is_in(NEW, op) and order_id >= handles.size else order_id
    if is_in(NEW, op) and tag > row[Market.SERIAL]:
        row[Market.SERIAL] = tag
    shown = int(handles[order_id]) if 0 <= order_id < handles.size else 0
    ladder = KEEP if price == KEEP else price - row[book + Book.BASE]
    named = pair(order_id, shown)
    if owner == ANYONE and op in (Op.CANCEL, Op.REDUCE, Op.MODIFY):
        order = find(row, book, named)
        owner = int(row.view(int32)[order + Order.OWNER]) if order != 0 else 0
    code = submit(row, book, op, side_index, owner, ladder, size, tag, named)
    if code == Answer.DONE:
        note(row, handles)
    return code


@inlined
def note(row: Row, handles: Any) -> None:
    """Remember where the order of the message just finished rests."""
    if row[Message.ORDER] != 0:
        handles[row[Message.TAG]] = lower(row[Message.ORDER])


@inlined
def resume(row: Row, handles: Any) -> int:
    """Go on with a message that DRAIN has interrupted; answers as `submit`."""
    code = handle(row)
    if code == Answer.DONE:
        note(row, handles)
    return code


@inlined
def _send_one(row: Row, messages: Any, handles: Any, book: int, at: int) -> int:
    op, price, size = int(messages[at + _OP]), int(messages[at + _PRICE_TICKS]), int(messages[at + _SIZE])
    order_id, side_index, owner = messages[at + _ORDER_ID], messages[at + _SIDE_INDEX], messages[at + _OWNER]
    if not is_in(PLAIN, op):
        return Answer.SPECIAL
    if op == Op.MODIFY:
        price, size = KEEP if price == MESSAGE_KEEP else price, KEEP if size == MESSAGE_KEEP else size
    return send(row, handles, book, op, int(order_id), int(side_index), price, size, int(owner))


@kernel
def replay(row: Row, messages: Any, handles: Any, log: Any, book: int, start: int, logged: int) -> tuple[int, int, int]:
    """Submit messages `(n * MESSAGE_WORDS,) int32` from number `start` on; modifies all arrays but them in place.

    Events go to `log`, `(m * EVENT_WORDS,) int64`, from number `logged` on. Returns the message to go on with, the
    number of events in the log, and DONE, DRAIN (the log is full: call again with a longer one), GROW, or SPECIAL:
    this one is not plain, nor need the rest be (`replay_special`).
    """
    i, count = start, messages.size // MESSAGE_WORDS
    while True:
        if row[Message.STAGE] != Stage.IDLE:
            code = resume(row, handles)
        elif i < count:
            code = _send_one(row, messages, handles, book, MESSAGE_WORDS * i)
            if code == GROW or code == Answer.SPECIAL:
                return i, pour(row, log, logged), code
        else:
            logged = pour(row, log, logged)
            return i, logged, Answer.DONE if row[Market.EVENT_TAIL] == row[Market.EVENT_HEAD] else Answer.DRAIN
        if code == Answer.DRAIN:
            logged = pour(row, log, logged)
            if row[Market.EVENT_TAIL] != row[Market.EVENT_HEAD]:
                return i, logged, Answer.DRAIN
        else:
            i += 1


# --- what is not plain ------------------------------------------------------------------------------------------------
@kernel
def send_special(row: Row, handles: Any, book: int, op: int, order_id: int, side_index: int, price: int, size: int,
                 owner: int, stop: int, display: int, flags: int) -> int:  # fmt: skip
    """Take a message in hand that need not be plain. Answers GROW, or SPECIAL, after which call `resume_special`.

    As `send`, and `stop` is a trigger, counted from zero, or an offset; `display` the lots that an iceberg shows;
    `flags` what else the order is (IS_*). A phase is given in `size`, a reference in `price`, or KEEP.
    """
    if row[Market.ELASTIC] != 0 and not _fits_special(row, handles, book, op, order_id, price, owner):
        return GROW
    base, tag = row[book + Book.BASE], NO_TAG if is_in(NEW, op) and order_id >= handles.size else order_id
    if is_in(NEW, op) and tag > row[Market.SERIAL]:
        row[Market.SERIAL] = tag
    shown = int(handles[order_id]) if 0 <= order_id < handles.size else 0
    named = pair(order_id, shown)
    if owner == ANYONE and op in (Op.CANCEL, Op.REDUCE, Op.MODIFY):
        order = find(row, book, named)
        owner = int(row.view(int32)[order + Order.OWNER]) if order != 0 else 0
    if op in (Op.STOP, Op.TRAILING_STOP):
        price = stop  # what events name
    prepare(row, book, op, side_index, owner, KEEP if price == KEEP else price - base, size, tag, named)
    row[Message.STOP] = stop if op == Op.TRAILING_STOP else stop - base
    row[Message.DISPLAY], row[Message.FLAGS], row[Message.STAGE] = display, flags, Stage.CAME
    return Answer.SPECIAL


@inlined
def _fits_special(row: Row, handles: Any, book: int, op: int, order_id: int, price: int, owner: int) -> bool:
    if owner >= row[Market.ACCOUNT_COUNT]:
        return False
    if is_in(NEW, op) and (order_id >= handles.size or row[book + Book.LIVE] == row[book + Book.CAPACITY]):
        return False
    if not is_in(PRICED, op):
        return True
    ladder = price - row[book + Book.BASE]
    return bool(0 <= ladder < row[book + Book.TICKS]) or price <= 0 or price > MAX_PRICE


@kernel
def resume_special(row: Row, handles: Any, special: int) -> int:
    """Work on a message for which the answer was SPECIAL, or DRAIN since; `special` is the address of that kernel."""
    code = call(special, row, 0)
    if code == Answer.DONE:
        note(row, handles)
    return code


@kernel
def demand_special(messages: Any, words: int) -> Demand:
    """Return what messages of so many words each, `(n * words,) int32`, ask for."""
    order_id, last_owner, low, high = -1, -1, MAX_PRICE + 1, -1
    for at in range(0, messages.size, words):
        op, price = int(messages[at + _OP]), int(messages[at + _PRICE_TICKS])
        if is_in(PRICED, op) and price > 0:
            low, high = min(low, price), max(high, price)
        order_id = max(order_id, int(messages[at + _ORDER_ID])) if is_in(NEW, op) else order_id
        last_owner = max(last_owner, int(messages[at + _OWNER]))
    return Demand(order_id, last_owner, low, high)


@kernel
def replay_special(row: Row, messages: Any, words: int, handles: Any, log: Any, book: int, start: int, logged: int,
                   special: int) -> tuple[int, int, int]:  # fmt: skip
    """Submit messages of so many words each, plain or not, as `replay` does; `special` is that kernel's address."""
    i, count = start, messages.size // words
    while True:
        if row[Message.STAGE] >= Stage.CAME:
            code = resume_special(row, handles, special)
        elif row[Message.STAGE] != Stage.IDLE:
            code = resume(row, handles)
            code = resume_special(row, handles, special) if code == Answer.SPECIAL else code
        elif i < count:
            code = _send_any(row, messages, words, handles, book, words * i)
            if code == GROW:
                return i, pour(row, log, logged), GROW
            code = resume_special(row, handles, special) if code == Answer.SPECIAL else code
        else:
            logged = pour(row, log, logged)
            return i, logged, Answer.DONE if row[Market.EVENT_TAIL] == row[Market.EVENT_HEAD] else Answer.DRAIN
        if code == Answer.DRAIN:
            logged = pour(row, log, logged)
            if row[Market.EVENT_TAIL] != row[Market.EVENT_HEAD]:
                return i, logged, Answer.DRAIN
        else:
            i += 1


@inlined
def _send_any(row: Row, messages: Any, words: int, handles: Any, book: int, at: int) -> int:
    """Send a message the plain way where book and message are plain, else as a special one."""
    op, price, size = int(messages[at + _OP]), int(messages[at + _PRICE_TICKS]), int(messages[at + _SIZE])
    order_id, side_index, owner = messages[at + _ORDER_ID], messages[at + _SIDE_INDEX], messages[at + _OWNER]
    stop, display, flags = 0, 0, 0
    if words == ORDER_WORDS:
        stop, display = int(messages[at + _STOP_TICKS]), int(messages[at + _DISPLAY])
        flags = int(messages[at + _FLAGS])
    if is_in(PLAIN, op) and flags == 0:
        return _send_one(row, messages, handles, book, at)
    if op in (Op.MODIFY, Op.UNCROSS):
        price, size = KEEP if price == MESSAGE_KEEP else price, KEEP if size == MESSAGE_KEEP else size
    return send_special(row, handles, book, op, int(order_id), int(side_index), price, size, int(owner), stop, display,
                        flags)  # fmt: skip
