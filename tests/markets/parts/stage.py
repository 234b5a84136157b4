"""A market for one seat under test, without a crowd: everybody else does what a script says, at its moment.

The mark is 10,000.5 at first. The seat decides at 0, 1, 2, ... seconds; a script speaks in between, so that what it has
sent is in the book when the seat looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sekai.markets.book.messages import EventKind, Reason
from sekai.markets.config import Market, Periodic, Seat, Venue
from sekai.markets.engine.check import check
from sekai.markets.envs import MarketEnv
from sekai.markets.parts import Action, Clock, Observation, Parts, Reward
from sekai.markets.sdk import (
    BUY,
    BY_CLOCK,
    SELL,
    cancel,
    iceberg,
    kernel,
    limit,
    market,
    now,
    parameter,
    price_offset,
)

__all__ = [
    "BOOK",
    "BUY",
    "LADDER",
    "SELL",
    "Line",
    "Script",
    "Stage",
    "asks",
    "bids",
    "buys",
    "ice",
    "parts",
    "sells",
    "takes",
]

LADDER: Final = 256
S: Final = 1_000_000_000
Line = tuple[float, int, int, int, int, int]  # second, verb, slot, side, price, lots
_LIMIT, _MARKET, _CANCEL, _ICEBERG = range(4)


@kernel
def _speak(row: Any, me: int) -> int:
    """Send the lines whose moment has come."""
    for k in range(int(parameter(row, me, 0))):
        at = 1 + 6 * k
        if int(parameter(row, me, at) * 1e9 + 0.5) != now(row, me):
            continue
        verb, slot, side = (
            int(parameter(row, me, at + 1)),
            int(parameter(row, me, at + 2)),
            int(parameter(row, me, at + 3)),
        )
        price, lots = int(parameter(row, me, at + 4)) - price_offset(row, me), int(parameter(row, me, at + 5))
        if verb == _LIMIT:
            limit(row, me, slot, side, price, lots)
        elif verb == _MARKET:
            market(row, me, side, lots)
        elif verb == _CANCEL:
            cancel(row, me, slot)
        else:
            iceberg(row, me, slot, side, price, lots, 2)
    return BY_CLOCK


class Script:
    """The policy of somebody who says these lines; quarters of a second are its moments."""

    kernel = staticmethod(_speak)

    def __init__(self, *lines: Line) -> None:
        self.parameters = (float(len(lines)), *(float(number) for line in lines for number in line))
        self.special_orders = any(line[1] == _ICEBERG for line in lines)


def bids(second: float, slot: int, price: int, lots: int) -> Line:
    """A bid, by client order slot."""
    return second, _LIMIT, slot, BUY, price, lots


def asks(second: float, slot: int, price: int, lots: int) -> Line:
    """An ask, by client order slot."""
    return second, _LIMIT, slot, SELL, price, lots


def ice(second: float, slot: int, side: int, price: int, lots: int) -> Line:
    """An iceberg that shows two lots."""
    return second, _ICEBERG, slot, side, price, lots


def buys(second: float, lots: int) -> Line:
    """A market order to buy."""
    return second, _MARKET, 0, BUY, 0, lots


def sells(second: float, lots: int) -> Line:
    """A market order to sell."""
    return second, _MARKET, 0, SELL, 0, lots


def takes(second: float, slot: int) -> Line:
    """Take an order out of the book."""
    return second, _CANCEL, slot, BUY, 0, 0


# Bids 9998 x 5 and x 2, 9996 x 4; asks 10002 x 3, 10003 x 6: the mark is 10,000 from a quarter of a second on.
BOOK: Final = (
    bids(0.25, 0, 9998, 5),
    bids(0.25, 1, 9998, 2),
    bids(0.25, 2, 9996, 4),
    asks(0.25, 3, 10_002, 3),
    asks(0.25, 4, 10_003, 6),
)


def parts(*given: Observation | Action | Reward | Any, name: str = "tested", joint: bool = False) -> Parts:
    """Return a role of these parts, each in the list of its kind."""
    lists: dict[str, list[Any]] = {"observations": [], "actions": [], "rewards": [], "ends": []}
    for part in given:
        kind = next(
            k for k, base in zip(lists, (Observation, Action, Reward, object), strict=True) if isinstance(part, base)
        )
        lists[kind].append(part)
    lists["observations"] = lists["observations"] or [Clock()]
    filled = {kind: tuple(found) for kind, found in lists.items() if found or kind in ("rewards", "ends")}
    return Parts(name=name, joint=joint, **filled)


class Stage:
    """The market, and the seat `me` in it, which decides every second."""

    def __init__(
        self,
        role: Any,
        *lines: Line,
        other: Sequence[Line] = (),
        seats: Sequence[Seat] = (),
        session_s: float = 20.0,
        seed: int = 0,
        rules: Any = None,
        schedule: Any = None,
        fundamental: Any = None,
        tick_size: float = 0.01,
        **seat: Any,
    ) -> None:
        venue: dict[str, Any] = {"ladder_ticks": LADDER, "order_capacity": 128, "tick_size": tick_size}
        venue |= {"opening_price": 10_000 * tick_size}
        venue |= {name: value for name, value in (("rules", rules), ("schedule", schedule)) if value is not None}
        quarter = Periodic(every_s=0.25)
        me = Seat(name="me", role=role, **({"clock": Periodic(every_s=1.0)} | seat))
        crowd = Seat(name="crowd", policy=Script(*lines), clock=quarter)
        others = Seat(name="other", policy=Script(*other), clock=quarter)
        self.role = role
        self.env = MarketEnv(
            Market(
                seats=(me, crowd, others, *seats),
                venue=Venue(**venue),
                flow=None,
                fundamental=fundamental,
                session_s=session_s,
            ),
            record=True,
        )
        self.result: Any = self.env.reset(seed=seed)
        self.new: NDArray[Any] = self.env.events()

    # --- acting -------------------------------------------------------------------------------------------------------
    def action(self, **asked: Any) -> Any:
        """Return the action that asks for these numbers, by the names of the action parts, and of the rest for 0."""
        numbers = {part.name: np.atleast_1d(asked.pop(part.name, np.zeros(part.size))) for part in self.role.actions}
        assert not asked, asked
        choices = [part.choices for part in self.role.actions]
        if self.role.joint:
            nvec = [n for each in choices for n in each]
            flat = np.concatenate(list(numbers.values())).astype(int)
            return int(np.ravel_multi_index(tuple(flat), nvec))
        if len(choices) > 1 and any(choices) and not all(choices):
            return numbers
        return np.concatenate(list(numbers.values())).astype(np.int64 if all(choices) else np.float64)

    def step(self, seconds: int = 1, **asked: Any) -> Any:
        """Ask once, then for nothing; `new` has the events since."""
        happened = []
        for _ in range(seconds):
            rest = {agent: [0] * 2 for agent in self.env.acting if agent != "me"}
            self.result = self.env.step({"me": self.action(**asked), **rest} if "me" in self.env.acting else rest)
            asked = {}
            happened.append(self.env.events())
            check(self.env.row)
            assert sum(self.env.wealth().values()) == 0
        self.new = np.concatenate(happened)
        return self.result

    # --- what there is ------------------------------------------------------------------------------------------------
    def seen(self, part: str) -> Any:
        """Return what the seat was last shown of a part, as lists."""
        return np.round(self.result.observations["me"][part].astype(float), 5).tolist()

    @property
    def info(self) -> dict[str, Any]:
        """What the seat was last told beside."""
        found: dict[str, Any] = (self.result.info if hasattr(self.result, "info") else self.result.infos)["me"]
        return found

    def of(self, kind: EventKind, owner: str = "me") -> NDArray[Any]:
        """Return the new events of a kind of somebody's orders, or messages."""
        found: NDArray[Any] = self.new[
            (self.new["kind"] == kind) & (self.new["owner"] == self.env.accounts.index(owner))
        ]
        return found

    @property
    def accepted(self) -> list[tuple[int, int, int]]:
        """The seat's orders that were new: side, price and lots."""
        return [(int(e["side"]), int(e["price_ticks"]), int(e["size"])) for e in self.of(EventKind.ACCEPTED)]

    @property
    def rejected(self) -> list[Reason]:
        """Why messages of the seat were rejected."""
        return [Reason(e["reason"]) for e in self.of(EventKind.REJECTED)]

    @property
    def position(self) -> int:
        """The seat's position."""
        return self.env.look.position_lots(0)

    def book(self) -> dict[int, int]:
        """Return the lots at each price where there are some: bids positive, asks negative."""
        lots, base = self.env.look.ladder_lots(), self.env.look.base_ticks
        return {base + int(k): int(lots[k]) for k in np.flatnonzero(lots)}
