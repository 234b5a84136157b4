"""What a run will take, told before it is played: a typo in a length or a rate asks for years and for all memory.

These are expectations, good to a few per cent for the crowd and to a factor of a few for seats.
"""

from __future__ import annotations

from dataclasses import dataclass

from sekai.error import SekaiError
from sekai.markets.config import EveryTrades, Market, OwnFills, Periodic, Poisson, Seat, ZeroIntelligence

__all__ = ["SAMPLES", "Expected", "OverBudget", "check_memory", "expected"]

SAMPLES = 600  # that are kept of a session, unless another number is asked for
_SENDS, _TRADES = 2.0, 0.25  # of a decision: a quote on each side; few trade
_BYTES_PER_TRADE, _BYTES_PER_SAMPLE, _BYTES_PER_SAMPLE_OF_A_SEAT = 33, 49, 16
_BYTES_PER_GB = 1e9


class OverBudget(SekaiError):
    """Raised, before anything is played, for a run that would take more memory than it may."""


@dataclass(frozen=True, slots=True)
class Expected:
    """About how many messages and trades a session has, its warm-up included."""

    messages: float
    trades: float


def expected(market: Market) -> Expected:
    """Return what a session of a market is about to have, of a recorded day only what the seats add to it."""
    seconds, limits, taken = market.warmup_s + market.session_s, 0.0, 0.0
    if isinstance(market.flow, ZeroIntelligence):
        pace = 2.0 * market.flow.pace / 60.0  # of both sides
        limits = pace * sum(map(market.flow.limit_rate_per_min, range(1, market.flow.depth_ticks + 1)))
        taken = pace * market.flow.market_per_min
    crowd = limits + max(limits, taken)  # each limit order is cancelled or taken in the end
    decisions = sum(_decisions_per_s(seat, max(taken, 1.0)) for seat in market.seats)
    return Expected(crowd * seconds + _SENDS * decisions * market.session_s, (taken + _TRADES * decisions) * seconds)


def _decisions_per_s(seat: Seat, trades_per_s: float) -> float:
    if isinstance(seat.clock, Periodic | Poisson):
        return 1.0 / seat.clock.every_s
    assert isinstance(seat.clock, EveryTrades | OwnFills)
    return trades_per_s / (seat.clock.trades if isinstance(seat.clock, EveryTrades) else 1)


def check_memory(market: Market, *, seats: int, episodes: int, most_gb: float, samples: int = SAMPLES) -> None:
    """Raise `OverBudget` unless the records of a run, with so many `seats`, fit into `most_gb` gigabytes."""
    per_sample = _BYTES_PER_SAMPLE + _BYTES_PER_SAMPLE_OF_A_SEAT * seats
    trades = _BYTES_PER_TRADE * expected(market).trades
    gigabytes = episodes * (samples * per_sample + trades) / _BYTES_PER_GB
    if gigabytes > most_gb:
        raise OverBudget(
            f"{episodes:,} episodes of {market.session_s:g} s would keep about {gigabytes:,.3g} GB, more than "
            f"--max-gb {most_gb:g}: play fewer or shorter ones, or raise --max-gb"
        )
