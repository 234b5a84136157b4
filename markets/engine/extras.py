"""Orders that are not plain: their extra record, and where they queue.

An iceberg's QTY is the tranche that it shows, and the level counts no more than that; the rest is its reserve. Hidden
orders wait at their price behind all that can be seen, in no level's sum. Stops, and a call's market orders, wait in
lists of their own, oldest first.

All kernels modify `row` in place. An order in hand has a slot, and neither flags nor a queue.
"""

from __future__ import annotations

from numpy import int32
from numpy import uint64 as U

from .book import best, free_slot, level_at, link, next_key, price_of, unlink
from .events import emit
from .jit import inlined, kernel
from .layout import (
    ASK,
    BASE,
    BEST,
    BID,
    CALL_BUYS,
    CALL_SELLS,
    COUNT,
    EXTRAS,
    HIDDENS,
    IS_HIDDEN,
    IS_ICEBERG,
    IS_STOP,
    IS_STOP_LIMIT,
    IS_TRAILING,
    IS_WAITING,
    LEVEL_WORDS,
    LEVELS,
    MARK,
    NEXT,
    NO_TAG,
    NONE,
    OK,
    OWNER,
    PREV,
    PRICE,
    QTY,
    REPLENISHED,
    RESERVED,
    SIDE,
    SPECIALS,
    STOPS,
    TAG,
    TRAILERS,
    X_DISPLAY,
    X_FLAGS,
    X_OFFSET,
    X_RESERVE,
    X_STOP,
    Row,
)

__all__ = [
    "discard",
    "enqueue",
    "flags_of",
    "leave_queue",
    "level_lots",
    "mark_as",
    "named_price",
    "open_size",
    "park",
    "remark_shown",
    "renew",
    "shown_best",
    "shrink",
    "unmark",
    "use_up",
]


@inlined
def flags_of(row: Row, book: int, order: int) -> int:
    """Return what an order is, 0 if it is plain."""
    return int(row.view(int32)[U(order + row[U(book + EXTRAS)] + X_FLAGS)]) if row[U(book + SPECIALS)] != 0 else 0


@inlined
def open_size(row: Row, book: int, order: int) -> int:
    """Return an order's open lots, those that an iceberg holds back included."""
    half, lots = row.view(int32), int(row.view(int32)[U(order + QTY)])
    if flags_of(row, book, order) & IS_ICEBERG:
        lots += half[U(order + row[U(book + EXTRAS)] + X_RESERVE)]
    return int(lots)


@inlined
def level_lots(row: Row, book: int, level: int) -> int:
    """Return all that is open at a level, hidden or held back too."""
    half = row.view(int32)
    lots = int(half[U(level + QTY)])
    if row[U(book + SPECIALS)] == 0:
        return lots
    lots, order = 0, int(half[U(level + NEXT)])
    while order != level:
        lots += open_size(row, book, order)
        order = int(half[U(order + NEXT)])
    return lots


@kernel
def named_price(row: Row, book: int, order: int) -> int:
    """Return the price that events give for a live order: its own, a stop's trigger, a trailing stop's offset."""
    half, flags = row.view(int32), flags_of(row, book, order)
    extra = order + row[U(book + EXTRAS)]
    if flags & IS_TRAILING:
        return int(half[U(extra + X_OFFSET)] - row[U(book + BASE)])
    if flags & IS_STOP and not flags & IS_STOP_LIMIT:
        return int(half[U(extra + X_STOP)])
    return int(half[U(order + PRICE)])


@inlined
def mark_as(row: Row, book: int, order: int, flags: int) -> None:
    """Say what an order with a slot is; 0 is a plain one, of which nothing is written."""
    if flags == 0:
        return
    row.view(int32)[U(order + row[U(book + EXTRAS)] + X_FLAGS)] = flags
    row[U(book + SPECIALS)] += 1
    row[U(book + HIDDENS)] += 1 if flags & IS_HIDDEN else 0
    row[U(book + TRAILERS)] += 1 if flags & IS_TRAILING else 0


@inlined
def unmark(row: Row, book: int, order: int) -> int:
    """Make an order plain; return what it was."""
    flags = flags_of(row, book, order)
    if flags != 0:
        row.view(int32)[U(order + row[U(book + EXTRAS)] + X_FLAGS)] = 0
        row[U(book + SPECIALS)] -= 1
        row[U(book + HIDDENS)] -= 1 if flags & IS_HIDDEN else 0
        row[U(book + TRAILERS)] -= 1 if flags & IS_TRAILING else 0
    return flags


@kernel
def enqueue(row: Row, book: int, side: int, order: int, price: int, size: int) -> None:
    """Put an order that was marked at the back of the queue at its price: of those seen, or of those hidden."""
    half, flags, shown = row.view(int32), flags_of(row, book, order), size
    if flags & IS_ICEBERG:
        extra = order + row[U(book + EXTRAS)]
        shown = min(size, int(half[U(extra + X_DISPLAY)]))
        half[U(extra + X_RESERVE)] = size - shown
        row[U(book + RESERVED)] += size - shown
    link(row, side, order, price, shown)
    level = level_at(row, side, price)
    if flags & IS_HIDDEN:
        half[U(level + QTY)] -= shown
        half[U(level + COUNT)] -= 1
        return
    before = int(half[U(order + PREV)])
    ahead = before
    while ahead != level and flags_of(row, book, ahead) & IS_HIDDEN:
        ahead = int(half[U(ahead + PREV)])
    if ahead != before:
        half[U(before + NEXT)], half[U(level + PREV)] = level, before
        behind = int(half[U(ahead + NEXT)])
        half[U(ahead + NEXT)], half[U(behind + PREV)] = order, order
        half[U(order + PREV)], half[U(order + NEXT)] = ahead, behind


@kernel
def park(row: Row, book: int, side: int, order: int, price: int, size: int) -> None:
    """Put a stop, or a call's market order, that was marked at the end of its list."""
    half = row.view(int32)
    head = _list_of(row, book, side, flags_of(row, book, order))
    last = half[U(head + PREV)]
    half[U(order + NEXT)], half[U(order + PREV)] = head, last
    half[U(last + NEXT)], half[U(head + PREV)] = order, order
    half[U(head + COUNT)] += 1
    half[U(order + QTY)], half[U(order + PRICE)], half[U(order + SIDE)] = size, price, side


@inlined
def _list_of(row: Row, book: int, side: int, flags: int) -> int:
    if flags & IS_STOP:
        return int(row[U(book + STOPS)])
    return int(row[U(book + (CALL_BUYS if side == book + BID else CALL_SELLS))])


@kernel
def leave_queue(row: Row, book: int, order: int) -> None:
    """Take an order out of its queue, or its list; it keeps its slot and its mark."""
    half, flags, side = row.view(int32), flags_of(row, book, order), int(row.view(int32)[U(order + SIDE)])
    if flags & (IS_STOP | IS_WAITING):
        ahead, behind = half[U(order + PREV)], half[U(order + NEXT)]
        half[U(ahead + NEXT)], half[U(behind + PREV)] = behind, ahead
        half[U(_list_of(row, book, side, flags) + COUNT)] -= 1
        return
    if flags & IS_HIDDEN:  # the level never counted it
        level = level_at(row, side, int(half[U(order + PRICE)]))
        half[U(level + QTY)] += half[U(order + QTY)]
        half[U(level + COUNT)] += 1
    unlink(row, order)


@kernel
def discard(row: Row, book: int, order: int) -> None:
    """Take a live order out of its queue and give its slot back."""
    leave_queue(row, book, order)
    unmark(row, book, order)
    free_slot(row, order)


@kernel
def use_up(row: Row, book: int, order: int, lots: int) -> None:
    """Take lots from what an order has at its place in the queue; one that has none left at all is gone."""
    half, flags = row.view(int32), flags_of(row, book, order)
    left = int(half[U(order + QTY)]) - lots
    if left == 0 and not (flags & IS_ICEBERG and half[U(order + row[U(book + EXTRAS)] + X_RESERVE)] > 0):
        discard(row, book, order)
        return
    half[U(order + QTY)] = left
    if not flags & (IS_HIDDEN | IS_STOP | IS_WAITING):
        half[U(level_at(row, int(half[U(order + SIDE)]), int(half[U(order + PRICE)])) + QTY)] -= lots


@kernel
def shrink(row: Row, book: int, order: int, lots: int) -> None:
    """Take open lots away, those that an iceberg holds back first; an order that has none left is gone."""
    half = row.view(int32)
    if flags_of(row, book, order) & IS_ICEBERG:
        extra = order + row[U(book + EXTRAS)]
        held_back = min(lots, int(half[U(extra + X_RESERVE)]))
        half[U(extra + X_RESERVE)] -= held_back
        lots -= held_back
    if lots > 0:
        use_up(row, book, order, lots)


@kernel
def renew(row: Row, book: int, order: int) -> None:
    """Where an iceberg's tranche is used up, show the next one, at the back of the queue."""
    half = row.view(int32)
    if half[U(order + TAG)] == NO_TAG or half[U(order + QTY)] > 0 or not flags_of(row, book, order) & IS_ICEBERG:
        return
    side, price = int(half[U(order + SIDE)]), int(half[U(order + PRICE)])
    size = open_size(row, book, order)
    unlink(row, order)
    enqueue(row, book, side, order, price, size)
    shown, side_index = int(half[U(order + QTY)]), (side - book - BID) // (ASK - BID)
    owner, tag = int(half[U(order + OWNER)]), int(half[U(order + TAG)])
    emit(row, book, REPLENISHED, OK, side_index, price, shown, tag, NO_TAG, owner)


@kernel
def shown_best(row: Row, book: int, side: int) -> int:
    """Return the best price of a side at which an order is displayed, in ladder ticks, or -1."""
    if row[U(book + HIDDENS)] == 0:
        return best(row, side)
    key = row[U(side + BEST)]
    while key != NONE and row.view(int32)[U(row[U(side + LEVELS)] + LEVEL_WORDS * key + COUNT)] == 0:
        key = next_key(row, side, key)
    return -1 if key == NONE else price_of(row, side, key)


@inlined
def remark_shown(row: Row, book: int) -> None:
    """Set the book's mark to the mid of the best displayed prices, in half ticks; leave it while a side has none."""
    bid, ask = shown_best(row, book, book + BID), shown_best(row, book, book + ASK)
    if bid >= 0 and ask >= 0:
        row[U(book + MARK)] = bid + ask
