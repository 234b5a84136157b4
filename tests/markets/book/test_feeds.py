"""Feeds: what the public is told equals what the book shows, late by as much as was asked for, and never more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sekai import markets
from sekai.agents import AvellanedaStoikov, NoiseTrader
from sekai.markets.book.feeds import L1, PRINT, Depth, Feeds, opening
from sekai.markets.book.messages import EVENT
from sekai.markets.config import Market, Periodic, Poisson, Seat, Venue, ZeroIntelligence
from sekai.markets.data.files import load, save
from sekai.markets.data.replay import replay
from sekai.markets.data.tape import L3, Tape, TapeKind
from sekai.markets.envs import MarketEnv
from sekai.markets.parts import Taker
from sekai.markets.referee.conformance import Story, rules_of
from sekai.markets.referee.fuzz import episode
from sekai.utils import InvalidValue


def shown(book: markets.OrderBook, levels: int) -> list[list[list[int]]]:
    depth = book.depth(levels)
    return [
        (lambda side: side + [[0, 0]] * (levels - len(side)))([list(level)[:2] for level in side.tolist()])
        for side in (depth.bids, depth.asks)
    ]


@pytest.mark.parametrize("seed", range(6))
def test_the_feed_shows_the_book(seed: int) -> None:
    """Limits, takers, cancels, reduces and modifies at random: after each, the public levels are the book's."""
    rng = np.random.default_rng(seed)
    book, feeds, live = markets.OrderBook(events=True), Feeds(levels=6), list[int]()
    for _ in range(600):
        what, side = rng.random(), ("buy", "sell")[rng.integers(2)]
        live = [number for number in live if number in book]
        if what < 0.55 or not live:
            price, size = int(rng.integers(95, 106)), int(rng.integers(1, 20))
            live.append(book.limit(side, price=price, size=size, tif="ioc" if what < 0.05 else "gtc"))
        else:
            number = int(rng.choice(live))
            order = book.order(number)
            assert order is not None
            if what < 0.65:
                book.market(side, size=int(rng.integers(1, 30)))
            elif what < 0.75:
                book.cancel(number)
            elif what < 0.85:
                book.reduce(number, int(rng.integers(1, order.size + 2)))
            else:
                book.modify(number, price=int(rng.integers(95, 106)), size=int(rng.integers(1, 20)))
        feeds.publish(book.events)
        book.clear()
        assert feeds.l2(0).tolist() == shown(book, 6)
        best = feeds.l1(0)
        assert (best["bid_ticks"], best["ask_ticks"]) == (book.best_bid or -1, book.best_ask or -1)


def test_a_story() -> None:
    """Told: an order comes, trades, changes its price, goes. Not told: who, and what a taker asked for in vain."""
    book, feeds = markets.OrderBook(events=True), Feeds(levels=2)
    book.limit("sell", price=101, size=5, owner=1)
    book.limit("buy", price=101, size=7, owner=2)
    book.limit("buy", price=100, size=4, owner=3)
    book.limit("sell", price=102, size=1, tif="ioc")
    book.reduce(2, 1)
    book.modify(2, size=9)
    book.cancel(1)
    feeds.publish(book.events)
    told = [tuple(message) for message in feeds.l3(0)[["kind", "order", "side", "price_ticks", "size"]].tolist()]
    assert told == [
        (TapeKind.ADD, 0, 1, 101, 5),
        (TapeKind.EXECUTE, 0, 1, 101, 5),
        (TapeKind.ADD, 1, 0, 101, 2),
        (TapeKind.ADD, 2, 0, 100, 4),
        (TapeKind.REDUCE, 2, 0, 100, 1),
        (TapeKind.DELETE, 2, 0, 100, 3),
        (TapeKind.ADD, 2, 0, 100, 9),
        (TapeKind.DELETE, 1, 0, 101, 2),
    ]
    assert feeds.trades(0).tolist() == [(0, 101, 5, 0)]
    assert feeds.l1(0).item() == (100, 9, -1, 0)
    assert (feeds.l3(0).dtype, feeds.trades(0).dtype, feeds.l1(0).dtype) == (L3, PRINT, L1)


def a_session(seed: int) -> tuple[Any, Any]:
    """Return the opening book of a market, and the events of a session of it."""
    seats = (
        Seat(name="maker", policy=AvellanedaStoikov(risk_aversion=0.05), clock=Periodic(every_s=0.5), latency_s=0.001),
        Seat(name="noise", policy=NoiseTrader(market_share=0.3), clock=Poisson(every_s=0.5)),
        Seat(name="watcher", role=Taker(), clock=Periodic(every_s=1.0)),
    )
    venue = Venue(ladder_ticks=256, order_capacity=512)
    market = Market(seats=seats, venue=venue, flow=ZeroIntelligence(pace=200.0), session_s=20.0)
    env = MarketEnv(market, record=True)
    env.reset(seed=seed)
    while env.acting:
        env.step({"watcher": np.array([0, 1])})
    return opening(env.opening_row), env.events()


@pytest.mark.parametrize("delay_ns", [1, 250_000_000, 3_000_000_007])
def test_late_is_what_was_early_then(delay_ns: int) -> None:
    """Every feed at t under a delay d is the same feed at t - d without one."""
    start, events = a_session(1)
    early = Feeds(levels=5, opening=start)
    delays = {f"{name}_delay_ns": delay_ns * k for k, name in enumerate(("l1", "l2", "l3", "trades"), 1)}
    late = Feeds(levels=5, opening=start, **delays)
    early.publish(events)
    late.publish(events)
    different = 0
    at_events = events["time_ns"][::20].tolist()
    for now_ns in np.random.default_rng(0).integers(0, 25_000_000_000, 200).tolist() + at_events:
        assert late.l1(now_ns) == early.l1(now_ns - delay_ns)
        assert np.array_equal(late.l2(now_ns), early.l2(now_ns - 2 * delay_ns))
        assert np.array_equal(late.l3(now_ns), early.l3(now_ns - 3 * delay_ns))
        assert np.array_equal(late.trades(now_ns), early.trades(now_ns - 4 * delay_ns))
        different += not np.array_equal(late.l2(now_ns), early.l2(now_ns))
    assert different > 0


def test_what_is_published_piece_by_piece_is_what_is_published_at_once() -> None:
    start, events = a_session(2)
    whole, pieces = Feeds(opening=start), Feeds(opening=start)
    whole.publish(events)
    ends = np.append(np.flatnonzero(np.diff(events["message"])) + 1, len(events))
    for first, last in zip(np.append(0, ends[:-1])[::7], np.append(ends, len(events))[6::7], strict=False):
        pieces.publish(events[first:last])
    told = pieces.l3(1 << 60)
    assert len(told) > 500 and np.array_equal(told, whole.l3(1 << 60)[: len(told)])


@pytest.mark.parametrize("suffix", [".zip", ".npz", ".parquet"])
def test_a_market_is_its_own_tape(tmp_path: Path, suffix: str) -> None:
    """A session as LOBSTER would record it, written, read, and replayed: every row, at every level."""
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    start, events = a_session(3)
    feeds = Feeds(levels=5, opening=start)
    feeds.publish(events)
    tape = feeds.tape()
    save(tape, tmp_path / f"session{suffix}")
    back = load(tmp_path / f"session{suffix}").in_ticks(0.01)
    assert back == tape and len(tape) > 500
    result = replay(back)
    assert result.windowed_match == 1.0
    assert result.taker_match >= 0.95 * result.taker_runs > 20
    assert back != Tape(tape.messages, None)


def test_what_cannot_be_asked_for() -> None:
    with pytest.raises(InvalidValue, match="l2_delay_ns must be an integer >= 0, got -1"):
        Feeds(l2_delay_ns=-1)
    for levels in (0, "a", 1.5, True):
        with pytest.raises(InvalidValue, match=f"levels must be an integer >= 1, got {levels!r}"):
            Feeds(levels=levels)  # type: ignore[arg-type]
    wrong: tuple[Any, ...] = (None, [], np.zeros(3), np.zeros((2, 2), EVENT))
    for events in wrong:
        with pytest.raises(InvalidValue, match=r"events must be one-dimensional of dtype EVENT.*, got"):
            Feeds().publish(events)


def test_a_book_that_keeps_trades_and_refusals_only_has_no_feeds() -> None:
    book = markets.OrderBook()
    book.limit("sell", price=101, size=5)
    book.limit("buy", price=101, size=2)
    with pytest.raises(InvalidValue, match=r"order 0, which was never told of: .*OrderBook\(events=True\)"):
        Feeds().publish(book.events)


def test_a_market_without_its_opening_book_has_no_feeds() -> None:
    env = MarketEnv(Market(seats=(), flow=ZeroIntelligence(pace=60.0), session_s=20.0), record=True)
    env.reset(seed=0)
    events = env.events()
    with pytest.raises(InvalidValue, match=r"Feeds\(opening=opening\(env.opening_row\)\)"):
        Feeds().publish(events)
    Feeds(opening=opening(env.opening_row)).publish(events)


def test_what_happened_before_cannot_be_published_later() -> None:
    book, feeds = markets.OrderBook(events=True), Feeds()
    book.time_ns = 7
    book.limit("sell", price=101, size=5)
    feeds.publish(book.events)
    early = book.events.copy()
    early["time_ns"] = 6
    for events in (early, np.concatenate([book.events, early])):
        with pytest.raises(InvalidValue, match="events must be in order of time, got 6 after 7"):
            feeds.publish(events)
    assert len(feeds.l3(10)) == 1


@pytest.mark.parametrize("seed", range(12))
def test_the_public_sees_what_is_on_show_under_every_rule(seed: int) -> None:
    """Icebergs, hidden orders, stops, calls, halts, prevention: the levels are the book's, order for order."""
    config, steps = episode(f"feeds.{seed}", 400)
    book = markets.OrderBook(rules=rules_of(config), events=True)
    story, feeds, told = Story(book, config), Feeds(levels=100), Depth()
    seen = 0
    for number, step in enumerate(steps):
        story.tell(number, step)
        feeds.publish(book.events)
        book.clear()
        messages = feeds.l3(1 << 60)
        for message in messages[seen:][["kind", "order", "side", "price_ticks", "size"]].tolist():
            told.apply(*message)
        seen = len(messages)
        assert feeds.l2(1 << 60).tolist() == shown(book, 100), (number, step)
    on_show = {id: lots for id, (_, _, lots) in told.orders.items()}
    assert on_show == {id: book.visible(id) for id in on_show}
    assert seen > 50


def test_a_story_of_what_is_not_told() -> None:
    """An iceberg shows two lots at a time, a hidden order only its trades; a stop nothing before it trades."""
    book, feeds = markets.OrderBook(events=True), Feeds(levels=3)
    book.limit("sell", price=101, size=5, display=2)
    book.limit("sell", price=101, size=3, hidden=True)
    book.stop("sell", stop=101, size=1)
    book.limit("buy", price=99, size=1)
    book.market("buy", size=6)
    feeds.publish(book.events)
    told = [tuple(message) for message in feeds.l3(0)[["kind", "order", "side", "price_ticks", "size"]].tolist()]
    assert told == [
        (TapeKind.ADD, 0, 1, 101, 2),
        (TapeKind.ADD, 3, 0, 99, 1),
        (TapeKind.EXECUTE, 0, 1, 101, 2),
        (TapeKind.ADD, 0, 1, 101, 2),
        (TapeKind.EXECUTE, 0, 1, 101, 2),
        (TapeKind.ADD, 0, 1, 101, 1),
        (TapeKind.EXECUTE, 0, 1, 101, 1),
        (TapeKind.EXECUTE_HIDDEN, 0, 1, 101, 1),
        (TapeKind.EXECUTE, 3, 0, 99, 1),
    ]
    assert feeds.l2(0)[1].tolist() == [[0, 0]] * 3  # two lots are left, and nobody is told
