"""OrderBook: a limit order book that a trader would recognise, on the compiled engine.

Price first, then time; every trade at the resting order's price. Prices are ticks, sizes lots, both integers; owners
are numbered from 0. The book makes room for itself: no order is refused because there are too many, or because prices
have moved. Cash, positions and trades are exact.

>>> book = OrderBook()
>>> ask = book.limit("sell", price=101, size=5, owner=1)
>>> bid = book.limit("buy", price=102, size=8, owner=2)
>>> book.trades.tolist()
[(0, 1, 101, 5)]
>>> book.best_bid, book.best_ask
(102, None)
>>> book.position(2), book.cash(2)
(5, -505.0)
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from markets.engine import layout
from markets.engine.layout import (
    ACCOUNT_COUNT,
    ALL_KINDS,
    ASK,
    BAND_HIGH,
    BAND_LOW,
    BASE,
    BEST,
    BID,
    BOOKS,
    CAPACITY,
    CASH,
    COUNT,
    DONE,
    DRAIN,
    EDGE,
    ELASTIC,
    EVENT_HEAD,
    EVENT_KINDS,
    EVENT_STOP,
    EVENT_TAIL,
    EVENT_WORDS,
    FILLS,
    FLIP,
    KEEP,
    LAST,
    LEVEL_WORDS,
    LEVELS,
    LIVE,
    LOT,
    M_FILLED,
    M_REASON,
    M_TAKEN,
    MARK,
    MAX_ORDER_SIZE,
    MAX_PRICE,
    MAX_TAG,
    MAX_TICKS,
    MESSAGES,
    MONEY,
    NONE,
    OP_CANCEL,
    OP_IOC,
    OP_LIMIT,
    OP_MARKET,
    OP_MASS_CANCEL,
    OP_MODIFY,
    OP_REDUCE,
    ORDER_WORDS,
    ORDERS,
    OWNER,
    POSITION,
    PRICE,
    QTY,
    REJECTED,
    SERIAL,
    SIDE,
    TAG,
    TICK,
    TICKS,
    TRADED,
    VOLUME,
    Row,
)
from markets.messages import LEVEL, MESSAGE, BadMessage, Reason, events_of, rejects_of, trades_of
from markets.rejection import (
    MAX_ORDERS,
    MAX_OWNERS,
    SIDES,
    TIFS,
    Limits,
    OrderRejected,
    as_integer,
    bad_word,
    check_rules,
    rejection,
    too_big,
)

__all__ = ["ACCOUNT", "Depth", "Order", "OrderBook", "OrderRejected", "Side"]

if TYPE_CHECKING:
    from markets.engine.replay import Demand

Side = Literal["buy", "sell", "bid", "ask"]

ACCOUNT: Final = np.dtype([(name, "<i8") for name in ("cash", "position", "edge", "fills", "volume")])

_ANYONE: Final = -(1 << 40)  # `markets.engine.replay.ANYONE`, without importing numba
_MAX_GAP: Final = 1 << 20  # order ids that may be left out at once


class Order(NamedTuple):
    """A live order: `price` in ticks, `size` the lots that are still open."""

    id: int
    side: Literal["buy", "sell"]
    price: int
    size: int
    owner: int


class Depth(NamedTuple):
    """The best levels of both sides, best first: arrays of dtype `LEVEL` (price_ticks, size, orders)."""

    bids: NDArray[Any]
    asks: NDArray[Any]


class OrderBook:
    """A limit order book of one instrument.

    Prices must be multiples of `tick` and within `band` (lowest, highest), sizes multiples of `lot` and at most
    `max_size`; what is not is refused. `ticks`, `orders` and `owners` are what it has room for at first; it grows. With
    `events=True` everything that happens is kept; without, only trades and refusals are, which is faster.
    """

    __slots__ = ("_book", "_handles", "_log", "_logged", "_next_id", "_row", "_send")

    def __init__(
        self,
        *,
        tick: int = 1,
        lot: int = 1,
        max_size: int = layout.MAX_SIZE,
        band: tuple[int, int] = (1, MAX_PRICE),
        ticks: int = 1024,
        orders: int = 256,
        owners: int = 16,
        events: bool = False,
    ) -> None:
        check_rules(tick=tick, lot=lot, max_size=max_size, band=band, ticks=ticks, orders=orders, owners=owners)
        self._row: Row = layout.new_row(ticks=ticks, orders=orders, accounts=owners, events=256, tape=1, queue=16)
        self._row[EVENT_STOP] = self._row[ELASTIC] = 1
        self._row[EVENT_KINDS] = ALL_KINDS if events else 1 << TRADED | 1 << REJECTED
        self._book: int = int(self._row[BOOKS])
        self._row[MAX_ORDER_SIZE] = max_size
        self._row[[self._book + word for word in (TICK, LOT, BAND_LOW, BAND_HIGH)]] = tick, lot, *band
        self._handles: NDArray[np.int32] = np.zeros(1024, np.int32)
        self._log: NDArray[np.int64] = np.zeros(256 * EVENT_WORDS, np.int64)
        self._logged = 0
        self._next_id = 0
        self._send = _kernels().send

    # --- orders, one at a time -------------------------------------------------------------------------------------

    def limit(
        self,
        side: Side,
        *,
        price: int,
        size: int,
        owner: int = 0,
        tif: Literal["gtc", "ioc"] = "gtc",
        id: int | None = None,
    ) -> int:
        """Buy or sell up to `size` lots at `price` ticks or better; return the order's id.

        What does not trade at once rests (`tif="gtc"`) or is cancelled (`"ioc"`). `id` is yours, or the next free one;
        that of a live order is refused. Raises OrderRejected.
        """
        number = self._next_id if id is None else id
        try:
            op, side_index = TIFS[tif], SIDES[side]
        except (KeyError, TypeError):
            raise bad_word(side, tif) from None
        if type(price) is int and type(size) is int and type(owner) is int and type(number) is int:
            try:
                code = self._send(self._row, self._handles, self._book, op, number, side_index, price, size, owner)
            except OverflowError:
                raise too_big(price=price, size=size, owner=owner, id=number) from None
        else:
            given = {"price": price, "size": size, "owner": owner, "id": number}
            price, size, owner, number = (as_integer(name, value) for name, value in given.items())
            return self.limit(side, price=price, size=size, owner=owner, tif=tif, id=number)
        if code:
            self._finish(code, op, number, side_index, price, size, owner)
        if number >= self._next_id:
            self._next_id = number + 1
        return number

    def market(self, side: Side, *, size: int, owner: int = 0, id: int | None = None) -> int:
        """Buy or sell up to `size` lots at whatever price; what does not trade is cancelled. Return the order's id."""
        if side not in SIDES:
            raise bad_word(side, "gtc")
        number = self._next_id if id is None else as_integer("id", id)
        self._do(OP_MARKET, number, SIDES[side], 0, as_integer("size", size), as_integer("owner", owner))
        self._next_id = max(self._next_id, number + 1)
        return number

    def cancel(self, id: int, *, owner: int | None = None) -> int:
        """Cancel an order; return the lots that were open. With `owner`, only if it is theirs. Raises OrderRejected."""
        self._do(OP_CANCEL, as_integer("id", id), 0, 0, 0, _owner(owner))
        return int(self._row[M_TAKEN])

    def reduce(self, id: int, by: int, *, owner: int | None = None) -> int:
        """Take `by` lots away from an order, which keeps its place; all of them cancel it. Return the lots taken."""
        self._do(OP_REDUCE, as_integer("id", id), 0, 0, as_integer("by", by), _owner(owner))
        return int(self._row[M_TAKEN])

    def modify(self, id: int, *, price: int | None = None, size: int | None = None, owner: int | None = None) -> int:
        """Change an order's price, or its open size; return the lots that it traded at once.

        A smaller size, or nothing changed, keeps its place. A larger size or another price goes to the back of the
        queue, and trades first where it crosses. Zero size cancels. If refused, the order stays where it was.
        """
        new_price = KEEP if price is None else as_integer("price", price)
        new_size = KEEP if size is None else as_integer("size", size)
        self._do(OP_MODIFY, as_integer("id", id), 0, new_price, new_size, _owner(owner))
        return int(self._row[M_FILLED])

    def mass_cancel(self, owner: int) -> int:
        """Cancel all orders of an owner; return how many there were."""
        self._do(OP_MASS_CANCEL, 0, 0, 0, 0, as_integer("owner", owner))
        return int(self._row[M_TAKEN])

    # --- orders, many at once --------------------------------------------------------------------------------------

    def apply(self, messages: NDArray[Any]) -> NDArray[Any]:
        """Submit messages (`markets.messages(...)`) one after another; return the trades they made, dtype `TRADE`.

        What is refused changes nothing and raises nothing: `rejects` says which and why. Raises BadMessage if the array
        is none of messages.
        """
        if not isinstance(messages, np.ndarray) or messages.dtype != MESSAGE or messages.ndim != 1:
            what = f"{messages.dtype} {messages.shape}" if isinstance(messages, np.ndarray) else type(messages).__name__
            raise BadMessage(f"apply needs a one-dimensional array made by markets.messages(...), got {what}")
        self._pour()
        kernels, before = _kernels(), self._logged
        words = np.require(messages, requirements=["C", "A", "W"]).view(np.int32)  # what the kernel was compiled for
        done, stop, count, can_fit_all, width = 0, len(messages), len(messages), True, kernels.MESSAGE_WORDS
        while done < count:
            part = words[: stop * width]
            done, self._logged, code = kernels.replay(
                self._row, part, self._handles, self._log, self._book, done, self._logged
            )
            self._row[ELASTIC], stop = 1, count
            if code == DRAIN:
                self._lengthen_log()
            elif code == kernels.GROW:
                rest, one = words[done * width :], words[done * width : (done + 1) * width]
                can_fit_all = can_fit_all and self._make_room(kernels.demand(rest), count - done)
                if not can_fit_all and not self._make_room(kernels.demand(one), 1):
                    self._row[ELASTIC], stop = 0, done + 1  # there is no room to make: let the book refuse it
        self._pour()
        self._next_id = max(self._next_id, int(self._row[SERIAL]) + 1)
        return trades_of(self._words[before:])

    # --- the market ------------------------------------------------------------------------------------------------

    @property
    def best_bid(self) -> int | None:
        """The highest price at which somebody buys, in ticks; None if nobody does."""
        return self._best(self._book + BID)

    @property
    def best_ask(self) -> int | None:
        """The lowest price at which somebody sells, in ticks; None if nobody does."""
        return self._best(self._book + ASK)

    @property
    def mid(self) -> float | None:
        """Half way between the best prices, in ticks; None while a side is empty."""
        bid, ask = self.best_bid, self.best_ask
        return None if bid is None or ask is None else (bid + ask) / 2

    @property
    def spread(self) -> int | None:
        """The distance of the best prices in ticks; None while a side is empty."""
        bid, ask = self.best_bid, self.best_ask
        return None if bid is None or ask is None else ask - bid

    @property
    def last(self) -> int | None:
        """The price of the last trade, in ticks; None before the first."""
        last = int(self._row[self._book + LAST])
        return None if last < 0 else last + self._base

    @property
    def mark(self) -> float | None:
        """The last mid that two sides agreed on, in ticks: what positions are worth; None before the first."""
        mark = int(self._row[self._book + MARK])
        return None if mark < 0 else mark / 2 + self._base

    def depth(self, levels: int = 10) -> Depth:
        """Return the best `levels` occupied levels of both sides, best first, or as many as there are."""
        return Depth(self._levels(self._book + BID, levels), self._levels(self._book + ASK, levels))

    def queue(self, side: Side, price: int) -> list[Order]:
        """Return the orders that wait at a price, the one that trades first in front."""
        if side not in SIDES:
            raise bad_word(side, "gtc")
        ladder = as_integer("price", price) - self._base
        if not 0 <= ladder < self._row[self._book + TICKS]:
            return []
        handle = self._book + (BID, ASK)[SIDES[side]]
        level = int(self._row[handle + LEVELS]) + LEVEL_WORDS * (ladder ^ int(self._row[handle + FLIP]))
        from markets.engine.check import orders_at

        return [self._order(order) for order in orders_at(self._row, level)]

    def order(self, id: int) -> Order | None:
        """Return a live order, or None if there is none of that id: never sent, filled, or cancelled."""
        handle = self._find(as_integer("id", id))
        return self._order(handle) if handle else None

    def __len__(self) -> int:
        """Return how many orders are live."""
        return int(self._row[self._book + LIVE])

    def __contains__(self, id: object) -> bool:
        """Return whether an order is live."""
        return isinstance(id, int) and bool(self._find(id))

    # --- what happened ---------------------------------------------------------------------------------------------

    @property
    def trades(self) -> NDArray[Any]:
        """All trades since the book was made, or cleared, dtype `TRADE`, in the order in which they happened."""
        self._pour()
        return trades_of(self._words)

    @property
    def events(self) -> NDArray[Any]:
        """All events that were kept, dtype `EVENT`: everything with `events=True`, else trades and refusals."""
        self._pour()
        return events_of(self._words)

    @property
    def rejects(self) -> NDArray[Any]:
        """All refusals, dtype `REJECT`: `message` counts the messages to this book from 0, `reason` is a `Reason`."""
        self._pour()
        return rejects_of(self._words)

    @property
    def messages(self) -> int:
        """How many messages the book has been sent."""
        return int(self._row[MESSAGES])

    def clear(self) -> None:
        """Forget the trades and events so far; orders, accounts and counts stay."""
        self._pour()
        self._logged = 0

    # --- who owns what ---------------------------------------------------------------------------------------------

    @property
    def accounts(self) -> NDArray[Any]:
        """Every owner's account, `(owners,)` of dtype `ACCOUNT`, exact: each column but the last two sums to zero.

        `cash` and `edge` (earned against the mark) in hundredths of tick x lot, `position` and `volume` in lots.
        """
        from markets.engine.check import accounts_of

        return np.ascontiguousarray(accounts_of(self._row)[:, [CASH, POSITION, EDGE, FILLS, VOLUME]]).view(ACCOUNT)[
            :, 0
        ]

    def position(self, owner: int) -> int:
        """Return an owner's lots, negative if short."""
        return int(self._account(owner)["position"])

    def cash(self, owner: int) -> float:
        """Return an owner's cash in tick x lot; `accounts["cash"]` is the same in whole hundredths."""
        return int(self._account(owner)["cash"]) / MONEY

    def wealth(self, owner: int) -> float:
        """Return an owner's cash and position at the mark, in tick x lot; a position without a mark counts 0."""
        return self.cash(owner) + self.position(owner) * (self.mark or 0.0)

    # --- the book as a whole ---------------------------------------------------------------------------------------

    def copy(self) -> OrderBook:
        """Return an independent copy: same orders, trades, accounts, and ids to come."""
        return _restored(*self.__reduce__()[1])

    def check(self) -> None:
        """Assert every invariant of the book (see `markets.engine.check`)."""
        from markets.engine.check import check

        check(self._row)
        live = self._live_handles()
        tags = self._row.view(np.int32)[live + TAG]
        assert np.array_equal(self._handles[tags], live), "an id does not lead to its order"
        assert (tags < self._next_id).all(), "a live order has an id that is still to come"

    def __reduce__(self) -> tuple[Any, ...]:
        self._pour()
        state = (self._row.copy(), self._handles.copy(), self._words.copy(), self._next_id)
        return _restored, state

    def __repr__(self) -> str:
        """Show the best five levels of each side, asks on top."""
        depth = self.depth(5)
        lines = [f"OrderBook: {len(self)} orders, {int(self._row[layout.TRADES])} trades, last {self.last}"]
        lines += [f"  {'':>12}  {p:>10}  {s} ({n})" for p, s, n in depth.asks[::-1].tolist()]
        lines += [f"  {f'{s} ({n})':>12}  {p:>10}" for p, s, n in depth.bids.tolist()]
        return "\n".join(lines)

    # --- inside ----------------------------------------------------------------------------------------------------

    @property
    def _base(self) -> int:
        return int(self._row[self._book + BASE])

    @property
    def _words(self) -> NDArray[np.int64]:
        return self._log[: self._logged * EVENT_WORDS].reshape(-1, EVENT_WORDS)

    def _do(self, op: int, number: int, side_index: int, price: int, size: int, owner: int) -> None:
        try:
            code = self._send(self._row, self._handles, self._book, op, number, side_index, price, size, owner)
        except OverflowError:
            raise too_big(price=price, size=size, owner=owner, id=number) from None
        if code:
            self._finish(code, op, number, side_index, price, size, owner)

    def _finish(self, code: int, op: int, number: int, side_index: int, price: int, size: int, owner: int) -> None:
        """Bring a message to its end that did not get there at once: make room, read events, or raise why not."""
        kernels = _kernels()
        message = (op, number, side_index, price, size, owner)
        if code == kernels.GROW:
            is_priced = op in (OP_LIMIT, OP_MODIFY) and 0 < price <= MAX_PRICE
            is_new = op in (OP_LIMIT, OP_IOC, OP_MARKET)
            need = kernels.Demand(number if is_new else -1, owner, *((price, price) if is_priced else (1, 0)))
            self._row[ELASTIC] = self._make_room(need, 1)
            code = self._send(self._row, self._handles, self._book, *message)
            self._row[ELASTIC] = 1
        while code == DRAIN:
            self._pour()
            code = kernels.resume(self._row, self._handles)
        if code != DONE:
            reason = Reason(int(self._row[M_REASON]))
            tick, lot, low, high = (int(self._row[self._book + word]) for word in (TICK, LOT, BAND_LOW, BAND_HIGH))
            limits = Limits(
                tick=tick,
                lot=lot,
                band=(low, high),
                max_size=int(self._row[MAX_ORDER_SIZE]),
                max_orders=MAX_ORDERS,
                max_owner=MAX_OWNERS - 1,
                max_id=self._id_limit(1) - 1,
                next_id=self._next_id,
                ladder=(self._base, self._base + int(self._row[self._book + TICKS]) - 1),
            )
            raise rejection(reason, limits, id=number, price=price, size=size, owner=owner)

    # --- making room -----------------------------------------------------------------------------------------------

    def _pour(self) -> None:
        """Move what the ring holds into the log."""
        while self._row[EVENT_TAIL] != self._row[EVENT_HEAD]:
            self._logged = _kernels().pour(self._row, self._log, self._logged)
            if self._row[EVENT_TAIL] != self._row[EVENT_HEAD]:
                self._lengthen_log()

    def _lengthen_log(self) -> None:
        longer = np.zeros(2 * self._log.size, np.int64)
        longer[: self._log.size] = self._log
        self._log = longer

    def _id_limit(self, messages: int) -> int:
        return min(2 * self._handles.size + _MAX_GAP + messages, MAX_TAG + 1)

    def _make_room(self, need: Demand, messages: int) -> bool:
        """Make room for what `messages` messages need, and for more orders; return whether all found it."""
        count, capacity = int(self._row[ACCOUNT_COUNT]), int(self._row[self._book + CAPACITY])
        window = self._window(need)
        if need.order_id >= self._id_limit(messages) or need.owner >= MAX_OWNERS or window is None:
            return False
        if need.order_id >= self._handles.size:
            more = np.zeros(max(2 * self._handles.size, need.order_id + 1), np.int32)
            more[: self._handles.size] = self._handles
            self._handles = more
        owners = count if need.owner < count else min(max(2 * count, need.owner + 1), MAX_OWNERS)
        orders = min(2 * capacity, MAX_ORDERS) if len(self) == capacity else capacity
        if (orders, owners, *window) != (capacity, count, int(self._row[self._book + TICKS]), self._base):
            self._grow(orders, owners, *window)
        return len(self) < orders

    def _window(self, need: Demand) -> tuple[int, int] | None:
        """Return ticks and base of a ladder that holds all there is and the prices to come, or None if none does."""
        base, ticks = self._base, int(self._row[self._book + TICKS])
        if need.low > need.high or (base <= need.low and need.high < base + ticks):
            return ticks, base
        held = (self._row.view(np.int32)[self._live_handles() + PRICE] + base).tolist()
        held += [price for price in (self.last, self.mark) if price is not None]
        low, high = floor(min([need.low, *held])), ceil(max([need.high, *held]))
        if high - low >= MAX_TICKS:
            return None
        while ticks < MAX_TICKS and ticks < 2 * (high - low + 1):
            ticks *= 2
        return ticks, max(0, low - (ticks - (high - low + 1)) // 2)

    def _grow(self, orders: int, owners: int, ticks: int, base: int) -> None:
        from markets.engine.grow import grown

        self._pour()
        self._row = grown(self._row, ticks=ticks, orders=orders, accounts=owners, base=base)
        self._book = int(self._row[BOOKS])
        live = self._live_handles()
        self._handles[self._row.view(np.int32)[live + TAG]] = live

    # --- reading the row -------------------------------------------------------------------------------------------

    def _live_handles(self) -> NDArray[np.int32]:
        slots = int(self._row[self._book + layout.SLOTS])
        return self._row.view(np.int32)[slots : slots + len(self)]

    def _find(self, number: int) -> int:
        handle = int(self._handles[number]) if 0 <= number < self._handles.size else 0
        within = handle - int(self._row[self._book + ORDERS])
        if not 0 <= within < ORDER_WORDS * int(self._row[self._book + CAPACITY]) or within % ORDER_WORDS:
            return 0
        return handle if self._row.view(np.int32)[handle + TAG] == number else 0

    def _order(self, handle: int) -> Order:
        half = self._row.view(np.int32)
        side: Literal["buy", "sell"] = "buy" if half[handle + SIDE] == self._book + BID else "sell"
        price, size = int(half[handle + PRICE]) + self._base, int(half[handle + QTY])
        return Order(int(half[handle + TAG]), side, price, size, int(half[handle + OWNER]))

    def _best(self, side: int) -> int | None:
        key = int(self._row[side + BEST])
        return None if key == NONE else (key ^ int(self._row[side + FLIP])) + self._base

    def _levels(self, side: int, count: int) -> NDArray[Any]:
        ticks, first = int(self._row[self._book + TICKS]), int(self._row[side + LEVELS])
        levels = self._row.view(np.int32)[first : first + LEVEL_WORDS * ticks].reshape(ticks, LEVEL_WORDS)
        best = min(int(self._row[side + BEST]), ticks)
        keys = best + np.flatnonzero(levels[best:, QTY])[: max(count, 0)]
        out = np.empty(keys.size, LEVEL)
        out["price_ticks"] = (keys ^ int(self._row[side + FLIP])) + self._base
        out["size"], out["orders"] = levels[keys, QTY], levels[keys, COUNT]
        return out

    def _account(self, owner: int) -> Any:
        number = as_integer("owner", owner)
        if number < 0:
            raise OrderRejected(f"owner must be from 0 to {MAX_OWNERS - 1}, got {owner}", Reason.BAD_OWNER)
        accounts = self.accounts
        return accounts[number] if number < accounts.size else np.zeros((), ACCOUNT)


def _restored(row: Row, handles: NDArray[np.int32], words: NDArray[np.int64], next_id: int) -> OrderBook:
    book = OrderBook.__new__(OrderBook)
    book._row, book._handles, book._next_id, book._book = row, handles, next_id, int(row[BOOKS])
    book._logged = len(words)
    book._log = np.concatenate([words.ravel(), np.zeros(max(words.size, 256 * EVENT_WORDS), np.int64)])
    book._send = _kernels().send
    return book


class _Kernels(NamedTuple):
    send: Callable[..., int]
    resume: Callable[..., int]
    replay: Callable[..., tuple[int, int, int]]
    pour: Callable[..., int]
    demand: Callable[..., Demand]
    Demand: type[Demand]
    GROW: int
    MESSAGE_WORDS: int


_loaded: list[_Kernels] = []


def _kernels() -> _Kernels:
    """Return the engine's kernels; the first call imports numba."""
    if not _loaded:
        from markets.engine.events import pour
        from markets.engine.replay import GROW, MESSAGE_WORDS, Demand, demand, replay, resume, send

        _loaded.append(_Kernels(send, resume, replay, pour, demand, Demand, GROW, MESSAGE_WORDS))
    return _loaded[0]


def _owner(owner: int | None) -> int:
    return _ANYONE if owner is None else as_integer("owner", owner)
