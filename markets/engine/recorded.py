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
from numpy import uint64 as U
from numpy.typing import NDArray

from .book import find, next_key, side_of
from .jit import kernel
from .layout import (
    BACKGROUND,
    BASE,
    BEST,
    BOOKS,
    BUY,
    CONTINUOUS,
    E_ORDER,
    E_SIZE,
    EVENT_CAPACITY,
    EVENT_HEAD,
    EVENT_TAIL,
    EVENT_WORDS,
    EVENTS,
    FLIP,
    FLOW,
    FLOW_WORDS,
    FOREVER,
    LEVEL_WORDS,
    LEVELS,
    M_ORDER,
    M_REASON,
    NEXT,
    NONE,
    NOW,
    OK,
    OP_IOC,
    OP_LIMIT,
    OP_REDUCE,
    OWNER,
    PHASE,
    PRICE,
    QTY,
    R_COUNT,
    R_DISPLACED,
    R_LEFT,
    R_MISSED,
    R_NEXT,
    R_OUT_OF_TURN,
    R_PLAYED,
    R_SHRUNK,
    R_TARGET,
    R_WORDS,
    SELL,
    SERIAL,
    Row,
)
from .matching import take
from .replay import send

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
    """Return recorded messages `(m, RECORDED_WORDS)` as a flow keeps them, `(m * R_WORDS,)`; `base` is the ladder's."""
    out = np.empty((len(messages), R_WORDS), np.int64)
    out[:, 0] = messages[:, _TIME]
    out[:, 1] = (messages[:, _PRICE] - base) << 32 | messages[:, _SIZE]
    out[:, 2] = messages[:, _OP] | messages[:, _SIDE_INDEX] << 4 | messages[:, _ORDER] << 8
    return out.ravel()


@kernel
def next_recorded(row: Row, book: int) -> int:
    """Note what has become of the message in hand; return when the record's next is due. Modifies `row` in place.

    An execution may need more than one order of the background's: then its next is due at once.
    """
    flow = row[U(book + FLOW)]
    if row[U(flow + R_PLAYED)]:
        what = row[U(_message(row, flow) + 2)]
        slot = _order_slot(row, flow, what >> 8)
        if what & 15 in (ADD, ADOPT):
            row[U(slot)] = row[M_ORDER]
            row[U(flow + R_MISSED)] += 1 if row[M_REASON] != OK else 0
        if row[U(flow + R_LEFT)] > 0 or _open_lots(row, book, row[U(slot)]) > row[U(flow + R_TARGET)] >= 0:
            return int(row[NOW])
        row[U(flow + R_PLAYED)], row[U(flow + R_TARGET)] = 0, -1
        row[U(flow + R_NEXT)] += 1
    if row[U(flow + R_NEXT)] == row[U(flow + R_COUNT)]:
        return FOREVER
    return int(max(row[NOW], row[U(_message(row, flow))]))


@kernel
def play_recorded(row: Row, book: int) -> bool:
    """Take the record's message of this instant in hand, or go on with it; return whether there is anything to do.

    Modifies `row` in place.
    """
    flow = row[U(book + FLOW)]
    message = _message(row, flow)
    packed, what = row[U(message + 1)], row[U(message + 2)]
    price, lots, op, side = packed >> 32, packed & 0xFFFFFFFF, what & 15, what >> 4 & 1
    order = row[U(_order_slot(row, flow, what >> 8))]
    if row[U(flow + R_PLAYED)] == 0:
        row[U(flow + R_PLAYED)] = 1
        if op in (ADD, ADOPT):
            return _take(row, book, OP_LIMIT, side, price, lots, 0)
        left = _open_lots(row, book, order)
        row[U(flow + R_SHRUNK)] += max(lots - left, 0)
        if left == 0:
            row[U(flow + R_MISSED)] += 1
            return False
        row[U(flow + R_TARGET)] = max(left - lots, 0)
        if op == EXECUTE:
            row[U(flow + R_LEFT)] = min(lots, left)
    if row[U(book + PHASE)] != CONTINUOUS:
        row[U(flow + R_OUT_OF_TURN)] += row[U(flow + R_LEFT)]
        row[U(flow + R_LEFT)] = 0
    if row[U(flow + R_LEFT)] > 0:
        first = _first_order(row, book, side)
        half, wanted = row.view(np.int32), find(row, book, order)
        is_others = first != 0 and half[U(first + OWNER)] != row[BACKGROUND]
        take = min(row[U(flow + R_LEFT)], half[U(first + QTY)]) if is_others else row[U(flow + R_LEFT)]
        row[U(flow + R_LEFT)] -= take
        if is_others:
            row[U(flow + R_DISPLACED)] += take
        if is_others or first == wanted:  # `wanted` is live: it has lots left to trade
            return _take(row, book, OP_IOC, BUY + SELL - side, half[U(wanted + PRICE)], take, 0)
        row[U(flow + R_OUT_OF_TURN)] += take
    surplus = _open_lots(row, book, order) - row[U(flow + R_TARGET)]
    row[U(flow + R_TARGET)] = -1
    return _take(row, book, OP_REDUCE, side, 0, surplus, order)


@kernel
def _take(row: Row, book: int, op: int, side: int, price: int, lots: int, order: int) -> bool:
    row[SERIAL] += 1
    take(row, book, op, side, row[BACKGROUND], price, lots, row[SERIAL], order)
    return True


@kernel
def _message(row: Row, flow: int) -> int:
    return int(flow + FLOW_WORDS + R_WORDS * row[U(flow + R_NEXT)])


@kernel
def _order_slot(row: Row, flow: int, number: int) -> int:
    """Return where the flow keeps the id of one of its orders."""
    return int(flow + FLOW_WORDS + R_WORDS * row[U(flow + R_COUNT)] + number)


@kernel
def _open_lots(row: Row, book: int, order_id: int) -> int:
    order = find(row, book, order_id) if order_id else 0
    return int(row.view(np.int32)[U(order + QTY)]) if order else 0


@kernel
def _first_order(row: Row, book: int, side_index: int) -> int:
    """Return the displayed order that trades first on a side, which must not be empty; 0 where its best is hidden."""
    side = side_of(book, side_index)
    level = row[U(side + LEVELS)] + LEVEL_WORDS * row[U(side + BEST)]
    first = int(row.view(np.int32)[U(level + NEXT)])
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
    while run < runs.size and runs[U(run + _FIRST)] < first:
        run += RUN_WORDS
    for k in range(first, last):
        if run < runs.size and runs[U(run + _FIRST)] == k:
            runs_matched += _run_matches(row, scratch, messages, handles, runs, run, message)
            run += RUN_WORDS
        while message * RECORDED_WORDS < messages.size and messages[U(message * RECORDED_WORDS + _ROW)] == k:
            _play_one(row, messages, handles, message * RECORDED_WORDS)
            message += 1
        if _row_matches(row, levels, depth, k):
            rows_matched += 1
        elif first_mismatch < 0:
            first_mismatch = k
    return last, message, rows_matched, runs_matched, first_mismatch


@kernel
def _play_one(row: Row, messages: Any, handles: Any, at: int) -> int:
    op = messages[U(at + _OP)]
    engine_op = OP_LIMIT if op in (ADD, ADOPT) else OP_REDUCE
    number, side = messages[U(at + _ORDER)], messages[U(at + _SIDE_INDEX)]
    price, size = messages[U(at + _PRICE)], messages[U(at + _SIZE)]
    return send(row, handles, row[BOOKS], engine_op, number, side, price, size, 0)


@kernel
def _row_matches(row: Row, levels: Any, depth: int, k: int) -> bool:
    """Return whether the best `depth` levels of both sides, and how many there are, are row k's."""
    half, book = row.view(np.int32), row[BOOKS]
    for s in range(2):
        side, at = side_of(book, s), (2 * k + s) * depth * 2
        key = row[U(side + BEST)]
        for level in range(depth):
            size = levels[U(at + 2 * level + 1)]
            if key == NONE:
                if size != 0:
                    return False
                continue
            price = (key ^ row[U(side + FLIP)]) + row[U(book + BASE)]
            lots = half[U(row[U(side + LEVELS)] + LEVEL_WORDS * key + QTY)]
            if lots != size or price != levels[U(at + 2 * level)]:
                return False
            key = next_key(row, side, key)
        if key != NONE:  # the window holds no more than it shows
            return False
    return True


@kernel
def _run_matches(row: Row, scratch: Row, messages: Any, handles: Any, runs: Any, run: int, message: int) -> int:
    """Send a run to a copy of the book as one immediate-or-cancel order; return 1 if it trades as recorded, else 0."""
    for k in range(row.size):
        scratch[U(k)] = row[U(k)]
    scratch[EVENT_TAIL] = scratch[EVENT_HEAD]
    taker_side = 1 - runs[U(run + _RUN_SIDE)]
    send(scratch, handles, scratch[BOOKS], OP_IOC, handles.size - 1, taker_side, runs[U(run + _WORST)],
         runs[U(run + _LOTS)], 1)  # fmt: skip
    fill, at = scratch[EVENT_TAIL], message * RECORDED_WORDS
    while at < messages.size and messages[U(at + _ROW)] <= runs[U(run + _LAST)]:
        if messages[U(at + _OP)] != EXECUTE:
            at += RECORDED_WORDS
            continue
        order, recorded, traded = messages[U(at + _ORDER)], 0, 0
        while at < messages.size and messages[U(at + _ROW)] <= runs[U(run + _LAST)]:
            if messages[U(at + _OP)] == EXECUTE:
                if messages[U(at + _ORDER)] != order:
                    break
                recorded += messages[U(at + _SIZE)]
            at += RECORDED_WORDS
        while fill < scratch[EVENT_HEAD]:
            event = scratch[EVENTS] + EVENT_WORDS * (fill & (scratch[EVENT_CAPACITY] - 1))
            if scratch[U(event + E_ORDER)] != order:
                break
            traded += scratch[U(event + E_SIZE)]
            fill += 1
        if traded != recorded:
            return 0
    return 1 if fill == scratch[EVENT_HEAD] else 0
