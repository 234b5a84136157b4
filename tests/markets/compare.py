"""The engine's book and the reference side by side: whether they say the same."""

from __future__ import annotations

from typing import Any

from markets.book import OrderBook
from markets.messages import EVENT, EventKind
from markets.reference import BUY, SELL, Event, ReferenceBook

FIELDS = [name for name in EVENT.names or () if name not in ("time_ns", "book")]


def levels_of(book: OrderBook, side: int) -> list[tuple[int, list[tuple[int, int]]]]:
    """Return a side of an OrderBook as `ReferenceBook.levels` gives it."""
    name: Any = ("bid", "ask")[side]
    prices = book.depth(1 << 20)[side]["price_ticks"].tolist()
    return [(price, [(order.id, order.size) for order in book.queue(name, price)]) for price in prices]


def events_of(book: OrderBook) -> list[tuple[int, ...]]:
    """Return what an OrderBook has written down, without time and book, one tuple an event."""
    return [tuple(event) for event in book.events[FIELDS].tolist()]


def plain(event: Event) -> tuple[int, ...]:
    """Return an event of the reference as `events_of` gives it."""
    return tuple(int(getattr(event, name)) for name in FIELDS)


def settled(events: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Return events with the cancels of one message in one order: a mass cancel's has no meaning."""
    kind, message, order = FIELDS.index("kind"), FIELDS.index("message"), FIELDS.index("order")
    is_cancel = [event[kind] == EventKind.CANCELLED for event in events]
    cancels = sorted(
        (e for e, is_one in zip(events, is_cancel, strict=True) if is_one), key=lambda e: (e[message], e[order])
    )
    rest = iter(cancels)
    return [next(rest) if is_one else e for e, is_one in zip(events, is_cancel, strict=True)]


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
