"""The edge: messages that name orders by their sender's own numbers, one at a time or a whole day at once.

Here a tag *is* the sender's order id, dense from 0, and `handles[id]` is where that order was last seen. The entry may
be stale; the order's tag says so. A row with ELASTIC set is never refused for want of room: the kernel stops before the
message with GROW, and the row's owner calls again with a larger one (`markets.engine.grow`).
"""

from __future__ import annotations

from typing import Any, Final

from numpy import uint64 as U

from .events import pour
from .jit import inlined, kernel
from .layout import (
    ACCOUNT_COUNT,
    BASE,
    CAPACITY,
    DONE,
    DRAIN,
    ELASTIC,
    EVENT_HEAD,
    EVENT_TAIL,
    ID_SHIFT,
    IDLE,
    KEEP,
    LIVE,
    M_OP,
    M_ORDER,
    M_STAGE,
    M_TAG,
    MAX_PRICE,
    OP_LIMIT,
    OP_MODIFY,
    TICKS,
    Row,
)
from .matching import handle, submit

__all__ = ["GROW", "MESSAGE_WORDS", "fits", "replay", "send"]

GROW: Final = 4  # what a kernel of this file answers, beside DONE, DRAIN and REFUSED_CODE
MESSAGE_WORDS: Final = 6  # int32
(OP, ORDER_ID, SIDE_INDEX, PRICE_TICKS, SIZE, OWNER) = range(MESSAGE_WORDS)

_HANDLE_BITS = (1 << ID_SHIFT) - 1


@inlined
def fits(row: Row, handles: Any, book: int, op: int, order_id: int, price: int, owner: int) -> bool:
    """Return whether the row and `handles` have room for whatever this message may do; `price` counts from zero."""
    if owner >= row[U(ACCOUNT_COUNT)]:
        return False
    if op != OP_LIMIT and op != OP_MODIFY:
        return order_id < handles.size or op != OP_LIMIT
    if op == OP_LIMIT and (order_id >= handles.size or row[U(book + LIVE)] == row[U(book + CAPACITY)]):
        return False
    ladder = price - row[U(book + BASE)]
    return 0 <= ladder < row[U(book + TICKS)] or price <= 0 or price > MAX_PRICE


@inlined
def send(row: Row, handles: Any, book: int, op: int, order_id: int, side_index: int, price: int, size: int,
         owner: int) -> int:  # fmt: skip
    """Submit one message that names its order by the sender's id; modifies `row` and `handles` in place.

    `price` counts from zero. Answers as `submit`, or GROW, nothing having happened. After DRAIN call `resume`.
    """
    if row[U(ELASTIC)] != 0 and not fits(row, handles, book, op, order_id, price, owner):
        return GROW
    shown = int(handles[U(order_id)]) if 0 <= order_id < handles.size else 0
    ladder = KEEP if price == KEEP else price - row[U(book + BASE)]
    named = order_id << ID_SHIFT | shown
    code = submit(row, book, op, side_index, owner, ladder, size, order_id, named)
    if code == DONE and op == OP_LIMIT:
        note(row, handles)
    return code


@inlined
def note(row: Row, handles: Any) -> None:
    """Remember where the order of the message just finished rests."""
    if row[U(M_OP)] == OP_LIMIT and row[U(M_ORDER)] != 0:
        handles[U(row[U(M_TAG)])] = row[U(M_ORDER)] & _HANDLE_BITS


@inlined
def resume(row: Row, handles: Any) -> int:
    """Go on with a message that DRAIN has interrupted; answers as `submit`."""
    code = handle(row)
    if code == DONE:
        note(row, handles)
    return code


@kernel
def replay(row: Row, messages: Any, handles: Any, log: Any, book: int, start: int, logged: int) -> tuple[int, int, int]:
    """Submit messages `(n * MESSAGE_WORDS,) int32` from number `start` on; modifies all arrays but them in place.

    Events go to `log`, `(m * EVENT_WORDS,) int64`, from number `logged` on. Returns the message to go on with, the
    number of events in the log, and DONE, DRAIN (the log is full: call again with a longer one), or GROW.
    """
    i, count = start, messages.size // MESSAGE_WORDS
    while True:
        if row[U(M_STAGE)] != IDLE:
            code = resume(row, handles)
        elif i < count:
            at = MESSAGE_WORDS * i
            code = send(
                row,
                handles,
                book,
                messages[U(at + OP)],
                messages[U(at + ORDER_ID)],
                messages[U(at + SIDE_INDEX)],
                messages[U(at + PRICE_TICKS)],
                messages[U(at + SIZE)],
                messages[U(at + OWNER)],
            )
            if code == GROW:
                return i, pour(row, log, logged), GROW
        else:
            logged = pour(row, log, logged)
            return i, logged, DONE if row[U(EVENT_TAIL)] == row[U(EVENT_HEAD)] else DRAIN
        if code == DRAIN:
            logged = pour(row, log, logged)
            if row[U(EVENT_TAIL)] != row[U(EVENT_HEAD)]:
                return i, logged, DRAIN
        else:
            i += 1
