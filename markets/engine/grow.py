"""A larger row for a book that has outgrown its own: the same queues, ids, places, trades and accounts."""

from __future__ import annotations

import numpy as np
from numpy import int32

from .book import level_at, link, next_key, price_of
from .check import accounts_of, books_of
from .jit import kernel
from .layout import Book, Extra, Level, Market, Message, Order, Row, Side, Trade
from .ledger import account_of
from .rows import new_row
from .rules import DEFAULTS
from .terms import NONE, UNSEEN, Stage

__all__ = ["grown"]

# the header's words that say where things are and how many fit: they are the new row's own
_PLACES = (
    *(
        Market.SIZE,
        Market.BOOKS,
        Market.BOOK_COUNT,
        Market.SEATS,
        Market.SEAT_COUNT,
        Market.ACCOUNTS,
        Market.ACCOUNT_COUNT,
        Market.ACCOUNT_STRIDE,
        Market.DUE,
        Market.BACKGROUND,
        Market.VENUE,
    ),
    *(
        Market.QUEUE,
        Market.QUEUE_CAPACITY,
        Market.RATES,
        Market.OUTBOX,
        Market.OUTBOX_CAPACITY,
        Market.EVENTS,
        Market.EVENT_CAPACITY,
    ),
)
# what a book keeps as it is; SCANNED is not among it, so that stops are looked at again
_KEPT = (
    Book.LIVE,
    Book.TRADES,
    Book.VOLUME,
    Book.TAPE_HEAD,
    Book.GATE,
    Book.RULES,
    Book.PHASE,
    Book.SPECIALS,
    Book.HIDDENS,
    Book.TRAILERS,
    Book.RESERVED,
    *DEFAULTS,
)


def grown(row: Row, *, ticks: int, orders: int, accounts: int, base: int) -> Row:
    """Return a copy of `row` with another capacity; every live order, the last price and the mark must fit the ladder.

    `ticks`, `orders` and `accounts` as for `new_row`, none smaller than what is in use; `base` is the price at the foot
    of every ladder. Nobody may sit in the row, nothing be pending or in hand, and no event unread.
    """
    assert (
        row[Market.SEAT_COUNT] == 0
        and row[Message.STAGE] == Stage.IDLE
        and row[Market.EVENT_HEAD] == row[Market.EVENT_TAIL]
    ), "the row is busy"
    books, capacity = books_of(row), int(row[books_of(row)[0] + Book.TAPE_CAPACITY])
    assert not any(row[book + Book.FLOW] for book in books), "the row has background flow"
    new = new_row(
        ticks=ticks,
        orders=orders,
        accounts=accounts,
        books=len(books),
        events=int(row[Market.EVENT_CAPACITY]),
        tape=capacity,
        queue=int(row[Market.QUEUE_CAPACITY]),
        base=base,
        special=bool(row[books[0] + Book.EXTRAS]),
    )
    kept = [word for word in range(Market.WORDS) if word not in _PLACES]
    new[kept] = row[kept]
    accounts_of(new)[: row[Market.ACCOUNT_COUNT]] = accounts_of(row)
    if row[Market.VENUE] == row[Market.ACCOUNT_COUNT]:  # behind the owners, in both
        venue, new_venue, stride = (
            account_of(row, row[Market.VENUE]),
            account_of(new, new[Market.VENUE]),
            int(row[Market.ACCOUNT_STRIDE]),
        )
        new[new_venue : new_venue + stride] = row[venue : venue + stride]
        counts = 2 * int(row[Market.ACCOUNT_COUNT])
        new[new[Market.RATES] : new[Market.RATES] + counts] = row[row[Market.RATES] : row[Market.RATES] + counts]
    for book, new_book in zip(books, books_of(new), strict=True):
        shift = int(row[book + Book.BASE]) - base
        for word in _KEPT:
            new[new_book + word] = row[book + word]
        new[new_book + Book.LAST] = row[book + Book.LAST] + shift if row[book + Book.LAST] >= 0 else -1
        new[new_book + Book.MARK] = row[book + Book.MARK] + 2 * shift if row[book + Book.MARK] >= 0 else -1
        _copy_tape(row, new, book, new_book, shift)
        _copy_orders(row, new, book, new_book, shift)
        if row[book + Book.EXTRAS]:
            _copy_extras(row, new, book, new_book, shift)
    return new


def _copy_tape(row: Row, new: Row, book: int, new_book: int, shift: int) -> None:
    words = int(row[book + Book.TAPE_CAPACITY]) * Trade.WORDS
    at, to = int(row[book + Book.TAPE]), int(new[new_book + Book.TAPE])
    new[to : to + words] = row[at : at + words]
    new[to + Trade.PRICE : to + words : Trade.WORDS] += np.int64(shift)


@kernel
def _copy_orders(row: Row, new: Row, book: int, new_book: int, shift: int) -> None:
    """Copy slots and queues; an order keeps its slot's number, so its new handle is as far from ORDERS as the old."""
    i32, new_i32 = row.view(int32), new.view(int32)
    moved = new[new_book + Book.ORDERS] - row[book + Book.ORDERS]
    for place in range(row[book + Book.CAPACITY]):
        order = int(i32[row[book + Book.SLOTS] + place])
        new_i32[new[new_book + Book.SLOTS] + place] = order + moved
        new_i32[order + moved + Order.PLACE] = place
        new_i32[order + moved + Order.TAG] = i32[order + Order.TAG]
        new_i32[order + moved + Order.OWNER] = i32[order + Order.OWNER]
    for offset in (Book.BID, Book.ASK):
        side, new_side = book + offset, new_book + offset
        key = row[side + Side.BEST]
        while key != NONE:
            level = row[side + Side.LEVELS] + Level.WORDS * key
            order = int(i32[level + Level.NEXT])
            while order != level:
                link(new, new_side, order + moved, int(i32[order + Order.PRICE]) + shift, int(i32[order + Order.QTY]))
                order = int(i32[order + Order.NEXT])
            to = level_at(new, new_side, price_of(row, side, key) + shift)
            new_i32[to + Level.QTY], new_i32[to + Level.COUNT] = i32[level + Level.QTY], i32[level + Level.COUNT]
            key = next_key(row, side, key)


@kernel
def _copy_extras(row: Row, new: Row, book: int, new_book: int, shift: int) -> None:
    """Copy what the live orders that are not plain have besides, and the lists in which some of them wait."""
    i32, new_i32 = row.view(int32), new.view(int32)
    moved = new[new_book + Book.ORDERS] - row[book + Book.ORDERS]
    for place in range(row[book + Book.LIVE]):
        order = int(i32[row[book + Book.SLOTS] + place])
        extra, new_extra = order + row[book + Book.EXTRAS], order + moved + new[new_book + Book.EXTRAS]
        for word in range(Extra.WORDS):
            new_i32[new_extra + word] = i32[extra + word]
        new_i32[new_extra + Extra.STOP] += shift
        new_i32[new_extra + Extra.SEEN] += shift if i32[extra + Extra.SEEN] != UNSEEN else 0
    for list_word in range(Book.STOPS, Book.CALL_SELLS + 1):
        head, new_head = row[book + list_word], new[new_book + list_word]
        order, last = int(i32[head + Level.NEXT]), new_head
        while order != head:
            to = order + moved
            new_i32[last + Order.NEXT], new_i32[to + Order.PREV] = to, last
            new_i32[to + Order.QTY], new_i32[to + Order.PRICE] = (
                i32[order + Order.QTY],
                i32[order + Order.PRICE] + shift,
            )
            new_i32[to + Order.SIDE] = i32[order + Order.SIDE] - book + new_book
            last, order = to, int(i32[order + Order.NEXT])
        new_i32[last + Order.NEXT], new_i32[new_head + Level.PREV] = new_head, last
        new_i32[new_head + Level.COUNT] = i32[head + Level.COUNT]
