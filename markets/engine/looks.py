"""What a seat's kernel may see of the market: the clock, the phase, the book, the trades, the value.

A seat with a market-data lag sees it as it was then, from one snapshot until it looks again (`running.look_from`). Each
verb takes the row and `me`, the seat. Prices are ladder ticks, sizes lots, times ns. No argument reaches outside the
row: a side or a price that is none has nothing to show.
"""

from __future__ import annotations

from numpy import int32

from .book import next_key, side_of
from .feed import kept_level, next_shown, public_phase
from .fundamental import fundamental_value
from .jit import inlined, kernel
from .layout import Book, Feed, Level, Market, Row, Seat, Side, Snapshot, Trade
from .terms import BUY, NO_PRICE, NONE, SELL

__all__ = [
    "best",
    "best_ask",
    "best_bid",
    "fundamental",
    "mark",
    "next_price",
    "now",
    "phase",
    "phase_left",
    "price_offset",
    "session_length",
    "size_at",
    "time_left",
    "trade_age",
    "trade_count",
    "trade_handle",
    "trade_price",
    "trade_size",
]


# --- the clock --------------------------------------------------------------------------------------------------------
@inlined
def now(row: Row, me: int) -> int:
    """Return the time."""
    return int(row[Market.NOW])


@inlined
def time_left(row: Row, me: int) -> int:
    """Return the time until the session closes."""
    return int(row[Market.CLOSE] - row[Market.NOW])


@inlined
def session_length(row: Row, me: int) -> int:
    """Return how long the session is, from open to close."""
    return int(row[Market.CLOSE] - row[Market.OPEN])


@kernel
def phase(row: Row, me: int) -> int:
    """Return the trading phase: CONTINUOUS, AUCTION (a call auction) or HALT."""
    return public_phase(row, me)[0]


@kernel
def phase_left(row: Row, me: int) -> int:
    """Return the time until the present call auction or halt ends, 0 in continuous trading."""
    return public_phase(row, me)[1]


# --- the book ---------------------------------------------------------------------------------------------------------
@inlined
def price_offset(row: Row, me: int) -> int:
    """Return what a ladder price of 0 is in ticks counted from zero."""
    return int(row[row[me + Seat.BOOK] + Book.BASE])


@inlined
def mark(row: Row, me: int) -> int:
    """Return the common mark in half ticks: best bid plus best ask, the last that there was."""
    snap = row[me + Seat.SNAPSHOT]
    return int(row[snap + Snapshot.MARK]) if snap else int(row[row[me + Seat.BOOK] + Book.MARK])


@kernel
def best(row: Row, me: int, side: int) -> int:
    """Return the best price that is shown on a side, NO_PRICE when there is none."""
    if side != BUY and side != SELL:
        return NO_PRICE
    snap, book = row[me + Seat.SNAPSHOT], row[me + Seat.BOOK]
    if snap:
        price, lots = kept_level(row, snap, row[row[book + Book.FEED] + Feed.LEVELS], side, 0)
        return price if lots else NO_PRICE
    half = side_of(book, side)
    key = next_shown(row, half, row[half + Side.BEST])
    return NO_PRICE if key == NONE else int(key ^ row[half + Side.FLIP])


@kernel
def best_bid(row: Row, me: int) -> int:
    """Return the best bid price, NO_PRICE when there is none."""
    return best(row, me, BUY)


@kernel
def best_ask(row: Row, me: int) -> int:
    """Return the best ask price, NO_PRICE when there is none."""
    return best(row, me, SELL)


@kernel
def _kept_at(row: Row, me: int, side: int, price: int) -> int:
    """Return the number of a price among a side's levels in the seat's snapshot, -1 when it is not among them."""
    snap = row[me + Seat.SNAPSHOT]
    depth = row[row[row[me + Seat.BOOK] + Book.FEED] + Feed.LEVELS]
    for k in range(depth):
        there, lots = kept_level(row, snap, depth, side, k)
        if lots and there == price:
            return k
    return -1


@kernel
def next_price(row: Row, me: int, side: int, price: int) -> int:
    """Return the next worse price that is shown behind `price` on a side, NO_PRICE when there is none."""
    book = row[me + Seat.BOOK]
    if (side != BUY and side != SELL) or not 0 <= price < row[book + Book.TICKS]:
        return NO_PRICE
    snap = row[me + Seat.SNAPSHOT]
    if snap:
        depth, k = row[row[book + Book.FEED] + Feed.LEVELS], _kept_at(row, me, side, price)
        if k < 0 or k + 1 >= depth:
            return NO_PRICE
        behind, lots = kept_level(row, snap, depth, side, k + 1)
        return behind if lots else NO_PRICE
    half = side_of(book, side)
    key = next_shown(row, half, next_key(row, half, price ^ row[half + Side.FLIP]))
    return NO_PRICE if key == NONE else int(key ^ row[half + Side.FLIP])


@kernel
def size_at(row: Row, me: int, side: int, price: int) -> int:
    """Return the lots that are shown at a price on a side, 0 where there are none."""
    book = row[me + Seat.BOOK]
    if (side != BUY and side != SELL) or not 0 <= price < row[book + Book.TICKS]:
        return 0
    snap = row[me + Seat.SNAPSHOT]
    if snap:
        k = _kept_at(row, me, side, price)
        return kept_level(row, snap, row[row[book + Book.FEED] + Feed.LEVELS], side, k)[1] if k >= 0 else 0
    half = side_of(book, side)
    return int(row.view(int32)[row[half + Side.LEVELS] + Level.WORDS * (price ^ row[half + Side.FLIP]) + Level.QTY])


# --- trades -----------------------------------------------------------------------------------------------------------
@inlined
def _printed(row: Row, me: int) -> int:
    """Return how many trades had happened when the seat looks."""
    snap = row[me + Seat.SNAPSHOT]
    return int(row[snap + Snapshot.TRADES]) if snap else int(row[row[me + Seat.BOOK] + Book.TAPE_HEAD])


@inlined
def trade_count(row: Row, me: int) -> int:
    """Return how many of the last trades are known: all that there were, or as many as the tape holds."""
    return min(_printed(row, me), int(row[row[me + Seat.BOOK] + Book.TAPE_CAPACITY]))


@inlined
def trade_handle(row: Row, me: int, k: int) -> int:
    """Return the handle of the k-th last trade, 0 where there is none; count it as short where it is overwritten."""
    book, printed = row[me + Seat.BOOK], _printed(row, me)
    capacity = row[book + Book.TAPE_CAPACITY]
    if not 0 <= k < min(printed, capacity):
        return 0
    if printed - 1 - k < row[book + Book.TAPE_HEAD] - capacity:
        row[row[book + Book.FEED] + Feed.SHORT] += 1
        return 0
    return int(row[book + Book.TAPE] + ((printed - 1 - k) & (capacity - 1)) * Trade.WORDS)


@kernel
def trade_price(row: Row, me: int, k: int) -> int:
    """Return the price of the k-th last trade, k from 0; NO_PRICE where there is none."""
    trade = trade_handle(row, me, k)
    return int(row[trade + Trade.PRICE]) if trade else NO_PRICE


@kernel
def trade_size(row: Row, me: int, k: int) -> int:
    """Return the lots of the k-th last trade, positive where the taker bought; 0 where there is none."""
    trade = trade_handle(row, me, k)
    return int(row[trade + Trade.SIZE]) if trade else 0


@kernel
def trade_age(row: Row, me: int, k: int) -> int:
    """Return how long before what the seat sees the k-th last trade was; 0 where there is none."""
    trade = trade_handle(row, me, k)
    lag = row[me + Seat.LAG] if row[me + Seat.SNAPSHOT] else 0
    return int(row[Market.NOW] - lag - row[trade + Trade.TIME]) if trade else 0


# --- the value --------------------------------------------------------------------------------------------------------
@kernel
def fundamental(row: Row, me: int) -> float:
    """Return the fundamental value in ladder ticks; where the market has none, the mark."""
    book = row[me + Seat.BOOK]
    return fundamental_value(row, book) if row[book + Book.FUNDAMENTAL] else 0.5 * mark(row, me)
