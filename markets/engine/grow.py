"""A larger row for a book that has outgrown its own: the same queues, ids, places, trades and accounts."""

from __future__ import annotations

import numpy as np
from numpy import int32
from numpy import uint64 as U

from .book import level_at, link, next_key, price_of
from .check import accounts_of, books_of
from .jit import kernel
from .layout import (
    ACCOUNT_COUNT,
    ACCOUNT_STRIDE,
    ACCOUNTS,
    ASK,
    BACKGROUND,
    BASE,
    BEST,
    BID,
    BOOK_COUNT,
    BOOK_TRADES,
    BOOK_VOLUME,
    BOOKS,
    CALL_SELLS,
    CAPACITY,
    COUNT,
    DUE,
    EVENT_CAPACITY,
    EVENT_HEAD,
    EVENT_TAIL,
    EVENTS,
    EXTRA_WORDS,
    EXTRAS,
    FLOW,
    GATE,
    HEADER_WORDS,
    HIDDENS,
    IDLE,
    LAST,
    LEVEL_WORDS,
    LEVELS,
    LIVE,
    M_STAGE,
    MARK,
    NEXT,
    NONE,
    ORDERS,
    OUTBOX,
    OUTBOX_CAPACITY,
    OWNER,
    PHASE,
    PLACE,
    PREV,
    PRICE,
    QTY,
    QUEUE,
    QUEUE_CAPACITY,
    RATES,
    RESERVED,
    RULES,
    SEAT_COUNT,
    SEATS,
    SIDE,
    SIZE,
    SLOTS,
    SPECIALS,
    STOPS,
    T_PRICE,
    TAG,
    TAPE,
    TAPE_CAPACITY,
    TAPE_HEAD,
    TAPE_WORDS,
    TRAILERS,
    UNSEEN,
    VENUE,
    X_SEEN,
    X_STOP,
    Row,
    new_row,
)
from .ledger import account_of
from .rules import DEFAULTS

__all__ = ["grown"]

# the header's words that say where things are and how many fit: they are the new row's own
_PLACES = (
    *(SIZE, BOOKS, BOOK_COUNT, SEATS, SEAT_COUNT, ACCOUNTS, ACCOUNT_COUNT, ACCOUNT_STRIDE, DUE, BACKGROUND, VENUE),
    *(QUEUE, QUEUE_CAPACITY, RATES, OUTBOX, OUTBOX_CAPACITY, EVENTS, EVENT_CAPACITY),
)
# what a book keeps as it is; SCANNED is not among it, so that stops are looked at again
_KEPT = (
    LIVE,
    BOOK_TRADES,
    BOOK_VOLUME,
    TAPE_HEAD,
    GATE,
    RULES,
    PHASE,
    SPECIALS,
    HIDDENS,
    TRAILERS,
    RESERVED,
    *DEFAULTS,
)


def grown(row: Row, *, ticks: int, orders: int, accounts: int, base: int) -> Row:
    """Return a copy of `row` with another capacity; every live order, the last price and the mark must fit the ladder.

    `ticks`, `orders` and `accounts` as for `new_row`, none smaller than what is in use; `base` is the price at the foot
    of every ladder. Nobody may sit in the row, nothing be pending or in hand, and no event unread.
    """
    assert row[SEAT_COUNT] == 0 and row[M_STAGE] == IDLE and row[EVENT_HEAD] == row[EVENT_TAIL], "the row is busy"
    books, capacity = books_of(row), int(row[books_of(row)[0] + TAPE_CAPACITY])
    assert not any(row[book + FLOW] for book in books), "the row has background flow"
    new = new_row(
        ticks=ticks,
        orders=orders,
        accounts=accounts,
        books=len(books),
        events=int(row[EVENT_CAPACITY]),
        tape=capacity,
        queue=int(row[QUEUE_CAPACITY]),
        base=base,
        special=bool(row[books[0] + EXTRAS]),
    )
    kept = [word for word in range(HEADER_WORDS) if word not in _PLACES]
    new[kept] = row[kept]
    accounts_of(new)[: row[ACCOUNT_COUNT]] = accounts_of(row)
    if row[VENUE] == row[ACCOUNT_COUNT]:  # behind the owners, in both
        venue, new_venue, stride = account_of(row, row[VENUE]), account_of(new, new[VENUE]), int(row[ACCOUNT_STRIDE])
        new[new_venue : new_venue + stride] = row[venue : venue + stride]
        counts = 2 * int(row[ACCOUNT_COUNT])
        new[new[RATES] : new[RATES] + counts] = row[row[RATES] : row[RATES] + counts]
    for book, new_book in zip(books, books_of(new), strict=True):
        shift = int(row[book + BASE]) - base
        for word in _KEPT:
            new[new_book + word] = row[book + word]
        new[new_book + LAST] = row[book + LAST] + shift if row[book + LAST] >= 0 else -1
        new[new_book + MARK] = row[book + MARK] + 2 * shift if row[book + MARK] >= 0 else -1
        _copy_tape(row, new, book, new_book, shift)
        _copy_orders(row, new, book, new_book, shift)
        if row[book + EXTRAS]:
            _copy_extras(row, new, book, new_book, shift)
    return new


def _copy_tape(row: Row, new: Row, book: int, new_book: int, shift: int) -> None:
    words = int(row[book + TAPE_CAPACITY]) * TAPE_WORDS
    at, to = int(row[book + TAPE]), int(new[new_book + TAPE])
    new[to : to + words] = row[at : at + words]
    new[to + T_PRICE : to + words : TAPE_WORDS] += np.int64(shift)


@kernel
def _copy_orders(row: Row, new: Row, book: int, new_book: int, shift: int) -> None:
    """Copy slots and queues; an order keeps its slot's number, so its new handle is as far from ORDERS as the old."""
    half, new_half = row.view(int32), new.view(int32)
    moved = new[U(new_book + ORDERS)] - row[U(book + ORDERS)]
    for place in range(row[U(book + CAPACITY)]):
        order = int(half[U(row[U(book + SLOTS)] + place)])
        new_half[U(new[U(new_book + SLOTS)] + place)] = order + moved
        new_half[U(order + moved + PLACE)] = place
        new_half[U(order + moved + TAG)] = half[U(order + TAG)]
        new_half[U(order + moved + OWNER)] = half[U(order + OWNER)]
    for offset in (BID, ASK):
        side, new_side = book + offset, new_book + offset
        key = row[U(side + BEST)]
        while key != NONE:
            level = row[U(side + LEVELS)] + LEVEL_WORDS * key
            order = int(half[U(level + NEXT)])
            while order != level:
                link(new, new_side, order + moved, int(half[U(order + PRICE)]) + shift, int(half[U(order + QTY)]))
                order = int(half[U(order + NEXT)])
            to = level_at(new, new_side, price_of(row, side, key) + shift)
            new_half[U(to + QTY)], new_half[U(to + COUNT)] = half[U(level + QTY)], half[U(level + COUNT)]
            key = next_key(row, side, key)


@kernel
def _copy_extras(row: Row, new: Row, book: int, new_book: int, shift: int) -> None:
    """Copy what the live orders that are not plain have besides, and the lists in which some of them wait."""
    half, new_half = row.view(int32), new.view(int32)
    moved = new[U(new_book + ORDERS)] - row[U(book + ORDERS)]
    for place in range(row[U(book + LIVE)]):
        order = int(half[U(row[U(book + SLOTS)] + place)])
        extra, new_extra = order + row[U(book + EXTRAS)], order + moved + new[U(new_book + EXTRAS)]
        for word in range(EXTRA_WORDS):
            new_half[U(new_extra + word)] = half[U(extra + word)]
        new_half[U(new_extra + X_STOP)] += shift
        new_half[U(new_extra + X_SEEN)] += shift if half[U(extra + X_SEEN)] != UNSEEN else 0
    for list_word in range(STOPS, CALL_SELLS + 1):
        head, new_head = row[U(book + list_word)], new[U(new_book + list_word)]
        order, last = int(half[U(head + NEXT)]), new_head
        while order != head:
            to = order + moved
            new_half[U(last + NEXT)], new_half[U(to + PREV)] = to, last
            new_half[U(to + QTY)], new_half[U(to + PRICE)] = half[U(order + QTY)], half[U(order + PRICE)] + shift
            new_half[U(to + SIDE)] = half[U(order + SIDE)] - book + new_book
            last, order = to, int(half[U(order + NEXT)])
        new_half[U(last + NEXT)], new_half[U(new_head + PREV)] = new_head, last
        new_half[U(new_head + COUNT)] = half[U(head + COUNT)]
