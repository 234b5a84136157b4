"""Digits as they are shown; the rest of what the tables say is in the doctests."""

from __future__ import annotations

import pytest

from sekai.scenarios import tables
from sekai.scenarios.statistics import Interval, market_statistics, seat_statistics
from tests.scenarios.synthetic import synthetic_record


@pytest.mark.parametrize(
    ("mean", "half_width", "text"),
    [
        (1.23456, 0.0123, "1.235 ± 0.012"),
        (-1234.5, 99.6, "-1,234 ± 100"),
        (5.0, 0.0, "5.00"),
        (5.0, None, "5.00"),
        (0.0, 1e-12, "0.000000000 ± 0.000000000"),
    ],
)
def test_a_mean_has_as_many_digits_as_its_interval_lets_it(mean: float, half_width: float | None, text: str) -> None:
    assert tables.interval(Interval(mean, half_width)) == text


def test_cells_match_columns_and_nothing_is_nan() -> None:
    records = [synthetic_record(seed, samples=50) for seed in range(3)]
    for line in seat_statistics(records):
        cells = tables.seat_cells(line)
        assert len(cells) == len(tables.SEAT_COLUMNS)
        assert not any("nan" in cell for cell in cells)
    assert all(fact.value and "nan" not in fact.value for fact in tables.market_facts(market_statistics(records)))
