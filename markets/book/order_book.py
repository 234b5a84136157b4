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

from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from sekai.error import SekaiError
from sekai.markets.book.memory import BookMemory
from sekai.markets.book.messages import LEVEL, Reason, ends_of, events_of, rejects_of, trades_of
from sekai.markets.book.rejection import (
    MAX_OWNERS,
    SIDES,
    OrderRejected,
    as_integer,
    bad_word,
    too_big,
    whole_number,
)
from sekai.markets.engine import layout as at
from sekai.markets.engine.operations import PLAIN, TIFS
from sekai.markets.engine.terms import ALL_KINDS, KEEP, MONEY, NONE, Flag, Op
from sekai.markets.rules import VenueRules
from sekai.utils import InvalidValue

__all__ = ["ACCOUNT", "PHASES", "Depth", "Order", "OrderBook", "OrderRejected", "Phase", "Side", "Status", "Tif"]

Side = Literal["buy", "sell", "bid", "ask"]
Tif = Literal["gtc", "ioc", "fok", "aon"]
Phase = Literal["continuous", "auction", "halt"]
Status = Literal["live", "pending", "filled", "cancelled", "rejected"]
PHASES: Final[tuple[Phase, ...]] = get_args(Phase)

ACCOUNT: Final = np.dtype([(name, "<i8") for name in ("cash", "position", "edge", "fills", "volume")])

_ANYONE: Final = -(1 << 40)  # `sekai.markets.engine.replay.ANYONE`, without importing numba


class Order(NamedTuple):
    """A live order: `price` in ticks (0 of one that has none), `size` all lots that are still open."""

    id: int
    side: Literal["buy", "sell"]
    price: int
    size: int
    owner: int


class Depth(NamedTuple):
    """The best levels of both sides, best first: arrays of dtype `LEVEL` (price_ticks, size, orders)."""

    bids: NDArray[Any]
    asks: NDArray[Any]


class OrderBook(BookMemory):
    """A limit order book of one instrument, and the venue around it.

    `rules` say what the venue does; without any it is a plain one, with price-time priority. `ticks`, `orders` and
    `owners` are what it has room for at first; it grows. With `events=True` everything that happens is kept, and
    `status` knows of orders that are done; without, only trades and refusals are, which is faster.
    """

    __slots__ = ()

    def __init__(
        self,
        *,
        rules: VenueRules | None = None,
        ticks: int = 1024,
        orders: int = 256,
        owners: int = 16,
        events: bool = False,
    ) -> None:
        rules = VenueRules() if rules is None else rules
        if not isinstance(rules, VenueRules):
            raise InvalidValue(f"rules must be VenueRules(...) or None, got {rules!r}")
        if not isinstance(events, bool | np.bool_):
            raise InvalidValue(f"events must be True or False, got {events!r}")
        self._lay_out(rules, ticks=ticks, orders=orders, owners=owners, events=events)

    # --- orders, one at a time (many at once: `apply`) ----------------------------------------------------------------

    def limit(
        self,
        side: Side,
        *,
        price: int,
        size: int,
        owner: int = 0,
        tif: Tif = "gtc",
        post_only: bool = False,
        display: int | None = None,
        hidden: bool = False,
        id: int | None = None,
    ) -> int:
        """Buy or sell up to `size` lots at `price` ticks or better; return the order's id.

        What does not trade at once rests (`tif="gtc"`) or is cancelled (`"ioc"`). `"fok"` trades all or nothing;
        `"aon"` rests until one taker can fill it whole. A `post_only` order that would trade is refused. An iceberg
        shows `display` lots at a time, a `hidden` order none. `id` is yours, or the next free one; that of a live order
        is refused. Raises OrderRejected.
        """
        number = self._next_id if id is None else id
        try:
            op, side_index = TIFS[tif], SIDES[side]
        except (KeyError, TypeError):
            raise bad_word(side, tif) from None
        if post_only or hidden or display is not None or not PLAIN >> op & 1:
            return self._special_limit(op, number, side_index, price, size, owner, (post_only, hidden, display))
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
        """Buy or sell up to `size` lots at whatever price; return the order's id.

        What does not trade is cancelled: at once, or, of one sent in a call, when that ends.
        """
        return self._new(Op.MARKET, side, id, 0, size, owner)

    def stop(self, side: Side, *, stop: int, size: int, owner: int = 0, id: int | None = None) -> int:
        """Wait for a trade at `stop` ticks or beyond (a buy above, a sell below); then be a market order."""
        return self._new(Op.STOP, side, id, 0, size, owner, as_integer("stop", stop))

    def stop_limit(self, side: Side, *, stop: int, price: int, size: int, owner: int = 0, id: int | None = None) -> int:
        """Wait for a trade at `stop` ticks or beyond (a buy above, a sell below); then be a limit order at `price`."""
        return self._new(Op.STOP_LIMIT, side, id, as_integer("price", price), size, owner, as_integer("stop", stop))

    def trailing_stop(self, side: Side, *, offset: int, size: int, owner: int = 0, id: int | None = None) -> int:
        """Wait for a trade `offset` ticks back from the best price since entry; then be a market order."""
        return self._new(Op.TRAILING_STOP, side, id, 0, size, owner, as_integer("offset", offset))

    def cancel(self, id: int, *, owner: int | None = None) -> int:
        """Cancel an order; return the lots that were open. With `owner`, only if it is theirs. Raises OrderRejected."""
        self._do(Op.CANCEL, as_integer("id", id), 0, 0, 0, _owner(owner))
        return int(self._row[at.Message.TAKEN])

    def reduce(self, id: int, by: int, *, owner: int | None = None) -> int:
        """Take `by` lots away from an order, which keeps its place; all of them cancel it. Return the lots taken."""
        self._do(Op.REDUCE, as_integer("id", id), 0, 0, as_integer("by", by), _owner(owner))
        return int(self._row[at.Message.TAKEN])

    def modify(self, id: int, *, price: int | None = None, size: int | None = None, owner: int | None = None) -> int:
        """Change an order's price, or its open size; return the lots that it traded at once.

        A smaller size, or nothing changed, keeps its place. A larger size or another price goes to the back of the
        queue, and trades first where it crosses. Zero size cancels. If refused, the order stays where it was.
        """
        new_price = KEEP if price is None else as_integer("price", price)
        new_size = KEEP if size is None else as_integer("size", size)
        self._do(Op.MODIFY, as_integer("id", id), 0, new_price, new_size, _owner(owner))
        return int(self._row[at.Message.FILLED])

    def mass_cancel(self, owner: int) -> int:
        """Cancel all orders of an owner; return how many there were."""
        self._do(Op.MASS_CANCEL, 0, 0, 0, 0, as_integer("owner", owner))
        return int(self._row[at.Message.TAKEN])

    # --- the venue ------------------------------------------------------------------------------------------------

    def phase(self, to: Phase) -> int | None:
        """Go on in continuous trading, a call ("auction") or a halt. Return the price at which a call cleared, or None.

        In a call and in a halt nothing trades: orders are collected. Continuous trading begins with an uncross.
        """
        if to not in PHASES:
            raise OrderRejected(f"to must be one of {', '.join(PHASES)}, got {to!r}", Reason.BAD_OPERATION)
        was = self.trading_phase
        self._do(Op.PHASE, 0, 0, 0, PHASES.index(to), 0)
        return self._cleared() if to == "continuous" != was else None

    def uncross(self, reference: int | None = None) -> int | None:
        """End a call, or a halt: trade at the one price at which most trades. Return it, or None if nothing does.

        Of several the closest to `reference` (without one, to the last trade price) is taken, if nothing else decides.
        """
        price = KEEP if reference is None else as_integer("reference", reference)
        self._do(Op.UNCROSS, 0, 0, price, 0, 0)
        return self._cleared()

    @property
    def rules(self) -> VenueRules:
        """The rules of the venue."""
        return self._rules

    @property
    def trading_phase(self) -> Phase:
        """What the venue does at present: "continuous" trading, a call ("auction"), or a "halt"."""
        return PHASES[int(self._row[self._book + at.Book.PHASE])]

    @property
    def halted(self) -> bool:
        """Whether the market is halted."""
        return self.trading_phase == "halt"

    @property
    def time_ns(self) -> int:
        """The time on the events, and for the limit of orders in a window; it stands still until you set it.

        It does not go back: raises InvalidValue for less than it is.
        """
        return int(self._row[at.Market.NOW])

    @time_ns.setter
    def time_ns(self, now: int) -> None:
        self._row[at.Market.NOW] = whole_number("time_ns", now, self.time_ns, 2**62)

    @property
    def venue_cash(self) -> int:
        """What the venue has earned in fees, in hundredths of tick x lot; with all owners' cash it sums to zero."""
        self._check_money()
        row = self._row
        return int(
            row[int(row[at.Market.ACCOUNTS] + row[at.Market.ACCOUNT_STRIDE] * row[at.Market.VENUE]) + at.Account.CASH]
        )

    # --- the market ------------------------------------------------------------------------------------------------

    @property
    def best_bid(self) -> int | None:
        """The highest price at which somebody buys, in ticks; None if nobody does."""
        return self._best(self._book + at.Book.BID)

    @property
    def best_ask(self) -> int | None:
        """The lowest price at which somebody sells, in ticks; None if nobody does."""
        return self._best(self._book + at.Book.ASK)

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
        last = int(self._row[self._book + at.Book.LAST])
        return None if last < 0 else last + self._base

    @property
    def mark(self) -> float | None:
        """The last mid that two sides agreed on, in ticks: what positions are worth; None before the first."""
        mark = int(self._row[self._book + at.Book.MARK])
        return None if mark < 0 else mark / 2 + self._base

    def depth(self, levels: int = 10) -> Depth:
        """Return the best `levels` occupied levels of both sides, best first, or as many as there are."""
        levels = whole_number("levels", levels, 0)
        return Depth(self._levels(self._book + at.Book.BID, levels), self._levels(self._book + at.Book.ASK, levels))

    def queue(self, side: Side, price: int) -> list[Order]:
        """Return the orders that wait at a price, the one that trades first in front; hidden ones too, in the end."""
        side_index, ladder = _side_index(side), as_integer("price", price) - self._base
        if not 0 <= ladder < self._row[self._book + at.Book.TICKS]:
            return []
        handle = self._book + (at.Book.BID, at.Book.ASK)[side_index]
        level = int(self._row[handle + at.Side.LEVELS]) + at.Level.WORDS * (
            ladder ^ int(self._row[handle + at.Side.FLIP])
        )
        from sekai.markets.engine.check import orders_at

        return [self._order(order) for order in orders_at(self._row, level)]

    def order(self, id: int) -> Order | None:
        """Return a live order, or None if there is none of that id: never sent, filled, or cancelled."""
        handle = self._find(as_integer("id", id))
        return self._order(handle) if handle else None

    def visible(self, id: int) -> int | None:
        """Return the lots of an order that everybody sees, 0 of a hidden or pending one; None if it is not live."""
        handle = self._find(as_integer("id", id))
        if not handle:
            return None
        is_seen = not self._flags(handle) & (Flag.HIDDEN | Flag.STOP | Flag.WAITING)
        return int(self._row.view(np.int32)[handle + at.Order.QTY]) if is_seen else 0

    def status(self, id: int) -> Status | None:
        """Return what has become of an order; None if nobody sent it.

        An order that is done is known by its events: raises SekaiError where the book does not keep them all.
        """
        number = as_integer("id", id)
        handle = self._find(number)
        if handle:
            return "pending" if self._flags(handle) & Flag.STOP else "live"
        if self._row[at.Market.EVENT_KINDS] != ALL_KINDS and 0 <= number < self._next_id:  # refusals are always kept
            raise SekaiError(f"the status of an order that is done needs OrderBook(events=True), asked for {id}")
        self._pour()
        about = (self._words[:, at.Event.ORDER] == number) | (self._words[:, at.Event.OTHER] == number)
        now, before = ends_of(self._words[about]).get(number), self._ended.get(number)
        return before if now in (None, "rejected") and before else now

    @property
    def pending_stops(self) -> list[int]:
        """The ids of the stops that wait, the oldest first."""
        from sekai.markets.engine.check import orders_at

        tags = self._row.view(np.int32)
        return [
            int(tags[order + at.Order.TAG])
            for order in orders_at(self._row, int(self._row[self._book + at.Book.STOPS]))
        ]

    def __len__(self) -> int:
        """Return how many orders are live, pending stops included."""
        return int(self._row[self._book + at.Book.LIVE])

    def __contains__(self, id: object) -> bool:
        """Return whether an order is live."""
        return isinstance(id, int | np.integer) and not isinstance(id, bool) and bool(self._find(int(id)))

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
        return int(self._row[at.Market.MESSAGES])

    def clear(self) -> None:
        """Forget the trades and events so far; orders, accounts and counts stay, and how orders ended."""
        self._pour()
        if self._row[at.Market.EVENT_KINDS] == ALL_KINDS:
            ends = ends_of(self._words)
            self._ended |= {n: end for n, end in ends.items() if end != "rejected" or n not in self._ended}
        self._logged = 0

    # --- who owns what ---------------------------------------------------------------------------------------------

    @property
    def accounts(self) -> NDArray[Any]:
        """Every owner's account, `(owners,)` of dtype `ACCOUNT`, exact: each column but the last two sums to zero.

        Raises SekaiError once an account has held more cash than 2**62 hundredths, up or down.

        `cash` and `edge` (earned against the mark) in hundredths of tick x lot, `position` and `volume` in lots.
        """
        from sekai.markets.engine.check import accounts_of

        self._check_money()
        return np.ascontiguousarray(
            accounts_of(self._row)[
                :,
                [
                    at.Account.CASH,
                    at.Account.POSITION,
                    at.Account.EDGE,
                    at.Account.FILLS,
                    at.Account.VOLUME,
                ],
            ]
        ).view(ACCOUNT)[:, 0]

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
        restore, state = self.__reduce__()
        book: OrderBook = restore(*state)
        return book

    def check(self) -> None:
        """Assert every invariant of the book (see `sekai.markets.engine.check`)."""
        from sekai.markets.engine.check import check

        check(self._row)
        live = self._live_handles()
        tags = self._row.view(np.int32)[live + at.Order.TAG]
        assert np.array_equal(self._handles[tags], live), "an id does not lead to its order"
        assert (tags < self._next_id).all(), "a live order has an id that is still to come"

    def __repr__(self) -> str:
        """Show the best five levels of each side, asks on top."""
        depth = self.depth(5)
        lines = [f"OrderBook: {len(self)} orders, {int(self._row[at.Market.TRADES])} trades, last {self.last}"]
        lines += [f"  {'':>12}  {p:>10}  {s} ({n})" for p, s, n in depth.asks[::-1].tolist()]
        lines += [f"  {f'{s} ({n})':>12}  {p:>10}" for p, s, n in depth.bids.tolist()]
        return "\n".join(lines)

    # --- inside ----------------------------------------------------------------------------------------------------

    def _special_limit(
        self,
        op: int,
        number: int,
        side_index: int,
        price: int,
        size: int,
        owner: int,
        more: tuple[bool, bool, int | None],
    ) -> int:
        post_only, hidden, display = more
        for name, flag in (("post_only", post_only), ("hidden", hidden)):
            if not isinstance(flag, bool | np.bool_):
                raise OrderRejected(f"{name} must be True or False, got {flag!r}", Reason.BAD_OPERATION)
        flags = Flag.POST_ONLY * bool(post_only) | Flag.HIDDEN * bool(hidden) | Flag.ICEBERG * (display is not None)
        given = {"price": price, "size": size, "owner": owner, "id": number, "display": display or 0}
        price, size, owner, number, shown = (as_integer(name, value) for name, value in given.items())
        self._do(op, number, side_index, price, size, owner, (0, shown, flags))
        self._next_id = max(self._next_id, number + 1)
        return number

    def _new(self, op: int, side: Side, id: int | None, price: int, size: int, owner: int, stop: int = 0) -> int:
        side_index = _side_index(side)
        number = self._next_id if id is None else as_integer("id", id)
        size, owner = as_integer("size", size), as_integer("owner", owner)
        self._do(op, number, side_index, price, size, owner, (stop, 0, 0))
        self._next_id = max(self._next_id, number + 1)
        return number

    def _cleared(self) -> int | None:
        price = int(self._row[at.Call.PRICE]) + self._base
        return price if price > 0 else None

    # --- reading the row -------------------------------------------------------------------------------------------

    def _flags(self, handle: int) -> int:
        return int(self._row.view(np.int32)[handle + int(self._row[self._book + at.Book.EXTRAS]) + at.Extra.FLAGS])

    def _order(self, handle: int) -> Order:
        i32, extra = self._row.view(np.int32), handle + int(self._row[self._book + at.Book.EXTRAS])
        side: Literal["buy", "sell"] = "buy" if i32[handle + at.Order.SIDE] == self._book + at.Book.BID else "sell"
        price, size = int(i32[handle + at.Order.PRICE]) + self._base, int(i32[handle + at.Order.QTY])
        size += int(i32[extra + at.Extra.RESERVE]) if self._flags(handle) & Flag.ICEBERG else 0
        return Order(int(i32[handle + at.Order.TAG]), side, price, size, int(i32[handle + at.Order.OWNER]))

    def _best(self, side: int) -> int | None:
        if self._row[self._book + at.Book.HIDDENS]:
            levels = self._levels(side, 1)
            return int(levels["price_ticks"][0]) if levels.size else None
        key = int(self._row[side + at.Side.BEST])
        return None if key == NONE else (key ^ int(self._row[side + at.Side.FLIP])) + self._base

    def _levels(self, side: int, count: int) -> NDArray[Any]:
        ticks, first = int(self._row[self._book + at.Book.TICKS]), int(self._row[side + at.Side.LEVELS])
        levels = self._row.view(np.int32)[first : first + at.Level.WORDS * ticks].reshape(ticks, at.Level.WORDS)
        best = min(int(self._row[side + at.Side.BEST]), ticks)
        keys = best + np.flatnonzero(levels[best:, at.Order.QTY])[: max(count, 0)]
        out = np.empty(keys.size, LEVEL)
        out["price_ticks"] = (keys ^ int(self._row[side + at.Side.FLIP])) + self._base
        out["size"], out["orders"] = levels[keys, at.Order.QTY], levels[keys, at.Level.COUNT]
        return out

    def _check_money(self) -> None:
        if self._row[at.Market.OVERFLOWED]:
            raise SekaiError("an account has held more than 2**62 hundredths of tick x lot: money is exact no longer")

    def _account(self, owner: int) -> Any:
        number = as_integer("owner", owner)
        if number < 0:
            raise OrderRejected(f"owner must be from 0 to {MAX_OWNERS - 1}, got {owner}", Reason.BAD_OWNER)
        accounts = self.accounts
        return accounts[number] if number < accounts.size else np.zeros((), ACCOUNT)


def _side_index(side: Side) -> int:
    try:
        return SIDES[side]
    except (KeyError, TypeError):
        raise bad_word(side, "gtc") from None


def _owner(owner: int | None) -> int:
    return _ANYONE if owner is None else as_integer("owner", owner)
