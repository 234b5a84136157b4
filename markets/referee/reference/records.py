"""What the reference book is made of: orders, stops that wait, levels, accounts, events. Ticks, lots and hundredths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from sekai.markets.book.messages import EventKind, Reason

__all__ = ["BUY", "SELL", "Account", "Event", "Level", "Order", "Refusal", "Stop", "Tif"]

BUY, SELL = 0, 1
Tif = Literal["gtc", "ioc", "fok", "aon", "market"]


class Refusal(Exception):
    """Raised when the book refuses a message; its one argument is the `Reason`."""

    @property
    def reason(self) -> Reason:
        """Why."""
        return Reason(self.args[0])


@dataclass(slots=True, eq=False)
class Order:
    """An order; `size` is what is still open, `shown` what an iceberg displays of it, `price` 0 for a market order."""

    id: int
    side: int
    price: int
    size: int
    owner: int
    tif: Tif = "gtc"
    display: int | None = None
    hidden: bool = False
    shown: int = 0
    traded: int = 0

    @property
    def is_aon(self) -> bool:
        """Whether one taker must fill it whole."""
        return self.tif == "aon"

    @property
    def may_rest(self) -> bool:
        """Whether what does not trade stays in the book."""
        return self.tif in ("gtc", "aon")

    @property
    def tranche(self) -> int:
        """The lots that trade at its place in the queue: of an iceberg, those that it shows."""
        return self.size if self.display is None else self.shown

    @property
    def visible(self) -> int:
        """The lots that everybody sees."""
        return 0 if self.hidden else self.tranche

    @property
    def shows(self) -> int:
        """What its events say that it shows: 0 if it is hidden, an iceberg's display, else -1 for all."""
        return 0 if self.hidden else -1 if self.display is None else self.display

    def show(self) -> None:
        """Show the next tranche of an iceberg."""
        self.shown = 0 if self.display is None else min(self.display, self.size)

    def shrink(self, lots: int) -> None:
        """Take open lots away, those that an iceberg holds back first."""
        self.size -= lots
        self.shown = min(self.shown, self.size)


@dataclass(slots=True, eq=False)
class Stop:
    """An order that waits for the last trade price to pass `stop`, or to fall back by `offset` from the best one."""

    order: Order
    stop: int | None
    offset: int | None = None
    best: int | None = None

    @property
    def named_price(self) -> int:
        """The price that events give for it: its limit, else its stop, else its offset."""
        if self.order.tif != "market":
            return self.order.price
        return self.stop if self.stop is not None else self.offset or 0

    def follow(self, price: int) -> None:
        """Note a trade: a trailing stop moves with the best price, never back."""
        if self.offset is not None:
            better = min if self.order.side == BUY else max
            self.best = price if self.best is None else better(self.best, price)

    def is_reached(self, last: int | None) -> bool:
        """Say whether the last trade price elects it."""
        sign = 1 if self.order.side == BUY else -1
        if self.offset is not None:
            stop = None if self.best is None else self.best + sign * self.offset
        else:
            stop = self.stop
        return stop is not None and last is not None and sign * last >= sign * stop


@dataclass(slots=True)
class Level:
    """The orders at one price, the oldest first: those that all can see trade before those that nobody can."""

    displayed: list[Order] = field(default_factory=list)
    hidden: list[Order] = field(default_factory=list)

    def __iter__(self) -> Iterator[Order]:
        return iter([*self.displayed, *self.hidden])

    def __bool__(self) -> bool:
        return bool(self.displayed or self.hidden)

    def queue_of(self, order: Order) -> list[Order]:
        """Return the queue that an order stands in."""
        return self.hidden if order.hidden else self.displayed


@dataclass(slots=True)
class Account:
    """What one owner has; `cash` and `edge` in hundredths of tick x lot."""

    cash: int = 0
    position: int = 0
    edge: int = 0
    fills: int = 0
    volume: int = 0


class Event(NamedTuple):
    """Something that happened: the fields of `sekai.markets.book.messages.EVENT`, by the same names.

    `shown`, of an order that is accepted or replaced: 0 if it is hidden, its display if it is an iceberg, else -1.
    """

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
    shown: int = -1
