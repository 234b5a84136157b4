"""Who is in a market, as data: a venue, the flow in the background, and the seats at the table.

Every table is a frozen dataclass; what a number may be stands in its annotation, is checked when the object is made,
and is the same that a scenario file is checked against. Nothing here knows how a market runs.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Literal, TypeAlias

from annotated_types import Ge, Gt, Le, MinLen, Predicate

from sekai.error import SekaiError
from sekai.markets.parts.observations import Fundamental as FundamentalSeen
from sekai.markets.parts.roles import Role
from sekai.markets.policy import CompiledPolicy
from sekai.markets.rules import VenueRules
from sekai.markets.schedule import Schedule
from sekai.markets.units import MAX_PRICE_TICKS, Units
from sekai.utils import Checked, line_of_text, power_of_two

__all__ = [
    "MOST_PENDING",
    "Clock",
    "CompiledPolicy",
    "Count",
    "EveryTrades",
    "Flow",
    "Fundamental",
    "Latency",
    "Market",
    "NonNegative",
    "OwnFills",
    "Periodic",
    "Poisson",
    "Positive",
    "Replay",
    "Seat",
    "Venue",
    "ZeroIntelligence",
]

Positive = Annotated[float, Gt(0), Le(1e12)]
NonNegative = Annotated[float, Ge(0), Le(1e12)]
Latency = Annotated[float, Ge(0), Le(3600)]
Count = Annotated[int, Ge(1), Le(1 << 20)]
_SENDS_MOST, _FEW_SEATS, _SENDS_OF_MANY = 64, 64, 8  # messages of one decision
MOST_PENDING = 1 << 22  # entries in a market's heap: 128 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue(Checked):
    """Where the trading happens. Prices and sizes are in currency and shares; capacity is explicit.

    `gateway_capacity` is how many messages may be on their way at once; 0 is enough for what the seats' clocks and
    latencies let one expect. `rules` say what an order may be and who trades with whom, `schedule` when there are calls
    and how a halt ends. The rules' band must hold the opening price; where it halts, it moves with each call's price.
    """

    tick_size: Positive = 0.01
    lot_size: Positive = 1.0
    opening_price: Positive = 100.0
    ladder_ticks: Annotated[int, Ge(64), Le(64**3), Predicate(power_of_two)] = 1024
    order_capacity: Annotated[int, Ge(16), Le(1 << 20)] = 1024
    gateway_capacity: Annotated[int, Ge(0), Le(1 << 20)] = 0
    feed_capacity: Annotated[int, Ge(16), Le(1 << 20), Predicate(power_of_two)] = 1024
    rules: VenueRules = field(default_factory=VenueRules)
    schedule: Schedule = field(default_factory=Schedule)

    def _more_faults(self) -> list[str]:
        try:
            ticks = Units(self.tick_size).ticks(self.opening_price, "opening_price")
        except SekaiError as error:
            return [str(error)]
        if not 1 <= ticks <= MAX_PRICE_TICKS - self.ladder_ticks:
            most = MAX_PRICE_TICKS - self.ladder_ticks
            return [f"opening_price must be 1 to {most} ticks of {self.tick_size}, got {self.opening_price}: {ticks}"]
        low, high = self.rules.band
        if not low <= ticks <= high:
            return [f"rules.band must hold the opening price, {ticks} ticks, got {low} to {high}"]
        return []

    @property
    def units(self) -> Units:
        """The venue's tick boundary."""
        return Units(self.tick_size, self.lot_size)

    @property
    def has_phases(self) -> bool:
        """Whether trading is not always continuous: there are calls, or a band that halts."""
        calls = self.schedule.opening_call_s, self.schedule.closing_call_s, self.schedule.intraday_calls
        return self.rules.halt_band or any(calls)

    @property
    def base_ticks(self) -> int:
        """The price in ticks at the foot of the ladder, which is centred on the opening price where it can be."""
        return max(0, self.units.ticks(self.opening_price) - self.ladder_ticks // 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroIntelligence(Checked):
    """A crowd that trades without a reason: independent Poisson flow on each side (Cont, Stoikov, Talreja 2010).

    Rates are per minute: of limit orders at 1, 2, ... ticks from the opposite best price, of cancels of one order at
    that distance, and of market orders. Beyond the listed distances limit orders arrive at
    `limit_tail_scale / i ** limit_tail_exponent` up to `depth_ticks`, and the last cancel rate holds.
    `pace` multiplies all rates. The defaults are the paper's.
    """

    kind: Literal["zero_intelligence"] = "zero_intelligence"
    limit_per_min: Annotated[tuple[NonNegative, ...], MinLen(1)] = (1.85, 1.51, 1.09, 0.88, 0.77)
    limit_tail_scale: NonNegative = 1.92
    limit_tail_exponent: Annotated[float, Ge(0), Le(20)] = 0.52
    cancel_per_min: Annotated[tuple[NonNegative, ...], MinLen(1)] = (0.71, 0.81, 0.68, 0.56, 0.47)
    market_per_min: NonNegative = 0.94
    depth_ticks: Annotated[int, Ge(1), Le(512)] = 20
    order_lots: Count = 1
    pace: Annotated[float, Gt(0), Le(1e9)] = 1.0

    def _more_faults(self) -> list[str]:
        faults = []
        if self.depth_ticks < len(self.limit_per_min):
            faults.append(f"depth_ticks must be >= the {len(self.limit_per_min)} limit_per_min, got {self.depth_ticks}")
        if not any(self.limit_per_min):
            faults.append("limit_per_min must have a rate > 0, got none")
        if not any(self.cancel_per_min[: self.depth_ticks]):
            within = f"within depth_ticks = {self.depth_ticks}"
            faults.append(f"cancel_per_min must have a rate > 0 {within}, or the book would fill up; got none")
        return faults

    def limit_rate_per_min(self, distance_ticks: int) -> float:
        """Return the rate of limit orders of one side at a distance from the opposite best price, before `pace`."""
        if distance_ticks <= len(self.limit_per_min):
            return self.limit_per_min[distance_ticks - 1]
        # in decimal: the C library's power need not have the same last bit everywhere
        return float(Decimal(self.limit_tail_scale) / Decimal(distance_ticks) ** Decimal(self.limit_tail_exponent))

    def cancel_rate_per_min(self, distance_ticks: int) -> float:
        """Return the rate at which one order at that distance is cancelled, before `pace`."""
        return self.cancel_per_min[min(distance_ticks, len(self.cancel_per_min)) - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay(Checked):
    """A recorded day: the orders of a tape, each at its time, in one book with everybody else's.

    `file` is LOBSTER's zip or message file, or a saved tape with a book (see `data.files`). The market's clock
    starts, warm-up included, at `start_s` seconds after midnight, or with the first message where that is later. What
    others took from a recorded order, or traded in its place, its later cancels and executions leave out.
    """

    kind: Literal["replay"] = "replay"
    file: Annotated[str, MinLen(1)]
    start_s: NonNegative = 0.0


Flow: TypeAlias = ZeroIntelligence | Replay


@dataclass(frozen=True, slots=True, kw_only=True)
class Periodic(Checked):
    """Decides every so many seconds, first at the open."""

    kind: Literal["periodic"] = "periodic"
    every_s: Annotated[float, Ge(1e-6), Le(1e8)] = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Poisson(Checked):
    """Decides at exponential times, so many seconds apart on average."""

    kind: Literal["poisson"] = "poisson"
    every_s: Annotated[float, Ge(1e-6), Le(1e8)] = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EveryTrades(Checked):
    """Decides at the open, and whenever so many trades have printed since."""

    kind: Literal["trades"] = "trades"
    trades: Count = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFills(Checked):
    """Decides at the open, and whenever an order of its own has traded."""

    kind: Literal["fills"] = "fills"


Clock: TypeAlias = Periodic | Poisson | EveryTrades | OwnFills


@dataclass(frozen=True, slots=True, kw_only=True)
class Fundamental(Checked):
    """What the asset is worth: reverts to the opening price, half of the way in `half_life_s` (0: never), and may jump.

    It moves on a grid of `step_s` seconds, by `volatility_ticks` per square root of a second; jumps come at random,
    `jumps_per_min` a minute, up or down alike, exponential of mean `jump_ticks`. Nobody's trading changes it.
    """

    volatility_ticks: NonNegative = 1.0
    half_life_s: NonNegative = 300.0
    jumps_per_min: Annotated[float, Ge(0), Le(1e3)] = 0.0
    jump_ticks: NonNegative = 0.0
    step_s: Annotated[float, Ge(1e-6), Le(3600)] = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat(Checked):
    """One participant with an account. Without a policy it is played from outside, and then it needs a role.

    What it sends takes `latency_s` to the book; what the market publishes reaches it `market_data_lag_s` late: the
    book, the trades, and the mark from which it counts. Its own account and orders it knows at once.
    """

    name: Annotated[str, Predicate(line_of_text)]
    role: Role | None = None
    clock: Clock = field(default_factory=Periodic)
    latency_s: Latency = 0.0
    market_data_lag_s: Latency = 0.0
    policy: CompiledPolicy | None = None

    def _more_faults(self) -> list[str]:
        faults = []
        if not self.name or self.name in ("background", "venue"):
            faults.append(f"name must be a name of its own, not empty, 'background' or 'venue', got {self.name!r}")
        if self.policy is None and self.role is None:
            faults.append(f"seat {self.name!r} must have a role or a compiled policy, got neither")
        if self.policy is not None and not isinstance(self.policy, CompiledPolicy):
            faults.append(f"policy of {self.name!r} must have .kernel and .parameters, got {self.policy!r}")
        if self.role is not None:
            faults += [f"role of {self.name!r}: {fault}" for fault in self.role.faults()]
        return faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Market(Checked):
    """All who are in a market; a session lasts `session_s` seconds, after `warmup_s` of background flow alone."""

    seats: tuple[Seat, ...]
    venue: Venue = field(default_factory=Venue)
    flow: Flow | None = field(default_factory=ZeroIntelligence)
    fundamental: Fundamental | None = None
    session_s: Annotated[float, Ge(1e-6), Le(1e8)] = 600.0
    warmup_s: Annotated[float, Ge(0), Le(1e8)] = 0.0

    def _more_faults(self) -> list[str]:
        twice = sorted(name for name, count in Counter(seat.name for seat in self.seats).items() if count > 1)
        faults = [f"names of seats must differ, got {name!r} more than once" for name in twice]
        faults += [f"venue.{fault}" for fault in self.venue.schedule.faults(self.session_s)]
        faults += self._fundamental_faults()
        faults += self._crowd_faults(self.flow) if isinstance(self.flow, ZeroIntelligence) else []
        if len(self.seats) > 60_000:
            faults.append(f"seats must be at most 60,000, got {len(self.seats)}")
        elif self.pending_capacity > MOST_PENDING:
            faults.append(
                f"latencies and clocks must leave at most {MOST_PENDING} messages on their way at once, "
                f"got {self.pending_capacity}: decide less often, or shorten the latency"
            )
        return faults

    def _fundamental_faults(self) -> list[str]:
        roles = {seat.name: seat.role for seat in self.seats if seat.role is not None}
        seers = [n for n, role in roles.items() if any(isinstance(p, FundamentalSeen) for p in role.observations)]
        if self.fundamental is not None or not seers:
            return []
        return [f"fundamental must be given where a seat sees it, as {seers[0]!r} does, got None"]

    def _crowd_faults(self, flow: ZeroIntelligence) -> list[str]:
        """Return which rules the crowd cannot keep: its orders are all of one size, at every tick."""
        rules, lots, faults = self.venue.rules, flow.order_lots, []
        if lots % rules.lot:
            faults.append(f"rules.lot must divide flow.order_lots, {lots}, got {rules.lot}")
        if rules.max_size < lots:
            faults.append(f"rules.max_size must be >= flow.order_lots, {lots}, got {rules.max_size}")
        if rules.tick != 1:
            faults.append(
                f"rules.tick must be 1 with a zero_intelligence flow, whose orders are at every tick, got "
                f"{rules.tick}; tick_size says what a tick is worth"
            )
        return faults

    @property
    def pending_capacity(self) -> int:
        """How many things may be pending at once: wake-ups, the flow, phases, and what is on its way to the book."""
        expected = sum(self._in_flight(seat) for seat in self.seats)
        return 16 + len(self.seats) + self.pending_phases + (self.venue.gateway_capacity or expected)

    @property
    def pending_phases(self) -> int:
        """How many changes of phase may be pending at once: a call's two, a halt's end, those that a call overtook."""
        calls = len(self.venue.schedule.calls_ns(self.session_s))
        return 3 * calls + 1 if self.venue.has_phases else 0

    def _in_flight(self, seat: Seat) -> int:
        """Return how many messages of a seat may be on their way at once, for trade clocks by a guess."""
        if isinstance(seat.clock, Periodic | Poisson):
            every_s = seat.clock.every_s
        else:
            flow = self.flow
            trades_per_s = 4.0 * flow.market_per_min * flow.pace / 60.0 if isinstance(flow, ZeroIntelligence) else 100.0
            every_s = max(getattr(seat.clock, "trades", 1) / max(trades_per_s, 1.0), 1e-6)
        decisions = 1 + math.ceil(2.0 * seat.latency_s / every_s)
        sends = 4 if seat.policy is None else (_SENDS_MOST if len(self.seats) <= _FEW_SEATS else _SENDS_OF_MANY)
        return decisions * sends
