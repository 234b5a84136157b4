"""The market maker of Avellaneda and Stoikov (Quant. Finance 2008): quotes around a price that leans against inventory.

With q lots held, variance sigma^2 a second and tau seconds to go, it values the asset at mid - q gamma sigma^2 tau and
quotes a total spread of gamma sigma^2 tau + (2 / gamma) ln(1 + gamma / k) around that. On a real book prices are whole
ticks: the bid is rounded down and the ask up, and neither crosses the other side. A quote at an unchanged price, with
no more size than is open, keeps its place in the queue.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt

from sekai.markets.sdk import (
    BUY,
    BY_CLOCK,
    SELL,
    best_ask,
    best_bid,
    kernel,
    mark,
    parameter,
    position,
    quote,
    time_left,
)
from sekai.utils import Checked

__all__ = ["AvellanedaStoikov", "avellaneda_stoikov"]

_LEAN, _HALF_SPREAD, _HORIZON_NS, _SIZE, _LIMIT, _FLOOR = range(6)
_BID_PLACE, _ASK_PLACE = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AvellanedaStoikov(Checked):
    """Quotes `size_lots` on each side, none on a side that would take the position beyond `max_position_lots`.

    It knows its fills, not what is still on its way: with a latency above its clock's period it may hold more.

    `risk_aversion` is gamma, per tick and lot; `volatility_ticks` is sigma, ticks per square root of a second; `decay`
    is k, per tick: how fast the chance of a fill falls with distance. The horizon is the rest of the session, at most
    `horizon_s`, and at least `horizon_floor_s`, so that it goes on leaning against its inventory to the end.
    """

    kind: Literal["avellaneda_stoikov"] = "avellaneda_stoikov"
    risk_aversion: Annotated[float, Gt(0)] = 0.1
    volatility_ticks: Annotated[float, Gt(0)] = 1.0
    decay: Annotated[float, Gt(0)] = 1.5
    horizon_s: Annotated[float, Gt(0)] = 10.0
    horizon_floor_s: Annotated[float, Ge(0)] = 0.0
    size_lots: Annotated[int, Ge(1)] = 1
    max_position_lots: Annotated[int, Ge(1)] = 20

    @property
    def kernel(self) -> Callable[[Any, int], int]:
        """The kernel `avellaneda_stoikov`."""
        return avellaneda_stoikov

    @property
    def parameters(self) -> tuple[float, ...]:
        """What the kernel reads: lean per lot and ns, half the constant spread, horizon, size, limit, floor."""
        variance_per_ns = self.volatility_ticks**2 * 1e-9
        gamma, k = Decimal(self.risk_aversion), Decimal(self.decay)
        half_spread = float((1 + gamma / k).ln() / gamma)  # in decimal: the same bits everywhere
        return (
            self.risk_aversion * variance_per_ns,
            half_spread,
            self.horizon_s * 1e9,
            float(self.size_lots),
            float(self.max_position_lots),
            self.horizon_floor_s * 1e9,
        )


@kernel
def avellaneda_stoikov(row: Any, me: int) -> int:
    """Decide for an `AvellanedaStoikov` maker."""
    horizon = max(min(float(time_left(row, me)), parameter(row, me, _HORIZON_NS)), parameter(row, me, _FLOOR))
    lean, held = parameter(row, me, _LEAN) * horizon, position(row, me)
    centre = 0.5 * mark(row, me) - held * lean
    half = 0.5 * lean + parameter(row, me, _HALF_SPREAD)
    bid, ask = math.floor(centre - half), math.ceil(centre + half)
    size, limit = int(parameter(row, me, _SIZE)), parameter(row, me, _LIMIT)
    if best_ask(row, me) >= 0:
        bid = min(bid, best_ask(row, me) - 1)
    if best_bid(row, me) >= 0:
        ask = max(ask, best_bid(row, me) + 1)
    quote(row, me, _BID_PLACE, BUY, bid, size if held + size <= limit else 0)
    quote(row, me, _ASK_PLACE, SELL, ask, size if held - size >= -limit else 0)
    return BY_CLOCK
