"""A seat in words: what it sees, may do and is paid for, when it decides, and how late it is. For `sekai info`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sekai.markets.config import Clock, EveryTrades, Periodic, Poisson, Seat
from sekai.markets.parts.base import Observation
from sekai.markets.parts.tables import aligned, numbers

__all__ = ["seat_lines"]

_US_PER_S = 1e6


def seat_lines(seat: Seat, seen: Sequence[Observation]) -> Iterator[str]:
    """Yield the lines about a seat that is played from outside and sees these parts."""
    role = seat.role
    assert role is not None
    yield f"{seat.name}: {role.name}"
    yield f"  decides   {_decides(seat.clock)}"
    latency_us, lag_us = seat.latency_s * _US_PER_S, seat.market_data_lag_s * _US_PER_S
    yield f"  latency   {latency_us:g} us; market data is {lag_us:g} us late"
    yield "  observes"
    yield from aligned([(part.name, str(part.shape), part.unit, part.meaning) for part in seen], 4)
    yield "  acts" + (", all choices in one number" if role.joint else "")
    yield from aligned([(part.name, numbers(part), part.unit, part.meaning) for part in role.actions], 4)
    yield "  is paid"
    yield from aligned([(part.name, f"x {part.weight:g}", part.unit, part.meaning) for part in role.rewards], 4)
    yield "  ends"
    yield from aligned([*((part.name, part.meaning) for part in role.ends), ("close", "the session is over")], 4)


def _decides(clock: Clock) -> str:
    if isinstance(clock, Periodic):
        return f"every {clock.every_s:g} s"
    if isinstance(clock, Poisson):
        return f"every {clock.every_s:g} s on average, at random"
    if isinstance(clock, EveryTrades):
        return "after every trade" if clock.trades == 1 else f"after every {clock.trades} trades"
    return "after each fill of its own"
