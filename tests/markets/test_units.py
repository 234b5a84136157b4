"""The tick boundary."""

import pytest

from sekai.error import SekaiError
from sekai.markets.units import Units, nanoseconds, per_ns, seconds


def test_prices_go_to_ticks_and_back():
    units = Units(0.05, 10.0)
    assert units.ticks(99.95) == 1999
    assert units.price(1999) == 99.95
    assert units.price(1999.5) == 99.975


@pytest.mark.parametrize("price", [99.96, float("nan"), float("inf")])
def test_a_price_off_the_ticks_is_refused(price):
    with pytest.raises(SekaiError, match="opening_price must be a multiple of the tick size 0.05"):
        Units(0.05).ticks(price, "opening_price")


def test_a_money_unit_is_a_hundredth_of_a_tick_times_a_lot():
    assert Units(0.01, 100.0).money(100) == pytest.approx(1.0)


def test_time_and_rates():
    assert nanoseconds(0.25) == 250_000_000 and seconds(250_000_000) == 0.25
    assert per_ns(60.0) == pytest.approx(1e-9)
