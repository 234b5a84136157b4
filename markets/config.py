"""Who is in a market, as data: a venue, the flow in the background, and the seats at the table.

Every table is a frozen dataclass; what a number may be stands in its annotation, is checked when the object is made,
and is the same that a scenario file is checked against. Nothing here knows how a market runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Annotated, Any, Literal, Protocol, TypeAlias, get_args, get_origin, get_type_hints, runtime_checkable

from annotated_types import Ge, Gt, Le, MinLen

from sekai.error import SekaiError

from .units import Units

__all__ = [
    "Clock",
    "CompiledPolicy",
    "ConfigError",
    "EveryTrades",
    "Maker",
    "Market",
    "OwnFills",
    "Periodic",
    "Poisson",
    "Role",
    "Seat",
    "Taker",
    "Venue",
    "ZeroIntelligence",
]

Positive = Annotated[float, Gt(0)]
NonNegative = Annotated[float, Ge(0)]
Count = Annotated[int, Ge(1)]


class ConfigError(SekaiError, ValueError):
    """Raised for a market that cannot be: it names every argument that is wrong and what would have been right."""


class _Checked:
    """Checks its fields against the bounds in their annotations, all faults in one error."""

    __slots__ = ()

    def __post_init__(self) -> None:
        faults = [fault for name, bounds in _bounds(type(self)) for fault in _faults(name, getattr(self, name), bounds)]
        faults += self._more_faults()
        if faults:
            raise ConfigError("; ".join(faults))

    def _more_faults(self) -> list[str]:
        """Return what is wrong between fields."""
        return []


@cache
def _bounds(cls: type) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    hints = get_type_hints(cls, include_extras=True)
    found = []
    for f in fields(cls):
        hint = hints[f.name]
        if get_origin(hint) is Annotated:
            found.append((f.name, get_args(hint)[1:]))
        elif get_origin(hint) is tuple and get_origin(get_args(hint)[0]) is Annotated:
            found.append((f.name, ("each", *get_args(get_args(hint)[0])[1:])))
    return tuple(found)


def _faults(name: str, value: Any, bounds: tuple[Any, ...]) -> list[str]:
    if bounds and bounds[0] == "each":
        return [fault for k, v in enumerate(value) for fault in _faults(f"{name}[{k}]", v, bounds[1:])]
    faults = []
    for bound in bounds:
        if isinstance(bound, MinLen):
            if len(value) < bound.min_length:
                faults.append(f"{name} must have at least {bound.min_length} entries, got {len(value)}")
        elif not isinstance(value, int | float):
            return [f"{name} must be a number, got {value!r}"]
        elif isinstance(bound, Gt) and not value > bound.gt:  # type: ignore[operator]
            faults.append(f"{name} must be > {bound.gt}, got {value}")
        elif isinstance(bound, Ge) and not value >= bound.ge:  # type: ignore[operator]
            faults.append(f"{name} must be >= {bound.ge}, got {value}")
        elif isinstance(bound, Le) and not value <= bound.le:  # type: ignore[operator]
            faults.append(f"{name} must be <= {bound.le}, got {value}")
    return faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue(_Checked):
    """Where the trading happens. Prices and sizes are in currency and shares; capacity is explicit."""

    tick_size: Positive = 0.01
    lot_size: Positive = 1.0
    opening_price: Positive = 100.0
    ladder_ticks: Annotated[int, Ge(64), Le(64**3)] = 1024
    order_capacity: Annotated[int, Ge(16), Le(1 << 20)] = 1024

    def _more_faults(self) -> list[str]:
        faults = []
        if self.ladder_ticks & (self.ladder_ticks - 1):
            nearest = 1 << (self.ladder_ticks - 1).bit_length()
            faults.append(f"ladder_ticks must be a power of two such as {nearest}, got {self.ladder_ticks}")
        try:
            Units(self.tick_size).ticks(self.opening_price, "opening_price")
        except SekaiError as error:
            faults.append(str(error))
        return faults

    @property
    def units(self) -> Units:
        """The venue's tick boundary."""
        return Units(self.tick_size, self.lot_size)

    @property
    def base_ticks(self) -> int:
        """The price in ticks at the foot of the ladder, which is centred on the opening price where it can be."""
        return max(0, self.units.ticks(self.opening_price) - self.ladder_ticks // 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroIntelligence(_Checked):
    """A crowd that trades without a reason: independent Poisson flow on each side (Cont, Stoikov, Talreja 2010).

    Rates are per minute: of limit orders at 1, 2, ... ticks from the opposite best price, of cancels of one order at
    that distance, and of market orders. Beyond the listed distances limit orders arrive at
    `limit_tail_scale / i ** limit_tail_exponent` up to `depth_ticks`, and the last cancel rate holds. `pace` speeds up the lot.
    The defaults are the paper's.
    """

    kind: Literal["zero_intelligence"] = "zero_intelligence"
    limit_per_min: Annotated[tuple[NonNegative, ...], MinLen(1)] = (1.85, 1.51, 1.09, 0.88, 0.77)
    limit_tail_scale: NonNegative = 1.92
    limit_tail_exponent: NonNegative = 0.52
    cancel_per_min: Annotated[tuple[NonNegative, ...], MinLen(1)] = (0.71, 0.81, 0.68, 0.56, 0.47)
    market_per_min: NonNegative = 0.94
    depth_ticks: Annotated[int, Ge(1), Le(512)] = 20
    order_lots: Count = 1
    pace: Positive = 1.0

    def _more_faults(self) -> list[str]:
        faults = []
        if self.depth_ticks < len(self.limit_per_min):
            faults.append(f"depth_ticks must be >= the {len(self.limit_per_min)} limit_per_min, got {self.depth_ticks}")
        if not any(self.limit_per_min):
            faults.append("limit_per_min must have a rate > 0, got none")
        if not any(self.cancel_per_min):
            faults.append("cancel_per_min must have a rate > 0, or the book would fill up; got none")
        return faults

    def limit_rate_per_min(self, distance_ticks: int) -> float:
        """Return the rate of limit orders of one side at a distance from the opposite best price, before `pace`."""
        if distance_ticks <= len(self.limit_per_min):
            return self.limit_per_min[distance_ticks - 1]
        return self.limit_tail_scale / distance_ticks**self.limit_tail_exponent

    def cancel_rate_per_min(self, distance_ticks: int) -> float:
        """Return the rate at which one order at that distance is cancelled, before `pace`."""
        return self.cancel_per_min[min(distance_ticks, len(self.cancel_per_min)) - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Periodic(_Checked):
    """Decides every so many seconds, first at the open."""

    kind: Literal["periodic"] = "periodic"
    every_s: Annotated[float, Ge(1e-6)] = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Poisson(_Checked):
    """Decides at exponential times, so many seconds apart on average."""

    kind: Literal["poisson"] = "poisson"
    every_s: Annotated[float, Ge(1e-6)] = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EveryTrades(_Checked):
    """Decides at the open, and whenever so many trades have printed since."""

    kind: Literal["trades"] = "trades"
    trades: Count = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFills(_Checked):
    """Decides at the open, and whenever an order of its own has traded."""

    kind: Literal["fills"] = "fills"


Clock: TypeAlias = Periodic | Poisson | EveryTrades | OwnFills


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker(_Checked):
    """Quotes a bid and an ask: decides their distances from the mid and their sizes.

    Sees `levels` of the book and the last `trades`. `inventory_penalty` is what its reward is charged, in currency per
    lot squared and second of inventory.
    """

    kind: Literal["maker"] = "maker"
    levels: Annotated[int, Ge(1), Le(64)] = 10
    trades: Annotated[int, Ge(1), Le(16)] = 8
    max_offset_ticks: Count = 20
    max_size_lots: Annotated[int, Ge(1), Le(1 << 20)] = 10
    inventory_penalty: NonNegative = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Taker(_Checked):
    """Takes liquidity: decides a side, or neither, and a size, and trades at the market."""

    kind: Literal["taker"] = "taker"
    levels: Annotated[int, Ge(1), Le(64)] = 5
    trades: Annotated[int, Ge(1), Le(16)] = 8
    max_size_lots: Annotated[int, Ge(1), Le(1 << 20)] = 10
    inventory_penalty: NonNegative = 0.0


Role: TypeAlias = Maker | Taker


@runtime_checkable
class CompiledPolicy(Protocol):
    """Whoever decides inside the engine: a kernel with the one signature `(row, me) -> next wake-up`, and its reals."""

    @property
    def kernel(self) -> Callable[[Any, int], int]:
        """The kernel, an `@markets.sdk.agent` function."""
        ...

    @property
    def parameters(self) -> tuple[float, ...]:
        """Up to 16 reals that the kernel reads with `parameter(row, me, k)`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat(_Checked):
    """One participant with an account. Without a policy it is played from outside, and then it needs a role."""

    name: str
    role: Role | None = None
    clock: Clock = field(default_factory=Periodic)
    latency_s: NonNegative = 0.0
    policy: CompiledPolicy | None = None

    def _more_faults(self) -> list[str]:
        faults = []
        if not self.name or self.name in ("background", "venue"):
            faults.append(f"name must be a name of its own, not empty, 'background' or 'venue', got {self.name!r}")
        if self.policy is None and self.role is None:
            faults.append(f"seat {self.name!r} must have a role or a compiled policy, got neither")
        if self.policy is not None and not isinstance(self.policy, CompiledPolicy):
            faults.append(f"policy of {self.name!r} must have .kernel and .parameters, got {self.policy!r}")
        elif self.policy is not None and len(self.policy.parameters) > 16:
            faults.append(f"policy of {self.name!r} must have at most 16 parameters, got {len(self.policy.parameters)}")
        return faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Market(_Checked):
    """A market with all who are in it; a session lasts `session_s` seconds after `warmup_s` of background flow alone."""

    seats: tuple[Seat, ...]
    venue: Venue = field(default_factory=Venue)
    flow: ZeroIntelligence | None = field(default_factory=ZeroIntelligence)
    session_s: Positive = 600.0
    warmup_s: NonNegative = 0.0

    def _more_faults(self) -> list[str]:
        names = [seat.name for seat in self.seats]
        twice = sorted({name for name in names if names.count(name) > 1})
        faults = [f"names of seats must differ, got {name!r} more than once" for name in twice]
        if len(self.seats) > 60_000:
            faults.append(f"seats must be at most 60,000, got {len(self.seats)}")
        return faults
