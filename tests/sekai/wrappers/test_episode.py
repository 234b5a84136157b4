"""Order, limits and what follows the end, for one agent and for many, sync and async."""

import asyncio
from typing import Any

import numpy as np
import pytest

import sekai
from sekai import AutoReset, MAStepResult, OrderEnforcing, RecordEpisodeStatistics, SekaiError, TimeLimit
from sekai.error import AsyncCallPending, ClosedEnvironment, InvalidAgents, ResetRequired, UnsupportedWrapper
from sekai.testing import ClockworkEnv, CountingEnv, EchoEnv


def everybody(env: Any, action: float = 1.0) -> dict[str, Any]:
    return dict.fromkeys(env.acting, action)


def many_step(env: Any) -> Any:
    return env.step(everybody(env))


KINDS = [(lambda: CountingEnv(3), lambda env: env.step(1.0)), (lambda: ClockworkEnv({"a": 1}, length=3), many_step)]
kinds = pytest.mark.parametrize(("make", "step"), KINDS, ids=["one", "many"])


@kinds
def test_order_is_enforced(make: Any, step: Any) -> None:
    env = OrderEnforcing(make())
    with pytest.raises(ResetRequired, match="step before the first reset"):
        step(env)
    env.reset(seed=0)
    for _ in range(3):
        step(env)
    with pytest.raises(ResetRequired, match="step after the episode's end"):
        step(env)
    env.reset()
    step(env)
    env.close()
    with pytest.raises(ClosedEnvironment, match="step after close"):
        step(env)
    with pytest.raises(ClosedEnvironment, match="reset after close"):
        env.reset()


@kinds
def test_order_is_enforced_in_async(make: Any, step: Any) -> None:
    env = OrderEnforcing(make())
    with pytest.raises(ResetRequired):
        asyncio.run(env.async_step({"a": 1.0}))
    asyncio.run(env.async_reset(seed=0))
    asyncio.run(env.async_step({"a": 1.0} if hasattr(env, "acting") else 1.0))


@kinds
def test_nothing_else_is_asked_of_an_environment_that_is_awaited(make: Any, step: Any) -> None:
    class Feed(type(make())):  # type: ignore[misc]
        async def async_step(self, action: Any) -> Any:
            await asyncio.sleep(0.01)
            return self.step(action)

    env: Any = OrderEnforcing(Feed(**({"periods": {"a": 1}} if hasattr(make(), "periods") else {})))
    action: Any = {"a": 1.0} if hasattr(env, "acting") else 1.0

    async def play() -> None:
        await env.async_reset(seed=0)
        pending = asyncio.create_task(env.async_step(action))
        await asyncio.sleep(0)
        for call in (env.async_step(action), env.async_reset()):
            with pytest.raises(AsyncCallPending, match="while async_step has not returned"):
                await call
        with pytest.raises(AsyncCallPending):
            step(env)
        await pending
        await env.async_step(action)
        cancelled = asyncio.create_task(env.async_step(action))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        env.step(action)

    asyncio.run(play())


def test_missing_and_extra_agents_are_named() -> None:
    env = OrderEnforcing(ClockworkEnv({"fast": 1, "slow": 3, "late": 1}, lives={"late": (9, 12)}))
    env.reset(seed=0)
    with pytest.raises(InvalidAgents, match=r"exactly \['fast', 'slow'\]: missing \['slow'\]$"):
        env.step({"fast": 0.0})
    env.step({"fast": 0.0, "slow": 0.0})
    with pytest.raises(InvalidAgents, match=r"extra 'slow' \(it waits for its turn\)"):
        env.step({"fast": 0.0, "slow": 0.0})
    with pytest.raises(InvalidAgents, match=r"missing \['fast'\], extra 'fsat' Did you mean 'fast'"):
        env.step({"fsat": 0.0})
    with pytest.raises(InvalidAgents, match=r"missing \['fast'\], extra 1$"):
        env.step({1: 0.0})
    for wrong in (None, [1, 1], ["fast"], 3):
        with pytest.raises(InvalidAgents, match=r"actions must be a mapping by agent, for exactly \['fast'\], got "):
            env.step(wrong)
    with pytest.raises(InvalidAgents, match=r"extra 'late' \(it is not alive\)"):
        env.step({"fast": 0.0, "late": 0.0})
    env.step({"fast": 0.0})


def test_a_limit_truncates_one() -> None:
    env = TimeLimit(CountingEnv(5), max_episode_steps=3)
    for _ in range(2):
        env.reset()
        ends = [(r.terminated, r.truncated) for r in (env.step(0.0) for _ in range(3))]
        assert ends == [(False, False), (False, False), (False, True)]
    ended = TimeLimit(CountingEnv(3), 3)
    ended.reset()
    last = [ended.step(0.0) for _ in range(3)][-1]
    assert (last.terminated, last.truncated) == (True, False), "an end in time is an end"


@kinds
@pytest.mark.parametrize("inside", [OrderEnforcing, lambda env: env], ids=["enforced", "bare"])
def test_nobody_steps_on_after_the_limit(make: Any, step: Any, inside: Any) -> None:
    env = TimeLimit(inside(make()), 2)
    for _ in range(2):
        env.reset(seed=0)
        step(env)
        step(env)
        for _ in range(2):
            with pytest.raises(ResetRequired, match=r"after max_episode_steps=2 steps: call reset\(\) first"):
                step(env)
    with pytest.raises(ResetRequired):
        asyncio.run(env.async_step({"a": 1.0}))
    env.close()
    if inside is OrderEnforcing:
        with pytest.raises(ClosedEnvironment):
            step(env)


def test_a_limit_settles_with_those_who_wait() -> None:
    env = TimeLimit(ClockworkEnv({"fast": 1, "slow": 10}), 3)
    env.reset(seed=0)
    results = [many_step(env) for _ in range(3)]
    assert [r.all_done for r in results] == [False, False, True]
    assert results[-1].rewards == {"fast": 1.0, "slow": 3.0} and results[-1].elapsed == {"fast": 1.0, "slow": 3.0}
    assert results[-1].truncated == {"fast": True, "slow": True} and not any(results[-1].terminated.values())
    assert not env.agents and not env.acting
    env.reset()
    assert env.agents == ["fast", "slow"]


def test_a_limit_and_an_end_at_once() -> None:
    env = TimeLimit(ClockworkEnv({"a": 1, "b": 1}, lives={"a": (0, 2)}), 2)
    env.reset()
    many_step(env)
    last = many_step(env)
    assert last.terminated == {"a": True, "b": False} and last.truncated == {"a": False, "b": True}


@pytest.mark.parametrize("limit", [0, -1, 1.5, True])
def test_a_limit_is_a_whole_number(limit: Any) -> None:
    with pytest.raises(SekaiError, match="max_episode_steps must be an integer >= 1"):
        TimeLimit(CountingEnv(), limit)
    with pytest.raises(SekaiError, match="max_episode_steps must be an integer >= 1"):
        TimeLimit(EchoEnv(), limit)


@pytest.mark.parametrize("wrap", [lambda: TimeLimit(3, 3), lambda: OrderEnforcing(3), lambda: AutoReset(None)])
def test_what_is_wrapped_is_an_environment(wrap: Any) -> None:
    with pytest.raises(SekaiError, match="env must be an Env, a MultiAgentEnv or a VecEnv, got (3|None)"):
        wrap()


def test_what_concerns_everybody_cannot_be_for_some() -> None:
    with pytest.raises(SekaiError, match="TimeLimit concerns the whole episode"):
        EchoEnv().wrap(TimeLimit, 3, agents=["taker"])
    assert EchoEnv().wrap(TimeLimit, 3).max_episode_steps == 3, "a layer's attributes read through"


def test_auto_reset_of_one_loses_nothing() -> None:
    env, bare = AutoReset(CountingEnv(2)), CountingEnv(2)
    env.reset(seed=1)
    bare.reset(seed=1)
    env.step(0.5), bare.step(0.5)
    result, last, begun = env.step(0.7), bare.step(0.7), bare.reset()
    assert np.array_equal(result.observation, begun.observation) and result.reward == 0.7 and result.terminated
    assert np.array_equal(result.info["final_observation"], last.observation)
    assert (result.info["final_info"], result.info["reset_info"]) == ({"time": 2}, {"time": 0})
    assert result.info["time"] == 0, "the new episode's word goes with the new observation"
    assert env.step(0.5).info == {"time": 1}


def test_auto_reset_of_many_with_different_lives() -> None:
    env = AutoReset(ClockworkEnv({"host": 1, "early": 1, "late": 1}, {"early": (0, 2), "late": (2, 4)}, length=4))
    env.reset(seed=1)
    told: list[MAStepResult] = [many_step(env) for _ in range(4)]
    assert [sorted(r.terminated) for r in told[:3]] == [["early", "host"], ["early", "host", "late"], ["host", "late"]]
    last = told[3]
    assert last.terminated == {"early": False, "host": True, "late": True} and last.first == {"early"}
    assert last.observations["host"][0] == 0 and last.observations["late"][0] == 4
    assert last.info["host"]["final_observation"][0] == 4 and "final_observation" not in last.info["early"]
    assert sorted(env.acting) == ["early", "host"]
    assert many_step(env).rewards == {"host": 1.0, "early": 1.0}


class Frugal(sekai.Env[Any, float]):
    """Uses one array and one info for all that it says."""

    def __init__(self) -> None:
        self.observation_space, self.action_space = sekai.Box(0, 9, (1,)), sekai.Box(0, 9, ())  # type: ignore[assignment]
        self.seen, self.info = np.zeros(1, np.float32), {"past": [np.zeros(1)]}

    def reset(self, *, seed: int | None = None, options: Any = None) -> sekai.ResetResult[Any]:
        self.seen[:] = self.info["past"][0][:] = 0
        return sekai.ResetResult(self.seen, self.info)

    def step(self, action: float) -> sekai.StepResult[Any]:
        self.seen += 1
        self.info["past"][0] += 1
        return sekai.StepResult(self.seen, 0.0, self.seen[0] == 2, False, self.info)


class FrugalMany(sekai.MultiAgentEnv):
    """The same of two agents, the dicts of its results too."""

    def __init__(self) -> None:
        self.one, self.possible_agents = Frugal(), ["a", "b"]
        self.observation_spaces = dict.fromkeys("ab", self.one.observation_space)
        self.action_spaces = dict.fromkeys("ab", self.one.action_space)
        self.dicts: list[dict[str, Any]] = [{} for _ in range(5)]

    def reset(self, *, seed: int | None = None, options: Any = None) -> sekai.MAResetResult:
        self.agents, begun = ["a", "b"], self.one.reset()
        for held in self.dicts:
            held.clear()
        for held, value in zip((self.dicts[0], self.dicts[4]), (begun.observation, begun.info), strict=True):
            held.update(dict.fromkeys("ab", value))
        return sekai.MAResetResult(self.dicts[0], self.dicts[4])

    def step(self, actions: Any) -> MAStepResult:
        told = self.one.step(0.0)
        for held, value in zip(self.dicts, (told.observation, 0.5, told.terminated, False, told.info), strict=True):
            held.update(dict.fromkeys("ab", value))
        self.agents = [] if told.done else ["a", "b"]
        return MAStepResult(*self.dicts)


def test_auto_reset_keeps_what_an_environment_uses_again() -> None:
    env = AutoReset(Frugal())
    env.reset()
    env.step(0.0)
    last = env.step(0.0)
    assert last.terminated and last.observation[0] == 0
    assert last.info["final_observation"][0] == 2 and last.info["final_info"]["past"][0][0] == 2
    many: Any = AutoReset(FrugalMany())
    many.reset()
    many_step(many)
    ended = many_step(many)
    assert ended.terminated == {"a": True, "b": True} and ended.rewards == {"a": 0.5, "b": 0.5}
    for agent in "ab":
        info = ended.info[agent]
        assert ended.observations[agent][0] == 0 and info["final_observation"][0] == 2
        assert info["final_info"]["past"][0][0] == 2


def test_auto_reset_in_async() -> None:
    env = AutoReset(EchoEnv(length=1))

    async def play() -> MAStepResult:
        await env.async_reset(seed=0)
        return await env.async_step(dict.fromkeys(env.acting, [0.5]))

    result = asyncio.run(play())
    assert result.all_done and env.acting and "final_observation" in result.info["taker"]


def test_statistics_inside_auto_reset_are_found() -> None:
    env = AutoReset(RecordEpisodeStatistics(CountingEnv(2)))
    env.reset(seed=0)
    env.step(1.0)
    assert env.step(1.0).info["episode"].episode_return == 2.0


@pytest.mark.parametrize("make", [CountingEnv, EchoEnv])
def test_what_must_learn_of_beginnings_goes_inside_of_autoreset(make: Any) -> None:
    """Around it, a limit would never count anew, nor frames be forgotten: that is refused, not wrong in silence."""
    for wrapper, args in ((sekai.TimeLimit, (3,)), (sekai.FrameStackObservation, (2,)), (sekai.OrderEnforcing, ())):
        with pytest.raises(UnsupportedWrapper, match="must learn when an episode begins, which <AutoReset.* hides"):
            wrapper(sekai.ClipReward(sekai.AutoReset(make()), max=1.0), *args)  # type: ignore[arg-type]
        wrapper(make(), *args)
    with pytest.raises(UnsupportedWrapper):
        sekai.AutoReset(EchoEnv()).wrap(sekai.DelayObservation, 2, agents=["maker"])
    env = sekai.RecordEpisodeStatistics(sekai.AutoReset(sekai.TimeLimit(make(), 2)))
    env.reset(seed=0)
    many = isinstance(env, sekai.MultiAgentEnv)
    for _ in range(6):
        env.step({a: np.ones(1) for a in env.acting} if many else 1.0)  # type: ignore[attr-defined]
    assert env.tracker.summary()["mean_return"] == 2.0
