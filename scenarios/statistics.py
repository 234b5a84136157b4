"""What a run comes to, in numbers: one line per seat, one for the market.

An episode is one observation. Means over episodes carry a 95% confidence interval by Student's t, which assumes
episodes to be independent (they are: each has its own seed) and their mean to be near normal; one episode has no
interval. Returns are differences of the log of the common mark between samples, so volatility and kurtosis belong to
that sampling interval, which is reported beside them. What cannot be computed is None, never NaN.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sekai.scenarios.record import EpisodeRecord

__all__ = [
    "Interval",
    "MarketStatistics",
    "SeatStatistics",
    "autocorrelation",
    "excess_kurtosis",
    "log_returns",
    "market_statistics",
    "mean_interval",
    "sample_deviation",
    "sampling_interval_s",
    "seat_statistics",
    "student_t_975",
]

_Floats = NDArray[np.float64]

# Two-sided 95% quantiles of Student's t for 1 to 30 degrees of freedom; beyond, an expansion is exact to 1e-5.
_T_975 = (
    12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157, 2.228139,
    2.200985, 2.178813, 2.160369, 2.144787, 2.131450, 2.119905, 2.109816, 2.100922, 2.093024, 2.085963,
    2.079614, 2.073873, 2.068658, 2.063899, 2.059539, 2.055529, 2.051831, 2.048407, 2.045230, 2.042272,
)  # fmt: skip
_Z_975 = 1.959963984540054
_SECONDS_PER_MINUTE = 60.0
_BASIS_POINTS = 1e4


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over episodes and the half width of its 95% confidence interval, None for a single episode."""

    mean: float
    half_width: float | None

    @property
    def is_nonzero(self) -> bool:
        """Whether zero lies outside the interval; False where there is none."""
        return self.half_width is not None and abs(self.mean) > self.half_width


@dataclass(frozen=True, slots=True)
class SeatStatistics:
    """How one seat did. Means are per episode; money is in the currency.

    ``sharpe`` is the mean P&L of an episode over its standard deviation across episodes: per session, not annualised.
    """

    seat: str
    pnl: Interval
    pnl_by_episode: tuple[float, ...]
    sharpe: float | None
    mean_abs_inventory_lots: float
    end_inventory_lots: float
    fills: float
    volume_lots: float
    spread_earned: float
    messages: float


@dataclass(frozen=True, slots=True)
class MarketStatistics:
    """How the market looked. Means are over samples of continuous trading (spread, depth, two-sided) or per episode.

    ``trading_share`` is how much of the time trading was continuous: not in a call, nor halted.
    ``depth_lots`` is the mean size at the best price of a side, over samples where the side has one.
    ``volatility_bp_per_min`` is the standard deviation of returns over ``return_interval_s``, scaled by the square root
    of time to one minute. ``recorded`` says what has become of a recorded day, None where the background is none.
    """

    spread_ticks: Interval | None
    depth_lots: float | None
    two_sided_share: float
    trading_share: float
    return_interval_s: float
    volatility_bp_per_min: float | None
    excess_kurtosis: float | None
    trades: float
    volume_lots: float
    messages: float
    rejects: float
    recorded: Mapping[str, float] | None


def student_t_975(degrees_of_freedom: int) -> float:
    """Return the 97.5% quantile of Student's t (Fisher and Cornish's expansion above 30 degrees of freedom).

    Raises ValueError below one degree of freedom.

    >>> student_t_975(19), round(student_t_975(120), 4)
    (2.093024, 1.9799)
    """
    if degrees_of_freedom < 1:
        raise ValueError(f"degrees_of_freedom must be >= 1, got {degrees_of_freedom}")
    if degrees_of_freedom <= len(_T_975):
        return _T_975[degrees_of_freedom - 1]
    z, n = _Z_975, degrees_of_freedom
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )


def mean_interval(values: Sequence[float]) -> Interval:
    """Return the mean of ``values`` (at least one) and its 95% half width.

    >>> mean_interval([1.0, 2.0, 3.0])
    Interval(mean=2.0, half_width=2.4841...)
    """
    n = len(values)
    mean = math.fsum(values) / n
    if n == 1:
        return Interval(mean, None)
    return Interval(mean, student_t_975(n - 1) * sample_deviation(values) / math.sqrt(n))


def sample_deviation(values: Sequence[float]) -> float:
    """Return the standard deviation of at least two values, with n - 1 below."""
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def sampling_interval_s(record: EpisodeRecord) -> float:
    """Return the mean time between samples, 0 with fewer than two samples."""
    times = record.time_s
    return float(times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0


def log_returns(record: EpisodeRecord) -> _Floats:
    """Return the (T - 1,) log returns of the common mark; samples without a positive mark are left out."""
    mark = record.mark[record.mark > 0]
    return np.diff(np.log(mark))


def excess_kurtosis(values: _Floats) -> float | None:
    """Return the fourth standardised moment less 3 (0 for a normal), None where nothing varies.

    >>> excess_kurtosis(np.array([-1.0, 1.0, -1.0, 1.0]))
    -2.0
    """
    centred = values - values.mean() if values.size else values
    variance = float(np.mean(centred**2)) if values.size else 0.0
    return float(np.mean(centred**4)) / variance**2 - 3.0 if variance > 0.0 else None


def autocorrelation(series: Sequence[_Floats], lags: int) -> _Floats | None:
    """Return the (lags,) autocorrelations at lags 1, 2, ... of several series with one mean and one variance.

    Products never span two series. None where nothing varies or every series is too short.
    """
    pooled = np.concatenate(list(series)) if series else np.empty(0)
    if pooled.size == 0 or float(np.var(pooled)) == 0.0 or max(len(one) for one in series) <= lags:
        return None
    centred = [one - pooled.mean() for one in series if len(one) > lags]
    variance = float(np.var(pooled))
    return np.array(
        [
            sum(float(one[lag:] @ one[:-lag]) for one in centred) / (variance * sum(len(one) - lag for one in centred))
            for lag in range(1, lags + 1)
        ]
    )


def seat_statistics(records: Sequence[EpisodeRecord]) -> list[SeatStatistics]:
    """Return one line per seat of the episodes ``records`` (at least one, all of one scenario)."""
    return [_one_seat(records, index, name) for index, name in enumerate(records[0].seats)]


def _one_seat(records: Sequence[EpisodeRecord], index: int, name: str) -> SeatStatistics:
    def mean(values: list[float]) -> float:
        return math.fsum(values) / len(values)

    pnl = [float(record.wealth[-1, index]) for record in records]
    deviation = sample_deviation(pnl) if len(pnl) > 1 else 0.0
    return SeatStatistics(
        seat=name,
        pnl=mean_interval(pnl),
        pnl_by_episode=tuple(pnl),
        sharpe=mean(pnl) / deviation if min(pnl) < max(pnl) else None,
        mean_abs_inventory_lots=mean([float(np.mean(np.abs(record.position_lots[:, index]))) for record in records]),
        end_inventory_lots=mean([float(record.position_lots[-1, index]) for record in records]),
        fills=mean([float(record.fills[index]) for record in records]),
        volume_lots=mean([float(record.volume_lots[index]) for record in records]),
        spread_earned=mean([float(record.spread_earned[index]) for record in records]),
        messages=mean([float(record.messages[index]) for record in records]),
    )


def market_statistics(records: Sequence[EpisodeRecord]) -> MarketStatistics:
    """Return the line of the market over the episodes ``records`` (at least one, all of one scenario)."""
    n = len(records)
    trading = [record.is_trading for record in records]
    both = [(record.bid_ticks >= 0) & (record.ask_ticks >= 0) & record.is_trading for record in records]
    spreads = [
        float(np.mean((record.ask_ticks - record.bid_ticks)[here]))
        for record, here in zip(records, both, strict=True)
        if here.any()
    ]
    depths = [
        lots[(ticks >= 0) & record.is_trading]
        for record in records
        for lots, ticks in ((record.bid_lots, record.bid_ticks), (record.ask_lots, record.ask_ticks))
    ]
    depth = np.concatenate(depths)
    returns = np.concatenate([log_returns(record) for record in records])
    interval_s = sampling_interval_s(records[0])
    deviation = float(np.std(returns)) if returns.size else 0.0
    return MarketStatistics(
        spread_ticks=mean_interval(spreads) if spreads else None,
        depth_lots=float(np.mean(depth)) if depth.size else None,
        two_sided_share=math.fsum(here.sum() / max(of.sum(), 1) for here, of in zip(both, trading, strict=True)) / n,
        trading_share=math.fsum(float(np.mean(here)) for here in trading) / n,
        return_interval_s=interval_s,
        volatility_bp_per_min=(
            deviation * _BASIS_POINTS * math.sqrt(_SECONDS_PER_MINUTE / interval_s) if interval_s > 0.0 else None
        ),
        excess_kurtosis=excess_kurtosis(returns),
        trades=sum(len(record.trades) for record in records) / n,
        volume_lots=sum(float(record.trades["size"].sum()) for record in records) / n,
        messages=sum(record.total_messages for record in records) / n,
        rejects=sum(record.rejects for record in records) / n,
        recorded={name: sum(record.recorded[name] for record in records) / n for name in records[0].recorded} or None,
    )
