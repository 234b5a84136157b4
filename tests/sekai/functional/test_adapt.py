"""From functions to environments that remember, and back: of one agent and of many."""

import pickle
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import pytest

import sekai
from sekai.core.result import same
from sekai.error import InvalidAgents, ResetRequired, SekaiError, SpaceMismatch
from sekai.functional import (
    Array,
    AutoResetWrapper,
    DictSpec,
    DiscreteArray,
    Environment,
    Key,
    MultiAgentEnvironment,
    Spec,
    StepType,
    TimeStep,
    TupleSpec,
    from_env,
    restart,
    to_env,
    transition,
    truncation,
)
from sekai.testing import ClockworkEnv, CountingEnv, EchoEnv, EnvConformance
from sekai.testing.walks import ModularWalk, PureWalk


class TestPureWalkAsEnv(EnvConformance):
    def make(self) -> Any:
        return to_env(PureWalk())


class TestAutoResetAsEnv(EnvConformance):
    def make(self) -> Any:
        return to_env(AutoResetWrapper(PureWalk(4)))


class Clock(MultiAgentEnvironment[Any]):
    """The environment of many agents within, as functions and nothing more."""

    def __init__(self, env: Any) -> None:
        self.inner: Any = from_env(env)
        self.observation_spec, self.action_spec = self.inner.observation_spec, self.inner.action_spec

    def reset(self, key: Key) -> Any:
        return self.inner.reset(key)

    def step(self, state: Any, actions: Mapping[str, Any]) -> Any:
        return self.inner.step(state, actions)

    def settle(self, state: Any, agents: Any) -> Any:
        return self.inner.settle(state, agents)


class TestManyAsEnv(EnvConformance):
    """Agents with clocks and lives of their own."""

    def make(self) -> Any:
        return to_env(Clock(ClockworkEnv({"fast": 1, "slow": 3, "late": 2}, {"late": (2, 7)})))


# --- from functions ---------------------------------------------------------------------------------------------------
def test_an_env_has_the_key_of_its_seed() -> None:
    env, pure = to_env(PureWalk()), PureWalk()
    assert (env.observation_space, env.action_space) == (sekai.Box(-np.inf, np.inf, (2,)), sekai.Discrete(3))
    begun, (state, first) = env.reset(seed=7), pure.reset(Key(7))
    assert np.array_equal(begun.observation, first.observation) and env.state == state
    result, (state, told) = env.step(2), pure.step(state, 2)
    assert result == sekai.StepResult(told.observation, told.reward, False, False, {}) and env.state == state
    assert env.reset().observation.tolist() == [0.0, 0.0] and env.state != pure.reset(Key(7))[0]


class Halves(Environment[int, Spec[Any], Any]):
    """Half of what follows counts, after three steps all of it is cut off; observations have names."""

    class Seen(NamedTuple):
        time: Any
        pair: Any

    def __init__(self) -> None:
        pair = TupleSpec([DiscreteArray(4), Spec(sekai.Text(3, min_length=0))])
        self.observation_spec = DictSpec({"time": Array((), np.float32), "pair": pair}, self.Seen)
        self.action_spec = DictSpec({"x": Array((1,), np.float32, "x")})

    def reset(self, key: Key) -> tuple[int, TimeStep[Any]]:
        return 0, restart(self.seen(0), {"day": 1})

    def step(self, state: int, action: Any) -> tuple[int, TimeStep[Any]]:
        verb = truncation if state == 2 else transition
        return state + 1, verb(float(action["x"][0]), self.seen(state + 1), 0.5, {"time": state})

    def seen(self, time: int) -> Any:
        return self.Seen(np.float32(time), (np.int32(time), "a" * time))


def test_discounts_extras_and_named_values_become_an_envs() -> None:
    env = to_env(Halves())
    begun = env.reset(seed=0)
    assert begun.info == {"day": 1} and begun.observation in env.observation_space
    results = [env.step({"x": np.array([1.5], np.float32)}) for _ in range(3)]
    assert [(r.reward, r.terminated, r.truncated, r.info) for r in results] == [
        (1.5, False, False, {"time": 0, "discount": 0.5}),
        (1.5, False, False, {"time": 1, "discount": 0.5}),
        (1.5, False, True, {"time": 2, "discount": 0.5}),
    ]
    assert results[2].observation["pair"] == (3, "aaa") and type(results[2].observation) is dict
    assert sekai.check_env(to_env(Halves())) == []


def test_steps_out_of_order_and_violated_specs() -> None:
    env = to_env(PureWalk(1))
    with pytest.raises(ResetRequired, match="no episode goes on: call reset"):
        env.step(1)
    env.reset(seed=0)
    with pytest.raises(SpaceMismatch, match="action must be from 0 to 2, got 3"):
        env.step(3)
    env.step(1)
    with pytest.raises(ResetRequired):
        env.step(1)
    env.reset()
    env.close()
    env.close()
    with pytest.raises(ResetRequired):
        env.state  # noqa: B018


def test_many_agents_keep_their_clocks() -> None:
    bare, env = ClockworkEnv({"fast": 1, "slow": 3}), to_env(Clock(ClockworkEnv({"fast": 1, "slow": 3})))
    ours, theirs = env.reset(seed=2), bare.reset(seed=2)
    assert same(ours.observations, theirs.observations)
    while bare.acting:
        actions = dict.fromkeys(bare.acting, 0.5)
        told, result = env.step(actions), bare.step(actions)
        assert list(env.acting) == list(bare.acting) and set(env.agents) == set(bare.agents)
        assert same(told.rewards, result.rewards) and told.elapsed == result.elapsed
        assert same(told.observations, result.observations) and told.terminated == result.terminated


def test_many_agents_out_of_order() -> None:
    env = to_env(Clock(EchoEnv(["a", "b"])))
    with pytest.raises(ResetRequired):
        env.step({})
    env.reset(seed=0)
    with pytest.raises(InvalidAgents, match=r"missing \['b'\]"):
        env.step({"a": np.zeros(1, np.float32)})
    with pytest.raises(SpaceMismatch, match=r"action.a must be from"):
        env.step({"a": np.array([3.0], np.float32), "b": np.zeros(1, np.float32)})
    env.close()
    assert list(env.agents) == []


def test_settling_must_be_defined_where_somebody_waits() -> None:
    class Proud(Clock):
        settle = MultiAgentEnvironment.settle

    env = sekai.TimeLimit(to_env(Proud(ClockworkEnv({"fast": 1, "slow": 3}))), 1)
    env.reset(seed=0)
    with pytest.raises(SekaiError, match=r"Proud.settle is not defined, but \['slow'\] wait for their turn"):
        env.step({"fast": 0.0, "slow": 0.0})
    assert Proud(EchoEnv()).settle(3, []) == (3, {})


def test_many_agents_have_rewards_and_discounts_of_their_own() -> None:
    env = Clock(ClockworkEnv({"fast": 1, "slow": 3, "late": 1}, {"late": (2, 4)}, length=5))
    assert list(env.reward_spec) == ["fast", "slow", "late"] and env.discount_spec["late"].maximum == 1.0
    state, told = env.reset(Key(1))
    assert all(step.first() for step in told.values())
    kinds = []
    while not all(step.last() for step in told.values()):
        acting = [agent for agent, step in told.items() if not step.last()]
        state, told = env.step(state, dict.fromkeys(acting, 1.0))
        kinds.append({agent: (int(step.step_type), step.reward, step.discount) for agent, step in told.items()})
    first, mid, last = map(int, (StepType.FIRST, StepType.MID, StepType.LAST))
    assert kinds == [
        {"fast": (mid, 1.0, 1.0)},
        {"fast": (mid, 1.0, 1.0), "late": (first, 0.0, 1.0)},
        {"fast": (mid, 1.0, 1.0), "slow": (mid, 3.0, 1.0), "late": (mid, 1.0, 1.0)},
        {"fast": (mid, 1.0, 1.0), "late": (last, 1.0, 0.0)},
        {"fast": (last, 1.0, 0.0), "slow": (last, 2.0, 0.0)},
    ]


# --- from environments ------------------------------------------------------------------------------------------------
def test_an_environment_is_its_own_state() -> None:
    pure: Any = from_env(ModularWalk())
    assert (pure.action_spec, pure.observation_spec) == (DiscreteArray(3, np.intp), Array((2,), np.float32))
    state, first = pure.reset(Key(7))
    before = deepcopy(state)
    forks = [pure.step(state, action) for action in (0, 1, 2)]
    assert state == before == pickle.loads(pickle.dumps(state)) and first.first()
    assert forks[2] == pure.step(state, 2) and forks[0][0] != forks[2][0]
    walk = ModularWalk()
    walk.reset(seed=7)
    assert forks[2][1].reward == walk.step(2).reward
    assert state != 3
    with pytest.raises(TypeError, match="unhashable"):
        hash(state)


def test_what_becomes_of_the_environment_does_not_matter() -> None:
    env = ModularWalk()
    pure = from_env(env)
    told = pure.reset(Key(1))
    env.reset(seed=5)
    env.step(2)
    env.max_episode_len = 1
    assert pure.reset(Key(1)) == told


def test_ends_cuts_and_infos() -> None:
    pure = from_env(CountingEnv(2))
    state, first = pure.reset(Key(0))
    assert first.extras == {"time": 0}
    state, told = pure.step(state, 0.5)
    state, end = pure.step(state, 0.5)
    assert (told.discount, end.discount, end.last(), end.reward, end.extras) == (1.0, 0.0, True, 0.5, {"time": 2})
    with pytest.raises(ResetRequired, match=r"step after the episode's end: call reset\(key\)"):
        pure.step(state, 0.5)
    cut = from_env(sekai.TimeLimit(CountingEnv(9), 1))
    state, _ = cut.reset(Key(0))
    state, told = cut.step(state, 0.5)
    assert told.last() and told.discount == 1.0


def test_many_agents_are_forked() -> None:
    many: Any = from_env(EchoEnv(["a", "b"], length=2))
    assert (
        list(many.action_spec) == ["a", "b"]
        and many.observation_spec["a"].to_space() == EchoEnv().observation_spaces["taker"]
    )
    state, told = many.reset(Key(1))
    actions = {agent: np.array([x], np.float32) for agent, x in (("a", 0.25), ("b", 0.5))}
    assert many.step(state, actions) == many.step(state, actions)
    state, told = many.step(state, actions)
    assert {agent: step.reward for agent, step in told.items()} == {"a": 0.25, "b": 0.5}
    state, told = many.step(state, actions)
    assert all(step.last() and step.discount == 0.0 for step in told.values())
    with pytest.raises(ResetRequired):
        many.step(state, actions)


def test_a_renderer_draws_states() -> None:
    class Price:
        def render(self, env: Any) -> str:
            return f"{env.cur_state_action.position:+d}"

    pure = from_env(ModularWalk(), Price())
    state, _ = pure.reset(Key(0))
    assert pure.render(pure.step(state, 2)[0]) == "+1"

    class Names:
        def render(self, env: Any) -> Any:
            return env.possible_agents

    many = from_env(EchoEnv(["a"]), Names())
    assert many.render(many.reset(Key(0))[0]) == ["a"]
    for silent in (from_env(ModularWalk()), from_env(EchoEnv())):
        with pytest.raises(NotImplementedError, match="does not define render"):
            silent.render(silent.reset(Key(0))[0])  # type: ignore[attr-defined]


def test_there_and_back_is_what_set_out() -> None:
    for env in (ModularWalk(), EchoEnv()):
        assert to_env(from_env(env)) is env  # type: ignore[call-overload]
    for environment in (PureWalk(), Clock(EchoEnv())):
        assert from_env(to_env(environment)) is environment  # type: ignore[call-overload]


def test_closing_goes_through() -> None:
    counting = CountingEnv()
    from_env(counting).close()
    assert counting.closed


@pytest.mark.parametrize("function", [to_env, from_env])
def test_what_is_no_environment(function: Any) -> None:
    with pytest.raises(SekaiError, match="must be a"):
        function(3)
