"""The call auction: one price for all, the one at which most trades.

Of several such prices it takes those of least imbalance; of these the highest if buyers are left over at all of them,
the lowest if sellers are; else the closest to the reference price, which may itself be the price, and of two the
higher. Market orders trade first, then by price, then in queue order. All-or-none orders sit it out.
"""

from __future__ import annotations

from numpy import int32
from numpy import uint64 as U

from .book import next_key, previous_key, price_of, side_of
from .events import emit, has_room, print_trade
from .extras import discard, flags_of, open_size, renew, use_up
from .jit import kernel
from .layout import (
    ASK,
    BEST,
    BID,
    BOOK_TRADES,
    BOOK_VOLUME,
    BUY,
    CALL_BUYS,
    CALL_LEFT,
    CALL_PRICE,
    CALL_SELLS,
    CANCELLED,
    EXTRAS,
    IS_AON,
    IS_ICEBERG,
    LAST,
    LEVEL_WORDS,
    LEVELS,
    M_BOOK,
    M_FILLED,
    NEXT,
    NO_TAG,
    NONE,
    OK,
    OWNER,
    PRICE,
    QTY,
    SELL,
    TAG,
    TICKS,
    TRADED,
    TRADES,
    UNFILLED,
    X_RESERVE,
    Row,
)
from .ledger import settle
from .limits import charge
from .matching import price_fault
from .stops import trail

__all__ = ["call_price", "cancel_unfilled", "trade_call"]


@kernel
def call_price(row: Row, book: int, reference: int) -> int:
    """Return the clearing price in ladder ticks and the lots that trade at it, in CALL_LEFT; -1 and 0 if none do.

    `reference` is in ladder ticks, -1 for none. Goes up from the lowest price: what is offered grows, demand shrinks.
    """
    bids, asks = book + BID, book + ASK
    bid, ask = previous_key(row, bids, NONE), row[U(asks + BEST)]
    demand, supply = _waiting_lots(row, row[U(book + CALL_BUYS)]) + _side_lots(row, bids), 0
    supply += _waiting_lots(row, row[U(book + CALL_SELLS)])
    is_candidate = 0 <= reference < row[U(book + TICKS)] and price_fault(row, book, reference) == OK
    most, least, low, high, nearest = 0, 0, -1, -1, -1
    are_buyers_left, are_sellers_left = True, True
    to_come = reference if is_candidate else NONE
    while bid != NONE or ask != NONE or to_come != NONE:
        bid_price = price_of(row, bids, bid) if bid != NONE else NONE
        price = min(bid_price, ask, to_come)
        bought = _level_lots(row, bids, bid) if bid_price == price else 0
        sold = _level_lots(row, asks, ask) if ask == price else 0
        supply += sold
        lots, surplus = min(demand, supply), demand - supply
        if bought + sold > 0 or price == to_come:
            if lots > most or (lots == most and abs(surplus) < least):
                most, least, low, high, nearest = lots, abs(surplus), price, price, price
                are_buyers_left, are_sellers_left = surplus > 0, surplus < 0
            elif lots == most and lots > 0 and abs(surplus) == least:
                high = price
                nearest = price if abs(price - reference) <= abs(nearest - reference) else nearest
                are_buyers_left, are_sellers_left = are_buyers_left and surplus > 0, are_sellers_left and surplus < 0
        demand -= bought
        bid = previous_key(row, bids, bid) if bid_price == price else bid
        ask = next_key(row, asks, ask) if ask == price else ask
        to_come = NONE if to_come == price else to_come
    row[U(CALL_LEFT)] = most
    if most == 0:
        return -1
    if are_buyers_left or (reference < 0 and not are_sellers_left):
        return high
    return low if are_sellers_left else nearest


@kernel
def _waiting_lots(row: Row, head: int) -> int:
    if head == 0:
        return 0
    half, lots, order = row.view(int32), 0, int(row.view(int32)[U(head + NEXT)])
    while order != head:
        lots += half[U(order + QTY)]
        order = int(half[U(order + NEXT)])
    return int(lots)


@kernel
def _side_lots(row: Row, side: int) -> int:
    lots, key = 0, row[U(side + BEST)]
    while key != NONE:
        lots += _level_lots(row, side, key)
        key = next_key(row, side, key)
    return lots


@kernel
def _level_lots(row: Row, side: int, key: int) -> int:
    """Return what takes part at a level: all that is open but all-or-none orders."""
    half, book, lots = row.view(int32), row[U(M_BOOK)], 0
    level = int(row[U(side + LEVELS)] + LEVEL_WORDS * key)
    order = int(half[U(level + NEXT)])
    while order != level:
        if not flags_of(row, book, order) & IS_AON:
            lots += open_size(row, book, order)
        order = int(half[U(order + NEXT)])
    return lots


@kernel
def _front(row: Row, book: int, side_index: int) -> int:
    """Return the order of a side that trades next in the call, or 0."""
    half = row.view(int32)
    head = row[U(book + (CALL_BUYS if side_index == BUY else CALL_SELLS))]
    if head != 0 and half[U(head + NEXT)] != head:
        return int(half[U(head + NEXT)])
    side = side_of(book, side_index)
    key = row[U(side + BEST)]
    while key != NONE:
        level = row[U(side + LEVELS)] + LEVEL_WORDS * key
        order = int(half[U(level + NEXT)])
        while order != level:
            if not flags_of(row, book, order) & IS_AON:
                return order
            order = int(half[U(order + NEXT)])
        key = next_key(row, side, key)
    return 0


@kernel
def trade_call(row: Row) -> bool:
    """Trade the buyers with the sellers, front with front, at CALL_PRICE; return False to drain first.

    An iceberg trades whole at its place; one of which something is left shows its next tranche in the end.
    """
    book = row[U(M_BOOK)]
    while row[U(CALL_LEFT)] > 0:
        if not has_room(row, 1):
            return False
        buy, sell = _front(row, book, BUY), _front(row, book, SELL)
        lots = min(open_size(row, book, buy), open_size(row, book, sell), row[U(CALL_LEFT)])
        _print_call(row, book, buy, sell, lots)
        _take_from(row, book, buy, lots)
        _take_from(row, book, sell, lots)
        row[U(CALL_LEFT)] -= lots
    if not has_room(row, 2):
        return False
    for side_index in (BUY, SELL):
        order = _front(row, book, side_index)
        if order != 0:
            renew(row, book, order)
    return True


@kernel
def _print_call(row: Row, book: int, buy: int, sell: int, lots: int) -> None:
    half, price = row.view(int32), row[U(CALL_PRICE)]
    buyer, seller = int(half[U(buy + OWNER)]), int(half[U(sell + OWNER)])
    owners = buyer | seller << 32
    settle(row, book, buyer, seller, price, lots)
    charge(row, book, buyer, price, lots, 0)
    charge(row, book, seller, price, lots, 0)
    emit(row, book, TRADED, OK, SELL, price, lots, int(half[U(buy + TAG)]), int(half[U(sell + TAG)]), owners)
    print_trade(row, book, SELL, price, lots, owners)
    row[U(book + LAST)] = price
    row[U(TRADES)] += 1
    row[U(book + BOOK_TRADES)] += 1
    row[U(book + BOOK_VOLUME)] += lots
    row[U(M_FILLED)] += lots
    trail(row, book, price)


@kernel
def _take_from(row: Row, book: int, order: int, lots: int) -> None:
    """Take traded lots, what an iceberg shows before what it holds back."""
    half = row.view(int32)
    if flags_of(row, book, order) & IS_ICEBERG:
        extra, shown = order + row[U(book + EXTRAS)], int(half[U(order + QTY)])
        held_back = max(lots - shown, 0)
        half[U(extra + X_RESERVE)] -= held_back
        lots -= held_back
    use_up(row, book, order, lots)


@kernel
def cancel_unfilled(row: Row) -> bool:
    """Cancel the market orders that a call has left, buys first; return False to drain first."""
    half, book = row.view(int32), row[U(M_BOOK)]
    for side_index in (BUY, SELL):
        head = row[U(book + (CALL_BUYS if side_index == BUY else CALL_SELLS))]
        while head != 0 and half[U(head + NEXT)] != head:
            if not has_room(row, 1):
                return False
            order = int(half[U(head + NEXT)])
            lots, tag, owner = int(half[U(order + QTY)]), int(half[U(order + TAG)]), int(half[U(order + OWNER)])
            price = int(half[U(order + PRICE)])
            emit(row, book, CANCELLED, UNFILLED, side_index, price, lots, tag, NO_TAG, owner)
            discard(row, book, order)
    return True
