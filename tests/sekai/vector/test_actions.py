"""A bad action is said with its environment, agent and component, and no row has moved."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sekai
from sekai import AsyncVecEnv, Box, Dict, Discrete, MultiBinary, MultiDiscrete, ProcVecEnv, SyncVecEnv, Text, Tuple
from sekai.core.result import same
from sekai.error import InvalidAction
from sekai.testing import EchoEnv

from .worlds import assert_same, clockwork, counting, play

NAN = float("nan")


class Sent(sekai.Env[Any, Any]):
    """Observes how many actions of `space` it was sent."""

    def __init__(self, space: Any) -> None:
        self.observation_space, self.action_space = Box(0, 99, ()), space

    def reset(self, *, seed: int | None = None, options: Any = None) -> sekai.ResetResult[Any]:
        self.count = 0
        return sekai.ResetResult(np.float32(0), {})

    def step(self, action: Any) -> sekai.StepResult[Any]:
        self.count += 1
        return sekai.StepResult(np.float32(self.count), 0.0, False, False, {"action": action})


GOOD_AND_BAD: list[tuple[Any, Any, Any, str]] = [
    (Discrete(3, start=1), [1, 3], [1, 4], "environment 1 must be from 1 to 3, got 4"),
    (Discrete(3, start=-1), np.array([-1, 1]), np.array([-2, 0]), "environment 0 must be from -1 to 1, got -2"),
    (Discrete(3), np.array([0, 2]), np.array([0.0, 2.0]), "environment 0 must be whole numbers in Discrete"),
    (Discrete(1000), [0, 999], [0, 1000], "environment 1 must be from 0 to 999, got 1000"),
    (Box(-1, 1, (2,)), np.ones((2, 2)), np.full((2, 2), 1.5), r"environment 0\[0\] must be from -1.0 to 1.0, got 1.5"),
    (Box(-1, 1, (2,)), [[0, 1], [1, 0]], [[0.0, 1.0], [1.0, NAN]], r"environment 1\[1\] must be .*, got nan"),
    (Box(-1, 1, (2,)), np.zeros((2, 2)), np.zeros((2, 3)), r"environment 0 must have shape \(2,\), got \(3,\)"),
    (Box(-1, 1, ()), [0.5, 1], [0.5, None], "environment 1 must be numbers in Box.*, got None"),
    (Box(0, 9, (1,), dtype=np.int64), [[1], [9]], [[1.0], [9.0]], "environment 0 must be whole numbers in Box"),
    (Box(0.1, 1, ()), np.array([0.1, 1.0]), np.array([0.1, 0.0999]), "environment 1 must be from 0.1"),
    (Box(-1, 1, ()), np.zeros(2), np.array([0.0, 1e300]), "environment 1 must be from -1.0 to 1.0, got inf"),
    (MultiDiscrete([2, 3]), np.array([[1, 2], [0, 0]]), np.array([[1, 2], [2, 0]]), r"environment 1\[0\] must be .* 1"),
    (
        MultiBinary(2),
        [np.array([0, 1])] * 2,
        [np.array([0, 1]), np.array([0, 2])],
        r"environment 1\[1\] must be from 0",
    ),
    (Text(3), ["abc", "b"], ["abc", "abcd"], "environment 1 must be in Text.*, got 'abcd'"),
    (
        Dict({"side": Discrete(2), "lots": Box(0, 5, (1,))}),
        {"side": np.array([0, 1]), "lots": np.full((2, 1), 5.0)},
        {"side": np.array([0, 1]), "lots": np.array([[5.0], [6.0]])},
        r"environment 1\['lots'\]\[0\] must be from 0.0 to 5.0, got 6.0",
    ),
    (
        Tuple([Discrete(2), Dict({"lots": Discrete(3)})]),
        [(0, {"lots": 2}), (1, {"lots": 0})],
        [(0, {"lots": 2}), (1, {"lots": 3})],
        r"environment 1\[1\]\['lots'\] must be from 0 to 2, got 3",
    ),
    (
        Dict({"side": Discrete(2)}),
        [{"side": 0}] * 2,
        [{"side": 0}, {"size": 0}],
        "environment 1 must be in Dict",
    ),
    (Tuple([Discrete(2)]), ([0, 1],), [(0,), (0, 1)], "environment 1 must be in Tuple.*, got"),
]


@pytest.mark.parametrize(("space", "good", "bad", "why"), GOOD_AND_BAD, ids=lambda value: str(value)[:25])
def test_an_action_outside_its_space_moves_no_row(space: Any, good: Any, bad: Any, why: str) -> None:
    vec = SyncVecEnv([lambda: Sent(space)] * 2)
    vec.reset(seed=0)
    for count in (1, 2):
        with pytest.raises(InvalidAction, match=why):
            vec.step(bad)
        assert vec.step(good).observations.tolist() == [count, count]


@pytest.mark.parametrize("backend", [SyncVecEnv, AsyncVecEnv, ProcVecEnv])
def test_rounds_with_bad_actions_between_are_the_same_rounds(backend: Any) -> None:
    """One agent and many, through ends, masks and wrappers."""

    class Clumsy:
        """A vector env whose user first sends an action that is bad in the last row."""

        def __init__(self, vec: Any) -> None:
            self.vec, self.mistakes = vec, 0

        def __getattr__(self, name: str) -> Any:
            return getattr(self.vec, name)

        def step(self, actions: Any, *, mask: Any = None) -> Any:
            worse = {a: x.copy() for a, x in actions.items()} if self.vec.many else actions.copy()
            (worse["maker_0"] if self.vec.many else worse)[-1] = 7.0
            if mask is None:
                try:
                    self.vec.step(worse)
                except InvalidAction as error:
                    assert "environment 3" in str(error) and "got 7.0" in str(error)
                    self.mistakes += 1
            return self.vec.step(actions, mask=mask)

    for world in (counting, clockwork, EchoEnv):
        for wrap in (lambda vec: vec, lambda vec: sekai.TimeLimit(vec, 3), lambda vec: sekai.ClipReward(vec, 0, 1)):
            clumsy = Clumsy(wrap(backend([world] * 4)))
            assert_same(play(clumsy), play(wrap(SyncVecEnv([world] * 4))))
            assert clumsy.mistakes > 1


def test_the_agent_is_named_and_who_does_not_act_may_do_anything() -> None:
    vec = SyncVecEnv([clockwork] * 2)
    begun = vec.reset(seed=0)
    actions = {agent: np.zeros(2) for agent in vec.possible_agents}
    assert not begun.acting["taker"].any()
    actions["taker"][:] = 99
    vec.step(actions)
    with pytest.raises(InvalidAction, match="the action of environment 1, 'maker_0' must be from -1.0 to 1.0, got 2.0"):
        vec.step(actions | {"maker_0": np.array([0.0, 2.0])})
    with pytest.raises(InvalidAction, match=r"environment 0, 'maker_1'\[0\] must be .*, got 2.0"):
        many = SyncVecEnv([EchoEnv] * 2)
        many.reset(seed=0)
        many.step({"maker": np.array([[[0.0], [2.0]], [[0.0], [0.0]]]), "taker": np.zeros((2, 1))})
    one = SyncVecEnv([counting] * 2)
    one.reset(seed=0)
    assert one.step(np.array([0.5, 9.0]), mask=np.array([True, False])).stepped.tolist() == [True, False]


def test_a_policy_of_a_view_too() -> None:
    view = SyncVecEnv([EchoEnv] * 2).view("taker", {"maker": lambda seen: np.full((2, 1), 3.0, np.float32)})
    view.reset(seed=0)
    with pytest.raises(InvalidAction, match=r"environment 0, 'maker_0'\[0\] must be from -1.0 to 1.0, got 3.0"):
        view.step(np.zeros((2, 1), np.float32))


def test_markets_stay_as_they_were() -> None:
    vec, other = (sekai.make_vec("markets/MarketMaking-v0", 3, session_s=20.0) for _ in "12")
    vec.reset(seed=1)
    other.reset(seed=1)
    space = vec.batch_action_space
    space.seed(0)
    for _ in range(5):
        actions = space.sample()
        with pytest.raises(InvalidAction, match=r"environment 2\[1\] must be from 0 to 20, got 21"):
            vec.step(np.vstack([actions[:2], [[1, 21, 0, 0]]]))
        assert same(vec.step(actions), other.step(actions))


@given(st.data())
def test_the_check_agrees_with_the_space(data: Any) -> None:
    """Whole numbers and floats of the space's own dtype, in it and around it."""
    box = data.draw(st.booleans())
    shape = tuple(data.draw(st.lists(st.integers(1, 3), max_size=2)))
    if box:
        low, high = sorted(data.draw(st.tuples(st.floats(-3, 3, width=32), st.floats(-3, 3, width=32))))
        space: Any = Box(low, high, shape)
        numbers = st.floats(-4, 4, width=32) | st.sampled_from([low, high, NAN])
    else:
        space = MultiDiscrete(np.full(shape or (1,), data.draw(st.integers(1, 4))), np.full(shape or (1,), -1))
        numbers = st.integers(-3, 4)
    size = int(np.prod(space.shape))
    rows = [np.array(data.draw(st.lists(numbers, min_size=size, max_size=size)), space.dtype) for _ in range(3)]
    actions = np.stack([row.reshape(space.shape) for row in rows])
    vec = SyncVecEnv([lambda: Sent(space)] * 3)
    vec.reset(seed=0)
    bad = [row for row in range(3) if actions[row] not in space]
    for given_as in (actions, list(actions)):
        if bad:
            with pytest.raises(InvalidAction, match=f"environment {bad[0]}"):
                vec.step(given_as)
        else:
            assert vec.step(given_as).stepped.all()
