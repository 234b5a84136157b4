"""Showing many numbers at once: the best levels of the book, the last trades.

What a loop over `show`, `size_at` and `next_price` would show, number for number, at a third of the time: the window is
looked up once, and each level is reached once.
"""

from __future__ import annotations

from numpy import float32, int32

from .book import next_key, side_of
from .feed import kept_level, next_shown
from .jit import inlined, kernel
from .layout import Book, Feed, Level, Market, Part, Row, Seat, Side, Trade
from .looks import mark, trade_count, trade_handle
from .terms import BUY, NONE, SELL, PartKind

__all__ = ["show_book", "show_trades"]


@inlined
def _window(row: Row, me: int, k: int, count: int) -> int:
    """Return where the numbers from k on go, -1 where the running part has not so many: that is its fault."""
    part = row[me + Seat.ACTIVE]
    if row[part + Part.KIND] != PartKind.OBSERVATION:
        return -1
    if k < 0 or count < 0 or k + count > row[part + Part.SIZE]:
        row[part + Part.BEYOND] = 1
        return -1
    return int(row[part + Part.WINDOW] + k)


@kernel
def show_book(row: Row, me: int, k: int, levels: int) -> None:
    """In an observation: show from number k on the best `levels` of bids, then of asks, two numbers each.

    Distance in ticks from the mark, away from the other side; lots that are shown. Zeros where there is no level.
    """
    at = _window(row, me, k, 4 * levels)
    if at < 0:
        return
    book, snap, mid = row[me + Seat.BOOK], row[me + Seat.SNAPSHOT], 0.5 * mark(row, me)
    shown, i32 = row.view(float32), row.view(int32)
    for side in (BUY, SELL):
        sign = -1.0 if side == BUY else 1.0
        if snap:
            depth = row[row[book + Book.FEED] + Feed.LEVELS]
            for level in range(levels):
                price, lots = kept_level(row, snap, depth, side, level) if level < depth else (0, 0)
                shown[at] = sign * (price - mid) if lots else 0.0
                shown[at + 1] = lots
                at += 2
            continue
        half = side_of(book, side)
        flip, first = row[half + Side.FLIP], row[half + Side.LEVELS]
        key = next_shown(row, half, row[half + Side.BEST])
        for _ in range(levels):
            if key == NONE:
                shown[at] = shown[at + 1] = 0.0
            else:
                shown[at] = sign * ((key ^ flip) - mid)
                shown[at + 1] = i32[first + Level.WORDS * key + Level.QTY]
                key = next_shown(row, half, next_key(row, half, key))
            at += 2


@kernel
def show_trades(row: Row, me: int, k: int, count: int) -> None:
    """In an observation: show from number k on the last `count` trades, latest first, three numbers each.

    Price in ticks above the mark; lots, positive where the taker bought; age in seconds. Zeros where there is no trade.
    """
    at = _window(row, me, k, 3 * count)
    if at < 0:
        return
    shown, mid, known = row.view(float32), 0.5 * mark(row, me), trade_count(row, me)
    now = row[Market.NOW] - (row[me + Seat.LAG] if row[me + Seat.SNAPSHOT] else 0)
    for j in range(count):
        trade = trade_handle(row, me, j) if j < known else 0
        if trade:
            shown[at] = row[trade + Trade.PRICE] - mid
            shown[at + 1] = row[trade + Trade.SIZE]
            shown[at + 2] = (now - row[trade + Trade.TIME]) * 1e-9
        else:
            shown[at] = shown[at + 1] = shown[at + 2] = 0.0
        at += 3
