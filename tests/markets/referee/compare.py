"""The engine's book and the reference side by side: whether they say the same; and whether the reference is sound."""

from __future__ import annotations

from typing import Any

from sekai.markets.book.order_book import OrderBook
from sekai.markets.referee.fuzz import differences, events_of, plain, settled
from sekai.markets.referee.reference import BUY, SELL, ReferenceBook

__all__ = ["assert_same", "assert_sound", "events_of", "levels_of", "plain", "settled"]


def levels_of(book: OrderBook, side: int) -> list[tuple[int, list[tuple[int, int]]]]:
    """Return a side of an OrderBook as `ReferenceBook.levels` gives it."""
    name: Any = ("bid", "ask")[side]
    prices = book.depth(1 << 20)[side]["price_ticks"].tolist()
    return [(price, [(order.id, order.size) for order in book.queue(name, price)]) for price in prices]


def assert_same(book: OrderBook, reference: ReferenceBook) -> None:
    """Assert that both books hold the same orders in the same queues, and have the same accounts, prices and counts."""
    book.check()
    for side in (BUY, SELL):
        assert levels_of(book, side) == reference.levels(side)
    assert (book.best_bid, book.best_ask, book.last) == (reference.best(BUY), reference.best(SELL), reference.last)
    assert book.mark == (None if reference.mark_half_ticks is None else reference.mark_half_ticks / 2)
    assert book.messages == reference.messages
    for owner, account in reference.accounts.items():
        expected = (account.cash, account.position, account.edge, account.fills, account.volume)
        assert book.accounts[owner].item() == expected, owner
    assert differences(book, reference) == []


def assert_sound(book: ReferenceBook) -> None:
    """Assert what holds in any venue after any message."""
    accounts = book.accounts.values()
    assert sum(a.cash for a in accounts) + book.venue_cash == sum(a.position for a in accounts) == 0
    assert sum(a.edge for a in accounts) == 0
    queued = [order for side in book.sides for level in side.values() for order in level]
    assert all(level for side in book.sides for level in side.values())
    assert sorted(o.id for o in [*queued, *book.waiting[BUY], *book.waiting[SELL]]) == sorted(book.orders)
    assert not set(book.orders) & set(book.stops)
    for order in queued:
        assert order.size > 0 and order.size % book.rules.lot == 0 and book.status(order.id) == "live"
        assert order.display is None or 0 < order.shown <= min(order.display, order.size)
    if book.trading_phase == "continuous":
        assert_is_not_crossed(book)
        assert book.waiting == ([], [])
        assert not any(stop.is_reached(book.last) for stop in book.stops.values())
    if book.rules.position_limit is not None:
        assert all(abs(account.position) <= book.rules.position_limit for account in accounts)
    if not book.rules.halt_band:
        assert all(book.rules.band[0] <= price <= book.rules.band[1] for _, _, price, _ in book.trades)


def assert_is_not_crossed(book: ReferenceBook) -> None:
    """Assert that no two orders could trade that may trade in parts."""
    bids, asks = ([p for p in book.prices(s) if any(not o.is_aon for o in book.sides[s][p])] for s in (BUY, SELL))
    assert not bids or not asks or bids[0] < asks[0]
