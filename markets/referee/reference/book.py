"""ReferenceBook: what may be asked of the venue, in `OrderBook`'s words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, NoReturn

from sekai.markets.book.messages import (
    CANCEL,
    KEEP,
    MARKET,
    MASS_CANCEL,
    MODIFY,
    REDUCE,
    STOP,
    STOP_LIMIT,
    TRAILING_STOP,
    UNCROSS,
    EventKind,
    Reason,
)
from sekai.markets.engine.operations import OPERATIONS, TIFS
from sekai.markets.referee.reference.auction import uncross
from sekai.markets.referee.reference.checks import change_fault, new_order_fault, new_stop_fault
from sekai.markets.referee.reference.matching import carry_out, change_phase, elect
from sekai.markets.referee.reference.records import BUY, SELL, Order, Refusal, Stop
from sekai.markets.referee.reference.state import MAX_ID, MAX_PRICE, State

__all__ = ["ReferenceBook"]

_SIDES: Final = {"buy": BUY, "bid": BUY, "sell": SELL, "ask": SELL}

_Side = Literal["buy", "sell", "bid", "ask"]
_Tif = Literal["gtc", "ioc", "fok", "aon"]


@dataclass
class ReferenceBook(State):
    """A limit order book and its venue. Every verb raises Refusal, with its reason, where the venue says no.

    >>> book = ReferenceBook()
    >>> book.limit("sell", price=101, size=5, owner=1), book.limit("buy", price=102, size=8, owner=2)
    (0, 1)
    >>> book.trades, book.levels(BUY)
    ([(0, 1, 101, 5)], [(102, [(1, 3)])])
    """

    next_id: int = 0

    # --- new orders -----------------------------------------------------------------------------------------------

    def limit(
        self, side: _Side, *, price: int, size: int, owner: int = 0, tif: _Tif = "gtc", post_only: bool = False,
        display: int | None = None, hidden: bool = False, id: int | None = None,
    ) -> int:  # fmt: skip
        """Trade what crosses; then rest, or end, with what is left, as `tif` says. Return the order's id."""
        order = Order(self._id(id), _side(side), price, size, owner, tif, display, hidden)
        if tif not in TIFS:
            raise Refusal(Reason.BAD_OPERATION)
        self._begin(TIFS[tif], order, price)
        self._check(new_order_fault(self, order, is_post_only=post_only), TIFS[tif], order, price)
        return self._accept(TIFS[tif], order)

    def market(self, side: _Side, *, size: int, owner: int = 0, id: int | None = None) -> int:
        """Trade at whatever price; cancel what is left, or wait in a call. Return the order's id."""
        order = Order(self._id(id), _side(side), 0, size, owner, "market")
        self._begin(MARKET, order, 0)
        self._check(new_order_fault(self, order, is_post_only=False), MARKET, order, 0)
        return self._accept(MARKET, order)

    def stop(self, side: _Side, *, stop: int, size: int, owner: int = 0, id: int | None = None) -> int:
        """Wait for the last trade price to reach `stop`; then be a market order."""
        return self._wait(STOP, Stop(Order(self._id(id), _side(side), 0, size, owner, "market"), stop))

    def stop_limit(
        self, side: _Side, *, stop: int, price: int, size: int, owner: int = 0, id: int | None = None
    ) -> int:
        """Wait for the last trade price to reach `stop`; then be a limit order."""
        return self._wait(STOP_LIMIT, Stop(Order(self._id(id), _side(side), price, size, owner), stop))

    def trailing_stop(self, side: _Side, *, offset: int, size: int, owner: int = 0, id: int | None = None) -> int:
        """Wait for the last trade price to fall back by `offset` from the best since entry; then be a market order."""
        order = Order(self._id(id), _side(side), 0, size, owner, "market")
        return self._wait(TRAILING_STOP, Stop(order, None, offset))

    # --- orders that are there ------------------------------------------------------------------------------------

    def cancel(self, id: int, *, owner: int | None = None) -> int:
        """Take an order out; return the lots that were open."""
        order = self._own(CANCEL, id, owner, price=0, size=0)
        return self._shrink(order, order.size)

    def reduce(self, id: int, by: int, *, owner: int | None = None) -> int:
        """Take `by` lots away from an order, in its place; return how many were taken."""
        order = self._own(REDUCE, id, owner, price=0, size=by)
        fault = Reason.OK
        if by <= 0:
            fault = Reason.BAD_SIZE
        elif by < order.size and by % self.rules.lot:
            fault = Reason.OFF_LOT
        if fault is not Reason.OK:
            self._refuse(fault, REDUCE, id, 0, 0, by, order.owner)
        return self._shrink(order, min(by, order.size))

    def modify(self, id: int, *, price: int | None = None, size: int | None = None, owner: int | None = None) -> int:
        """Change price or open size; return the lots that traded at once."""
        as_sent = (KEEP if price is None else price, KEEP if size is None else size)
        order = self._own(MODIFY, id, owner, price=as_sent[0], size=as_sent[1])
        new_price = order.price if price is None else price
        new_size = order.size if size is None else size
        if new_size == 0:
            self._shrink(order, order.size)
            return 0
        if order.tif == "market" and price is not None:
            self._refuse(Reason.BAD_OPERATION, MODIFY, id, 0, *as_sent, order.owner)
        if new_price == order.price and 0 < new_size <= order.size and new_size % self.rules.lot == 0:
            self._shrink(order, order.size - new_size)
            return 0
        fault = change_fault(self, order, new_price, new_size)
        if fault is not Reason.OK:
            self._refuse(fault, MODIFY, id, 0, *as_sent, order.owner)
        return self._replace(order, new_price, new_size)

    def mass_cancel(self, owner: int) -> int:
        """Cancel all orders of an owner, pending ones too; return how many."""
        self.messages += 1
        if owner < 0:
            self._refuse(Reason.BAD_OWNER, MASS_CANCEL, 0, 0, 0, 0, owner)
        pending = [stop.order for stop in self.stops.values()]
        theirs = [order for order in [*self.orders.values(), *pending] if order.owner == owner]
        for order in theirs:
            self._take(order, order.size)
        self.remark()
        return len(theirs)

    # --- the venue ------------------------------------------------------------------------------------------------

    def phase(self, to: Literal["continuous", "auction", "halt"]) -> int | None:
        """Go on in another phase; into continuous trading by an uncross. Return what it cleared at, if it did."""
        if to not in ("continuous", "auction", "halt"):
            raise Refusal(Reason.BAD_OPERATION)
        self.messages += 1
        if to == self.trading_phase:
            return None
        if to == "continuous":
            return self._open(None)
        change_phase(self, to)
        return None

    def uncross(self, reference: int | None = None) -> int | None:
        """End a call; return the price at which it traded, or None."""
        self.messages += 1
        if self.trading_phase == "continuous":
            self._refuse(Reason.NO_CALL, UNCROSS, 0, 0, reference or 0, 0, 0)
        if reference is not None and not 0 < reference <= MAX_PRICE:
            self._refuse(Reason.BAD_PRICE, UNCROSS, 0, 0, reference, 0, 0)
        return self._open(reference)

    def apply(self, messages: Iterable[Any]) -> None:
        """Submit messages as `OrderBook.apply` does; what is refused is in the events."""
        for message in messages:
            try:
                self._dispatch(*(int(value) for value in message))
            except Refusal:
                continue

    # --- what is there --------------------------------------------------------------------------------------------

    def levels(self, side: int) -> list[tuple[int, list[tuple[int, int]]]]:
        """Return `(price, [(id, size), ...])` of every level, best first; hidden orders too, behind the others."""
        return [(price, [(o.id, o.size) for o in self.sides[side][price]]) for price in self.prices(side)]

    def depth(self, side: int) -> list[tuple[int, int, int]]:
        """Return `(price, size, orders)` of every level as everybody sees it, best first."""
        displayed = [(price, self.sides[side][price].displayed) for price in self.prices(side)]
        return [(price, sum(o.visible for o in queue), len(queue)) for price, queue in displayed if queue]

    def status(self, id: int) -> str | None:
        """Return "live", "pending", "filled", "cancelled" or "rejected"; None if nobody sent it."""
        return self.outcome.get(id)

    def visible(self, id: int) -> int | None:
        """Return the lots of an order that everybody sees; None if it is not live."""
        if id in self.stops:
            return 0
        order = self.orders.get(id)
        return None if order is None else 0 if order.tif == "market" else order.visible

    @property
    def pending_stops(self) -> list[int]:
        """The ids of the stops that wait, the oldest first."""
        return list(self.stops)

    @property
    def halted(self) -> bool:
        """Whether the market is halted."""
        return self.trading_phase == "halt"

    def position(self, owner: int) -> int:
        """Return an owner's lots, negative if short."""
        return self.accounts[owner].position

    def cash(self, owner: int) -> float:
        """Return an owner's cash in tick x lot."""
        return self.accounts[owner].cash / 100

    # --- steps that several verbs share ---------------------------------------------------------------------------

    def _id(self, id: int | None) -> int:
        return self.next_id if id is None else id

    def _begin(self, operation: int, order: Order, price: int) -> None:
        self.messages += 1
        if order.owner < 0:
            self._refuse(Reason.BAD_OWNER, operation, order.id, order.side, price, order.size, order.owner)

    def _check(self, fault: Reason, operation: int, order: Order, price: int) -> None:
        if fault is not Reason.OK:
            self._refuse(fault, operation, order.id, order.side, price, order.size, order.owner)

    def _accept(self, operation: int, order: Order) -> int:
        self._count(order, operation, order.price)
        carry_out(self, order)
        self._end()
        return order.id

    def _wait(self, operation: int, stop: Stop) -> int:
        """Take a stop in; one that is through the last trade price is elected at once."""
        order = stop.order
        self._begin(operation, order, stop.named_price)
        self._check(new_stop_fault(self, stop), operation, order, stop.named_price)
        self._count(order, operation, stop.named_price)
        self.stops[order.id] = stop
        self.outcome[order.id] = "pending"
        if self.last is not None:
            stop.follow(self.last)
        self._end()
        return order.id

    def _count(self, order: Order, operation: int, price: int) -> None:
        window = self.time_ns // self.rules.order_rate_window_ns
        self.sent[order.owner] = (window, self.sent_now(order.owner) + 1)
        self.next_id = max(self.next_id, order.id + 1)
        kind, shown = EventKind.ACCEPTED, order.shows
        self.write(kind, order.side, price, order.size, order.id, operation, order.owner, shown=shown)

    def _end(self) -> None:
        elect(self)
        self.remark()

    def _open(self, reference: int | None) -> int | None:
        price = uncross(self, reference)
        self._end()
        return price

    def _own(self, operation: int, id: int, owner: int | None, *, price: int, size: int) -> Order:
        """Return the live or pending order that an owner may touch; `None` is its own."""
        order = self.stops[id].order if id in self.stops else self.orders.get(id)
        sender = (order.owner if order else 0) if owner is None else owner
        self.messages += 1
        if sender < 0:
            self._refuse(Reason.BAD_OWNER, operation, id, 0, price, size, sender)
        if order is None:
            self._refuse(Reason.UNKNOWN_ORDER, operation, id, 0, price, size, sender)
        if order.owner != sender:
            self._refuse(Reason.NOT_OWNER, operation, id, 0, price, size, sender)
        return order

    def _shrink(self, order: Order, lots: int) -> int:
        taken = self._take(order, lots)
        self.remark()
        return taken

    def _take(self, order: Order, lots: int) -> int:
        """Take lots away in their place; an order that has none left is gone."""
        is_pending = order.id in self.stops
        self.cancel_lots(order, lots, Reason.BY_OWNER, self.stops[order.id].named_price if is_pending else order.price)
        if order.size == 0 and is_pending:
            del self.stops[order.id]
        elif order.size == 0:
            self.leave(order)
        return lots

    def _replace(self, order: Order, price: int, size: int) -> int:
        """Give an order that loses its place another price or size; return the lots that it trades at once."""
        before, stop = order.traded, self.stops.pop(order.id, None)
        if stop is None:
            self.leave(order)
        order.price, order.size = price, size
        named = order.price if stop is None else stop.named_price
        self.write(EventKind.REPLACED, order.side, named, size, order.id, -1, order.owner, shown=order.shows)
        if stop is None:
            carry_out(self, order)
        else:
            self.stops[order.id] = stop
        at_once = order.traded - before
        self._end()
        return at_once

    def _refuse(
        self, reason: Reason, operation: int, id: int, side: int, price: int, size: int, owner: int
    ) -> NoReturn:
        self.write(EventKind.REJECTED, side, price, size, id, operation, owner, reason=reason)
        if OPERATIONS[operation].is_new and 0 <= id <= MAX_ID and id not in self.outcome:
            self.outcome[id] = "rejected"
        raise Refusal(reason)

    def _dispatch(self, op: int, id: int, side: int, price: int, size: int, owner: int) -> None:
        words: tuple[_Side, _Side] = ("buy", "sell")
        tif: Any = OPERATIONS[op].tif
        if tif:
            self.limit(words[side], price=price, size=size, owner=owner, tif=tif, id=id)
        elif op == MARKET:
            self.market(words[side], size=size, owner=owner, id=id)
        elif op == CANCEL:
            self.cancel(id, owner=owner)
        elif op == REDUCE:
            self.reduce(id, size, owner=owner)
        elif op == MODIFY:
            new_price, new_size = (None if value == KEEP else value for value in (price, size))
            self.modify(id, price=new_price, size=new_size, owner=owner)
        elif op == MASS_CANCEL:
            self.mass_cancel(owner)


def _side(side: str) -> int:
    if side not in _SIDES:
        raise Refusal(Reason.BAD_SIDE)
    return _SIDES[side]
