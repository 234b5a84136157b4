"""The venue whole: what rules cost on a real day, books thin and deep, and a thousand markets one message at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.book import deep_stream, engine_side, goog, reference_side
from benchmarks.registry import Side, Trial, benchmark
from sekai.markets.book.order_book import OrderBook
from sekai.markets.engine.check import books_of
from sekai.markets.engine.jit import address_of
from sekai.markets.engine.layout import Market
from sekai.markets.engine.many import replay_each, rows_of
from sekai.markets.engine.rows import new_row
from sekai.markets.engine.special import special
from sekai.markets.rules import VenueRules

__all__ = ["deep_book", "lock_step", "rules_goog", "special_goog", "thin_book"]

OWNERS = 16
RULES = VenueRules(
    stp="cancel_oldest",
    maker_fee_bps=-0.2,
    taker_fee_bps=0.3,
    taker_fee_per_lot=1,
    halt_band=True,
    band=(50_000, 65_000),
)
MARKETS, ROUNDS = 1_024, 400


def owned_goog() -> NDArray[Any]:
    """Return GOOG's day with owners, drawn by a seed, who sometimes meet themselves; an order keeps its owner."""
    stream = goog()[0].copy()
    stream["owner"] = np.random.default_rng(1).integers(0, OWNERS, int(stream["order_id"].max()) + 1)[
        stream["order_id"]
    ]
    return stream


def _facade(make: Callable[[], OrderBook], stream: NDArray[Any]) -> Side:
    """Return a book on a stream, which it may grow into before."""

    def prepare() -> Callable[[], None]:
        book = make()
        return lambda: _apply(book, stream)

    return Side("the engine", prepare, len(stream))


def _apply(book: OrderBook, stream: NDArray[Any]) -> None:
    assert len(book.apply(stream)) > 0


def _wide(rules: VenueRules) -> OrderBook:
    return OrderBook(rules=rules, ticks=8192, orders=4096)


@benchmark(
    workload="GOOG's day of 16 owners: prevention of self-trades, fees, rebates, a halting band; OrderBook.apply",
    unit="M/s",
    counts="messages per CPU-second",
    target=30.0,
)
def rules_goog() -> Trial:
    """Rules about trades: only messages that trade go the long way."""
    stream = owned_goog()
    return Trial(_facade(lambda: _wide(RULES), stream), reference_side(stream, RULES))


@benchmark(
    workload="GOOG's day of 16 owners with a hidden order, a stop and an iceberg live all day, through OrderBook.apply",
    unit="M/s",
    counts="messages per CPU-second",
)
def special_goog() -> Trial:
    """A hidden order: every message goes the long way."""
    stream = owned_goog()
    first = int(stream["order_id"].max()) + 1

    def make() -> OrderBook:
        book = _wide(VenueRules(last_trade=57_700))
        book.limit("buy", price=54_000, size=10, hidden=True, id=first)
        book.limit("buy", price=54_000, size=10, display=1, id=first + 1)
        book.stop("sell", stop=54_000, size=10, id=first + 2)
        return book

    return Trial(_facade(make, stream))


def _stream_trial(live: int, **capacity: int) -> Trial:
    stream = deep_stream(live=live)
    trades = OrderBook().apply(stream).tolist()
    return Trial(engine_side(stream, trades, **capacity), reference_side(stream))


@benchmark(
    workload="300,000 messages made by a seed, about 20,000 resting orders: matching, accounts, a log of trades",
    unit="M/s",
    counts="messages per CPU-second",
    target=10.0,
)
def deep_book() -> Trial:
    """A deep book: its orders no longer fit a core's nearest cache."""
    return _stream_trial(25_000, ticks=8192, orders=65_536, base=6_000)


@benchmark(
    workload="300,000 messages made by a seed, about 200 resting orders: matching, accounts, a log of trades",
    unit="M/s",
    counts="messages per CPU-second",
    target=20.0,
)
def thin_book() -> Trial:
    """A thin book: more of it trades."""
    return _stream_trial(250, ticks=4096, orders=1_024, base=8_000)


@benchmark(
    workload=f"{MARKETS:,} markets of 256 ticks and 256 orders in lock-step, one message each a round, {ROUNDS} rounds",
    unit="M/s",
    counts="messages per CPU-second",
    target=13.0,
)
def lock_step() -> Trial:
    """Every message finds another market's memory in the cache."""
    streams = [deep_stream(seed, orders=ROUNDS, live=60)[:ROUNDS] for seed in range(64)]
    rounds = np.stack([streams[k % 64].view(np.int32).reshape(ROUNDS, -1) for k in range(MARKETS)], axis=1)
    row = new_row(ticks=256, orders=256, accounts=2, events=16, base=9_872)
    address = address_of(special)

    def prepare() -> Callable[[], None]:
        rows, handles = rows_of(row, MARKETS), np.zeros((MARKETS, ROUNDS), np.int32)

        def run() -> None:
            replay_each(rows, rounds, handles, books_of(row)[0], address)
            assert (rows[:, Market.MESSAGES] == ROUNDS).all()

        return run

    return Trial(Side("the engine", prepare, MARKETS * ROUNDS))
