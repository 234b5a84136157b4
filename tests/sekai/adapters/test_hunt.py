"""Laws of the adapters, hunted: over spaces of every kind, and over worlds whose agents wait, join and die."""

import warnings
from typing import Any

import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import SyncVectorEnv
from hypothesis import given, settings
from hypothesis import strategies as st

import sekai
from sekai.adapters.gymnasium import (
    FromGymnasiumVector,
    ToGymnasiumVector,
    from_gymnasium_space,
    to_gymnasium,
    to_gymnasium_space,
    to_gymnasium_vector,
)
from sekai.adapters.gymnasium.values import value_from_gymnasium, value_to_gymnasium
from sekai.adapters.pettingzoo import FromAEC, FromParallel, ToAEC, ToParallel, to_aec, to_parallel
from sekai.core.result import MAStepResult, same
from sekai.testing import ClockworkEnv
from sekai.testing.strategies import spaces, values

LENGTH = 10
WAGE = {"a_0": 1.0, "a_1": -0.5, "b_0": 0.25, "c_0": 2.0}


@given(st.data())
def test_spaces_and_their_values_pass_both_ways(data: st.DataObject) -> None:
    space = data.draw(spaces())
    there = to_gymnasium_space(space)
    assert from_gymnasium_space(there) == space
    value = data.draw(values(space))
    away, home = value_to_gymnasium(space), value_from_gymnasium(space)
    sent = away(value) if away else value
    assert there.contains(sent) and same(home(sent) if home else sent, value)
    there.seed(data.draw(st.integers(0, 99)))
    given_there = there.sample()
    assert space.contains(home(given_there) if home else given_there)


class Echo(sekai.Env[Any, Any]):
    """Observes the last action, after one of its own at first."""

    def __init__(self, space: sekai.Space[Any]) -> None:
        self.observation_space = self.action_space = sekai.Space.from_jsonable(space.to_jsonable())

    def reset(self, *, seed: int | None = None, options: Any = None) -> sekai.ResetResult[Any]:
        self._set_rng(seed)
        self.observation_space.seed(seed)
        return sekai.ResetResult(self.observation_space.sample(), {})

    def step(self, action: Any) -> sekai.StepResult[Any]:
        assert action in self.action_space, action
        return sekai.StepResult(action, 0.0, False, False, {})


def _holds_something(space: sekai.Space[Any]) -> bool:
    """Say whether every Dict and Tuple has a part: gymnasium cannot take rows of empty ones apart."""
    if isinstance(space, sekai.Dict | sekai.Tuple):
        parts = list(space.spaces.values()) if isinstance(space, sekai.Dict) else list(space.spaces)
        return bool(parts) and all(map(_holds_something, parts))
    return True


@settings(max_examples=40)
@given(spaces().filter(_holds_something), st.integers(0, 99))
def test_rows_of_any_space_are_gymnasiums(space: sekai.Space[Any], seed: int) -> None:
    make = [lambda: Echo(space)] * 2
    single = [lambda: to_gymnasium(Echo(space))] * 2
    forms = (
        to_gymnasium_vector(sekai.SyncVecEnv(make)),
        SyncVectorEnv(single),
        ToGymnasiumVector(FromGymnasiumVector(SyncVectorEnv(single))),
    )
    first, *others = [env.reset(seed=[seed, seed + 1])[0] for env in forms]
    assert all(data_equivalence(first, other, exact=True) for other in others)
    forms[0].action_space.seed(seed)
    actions = forms[0].action_space.sample()
    first, *others = [env.step(actions)[0] for env in forms]
    assert all(data_equivalence(first, other, exact=True) for other in others)


@st.composite
def clockworks(draw: st.DrawFn) -> ClockworkEnv:
    """A world of one to four agents, the first of them there from beginning to end."""
    names = list(WAGE)[: draw(st.integers(1, 4))]
    lives = {}
    for agent in names[1:]:
        birth = draw(st.integers(0, LENGTH - 2))
        lives[agent] = (birth, draw(st.integers(birth + 1, LENGTH)))
    return ClockworkEnv({agent: draw(st.integers(1, 4)) for agent in names}, lives, LENGTH)


def fresh(world: ClockworkEnv) -> ClockworkEnv:
    return ClockworkEnv(world.periods, world.lives, world.length)


def told(world: Any) -> dict[str, list[Any]]:
    """Return what each agent is told in an episode: observations, rewards, ends."""
    heard: dict[str, list[Any]] = {}
    result = world.reset(seed=3)
    while True:
        step = isinstance(result, MAStepResult)
        for agent, observation in result.observations.items():
            pay = result.rewards[agent] if step else 0.0
            over = step and (result.terminated[agent] or result.truncated[agent])
            heard.setdefault(agent, []).append((observation, pay, over))
        if not world.acting:
            return heard
        result = world.step({agent: WAGE[agent] for agent in world.acting})


@given(clockworks())
def test_aec_tells_each_agent_what_the_world_tells_it(world: ClockworkEnv) -> None:
    form, heard = to_aec(fresh(world)), {}
    form.reset(seed=3)
    for agent in form.agent_iter():
        observation, reward, terminated, truncated, _ = form.last()
        heard.setdefault(agent, []).append((observation, reward, terminated or truncated))
        form.step(None if terminated or truncated else WAGE[agent])
    assert same(heard, told(world))


@given(clockworks(), st.integers(1, LENGTH))
def test_the_way_there_and_back_through_aec_changes_nothing(world: ClockworkEnv, limit: int) -> None:
    """But for the turns: who acted together acts one after the other. A limit on the world itself ends both alike."""
    assert same(told(FromAEC(ToAEC(sekai.TimeLimit(fresh(world), limit)))), told(sekai.TimeLimit(world, limit)))


@given(clockworks())
def test_in_parallel_everybody_is_told_and_paid_at_every_step(world: ClockworkEnv) -> None:
    form = to_parallel(fresh(world))
    form.reset(seed=3)
    paid = dict.fromkeys(world.lives, 0.0)
    while form.agents:
        before = set(form.agents)
        fields = form.step({agent: WAGE[agent] for agent in form.agents})
        assert all(field.keys() == fields[0].keys() for field in fields)
        assert before <= fields[0].keys() and set(form.agents) <= fields[0].keys()
        assert {agent for agent in fields[2] if not (fields[2][agent] or fields[3][agent])} == set(form.agents)
        for agent, reward in fields[1].items():
            paid[agent] += reward
    earned = {agent: sum(pay for _, pay, _ in entries) for agent, entries in told(world).items()}
    assert {agent: paid[agent] for agent in earned} == pytest.approx(earned)
    again = FromParallel(ToParallel(fresh(world)))
    again.reset(seed=3)
    total = dict.fromkeys(world.lives, 0.0)
    while again.acting:
        for agent, reward in again.step({agent: WAGE[agent] for agent in again.acting}).rewards.items():
            total[agent] += reward
    assert {agent: total[agent] for agent in earned} == pytest.approx(earned)


def test_no_warning_of_the_libraries_is_ours() -> None:
    """Making every form says nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        world = ClockworkEnv({"a_0": 1})
        to_parallel(world), to_aec(world), to_gymnasium(world.view("a_0"))
        vec = to_gymnasium_vector(sekai.SyncVecEnv([lambda: fresh(world).view("a_0")] * 2))
        vec.reset(seed=0)
        vec.step(np.zeros(2, np.float32))
