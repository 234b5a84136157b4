"""Markets as data: what cannot be is refused when it is made, all faults at once."""

import re
from dataclasses import replace

import numpy as np
import pytest

from sekai.agents import NoiseTrader
from sekai.markets.config import Market, Periodic, Seat, Venue, ZeroIntelligence
from sekai.markets.envs import MarketEnv
from sekai.markets.parts import Maker, Taker
from sekai.markets.rules import VenueRules
from sekai.markets.schedule import Call, Schedule
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
        (lambda: _ruled(lot=5), "rules.lot must divide flow.order_lots, 1, got 5"),
        (lambda: _ruled(lot=3, order_lots=9, max_size=6), "rules.max_size must be >= flow.order_lots, 9, got 6"),
        (lambda: _ruled(tick=5), "rules.tick must be 1 with a zero_intelligence flow, whose orders are at every tick"),
        (lambda: Venue(rules=VenueRules(band=(1, 9))), "rules.band must hold the opening price, 10000 ticks, got 1 to"),
        (lambda: VenueRules(tick=5, band=(1, 3)), "band must hold a multiple of tick, 5, got (1, 3"),
        (lambda: VenueRules(band=(9, 3)), "band must be (lowest, highest), got (9, 3"),
        (lambda: VenueRules(band=(1, 2, 3)), "band must be (lowest, highest), got (1, 2, 3"),
        (lambda: VenueRules(band=None), "band must be a tuple, got None"),
        (lambda: VenueRules(band=(1, 2.5)), "band[1] must be an integer, got 2.5"),
        (lambda: VenueRules(stp="none, please"), "stp must be one of none, cancel_newest, cancel_oldest, cancel_both"),
        (lambda: VenueRules(top_order=1), "top_order must be True or False, got 1"),
        (lambda: VenueRules(position_limit=-1), "position_limit must be >= 0, got -1"),
        (lambda: VenueRules(tick=np.bool_(True)), "tick must be a number, got True"),
        (lambda: Schedule(intraday_calls=None), "intraday_calls must be a tuple, got None"),
        (
            lambda: Schedule(intraday_calls=Call(at_s=1.0, length_s=2.0)),
            "intraday_calls must be a tuple, got Call(at_s",
        ),
        (lambda: Schedule(intraday_calls=({"at_s": 1.0},)), "intraday_calls[0] must be Call, got {'at_s': 1.0}"),
        (lambda: Venue(rules={"tick": 5}), "rules must be VenueRules, got {'tick': 5}"),
        (lambda: Venue(schedule={}), "schedule must be Schedule, got {}"),
        (lambda: Seat(name="a", role="maker"), "role must be Role or None, got 'maker'"),
        (lambda: Seat(name="a", role=Maker(), clock=3), "clock must be Periodic or Poisson or EveryTrades or OwnFills"),
        (lambda: Seat(name=3, role=Maker()), "name must be text, got 3"),
        (lambda: Market(seats=(), flow="zi"), "flow must be ZeroIntelligence or Replay or None, got 'zi'"),
        (lambda: Market(seats=_seat("a")), "seats must be a tuple, got Seat(name='a'"),
        (lambda: NoiseTrader(market_share=1.5), "market_share must be <= 1, got 1.5"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(InvalidValue, match=re.escape(message)):
        make()


def _seat(name):
    return Seat(name=name, role=Taker())


def _ruled(order_lots=1, **rules):
    return Market(seats=(), venue=Venue(rules=VenueRules(**rules)), flow=ZeroIntelligence(order_lots=order_lots))


def test_numpy_s_numbers_become_python_s_and_lists_tuples():
    rules = VenueRules(tick=np.int64(5), band=[np.int32(5), 10], maker_fee_bps=np.float64(0.5), last_trade=np.int8(10))
    assert rules == VenueRules(tick=5, band=(5, 10), maker_fee_bps=0.5, last_trade=10)
    kinds = [type(value) for value in (rules.tick, rules.band[0], rules.maker_fee_bps, rules.last_trade)]
    assert kinds == [int, int, float, int]
    assert Market(seats=[_seat("a")]).seats == (_seat("a"),)


def test_a_crowd_may_keep_to_lots_of_its_size():
    market = _ruled(order_lots=10, lot=5, max_size=10)
    env = MarketEnv(replace(market, session_s=60.0))
    env.reset(seed=0)
    assert env.totals()["trades"] > 0 == env.totals()["rejects"]


def test_the_ladder_is_centred_on_the_opening_price_where_it_can_be():
    assert Venue(opening_price=100.0, ladder_ticks=1024).base_ticks == 10_000 - 512
    assert Venue(opening_price=1.0, ladder_ticks=1024).base_ticks == 0


def test_the_default_rates_are_the_paper_s():
    flow = ZeroIntelligence()
    assert [flow.limit_rate_per_min(i) for i in range(1, 6)] == [1.85, 1.51, 1.09, 0.88, 0.77]
    assert flow.limit_rate_per_min(6) == pytest.approx(1.92 / 6**0.52)
    assert [flow.cancel_rate_per_min(i) for i in (1, 5, 9)] == [0.71, 0.47, 0.47]
