"""A larger row for a book that has outgrown its own: the same queues, ids, places, trades and accounts."""

from __future__ import annotations

import numpy as np
from numpy import int32
from numpy import uint64 as U

from .book import link, next_key
from .check import accounts_of, books_of
from .jit import kernel
from .layout import (
    ACCOUNT_COUNT,
    ACCOUNT_STRIDE,
    ACCOUNTS,
    ASK,
    BACKGROUND,
    BAND_HIGH,
    BAND_LOW,
    BASE,
    BEST,
    BID,
    BOOK_COUNT,
    BOOK_TRADES,
    BOOK_VOLUME,
    BOOKS,
    CAPACITY,
    DUE,
    EVENT_CAPACITY,
    EVENT_HEAD,
    EVENT_TAIL,
    EVENTS,
    FLOW,
    HEADER_WORDS,
    IDLE,
    LAST,
    LEVEL_WORDS,
    LEVELS,
    LIVE,
    LOT,
    M_STAGE,
    MARK,
    NEXT,
    NONE,
    ORDERS,
    OUTBOX,
    OUTBOX_CAPACITY,
    OWNER,
    PLACE,
    PRICE,
    QTY,
    QUEUE,
    QUEUE_CAPACITY,
    SEAT_COUNT,
    SEATS,
    SIZE,
    SLOTS,
    T_PRICE,
    TAG,
    TAPE,
    TAPE_CAPACITY,
    TAPE_HEAD,
    TAPE_WORDS,
    TICK,
    VENUE,
    Row,
    new_row,
)

__all__ = ["grown"]

# the header's words that say where things are and how many fit: they are the new row's own
_PLACES = (
    *(SIZE, BOOKS, BOOK_COUNT, SEATS, SEAT_COUNT, ACCOUNTS, ACCOUNT_COUNT, ACCOUNT_STRIDE, DUE, BACKGROUND, VENUE),
    *(QUEUE, QUEUE_CAPACITY, OUTBOX, OUTBOX_CAPACITY, EVENTS, EVENT_CAPACITY),
)
_KEPT = (LIVE, BOOK_TRADES, BOOK_VOLUME, TAPE_HEAD, TICK, LOT, BAND_LOW, BAND_HIGH)


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
    )
    kept = [word for word in range(HEADER_WORDS) if word not in _PLACES]
    new[kept] = row[kept]
    accounts_of(new)[: row[ACCOUNT_COUNT]] = accounts_of(row)
    for book, new_book in zip(books, books_of(new), strict=True):
        shift = int(row[book + BASE]) - base
        for word in _KEPT:
            new[new_book + word] = row[book + word]
        new[new_book + LAST] = row[book + LAST] + shift if row[book + LAST] >= 0 else -1
        new[new_book + MARK] = row[book + MARK] + 2 * shift if row[book + MARK] >= 0 else -1
        _copy_tape(row, new, book, new_book, shift)
        _copy_orders(row, new, book, new_book, shift)
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
            key = next_key(row, side, key)
