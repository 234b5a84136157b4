"""What a taker does on its walk: it trades with whom it meets, is kept from trading with itself, and shares levels out.

Better price first; at one price those that everybody sees, by time or shared out by size, then the hidden ones by time.
Every line may be gone through again after a stop: what is done has left no trace in what is still to do.
"""

from __future__ import annotations

from numpy import int32
from numpy import uint64 as U

from .book import next_key, side_index_of, side_of
from .events import emit, has_room
from .extras import discard, flags_of, named_price, open_size, renew, shrink, use_up
from .jit import kernel
from .layout import (
    BEST,
    BY_OWNER,
    CANCELLED,
    EXTRAS,
    IS_AON,
    IS_HIDDEN,
    LEVEL_WORDS,
    LEVELS,
    LOT,
    M_BOOK,
    M_FILLED,
    M_FLAGS,
    M_LEVEL,
    M_ORDER,
    M_OWNER,
    M_PRICE,
    M_REACH,
    M_SIDE,
    M_SIZE,
    M_STAGE,
    M_TAG,
    M_TAKEN,
    MIN_FILL,
    NEXT,
    NO_TAG,
    OWNER,
    PRICE,
    PRO_RATA,
    QTY,
    REDUCED,
    SELF_TRADE,
    SHARING,
    SIDE,
    SIDE_FLIP,
    STP,
    STP_DECREMENT,
    STP_NEWEST,
    STP_OLDEST,
    TAG,
    TOP_ORDER,
    WALKING,
    X_SHARE,
    Row,
)
from .limits import charge
from .matching import trade
from .probe import is_own, lots_left, passes_over
from .stops import trail

__all__ = ["take_out", "walk"]

_ROOM = 4  # events that one meeting may write: prevention of both, a tranche, and what closes the message


@kernel
def walk(row: Row) -> bool:
    """Let the taker in hand meet the other side, as far as it may; return False to drain first."""
    if row[U(M_STAGE)] == SHARING and not _hand_out(row, row[U(M_LEVEL)]):
        return False
    book = row[U(M_BOOK)]
    other = side_of(book, row[U(M_SIDE)]) ^ SIDE_FLIP
    key = row[U(other + BEST)]
    while lots_left(row) > 0 and key <= row[U(M_REACH)]:
        level = row[U(other + LEVELS)] + LEVEL_WORDS * key
        if row[U(book + PRO_RATA)] and not _share_out(row, level):
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
            _fill(row, maker, min(lots_left(row), int(row.view(int32)[U(maker + QTY)])))
    return True


@kernel
def _first_met(row: Row, level: int) -> int:
    """Return the first order of a level that the taker in hand does not pass over, or 0."""
    half, left = row.view(int32), lots_left(row)
    order = int(half[U(level + NEXT)])
    while order != level:
        if not passes_over(row, order, left):
            return order
        order = int(half[U(order + NEXT)])
    return 0


@kernel
def _fill(row: Row, maker: int, lots: int) -> None:
    """Trade with a resting order at its price, charge both, and take the lots from both."""
    half, book = row.view(int32), row[U(M_BOOK)]
    price, owner = int(half[U(maker + PRICE)]), int(half[U(maker + OWNER)])
    trade(row, book, row[U(M_SIDE)], maker, lots)
    charge(row, book, owner, price, lots, 1)
    charge(row, book, row[U(M_OWNER)], price, lots, 0)
    trail(row, book, price)
    row[U(M_FILLED)] += lots
    use_up(row, book, maker, lots)
    renew(row, book, maker)


# --- prevention of self-trades ----------------------------------------------------------------------------------------
@kernel
def _prevent(row: Row, maker: int) -> None:
    """Do to an owner's two orders what the venue has chosen."""
    half, book = row.view(int32), row[U(M_BOOK)]
    how, left = row[U(book + STP)], lots_left(row)
    overlap = min(left, int(half[U(maker + QTY)]))
    whole = open_size(row, book, maker)
    if how != STP_NEWEST:
        lots = overlap if how == STP_DECREMENT else whole
        tag, price = int(half[U(maker + TAG)]), int(half[U(maker + PRICE)])
        kind, side_index = CANCELLED if lots == whole else REDUCED, 1 - row[U(M_SIDE)]
        emit(row, book, kind, SELF_TRADE, side_index, price, lots, tag, NO_TAG, row[U(M_OWNER)])
        if lots == whole:
            discard(row, book, maker)
        else:
            use_up(row, book, maker, lots)
    if how != STP_OLDEST:
        lots = overlap if how == STP_DECREMENT else left
        kind = CANCELLED if lots == left else REDUCED
        tag, price, owner = row[U(M_TAG)], row[U(M_PRICE)], row[U(M_OWNER)]
        emit(row, book, kind, SELF_TRADE, row[U(M_SIDE)], price, lots, tag, NO_TAG, owner)
        row[U(M_SIZE)] -= lots
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
        row[U(M_STAGE)], row[U(M_LEVEL)] = SHARING, level
        if not _hand_out(row, level):
            return False
    return True


@kernel
def _is_sharer(row: Row, order: int) -> bool:
    return not flags_of(row, row[U(M_BOOK)], order) & (IS_AON | IS_HIDDEN)


@kernel
def _own_sharer(row: Row, level: int) -> int:
    """Return the first order among those to share that prevention keeps from the taker in hand, or 0."""
    half, order = row.view(int32), int(row.view(int32)[U(level + NEXT)])
    while order != level and not row[U(M_FLAGS)] & IS_AON:
        if is_own(row, order) and _is_sharer(row, order):
            return order
        order = int(half[U(order + NEXT)])
    return 0


@kernel
def _deal(row: Row, level: int) -> bool:
    """Write down what each order gets in a round (X_SHARE); return False if there is nobody to share.

    Where the taker takes all, all of it. Else the oldest first, if the venue has a top order; then everybody's
    size x share, rounded down to a lot, nothing below the smallest fill; then, by time, what is left.
    """
    half, book, left = row.view(int32), row[U(M_BOOK)], lots_left(row)
    total, top = 0, 0
    order = int(half[U(level + NEXT)])
    while order != level:
        if _is_sharer(row, order) and not is_own(row, order):
            top = order if top == 0 else top
            total += half[U(order + QTY)]
        order = int(half[U(order + NEXT)])
    if total == 0:
        return False
    first = min(left, int(half[U(top + QTY)])) if row[U(book + TOP_ORDER)] and left < total else 0
    to_share, among = left - first, total - (half[U(top + QTY)] if first > 0 else 0)
    given = first
    for is_rest in (False, True):
        order = int(half[U(level + NEXT)])
        while order != level:
            if _is_sharer(row, order) and not is_own(row, order):
                share, size = order + row[U(book + EXTRAS)] + X_SHARE, int(half[U(order + QTY)])
                if is_rest:
                    more = min(size - half[U(share)], left - given)
                    half[U(share)] += more
                    given += more
                elif left >= total:
                    half[U(share)] = size
                elif order == top and first > 0:
                    half[U(share)] = first
                else:
                    lots = to_share * size // among // row[U(book + LOT)] * row[U(book + LOT)]
                    half[U(share)] = lots if lots >= row[U(book + MIN_FILL)] else 0
                    given += half[U(share)]
            order = int(half[U(order + NEXT)])
        if left >= total:
            break
    return True


@kernel
def _hand_out(row: Row, level: int) -> bool:
    """Trade the shares of a round, the oldest order first; return False to drain first."""
    half, shift = row.view(int32), row[U(row[U(M_BOOK)] + EXTRAS)] + X_SHARE
    order = int(half[U(level + NEXT)])
    while order != level:
        behind, lots = int(half[U(order + NEXT)]), int(half[U(order + shift)])
        if lots > 0:
            if not has_room(row, _ROOM):
                return False
            half[U(order + shift)] = 0
            _fill(row, order, lots)
        order = behind
    row[U(M_STAGE)] = WALKING
    return True


# --- orders that are taken away ---------------------------------------------------------------------------------------
@kernel
def take_out(row: Row, book: int, order: int, lots: int) -> None:
    """Take up to `lots` away from an order, which keeps its place; one that has none left is cancelled."""
    half, whole = row.view(int32), open_size(row, book, order)
    taken, side_index = min(lots, whole), side_index_of(book, int(half[U(order + SIDE)]))
    tag, owner = int(half[U(order + TAG)]), int(half[U(order + OWNER)])
    kind = CANCELLED if taken == whole else REDUCED
    emit(row, book, kind, BY_OWNER, side_index, named_price(row, book, order), taken, tag, NO_TAG, owner)
    if taken == whole:
        discard(row, book, order)
        row[U(M_ORDER)] = 0
    else:
        shrink(row, book, order, taken)
    row[U(M_TAKEN)] = taken
