"""A market whose venue has rules of its own: fees, limits, prevention, shares by size; and nothing leaks."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from sekai.agents import AvellanedaStoikov, NoiseTrader
from sekai.markets.book.messages import EventKind, Reason
from sekai.markets.config import Market, Periodic, Poisson, Seat, Venue, ZeroIntelligence
from sekai.markets.engine.check import check
from sekai.markets.envs import MarketEnv
from sekai.markets.parts import Taker
from sekai.markets.rules import VenueRules
from sekai.scenarios import parse


def played(rules: VenueRules, *, seed: int = 1) -> tuple[MarketEnv, np.ndarray[Any, Any]]:
    """Return a market after a session in which a taker buys three lots a time, and its events."""
    seats = (
        Seat(name="taker", role=Taker(), clock=Periodic(every_s=0.5)),
        Seat(name="maker", policy=AvellanedaStoikov(size_lots=3), clock=Periodic(every_s=0.2), latency_s=0.001),
        *(Seat(name=f"noise_{k}", policy=NoiseTrader(market_share=0.5), clock=Poisson(every_s=0.1)) for k in range(3)),
    )
    venue = Venue(ladder_ticks=256, order_capacity=512, rules=rules)
    env = MarketEnv(Market(seats=seats, venue=venue, flow=ZeroIntelligence(pace=60.0), session_s=20.0), record=True)
    env.reset(seed=seed)
    while env.acting:
        env.step({"taker": np.array([1, 2])})
        check(env.row)
    assert sum(env.wealth().values()) == 0
    return env, env.events()


def trades_of(events: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return events[events["kind"] == EventKind.TRADED]


def test_fees_go_to_the_venue() -> None:
    env, events = played(VenueRules(maker_fee_per_lot=-3, taker_fee_per_lot=5))
    lots = int(trades_of(events)["size"].sum())
    assert lots > 100 and env.wealth()["venue"] == 2 * lots
    assert env.wealth()["venue"] > 0 == played(VenueRules())[0].wealth()["venue"]


@pytest.mark.parametrize("stp", ["cancel_newest", "cancel_oldest", "cancel_both", "decrement"])
def test_nobody_trades_with_itself(stp: Any) -> None:
    """Nobody but the crowd, which is many."""
    crowd = 5
    plain = trades_of(played(VenueRules())[1])
    assert ((plain["owner"] == plain["other_owner"]) & (plain["owner"] != crowd)).any()
    env, events = played(VenueRules(stp=stp))
    assert env.accounts.index("background") == crowd
    trades = trades_of(events)
    selves = trades[trades["owner"] == trades["other_owner"]]
    assert set(selves["owner"].tolist()) == {crowd}
    assert (events["reason"] == Reason.SELF_TRADE).any()


def test_a_position_stays_within_its_limit() -> None:
    env, events = played(VenueRules(position_limit=6))
    bought = trades_of(events)
    bought = bought[(bought["other_owner"] == 0) & (bought["side"] == 0)]
    assert bought["size"].sum() <= 6
    assert (events["reason"] == Reason.POSITION_LIMIT).sum() > 10


def test_shares_by_size_are_another_market() -> None:
    fifo, shared = (trades_of(played(rules)[1]) for rules in (VenueRules(), VenueRules(allocation="pro_rata")))
    assert len(shared) > 50 and not np.array_equal(fifo, shared)


def test_it_is_copied_and_goes_on() -> None:
    rules = VenueRules(stp="decrement", maker_fee_bps=-0.2, taker_fee_bps=0.3, open_order_limit=3)
    seats = (
        Seat(name="taker", role=Taker(), clock=Periodic(every_s=0.5)),
        Seat(name="maker", policy=AvellanedaStoikov(size_lots=3), clock=Periodic(every_s=0.2)),
    )
    env = MarketEnv(Market(seats=seats, venue=Venue(ladder_ticks=256, rules=rules), session_s=10.0))
    env.reset(seed=0)
    for _ in range(5):
        env.step({"taker": np.array([1, 2])})
    twins = (env.clone(), pickle.loads(pickle.dumps(env)))
    for each in (env, *twins):
        while each.acting:
            each.step({"taker": np.array([2, 1])})
    assert all(np.array_equal(env.row, twin.row) for twin in twins)


def test_a_scenario_chooses_them() -> None:
    scenario = parse(
        """
        title = "Rules"
        [market]
        ladder_ticks = 256
        [market.rules]
        stp = "cancel_oldest"
        taker_fee_bps = 0.5
        band = [1, 20000]
        [flow]
        kind = "zero_intelligence"
        [[seats]]
        name = "taker"
        role = { kind = "taker" }
        clock = { kind = "periodic" }
        policy = { kind = "hold" }
        """
    )
    assert scenario.as_market({}).venue.rules == VenueRules(stp="cancel_oldest", taker_fee_bps=0.5, band=(1, 20_000))
