"""The call auction: one price for all, at which most trades; market orders first, then by price, then by time.

All-or-none orders take no part: they stay as they are. What an iceberg holds back, and what is hidden, counts whole.
"""

from __future__ import annotations

from sekai.markets.book.messages import Reason
from sekai.markets.referee.reference.checks import price_fault
from sekai.markets.referee.reference.matching import change_phase
from sekai.markets.referee.reference.records import BUY, SELL, Order
from sekai.markets.referee.reference.state import State

__all__ = ["clearing_price", "uncross"]


def uncross(book: State, reference: int | None) -> int | None:
    """End the call: trade at the clearing price, cancel what is left of market orders, go on in continuous trading."""
    price = clearing_price(book, book.last if reference is None else reference)
    if price is not None:
        _trade_all(book, price)
    for order in [*book.waiting[BUY], *book.waiting[SELL]]:
        book.leave(order)
        book.cancel_lots(order, order.size, Reason.UNFILLED)
    change_phase(book, "continuous", price or 0)
    return price


def clearing_price(book: State, reference: int | None) -> int | None:
    """Return the price at which most trades, or None where nothing can.

    Of several: those of least imbalance; then the highest if all have buyers left over, the lowest if all have sellers;
    else the closest to the reference, which may itself be the price, and of two the higher. Without one, the highest.
    """
    prices = {order.price for side in (BUY, SELL) for order in _limits(book, side)}
    if reference is not None and price_fault(book, reference) is Reason.OK:
        prices.add(reference)
    bought = {price: sum(order.size for order in _willing(book, BUY, price)) for price in prices}
    sold = {price: sum(order.size for order in _willing(book, SELL, price)) for price in prices}
    most = max((min(bought[price], sold[price]) for price in prices), default=0)
    if most == 0:
        return None
    tied = [price for price in prices if min(bought[price], sold[price]) == most]
    least = min(abs(bought[price] - sold[price]) for price in tied)
    tied = [price for price in tied if abs(bought[price] - sold[price]) == least]
    if all(bought[price] > sold[price] for price in tied):
        return max(tied)
    if all(bought[price] < sold[price] for price in tied):
        return min(tied)
    return max(tied, key=lambda price: (0 if reference is None else -abs(price - reference), price))


def _limits(book: State, side: int) -> list[Order]:
    """Return the limit orders of a side that take part, in the order in which they trade."""
    return [order for price in book.prices(side) for order in book.sides[side][price] if not order.is_aon]


def _willing(book: State, side: int, price: int) -> list[Order]:
    """Return the orders of a side that trade at a price, in the order in which they do."""
    sign = 1 if side == BUY else -1
    return book.waiting[side] + [order for order in _limits(book, side) if sign * order.price >= sign * price]


def _trade_all(book: State, price: int) -> None:
    """Trade the buyers with the sellers, front with front; an iceberg whose tranche this used up shows the next."""
    buyers, sellers = _willing(book, BUY, price), _willing(book, SELL, price)
    while buyers and sellers:
        pair = (buyers[0], sellers[0])
        lots = min(order.size for order in pair)
        book.settle(*pair, price, lots, is_auction=True)
        for order, queue in zip(pair, (buyers, sellers), strict=True):
            order.size -= lots
            order.shown -= 0 if order.display is None else lots
            order.traded += lots
            if order.size == 0:
                queue.pop(0)
                book.leave(order)
                book.outcome[order.id] = "filled"
    for order in [*buyers[:1], *sellers[:1]]:
        book.renew(order)
