"""The call auction: one price for all, the one at which most trades.

Of several such prices it takes those of least imbalance; of these the highest if buyers are left over at all of them,
the lowest if sellers are; else the closest to the reference price, which may itself be the price, and of two the
higher. Market orders trade first, then by price, then in queue order. All-or-none orders sit it out.
"""

from __future__ import annotations

from numpy import int32

from .book import next_key, previous_key, price_of, side_of
from .events import emit, has_room, print_trade
from .extras import discard, flags_of, open_size, renew, use_up
from .jit import kernel
from .layout import Book, Call, Extra, Level, Market, Message, Order, Row, Side
from .ledger import exchange
from .limits import charge
from .matching import price_fault
from .packing import pair
from .stops import trail
from .terms import BUY, NO_TAG, NONE, SELL, Flag, Kind, Reason

__all__ = ["call_price", "cancel_unfilled", "trade_call"]


@kernel
def call_price(row: Row, book: int, reference: int) -> int:
    """Return the clearing price in ladder ticks and the lots that trade at it, in Call.LEFT; -1 and 0 if none do.

    `reference` is in ladder ticks, -1 for none. Goes up from the lowest price: what is offered grows, demand shrinks.
    """
    bids, asks = book + Book.BID, book + Book.ASK
    bid, ask = previous_key(row, bids, NONE), row[asks + Side.BEST]
    demand, supply = _waiting_lots(row, row[book + Book.CALL_BUYS]) + _side_lots(row, bids), 0
    supply += _waiting_lots(row, row[book + Book.CALL_SELLS])
    is_candidate = 0 <= reference < row[book + Book.TICKS] and price_fault(row, book, reference) == Reason.OK
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
    row[Call.LEFT] = most
    if most == 0:
        return -1
    if are_buyers_left or (reference < 0 and not are_sellers_left):
        return high
    return low if are_sellers_left else nearest


@kernel
def _waiting_lots(row: Row, head: int) -> int:
    if head == 0:
        return 0
    i32, lots, order = row.view(int32), 0, int(row.view(int32)[head + Level.NEXT])
    while order != head:
        lots += i32[order + Order.QTY]
        order = int(i32[order + Order.NEXT])
    return int(lots)


@kernel
def _side_lots(row: Row, side: int) -> int:
    lots, key = 0, row[side + Side.BEST]
    while key != NONE:
        lots += _level_lots(row, side, key)
        key = next_key(row, side, key)
    return lots


@kernel
def _level_lots(row: Row, side: int, key: int) -> int:
    """Return what takes part at a level: all that is open but all-or-none orders."""
    i32, book, lots = row.view(int32), row[Message.BOOK], 0
    level = int(row[side + Side.LEVELS] + Level.WORDS * key)
    order = int(i32[level + Level.NEXT])
    while order != level:
        if not flags_of(row, book, order) & Flag.AON:
            lots += open_size(row, book, order)
        order = int(i32[order + Order.NEXT])
    return lots


@kernel
def _front(row: Row, book: int, side_index: int) -> int:
    """Return the order of a side that trades next in the call, or 0."""
    i32 = row.view(int32)
    head = row[book + (Book.CALL_BUYS if side_index == BUY else Book.CALL_SELLS)]
    if head != 0 and i32[head + Level.NEXT] != head:
        return int(i32[head + Level.NEXT])
    side = side_of(book, side_index)
    key = row[side + Side.BEST]
    while key != NONE:
        level = row[side + Side.LEVELS] + Level.WORDS * key
        order = int(i32[level + Level.NEXT])
        while order != level:
            if not flags_of(row, book, order) & Flag.AON:
                return order
            order = int(i32[order + Order.NEXT])
        key = next_key(row, side, key)
    return 0


@kernel
def trade_call(row: Row) -> bool:
    """Trade the buyers with the sellers, front with front, at Call.PRICE; return False to drain first.

    An iceberg trades whole at its place; one of which something is left shows its next tranche in the end.
    """
    book = row[Message.BOOK]
    while row[Call.LEFT] > 0:
        if not has_room(row, 1):
            return False
        buy, sell = _front(row, book, BUY), _front(row, book, SELL)
        lots = min(open_size(row, book, buy), open_size(row, book, sell), row[Call.LEFT])
        _print_call(row, book, buy, sell, lots)
        _take_from(row, book, buy, lots)
        _take_from(row, book, sell, lots)
        row[Call.LEFT] -= lots
    if not has_room(row, 2):
        return False
    for side_index in (BUY, SELL):
        order = _front(row, book, side_index)
        if order != 0:
            renew(row, book, order)
    return True


@kernel
def _print_call(row: Row, book: int, buy: int, sell: int, lots: int) -> None:
    i32, price = row.view(int32), row[Call.PRICE]
    buyer, seller = int(i32[buy + Order.OWNER]), int(i32[sell + Order.OWNER])
    owners = pair(seller, buyer)
    exchange(row, book, buyer, seller, price, lots, -1)
    charge(row, book, buyer, price, lots, 0)
    charge(row, book, seller, price, lots, 0)
    emit(
        row,
        book,
        Kind.TRADED,
        Reason.OK,
        SELL,
        price,
        lots,
        int(i32[buy + Order.TAG]),
        int(i32[sell + Order.TAG]),
        owners,
    )
    print_trade(row, book, SELL, price, lots, owners)
    row[book + Book.LAST] = price
    row[Market.TRADES] += 1
    row[book + Book.TRADES] += 1
    row[book + Book.VOLUME] += lots
    row[Message.FILLED] += lots
    trail(row, book, price)


@kernel
def _take_from(row: Row, book: int, order: int, lots: int) -> None:
    """Take traded lots, what an iceberg shows before what it holds back."""
    i32 = row.view(int32)
    if flags_of(row, book, order) & Flag.ICEBERG:
        extra, shown = order + row[book + Book.EXTRAS], int(i32[order + Order.QTY])
        held_back = max(lots - shown, 0)
        i32[extra + Extra.RESERVE] -= held_back
        lots -= held_back
    use_up(row, book, order, lots)


@kernel
def cancel_unfilled(row: Row) -> bool:
    """Cancel the market orders that a call has left, buys first; return False to drain first."""
    i32, book = row.view(int32), row[Message.BOOK]
    for side_index in (BUY, SELL):
        head = row[book + (Book.CALL_BUYS if side_index == BUY else Book.CALL_SELLS)]
        while head != 0 and i32[head + Level.NEXT] != head:
            if not has_room(row, 1):
                return False
            order = int(i32[head + Level.NEXT])
            lots, tag, owner = int(i32[order + Order.QTY]), int(i32[order + Order.TAG]), int(i32[order + Order.OWNER])
            price = int(i32[order + Order.PRICE])
            emit(row, book, Kind.CANCELLED, Reason.UNFILLED, side_index, price, lots, tag, NO_TAG, owner)
            discard(row, book, order)
    return True
