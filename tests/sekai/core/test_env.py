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
