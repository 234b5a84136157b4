"""ReferenceBook: the same book in the plainest Python, slow and obvious. What the engine does is right if it agrees.

It shares no line with the engine: orders are objects, a level is a list, and every rule of the venue is written out. It
never runs out of room, and takes the same calls as `OrderBook`, with the same answers, events and accounts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

from sortedcontainers import SortedDict

from markets.messages import CANCEL, IOC, KEEP, LIMIT, MARKET, MASS_CANCEL, MODIFY, REDUCE, EventKind, Reason

__all__ = ["BUY", "SELL", "Account", "Event", "Order", "ReferenceBook", "Refusal"]

_MAX_PRICE = 2**31 - 1
_MAX_SIZE = 2**30 - 1
_MAX_ID = 2**31 - 1
_MAX_VALUE = 2**62 // 100

BUY, SELL = 0, 1


class Refusal(Exception):
    """Raised when the book refuses a message; its one argument is the `Reason`."""

    @property
    def reason(self) -> Reason:
        """Why."""
        return Reason(self.args[0])


@dataclass(slots=True, eq=False)
class Order:
    """A live order; `size` is what is still open."""

    id: int
    side: int
    price: int
    size: int
    owner: int


@dataclass(slots=True)
class Account:
    """What one owner has; `cash` and `edge` in hundredths of tick x lot."""

    cash: int = 0
    position: int = 0
    edge: int = 0
    fills: int = 0
    volume: int = 0


class Event(NamedTuple):
    """Something that happened: the fields of `markets.messages.EVENT`, by the same names."""

    kind: EventKind
    reason: Reason
    side: int
    price_ticks: int
    size: int
    order: int
    other: int
    owner: int
    other_owner: int
    message: int


@dataclass
class ReferenceBook:
    """A limit order book. `sides[BUY]` and `sides[SELL]` map a price to its orders, the oldest first."""

    sides: tuple[Any, Any] = field(default_factory=lambda: (SortedDict(), SortedDict()))
    orders: dict[int, Order] = field(default_factory=dict)
    accounts: defaultdict[int, Account] = field(default_factory=lambda: defaultdict(Account))
    trades: list[tuple[int, int, int, int]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    status: dict[int, str] = field(default_factory=dict)
    last: int | None = None
    mark_half_ticks: int | None = None
    messages: int = 0
    tick: int = 1
    lot: int = 1
    max_size: int = _MAX_SIZE
    band: tuple[int, int] = (1, _MAX_PRICE)

    # --- what may be asked -----------------------------------------------------------------------------------------

    def limit(self, id: int, side: int, price: int, size: int, owner: int = 0, *, ioc: bool = False) -> None:
        """Trade what crosses; then rest, or with `ioc` cancel, what is left."""
        operation = IOC if ioc else LIMIT
        with_fields = {"side": side, "price": price, "size": size, "owner": owner}
        self._begin(operation, id, owner, **with_fields)
        self._check_new(operation, id, **with_fields)
        reason = self._price_fault(price)
        if reason is not Reason.OK:
            self._refuse(reason, operation, id, **with_fields)
        if not ioc and price * size > _MAX_VALUE:
            self._refuse(Reason.BAD_SIZE, operation, id, **with_fields)
        if not ioc and not self._crosses(side, price) and self._level_size(side, price) + size > _MAX_SIZE:
            self._refuse(Reason.LEVEL_FULL, operation, id, **with_fields)
        self._write(EventKind.ACCEPTED, Reason.OK, side, price, size, id, operation, owner)
        order = Order(id, side, price, size, owner)
        self._trade(order)
        self._finish(order, rests=not ioc)

    def market(self, id: int, side: int, size: int, owner: int = 0) -> None:
        """Trade at whatever price; cancel what is left."""
        with_fields = {"side": side, "price": 0, "size": size, "owner": owner}
        self._begin(MARKET, id, owner, **with_fields)
        self._check_new(MARKET, id, **with_fields)
        self._write(EventKind.ACCEPTED, Reason.OK, side, 0, size, id, MARKET, owner)
        order = Order(id, side, 0, size, owner)
        self._trade(order)
        self._finish(order, rests=False)

    def cancel(self, id: int, owner: int | None = None) -> int:
        """Take an order out; return the lots that were open."""
        order = self._own(CANCEL, id, owner, price=0, size=0)
        return self._shrink(order, order.size)

    def reduce(self, id: int, by: int, owner: int | None = None) -> int:
        """Take `by` lots away from an order, in its place; return how many were taken."""
        order = self._own(REDUCE, id, owner, price=0, size=by)
        if by <= 0:
            self._refuse(Reason.BAD_SIZE, REDUCE, id, side=0, price=0, size=by, owner=order.owner)
        if by < order.size and by % self.lot:
            self._refuse(Reason.OFF_LOT, REDUCE, id, side=0, price=0, size=by, owner=order.owner)
        return self._shrink(order, min(by, order.size))

    def modify(self, id: int, price: int | None = None, size: int | None = None, owner: int | None = None) -> int:
        """Change price or open size; return the lots that traded at once."""
        as_sent = {"price": KEEP if price is None else price, "size": KEEP if size is None else size}
        order = self._own(MODIFY, id, owner, **as_sent)
        new_price = order.price if price is None else price
        new_size = order.size if size is None else size
        if new_size == 0:
            self._shrink(order, order.size)
            return 0
        if new_price == order.price and 0 < new_size <= order.size and new_size % self.lot == 0:
            self._shrink(order, order.size - new_size)
            return 0
        reason = self._modify_fault(order, new_price, new_size)
        if reason is not Reason.OK:
            self._refuse(reason, MODIFY, id, side=0, owner=order.owner, **as_sent)
        self._write(EventKind.REPLACED, Reason.OK, order.side, new_price, new_size, id, -1, order.owner)
        self._leave_queue(order)
        order.price, order.size = new_price, new_size
        self._trade(order)
        traded = new_size - order.size
        self._finish(order, rests=True)
        return traded

    def mass_cancel(self, owner: int) -> int:
        """Cancel all orders of an owner; return how many."""
        self._begin(MASS_CANCEL, 0, owner, side=0, price=0, size=0, owner=owner)
        theirs = [order for order in self.orders.values() if order.owner == owner]
        for order in theirs:
            self._shrink(order, order.size)
        return len(theirs)

    def apply(self, messages: Iterable[Any]) -> None:
        """Submit messages as `OrderBook.apply` does; what is refused is in the events."""
        for message in messages:
            try:
                self._dispatch(*(int(value) for value in message))
            except Refusal:
                continue

    def best(self, side: int) -> int | None:
        """Return the best price of a side, or None."""
        levels = self.sides[side]
        return levels.peekitem(-1 if side == BUY else 0)[0] if levels else None

    def levels(self, side: int) -> list[tuple[int, list[tuple[int, int]]]]:
        """Return `(price, [(id, size), ...])` of every level, best first, the oldest order first."""
        items = list(self.sides[side].items())
        return [(p, [(o.id, o.size) for o in queue]) for p, queue in (items[::-1] if side == BUY else items)]

    # --- the rules ---------------------------------------------------------------------------------------------------

    def _trade(self, taker: Order) -> None:
        """Meet the best order of the other side, the oldest first, until the price or the size says no."""
        other = self.sides[1 - taker.side]
        while taker.size and other:
            price = self.best(1 - taker.side)
            assert price is not None
            is_market = taker.price == 0
            if not is_market and (price > taker.price if taker.side == BUY else price < taker.price):
                break
            maker = other[price][0]
            lots = min(maker.size, taker.size)
            self._settle(taker, maker, price, lots)
            maker.size -= lots
            taker.size -= lots
            if maker.size == 0:
                self._leave_queue(maker)
                self.status[maker.id] = "filled"

    def _settle(self, taker: Order, maker: Order, price: int, lots: int) -> None:
        buyer, seller = (taker, maker) if taker.side == BUY else (maker, taker)
        edge = 0 if self.mark_half_ticks is None else (self.mark_half_ticks - 2 * price) * 50 * lots
        for order, sign in ((buyer, 1), (seller, -1)):
            account = self.accounts[order.owner]
            account.position += sign * lots
            account.cash -= sign * lots * price * 100
            account.edge += sign * edge
            account.fills += 1
            account.volume += lots
        self.last = price
        self.trades.append((maker.id, taker.id, price, lots))
        self._write(EventKind.TRADED, Reason.OK, taker.side, price, lots, maker.id, taker.id, maker.owner, taker.owner)

    def _finish(self, order: Order, *, rests: bool) -> None:
        """Rest or cancel what a taker has left."""
        if order.size == 0:
            self.status[order.id] = "filled"
        elif rests:
            self.sides[order.side].setdefault(order.price, []).append(order)
            self.orders[order.id] = order
            self.status[order.id] = "open"
        else:
            self.status[order.id] = "cancelled"
            price, size = order.price, order.size
            self._write(EventKind.CANCELLED, Reason.UNFILLED, order.side, price, size, order.id, -1, order.owner)
        self._remark()

    def _shrink(self, order: Order, by: int) -> int:
        kind = EventKind.CANCELLED if by == order.size else EventKind.REDUCED
        self._write(kind, Reason.BY_OWNER, order.side, order.price, by, order.id, -1, order.owner)
        order.size -= by
        if order.size == 0:
            self._leave_queue(order)
            self.status[order.id] = "cancelled"
        self._remark()
        return by

    def _leave_queue(self, order: Order) -> None:
        del self.orders[order.id]
        queue = self.sides[order.side][order.price]
        queue.remove(order)
        if not queue:
            del self.sides[order.side][order.price]

    def _remark(self) -> None:
        bid, ask = self.best(BUY), self.best(SELL)
        if bid is not None and ask is not None:
            self.mark_half_ticks = bid + ask

    # --- what is refused ---------------------------------------------------------------------------------------------

    def _begin(self, operation: int, id: int, sender: int, *, side: int, price: int, size: int, owner: int) -> None:
        self.messages += 1
        if sender < 0:
            self._refuse(Reason.BAD_OWNER, operation, id, side=side, price=price, size=size, owner=owner)

    def _check_new(self, operation: int, id: int, *, side: int, price: int, size: int, owner: int) -> None:
        reason = Reason.OK
        if side not in (BUY, SELL):
            reason = Reason.BAD_SIDE
        elif not 0 < size <= self.max_size:
            reason = Reason.BAD_SIZE
        elif size % self.lot:
            reason = Reason.OFF_LOT
        elif not 0 <= id <= _MAX_ID:
            reason = Reason.IDS_EXHAUSTED
        elif id in self.orders:
            reason = Reason.DUPLICATE_ID
        if reason is not Reason.OK:
            self._refuse(reason, operation, id, side=side, price=price, size=size, owner=owner)

    def _own(self, operation: int, id: int, owner: int | None, *, price: int, size: int) -> Order:
        """Return the live order that an owner may touch; `None` is its own."""
        order = self.orders.get(id)
        sender = (order.owner if order else 0) if owner is None else owner
        self._begin(operation, id, sender, side=0, price=price, size=size, owner=sender)
        if order is None:
            self._refuse(Reason.UNKNOWN_ORDER, operation, id, side=0, price=price, size=size, owner=sender)
        if order.owner != sender:
            self._refuse(Reason.NOT_OWNER, operation, id, side=0, price=price, size=size, owner=sender)
        return order

    def _modify_fault(self, order: Order, price: int, size: int) -> Reason:
        if size < 0:
            return Reason.BAD_SIZE
        if size % self.lot:
            return Reason.OFF_LOT
        if size > self.max_size:
            return Reason.BAD_SIZE
        if self._price_fault(price) is not Reason.OK:
            return self._price_fault(price)
        if price * size > _MAX_VALUE:
            return Reason.BAD_SIZE
        mine = order.size if price == order.price else 0
        return Reason.LEVEL_FULL if self._level_size(order.side, price) - mine + size > _MAX_SIZE else Reason.OK

    def _price_fault(self, price: int) -> Reason:
        if not 0 < price <= _MAX_PRICE:
            return Reason.BAD_PRICE
        if price % self.tick:
            return Reason.OFF_TICK
        return Reason.OK if self.band[0] <= price <= self.band[1] else Reason.OUTSIDE_BAND

    def _crosses(self, side: int, price: int) -> bool:
        best = self.best(1 - side)
        return best is not None and (best <= price if side == BUY else best >= price)

    def _level_size(self, side: int, price: int) -> int:
        return sum(order.size for order in self.sides[side].get(price, ()))

    def _refuse(
        self, reason: Reason, operation: int, id: int, *, side: int, price: int, size: int, owner: int
    ) -> NoReturn:
        self._write(EventKind.REJECTED, reason, side, price, size, id, operation, owner)
        if id not in self.status:
            self.status[id] = "rejected"
        raise Refusal(reason)

    def _write(
        self, kind: EventKind, reason: Reason, side: int, price: int, size: int, order: int, other: int, owner: int,
        other_owner: int = -1,
    ) -> None:  # fmt: skip
        self.events.append(Event(kind, reason, side, price, size, order, other, owner, other_owner, self.messages - 1))

    def _dispatch(self, op: int, id: int, side: int, price: int, size: int, owner: int) -> None:
        if op in (LIMIT, IOC):
            self.limit(id, side, price, size, owner, ioc=op == IOC)
        elif op == MARKET:
            self.market(id, side, size, owner)
        elif op == CANCEL:
            self.cancel(id, owner)
        elif op == REDUCE:
            self.reduce(id, size, owner)
        elif op == MODIFY:
            self.modify(id, None if price == KEEP else price, None if size == KEEP else size, owner)
        elif op == MASS_CANCEL:
            self.mass_cancel(owner)
