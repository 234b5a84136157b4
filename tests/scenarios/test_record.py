"""Records of sessions: complete, consistent with the market, and the same for the same seed."""

import dataclasses

import numpy as np
import pytest

from sekai.agents import ConstantSpread
from sekai.core.result import same
from sekai.error import SekaiError
from sekai.scenarios import load
from sekai.scenarios.record import play, sessions


def _same(left, right):
    return all(same(getattr(left, f.name), getattr(right, f.name)) for f in dataclasses.fields(left))


@pytest.fixture(scope="module")
def duel():
    return play(load("maker-duel"), episodes=2, seed=1, samples=300)


def test_a_session_of_maker_duel_has_at_least_twenty_thousand_messages(duel):
    assert all(record.total_messages >= 20_000 for record in duel)
    assert all(record.rejects == 0 for record in duel)


def test_samples_span_the_session_and_agree_with_the_totals(duel):
    for record in duel:
        assert len(record.time_s) == 300 and record.time_s[-1] == 600.0
        np.testing.assert_allclose(np.diff(record.time_s), 2.0)
        both = (record.bid_ticks >= 0) & (record.ask_ticks >= 0)
        assert (record.ask_ticks[both] > record.bid_ticks[both]).all()
        assert (record.bid_lots[record.bid_ticks >= 0] > 0).all()
        mid = (record.bid_ticks + record.ask_ticks) / 2 * record.tick_size
        np.testing.assert_allclose(record.mark[both], mid[both])
        for k in range(len(record.seats)):
            ours = (record.trades["maker"] == k).astype(int) + (record.trades["taker"] == k)
            assert ours.sum() == record.fills[k]
            bought = np.where(record.trades["side"] == 0, record.trades["taker"], record.trades["maker"]) == k
            sold = np.where(record.trades["side"] == 0, record.trades["maker"], record.trades["taker"]) == k
            size = record.trades["size"]
            assert size[bought].sum() - size[sold].sum() == record.position_lots[-1, k]


def test_the_picture_of_the_book_agrees_with_its_best_prices(duel):
    first, second = duel
    assert second.depth_lots is None and first.depth_lots.shape == (300, len(first.window_ticks))
    for k in range(0, 300, 17):
        bids, asks = first.window_ticks[first.depth_lots[k] > 0], first.window_ticks[first.depth_lots[k] < 0]
        assert bids.max() == first.bid_ticks[k] and asks.min() == first.ask_ticks[k]
        assert first.depth_lots[k][first.window_ticks == bids.max()] == first.bid_lots[k]


def test_the_same_seed_plays_the_same_sessions_whatever_else_is_recorded(duel):
    again = play(load("maker-duel"), episodes=2, seed=1, samples=300)
    assert all(map(_same, duel, again))
    finer = play(load("maker-duel"), episodes=1, seed=1, samples=900)[0]
    assert same(finer.trades, duel[0].trades) and same(finer.wealth[-1], duel[0].wealth[-1])
    assert not same(duel[0].trades, duel[1].trades)


def test_policies_may_be_chosen_by_name_or_object_inside_or_outside():
    calm = load("calm")
    own = play(calm, episodes=1, seed=0)[0]
    inside = play(calm, episodes=1, seed=0, others={"maker": "noise"})[0]
    outside = play(calm, episodes=1, seed=0, others={"maker": ConstantSpread(distance_ticks=2)})[0]
    idle = play(calm, episodes=1, seed=0, others={"maker": "hold"})[0]
    assert idle.fills[0] == 0 and idle.messages[0] == 0 and (idle.wealth == 0).all()
    assert len({record.messages[0] for record in (own, inside, outside, idle)}) == 4
    assert _same(outside, play(calm, episodes=1, seed=0, others={"maker": ConstantSpread(distance_ticks=2)})[0])


def test_sessions_come_one_after_the_other():
    coming = sessions(load("calm"), episodes=3, seed=0)
    assert next(coming).episode == 0
    assert [record.episode for record in coming] == [1, 2]


def test_a_function_plays_a_seat():
    record = play(load("calm"), episodes=1, seed=0, others={"maker": lambda seen: [1, 1, 0, 0]})[0]
    assert record.messages[0] == 0


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"episodes": 0}, "episodes must be >= 1, got 0"),
        ({"samples": 0}, "samples must be >= 1, got 0"),
        ({"others": {"makr": "hold"}}, "Did you mean 'maker'"),
        ({"others": {"maker": "noize"}}, "Did you mean 'noise'"),
    ],
)
def test_wrong_arguments_are_named(kwargs, message):
    with pytest.raises(SekaiError, match=message):
        play(load("calm"), **({"episodes": 1, "seed": 0} | kwargs))
