"""One agent's environment: streams, lives, and what it says when something is missing."""

import asyncio

import numpy as np
import pytest

import sekai
from sekai import ResetResult, SekaiError, StepResult
from sekai.testing import CountingEnv


def noise(env: sekai.Env, steps: int = 3) -> list[float]:
    return [float(env.step(0.0).observation[1]) for _ in range(steps)]


def test_a_seed_determines_the_episode_and_no_seed_goes_on() -> None:
    env, twin = CountingEnv(), CountingEnv()
    assert env.reset(seed=3) == twin.reset(seed=3)
    first = noise(env)
    assert first == noise(twin)
    env.reset()
    second = noise(env)
    assert second != first, "the stream went on"
    twin.reset()
    assert noise(twin) == second, "and it went on in the same way"
    env.reset(seed=3)
    assert noise(env) == first


def test_set_rng_returns_the_seed_it_started_from() -> None:
    env = CountingEnv()
    drawn = env._set_rng(None)
    assert env._set_rng(None) == drawn == env._rng_seed
    assert env._set_rng(5) == 5 and isinstance(env.rng, np.random.Generator)
    with pytest.raises(SekaiError, match="seed must be an integer >= 0 or None, got -1"):
        env.reset(seed=-1)


def test_missing_spaces_and_methods_are_said() -> None:
    class Bare(sekai.Env):
        pass

    with pytest.raises(SekaiError, match=r"Bare does not define observation_space: set self.observation_space"):
        _ = Bare().observation_space
    assert not hasattr(Bare(), "action_space")
    with pytest.raises(NotImplementedError, match=r"Bare must define step\(self, action\)"):
        Bare().step(0)
    with pytest.raises(NotImplementedError, match="Bare must define reset"):
        asyncio.run(Bare().async_reset())


def test_a_bare_env_yields_itself_and_closes_itself() -> None:
    with CountingEnv() as env:
        assert list(env) == [env] and env.unwrapped is env and repr(env) == "<CountingEnv>" and env.spec is None
    assert env.closed


def test_sync_methods_run_async_ones_when_no_loop_is_running() -> None:
    class Feed(sekai.Env):
        async def async_reset(self, *, seed: int | None = None, options: object = None) -> ResetResult:
            await asyncio.sleep(0)
            return ResetResult(seed, {})

        async def async_step(self, action: int) -> StepResult:
            await asyncio.sleep(0)
            return StepResult(action, 0.0, False, False, {})

    assert Feed().reset(seed=4).observation == 4 and Feed().step(5).observation == 5

    async def inside() -> None:
        with pytest.raises(SekaiError, match=r"await env.async_step"):
            Feed().step(1)

    asyncio.run(inside())


def test_async_methods_come_for_free() -> None:
    env = CountingEnv()
    assert asyncio.run(env.async_reset(seed=1)) == CountingEnv().reset(seed=1)
    assert asyncio.run(env.async_step(0.5)).reward == 0.5


class LiveFeed(sekai.Env):
    """A feed whose background task lives from one call to the next; it defines async methods only."""

    def __init__(self) -> None:
        self.observation_space = sekai.Box(0.0, np.inf, (1,))
        self.action_space = sekai.Discrete(2)

    async def async_reset(self, *, seed: int | None = None, options: object = None) -> ResetResult:
        self.queue: asyncio.Queue[float] = asyncio.Queue()
        self.task = asyncio.ensure_future(self._tick())
        return ResetResult(np.array([await self.queue.get()], np.float32), {})

    async def _tick(self) -> None:
        for k in range(100):
            await self.queue.put(float(k))
            await asyncio.sleep(0)

    async def async_step(self, action: int) -> StepResult:
        return StepResult(np.array([await self.queue.get()], np.float32), 1.0, False, False, {})


def test_an_async_only_env_keeps_its_loop_inside_of_layers_too() -> None:
    env = sekai.FrameStackObservation(sekai.TimeLimit(sekai.OrderEnforcing(LiveFeed()), 5), 2)
    assert env.reset().observation.ravel().tolist() == [0, 0]
    assert [env.step(0).observation.ravel().tolist() for _ in range(3)] == [[0, 1], [1, 2], [2, 3]]
    world = sekai.ClipReward(LiveFeed().as_multi_agent("me"), max=0.5)
    world.reset()
    assert world.step({"me": 1}).rewards == {"me": 0.5}

    async def inside() -> float:
        feed = sekai.TimeLimit(LiveFeed(), 5)
        with pytest.raises(SekaiError, match=r"await env.async_reset"):
            feed.reset()
        await feed.async_reset()
        return (await feed.async_step(0)).reward

    assert asyncio.run(inside()) == 1.0


def test_many_agents_may_be_async_only() -> None:
    class Feeds(sekai.MultiAgentEnv):
        def __init__(self) -> None:
            self.possible_agents = self.agents = ["a", "b"]
            self.observation_spaces = {a: sekai.Box(0.0, 9.0, ()) for a in "ab"}
            self.action_spaces = {a: sekai.Box(0.0, 9.0, ()) for a in "ab"}

        async def async_reset(self, *, seed: int | None = None, options: object = None) -> sekai.MAResetResult:
            return sekai.MAResetResult({a: np.float32(0) for a in "ab"}, {a: {} for a in "ab"})

        async def async_step(self, actions: object) -> sekai.MAStepResult:
            await asyncio.sleep(0)
            no = dict.fromkeys("ab", False)
            seen = {a: np.float32(1) for a in "ab"}
            return sekai.MAStepResult(seen, dict.fromkeys("ab", 1.0), no, no, {a: {} for a in "ab"})

    env = sekai.NormalizeObservation(Feeds())
    env.reset()
    assert env.step({"a": 1, "b": 2}).rewards == {"a": 1.0, "b": 1.0}
    assert sekai.check_env(Feeds(), n_steps=10) == []
