"""The book: who waits at which price, in which order. Nothing here trades.

A side is a handle (`book + BID` or `book + ASK`), its prices are keys, and a smaller key is always better, so no line
below asks which side it is on. A level is the head of a circular list of its orders, oldest first. Which levels
are occupied is a bitmap three words high: a bit of BITS is a level, one of SUMMARY a word of BITS, one of TOP a word of
SUMMARY.

All kernels modify `row` in place, allocate nothing, and trust their caller: `matching` checks what comes from outside.
"""

from __future__ import annotations

from numpy import int32, int64

from .bits import highest_bit, lowest_bit
from .jit import inlined, kernel
from .layout import Book, Level, Order, Row, Side
from .packing import lower, upper
from .terms import MAX_TICKS, NO_TAG, NONE

__all__ = [
    "best",
    "find",
    "free_slot",
    "level_at",
    "link",
    "next_key",
    "occupy",
    "previous_key",
    "price_of",
    "remove",
    "rest",
    "side_index_of",
    "side_of",
    "take_slot",
    "unlink",
    "vacate",
]

_SIDE_SHIFT = 3
assert Book.ASK - Book.BID == 1 << _SIDE_SHIFT


@inlined
def side_of(book: int, side_index: int) -> int:
    """Return the handle of a book's side: BUY its bids, SELL its asks."""
    return book + Book.BID + (side_index << _SIDE_SHIFT)


@inlined
def side_index_of(book: int, side: int) -> int:
    """Return what a side is called in messages and events, BUY or SELL."""
    return (side - book - Book.BID) >> _SIDE_SHIFT


@inlined
def level_at(row: Row, side: int, price: int) -> int:
    """Return the handle of a side's level at a price inside the ladder."""
    return int(row[side + Side.LEVELS] + Level.WORDS * (price ^ row[side + Side.FLIP]))


@inlined
def price_of(row: Row, side: int, key: int) -> int:
    """Return the price of a key, in ladder ticks."""
    return int(key ^ row[side + Side.FLIP])


@inlined
def best(row: Row, side: int) -> int:
    """Return the best price of a side in ladder ticks, or -1 while it is empty."""
    key = row[side + Side.BEST]
    return -1 if key == NONE else key ^ row[side + Side.FLIP]


@inlined
def find(row: Row, book: int, order_id: int) -> int:
    """Return the handle of the live order of that id in a book, or 0: stale, foreign and made-up ids are no orders."""
    tag, order = upper(order_id), lower(order_id)
    within = order - row[book + Book.ORDERS]
    if tag < 0 or within < 0 or within >= Order.WORDS * row[book + Book.CAPACITY] or within % Order.WORDS != 0:
        return 0
    return order if row.view(int32)[order + Order.TAG] == tag else 0


@inlined
def rest(row: Row, side: int, owner: int, price: int, size: int, tag: int) -> int:
    """Queue a new order behind the others at its price; return its handle. The book must have a free slot."""
    order = take_slot(row, row[side + Side.BOOK])
    i32 = row.view(int32)
    i32[order + Order.OWNER] = owner
    i32[order + Order.TAG] = tag
    link(row, side, order, price, size)
    return order


@inlined
def remove(row: Row, order: int) -> None:
    """Take an order out of its queue and give its slot back; its id is stale from now on."""
    unlink(row, order)
    free_slot(row, order)


@inlined
def link(row: Row, side: int, order: int, price: int, size: int) -> None:
    """Put an order that has a slot, and is in no queue, at the back of the queue at a price."""
    i32, key = row.view(int32), price ^ row[side + Side.FLIP]
    level = row[side + Side.LEVELS] + Level.WORDS * key
    last = i32[level + Level.PREV]
    i32[order + Order.NEXT] = level
    i32[order + Order.PREV] = last
    i32[order + Order.QTY] = size
    i32[order + Order.PRICE] = price
    i32[order + Order.SIDE] = side
    i32[last + Order.NEXT] = order  # `last` is the level itself when nobody waits there: no special case
    i32[level + Level.PREV] = order
    i32[level + Level.QTY] += size
    i32[level + Level.COUNT] += 1
    if last == level:
        occupy(row, side, key)


@inlined
def unlink(row: Row, order: int) -> None:
    """Take an order out of its queue; it keeps its slot."""
    i32 = row.view(int32)
    side = int(i32[order + Order.SIDE])
    key = i32[order + Order.PRICE] ^ row[side + Side.FLIP]
    level = row[side + Side.LEVELS] + Level.WORDS * key
    ahead, behind = i32[order + Order.PREV], i32[order + Order.NEXT]
    i32[ahead + Level.NEXT] = behind
    i32[behind + Order.PREV] = ahead
    i32[level + Level.QTY] -= i32[order + Order.QTY]
    i32[level + Level.COUNT] -= 1
    if ahead == behind:  # only the level itself is before and behind its only order
        vacate(row, side, key)


@inlined
def take_slot(row: Row, book: int) -> int:
    """Make the first free slot of a book live; return its order's handle."""
    live = row[book + Book.LIVE]
    row[book + Book.LIVE] = live + 1
    return int(row.view(int32)[row[book + Book.SLOTS] + live])


@inlined
def free_slot(row: Row, order: int) -> None:
    """Give an order's slot back. The first LIVE slots are the live orders: the last of them moves into the hole."""
    i32 = row.view(int32)
    book = row[i32[order + Order.SIDE] + Side.BOOK]
    live = row[book + Book.LIVE] - 1
    slots, place = row[book + Book.SLOTS], i32[order + Order.PLACE]
    moved = i32[slots + live]
    i32[slots + place], i32[slots + live] = moved, order
    i32[moved + Order.PLACE], i32[order + Order.PLACE] = place, live
    i32[order + Order.TAG] = NO_TAG
    row[book + Book.LIVE] = live


@inlined
def occupy(row: Row, side: int, key: int) -> None:
    """Note that a level, empty until now, holds an order."""
    word, group = key >> 6, key >> 12
    row[row[side + Side.BITS] + word] |= int64(1) << int64(key & 63)
    row[row[side + Side.SUMMARY] + group] |= int64(1) << int64(word & 63)
    row[side + Side.TOP] |= int64(1) << int64(group)
    if key < row[side + Side.BEST]:
        row[side + Side.BEST] = key


@inlined
def vacate(row: Row, side: int, key: int) -> None:
    """Note that a level has become empty, and find the next best if it was the best.

    All that is better than the best is empty, so the next one is the lowest bit of the lowest word that is left.
    """
    word, group = key >> 6, key >> 12
    bits, summary = row[side + Side.BITS], row[side + Side.SUMMARY]
    left = row[bits + word] & ~(int64(1) << int64(key & 63))
    row[bits + word] = left
    if left == 0:
        words = row[summary + group] & ~(int64(1) << int64(word & 63))
        row[summary + group] = words
        if words == 0:
            row[side + Side.TOP] &= ~(int64(1) << int64(group))
    if key != row[side + Side.BEST]:
        return
    if left == 0:
        top = row[side + Side.TOP]
        if top == 0:
            row[side + Side.BEST] = NONE
            return
        group = lowest_bit(top)
        word = (group << 6) + lowest_bit(row[summary + group])
        left = row[bits + word]
    row[side + Side.BEST] = (word << 6) + lowest_bit(left)


@inlined
def next_key(row: Row, side: int, key: int) -> int:
    """Return the first occupied key behind `key` on a side, NONE when there is none."""
    bits, summary = row[side + Side.BITS], row[side + Side.SUMMARY]
    word, group = key >> 6, key >> 12
    left = row[bits + word] & (int64(-2) << int64(key & 63))
    if left == 0:
        words = row[summary + group] & (int64(-2) << int64(word & 63))
        if words == 0:
            top = row[side + Side.TOP] & (int64(-2) << int64(group))
            if top == 0:
                return NONE
            group = lowest_bit(top)
            words = row[summary + group]
        word = (group << 6) + lowest_bit(words)
        left = row[bits + word]
    return (word << 6) + lowest_bit(left)


@kernel
def previous_key(row: Row, side: int, key: int) -> int:
    """Return the last occupied key before `key` on a side, NONE when there is none; the worst of all before NONE."""
    bits, summary = row[side + Side.BITS], row[side + Side.SUMMARY]
    if key == NONE:
        key = MAX_TICKS
    word, group = key >> 6, key >> 12
    left = row[bits + word] & ((int64(1) << int64(key & 63)) - 1) if key < MAX_TICKS else int64(0)
    if left == 0:
        words = row[summary + group] & ((int64(1) << int64(word & 63)) - 1) if key < MAX_TICKS else int64(0)
        if words == 0:
            below = (int64(1) << int64(group)) - 1 if group < 64 else int64(-1)
            top = row[side + Side.TOP] & below
            if top == 0:
                return NONE
            group = highest_bit(int(top))
            words = row[summary + group]
        word = (group << 6) + highest_bit(int(words))
        left = row[bits + word]
    return (word << 6) + highest_bit(int(left))
