"""Delayed market data: what a seat sees at t under a lag d is what it would have seen at t - d, array for array."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sekai.agents import AvellanedaStoikov, NoiseTrader
from sekai.error import SekaiError
from sekai.markets.config import EveryTrades, Market, Periodic, Poisson, Seat, Venue, ZeroIntelligence
from sekai.markets.envs import MarketEnv
from sekai.markets.parts import Maker, Taker

VENUE = Venue(ladder_ticks=256, order_capacity=512)
FLOW = ZeroIntelligence(pace=200.0)
PUBLIC = ("book", "trades")
OTHERS = (
    Seat(name="quick", policy=AvellanedaStoikov(risk_aversion=0.05), clock=Periodic(every_s=0.1)),
    Seat(name="slow", policy=AvellanedaStoikov(size_lots=2), clock=Poisson(every_s=0.2), latency_s=0.003),
    Seat(name="noise", policy=NoiseTrader(market_share=0.4), clock=EveryTrades(trades=3)),
)


def market(*seats: Seat, **changes: Any) -> Market:
    values: dict[str, Any] = {"venue": VENUE, "flow": FLOW, "session_s": 20.0, "warmup_s": 2.0}
    return Market(seats=(*seats, *OTHERS), **values | changes)


def watched(env: MarketEnv, seed: int) -> dict[str, dict[int, dict[str, np.ndarray[Any, Any]]]]:
    """Return what each agent, all of which hold, saw at each time in ns."""
    seen: dict[str, dict[int, dict[str, np.ndarray[Any, Any]]]] = {agent: {} for agent in env.possible_agents}
    result: Any = env.reset(seed=seed)
    while True:
        for agent, observation in result.observations.items():
            seen[agent][round(env.look.time_s * 1e9)] = observation
        if not env.acting:
            return seen
        result = env.step({agent: np.array([0, 0]) for agent in env.acting})


@pytest.mark.parametrize("lag_s", [0.1, 0.3, 1.7])
@pytest.mark.parametrize("warmup_s", [0.0, 2.0])
def test_it_sees_what_it_would_have_seen_then(lag_s: float, warmup_s: float) -> None:
    clock, role = Periodic(every_s=0.1), Taker(levels=7, trades=12)
    pair = (
        Seat(name="now", role=role, clock=clock),
        Seat(name="then", role=role, clock=clock, market_data_lag_s=lag_s),
    )
    seen = watched(MarketEnv(market(*pair, warmup_s=warmup_s)), seed=3)
    lag_ns, compared, different = round(lag_s * 1e9), 0, 0
    for time_ns, late in seen["then"].items():
        if time_ns - lag_ns not in seen["now"]:
            continue
        early = seen["now"][time_ns - lag_ns]
        compared += 1
        different += not np.array_equal(late["book"], seen["now"][time_ns]["book"])
        for part in PUBLIC:
            assert np.array_equal(late[part], early[part]), (time_ns, part)
    assert compared >= 170 and different > 0.9 * compared


def test_others_are_not_touched_by_it() -> None:
    """A seat that only watches changes nothing, with a lag or without one."""
    rows = []
    for lag_s in (0.0, 0.25):
        env = MarketEnv(
            market(Seat(name="watcher", role=Taker(), clock=Periodic(every_s=0.5), market_data_lag_s=lag_s))
        )
        watched(env, seed=5)
        rows.append((env.totals(), env.look.accounts().tolist()))
    assert rows[0] == rows[1]


def test_it_counts_from_the_mark_that_it_knows() -> None:
    """A maker with a lag quotes around the old mark, and sees its own orders at once, from there."""
    seat = Seat(name="maker", role=Maker(), clock=Periodic(every_s=0.5), market_data_lag_s=0.4)
    env = MarketEnv(market(seat))
    result: Any = env.reset(seed=1)
    action = np.array([15, 15, 3, 3])
    away = []
    while env.acting:
        result = env.step({"maker": action})
        away += result.observations["maker"]["orders"][:, 1].tolist()
    assert np.mean(np.array(away) == 3) > 0.9  # it knows of its open lots though the market has not told it yet


def test_a_compiled_agent_is_as_late() -> None:
    """The same maker, 0.5 s behind the market: it quotes other prices, so the session goes otherwise."""
    tables = []
    for lag_s in (0.0, 0.5):
        policy = AvellanedaStoikov(risk_aversion=0.05)
        inside = Seat(name="maker", policy=policy, clock=Periodic(every_s=0.1), market_data_lag_s=lag_s)
        watcher = Seat(name="watcher", role=Taker(), clock=Periodic(every_s=0.5))
        env = MarketEnv(market(inside, watcher))
        watched(env, seed=2)
        tables.append(env.look.accounts())
    assert not np.array_equal(*tables)


def test_a_feed_that_is_too_short_says_so() -> None:
    seat = Seat(name="taker", role=Taker(), clock=Periodic(every_s=0.5), market_data_lag_s=2.0)
    env = MarketEnv(market(seat, venue=Venue(ladder_ticks=256, order_capacity=512, feed_capacity=16)))
    with pytest.raises(
        SekaiError, match="feed_capacity must hold all messages of the longest market_data_lag_s; 16 were"
    ):
        watched(env, seed=0)


def test_it_goes_on_where_it_was() -> None:
    env = MarketEnv(market(Seat(name="taker", role=Taker(), clock=Periodic(every_s=0.5), market_data_lag_s=0.3)))
    env.reset(seed=0)
    for _ in range(10):
        env.step({"taker": np.array([1, 1])})
    twin = env.clone()
    for each in (env, twin):
        while each.acting:
            each.step({"taker": np.array([2, 0])})
    assert np.array_equal(env.row, twin.row)
