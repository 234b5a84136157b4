"""Policies by name, and what their parameters mean."""

import math

import numpy as np
import pytest

from sekai import Box, MultiDiscrete
from sekai.agents import AvellanedaStoikov, CompiledPolicy, ConstantSpread, policies, policy
from sekai.error import SekaiError


@pytest.mark.parametrize("name", policies())
def test_every_policy_is_made_by_its_name_and_decides_inside_or_outside(name):
    made = policy(name)
    assert made.kind == name
    assert isinstance(made, CompiledPolicy) != hasattr(made, "seated")


def test_a_wrong_name_or_parameter_is_an_error_that_says_so():
    with pytest.raises(SekaiError, match="Did you mean 'momentum'"):
        policy("momentun")
    with pytest.raises(TypeError, match="risk"):
        policy("avellaneda_stoikov", risk=1)
    with pytest.raises(ValueError, match="decay must be > 0, got 0"):
        policy("avellaneda_stoikov", decay=0)


def test_the_constant_spread_of_avellaneda_and_stoikov_is_the_paper_s():
    """At gamma = 0.1 and k = 1.5 the constant part of the total spread is (2 / gamma) ln(1 + gamma / k) = 1.29."""
    half = AvellanedaStoikov(risk_aversion=0.1, decay=1.5).parameters[1]
    assert 2 * half == pytest.approx(2 / 0.1 * math.log(1 + 0.1 / 1.5)) == pytest.approx(1.29, abs=0.005)


def test_constant_spread_leans_against_inventory():
    space = MultiDiscrete([21, 21, 11, 11])
    player = ConstantSpread(distance_ticks=2, size_lots=3, lots_per_tick=5).seated(space, space)
    assert player.act({"account": np.array([0.0, 0.0])}).tolist() == [2, 2, 3, 3]
    assert player.act({"account": np.array([11.0, 0.0])}).tolist() == [4, 2, 3, 3]
    assert player.act({"account": np.array([-999.0, 0.0])}).tolist() == [2, 20, 3, 3]


@pytest.mark.parametrize("name", ["constant_spread", "hold", "uniform"])
def test_a_policy_refuses_a_seat_that_it_cannot_play(name):
    box = Box(-1.0, 1.0, shape=(4,))
    with pytest.raises(SekaiError, match=name):
        policy(name).seated(box, box)
    with pytest.raises(SekaiError, match="at most 5 and 2"):
        ConstantSpread(distance_ticks=9).seated(box, MultiDiscrete([6, 6, 3, 3]))
