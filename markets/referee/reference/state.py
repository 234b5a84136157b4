"""The book's memory, and the few changes that every rule is made of: queue, leave, fill, cancel, write down."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from sortedcontainers import SortedDict

from sekai.markets.book.messages import EventKind, Reason
from sekai.markets.referee.reference.records import BUY, SELL, Account, Event, Level, Order, Stop
from sekai.markets.rules import BPS_PARTS, VenueRules

__all__ = ["MAX_ID", "MAX_PRICE", "MAX_SIZE", "MAX_VALUE", "MONEY", "State"]

MAX_PRICE = 2**31 - 1
MAX_SIZE = 2**30 - 1
MAX_ID = 2**31 - 1
MAX_VALUE = 2**62 // 100
MONEY = 100  # hundredths of tick x lot


@dataclass
class State:
    """A venue's memory. `sides[BUY]` and `sides[SELL]` map a price to its level.

    `waiting` holds a call's market orders, by time; `stops` are in the order of their age, the oldest first.
    """

    rules: VenueRules = field(default_factory=VenueRules)
    sides: tuple[Any, Any] = field(default_factory=lambda: (SortedDict(), SortedDict()))
    waiting: tuple[list[Order], list[Order]] = field(default_factory=lambda: ([], []))
    orders: dict[int, Order] = field(default_factory=dict)
    stops: dict[int, Stop] = field(default_factory=dict)
    accounts: defaultdict[int, Account] = field(default_factory=lambda: defaultdict(Account))
    venue_cash: int = 0
    trades: list[tuple[int, int, int, int]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    outcome: dict[int, str] = field(default_factory=dict)
    trading_phase: str = "continuous"
    last: int | None = None  # at first that of the rules
    mark_half_ticks: int | None = None
    messages: int = 0
    time_ns: int = 0
    sent: dict[int, tuple[int, int]] = field(default_factory=dict)  # owner to (window, new orders in it)

    def __post_init__(self) -> None:
        self.last = self.rules.last_trade

    # --- looking --------------------------------------------------------------------------------------------------

    def prices(self, side: int) -> list[int]:
        """Return the prices of a side, best first."""
        prices = list(self.sides[side])
        return prices[::-1] if side == BUY else prices

    def best(self, side: int) -> int | None:
        """Return the best price at which everybody sees an order, or None."""
        levels = self.sides[side]
        prices = reversed(levels) if side == BUY else iter(levels)
        return next((price for price in prices if levels[price].displayed), None)

    def open_lots(self, owner: int, side: int) -> int:
        """Return the lots of an owner's live and pending orders of a side."""
        pending = (stop.order for stop in self.stops.values())
        return sum(o.size for o in [*self.orders.values(), *pending] if (o.owner, o.side) == (owner, side))

    def open_orders(self, owner: int) -> int:
        """Return how many live and pending orders an owner has."""
        pending = (stop.order for stop in self.stops.values())
        return sum(order.owner == owner for order in [*self.orders.values(), *pending])

    def sent_now(self, owner: int) -> int:
        """Return how many new orders of an owner were accepted in the present window of time."""
        window, count = self.sent.get(owner, (0, 0))
        return count if window == self.time_ns // self.rules.order_rate_window_ns else 0

    def level_size(self, side: int, price: int) -> int:
        """Return all that is open at a price, held back and hidden too."""
        return sum(order.size for order in self.sides[side].get(price, ()))

    # --- queues ---------------------------------------------------------------------------------------------------

    def queue(self, order: Order) -> None:
        """Put an order at the back of its price's queue, or of the market orders that wait for a call's end."""
        order.show()
        self.orders[order.id] = order
        self.outcome[order.id] = "live"
        if order.tif == "market":
            self.waiting[order.side].append(order)
        else:
            self.sides[order.side].setdefault(order.price, Level()).queue_of(order).append(order)

    def leave(self, order: Order) -> None:
        """Take a live order out of its queue."""
        del self.orders[order.id]
        if order.tif == "market":
            self.waiting[order.side].remove(order)
            return
        level = self.sides[order.side][order.price]
        level.queue_of(order).remove(order)
        if not level:
            del self.sides[order.side][order.price]

    def renew(self, order: Order) -> None:
        """Where an iceberg's tranche is used up, show the next one, at the back of the queue."""
        if order.size == 0 or order.tranche > 0:
            return
        queue = self.sides[order.side][order.price].displayed
        queue.remove(order)
        queue.append(order)
        order.show()
        self.write(EventKind.REPLENISHED, order.side, order.price, order.shown, order.id, -1, order.owner)

    def rest(self, order: Order) -> None:
        """Queue what is left of an order, if its price has room for it."""
        if order.tif != "market" and self.level_size(order.side, order.price) + order.size > MAX_SIZE:
            self.cancel_lots(order, order.size, Reason.LEVEL_FULL)
        else:
            self.queue(order)

    # --- orders shrink --------------------------------------------------------------------------------------------

    def fill(self, maker: Order, taker: Order, lots: int) -> None:
        """Trade at the resting order's price, and take the lots from both."""
        self.settle(maker, taker, maker.price, lots, is_auction=False)
        taker.size -= lots
        taker.traded += lots
        maker.traded += lots
        if taker.size == 0:
            self.outcome[taker.id] = "filled"
        self._use_up(maker, lots, "filled")
        self.renew(maker)

    def prevent(self, maker: Order, lots: int) -> None:
        """Take from a resting order what prevention says."""
        kind = EventKind.CANCELLED if lots == maker.size else EventKind.REDUCED
        self.write(kind, maker.side, maker.price, lots, maker.id, -1, maker.owner, reason=Reason.SELF_TRADE)
        self._use_up(maker, lots, "cancelled")

    def _use_up(self, maker: Order, lots: int, outcome: str) -> None:
        maker.size -= lots
        maker.shown -= 0 if maker.display is None else lots
        if maker.size == 0:
            self.leave(maker)
            self.outcome[maker.id] = outcome

    def cancel_lots(self, order: Order, lots: int, reason: Reason, price: int | None = None) -> None:
        """Take lots away from an order that stands in no queue; all of them cancel it."""
        kind = EventKind.CANCELLED if lots == order.size else EventKind.REDUCED
        named = order.price if price is None else price
        self.write(kind, order.side, named, lots, order.id, -1, order.owner, reason=reason)
        order.shrink(lots)
        if order.size == 0:
            self.outcome[order.id] = "cancelled"

    # --- money ----------------------------------------------------------------------------------------------------

    def settle(self, first: Order, second: Order, price: int, lots: int, *, is_auction: bool) -> None:
        """Exchange lots for cash between two orders, charge them, and write it down; the second took."""
        buyer, seller = (first, second) if first.side == BUY else (second, first)
        edge = 0 if self.mark_half_ticks is None else (self.mark_half_ticks - 2 * price) * (MONEY // 2) * lots
        for order, sign in ((buyer, 1), (seller, -1)):
            account = self.accounts[order.owner]
            account.position += sign * lots
            account.cash -= sign * lots * price * MONEY
            account.edge += sign * edge
            account.fills += 1
            account.volume += lots
        self._charge(first, price, lots, is_maker=not is_auction)
        self._charge(second, price, lots, is_maker=False)
        self.last = price
        for stop in self.stops.values():
            stop.follow(price)
        self.trades.append((first.id, second.id, price, lots))
        self.write(
            EventKind.TRADED, second.side, price, lots, first.id, second.id, first.owner, other_owner=second.owner
        )

    def _charge(self, order: Order, price: int, lots: int, *, is_maker: bool) -> None:
        rules = self.rules
        parts = rules.maker_fee_parts if is_maker else rules.taker_fee_parts
        per_lot = rules.maker_fee_per_lot if is_maker else rules.taker_fee_per_lot
        fee = _rounded(price * lots * MONEY * parts, 10_000 * BPS_PARTS) + per_lot * lots
        self.accounts[order.owner].cash -= fee
        self.venue_cash += fee

    def remark(self) -> None:
        """Set the mark to the mid; leave it while a side is empty, and outside continuous trading."""
        bid, ask = self.best(BUY), self.best(SELL)
        if bid is not None and ask is not None and self.trading_phase == "continuous":
            self.mark_half_ticks = bid + ask

    # --- writing --------------------------------------------------------------------------------------------------

    def write(
        self, kind: EventKind, side: int, price: int, size: int, order: int, other: int, owner: int,
        *, other_owner: int = -1, reason: Reason = Reason.OK, shown: int = -1,
    ) -> None:  # fmt: skip
        """Write an event down."""
        cause = self.messages - 1
        self.events.append(Event(kind, reason, side, price, size, order, other, owner, other_owner, cause, shown))


def _rounded(amount: int, unit: int) -> int:
    """Return amount / unit, a half rounded away from zero."""
    size = (2 * abs(amount) + unit) // (2 * unit)
    return size if amount >= 0 else -size
