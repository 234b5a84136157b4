"""What the public is told: L3 (orders), L2 (levels), L1 (best prices) and trades, each with a delay of its own.

All of it is made from the events that a book, or a market, has written down, and from nothing else. The public never
learns who owns an order, what an iceberg holds back, that a hidden order is there, or which stops wait. A feed read at
t under a delay d says what the same feed without a delay said at t - d, array for array.

>>> from sekai.markets import OrderBook
>>> book, feeds = OrderBook(events=True), Feeds(levels=1)
>>> ask = book.limit("sell", price=101, size=5)
>>> bid = book.limit("buy", price=101, size=2)
>>> feeds.publish(book.events)
>>> feeds.l3(0)[["kind", "order", "price_ticks", "size"]].tolist()
[(1, 0, 101, 5), (4, 0, 101, 2)]
>>> feeds.l2(0).tolist()
[[[0, 0]], [[101, 3]]]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sortedcontainers import SortedDict

from sekai.markets.book.messages import EVENT, LIMIT, STOP_LIMIT, EventKind, Reason
from sekai.markets.book.rejection import whole_number
from sekai.markets.data.tape import L3, Tape, TapeKind
from sekai.markets.engine import layout, terms
from sekai.markets.engine.operations import OPERATIONS
from sekai.utils import InvalidValue

__all__ = ["L1", "PRINT", "Depth", "Feeds", "opening"]

L1: Final = np.dtype([(name, "<i8") for name in ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")])
"""The best prices and what waits there; a side that is empty has the price -1 and no lots."""
PRINT: Final = np.dtype([(name, "<i8") for name in ("time_ns", "price_ticks", "size", "side")])
"""A trade: when, at what price, how much, and whether the taker bought (0) or sold (1); -1 in an auction."""
_PLAIN = -1  # `EVENT["shown"]` of an order that shows all it has
_WAITING = frozenset(one.code for one in OPERATIONS.values() if "stop_ticks" in one.needs)
_RESTING = frozenset(one.code for one in OPERATIONS.values() if one.stays) - _WAITING
_PRINTS = (TapeKind.EXECUTE, TapeKind.EXECUTE_HIDDEN, TapeKind.CROSS)


class Depth:
    """The levels that a stream of L3 messages leaves: `sides[0]` bids, `sides[1]` asks, best first, price to lots.

    `orders` maps the id of an order on show to its side, price and lots.
    """

    def __init__(self) -> None:
        self.sides: tuple[Any, Any] = (SortedDict(lambda price: -price), SortedDict())
        self.orders: dict[int, list[int]] = {}

    def apply(self, kind: int, order: int, side: int, price: int, size: int) -> None:
        """Let one message change the levels; prints and halts do not."""
        if kind == TapeKind.ADD:
            self.orders[order] = [side, price, size]
            self._change(side, price, size)
        elif kind in (TapeKind.REDUCE, TapeKind.DELETE, TapeKind.EXECUTE):
            known = self.orders[order]
            taken = known[2] if kind == TapeKind.DELETE else size
            known[2] -= taken
            if known[2] == 0:
                del self.orders[order]
            self._change(known[0], known[1], -taken)

    def _change(self, side: int, price: int, lots: int) -> None:
        levels = self.sides[side]
        left = levels.get(price, 0) + lots
        if left:
            levels[price] = left
        else:
            del levels[price]

    def best(self, levels: int) -> list[list[tuple[int, int]]]:
        """Return `levels` levels of bids and of asks as (price, lots), (0, 0) where there is none."""
        out = []
        for side in self.sides:
            shown = list(islice(side.items(), levels))
            out.append(shown + [(0, 0)] * (levels - len(shown)))
        return out


class Feeds:
    """Four feeds of one book, each read at a time with a delay. Time is in ns, prices in ticks, sizes in lots.

    `opening` is what was in the book before the first event (`opening(row)` makes it), `book` the number of the book.
    """

    def __init__(
        self,
        *,
        levels: int = 10,
        l1_delay_ns: int = 0,
        l2_delay_ns: int = 0,
        l3_delay_ns: int = 0,
        trades_delay_ns: int = 0,
        opening: NDArray[Any] | None = None,
        book: int = 0,
    ) -> None:
        delays = {"l1": l1_delay_ns, "l2": l2_delay_ns, "l3": l3_delay_ns, "trades": trades_delay_ns}
        self.delays_ns = {name: whole_number(f"{name}_delay_ns", delay, 0) for name, delay in delays.items()}
        self.levels, self._publisher = whole_number("levels", levels, 1), _Publisher(book)
        self._l3 = np.zeros(0, L3)
        self._new: list[NDArray[Any]] = []
        self._depths = {name: _Replayed() for name in ("l1", "l2")}
        if opening is not None:
            self._publisher.know(opening)
            self._new.append(opening)

    def publish(self, events: NDArray[Any]) -> None:
        """Take events (`messages.EVENT`) that follow those of the last call, up to the end of a message.

        Raises InvalidValue for what is no such array, goes back in time, or has a trade of an order that was never told
        of: events must be all there are, from `OrderBook(events=True)` or `MarketEnv(market, record=True)`.
        """
        if not isinstance(events, np.ndarray) or events.dtype != EVENT or events.ndim != 1:
            what = f"{events.dtype} {events.shape}" if isinstance(events, np.ndarray) else repr(events)
            raise InvalidValue(f"events must be one-dimensional of dtype EVENT, such as book.events, got {what}")
        times = np.append(self._publisher.time_ns, events["time_ns"])
        back = np.flatnonzero(np.diff(times) < 0)
        if back.size:
            raise InvalidValue(f"events must be in order of time, got {times[back[0] + 1]} after {times[back[0]]}")
        self._publisher.time_ns = int(times[-1])
        self._new.append(np.array(list(self._publisher.translate(events)), L3))

    def l3(self, now_ns: int) -> NDArray[Any]:
        """Return all that was told of orders by now, oldest first, `(n,)` of dtype `sekai.markets.data.tape.L3`."""
        return self._told(now_ns - self.delays_ns["l3"]).copy()

    def trades(self, now_ns: int) -> NDArray[Any]:
        """Return all trades told of by now, oldest first, `(n,)` of dtype `PRINT`."""
        told = self._told(now_ns - self.delays_ns["trades"])
        told = told[np.isin(told["kind"], _PRINTS)]
        out = np.empty(len(told), PRINT)
        for name in ("time_ns", "price_ticks", "size"):
            out[name] = told[name]
        out["side"] = np.where(told["kind"] == TapeKind.CROSS, -1, 1 - told["side"])
        return out

    def l2(self, now_ns: int) -> NDArray[np.int64]:
        """Return the best levels as known now, `(2, levels, 2)`: bids, then asks, price and lots; 0 for no level."""
        told = self._told(now_ns - self.delays_ns["l2"])
        return np.array(self._depths["l2"].at(told).best(self.levels), np.int64)

    def l1(self, now_ns: int) -> Any:
        """Return the best prices as known now, one record of dtype `L1`."""
        told = self._told(now_ns - self.delays_ns["l1"])
        (bid,), (ask,) = self._depths["l1"].at(told).best(1)
        best = [value for price, lots in (bid, ask) for value in (price if lots else -1, lots)]
        return np.array(tuple(best), L1)[()]

    def tape(self, tick_size: float = 0.01) -> Tape:
        """Return all that was told, with the best levels after each message, as LOBSTER would keep it.

        Messages about orders outside the best `levels`, before and after, are left out; so is the opening, save its
        last row, which is the first.
        """
        told, depth = self._told(terms.FOREVER), Depth()
        rows, books = [], []
        before = depth.best(self.levels)
        for row, message in enumerate(told[["kind", "order", "side", "price_ticks", "size"]].tolist()):
            depth.apply(*message)
            after = depth.best(self.levels)
            kind, _, side, price, _ = message
            is_seen = kind > TapeKind.EXECUTE or any((price in (p for p, _ in book[side])) for book in (before, after))
            if is_seen and row >= self._publisher.known - 1:
                rows.append(row)
                books.append(after)
            before = after
        book = np.array(books, np.int64).reshape(len(rows), 2, self.levels, 2)
        return Tape(told[rows], book, tick_size)

    def _told(self, until_ns: int) -> NDArray[Any]:
        if self._new:
            self._l3 = np.concatenate([self._l3, *self._new])
            self._new.clear()
        return self._l3[: int(np.searchsorted(self._l3["time_ns"], until_ns, "right"))]


def opening(row: NDArray[np.int64], *, book: int = 0, time_ns: int | None = None) -> NDArray[Any]:
    """Return the displayed orders of a row's book as messages that add them, in queue order, at the row's time."""
    from sekai.markets.engine.check import orders_at

    i32, start = row.view(np.int32), int(row[layout.Market.BOOKS]) + book * layout.Book.WORDS
    now = int(row[layout.Market.NOW]) if time_ns is None else time_ns
    out = []
    for number, side in ((0, start + layout.Book.BID), (1, start + layout.Book.ASK)):
        for key in range(int(row[start + layout.Book.TICKS])):
            level = int(row[side + layout.Side.LEVELS]) + layout.Level.WORDS * key
            price = (key ^ int(row[side + layout.Side.FLIP])) + int(row[start + layout.Book.BASE])
            left = int(i32[level + layout.Level.QTY])  # what is hidden queues behind, and is not counted
            for order in orders_at(row, level):
                lots = int(i32[order + layout.Order.QTY])
                if left <= 0:
                    break
                out.append((now, int(i32[order + layout.Order.TAG]), price, lots, TapeKind.ADD, number))
                left -= lots
    return np.array(out, L3)


class _Replayed:
    """A depth that follows an array of messages forward, and starts again when it is asked for earlier."""

    def __init__(self) -> None:
        self.depth, self.done = Depth(), 0

    def at(self, told: NDArray[Any]) -> Depth:
        if len(told) < self.done:
            self.depth, self.done = Depth(), 0
        for message in told[self.done :][["kind", "order", "side", "price_ticks", "size"]].tolist():
            self.depth.apply(*message)
        self.done = len(told)
        return self.depth


@dataclass(slots=True)
class _Order:
    """An order as the venue knows it: `shown` of its `open` lots are public; `tranche` is what an iceberg shows."""

    side: int
    price: int
    open: int
    tranche: int  # _PLAIN, or 0 where it is hidden
    op: int
    shown: int = 0


_Message = tuple[int, int, int, int, int, int]


class _Publisher:
    """Turns events into messages; `in_hand` is the order that has come and whose rest may queue when it has traded."""

    def __init__(self, book: int) -> None:
        self.book, self.phase, self.known, self.time_ns = book, terms.Phase.CONTINUOUS, 0, 0
        self.live: dict[int, _Order] = {}
        self.stops: dict[int, _Order] = {}
        self.in_hand: tuple[int, _Order] | None = None

    def know(self, messages: NDArray[Any]) -> None:
        """Take orders that are in the book already."""
        self.known = len(messages)
        for self.time_ns, number, price, size, _, side in messages.tolist():
            self.live[number] = _Order(side, price, size, _PLAIN, LIMIT, size)

    def translate(self, events: NDArray[Any]) -> Iterator[_Message]:
        """Yield L3 messages; after the last event no message is in the middle."""
        names = ["time_ns", "kind", "reason", "side", "price_ticks", "size", "order", "other", "message", "shown"]
        last, time_ns = -1, 0
        for time, kind, reason, side, price, size, order, other, message, shown in events[events["book"] == self.book][
            names
        ].tolist():
            if message != last:
                yield from self._rest(time_ns)
            last, time_ns = message, time
            if kind == EventKind.ACCEPTED:
                yield from self._rest(time)
                new = _Order(side, price, size, shown, other)
                if other in _WAITING:
                    self.stops[order] = new
                else:
                    self.in_hand = order, new
            elif kind == EventKind.TRADED:
                yield from self._trade(time, side, price, size, order, other)
            elif kind in (EventKind.CANCELLED, EventKind.REDUCED):
                yield from self._shrink(time, order, size, kind == EventKind.CANCELLED, reason == Reason.SELF_TRADE)
            elif kind == EventKind.REPLACED:
                yield from self._replace(time, order, side, price, size, shown)
            elif kind == EventKind.TRIGGERED:
                yield from self._rest(time)
                if order in self.stops:
                    stop = self.stops.pop(order)
                    stop.op = LIMIT if stop.op == STOP_LIMIT else terms.Op.MARKET
                    self.in_hand = order, stop
            elif kind == EventKind.REPLENISHED:
                if order in self.live:
                    self.live[order].shown = size
                    yield time, order, price, size, TapeKind.ADD, side
            elif kind == EventKind.PHASED and size != self.phase:
                yield from self._rest(time)
                self.phase = size
                code = {terms.Phase.HALT: -1, terms.Phase.AUCTION: 0}.get(size, 1)
                yield time, 0, code, 0, TapeKind.HALT, 1
        yield from self._rest(time_ns)

    def _rest(self, time: int) -> Iterator[_Message]:
        """Queue what the order in hand has left, if it is one that rests."""
        if self.in_hand is None:
            return
        (number, order), self.in_hand = self.in_hand, None
        if order.open <= 0 or order.op not in _RESTING:
            return
        self.live[number] = order
        order.shown = order.open if order.tranche == _PLAIN else min(order.tranche, order.open)
        if order.shown:
            yield time, number, order.price, order.shown, TapeKind.ADD, order.side

    def _trade(self, time: int, side: int, price: int, size: int, maker: int, taker: int) -> Iterator[_Message]:
        if self.phase != terms.Phase.CONTINUOUS:
            yield from self._cross(time, price, size, (maker, taker))
            return
        if self.in_hand is not None and self.in_hand[0] == taker:
            self.in_hand[1].open -= size
        order = self.live.get(maker)
        if order is None:
            raise InvalidValue(
                f"events must be all that happened, got a trade of order {maker}, which was never told of: a book "
                "needs OrderBook(events=True); what was there before, Feeds(opening=opening(env.opening_row)) tells"
            )
        order.open -= size
        if order.tranche == 0:
            yield time, 0, price, size, TapeKind.EXECUTE_HIDDEN, 1 - side
        else:
            order.shown -= size
            yield time, maker, price, size, TapeKind.EXECUTE, 1 - side
        if order.open == 0:
            del self.live[maker]

    def _cross(self, time: int, price: int, size: int, both: tuple[int, int]) -> Iterator[_Message]:
        """Tell of a trade of an auction, and of what it takes from the orders on show."""
        yield time, -1, price, size, TapeKind.CROSS, 1
        for number in both:
            order = self.live.get(number)
            if order is not None:
                order.open -= size
                yield from self._show(time, number, order, max(order.shown - size, 0))

    def _shrink(self, time: int, number: int, size: int, is_end: bool, is_prevented: bool) -> Iterator[_Message]:
        """Take lots away: an iceberg's from what it holds back, save where a self-trade was prevented."""
        if self.in_hand is not None and self.in_hand[0] == number:
            self.in_hand[1].open = 0 if is_end else self.in_hand[1].open - size
        elif number in self.stops:
            self.stops[number].open -= size
            if is_end:
                del self.stops[number]
        elif number in self.live:
            order = self.live[number]
            order.open = 0 if is_end else order.open - size
            left = order.shown - size if is_prevented and order.tranche != 0 else order.shown
            yield from self._show(time, number, order, max(min(left, order.open), 0))

    def _show(self, time: int, number: int, order: _Order, shown: int) -> Iterator[_Message]:
        """Tell that less of an order is on show now; forget it when nothing is left."""
        less, order.shown = order.shown - shown, shown
        if less:
            kind = TapeKind.REDUCE if shown else TapeKind.DELETE
            yield time, number, order.price, less, kind, order.side
        if order.open <= 0:
            del self.live[number]

    def _replace(self, time: int, number: int, side: int, price: int, size: int, shown: int) -> Iterator[_Message]:
        """Take an order out of its queue, to come anew; a stop that waits only changes."""
        yield from self._rest(time)
        if number in self.stops:
            stop = self.stops[number]
            stop.open, stop.price = size, price
            return
        order = self.live.get(number)
        if order is None:
            return
        op, order.open = order.op, 0
        yield from self._show(time, number, order, 0)
        self.in_hand = number, _Order(side, price, size, shown, op)
