"""The numbers of a run against sums that can be done by hand, and quantiles against the density they come from."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from sekai.scenarios import statistics
from tests.scenarios.synthetic import synthetic_record


def upper_mass(quantile: float, degrees_of_freedom: int) -> float:
    """Return P(T > quantile) by integrating Student's density with t = sqrt(n) tan(u), where it is smooth."""
    n = degrees_of_freedom
    u = np.linspace(math.atan(quantile / math.sqrt(n)), math.pi / 2, 20_001)
    log_constant = math.lgamma((n + 1) / 2) - math.lgamma(n / 2) - 0.5 * math.log(math.pi)
    return float(np.trapezoid(math.exp(log_constant) * np.cos(u) ** (n - 1), u))


@pytest.mark.parametrize("degrees_of_freedom", [*range(1, 34), 60, 120, 1_000])
def test_quantiles_leave_two_and_a_half_percent_above(degrees_of_freedom: int) -> None:
    quantile = statistics.student_t_975(degrees_of_freedom)
    assert upper_mass(quantile, degrees_of_freedom) == pytest.approx(0.025, abs=2e-7)


def test_quantile_needs_a_degree_of_freedom() -> None:
    with pytest.raises(ValueError, match="degrees_of_freedom must be >= 1, got 0"):
        statistics.student_t_975(0)


def test_interval_covers_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(7)
    intervals = [statistics.mean_interval(list(rng.normal(3.0, 2.0, 5))) for _ in range(4_000)]
    covered = np.mean([abs(one.mean - 3.0) <= (one.half_width or 0.0) for one in intervals])
    assert covered == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / 4_000))


def test_one_episode_has_no_interval() -> None:
    interval = statistics.mean_interval([4.0])
    assert interval == statistics.Interval(4.0, None) and not interval.is_nonzero
    seat = statistics.seat_statistics([synthetic_record()])[0]
    assert seat.sharpe is None and seat.pnl.half_width is None


def test_kurtosis_of_known_distributions() -> None:
    rng = np.random.default_rng(0)
    assert statistics.excess_kurtosis(rng.normal(size=400_000)) == pytest.approx(0.0, abs=0.05)
    assert statistics.excess_kurtosis(rng.laplace(size=400_000)) == pytest.approx(3.0, abs=0.3)
    assert statistics.excess_kurtosis(np.ones(9)) is None
    assert statistics.excess_kurtosis(np.empty(0)) is None


def test_autocorrelation_of_a_moving_average_and_its_gaps() -> None:
    noise = np.random.default_rng(3).normal(size=(4, 50_001))
    series = [row[1:] + 0.5 * row[:-1] for row in noise]
    found = statistics.autocorrelation(series, 3)
    assert found is not None
    assert found == pytest.approx([0.4, 0.0, 0.0], abs=0.01)
    assert statistics.autocorrelation([np.ones(30)], 3) is None
    assert statistics.autocorrelation([np.array([1.0, 2.0])], 3) is None


def test_a_seat_by_hand() -> None:
    record = synthetic_record(samples=3)
    wealth, position = np.zeros((3, 3)), np.zeros((3, 3), np.int64)
    wealth[-1], position[:, 0] = (6.0, 0.0, -6.0), (0, -4, 2)
    first = dataclasses.replace(record, wealth=wealth, position_lots=position, fills=np.array([4, 0, 4]))
    second = dataclasses.replace(first, wealth=wealth / 3)
    seat = statistics.seat_statistics([first, second])[0]
    assert seat.pnl_by_episode == (6.0, 2.0)
    assert seat.pnl.mean == 4.0
    assert seat.pnl.half_width == pytest.approx(12.706205 * 2.0)
    assert seat.sharpe == pytest.approx(4.0 / math.sqrt(8.0))
    assert (seat.mean_abs_inventory_lots, seat.end_inventory_lots, seat.fills) == (2.0, 2.0, 4.0)


def test_the_market_by_hand() -> None:
    record = dataclasses.replace(
        synthetic_record(samples=4),
        time_s=np.array([0.0, 15.0, 30.0, 45.0]),
        bid_ticks=np.array([10, 10, -1, 11]),
        ask_ticks=np.array([12, 14, 14, 14]),
        bid_lots=np.array([5, 7, 0, 9]),
        ask_lots=np.array([1, 1, 1, 1]),
        mark=np.array([1.0, 2.0, 1.0, 2.0]),
    )
    market = statistics.market_statistics([record])
    assert market.spread_ticks == statistics.Interval(3.0, None)
    assert market.depth_lots == pytest.approx((5 + 7 + 9 + 4) / 7)
    assert market.two_sided_share == 0.75
    assert market.return_interval_s == 15.0
    returns = np.array([math.log(2.0), -math.log(2.0), math.log(2.0)])
    assert market.volatility_bp_per_min == pytest.approx(returns.std() * 2.0 * 1e4)
    assert market.excess_kurtosis == pytest.approx(-1.5)


def test_calls_and_halts_are_no_part_of_spread_and_depth() -> None:
    record = dataclasses.replace(
        synthetic_record(samples=4),
        is_trading=np.array([True, False, False, True]),
        bid_ticks=np.array([10, 15, 14, 10]),
        ask_ticks=np.array([12, 9, 14, -1]),
        bid_lots=np.array([5, 70, 80, 6]),
        ask_lots=np.array([1, 90, 99, 0]),
    )
    market = statistics.market_statistics([record])
    assert market.spread_ticks == statistics.Interval(2.0, None) and market.depth_lots == 4.0
    assert (market.two_sided_share, market.trading_share) == (0.5, 0.5)
    halted = statistics.market_statistics([dataclasses.replace(record, is_trading=np.zeros(4, np.bool_))])
    assert halted.spread_ticks is None and halted.depth_lots is None
    assert halted.two_sided_share == halted.trading_share == 0.0


def test_an_empty_market_answers_none() -> None:
    record = synthetic_record(samples=5)
    nothing = np.full(5, -1)
    empty = dataclasses.replace(record, bid_ticks=nothing, ask_ticks=nothing, mark=np.full(5, 3.0))
    market = statistics.market_statistics([empty])
    assert market.spread_ticks is None and market.depth_lots is None and market.excess_kurtosis is None
    assert market.two_sided_share == 0.0 and market.volatility_bp_per_min == 0.0


def test_returns_skip_what_has_no_price() -> None:
    record = dataclasses.replace(synthetic_record(samples=3), mark=np.array([1.0, 0.0, math.e]))
    assert statistics.log_returns(record) == pytest.approx([1.0])
