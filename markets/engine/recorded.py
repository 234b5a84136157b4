"""A recorded day in the engine: as the background of a market, or played to be compared with its record.

In a market the recorded orders are in one book with everybody else's, and are the background's. A recorded cancel takes
away at most what is left of its order: it shrinks by exactly what others took. So does a recorded execution; what is
left is a taker that comes for that order and trades first with whoever is before it, and what those have had is taken
away from the order without a trade; in a call or a halt all of it is. So the book differs from the day's by what others
did to it, and by no more.

A recorded message is `RECORDED_WORDS` words: the row that it came from, time, operation, the order's number (dense from
0), the side of that order, its price and its size. ADOPT adds and FORGET reduces; both are the doing of the window
through which the day was seen.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .book import find, next_key, side_of
from .jit import kernel, plain
from .layout import Book, Event, Flow, Level, Market, Message, Order, Recorded, Row, Side
from .matching import take
from .packing import lower, pack_recorded, pair, recorded_of, upper
from .replay import send
from .terms import BUY, FOREVER, NONE, SELL, Op, Phase, Reason

__all__ = [
    "ADD",
    "ADOPT",
    "EXECUTE",
    "FORGET",
    "RECORDED_WORDS",
    "REDUCE",
    "RUN_WORDS",
    "Progress",
    "next_recorded",
    "pack",
    "play_recorded",
    "play_rows",
]

RECORDED_WORDS: Final = 7
(_ROW, _TIME, _OP, _ORDER, _SIDE_INDEX, _PRICE, _SIZE) = range(RECORDED_WORDS)
(ADD, REDUCE, EXECUTE, ADOPT, FORGET) = range(5)
RUN_WORDS: Final = 5
(_FIRST, _LAST, _RUN_SIDE, _WORST, _LOTS) = range(RUN_WORDS)


class Progress(NamedTuple):
    """How far a comparison has come: rows, messages and matches so far."""

    rows: int
    message: int
    rows_matched: int
    runs_matched: int
    first_mismatch: int  # -1 while there is none


# --- as the background of a market ------------------------------------------------------------------------------------
def pack(messages: NDArray[np.int64], base: int) -> NDArray[np.int64]:
    """Return recorded messages `(m, RECORDED_WORDS)` as a flow keeps them, `(m * 3,)`; `base` is the ladder's."""
    out = np.empty((len(messages), Recorded.MESSAGE_WORDS), np.int64)
    out[:, 0] = messages[:, _TIME]
    out[:, 1] = plain(pair)(messages[:, _PRICE] - base, messages[:, _SIZE])
    out[:, 2] = plain(pack_recorded)(messages[:, _OP], messages[:, _SIDE_INDEX], messages[:, _ORDER])
    return out.ravel()


@kernel
def next_recorded(row: Row, book: int) -> int:
    """Note what has become of the message in hand; return when the record's next is due. Modifies `row` in place.

    An execution may need more than one order of the background's: then its next is due at once.
    """
    flow = row[book + Book.FLOW]
    if row[flow + Recorded.PLAYED]:
        op, _, number = recorded_of(row[_message(row, flow) + 2])
        slot = _order_slot(row, flow, number)
        if op in (ADD, ADOPT):
            row[slot] = row[Message.ORDER]
            row[flow + Recorded.MISSED] += 1 if row[Message.REASON] != Reason.OK else 0
        if row[flow + Recorded.LEFT] > 0 or _open_lots(row, book, row[slot]) > row[flow + Recorded.TARGET] >= 0:
            return int(row[Market.NOW])
        row[flow + Recorded.PLAYED], row[flow + Recorded.TARGET] = 0, -1
        row[flow + Recorded.NEXT] += 1
    if row[flow + Recorded.NEXT] == row[flow + Recorded.COUNT]:
        return FOREVER
    return int(max(row[Market.NOW], row[_message(row, flow)]))


@kernel
def play_recorded(row: Row, book: int) -> bool:
    """Take the record's message of this instant in hand, or go on with it; return whether there is anything to do.

    Modifies `row` in place.
    """
    flow = row[book + Book.FLOW]
    message = _message(row, flow)
    price, lots = upper(row[message + 1]), lower(row[message + 1])
    op, side, number = recorded_of(row[message + 2])
    order = row[_order_slot(row, flow, number)]
    if row[flow + Recorded.PLAYED] == 0:
        row[flow + Recorded.PLAYED] = 1
        if op in (ADD, ADOPT):
            return _take(row, book, Op.LIMIT, side, price, lots, 0)
        left = _open_lots(row, book, order)
        row[flow + Recorded.SHRUNK] += max(lots - left, 0)
        if left == 0:
            row[flow + Recorded.MISSED] += 1
            return False
        row[flow + Recorded.TARGET] = max(left - lots, 0)
        if op == EXECUTE:
            row[flow + Recorded.LEFT] = min(lots, left)
    if row[book + Book.PHASE] != Phase.CONTINUOUS:
        row[flow + Recorded.OUT_OF_TURN] += row[flow + Recorded.LEFT]
        row[flow + Recorded.LEFT] = 0
    if row[flow + Recorded.LEFT] > 0:
        first = _first_order(row, book, side)
        i32, wanted = row.view(np.int32), find(row, book, order)
        is_others = first != 0 and i32[first + Order.OWNER] != row[Market.BACKGROUND]
        take = min(row[flow + Recorded.LEFT], i32[first + Order.QTY]) if is_others else row[flow + Recorded.LEFT]
        row[flow + Recorded.LEFT] -= take
        if is_others:
            row[flow + Recorded.DISPLACED] += take
        if is_others or first == wanted:  # `wanted` is live: it has lots left to trade
            return _take(row, book, Op.IOC, BUY + SELL - side, i32[wanted + Order.PRICE], take, 0)
        row[flow + Recorded.OUT_OF_TURN] += take
    surplus = _open_lots(row, book, order) - row[flow + Recorded.TARGET]
    row[flow + Recorded.TARGET] = -1
    return _take(row, book, Op.REDUCE, side, 0, surplus, order)


@kernel
def _take(row: Row, book: int, op: int, side: int, price: int, lots: int, order: int) -> bool:
    row[Market.SERIAL] += 1
    take(row, book, op, side, row[Market.BACKGROUND], price, lots, row[Market.SERIAL], order)
    return True


@kernel
def _message(row: Row, flow: int) -> int:
    return int(flow + Flow.WORDS + Recorded.MESSAGE_WORDS * row[flow + Recorded.NEXT])


@kernel
def _order_slot(row: Row, flow: int, number: int) -> int:
    """Return where the flow keeps the id of one of its orders."""
    return int(flow + Flow.WORDS + Recorded.MESSAGE_WORDS * row[flow + Recorded.COUNT] + number)


@kernel
def _open_lots(row: Row, book: int, order_id: int) -> int:
    order = find(row, book, order_id) if order_id else 0
    return int(row.view(np.int32)[order + Order.QTY]) if order else 0


@kernel
def _first_order(row: Row, book: int, side_index: int) -> int:
    """Return the displayed order that trades first on a side, which must not be empty; 0 where its best is hidden."""
    side = side_of(book, side_index)
    level = row[side + Side.LEVELS] + Level.WORDS * row[side + Side.BEST]
    first = int(row.view(np.int32)[level + Level.NEXT])
    return first if first != level else 0


# --- played to be compared --------------------------------------------------------------------------------------------
@kernel
def play_rows(row: Row, scratch: Row, messages: Any, handles: Any, runs: Any, levels: Any, depth: int, last: int,
              first: int, message: int, rows_matched: int, runs_matched: int,
              first_mismatch: int) -> tuple[int, int, int, int, int]:  # fmt: skip
    """Play tape rows `first` to `last` (excluded), comparing the book after each with `levels`; return a `Progress`.

    `messages` `(m * RECORDED_WORDS,)`, `levels` `(rows * 2 * depth * 2,)` bids then asks, `runs` `(k * RUN_WORDS,)`:
    before the first row of a run a copy of the book is sent it as one order. Modifies `row`, `scratch` and `handles`.
    """
    run = 0
    while run < runs.size and runs[run + _FIRST] < first:
        run += RUN_WORDS
    for k in range(first, last):
        if run < runs.size and runs[run + _FIRST] == k:
            runs_matched += _run_matches(row, scratch, messages, handles, runs, run, message)
            run += RUN_WORDS
        while message * RECORDED_WORDS < messages.size and messages[message * RECORDED_WORDS + _ROW] == k:
            _play_one(row, messages, handles, message * RECORDED_WORDS)
            message += 1
        if _row_matches(row, levels, depth, k):
            rows_matched += 1
        elif first_mismatch < 0:
            first_mismatch = k
    return last, message, rows_matched, runs_matched, first_mismatch


@kernel
def _play_one(row: Row, messages: Any, handles: Any, at: int) -> int:
    op = messages[at + _OP]
    engine_op = Op.LIMIT if op in (ADD, ADOPT) else Op.REDUCE
    number, side = messages[at + _ORDER], messages[at + _SIDE_INDEX]
    price, size = messages[at + _PRICE], messages[at + _SIZE]
    return send(row, handles, row[Market.BOOKS], engine_op, number, side, price, size, 0)


@kernel
def _row_matches(row: Row, levels: Any, depth: int, k: int) -> bool:
    """Return whether the best `depth` levels of both sides, and how many there are, are row k's."""
    i32, book = row.view(np.int32), row[Market.BOOKS]
    for s in range(2):
        side, at = side_of(book, s), (2 * k + s) * depth * 2
        key = row[side + Side.BEST]
        for level in range(depth):
            size = levels[at + 2 * level + 1]
            if key == NONE:
                if size != 0:
                    return False
                continue
            price = (key ^ row[side + Side.FLIP]) + row[book + Book.BASE]
            lots = i32[row[side + Side.LEVELS] + Level.WORDS * key + Level.QTY]
            if lots != size or price != levels[at + 2 * level]:
                return False
            key = next_key(row, side, key)
        if key != NONE:  # the window holds no more than it shows
            return False
    return True


@kernel
def _run_matches(row: Row, scratch: Row, messages: Any, handles: Any, runs: Any, run: int, message: int) -> int:
    """Send a run to a copy of the book as one immediate-or-cancel order; return 1 if it trades as recorded, else 0."""
    for k in range(row.size):
        scratch[k] = row[k]
    scratch[Market.EVENT_TAIL] = scratch[Market.EVENT_HEAD]
    taker_side = 1 - runs[run + _RUN_SIDE]
    send(scratch, handles, scratch[Market.BOOKS], Op.IOC, handles.size - 1, taker_side, runs[run + _WORST],
         runs[run + _LOTS], 1)  # fmt: skip
    fill, at = scratch[Market.EVENT_TAIL], message * RECORDED_WORDS
    while at < messages.size and messages[at + _ROW] <= runs[run + _LAST]:
        if messages[at + _OP] != EXECUTE:
            at += RECORDED_WORDS
            continue
        order, recorded, traded = messages[at + _ORDER], 0, 0
        while at < messages.size and messages[at + _ROW] <= runs[run + _LAST]:
            if messages[at + _OP] == EXECUTE:
                if messages[at + _ORDER] != order:
                    break
                recorded += messages[at + _SIZE]
            at += RECORDED_WORDS
        while fill < scratch[Market.EVENT_HEAD]:
            event = scratch[Market.EVENTS] + Event.WORDS * (fill & (scratch[Market.EVENT_CAPACITY] - 1))
            if scratch[event + Event.ORDER] != order:
                break
            traded += scratch[event + Event.SIZE]
            fill += 1
        if traded != recorded:
            return 0
    return 1 if fill == scratch[Market.EVENT_HEAD] else 0
