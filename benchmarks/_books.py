"""Who competes in `benchmarks.books`: each plays a day's messages on a fresh book, one Python call or two a message.

A day is an `.npz` of columns `op` (0 limit, 1 cancel, 2 immediate or cancel, 3 reduce by), `order_id` (dense from 0, in
order of arrival), `side` (0 buy), `price_ticks` and `size`, and of `trades` (maker, taker, price_ticks, size). Every
message that names an order names a live one. A loop plays the first n messages; its remark is how many trades differ.
"""

# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache, wraps
from typing import Any, Literal

import numpy as np

LIMIT, CANCEL, IOC, REDUCE = range(4)
Message = tuple[int, int, int, int, int, int]  # op, order_id, side, price_ticks, size, lots left of the order
Trade = tuple[int, int, int, int]  # maker, taker, price_ticks, size
Loop = Callable[[int], Callable[[], object]]


def _day(path: str) -> tuple[list[Message], list[Trade]]:
    """Return a day's messages, each with the lots that its order has left by then, and its trades."""
    with np.load(path) as day:
        columns = [day[name].tolist() for name in ("op", "order_id", "side", "price_ticks", "size")]
        tape = [(maker, taker, price, size) for maker, taker, price, size in day["trades"].tolist()]
    fills: dict[int, list[Trade]] = defaultdict(list)
    for trade in tape:
        fills[trade[1]].append(trade)
    lots: dict[int, int] = {}
    messages = []
    for op, order_id, side, price, size in zip(*columns, strict=True):
        if op in (LIMIT, IOC):
            lots[order_id] = size
            for maker, taker, _, traded in fills[order_id]:
                lots[maker] -= traded
                lots[taker] -= traded
        elif op == REDUCE:
            lots[order_id] -= size
        messages.append((op, order_id, side, price, size, lots[order_id]))
    return messages, tape


def _differing(trades: list[Trade], tape: list[Trade]) -> int:
    """Return how many trades only one of two tapes has; 1 if it is but their order that differs."""
    ours, theirs = Counter(tape), Counter(trades)
    return 0 if trades == tape else max(1, ((ours - theirs) + (theirs - ours)).total())


def _book(play: Callable[[list[Message]], Iterable[Trade]]) -> Callable[[str], Loop]:
    """Make a contender of a function that plays messages on a fresh book, and returns the trades.

    Trades may be returned lazily: to put them into our words is not part of the time.
    """

    @wraps(play)
    def prepare(day: str) -> Loop:
        messages, tape = _day(day)

        def loop(count: int) -> Callable[[], object]:
            some = messages[:count]
            trades = play(some)

            def remark() -> int:
                orders = sum(message[0] in (LIMIT, IOC) for message in some)
                return _differing(list(trades), [trade for trade in tape if trade[1] < orders])

            return remark

        return loop

    return prepare


def _renamed(trades: Iterable[tuple[Any, Any, Any, Any]], ids: list[Any]) -> Iterator[Trade]:
    """Yield trades in our numbers; `ids[ours]` is an order's name in the book that made them."""
    ours = {name: number for number, name in enumerate(ids)}
    for maker, taker, price, size in trades:
        yield ours[maker], ours[taker], int(price), int(size)


def engine(day: str) -> Loop:
    """Our engine: all messages in one kernel call. It checks the number of trades itself."""
    from benchmarks.book import engine_side
    from benchmarks.registry import Side
    from sekai import markets

    with np.load(day) as columns:
        names = ("op", "order_id", "side", "price_ticks", "size")
        stream, tape = markets.messages(**{name: columns[name] for name in names}), columns["trades"].tolist()
    base = int(stream["price_ticks"][stream["op"] == LIMIT].min()) // 64 * 64

    @cache
    def side(count: int) -> Side:
        orders = int(np.isin(stream["op"][:count], (LIMIT, IOC)).sum())
        trades = [trade for trade in tape if trade[1] < orders]
        return engine_side(stream[:count], trades, ticks=4096, orders=4096, base=base)

    def loop(count: int) -> Callable[[], object]:
        side(count).prepare()()
        return lambda: 0

    return loop


@_book
def calls(messages: list[Message]) -> Iterable[Trade]:
    """Our book, one call a message."""
    from sekai.markets import OrderBook

    book = OrderBook(ticks=4096, orders=4096)
    sides: tuple[Literal["buy"], Literal["sell"]] = ("buy", "sell")
    for op, order, side, price, size, _ in messages:
        if op == LIMIT:
            book.limit(sides[side], price=price, size=size, id=order)
        elif op == CANCEL:
            book.cancel(order)
        elif op == IOC:
            book.limit(sides[side], price=price, size=size, tif="ioc", id=order)
        else:
            book.reduce(order, size)
    trades = book.trades
    return ((int(t["maker"]), int(t["taker"]), int(t["price_ticks"]), int(t["size"])) for t in trades)


@_book
def sekai_0_2_0(messages: list[Message]) -> Iterable[Trade]:
    """The package of our name, before us: lists sorted by bisection, queues by deque."""
    from sekai.finance import lob

    book, sides, fills = lob.OrderBook(), (lob.Side.BID, lob.Side.ASK), []
    for op, order, side, price, size, left in messages:
        if op == LIMIT:
            fills += book.limit(sides[side], price, size)[1]
        elif op == CANCEL:
            book.cancel(order + 1)
        elif op == IOC:
            rest, new = book.limit(sides[side], price, size)
            fills += new
            if rest is not None:
                book.cancel(rest)
        else:
            book.reduce(order + 1, left)
    return ((f.maker_order_id - 1, f.taker_order_id - 1, f.price, f.quantity) for f in fills)


@_book
def bourse(messages: list[Message]) -> Iterable[Trade]:
    """In Rust. Orders of one price and one time take each other's place in it, so the clock ticks with each message."""
    from bourse.core import OrderBook

    book = OrderBook(0, 1, True)
    for now, (op, order, side, price, size, left) in enumerate(messages):
        book.set_time(now)
        if op == CANCEL:
            book.cancel_order(order)
        elif op == REDUCE:
            book.modify_order(order, new_vol=left)
        else:
            book.place_order(side == 0, size, 0, price=price)
            if op == IOC:
                book.cancel_order(order)
    return ((maker, taker, price, size) for _, _, price, size, taker, maker in book.get_trades())


@_book
def liquibook(messages: list[Message]) -> Iterable[Trade]:
    """In C++, by SWIG. An order that is reduced loses its place."""
    import liquibook as lib

    trades = []

    class Listener(lib.OrderListener):  # type: ignore[misc]  # the library has no types
        def __init__(self) -> None:
            lib.OrderListener.__init__(self)

        def on_fill(self, taker: Any, maker: Any, size: int, price: int) -> None:
            trades.append((maker.order_id_, taker.order_id_, price, size))

        def on_accept(self, *_: Any) -> None: ...

        on_replace = on_cancel = on_accept

    listener, book, placed = Listener(), lib.DepthOrderBook(), []
    book.set_order_listener(listener)
    for op, order, side, price, size, _ in messages:
        if op == LIMIT:
            placed.append(lib.SimpleOrder(side == 0, price, size))
            book.add(placed[-1])
        elif op == CANCEL:
            book.cancel(placed[order])
        elif op == IOC:
            placed.append(lib.SimpleOrder(side == 0, price, size, 0, lib.oc_immediate_or_cancel))
            book.add(placed[-1], lib.oc_immediate_or_cancel)
        else:
            book.replace(placed[order], -size)
    return _renamed(trades, [order.order_id_ for order in placed])


@_book
def orderly_chaos(messages: list[Message]) -> Iterable[Trade]:
    """In C++, by ctypes."""
    from orderly_chaos import LimitOrderBook, Side

    trades: list[Any] = []
    book, sides = LimitOrderBook(on_trade=trades.append), (Side.BUY, Side.SELL)
    for op, order, side, price, size, _ in messages:
        if op == LIMIT:
            book.limit(sides[side], order, size, price)
        elif op == CANCEL:
            book.cancel(order)
        elif op == REDUCE:
            book.reduce(order, size)
        elif book.limit(sides[side], order, size, price) < size:
            book.cancel(order)
    return ((t.maker_id, t.taker_id, t.price, t.quantity) for t in trades)


@_book
def obook(messages: list[Message]) -> Iterable[Trade]:
    """By ctypes. Trades that wait to be read overwrite each other, so they are read after each order.

    Each order has an owner of its own, as one owner does not trade with himself there.
    """
    import obook as lib

    book = lib.Book()
    ids: list[int] = []
    totals: list[int] = []
    events: list[Any] = []
    for op, order, side, price, size, _ in messages:
        if op == CANCEL:
            book.cancel(ids[order], order)
        elif op == REDUCE:
            totals[order] -= size
            book.reduce(ids[order], totals[order], order)
        else:
            ids.append(book.submit(order, side, price, size, tif=lib.IOC if op == IOC else lib.GTC).order_id)
            totals.append(size)
            events += book.events()
    return _renamed(((e.maker_id, e.taker_id, e.price, e.qty) for e in events if e.kind == lib.EventKind.TRADE), ids)


@_book
def cython_orderbook(messages: list[Message]) -> Iterable[Trade]:
    """In Cython, on sorted dictionaries. It cannot reduce, so we take the lots from its order and its level."""
    from cython_orderbook import Order, OrderBook, OrderSide

    book, sides = OrderBook(), (OrderSide.BID, OrderSide.ASK)
    placed: list[Any] = []
    for op, order, side, price, size, _ in messages:
        if op == CANCEL:
            book.cancel_order(placed[order].order_id)
        elif op == REDUCE:
            level, resting = book.orders[placed[order].order_id]
            resting.remaining_quantity -= size
            level.total_quantity -= size
        else:
            placed.append(Order(side=sides[side], price=price, original_quantity=size))
            book.add_limit_order(placed[-1])
            if op == IOC:
                book.cancel_order(placed[-1].order_id)
    trades = ((t.filler_id, t.aggressor_id, t.price, t.quantity_filled) for t in book.trade_log)
    return _renamed(trades, [order.order_id for order in placed])


@_book
def pyorderbook(messages: list[Message]) -> Iterable[Trade]:
    """In Python, on heaps of levels. It cannot reduce, so we write its order's size."""
    from pyorderbook import Book, ask, bid

    book, make = Book(), (bid, ask)
    placed: list[Any] = []
    trades: list[Any] = []
    for op, order, side, price, size, left in messages:
        if op == CANCEL:
            book.cancel(placed[order])
        elif op == REDUCE:
            placed[order].quantity = left
        else:
            placed.append(make[side]("GOOG", price, size))
            trades += book.match(placed[-1]).trades
            if op == IOC and placed[-1].quantity:
                book.cancel(placed[-1])
    found = ((t.standing_order_id, t.incoming_order_id, t.fill_price, t.fill_quantity) for t in trades)
    return _renamed(found, [order.id for order in placed])


@_book
def lightmatchingengine(messages: list[Message]) -> Iterable[Trade]:
    """In Python, on dictionaries of lists. It cannot reduce, so we write its order's size."""
    from lightmatchingengine.lightmatchingengine import LightMatchingEngine

    book = LightMatchingEngine()
    placed: list[Any] = []
    matches: list[list[Any]] = []
    for op, order, side, price, size, left in messages:
        if op == CANCEL:
            book.cancel_order(order + 1, "GOOG")
        elif op == REDUCE:
            placed[order].leaves_qty = left
        else:
            new, trades = book.add_order("GOOG", price, size, side + 1)
            placed.append(new)
            matches.append(trades)
            if op == IOC and new.leaves_qty:
                book.cancel_order(order + 1, "GOOG")
    makers = ((t, k) for k, trades in enumerate(matches) for t in trades if t.order_id != k + 1)
    return ((t.order_id - 1, k, t.trade_price, t.trade_qty) for t, k in makers)


@_book
def order_matching(messages: list[Message]) -> Iterable[Trade]:
    """In Python, on lists. It cannot reduce, so we write its order's size."""
    from datetime import datetime, timedelta

    from loguru import logger
    from order_matching.enums import Side
    from order_matching.matching_engine import MatchingEngine
    from order_matching.order import LimitOrder
    from order_matching.orders import Orders

    logger.remove()
    book, sides = MatchingEngine(seed=1), (Side.BUY, Side.SELL)
    placed: list[Any] = []
    trades: list[Any] = []
    now, step = datetime(2012, 6, 21), timedelta(microseconds=1)
    for op, order, side, price, size, left in messages:
        now += step
        if op == CANCEL:
            book.cancel_order(str(order))
        elif op == REDUCE:
            placed[order].size = left
        else:
            new = LimitOrder(side=sides[side], price=price, size=size, timestamp=now, order_id=str(order), trader_id="")
            placed.append(new)
            book.place(Orders([new]))
            trades += book.match(timestamp=now).trades
            if op == IOC and new.size:
                book.cancel_order(str(order))
    return ((int(t.book_order_id), int(t.incoming_order_id), int(t.price), int(t.size)) for t in trades)
