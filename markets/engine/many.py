"""Many markets in lock-step: a message to each, then the next to each.

One market's memory fits the nearest cache, a thousand do not, so every visit would wait for it three times over: for
the header and the book, for the order that the message names, for its neighbours. Whose turn comes is known, so their
memory is asked for while others work.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy import int32
from numpy.typing import NDArray

from .book import side_of
from .jit import inlined, kernel, prefetch
from .layout import Book, Event, Level, Market, Row, Side
from .replay import resume_special, send
from .terms import Answer, Op

__all__ = ["LINE_WORDS", "replay_each", "rows_of"]

LINE_WORDS: Final = 8  # of a cache line

_FAR: Final = 4  # turns ahead at which a market's header is asked for
_NEAR: Final = 2  # turns ahead at which what the message names is asked for
_HOT_LINES: Final = 4  # of the header: what every message touches


def rows_of(row: Row, count: int) -> NDArray[np.int64]:
    """Return `count` copies of a market, `(count, words) int64`, each at the start of a cache line."""
    stride = (row.size + LINE_WORDS - 1) // LINE_WORDS * LINE_WORDS
    memory = np.zeros(count * stride + LINE_WORDS, np.int64)
    first = -memory.ctypes.data // 8 % LINE_WORDS
    rows = memory[first : first + count * stride].reshape(count, stride)
    rows[:, : row.size] = row
    return rows


@kernel
def replay_each(rows: Any, messages: Any, handles: Any, book: int, special: int) -> None:
    """Submit `messages[i, k]` to `rows[k]`, for all k, then for the next i. Modifies `rows` and `handles` in place.

    `rows` are `(markets, words) int64`, alike (`rows_of`); `messages` `(rounds, markets, MESSAGE_WORDS) int32`;
    `handles` `(markets, ids) int32`, as `replay` needs them. `book` is where the book lies in each row, `special` the
    address of `special.special`. The rows must be neither ELASTIC nor have EVENT_STOP set: nothing may interrupt here.
    """
    count = rows.shape[0]
    for i in range(messages.shape[0]):
        for k in range(count):
            if k + _FAR < count:
                _ask_for_header(rows[k + _FAR], book)
                prefetch(handles[k + _FAR], int(messages[i, k + _FAR, 1]))
            if k + _NEAR < count:
                _ask_for_order(rows[k + _NEAR], messages[i, k + _NEAR], handles[k + _NEAR], book)
            row, m = rows[k], messages[i, k]
            op, number, side, price, size, owner = int(m[0]), int(m[1]), int(m[2]), int(m[3]), int(m[4]), int(m[5])
            code = send(row, handles[k], book, op, number, side, price, size, owner)
            if code == Answer.SPECIAL:
                resume_special(row, handles[k], special)


@inlined
def _ask_for_header(row: Row, book: int) -> None:
    for line in range(_HOT_LINES):
        prefetch(row, line * LINE_WORDS)
    prefetch(row, book)
    prefetch(row, book + Book.BID)
    prefetch(row, book + Book.ASK)


@inlined
def _ask_for_order(row: Row, message: Any, handles: Any, book: int) -> None:
    i32, slot = row.view(int32), row[book + Book.SLOTS] + row[book + Book.LIVE]
    if message[0] == Op.LIMIT:
        side = side_of(book, message[2] & 1)
        key = (int(message[3]) - row[book + Book.BASE]) ^ row[side + Side.FLIP]
        prefetch(i32, row[side + Side.LEVELS] + Level.WORDS * key)
    elif 0 <= message[1] < handles.size:
        prefetch(i32, int(handles[message[1]]))
        slot -= 1
    prefetch(i32, slot)
    prefetch(row, row[Market.EVENTS] + Event.WORDS * (row[Market.EVENT_HEAD] & (row[Market.EVENT_CAPACITY] - 1)))
