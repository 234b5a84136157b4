"""A trend follower: trades in the direction in which a fast average of the mid leaves a slow one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le

from sekai.markets.sdk import (
    BUY,
    BY_CLOCK,
    SELL,
    kernel,
    mark,
    market,
    parameter,
    position,
    recall,
    recall_real,
    remember,
    remember_real,
)
from sekai.utils import Checked

__all__ = ["Momentum", "momentum"]

_FAST, _SLOW, _SIZE, _LIMIT, _THRESHOLD = range(5)
_STARTED, _FAST_MEAN, _SLOW_MEAN = range(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Momentum(Checked):
    """Buys `size_lots` while the fast average of the mid stands more than `threshold_ticks` above the slow, or sells.

    Once they are closer than half of that, it closes what it holds, `size_lots` at a time. `fast` and `slow` are the
    weights that each decision's mid gets in the averages; no order is sent that would take the position
    beyond `max_position_lots`; with a latency above the clock's period others may still be on their way.
    """

    kind: Literal["momentum"] = "momentum"
    fast: Annotated[float, Gt(0), Le(1)] = 0.2
    slow: Annotated[float, Gt(0), Le(1)] = 0.02
    threshold_ticks: Annotated[float, Ge(0)] = 1.0
    size_lots: Annotated[int, Ge(1)] = 1
    max_position_lots: Annotated[int, Ge(1)] = 5

    @property
    def kernel(self) -> Callable[[Any, int], int]:
        """The kernel `momentum`."""
        return momentum

    @property
    def parameters(self) -> tuple[float, ...]:
        """What the kernel reads: both weights, size, position limit, threshold in half ticks."""
        return (self.fast, self.slow, float(self.size_lots), float(self.max_position_lots), 2.0 * self.threshold_ticks)


@kernel
def momentum(row: Any, me: int) -> int:
    """Decide for a `Momentum` trader."""
    mid2 = float(mark(row, me))
    if recall(row, me, _STARTED) == 0:
        remember(row, me, _STARTED, 1)
        remember_real(row, me, _FAST_MEAN, mid2)
        remember_real(row, me, _SLOW_MEAN, mid2)
        return BY_CLOCK
    fast = recall_real(row, me, _FAST_MEAN)
    slow = recall_real(row, me, _SLOW_MEAN)
    fast += parameter(row, me, _FAST) * (mid2 - fast)
    slow += parameter(row, me, _SLOW) * (mid2 - slow)
    remember_real(row, me, _FAST_MEAN, fast)
    remember_real(row, me, _SLOW_MEAN, slow)
    trend, size, held = fast - slow, int(parameter(row, me, _SIZE)), position(row, me)
    threshold, limit = parameter(row, me, _THRESHOLD), parameter(row, me, _LIMIT)
    if trend > threshold and held + size <= limit:
        market(row, me, BUY, size)
    elif -trend > threshold and held - size >= -limit:
        market(row, me, SELL, size)
    elif abs(trend) < 0.5 * threshold and held != 0:
        market(row, me, SELL if held > 0 else BUY, min(size, abs(held)))
    return BY_CLOCK
