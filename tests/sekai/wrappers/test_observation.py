"""Layers that change what is seen: the numbers, worked out by hand."""

from typing import Any

import numpy as np
import pytest

import sekai
from sekai import Box, Dict, Discrete, MultiBinary, MultiDiscrete, ResetResult, SekaiError, StepResult, Tuple
from sekai.error import SpaceMismatch
from sekai.testing import ClockworkEnv, CountingEnv, EchoEnv
from sekai.wrappers import (
    ActionMaskObservation,
    DelayObservation,
    DtypeObservation,
    FilterObservation,
    FlattenObservation,
    FrameStackObservation,
    RescaleObservation,
    TimeAwareObservation,
    TransformObservation,
)
from sekai.wrappers.affine import Affine


class Shelf(sekai.Env):
    """Shows the values of `space` that it is given, one after the other."""

    def __init__(self, space: Any, values: Any, action_space: Any = None, info: Any = None) -> None:
        self.observation_space, self.values, self.info = space, list(values), info or {}
        self.action_space = action_space or Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> ResetResult:
        self.left = iter(self.values)
        return ResetResult(next(self.left), self.info)

    def step(self, action: Any) -> StepResult:
        return StepResult(next(self.left), 0.0, False, False, self.info)


def shown(env: Any, count: int) -> list[Any]:
    return [env.reset(seed=0).observation, *(env.step(0).observation for _ in range(count - 1))]


NUMBERS = [np.array([float(k)], np.float32) for k in range(6)]
LINE = Box(0.0, 10.0, (1,))


def test_frames_are_stacked_oldest_first() -> None:
    env = FrameStackObservation(Shelf(LINE, NUMBERS), 3)
    assert env.observation_space == Box(0.0, 10.0, (3, 1))
    assert [s.ravel().tolist() for s in shown(env, 4)] == [[0, 0, 0], [0, 0, 1], [0, 1, 2], [1, 2, 3]]
    assert env.reset().observation.ravel().tolist() == [0, 0, 0], "the last episode is forgotten"
    zero = FrameStackObservation(Shelf(LINE, NUMBERS[3:]), 3, padding="zero")
    assert [s.ravel().tolist() for s in shown(zero, 2)] == [[0, 0, 3], [0, 3, 4]]


def test_frames_of_a_nested_observation() -> None:
    space = Dict({"a": LINE, "b": Tuple([Discrete(9)])})
    env = FrameStackObservation(Shelf(space, [{"a": x, "b": (np.intp(k),)} for k, x in enumerate(NUMBERS)]), 2)
    last = shown(env, 3)[-1]
    assert last in env.observation_space
    assert last["a"].tolist() == [[1], [2]] and last["b"][0].tolist() == [1, 2]


def test_an_agent_that_joins_begins_its_own_stack() -> None:
    env = FrameStackObservation(ClockworkEnv({"a": 1, "b": 2}, lives={"b": (3, 9)}), 2)
    env.reset(seed=0)
    seen = [env.step(dict.fromkeys(env.acting, 0.0)).observations for _ in range(5)]
    assert [s["b"][:, 0].tolist() for s in seen if "b" in s] == [[3, 3], [3, 5]]
    assert seen[4]["a"][:, 0].tolist() == [4, 5]


def test_delay() -> None:
    env = DelayObservation(Shelf(LINE, NUMBERS[1:]), 2)
    assert [float(x[0]) for x in shown(env, 5)] == [0, 0, 1, 2, 3]
    assert [float(x[0]) for x in shown(DelayObservation(Shelf(LINE, NUMBERS), 0), 3)] == [0, 1, 2]
    assert [int(x) for x in shown(DelayObservation(Shelf(Discrete(3, 5), [6, 7]), 1), 2)] == [5, 6], "5 is nearest to 0"


def test_time_goes_on_with_the_agents_own_steps() -> None:
    flat = TimeAwareObservation(Shelf(LINE, NUMBERS))
    assert [x.tolist() for x in shown(flat, 3)] == [[0, 0], [1, 1], [2, 2]]
    share = TimeAwareObservation(Shelf(LINE, NUMBERS), flatten=False, normalize_time=True, max_episode_steps=4)
    assert [float(x["time"][0]) for x in shown(share, 3)] == [0, 0.25, 0.5]
    named = TimeAwareObservation(Shelf(Dict(a=LINE), [{"a": x} for x in NUMBERS]), flatten=False)
    assert list(named.observation_space) == ["a", "time"]
    placed = TimeAwareObservation(Shelf(Tuple([LINE]), [(x,) for x in NUMBERS]), flatten=False)
    assert shown(placed, 2)[1][1].tolist() == [1]
    many = TimeAwareObservation(ClockworkEnv({"a": 1, "b": 3}), flatten=False)
    many.reset(seed=0)
    seen = [many.step(dict.fromkeys(many.acting, 0.0)).observations for _ in range(6)]
    assert [int(s["b"]["time"][0]) for s in seen if "b" in s] == [1, 2]
    made = sekai.EnvSpec("Count-v0", CountingEnv, max_episode_steps=8)
    env = TimeAwareObservation(sekai.make(made), normalize_time=True)
    env.reset(seed=0)
    assert env.step(0.0).observation[-1] == 0.125, "the limit is the spec's"


def test_rescaling_is_affine_leaf_by_leaf() -> None:
    space = Dict(
        {"a": Box(np.array([0.0, -1.0]), np.array([10.0, 1.0])), "n": Box(0, 4, (1,), np.int32), "d": Discrete(2)}
    )
    values = [{"a": np.array([5.0, 1.0], np.float32), "n": np.array([1], np.int32), "d": np.intp(1)}] * 2
    env = RescaleObservation(Shelf(space, values), 0.0, 2.0)
    seen = shown(env, 1)[0]
    assert seen["a"].tolist() == [1.0, 2.0] and seen["n"].tolist() == [0.5] and seen["d"] == 1
    assert seen in env.observation_space and env.observation_space["n"] == Box(0.0, 2.0, (1,))
    beyond = {"a": np.array([15.0, -2.0], np.float32), "n": np.array([8], np.int32), "d": np.intp(0)}
    seen = env.observation(beyond)
    assert seen["a"].tolist() == [3.0, -1.0] and seen["n"].tolist() == [4.0] and seen not in env.observation_space


def test_rescaling_keeps_inside_what_is_inside() -> None:
    """The ends of random boxes, which rounding alone would move out."""
    rng = np.random.default_rng(0)
    low = rng.normal(size=10_000)
    inner = Box(low, low + rng.exponential(size=10_000), dtype=np.float64)
    env = RescaleObservation(Shelf(inner, []), 0.1, 0.3)
    assert all(env.observation(bound) in env.observation_space for bound in (inner.low, inner.high))
    assert np.allclose(env.observation(inner.high), 0.3, rtol=1e-15)


def test_a_cast_to_whole_numbers_cuts_the_bounds_too() -> None:
    env = DtypeObservation(Shelf(Box(-1.5, np.inf, (2,)), []), np.int32)
    assert env.observation_space == Box(-1, np.inf, (2,), np.int32)


def test_the_same_layers_take_rows() -> None:
    """What is `over_rows` takes a column of a vector env as it takes one observation."""
    space = Dict({"a": Box(0.0, 10.0, (2,)), "d": Discrete(3)})
    rows = [{"a": np.array([k, 2 * k], np.float32), "d": np.intp(k % 3)} for k in range(4)]
    column = {"a": np.stack([row["a"] for row in rows]), "d": np.array([row["d"] for row in rows])}
    for make in (
        FlattenObservation,
        RescaleObservation,
        lambda e: FilterObservation(e, ["a"]),
        lambda e: DtypeObservation(e, np.float64),
    ):
        layer = make(Shelf(space, rows))
        assert layer.over_rows
        many, single = layer.observation(column), [layer.observation(row) for row in rows]
        if isinstance(many, dict):
            assert all(np.array_equal(many[name], [one[name] for one in single]) for name in many)
        else:
            assert np.array_equal(many, single)


def test_filter_dtype_flatten_transform() -> None:
    space = Tuple([LINE, Discrete(3), MultiBinary(2)])
    value = (NUMBERS[1], np.intp(2), np.array([1, 0], np.int8))
    kept = FilterObservation(Shelf(space, [value]), [2, 0])
    assert kept.observation_space == Tuple([MultiBinary(2), LINE])
    assert sekai.core.result.same(shown(kept, 1), [(value[2], value[0])])
    cast = DtypeObservation(Shelf(space, [value]), np.float64)
    assert shown(cast, 1)[0][0].dtype == np.float64 and cast.observation_space[0] == Box(0.0, 10.0, (1,), np.float64)
    flat = FlattenObservation(Shelf(space, [value]))
    assert shown(flat, 1)[0].tolist() == [1, 0, 0, 1, 1, 0] and flat.observation_space.shape == (6,)
    changed = TransformObservation(Shelf(space, [value]), lambda o: int(o[1]), Discrete(3))
    assert shown(changed, 1) == [2] and changed.observation_space == Discrete(3)


def test_the_action_mask_moves_into_the_observation() -> None:
    space = MultiDiscrete([2, 3])
    env = ActionMaskObservation(Shelf(LINE, NUMBERS, space, {"action_mask": ([1, 0], [1, 1, 0])}))
    seen = shown(env, 2)[1]
    assert seen["action_mask"].tolist() == [1, 0, 1, 1, 0] and seen["observation"].tolist() == [1.0]
    assert seen in env.observation_space
    assert env.action_space.sample(mask=seen["action_mask"])[0] == 0, "and can be sampled with"
    free = ActionMaskObservation(Shelf(LINE, NUMBERS))
    assert shown(free, 1)[0]["action_mask"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda e: FrameStackObservation(e, 0), "n must be an integer >= 1, got 0"),
        (lambda e: FrameStackObservation(e, 2, "last"), "padding must be 'reset' or 'zero'"),
        (lambda e: DelayObservation(e, -1), "delay must be an integer >= 0"),
        (lambda e: RescaleObservation(e), "needs bounds on both sides"),
        (lambda e: RescaleObservation(e, 1, 1), "min must be < max"),
        (lambda e: FilterObservation(e, ["a"]), "needs a Dict or a Tuple"),
        (lambda e: FilterObservation(Shelf(Dict(a=LINE), []), ["b"]), "keys must be out of .*'a'.*, got 'b'"),
        (lambda e: DtypeObservation(Shelf(Discrete(2), []), np.float32), "needs a Box, got Discrete"),
        (lambda e: TimeAwareObservation(e, normalize_time=True), "normalize_time needs max_episode_steps"),
        (lambda e: TimeAwareObservation(Shelf(Dict(time=LINE), [])), "adds 'time', which is there already"),
        (lambda e: TransformObservation(e, 3), "fn must be callable"),
        (lambda e: ActionMaskObservation(e), "have masks, got Box"),
        (lambda e: FlattenObservation(Shelf(sekai.Sequence(LINE), [])), "cannot be flattened"),
        (lambda e: FrameStackObservation(Shelf(sekai.Text(3), []), 2), "needs arrays, got Text"),
        (lambda e: FrameStackObservation(EchoEnv(), 0).reset(), "n must be an integer >= 1"),
    ],
)
def test_mistakes(make: Any, why: str) -> None:
    with pytest.raises(SekaiError, match=why):
        make(CountingEnv())


def test_errors_are_of_their_kind() -> None:
    with pytest.raises(SpaceMismatch):
        RescaleObservation(CountingEnv())


def test_a_bound_beyond_a_narrower_float_is_none() -> None:
    wide = Box(np.finfo(np.float64).min, [1e300, 1.0], dtype=np.float64)
    assert DtypeObservation(Shelf(wide, []), np.float32).observation_space == Box(-np.inf, [np.inf, 1.0])


def test_the_upper_bound_is_never_rounded_out_of_its_box() -> None:
    rng = np.random.default_rng(0)
    for scale in (1e-3, 1.0, 1e3, 1e300):
        low, high = np.sort(rng.normal(scale=scale, size=(2, 2000)), axis=0)
        for least, greatest in ((-1.0, 0.1), (1e9, 1e9 + 0.3), (-0.41995736, -0.0927305)):
            source, target = Box(low, high, dtype=np.float64), Box(least, greatest, (2000,), np.float64)
            assert Affine(source, target)(source.high) in target
