"""A recorded day in the engine: played to be compared with its record, or as the background of a market.

A recorded message is `RECORDED_WORDS` words: the row that it came from, time, operation, the order's number (dense from
0), the side of that order, its price and its size. ADOPT adds and FORGET reduces; both are the doing of the window
through which the day was seen.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy import uint64 as U

from .book import next_key
from .jit import kernel
from .layout import (
    ASK,
    BASE,
    BEST,
    BID,
    BOOKS,
    E_ORDER,
    E_SIZE,
    EVENT_CAPACITY,
    EVENT_HEAD,
    EVENT_TAIL,
    EVENT_WORDS,
    EVENTS,
    FLIP,
    LEVEL_WORDS,
    LEVELS,
    NONE,
    OP_IOC,
    OP_LIMIT,
    OP_REDUCE,
    QTY,
    Row,
)
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
        side, at = book + (BID if s == 0 else ASK), (2 * k + s) * depth * 2
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
