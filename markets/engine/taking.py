"""What a taker does on its walk: it trades with whom it meets, is kept from trading with itself, and shares levels out.

Better price first; at one price those that everybody sees, by time or shared out by size, then the hidden ones by time.
Every line may be gone through again after a stop: what is done has left no trace in what is still to do.
"""

from __future__ import annotations

from numpy import int32

from .book import next_key, side_index_of, side_of
from .events import emit, has_room
from .extras import discard, flags_of, named_price, open_size, renew, shrink, use_up
from .jit import kernel
from .layout import Book, Extra, Level, Message, Order, Row, Side
from .limits import charge
from .matching import trade
from .probe import is_own, lots_left, passes_over
from .stops import trail
from .terms import NO_TAG, Flag, Kind, Reason, SelfTrade, Stage

__all__ = ["take_out", "walk"]

_ROOM = 4  # events that one meeting may write: prevention of both, a tranche, and what closes the message


@kernel
def walk(row: Row) -> bool:
    """Let the taker in hand meet the other side, as far as it may; return False to drain first."""
    if row[Message.STAGE] == Stage.SHARING and not _hand_out(row, row[Message.LEVEL]):
        return False
    book = row[Message.BOOK]
    other = side_of(book, row[Message.SIDE]) ^ Side.SWAP
    key = row[other + Side.BEST]
    while lots_left(row) > 0 and key <= row[Message.REACH]:
        level = row[other + Side.LEVELS] + Level.WORDS * key
        if row[book + Book.PRO_RATA] and not _share_out(row, level):
            return False
        if not has_room(row, _ROOM):
            return False
        maker = _first_met(row, level)
        if lots_left(row) == 0:
            break
        if maker == 0:
            key = next_key(row, other, key)
        elif is_own(row, maker):
            _prevent(row, maker)
        else:
            _fill(row, maker, min(lots_left(row), int(row.view(int32)[maker + Order.QTY])))
    return True


@kernel
def _first_met(row: Row, level: int) -> int:
    """Return the first order of a level that the taker in hand does not pass over, or 0."""
    i32, left = row.view(int32), lots_left(row)
    order = int(i32[level + Level.NEXT])
    while order != level:
        if not passes_over(row, order, left):
            return order
        order = int(i32[order + Order.NEXT])
    return 0


@kernel
def _fill(row: Row, maker: int, lots: int) -> None:
    """Trade with a resting order at its price, charge both, and take the lots from both."""
    i32, book = row.view(int32), row[Message.BOOK]
    price, owner = int(i32[maker + Order.PRICE]), int(i32[maker + Order.OWNER])
    trade(row, book, row[Message.SIDE], maker, lots)
    charge(row, book, owner, price, lots, 1)
    charge(row, book, row[Message.OWNER], price, lots, 0)
    trail(row, book, price)
    row[Message.FILLED] += lots
    use_up(row, book, maker, lots)
    renew(row, book, maker)


# --- prevention of self-trades ----------------------------------------------------------------------------------------
@kernel
def _prevent(row: Row, maker: int) -> None:
    """Do to an owner's two orders what the venue has chosen."""
    i32, book = row.view(int32), row[Message.BOOK]
    how, left = row[book + Book.SELF_TRADE], lots_left(row)
    overlap = min(left, int(i32[maker + Order.QTY]))
    whole = open_size(row, book, maker)
    if how != SelfTrade.CANCEL_NEWEST:
        lots = overlap if how == SelfTrade.DECREMENT else whole
        tag, price = int(i32[maker + Order.TAG]), int(i32[maker + Order.PRICE])
        kind, side_index = Kind.CANCELLED if lots == whole else Kind.REDUCED, 1 - row[Message.SIDE]
        emit(row, book, kind, Reason.SELF_TRADE, side_index, price, lots, tag, NO_TAG, row[Message.OWNER])
        if lots == whole:
            discard(row, book, maker)
        else:
            use_up(row, book, maker, lots)
    if how != SelfTrade.CANCEL_OLDEST:
        lots = overlap if how == SelfTrade.DECREMENT else left
        kind = Kind.CANCELLED if lots == left else Kind.REDUCED
        tag, price, owner = row[Message.TAG], row[Message.PRICE], row[Message.OWNER]
        emit(row, book, kind, Reason.SELF_TRADE, row[Message.SIDE], price, lots, tag, NO_TAG, owner)
        row[Message.SIZE] -= lots
    renew(row, book, maker)


# --- pro-rata ---------------------------------------------------------------------------------------------------------
@kernel
def _share_out(row: Row, level: int) -> bool:
    """Trade with those who share a level, round by round; return False to drain first.

    An iceberg's next tranche is in the next round. The taker's own orders are dealt with before a round.
    """
    while lots_left(row) > 0:
        if not has_room(row, _ROOM):
            return False
        own = _own_sharer(row, level)
        if own != 0:
            _prevent(row, own)
            continue
        if not _deal(row, level):
            return True
        row[Message.STAGE], row[Message.LEVEL] = Stage.SHARING, level
        if not _hand_out(row, level):
            return False
    return True


@kernel
def _is_sharer(row: Row, order: int) -> bool:
    return not flags_of(row, row[Message.BOOK], order) & (Flag.AON | Flag.HIDDEN)


@kernel
def _own_sharer(row: Row, level: int) -> int:
    """Return the first order among those to share that prevention keeps from the taker in hand, or 0."""
    i32, order = row.view(int32), int(row.view(int32)[level + Level.NEXT])
    while order != level and not row[Message.FLAGS] & Flag.AON:
        if is_own(row, order) and _is_sharer(row, order):
            return order
        order = int(i32[order + Order.NEXT])
    return 0


@kernel
def _deal(row: Row, level: int) -> bool:
    """Write down what each order gets in a round (Extra.SHARE); return False if there is nobody to share.

    Where the taker takes all, all of it. Else the oldest first, if the venue has a top order; then everybody's
    size x share, rounded down to a lot, nothing below the smallest fill; then, by time, what is left.
    """
    i32, book, left = row.view(int32), row[Message.BOOK], lots_left(row)
    total, top = 0, 0
    order = int(i32[level + Level.NEXT])
    while order != level:
        if _is_sharer(row, order) and not is_own(row, order):
            top = order if top == 0 else top
            total += i32[order + Order.QTY]
        order = int(i32[order + Order.NEXT])
    if total == 0:
        return False
    first = min(left, int(i32[top + Order.QTY])) if row[book + Book.TOP_ORDER] and left < total else 0
    to_share, among = left - first, total - (i32[top + Order.QTY] if first > 0 else 0)
    given = first
    for is_rest in (False, True):
        order = int(i32[level + Level.NEXT])
        while order != level:
            if _is_sharer(row, order) and not is_own(row, order):
                share, size = order + row[book + Book.EXTRAS] + Extra.SHARE, int(i32[order + Order.QTY])
                if is_rest:
                    more = min(size - i32[share], left - given)
                    i32[share] += more
                    given += more
                elif left >= total:
                    i32[share] = size
                elif order == top and first > 0:
                    i32[share] = first
                else:
                    lots = to_share * size // among // row[book + Book.LOT] * row[book + Book.LOT]
                    i32[share] = lots if lots >= row[book + Book.MIN_FILL] else 0
                    given += i32[share]
            order = int(i32[order + Order.NEXT])
        if left >= total:
            break
    return True


@kernel
def _hand_out(row: Row, level: int) -> bool:
    """Trade the shares of a round, the oldest order first; return False to drain first."""
    i32, shift = row.view(int32), row[row[Message.BOOK] + Book.EXTRAS] + Extra.SHARE
    order = int(i32[level + Level.NEXT])
    while order != level:
        behind, lots = int(i32[order + Order.NEXT]), int(i32[order + shift])
        if lots > 0:
            if not has_room(row, _ROOM):
                return False
            i32[order + shift] = 0
            _fill(row, order, lots)
        order = behind
    row[Message.STAGE] = Stage.WALKING
    return True


# --- orders that are taken away ---------------------------------------------------------------------------------------
@kernel
def take_out(row: Row, book: int, order: int, lots: int) -> None:
    """Take up to `lots` away from an order, which keeps its place; one that has none left is cancelled."""
    i32, whole = row.view(int32), open_size(row, book, order)
    taken, side_index = min(lots, whole), side_index_of(book, int(i32[order + Order.SIDE]))
    tag, owner = int(i32[order + Order.TAG]), int(i32[order + Order.OWNER])
    kind = Kind.CANCELLED if taken == whole else Kind.REDUCED
    emit(row, book, kind, Reason.BY_OWNER, side_index, named_price(row, book, order), taken, tag, NO_TAG, owner)
    if taken == whole:
        discard(row, book, order)
        row[Message.ORDER] = 0
    else:
        shrink(row, book, order, taken)
    row[Message.TAKEN] = taken
