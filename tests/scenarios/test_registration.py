"""Environment ids of markets and scenarios: `others` is who plays the other seats, everywhere."""

from __future__ import annotations

from typing import Any

import pytest

import sekai
from sekai.agents import ConstantSpread, Hold, Momentum, NoiseTrader
from sekai.error import SekaiError


def inside(env: Any) -> list[type]:
    """Return who sits in each seat of the market below an environment."""
    return [type(seat.policy) for seat in env.unwrapped.multi.market.seats]


@pytest.mark.parametrize(
    ("id", "arguments", "seats"),
    [
        ("markets/MarketMaking-v0", {}, [type(None), NoiseTrader]),
        ("markets/MarketMaking-v0", {"others": {"taker_0": "momentum"}}, [type(None), Momentum]),
        ("markets/MarketMaking-v0", {"others": {"taker": Momentum()}}, [type(None), Momentum]),
        ("markets/MarketMaking-v0", {"others": {"taker": "hold"}}, [type(None), type(None)]),
        ("markets/Trading-v0", {"others": {"maker_0": ConstantSpread()}}, [type(None), type(None)]),
        ("markets/Trading-v0", {"others": {"maker_0": lambda seen: [1, 1, 1, 1]}}, [type(None), type(None)]),
        (
            "markets/MakerTaker-v0",
            {"agent": "maker_1", "others": {"maker_0": Hold(), "taker": "noise"}},
            [type(None), type(None), NoiseTrader],
        ),
        (
            "scenarios/maker-duel",
            {"agent": "maker_0", "others": {"maker_1": "constant_spread", "taker": "momentum"}},
            [type(None), type(None), Momentum],
        ),
    ],
)
def test_others_may_be_names_or_policies_inside_or_outside(id: str, arguments: Any, seats: list[type]) -> None:
    env = sekai.make(id, session_s=5.0, **arguments) if id.startswith("markets") else sekai.make(id, **arguments)
    assert inside(env) == seats
    env.reset(seed=0)
    assert not env.step(env.action_space.sample()).done


def test_a_market_for_many_takes_compiled_others_too() -> None:
    market = sekai.make("markets/MakerTaker-v0", others={"taker_0": "noise"})
    assert market.possible_agents == ("maker_0", "maker_1")
    assert sekai.make("scenarios/maker-duel", others={"maker_1": "noise"}).possible_agents == ("maker_0", "taker")


@pytest.mark.parametrize(
    ("id", "arguments", "told"),
    [
        ("markets/Trading-v0", {"others": {"makr": "noise"}}, "Did you mean 'maker'"),
        ("markets/Trading-v0", {"others": {"maker_0": "noize"}}, "Did you mean 'noise'"),
        ("markets/Trading-v0", {"others": "noise"}, "others must say who plays which seat"),
        ("markets/Trading-v0", {"maker": "noise"}, "no argument 'maker'"),
        ("markets/Trading-v0", {"makers": 2}, "makers is 1 in this view"),
        ("markets/MarketMaking-v0", {"others": {"taker_0": 3}}, "policy of 'taker_0' must be a name"),
        ("markets/MakerTaker-v0", {"others": {"taker_0": "hold"}}, "say also which seat is yours"),
        ("scenarios/calm", {"others": {"maker": "hold"}}, "say also which seat is yours"),
        ("scenarios/calm", {"others": {"makr": "hold"}}, "Did you mean 'maker'"),
        ("scenarios/calm", {"policies": {"maker": "hold"}}, "has no argument 'policies'"),
    ],
)
def test_wrong_others_are_named(id: str, arguments: Any, told: str) -> None:
    with pytest.raises(SekaiError, match=told):
        sekai.make(id, **arguments)


def test_a_policy_that_must_know_its_spaces_plays_in_any_view() -> None:
    """Each agent of a role gets one of its own."""
    market = sekai.make("markets/MakerTaker-v0", takers=2, session_s=5.0)
    view = market.view("maker_0", others={"maker_1": ConstantSpread(), "taker": Hold()})
    view.reset(seed=0)
    while not view.step([1, 1, 1, 1]).done:
        pass
    with pytest.raises(SekaiError, match="constant_spread plays makers"):
        market.view("maker_0", others={"maker_1": Hold(), "taker": ConstantSpread()})
