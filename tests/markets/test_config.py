"""Markets as data: what cannot be is refused when it is made, all faults at once."""

import pytest

from agents import NoiseTrader
from markets.config import Maker, Market, Periodic, Seat, Taker, Venue, ZeroIntelligence
from sekai.utils import InvalidValue


def test_every_wrong_number_is_named_with_what_would_be_right():
    with pytest.raises(InvalidValue) as caught:
        ZeroIntelligence(limit_per_min=(1.0, -2.0), pace=0.0, order_lots=0)
    assert str(caught.value) == (
        "limit_per_min[1] must be >= 0, got -2.0; order_lots must be >= 1, got 0; pace must be > 0, got 0.0"
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Venue(ladder_ticks=1000), "ladder_ticks must be a power of two, got 1000"),
        (lambda: Venue(opening_price=1.005), "opening_price must be a multiple of the tick size 0.01, got 1.005"),
        (lambda: Venue(order_capacity=20.5), "order_capacity must be an integer, got 20.5"),
        (lambda: ZeroIntelligence(depth_ticks=3), "depth_ticks must be >= the 5 limit_per_min, got 3"),
        (lambda: ZeroIntelligence(cancel_per_min=(0.0,)), "cancel_per_min must have a rate > 0"),
        (lambda: ZeroIntelligence(limit_per_min=()), "limit_per_min must have at least 1 entries"),
        (lambda: Seat(name="venue", role=Taker()), "name must be a name of its own"),
        (lambda: Seat(name="a"), "seat 'a' must have a role or a compiled policy, got neither"),
        (lambda: Seat(name="a", role=Maker(), policy=3), "policy of 'a' must have .kernel and .parameters, got 3"),
        (lambda: Seat(name="a", role=Maker(), latency_s=-1.0), "latency_s must be >= 0, got -1.0"),
        (lambda: Market(seats=(_seat("a"), _seat("a"))), "names of seats must differ, got 'a' more than once"),
        (lambda: Market(seats=(), session_s=float("nan")), "session_s must be >= 1e-06, got nan"),
        (lambda: Market(seats=(), session_s=float("inf")), "session_s must be <= 100000000.0, got inf"),
        (lambda: ZeroIntelligence(pace=float("inf")), "pace must be <= 1000000000.0, got inf"),
        (lambda: Venue(tick_size=1e-9), "opening_price must be 1 to 2147482623 ticks of 1e-09, got 100.0"),
        (
            lambda: ZeroIntelligence(limit_per_min=(1.0,), cancel_per_min=(0.0, 0.5), depth_ticks=1),
            "cancel_per_min must have a rate > 0 within depth_ticks = 1",
        ),
        (
            lambda: Market(seats=(Seat(name="a", role=Taker(), clock=Periodic(every_s=1e-6), latency_s=10.0),)),
            "latencies and clocks must leave at most 4194304 messages on their way at once",
        ),
        (lambda: NoiseTrader(market_share=1.5), "market_share must be <= 1, got 1.5"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(InvalidValue, match=message.replace("(", r"\(").replace(".", r"\.")):
        make()


def _seat(name):
    return Seat(name=name, role=Taker())


def test_the_ladder_is_centred_on_the_opening_price_where_it_can_be():
    assert Venue(opening_price=100.0, ladder_ticks=1024).base_ticks == 10_000 - 512
    assert Venue(opening_price=1.0, ladder_ticks=1024).base_ticks == 0


def test_the_default_rates_are_the_paper_s():
    flow = ZeroIntelligence()
    assert [flow.limit_rate_per_min(i) for i in range(1, 6)] == [1.85, 1.51, 1.09, 0.88, 0.77]
    assert flow.limit_rate_per_min(6) == pytest.approx(1.92 / 6**0.52)
    assert [flow.cancel_rate_per_min(i) for i in (1, 5, 9)] == [0.71, 0.47, 0.47]
