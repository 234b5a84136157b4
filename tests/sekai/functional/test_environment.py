"""Functional environments: pure, forked and rewound; what they offer; wrappers around them."""

from copy import deepcopy
from functools import cached_property
from typing import Any

import numpy as np
import pytest

from sekai.error import InvalidAction, SekaiError, SpaceMismatch, UndefinedAttribute
from sekai.functional import (
    Array,
    AutoResetWrapper,
    BatchWrapper,
    DictSpec,
    DiscreteArray,
    Environment,
    Key,
    MultiDiscreteArray,
    Spec,
    TimeStep,
    TupleSpec,
    ValidateWrapper,
    Wrapper,
    restart,
    termination,
)
from sekai.testing.walks import ModularWalk, PureWalk


def test_a_story_with_its_numbers() -> None:
    moves = np.random.default_rng(7).standard_normal(2)
    env = PureWalk(length=2)
    state, first = env.reset(Key(7))
    assert first.first() and first.observation.tolist() == [0.0, 0.0]
    state, second = env.step(state, 2)
    assert second.mid() and second.reward == moves[0] and second.observation.tolist() == [np.float32(moves[0]), 1.0]
    state, third = env.step(state, 2)
    assert third.last() and third.discount == 0.0 and third.reward == 2 * moves[1]


def test_step_leaves_the_state_as_it_is() -> None:
    env = PureWalk()
    state, _ = env.reset(Key(1))
    before = deepcopy(state)
    for action in range(3):
        env.step(state, action)
    assert state == before


def test_a_state_can_be_forked_and_come_back_to() -> None:
    env = PureWalk()
    state, _ = env.reset(Key(1))
    fork, _ = env.step(state, 0)
    assert env.step(fork, 2) == env.step(fork, 2) != env.step(state, 2)
    assert env.reset(Key(1))[0] == state != env.reset(Key(2))[0]


def test_both_walks_walk_alike() -> None:
    composed, pure = ModularWalk(), PureWalk()
    begun, (state, timestep) = composed.reset(seed=3), pure.reset(Key(3))
    assert np.array_equal(begun.observation, timestep.observation)
    for action in (2, 2, 0, 1, 0, 0, 2, 2, 1):
        result = composed.step(action)
        state, timestep = pure.step(state, action)
        assert np.array_equal(result.observation, timestep.observation) and result.reward == timestep.reward


def test_specs_are_worked_out_once_and_may_be_assigned() -> None:
    class Counts(PureWalk):
        calls = 0

        def __init__(self) -> None:
            pass

        @cached_property
        def action_spec(self) -> DiscreteArray:
            type(self).calls += 1
            return DiscreteArray(3)

    env = Counts()
    assert env.action_spec is env.action_spec and Counts.calls == 1
    env.action_spec = DiscreteArray(5)
    assert env.action_spec.num_values == 5
    env.reward_spec = Array((), np.float32)
    assert env.reward_spec.dtype == np.float32
    with pytest.raises(UndefinedAttribute, match="Counts does not define observation_spec: define or assign a Spec"):
        env.observation_spec  # noqa: B018


def test_what_else_an_environment_has() -> None:
    with PureWalk() as env:
        state, _ = env.reset(Key(0))
        assert env.unwrapped is env and env.render(state) == "+0 lots at 0.00" and repr(env) == "<PureWalk>"
        assert env.reward_spec == Array((), float)
        assert (float(env.discount_spec.minimum), float(env.discount_spec.maximum)) == (0.0, 1.0)
        env.close()

    class Unseen(PureWalk):
        render = Environment.render

    with pytest.raises(NotImplementedError, match=r"Unseen does not define render\(state\)"):
        Unseen().render(state)
    with pytest.raises(TypeError, match="abstract"):
        Environment()  # type: ignore[abstract]


class Closes(PureWalk):
    closed = False

    def close(self) -> None:
        self.closed = True


def test_a_wrapper_is_the_same_until_it_changes_something() -> None:
    class Doubled(Wrapper[Any, Any, Any]):
        def step(self, state: Any, action: Any) -> Any:
            state, timestep = self.env.step(state, action)
            return state, timestep.replace(reward=2 * timestep.reward)

    inner = Closes()
    env = Doubled(Wrapper(inner))
    state, first = env.reset(Key(1))
    assert first == inner.reset(Key(1))[1]
    assert env.step(state, 2)[1].reward == 2 * inner.step(state, 2)[1].reward
    assert (env.observation_spec, env.action_spec) == (inner.observation_spec, inner.action_spec)
    assert (env.reward_spec, env.discount_spec) == (inner.reward_spec, inner.discount_spec)
    assert env.unwrapped is inner and env.render(state) == inner.render(state)
    assert repr(env) == "<Doubled(<Wrapper(<Closes>)>)>"
    env.action_spec = DiscreteArray(9)
    assert inner.action_spec == DiscreteArray(3)
    env.close()
    assert inner.closed
    with pytest.raises(SekaiError, match="env must be a functional Environment, got 3"):
        Wrapper(3)  # type: ignore[arg-type]


def test_autoreset_begins_the_next_episode_in_the_last_step() -> None:
    env = AutoResetWrapper(PureWalk(length=2))
    state, first = env.reset(Key(1))
    state, middle = env.step(state, 2)
    assert first.first() and middle.mid() and middle.extras == {}
    state, last = env.step(state, 2)
    assert last.last() and last.discount == 0.0 and last.observation.tolist() == [0.0, 0.0]
    assert last.extras["final_observation"][1] == 2.0 and last.extras["reset_info"] == {}
    assert env.render(state) == "+0 lots at 0.00"
    again, other = env.step(state, 2)
    assert other.mid() and other.reward != middle.reward
    assert env.step(state, 2) == (again, other)


def test_every_episode_of_autoreset_is_another() -> None:
    env = AutoResetWrapper(PureWalk(length=1))
    state, _ = env.reset(Key(1))
    rewards = set()
    for _ in range(50):
        state, timestep = env.step(state, 2)
        rewards.add(timestep.reward)
    assert len(rewards) == 50


def test_a_batch_is_its_rows() -> None:
    batch, one = BatchWrapper(PureWalk(length=3), 4), PureWalk(length=3)
    states, first = batch.reset(Key(1))
    assert len(states) == 4 and first.observation.shape == (4, 2) and first.first().tolist() == [True] * 4
    rows = [one.reset(key)[0] for key in Key(1).split(4)]
    assert list(states) == rows and batch.reset(Key(1).split(4))[0] == states
    for action in ([0, 1, 2, 2], [2, 2, 2, 0], [1, 1, 1, 1]):
        states, told = batch.step(states, np.array(action))
        alone = [one.step(row, a) for row, a in zip(rows, action, strict=True)]
        rows = [row for row, _ in alone]
        assert list(states) == rows and told.reward.tolist() == [step.reward for _, step in alone]
        assert np.array_equal(told.observation, np.stack([step.observation for _, step in alone]))
    assert told.last().tolist() == [True] * 4 and told.discount.tolist() == [0.0] * 4 and told.extras == {}
    assert batch.render(states) == one.render(rows[0])


def test_a_batch_has_specs_of_its_own() -> None:
    batch = BatchWrapper(PureWalk(), 4)
    assert batch.action_spec == MultiDiscreteArray([3] * 4, np.intp)
    assert batch.observation_spec.shape == (4, 2) and batch.reward_spec.shape == (4,)
    assert batch.discount_spec.maximum.tolist() == [1.0] * 4
    _, told = batch.reset(Key(0))
    batch.observation_spec.validate(told.observation)
    batch.reward_spec.validate(told.reward)


class Nested(Environment[int, Spec[Any], Any]):
    """Answers with what it was told, all of it nested; a last step says which."""

    observation_spec = action_spec = DictSpec(  # type: ignore[assignment]
        {"move": DiscreteArray(3), "pair": TupleSpec([Array((2,), np.float32), DiscreteArray(2)])}
    )

    def reset(self, key: Key) -> tuple[int, TimeStep[Any]]:
        return 0, restart(self.observation_spec.generate_value(), {"begun": True})

    def step(self, state: int, action: Any) -> tuple[int, TimeStep[Any]]:
        return state + 1, termination(1.0, action, {"told": state})


def test_nested_values_are_stacked_leaf_by_leaf() -> None:
    batch = BatchWrapper(Nested(), 2)
    states, first = batch.reset(Key(0))
    assert first.observation["pair"][0].shape == (2, 2) and first.extras == {"begun": [True, True]}
    action = {"move": np.array([0, 2]), "pair": (np.ones((2, 2), np.float32), np.array([0, 1]))}
    _, told = batch.step(states, action)
    assert told.observation["move"].tolist() == [0, 2] and told.observation["pair"][1].tolist() == [0, 1]
    assert told.extras == {"told": [0, 0]}
    batch.observation_spec.validate(told.observation)
    batch.action_spec.validate(action)


def test_autoreset_rows_restart_alone() -> None:
    class Lengths(PureWalk):
        def reset(self, key: Key) -> Any:
            state, first = super().reset(key)
            return deepcopy(state), first

        def step(self, state: Any, action: Any) -> Any:
            after, told = super().step(state, action)
            return after, told if action else termination(told.reward, told.observation)

    batch = BatchWrapper(AutoResetWrapper(Lengths()), 2)
    states, _ = batch.reset(Key(0))
    states, told = batch.step(states, np.array([0, 2]))
    assert told.last().tolist() == [True, False] and told.observation[:, 1].tolist() == [0.0, 1.0]
    assert told.extras["final_observation"][0][1] == -1.0 and told.extras["final_observation"][1] is None


def test_a_batch_says_what_does_not_fit() -> None:
    batch = BatchWrapper(PureWalk(), 3)
    states, _ = batch.reset(Key(0))
    with pytest.raises(SekaiError, match="n must be an integer >= 1, got 0"):
        BatchWrapper(PureWalk(), 0)
    with pytest.raises(SekaiError, match="keys must be 3, got 2"):
        batch.reset(Key(0).split(2))
    with pytest.raises(SekaiError, match="states must be 3, got 2"):
        batch.step(states[:2], np.zeros(3, int))
    with pytest.raises(InvalidAction, match="action must have 3 rows, got"):
        batch.step(states, np.zeros(4, int))
    with pytest.raises(InvalidAction, match="action must have 3 rows, got 1"):
        batch.step(states, 1)


def test_validate_holds_everything_to_its_spec() -> None:
    class Lies(PureWalk):
        def step(self, state: Any, action: Any) -> Any:
            state, told = super().step(state, action)
            return state, told.replace(**{0: {"reward": "much"}, 1: {"discount": 2.0}, 2: {}}[int(action)])

    env = ValidateWrapper(Lies())
    state, first = env.reset(Key(0))
    assert first == PureWalk().reset(Key(0))[1]
    assert env.step(state, 2)[1] == PureWalk().step(state, 2)[1]
    for action, says in (
        (3, "action must be from 0 to 2"),
        (0, "reward must be float64"),
        (1, "discount must be"),
    ):
        with pytest.raises(SpaceMismatch, match=says):
            env.step(state, action)
    env.observation_spec = Array((3,), np.float32, "observation")
    with pytest.raises(SpaceMismatch, match=r"observation must have shape \(3,\), got \(2,\)"):
        env.reset(Key(0))
