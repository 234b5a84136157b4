"""Our environments before dm_env's own judge, dm_env's as ours, and the way there and back."""

from collections.abc import Iterator
from typing import Any

import dm_env
import numpy as np
import pytest
from absl.testing import absltest
from dm_env import specs
from dm_env.test_utils import EnvironmentTestMixin
from hypothesis import given

import sekai
from sekai.adapters.dm_env import from_dm_env, from_dm_spec, to_dm_env, to_dm_spec
from sekai.adapters.dm_env.specs import value_to_gymnasium
from sekai.core.result import same
from sekai.error import ResetRequired, SekaiError, SpaceMismatch
from sekai.functional import AutoResetWrapper, truncation
from sekai.testing import CountingEnv, EchoEnv
from sekai.testing.strategies import flattenable_spaces
from sekai.testing.walks import ModularWalk, PureWalk


class Judged(EnvironmentTestMixin):
    """Plays over an episode's end, so that what follows it is judged too."""

    def make_action_sequence(self) -> Iterator[Any]:
        for _ in range(25):
            yield self.make_action()


class TestModularWalk(Judged, absltest.TestCase):
    def make_object_under_test(self) -> dm_env.Environment:
        return to_dm_env(ModularWalk())


class TestPureWalk(Judged, absltest.TestCase):
    def make_object_under_test(self) -> dm_env.Environment:
        return to_dm_env(PureWalk(4), seed=1)


class TestAutoReset(Judged, absltest.TestCase):
    def make_object_under_test(self) -> dm_env.Environment:
        return to_dm_env(sekai.AutoReset(ModularWalk()))


class TestNested(Judged, absltest.TestCase):
    """A seat of many agents, whose observation is a dict."""

    def make_object_under_test(self) -> dm_env.Environment:
        return to_dm_env(EchoEnv().view("taker", others={"maker": lambda obs: np.zeros(1, np.float32)}))


class TestThereAndBackAndThere(Judged, absltest.TestCase):
    def make_object_under_test(self) -> dm_env.Environment:
        return to_dm_env(sekai.TimeLimit(from_dm_env(Catch(3)), 2))


class Catch(dm_env.Environment):
    """One of dm_env's own kind: pays for saying its number, and ends after three steps, the last half counted."""

    def __init__(self, seed: int) -> None:
        self.number, self.closed = seed % 3, False

    def reset(self) -> dm_env.TimeStep:
        self.time = 0
        return dm_env.restart({"time": np.int32(0)})

    def step(self, action: Any) -> dm_env.TimeStep:
        self.time += 1
        reward, seen = float(action == self.number), {"time": np.int32(self.time)}
        return dm_env.truncation(reward, seen, 0.5) if self.time == 3 else dm_env.transition(reward, seen)

    def observation_spec(self) -> Any:
        return {"time": specs.BoundedArray((), np.int32, 0, 3)}

    def action_spec(self) -> Any:
        return specs.DiscreteArray(3)

    def close(self) -> None:
        self.closed = True


def test_a_story_there() -> None:
    env, ours = to_dm_env(CountingEnv(2), seed=4), CountingEnv(2)
    first = env.step(0.5)  # nobody has reset it: this does
    assert first.first() and first.reward is None and same(first.observation, ours.reset(seed=4).observation)
    middle, last = env.step(0.5), env.step(0.25)
    assert (middle.reward, middle.discount, last.reward, last.discount) == (0.5, 1.0, 0.25, 0.0) and last.last()
    assert env.step(0.5).first() and repr(env) == "<ToDmEnv(<CountingEnv>)>"
    env.close()
    assert env.sekai_env.closed
    cut = to_dm_env(sekai.TimeLimit(CountingEnv(9), 1))
    cut.reset()
    assert cut.step(0.0).discount == 1.0


def test_discounts_of_a_functional_environment_go_along() -> None:
    class Half(PureWalk):
        def step(self, state: Any, action: Any) -> Any:
            state, told = super().step(state, action)
            return state, truncation(told.reward, told.observation, 0.5)

    env = to_dm_env(Half())
    env.reset()
    assert env.step(1).discount == 0.5


def test_a_story_here() -> None:
    env = from_dm_env(Catch)
    begun = env.reset(seed=4)
    assert begun == sekai.ResetResult({"time": np.int32(0)}, {})
    results = [env.step(np.intp(1)) for _ in range(3)]
    assert [r.reward for r in results] == [1.0, 1.0, 1.0]
    assert [(r.terminated, r.truncated, r.info) for r in results] == [(False, False, {})] * 2 + [
        (False, True, {"discount": 0.5})
    ]
    with pytest.raises(ResetRequired, match="no episode goes on"):
        env.step(np.intp(1))
    assert sekai.check_env(from_dm_env(Catch)) == []


def test_seeds_are_beyond_dm_env() -> None:
    env = from_dm_env(Catch(1))
    assert env.reset().observation == {"time": 0}
    with pytest.raises(SekaiError, match="seed must be None, got 3: give from_dm_env a function of a seed"):
        env.reset(seed=3)
    inner = env.env  # type: ignore[attr-defined]
    env.close()
    assert inner.closed


def test_there_and_back_is_what_set_out() -> None:
    walk, catch = ModularWalk(), Catch(0)
    assert from_dm_env(to_dm_env(walk)) is walk and to_dm_env(from_dm_env(catch)) is catch
    pure = AutoResetWrapper(PureWalk())
    assert from_dm_env(to_dm_env(pure)).environment is pure  # type: ignore[attr-defined]


def test_what_is_no_environment() -> None:
    for wrong in (3, EchoEnv()):
        with pytest.raises(SekaiError, match="env must be an Env or a functional Environment of one agent"):
            to_dm_env(wrong)  # type: ignore[arg-type]
    with pytest.raises(SekaiError, match=r"env must be a dm_env.Environment, or make one from a seed, got 3"):
        from_dm_env(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("space", "spec"),
    [
        (sekai.Box(-np.inf, np.inf, (2,)), specs.Array((2,), np.float32)),
        (sekai.Box(0, np.inf, (2,), np.float64), specs.BoundedArray((2,), np.float64, 0.0, np.inf)),
        (sekai.Discrete(3), specs.DiscreteArray(3, np.intp)),
        (sekai.Discrete(3, dtype=np.int8), specs.DiscreteArray(3, np.int8)),
        (sekai.Tuple([sekai.Discrete(2), sekai.Dict(a=sekai.Discrete(2))]), None),
    ],
)
def test_spaces_that_come_back_as_they_were(space: Any, spec: Any) -> None:
    there = to_dm_spec(space)
    assert (spec is None or there == spec) and from_dm_spec(there) == space


def test_spaces_that_come_back_as_boxes() -> None:
    for space, low, high in (
        (sekai.Discrete(3, -1), -1, 1),
        (sekai.MultiDiscrete([2, 3], [1, 0]), [1, 0], [2, 2]),
        (sekai.MultiBinary(2), 0, 1),
    ):
        there = to_dm_spec(space, "choice")
        assert there.name == "choice" and from_dm_spec(there) == sekai.Box(low, high, space.shape, space.dtype)


@given(flattenable_spaces())
def test_values_conform_to_their_specs(space: Any) -> None:
    import tree

    try:
        spec = to_dm_spec(space)
    except SpaceMismatch as error:
        assert "arrays of a fixed shape" in str(error)
        return
    value = space.sample()
    tree.map_structure(lambda one, part: one.validate(part), spec, value_to_gymnasium(space, value))


def test_what_has_no_spec_and_no_space() -> None:
    with pytest.raises(SpaceMismatch, match="space must hold arrays of a fixed shape for dm_env, got Text"):
        to_dm_spec(sekai.Text(3))
    for wrong in (specs.StringArray(()), 3):
        with pytest.raises(SpaceMismatch, match="spec must be of numbers"):
            from_dm_spec(wrong)
