"""The words and digits in which a run is told, the same in the terminal and on the page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sekai.scenarios.statistics import Interval, MarketStatistics, SeatStatistics

__all__ = ["ABSENT", "SEAT_COLUMNS", "Fact", "count", "duration", "interval", "market_facts", "number", "seat_cells"]

ABSENT = "–"
SEAT_COLUMNS = ("P&L", "Sharpe", "mean |inventory|", "end inventory", "fills", "lots", "spread earned", "messages")


@dataclass(frozen=True, slots=True)
class Fact:
    """A named value with its unit, all as text; the unit may be empty."""

    name: str
    value: str
    unit: str


def number(value: float | None, signed: bool = False) -> str:
    """Return ``value`` with about four digits and commas between thousands; a dash for None.

    >>> number(1234567.8), number(12.3456), number(0.01234), number(2.0, signed=True), number(None)
    ('1,234,568', '12.35', '0.0123', '+2.00', '–')
    """
    if value is None:
        return ABSENT
    size = abs(value)
    digits = ",.0f" if size >= 1e4 else ",.1f" if size >= 1e2 else ".2f" if size >= 0.1 or size == 0.0 else ".3g"
    return f"{value:{'+' if signed else ''}{digits}}"


def interval(value: Interval | None, signed: bool = False) -> str:
    """Return a mean and, where there is one, its half width with two digits.

    >>> interval(Interval(3.98421, 0.0274)), interval(Interval(1520.0, 312.7), signed=True), interval(None)
    ('3.984 ± 0.027', '+1,520 ± 313', '–')
    """
    if value is None:
        return ABSENT
    if not value.half_width:
        return number(value.mean, signed)
    decimals = min(max(1 - math.floor(math.log10(value.half_width)), 0), 9)  # two digits of the half width
    return f"{value.mean:{'+' if signed else ''},.{decimals}f} ± {value.half_width:,.{decimals}f}"


def count(value: float) -> str:
    """Return a mean of counts: one decimal below a thousand, where it is not whole.

    >>> count(3.0), count(12.34), count(24968.2)
    ('3', '12.3', '24,968')
    """
    return f"{value:,.0f}" if value >= 1e3 or value == int(value) else f"{value:.1f}"


def duration(seconds: float) -> str:
    """Return a length of time in words.

    >>> duration(45.0), duration(600.0), duration(23400.0)
    ('45 s', '10 min', '6.5 h')
    """
    if seconds < 120:
        return f"{seconds:g} s"
    return f"{seconds / 60:g} min" if seconds < 7200 else f"{seconds / 3600:g} h"


def seat_cells(seat: SeatStatistics) -> list[str]:
    """Return the text of one seat's line, in the order of ``SEAT_COLUMNS``."""
    return [
        interval(seat.pnl, signed=True),
        number(seat.sharpe, signed=True),
        number(seat.mean_abs_inventory_lots),
        number(seat.end_inventory_lots, signed=True),
        count(seat.fills),
        count(seat.volume_lots),
        number(seat.spread_earned, signed=True),
        count(seat.messages),
    ]


def market_facts(market: MarketStatistics) -> list[Fact]:
    """Return what is told about the market, in order."""
    over = f"returns over {market.return_interval_s:.3g} s"
    trading = Fact("Continuous trading", f"{100 * market.trading_share:.1f}", "% of the time")
    return [
        Fact("Spread", interval(market.spread_ticks), "ticks"),
        Fact("Depth at the best", number(market.depth_lots), "lots"),
        Fact("Volatility", number(market.volatility_bp_per_min), f"bp per √min, {over}"),
        Fact("Excess kurtosis", number(market.excess_kurtosis), over),
        Fact("Trades", count(market.trades), "per episode"),
        Fact("Volume", count(market.volume_lots), "lots per episode"),
        Fact("Messages", count(market.messages), "per episode"),
        Fact("Rejects", count(market.rejects), "per episode"),
        Fact("Two-sided", f"{100 * market.two_sided_share:.1f}", "% of the time"),
        *([trading] if market.trading_share < 1.0 else []),
        *(_recorded_facts(market.recorded) if market.recorded else []),
    ]


def _recorded_facts(recorded: Mapping[str, float]) -> list[Fact]:
    """Return what of a recorded day was applied, and what could not be."""
    lines = (
        ("Recorded day", "played", "messages"),
        ("not applied", "missed", "of them: no order left, or no room for it"),
        ("shrunk", "shrunk_lots", "lots that others had taken before"),
        ("displaced", "displaced_lots", "lots that others traded in their place"),
        ("out of turn", "out_of_turn_lots", "lots whose order was not the first in line"),
    )
    return [Fact(name, count(recorded[key]), f"{unit}, per episode") for name, key, unit in lines]
