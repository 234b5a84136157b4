"""The book: a real day, a day made by a seed, and one order at a time from Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.registry import Side, Skipped, Trial, benchmark
from sekai import markets
from sekai.markets.book.messages import CANCEL, IOC, LIMIT, REDUCE
from sekai.markets.book.order_book import OrderBook
from sekai.markets.engine.check import books_of
from sekai.markets.engine.layout import Event, Market
from sekai.markets.engine.replay import replay
from sekai.markets.engine.rows import new_row
from sekai.markets.engine.terms import Answer, Kind
from sekai.markets.referee.reference import ReferenceBook
from sekai.markets.rules import VenueRules

__all__ = [
    "deep_stream",
    "engine_goog",
    "engine_side",
    "engine_synthetic",
    "goog",
    "orderbook_apply",
    "orderbook_call",
    "reference_side",
]

GOOG = Path(__file__).resolve().parents[2] / "shared" / "data" / "goog_2012-06-21_commands.npz"
CALLS = 20_000


def goog() -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the messages of GOOG's 2012-06-21, and its trades; the data is not ours to ship."""
    if not GOOG.is_file():
        raise Skipped(f"the GOOG day is not at {GOOG}")
    with np.load(GOOG) as day:
        names = ("op", "order_id", "side", "price_ticks", "size")
        return markets.messages(**{name: day[name] for name in names}), day["trades"]


def deep_stream(seed: int = 1, orders: int = 150_000, live: int = 2_000) -> NDArray[Any]:
    """Return messages that keep about `live` orders on a book: each limit order is cancelled when its time has come.

    Prices walk at random, and limits lie an exponential distance from the walk. One message in twenty is an immediate
    order, one in twenty takes half an order away. Who has traded before is refused, as on a venue.
    """
    rng = np.random.default_rng(seed)
    number, op = np.arange(orders), rng.choice([LIMIT, IOC], orders, p=[0.9, 0.1])
    side = rng.integers(0, 2, orders)
    middle = 10_000 + np.cumsum(rng.choice([-1, 0, 1], orders, p=[0.01, 0.98, 0.01]))
    distance = np.where(op == IOC, -3, 1 + rng.exponential(20.0, orders).astype(np.int64))
    price = middle + distance * (2 * side - 1)
    size = np.where(op == IOC, rng.integers(100, 2_000, orders), rng.integers(1, 10, orders) * 100)
    ends, shrinks = (number + rng.exponential(live, orders), number + rng.exponential(live, orders))
    came, cut = op == LIMIT, (op == LIMIT) & (rng.random(orders) < 0.1)
    columns = [
        np.concatenate([new, new[came], new[cut]]) for new in (op, number, side, price, size, number.astype(np.float64))
    ]
    columns[0][orders:] = np.repeat([CANCEL, REDUCE], [came.sum(), cut.sum()])
    columns[4][orders + came.sum() :] //= 2
    columns[5][orders:] = np.concatenate([ends[came], shrinks[cut]])
    order = np.argsort(columns[5], kind="stable")
    names = ("op", "order_id", "side", "price_ticks", "size")
    return markets.messages(**{name: column[order] for name, column in zip(names, columns, strict=False)})


def engine_side(stream: NDArray[Any], trades: list[tuple[int, ...]], **capacity: Any) -> Side:
    """Return the compiled book on a stream: matching, accounts, and every trade written to a log."""
    words, ids = stream.view(np.int32), int(stream["order_id"].max()) + 1

    def prepare() -> Callable[[], None]:
        row = new_row(events=64, **capacity)
        row[Market.EVENT_STOP], row[Market.EVENT_KINDS] = 1, 1 << Kind.TRADED
        handles, log = np.zeros(ids, np.int32), np.zeros((len(trades) + 1) * Event.WORDS, np.int64)

        def run() -> None:
            done, logged, code = replay(row, words, handles, log, books_of(row)[0], 0, 0)
            assert (done, logged, code) == (len(stream), len(trades), Answer.DONE)

        return run

    return Side("engine", prepare, len(stream))


def reference_side(stream: NDArray[Any], rules: VenueRules | None = None) -> Side:
    """Return the reference book on a stream, once."""
    rows = stream.tolist()

    def prepare() -> Callable[[], None]:
        book = ReferenceBook(rules=rules or VenueRules())
        return lambda: book.apply(rows)

    return Side("the reference book", prepare, len(stream), runs=1)


@benchmark(
    workload="GOOG's 2012-06-21, 233,812 messages, 7,602 trades, one kernel call: matching, accounts, a log of trades",
    unit="M/s",
    counts="messages per CPU-second",
    target=20.0,
)
def engine_goog() -> Trial:
    """A real day of orders, from messages in memory to trades in memory."""
    stream, trades = goog()
    return Trial(engine_side(stream, trades.tolist(), ticks=4096, orders=4096, base=55_600), reference_side(stream))


@benchmark(
    workload="300,000 messages made by a seed, about 1,600 live orders: matching, accounts, a log of trades",
    unit="M/s",
    counts="messages per CPU-second",
    target=20.0,
)
def engine_synthetic() -> Trial:
    """The same on a deeper book, which needs no data."""
    stream = deep_stream()
    trades = OrderBook().apply(stream).tolist()
    return Trial(engine_side(stream, trades, ticks=4096, orders=8192, base=8_000), reference_side(stream))


@benchmark(
    workload="GOOG's day through OrderBook.apply, which starts small, grows, and returns the trades",
    unit="M/s",
    counts="messages per CPU-second",
    target=20.0,
)
def orderbook_apply() -> Trial:
    """What a user of the facade gets."""
    stream, trades = goog()

    def prepare() -> Callable[[], None]:
        def run() -> None:
            assert len(OrderBook().apply(stream)) == len(trades)

        return run

    return Trial(Side("OrderBook.apply", prepare, len(stream)), reference_side(stream))


@benchmark(
    workload=f"{CALLS:,} calls of limit() on a fresh book that grows, sides and ten prices in turn, some trade",
    unit="us",
    counts="a call, CPU time",
    target=1.0,
)
def orderbook_call() -> Trial:
    """One order from Python."""
    sides: list[Any] = ["buy", "sell"]
    orders = [(sides[k % 2], 100 + (k * 7) % 10 - 6 * (k % 2 == 0), 1 + k % 5) for k in range(CALLS)]

    def prepare() -> Callable[[], None]:
        book = OrderBook()

        def run() -> None:
            for side, price, size in orders:
                book.limit(side, price=price, size=size, owner=1)

        return run

    def prepare_reference() -> Callable[[], None]:
        book = ReferenceBook()

        def run() -> None:
            for side, price, size in orders:
                book.limit(side, price=price, size=size, owner=1)

        return run

    return Trial(Side("OrderBook", prepare, CALLS), Side("the reference book", prepare_reference, CALLS, runs=3))
