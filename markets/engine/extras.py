"""Orders that are not plain: their extra record, and where they queue.

An iceberg's QTY is the tranche that it shows, and the level counts no more than that; the rest is its reserve. Hidden
orders wait at their price behind all that can be seen, in no level's sum. Stops, and a call's market orders, wait in
lists of their own, oldest first.

All kernels modify `row` in place. An order in hand has a slot, and neither flags nor a queue.
"""

from __future__ import annotations

from numpy import int32

from .book import best, free_slot, level_at, link, next_key, price_of, unlink
from .events import emit
from .jit import inlined, kernel
from .layout import Book, Extra, Level, Order, Row, Side
from .terms import NO_TAG, NONE, Flag, Kind, Reason

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
    return int(row.view(int32)[order + row[book + Book.EXTRAS] + Extra.FLAGS]) if row[book + Book.SPECIALS] != 0 else 0


@inlined
def open_size(row: Row, book: int, order: int) -> int:
    """Return an order's open lots, those that an iceberg holds back included."""
    i32, lots = row.view(int32), int(row.view(int32)[order + Order.QTY])
    if flags_of(row, book, order) & Flag.ICEBERG:
        lots += i32[order + row[book + Book.EXTRAS] + Extra.RESERVE]
    return int(lots)


@inlined
def level_lots(row: Row, book: int, level: int) -> int:
    """Return all that is open at a level, hidden or held back too."""
    i32 = row.view(int32)
    lots = int(i32[level + Level.QTY])
    if row[book + Book.SPECIALS] == 0:
        return lots
    lots, order = 0, int(i32[level + Level.NEXT])
    while order != level:
        lots += open_size(row, book, order)
        order = int(i32[order + Order.NEXT])
    return lots


@kernel
def named_price(row: Row, book: int, order: int) -> int:
    """Return the price that events give for a live order: its own, a stop's trigger, a trailing stop's offset."""
    i32, flags = row.view(int32), flags_of(row, book, order)
    extra = order + row[book + Book.EXTRAS]
    if flags & Flag.TRAILING:
        return int(i32[extra + Extra.OFFSET] - row[book + Book.BASE])
    if flags & Flag.STOP and not flags & Flag.STOP_LIMIT:
        return int(i32[extra + Extra.STOP])
    return int(i32[order + Order.PRICE])


@inlined
def mark_as(row: Row, book: int, order: int, flags: int) -> None:
    """Say what an order with a slot is; 0 is a plain one, of which nothing is written."""
    if flags == 0:
        return
    row.view(int32)[order + row[book + Book.EXTRAS] + Extra.FLAGS] = flags
    row[book + Book.SPECIALS] += 1
    row[book + Book.HIDDENS] += 1 if flags & Flag.HIDDEN else 0
    row[book + Book.TRAILERS] += 1 if flags & Flag.TRAILING else 0


@inlined
def unmark(row: Row, book: int, order: int) -> int:
    """Make an order plain; return what it was."""
    flags = flags_of(row, book, order)
    if flags != 0:
        row.view(int32)[order + row[book + Book.EXTRAS] + Extra.FLAGS] = 0
        row[book + Book.SPECIALS] -= 1
        row[book + Book.HIDDENS] -= 1 if flags & Flag.HIDDEN else 0
        row[book + Book.TRAILERS] -= 1 if flags & Flag.TRAILING else 0
    return flags


@kernel
def enqueue(row: Row, book: int, side: int, order: int, price: int, size: int) -> None:
    """Put an order that was marked at the back of the queue at its price: of those seen, or of those hidden."""
    i32, flags, shown = row.view(int32), flags_of(row, book, order), size
    if flags & Flag.ICEBERG:
        extra = order + row[book + Book.EXTRAS]
        shown = min(size, int(i32[extra + Extra.DISPLAY]))
        i32[extra + Extra.RESERVE] = size - shown
        row[book + Book.RESERVED] += size - shown
    link(row, side, order, price, shown)
    level = level_at(row, side, price)
    if flags & Flag.HIDDEN:
        i32[level + Level.QTY] -= shown
        i32[level + Level.COUNT] -= 1
        return
    before = int(i32[order + Order.PREV])
    ahead = before
    while ahead != level and flags_of(row, book, ahead) & Flag.HIDDEN:
        ahead = int(i32[ahead + Level.PREV])
    if ahead != before:
        i32[before + Order.NEXT], i32[level + Level.PREV] = level, before
        behind = int(i32[ahead + Level.NEXT])
        i32[ahead + Level.NEXT], i32[behind + Order.PREV] = order, order
        i32[order + Order.PREV], i32[order + Order.NEXT] = ahead, behind


@kernel
def park(row: Row, book: int, side: int, order: int, price: int, size: int) -> None:
    """Put a stop, or a call's market order, that was marked at the end of its list."""
    i32 = row.view(int32)
    head = _list_of(row, book, side, flags_of(row, book, order))
    last = i32[head + Level.PREV]
    i32[order + Order.NEXT], i32[order + Order.PREV] = head, last
    i32[last + Order.NEXT], i32[head + Level.PREV] = order, order
    i32[head + Level.COUNT] += 1
    i32[order + Order.QTY], i32[order + Order.PRICE], i32[order + Order.SIDE] = size, price, side


@inlined
def _list_of(row: Row, book: int, side: int, flags: int) -> int:
    if flags & Flag.STOP:
        return int(row[book + Book.STOPS])
    return int(row[book + (Book.CALL_BUYS if side == book + Book.BID else Book.CALL_SELLS)])


@kernel
def leave_queue(row: Row, book: int, order: int) -> None:
    """Take an order out of its queue, or its list; it keeps its slot and its mark."""
    i32, flags, side = row.view(int32), flags_of(row, book, order), int(row.view(int32)[order + Order.SIDE])
    if flags & (Flag.STOP | Flag.WAITING):
        ahead, behind = i32[order + Order.PREV], i32[order + Order.NEXT]
        i32[ahead + Level.NEXT], i32[behind + Order.PREV] = behind, ahead
        i32[_list_of(row, book, side, flags) + Level.COUNT] -= 1
        return
    if flags & Flag.HIDDEN:  # the level never counted it
        level = level_at(row, side, int(i32[order + Order.PRICE]))
        i32[level + Level.QTY] += i32[order + Order.QTY]
        i32[level + Level.COUNT] += 1
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
    i32, flags = row.view(int32), flags_of(row, book, order)
    left = int(i32[order + Order.QTY]) - lots
    if left == 0 and not (flags & Flag.ICEBERG and i32[order + row[book + Book.EXTRAS] + Extra.RESERVE] > 0):
        discard(row, book, order)
        return
    i32[order + Order.QTY] = left
    if not flags & (Flag.HIDDEN | Flag.STOP | Flag.WAITING):
        i32[level_at(row, int(i32[order + Order.SIDE]), int(i32[order + Order.PRICE])) + Level.QTY] -= lots


@kernel
def shrink(row: Row, book: int, order: int, lots: int) -> None:
    """Take open lots away, those that an iceberg holds back first; an order that has none left is gone."""
    i32 = row.view(int32)
    if flags_of(row, book, order) & Flag.ICEBERG:
        extra = order + row[book + Book.EXTRAS]
        held_back = min(lots, int(i32[extra + Extra.RESERVE]))
        i32[extra + Extra.RESERVE] -= held_back
        lots -= held_back
    if lots > 0:
        use_up(row, book, order, lots)


@kernel
def renew(row: Row, book: int, order: int) -> None:
    """Where an iceberg's tranche is used up, show the next one, at the back of the queue."""
    i32 = row.view(int32)
    if i32[order + Order.TAG] == NO_TAG or i32[order + Order.QTY] > 0 or not flags_of(row, book, order) & Flag.ICEBERG:
        return
    side, price = int(i32[order + Order.SIDE]), int(i32[order + Order.PRICE])
    size = open_size(row, book, order)
    unlink(row, order)
    enqueue(row, book, side, order, price, size)
    shown, side_index = int(i32[order + Order.QTY]), (side - book - Book.BID) // (Book.ASK - Book.BID)
    owner, tag = int(i32[order + Order.OWNER]), int(i32[order + Order.TAG])
    emit(row, book, Kind.REPLENISHED, Reason.OK, side_index, price, shown, tag, NO_TAG, owner)


@kernel
def shown_best(row: Row, book: int, side: int) -> int:
    """Return the best price of a side at which an order is displayed, in ladder ticks, or -1."""
    if row[book + Book.HIDDENS] == 0:
        return best(row, side)
    key = row[side + Side.BEST]
    while key != NONE and row.view(int32)[row[side + Side.LEVELS] + Level.WORDS * key + Level.COUNT] == 0:
        key = next_key(row, side, key)
    return -1 if key == NONE else price_of(row, side, key)


@inlined
def remark_shown(row: Row, book: int) -> None:
    """Set the book's mark to the mid of the best displayed prices, in half ticks; leave it while a side has none."""
    bid, ask = shown_best(row, book, book + Book.BID), shown_best(row, book, book + Book.ASK)
    if bid >= 0 and ask >= 0:
        row[book + Book.MARK] = bid + ask
