"""What a taker would do if it went through the book now: nothing is changed but the PROBE words of the header.

An order that fills all or nothing asks this first, and so does one that must not trade, and a market that halts before
it trades too far away.
"""

from __future__ import annotations

from numpy import int32

from .book import next_key, price_of, side_of
from .extras import flags_of, open_size
from .jit import inlined, kernel
from .layout import Book, Level, Message, Order, Probe, Row, Side
from .limits import is_crowd
from .terms import Flag, SelfTrade

__all__ = ["is_own", "lots_left", "passes_over", "probe"]

_SHOWN, _RESERVES, _HIDDEN, _OWN_SHARERS, _SHARERS, _SHOWN_AONS = range(6)


@inlined
def lots_left(row: Row) -> int:
    """Return the lots that the taker in hand may still trade."""
    return int(row[Message.SIZE] - row[Message.FILLED])


@inlined
def is_own(row: Row, order: int) -> bool:
    """Return whether prevention forbids the taker in hand to trade with an order."""
    book, owner = row[Message.BOOK], row[Message.OWNER]
    is_theirs = row[book + Book.SELF_TRADE] != SelfTrade.ALLOW and row.view(int32)[order + Order.OWNER] == owner
    return bool(is_theirs and not is_crowd(row, book, owner))


@inlined
def passes_over(row: Row, order: int, left: int) -> bool:
    """Return whether the taker does not see an order: all or none and too large, or its own while it is such itself."""
    flags = flags_of(row, row[Message.BOOK], order)
    if flags & Flag.AON and row.view(int32)[order + Order.QTY] > left:
        return True
    return bool(row[Message.FLAGS] & Flag.AON and is_own(row, order))


@kernel
def probe(row: Row) -> None:
    """Rehearse the walk of the taker in hand: what would it fill, would it meet anybody, or trade outside the band."""
    book = row[Message.BOOK]
    other, left = side_of(book, row[Message.SIDE]) ^ Side.SWAP, lots_left(row)
    row[Probe.FILL] = row[Probe.MEETS] = row[Probe.OUTSIDE] = 0
    key = row[other + Side.BEST]
    while left > 0 and key <= row[Message.REACH]:
        level, before = row[other + Side.LEVELS] + Level.WORDS * key, row[Probe.FILL]
        if row[book + Book.PRO_RATA]:
            left = _pass(row, level, _OWN_SHARERS, left)
            left = _pass(row, level, _SHARERS, left)
            left = _pass(row, level, _SHOWN_AONS, left)
        else:
            left = _pass(row, level, _SHOWN, left)
            left = _pass(row, level, _RESERVES, left)
        left = _pass(row, level, _HIDDEN, left)
        price = price_of(row, other, key) + row[book + Book.BASE]
        if row[Probe.FILL] > before and not row[book + Book.HALT_LOW] <= price <= row[book + Book.HALT_HIGH]:
            row[Probe.OUTSIDE] = 1
        key = next_key(row, other, key)


@kernel
def _pass(row: Row, level: int, which: int, left: int) -> int:
    """Meet some of a level's orders in queue order; return the lots left, 0 as well where prevention ends the taker."""
    i32, order = row.view(int32), int(row.view(int32)[level + Level.NEXT])
    while order != level and left > 0:
        lots = _lots_in(row, order, which)
        if lots > 0 and not passes_over(row, order, left):
            left = _meet(row, order, lots, left)
        order = int(i32[order + Order.NEXT])
    return left


@inlined
def _lots_in(row: Row, order: int, which: int) -> int:
    """Return the lots that an order has in a pass, 0 where it is none of those met in it."""
    flags, shown = flags_of(row, row[Message.BOOK], order), int(row.view(int32)[order + Order.QTY])
    is_hidden, is_aon = bool(flags & Flag.HIDDEN), bool(flags & Flag.AON)
    if which == _HIDDEN or is_hidden:
        return shown if which == _HIDDEN and is_hidden else 0
    if which == _SHOWN:
        return shown
    if which == _SHOWN_AONS or is_aon:
        return shown if which == _SHOWN_AONS and is_aon else 0
    whole = open_size(row, row[Message.BOOK], order)
    if which == _RESERVES:
        return whole - shown if flags & Flag.ICEBERG else 0
    return whole if (which == _OWN_SHARERS) == is_own(row, order) else 0


@inlined
def _meet(row: Row, order: int, lots: int, left: int) -> int:
    row[Probe.MEETS] = 1
    if is_own(row, order):
        how = row[row[Message.BOOK] + Book.SELF_TRADE]
        if how == SelfTrade.CANCEL_OLDEST:
            return left
        return left - min(left, lots) if how == SelfTrade.DECREMENT else 0
    row[Probe.FILL] += min(left, lots)
    return left - min(left, lots)
