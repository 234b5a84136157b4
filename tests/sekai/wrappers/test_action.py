"""Layers that change, repeat or refuse what is done."""

from typing import Any

import numpy as np
import pytest

import sekai
from sekai import Box, Dict, Discrete, ResetResult, SekaiError, StepResult
from sekai.error import InvalidAction
from sekai.testing import ClockworkEnv, CountingEnv, EchoEnv
from sekai.wrappers import CheckAction, ClipAction, RepeatAction, RescaleAction, StickyAction, TransformAction


class Doer(sekai.Env):
    """Remembers what was done."""

    def __init__(self, action_space: Any, masks: Any = None) -> None:
        self.observation_space, self.action_space, self.masks = Discrete(1), action_space, masks

    def reset(self, *, seed: int | None = None, options: Any = None) -> ResetResult:
        self._set_rng(seed)
        self.did: list[Any] = []
        return ResetResult(np.intp(0), {})

    def step(self, action: Any) -> StepResult:
        self.did.append(action)
        return StepResult(np.intp(0), 1.0, len(self.did) >= 20, False, {})

    def action_mask(self) -> Any:
        return self.masks


BOX = Box(np.array([-2.0, 0.0]), np.array([2.0, 10.0]))


def test_clip_rescale_transform() -> None:
    base = Doer(BOX)
    base.reset()
    clip, scale, change = ClipAction(base), RescaleAction(base, -1.0, 1.0), TransformAction(base, lambda a: a / 2)
    clip.step(np.array([-9.0, 11.0], np.float32))
    scale.step(np.array([0.0, 0.5], np.float32))
    change.step(np.array([2.0, 2.0], np.float32))
    assert [d.tolist() for d in base.did] == [[-2, 10], [0, 7.5], [1, 1]] and all(d in BOX for d in base.did)
    assert scale.reverse_action(np.array([0.0, 7.5], np.float32)).tolist() == [0, 0.5]
    assert scale.action_space == Box(-1.0, 1.0, (2,)) and not any(clip.action_space.is_bounded)
    rows = np.array([[0.0, 0.5], [1.0, -1.0], [3.0, 3.0]], np.float32)
    assert scale.over_rows and scale.action(rows).tolist() == [[0, 7.5], [2, 0], [6, 20]]
    byte = RescaleAction(Doer(Box(0, 255, (2,), np.uint8)))
    assert byte.action(np.array([-3.0, 3.0])).tolist() == [0, 255], "whole numbers end where their dtype does"
    nested = RescaleAction(Doer(Dict(side=Discrete(2), lots=Box(0, 4, (1,), np.int64))), 0.0, 1.0)
    nested.reset()
    nested.step({"side": 1, "lots": np.array([0.5])})
    assert nested.action({"side": 1, "lots": np.array([2.0])})["lots"].tolist() == [8], "beyond stays beyond"
    assert nested.unwrapped.did[0]["lots"].tolist() == [2] and nested.unwrapped.did[0] in nested.unwrapped.action_space


def test_sticky_actions_stick_as_often_as_they_should() -> None:
    env = StickyAction(CountingEnv(length=100_000), 0.25)
    env.reset(seed=0)
    paid = np.array([env.step(float(k)).reward for k in range(4000)])
    stuck = paid != np.arange(4000)
    assert paid[0] == 0.0 and stuck.mean() == pytest.approx(0.25, abs=5 * np.sqrt(0.25 * 0.75 / 4000))
    again = StickyAction(CountingEnv(length=100_000), 0.25)
    again.reset(seed=0)
    assert [again.step(float(k)).reward for k in range(99)] == paid[:99].tolist()


def test_an_agents_sticky_stream_is_its_own() -> None:
    """One more agent in the room, and the others' actions stick where they stuck."""

    def heard(agents: Any) -> list[float]:
        env = StickyAction(EchoEnv(agents, length=30), 0.5)
        env.reset(seed=3)
        return [env.step({a: np.array([k / 30]) for a in agents}).rewards["b"] for k in range(30)]

    assert heard(["a", "b"]) == heard(["c", "a", "b"]) != [k / 30 for k in range(30)]


def test_repeat_adds_up_and_stops_at_the_end() -> None:
    env = RepeatAction(CountingEnv(length=5), 2)
    env.reset(seed=0)
    results = [env.step(0.5) for _ in range(3)]
    assert [r.reward for r in results] == [1.0, 1.0, 0.5] and [r.done for r in results] == [False, False, True]
    assert [r.info["time"] for r in results] == [2, 4, 5]


def test_repeat_of_many_with_clocks_of_their_own_can_be_cloned_midway() -> None:
    env = RepeatAction(ClockworkEnv({"a": 1, "b": 3}, length=12), 2)
    env.reset(seed=1)
    env.step(dict.fromkeys(env.acting, 1.0))
    assert list(env.acting) == ["a"], "b is in the middle of its own"
    twin = env.clone()

    def play(world: Any) -> list[Any]:
        told = []
        while world.acting:
            told.append(world.step(dict.fromkeys(world.acting, 0.5)))
        return told

    first = play(env)
    env.set_state(twin)
    assert play(twin) == first == play(env)


def test_actions_are_checked_where_that_is_asked_for() -> None:
    env = CheckAction(Doer(Discrete(3), masks=[1, 0, 1]))
    env.reset()
    env.step(2)
    with pytest.raises(InvalidAction, match=r"action must be in Discrete\(3\), got 3"):
        env.step(3)
    with pytest.raises(InvalidAction, match=r"must be one that the mask \[1, 0, 1\] allows, got 1"):
        env.step(1)
    assert env.unwrapped.did == [2]
    many = CheckAction(EchoEnv())
    many.reset(seed=0)
    good = {a: np.zeros(1, np.float32) for a in many.agents}
    many.step(good)
    with pytest.raises(InvalidAction, match=r"action of 'taker' must be in Box.*float32 \(2,\)"):
        many.step({**good, "taker": np.zeros(2, np.float32)})


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: ClipAction(Doer(Discrete(2))), "needs a Box, got Discrete"),
        (lambda: RescaleAction(Doer(Box(0, np.inf, (1,)))), "needs bounds on both sides"),
        (lambda: RescaleAction(Doer(BOX), 2, 1), "min must be < max"),
        (lambda: StickyAction(Doer(BOX), 1.0), r"must be in \[0, 1\), got 1.0"),
        (lambda: RepeatAction(Doer(BOX), 0), "times must be an integer >= 1"),
        (lambda: TransformAction(Doer(BOX), None), "fn must be callable"),  # type: ignore[arg-type]
    ],
)
def test_mistakes(make: Any, why: str) -> None:
    with pytest.raises(SekaiError, match=why):
        make()
