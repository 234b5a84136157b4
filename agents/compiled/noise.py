"""A noise trader: buys or sells for no reason, at the market or with a quote on each side that it moves about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le

from sekai.markets.sdk import BUY, BY_CLOCK, SELL, below, kernel, mark, market, parameter, quote, uniform
from sekai.utils import Checked

__all__ = ["NoiseTrader", "noise"]

_MARKET_SHARE, _MAX_SIZE, _MAX_OFFSET = range(3)
_BID_PLACE, _ASK_PLACE = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseTrader(Checked):
    """At each decision, with probability `market_share` trades at the market, else quotes anew near the mid.

    Sides are even odds, sizes uniform on 1..`max_size_lots`, distances of quotes uniform on 1..`max_offset_ticks`.
    """

    kind: Literal["noise"] = "noise"
    market_share: Annotated[float, Ge(0), Le(1)] = 1.0
    max_size_lots: Annotated[int, Ge(1)] = 3
    max_offset_ticks: Annotated[int, Ge(1)] = 10

    @property
    def kernel(self) -> Callable[[Any, int], int]:
        """The kernel `noise`."""
        return noise

    @property
    def parameters(self) -> tuple[float, ...]:
        """What the kernel reads: market share, largest size, furthest quote."""
        return (self.market_share, float(self.max_size_lots), float(self.max_offset_ticks))


@kernel
def noise(row: Any, me: int) -> int:
    """Decide for a `NoiseTrader`."""
    side = BUY if uniform(row, me) < 0.5 else SELL
    size = 1 + below(row, me, int(parameter(row, me, _MAX_SIZE)))
    if uniform(row, me) < parameter(row, me, _MARKET_SHARE):
        market(row, me, side, size)
        return BY_CLOCK
    away = below(row, me, int(parameter(row, me, _MAX_OFFSET)))
    if side == BUY:
        quote(row, me, _BID_PLACE, BUY, (mark(row, me) - 1) // 2 - away, size)
    else:
        quote(row, me, _ASK_PLACE, SELL, (mark(row, me) + 2) // 2 + away, size)
    return BY_CLOCK
