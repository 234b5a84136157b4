"""The tick boundary: the only place where floats meet ticks, lots, money units and nanoseconds.

Inside, everything is an integer: ticks, lots, ns, and money in hundredths of tick x lot. Outside, prices and money are
in the currency and time is in seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sekai.error import SekaiError

__all__ = ["MAX_PRICE_TICKS", "NS_PER_S", "Units", "nanoseconds", "per_ns", "seconds"]

NS_PER_S = 1_000_000_000
MAX_PRICE_TICKS = 2**31 - 1  # as in the engine's layout
_MONEY_PER_TICK_LOT = 100  # as in the engine's layout
_SLACK = 1e-6  # of a tick: how far a price may lie from its tick and still mean it


@dataclass(frozen=True, slots=True)
class Units:
    """What a tick and a lot are worth: `tick_size` in currency per share, `lot_size` in shares.

    >>> Units(0.01).ticks(100.25), Units(0.01).price(10025)
    (10025, 100.25)
    """

    tick_size: float = 0.01
    lot_size: float = 1.0

    def ticks(self, price: float, name: str = "price") -> int:
        """Return a price in ticks; raise `SekaiError` unless it lies on one."""
        exact = price / self.tick_size
        if not math.isfinite(exact) or abs(exact - round(exact)) > _SLACK:
            raise SekaiError(f"{name} must be a multiple of the tick size {self.tick_size}, got {price}")
        return round(exact)

    def price(self, ticks: float) -> float:
        """Return the price of so many ticks; half ticks are welcome."""
        return round(ticks * self.tick_size, 10)

    @property
    def money_unit(self) -> float:
        """What one money unit of the engine is worth in the currency."""
        return self.tick_size * self.lot_size / _MONEY_PER_TICK_LOT

    def money(self, units: float) -> float:
        """Return money units in the currency."""
        return units * self.money_unit


def nanoseconds(seconds_: float) -> int:
    """Return seconds in whole nanoseconds."""
    return round(seconds_ * NS_PER_S)


def seconds(time_ns: float) -> float:
    """Return nanoseconds in seconds."""
    return time_ns / NS_PER_S


def per_ns(rate_per_min: float) -> float:
    """Return a rate per minute as a rate per nanosecond."""
    return rate_per_min / (60.0 * NS_PER_S)
