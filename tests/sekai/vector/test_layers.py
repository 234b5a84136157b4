"""Layers around vector envs: an ordinary wrapper around the whole is the same wrapper around each row."""

import asyncio
from typing import Any

import numpy as np
import pytest

import sekai
from sekai import AsyncVecEnv, ProcVecEnv, ResetResult, StepResult, SyncVecEnv
from sekai.core.result import same
from sekai.error import SekaiError, SpaceMismatch, UnsupportedWrapper
from sekai.testing import EchoEnv
from sekai.vector import VecActionWrapper, VecObservationWrapper, VecRewardWrapper, VecWrapper, stack_infos
from sekai.vector.over_rows import OverRows
from sekai.vector.wrapped import WrappedRows

from .worlds import ROWS, WORLDS, assert_same, clockwork, counting, play


class Diary(sekai.Wrapper[Any, Any]):
    """Uses every hook, and has a state of its own."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self.n = 0

    def observation(self, obs: Any) -> Any:
        self.n += 1
        return (
            {name: part + np.float32(self.n) for name, part in obs.items()} if isinstance(obs, dict) else obs + self.n
        )

    def reward(self, reward: float) -> float:
        return reward * self.n

    def action(self, action: Any) -> Any:
        return action * 2

    def on_reset(self, result: ResetResult[Any]) -> ResetResult[Any]:
        return ResetResult(result.observation, {**result.info, "n": self.n})

    def on_step(self, result: StepResult[Any]) -> StepResult[Any]:
        info = {**result.info, "n": self.n}
        return StepResult(result.observation, result.reward, result.terminated, result.truncated, info)


class Doubled(sekai.Wrapper[Any, Any]):
    """Remembers nothing, so one instance serves all rows."""

    over_rows = True

    def observation(self, obs: Any) -> Any:
        return {name: part * np.float32(2) for name, part in obs.items()} if isinstance(obs, dict) else obs * 2

    def reward(self, reward: Any) -> Any:
        return reward * 3

    def action(self, action: Any) -> Any:
        return action / 2


LAYERS: list[tuple[Any, dict[str, Any]]] = [
    (Diary, {}),
    (Doubled, {}),
    (sekai.TimeLimit, {"max_episode_steps": 3}),
    (sekai.RepeatAction, {"times": 2}),
    (sekai.OrderEnforcing, {}),
    (sekai.RecordEpisodeStatistics, {}),
    (sekai.FrameStackObservation, {"n": 2}),
    (sekai.TimeAwareObservation, {}),
    (sekai.DelayObservation, {"delay": 1}),
    (sekai.ClipReward, {"min": -0.2, "max": 0.4}),
    (sekai.FlattenObservation, {}),
    (sekai.DtypeObservation, {"dtype": np.float64}),
    (sekai.ClipAction, {}),
    (sekai.RescaleAction, {"min": 0.0, "max": 1.0}),
]


@pytest.mark.parametrize(("layer", "kwargs"), LAYERS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_layer_around_all_is_a_layer_around_each(layer: Any, kwargs: Any) -> None:
    for world in WORLDS:
        for mode in ("same_step", "next_step", "disabled"):
            each = SyncVecEnv([lambda w=world: layer(w(), **kwargs)] * ROWS, autoreset=mode)
            whole = layer(SyncVecEnv([world] * ROWS, autoreset=mode), **kwargs)
            assert type(whole._rows) is (OverRows if layer.over_rows else WrappedRows)
            if whole.many:
                assert whole.observation_spaces == each.observation_spaces and whole.groups == each.groups
            else:
                assert whole.observation_space == each.observation_space and whole.action_space == each.action_space
            assert_same(play(whole), play(each))


def test_layers_on_layers_in_processes_and_in_loops() -> None:
    def stacked(env: Any) -> Any:
        return Diary(sekai.RepeatAction(Doubled(sekai.TimeLimit(env, 5)), 2))

    for world in WORLDS:
        each = play(SyncVecEnv([lambda w=world: stacked(w())] * ROWS))
        assert_same(play(stacked(ProcVecEnv([world] * ROWS, workers=2))), each)
        assert_same(play(stacked(AsyncVecEnv([world] * ROWS))), each)

        async def awaited(world: Any = world) -> list[Any]:
            vec = stacked(AsyncVecEnv([world] * ROWS))
            first = await vec.async_reset(seed=3)
            return [first, await vec.async_step(_halves(vec))]

        vec = stacked(SyncVecEnv([world] * ROWS))
        assert_same(asyncio.run(awaited()), [vec.reset(seed=3), vec.step(_halves(vec))])


def _halves(vec: Any) -> Any:
    if not vec.many:
        return np.full(ROWS, 0.5, np.float32)
    return {agent: np.full((ROWS, *space.shape), 0.5, np.float32) for agent, space in vec.action_spaces.items()}


def test_some_agents_only() -> None:
    each = SyncVecEnv([lambda: EchoEnv().wrap(Diary, agents=["maker"])] * ROWS)
    assert_same(play(SyncVecEnv([EchoEnv] * ROWS).wrap(Diary, agents=["maker"])), play(each))
    each = SyncVecEnv([lambda: clockwork().wrap(Doubled, agents=["maker_1", "taker"])] * ROWS)
    vec = SyncVecEnv([clockwork] * ROWS).wrap(Doubled, agents=["maker_1", "taker"])
    assert_same(play(vec), play(each))
    for wrapper in (Diary, Doubled):
        with pytest.raises(SekaiError, match="got 'makr'"):
            SyncVecEnv([clockwork] * 2).wrap(wrapper, agents=["makr"])
    with pytest.raises(SekaiError, match="agents must be None"):
        SyncVecEnv([counting] * 2).wrap(Diary, agents=["a"])


def test_a_view_of_layers_and_layers_of_a_view() -> None:
    others = {"maker_0": lambda o: o[..., 1] * 0.5, "maker_1": lambda o: o[..., 1] * 0.5}
    one = Doubled(SyncVecEnv([clockwork] * ROWS).view("taker", others))
    two = SyncVecEnv([clockwork] * ROWS).wrap(Doubled, agents=["taker"]).view("taker", others)
    assert_same(play(one), play(two))


def test_statistics_over_rows_are_shared() -> None:
    rng = np.random.default_rng(0)
    vec = sekai.NormalizeObservation(SyncVecEnv([counting] * ROWS))
    for result in play(vec, 12):
        assert np.isfinite(result.observations).all()
    count = next(iter(vec._rows.instances[""].moments.values())).count
    assert count > 12 * 2, "all rows' observations, those of new episodes included"
    vec = sekai.NormalizeObservation(SyncVecEnv([counting] * ROWS))
    assert vec.get_attr("frozen") == [False] * ROWS
    vec.set_attr("frozen", True)
    assert vec._rows.instances[""].frozen
    many = sekai.NormalizeObservation(SyncVecEnv([EchoEnv] * ROWS), shared="role")
    many.reset(seed=0)
    many.step({agent: rng.random((ROWS, 1)) for agent in many.possible_agents})
    assert many._rows.instances["maker_0"].moments is many._rows.instances["maker_1"].moments
    assert {moments.count for moments in many._rows.instances["maker_0"].moments.values()} == {2 * 2 * ROWS}
    paid = sekai.NormalizeReward(SyncVecEnv([counting] * ROWS))
    paid.reset(seed=0)
    paid.step(rng.random(ROWS))
    assert paid._rows.envs[0].moments[()].count == ROWS, "NormalizeReward keeps each row's return, and one variance"


def test_what_cannot_go_around_rows() -> None:
    class Driver(sekai.Wrapper[Any, Any]):
        def step(self, action: Any) -> Any:
            return self.env.step(action)

    class Stateful(Doubled):
        def observation(self, obs: Any) -> Any:
            return obs

    vec = SyncVecEnv([counting] * 2)
    with pytest.raises(UnsupportedWrapper, match="Driver overrides step"):
        Driver(vec)
    with pytest.raises(UnsupportedWrapper, match="resets by itself"):
        sekai.AutoReset(vec)
    with pytest.raises(UnsupportedWrapper, match="must be a subclass of Wrapper"):
        vec.wrap(int)  # type: ignore[arg-type]
    assert type(Stateful(vec)._rows) is WrappedRows, "who replaces a hook says itself whether it takes many rows"
    with pytest.raises(SpaceMismatch):
        sekai.FilterObservation(vec, ["price"])


def test_attributes_reach_through_layers() -> None:
    vec = sekai.TimeLimit(Doubled(SyncVecEnv([counting] * 2)), 3)
    assert vec.get_attr("max_episode_steps") == [3, 3] and vec.get_attr("length") == [4, 4]
    vec.set_attr("length", 9)
    vec.set_attr("max_episode_steps", 5)
    assert vec.unwrapped.get_attr("length") == [9, 9] and vec.get_attr("max_episode_steps") == [5, 5]
    assert [type(layer).__name__ for layer in vec] == ["VecEnv", "VecEnv", "SyncVecEnv"]
    assert repr(vec) == "<TimeLimit(<Doubled(<SyncVecEnv(2 x <CountingEnv>)>)>)>" and vec.spec is None
    vec.reset()
    vec.call("close")
    vec.close()
    assert all(env.closed for env in vec.unwrapped.envs)


class Centred(VecObservationWrapper):
    """Against the mean of all rows."""

    def observation(self, obs: Any) -> Any:
        if isinstance(obs, dict):
            return {name: part - part.mean(axis=0) for name, part in obs.items()}
        return obs - obs.mean(axis=0)


class Signs(VecRewardWrapper):
    def reward(self, rewards: Any) -> Any:
        return np.sign(rewards)


class Negated(VecActionWrapper):
    def action(self, actions: Any) -> Any:
        return -np.asarray(actions)


@pytest.mark.parametrize("world", WORLDS)
def test_wrappers_of_whole_batches(world: Any) -> None:
    for plain, wrapped in zip(
        play(SyncVecEnv([world] * ROWS), 12), play(Signs(Centred(SyncVecEnv([world] * ROWS))), 12), strict=True
    ):
        for name in ("observations", "final_observations"):
            for agent, obs, changed in _columns(plain, wrapped, name):
                assert same(Centred.observation(None, obs), changed), agent  # type: ignore[arg-type]
        for _, rewards, changed in _columns(plain, wrapped, "rewards"):
            assert np.array_equal(np.sign(rewards), changed)
    vec, bare = Negated(SyncVecEnv([world] * ROWS)), SyncVecEnv([world] * ROWS)
    vec.reset(seed=0)
    bare.reset(seed=0)
    halves = _halves(vec)
    negative = {agent: -column for agent, column in halves.items()} if vec.many else -halves
    assert same(vec.step(halves), bare.step(negative))
    assert list(vec) == [vec, vec.env] and repr(vec) == f"<Negated({vec.env!r})>" and vec.unwrapped is vec.env


def _columns(plain: Any, wrapped: Any, name: str) -> Any:
    if not hasattr(plain, name):
        return []
    ours, theirs = getattr(plain, name), getattr(wrapped, name)
    return [(a, ours[a], theirs[a]) for a in ours] if hasattr(ours, "group") else [("", ours, theirs)]


def test_a_wrapper_of_results() -> None:
    class Counting(VecWrapper):
        steps = 0

        def on_step(self, result: Any) -> Any:
            self.steps += 1
            return result

    vec = Counting(SyncVecEnv([counting] * 2))
    vec.reset()
    vec.step(np.zeros(2))
    assert vec.steps == 1 and vec.autoreset == "same_step" and len(vec) == 2 and vec.batch_action_space.shape == (2,)
    assert sekai.ClipReward(vec, 0, 1).get_attr("length") == [4, 4]
    vec.close()


def test_infos_of_many_agents_stack_by_agent() -> None:
    infos = [{"a": {"n": 1}, "b": {"n": 2}}, {"a": {"n": 3}}]
    stacked = stack_infos(infos)
    assert stacked["a"]["n"].tolist() == [1, 3] and stacked["b"]["n"].tolist() == [2, None]


def test_batches_of_another_backend() -> None:
    torch = pytest.importorskip("torch")

    class Halved(VecObservationWrapper):
        def observation(self, obs: Any) -> Any:
            return obs / 2

    vec = Halved(SyncVecEnv([clockwork] * 2, backend=sekai.backend.backend("torch")))
    seen = vec.reset(seed=0).observations.group("maker")
    assert isinstance(seen, torch.Tensor) and tuple(seen.shape) == (2, 2, 2)
