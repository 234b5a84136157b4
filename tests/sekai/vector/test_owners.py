"""One thread or task uses a vector env at a time; what an environment uses again is not the caller's to lose."""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

import sekai
from sekai import AsyncVecEnv, MAResetResult, MAStepResult, ProcVecEnv, ResetResult, StepResult, SyncVecEnv
from sekai.core.result import same
from sekai.error import AsyncCallPending, ClosedEnvironment, SekaiError, WorkerDied
from sekai.testing import CountingEnv

from .test_faults import runs
from .worlds import counting

BACKENDS = [SyncVecEnv, AsyncVecEnv, ProcVecEnv]


class Slow(CountingEnv):
    """Takes as long as its action says, in seconds; at 1 half a minute."""

    def step(self, action: float) -> StepResult[Any]:
        time.sleep(30.0 if action == 1.0 else float(action))
        return super().step(action)


def test_a_second_task_is_told_and_changes_nothing() -> None:
    """Results were mixed up, and the third step found its workers dead."""

    async def main(vec: Any) -> None:
        await vec.async_reset(seed=0)
        first = asyncio.create_task(vec.async_step(np.array([0.3, 0.25])))
        await asyncio.sleep(0.05)
        for second in (vec.async_step(np.zeros(2)), vec.async_reset()):
            with pytest.raises(AsyncCallPending, match="(step|reset) while another call is going on: one thread or"):
                await second
        for call in (lambda: vec.step(np.zeros(2)), lambda: vec.get_attr("length"), lambda: vec.call("action_mask")):
            with pytest.raises(AsyncCallPending, match="while another call is going on"):
                call()
        assert (await first).rewards.tolist() == [0.3, 0.25]
        assert (await vec.async_step(np.zeros(2))).observations[:, 0].tolist() == [2, 2]

    class Waits(CountingEnv):
        async def async_step(self, action: float) -> StepResult[Any]:
            await asyncio.sleep(float(action))
            return self.step(action)

    for vec in (ProcVecEnv([Slow] * 2), AsyncVecEnv([Waits] * 2)):
        asyncio.run(main(vec))
        vec.close()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_second_thread_is_told_and_changes_nothing(backend: Any) -> None:
    vec = sekai.ClipReward(backend([Slow] * 2), -1.0, 1.0)
    vec.reset(seed=0)
    told: list[Any] = []
    thread = threading.Thread(target=lambda: told.append(vec.step(np.array([0.3, 0.2]))))
    thread.start()
    time.sleep(0.1)
    with pytest.raises(AsyncCallPending, match="reset while another call is going on"):
        vec.reset()
    if backend is not ProcVecEnv:
        with pytest.raises(AsyncCallPending, match="close while another call is going on"):
            vec.close()
    thread.join()
    assert told[0].rewards.tolist() == [0.3, 0.2] and vec.step(np.zeros(2)).observations[:, 0].tolist() == [2, 2]
    vec.close()


def test_a_step_of_processes_that_nobody_awaits_any_more_goes_on() -> None:
    async def main() -> None:
        with ProcVecEnv([Slow] * 2) as vec:
            await vec.async_reset(seed=0)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(vec.async_step(np.array([0.3, 0.0])), 0.05)
            with pytest.raises(AsyncCallPending):
                await vec.async_step(np.zeros(2))
            await asyncio.sleep(0.5)
            assert (await vec.async_step(np.zeros(2))).observations[:, 0].tolist() == [2, 2], "the rows are together"

    asyncio.run(main())


def test_processes_are_closed_under_whoever_waits_for_them() -> None:
    vec = ProcVecEnv([Slow] * 2)
    vec.reset(seed=0)
    told: list[Any] = []

    def wait() -> None:
        try:
            vec.step(np.array([1.0, 0.0]))
        except SekaiError as error:
            told.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.2)
    vec.close()
    thread.join(5)
    assert not thread.is_alive() and isinstance(told[0], WorkerDied | ClosedEnvironment)
    assert not any(worker.is_alive() for worker in vec._rows.workers)


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_busy_workers_do_not_outlive_their_parent(context: str) -> None:
    code = f"""
import os, sys, time, threading, numpy as np
from sekai import ProcVecEnv
from sekai.testing import CountingEnv

class Busy(CountingEnv):
    def step(self, action):
        while True:
            pass

if __name__ == "__main__":
    vec = ProcVecEnv([Busy] * 3, workers=3, context={context!r})
    vec.reset()
    print(*[worker.pid for worker in vec._rows.workers], flush=True)
    threading.Timer(0.3, os.kill, (os.getpid(), 9)).start()
    vec.step(np.zeros(3))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    pids = [int(pid) for pid in done.stdout.split()]
    until = time.monotonic() + 15
    while any(map(runs, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    left = [pid for pid in pids if runs(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert len(pids) == 3 and done.returncode == -9 and not left


def test_a_hang_is_an_error_though_nobody_has_said_when() -> None:
    vec = ProcVecEnv([counting] * 2)
    assert vec._rows._timeout_s == 300.0
    vec.close()
    assert not [child for child in multiprocessing.active_children() if "ProcVecEnv" in child.name]


class Again(sekai.Env[Any, Any]):
    """Has one array and one info, which it uses again and again; episodes of three steps."""

    def __init__(self) -> None:
        self.observation_space, self.action_space = sekai.Box(-9, 9, (2,)), sekai.Box(-1, 1, ())
        self.seen, self.said = np.zeros(2, np.float32), {"time": np.zeros(1), "log": [0.0]}

    def reset(self, *, seed: int | None = None, options: Any = None) -> ResetResult[Any]:
        return ResetResult(*self.look(0))

    def step(self, action: Any) -> StepResult[Any]:
        seen, said = self.look(self.seen[0] + 1)
        return StepResult(seen, 1.0, bool(seen[0] == 3), False, said)

    def look(self, time: float) -> tuple[Any, Any]:
        self.seen[:] = time
        self.said["time"][0] = self.said["log"][0] = time  # type: ignore[index]
        return self.seen, self.said


class AgainTwo(sekai.MultiAgentEnv):
    """The same for two agents."""

    def __init__(self) -> None:
        self.possible_agents, self.inner = ["a", "b"], Again()
        self.agents: list[str] = []
        self.observation_spaces = dict.fromkeys(self.possible_agents, self.inner.observation_space)
        self.action_spaces = dict.fromkeys(self.possible_agents, self.inner.action_space)

    def reset(self, *, seed: int | None = None, options: Any = None) -> MAResetResult:
        self.agents, begun = ["a", "b"], self.inner.reset()
        return MAResetResult(dict.fromkeys(self.agents, begun.observation), dict.fromkeys(self.agents, begun.info))

    def step(self, actions: Any) -> MAStepResult:
        one, here = self.inner.step(0), ["a", "b"]
        self.agents = [] if one.terminated else here
        fields = (one.observation, one.reward, one.terminated, one.truncated, one.info)
        return MAStepResult(*(dict.fromkeys(here, field) for field in fields))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("wrap", [lambda env: env, lambda env: sekai.TimeLimit(env, 9), sekai.FlattenObservation])
def test_what_an_environment_uses_again_stays_in_final_info(backend: Any, wrap: Any) -> None:
    for outer, inner in ((wrap, lambda env: env), (lambda vec: vec, wrap)):
        one = outer(backend([lambda inner=inner: inner(Again())] * 2))
        one.reset(seed=0)
        last = [one.step(np.zeros(2)) for _ in range(3)][-1]
        two = outer(backend([lambda inner=inner: inner(AgainTwo())] * 2))
        two.reset(seed=0)
        many = [two.step({"a": np.zeros(2), "b": np.zeros(2)}) for _ in range(3)][-1]
        for info in (last.infos[0], many.infos[1]["b"]):
            assert same(info["final_info"], {"time": np.array([3.0]), "log": [3.0]})
            assert info["reset_info"]["log"] == [0.0] and info["final_observation"].tolist() == [3, 3]
        assert last.final_observations.tolist() == many.final_observations["b"].tolist() == [[3, 3]] * 2
        assert last.observations.tolist() == many.observations["b"].tolist() == [[0, 0]] * 2
        one.close()
        two.close()


class Paid(CountingEnv):
    """Pays what it is told to, whatever that is."""

    pay: Any = 0.0

    def step(self, action: float) -> StepResult[Any]:
        result = super().step(action)
        return StepResult(result.observation, self.pay, False, False, result.info)


def _first_only(vec: Any) -> np.ndarray:
    return np.arange(vec.num_envs) == 0


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("pay", [None, "1.0", [1.0], np.array([1.0]), np.ones(2), 1j])
def test_a_reward_that_is_no_number(backend: Any, pay: Any) -> None:
    for masked in (False, True):
        vec = backend([Paid] * 3)
        vec.reset()
        vec.set_attr("pay", 1.5)
        vec._rows.set([0], "pay", pay)
        mask = _first_only(vec) if masked else None
        with pytest.raises(SekaiError, match="environment 0: a reward must be a number, got "):
            vec.step(np.zeros(3), mask=mask)
        vec.close()


@pytest.mark.parametrize("pay", [1, True, np.float32(1), np.int8(1), np.array(1.0), np.bool_(True)])
def test_a_reward_that_is_a_number(pay: Any) -> None:
    vec = SyncVecEnv([Paid] * 3)
    vec.reset()
    vec.set_attr("pay", pay)
    assert vec.step(np.zeros(3)).rewards.tolist() == [1.0] * 3
    assert vec.step(np.zeros(3), mask=_first_only(vec)).rewards.tolist() == [1.0, 0.0, 0.0]


def test_an_agents_reward_that_is_no_number_and_what_it_sees() -> None:
    class Odd(AgainTwo):
        pay: Any = np.ones((1, 1))

        def step(self, actions: Any) -> MAStepResult:
            result = super().step(actions)
            return MAStepResult(
                result.observations, {"a": 1.0, "b": self.pay}, result.terminated, result.truncated, result.info
            )

    class Small(AgainTwo):
        def step(self, actions: Any) -> MAStepResult:
            result = super().step(actions)
            seen = {"a": result.observations["a"], "b": np.zeros(1, np.float32)}
            return MAStepResult(seen, result.rewards, result.terminated, result.truncated, result.info)

    for world, why in (
        (Odd, "a reward must be a number"),
        (Small, r"an observation must have shape \(2,\), got \(1,\)"),
    ):
        vec = SyncVecEnv([AgainTwo, world])
        vec.reset()
        with pytest.raises(SekaiError, match=f"environment 1, 'b': {why}"):
            vec.step({"a": np.zeros(2), "b": np.zeros(2)})


def test_markets_that_write_into_the_columns_are_copied_out() -> None:
    """What is handed out stays; a clone of a row, and a row set back, write elsewhere."""
    kwargs = {"session_s": 20.0}
    vec = sekai.make_vec("markets/MarketMaking-v0", 2, **kwargs)
    begun = vec.reset(seed=4)
    alone = sekai.make("markets/MarketMaking-v0", **kwargs)
    alone.reset(seed=sekai.core.seeding.child_seed(4, 1))
    action = np.array([3, 3, 1, 1])
    kept = [vec.step(np.stack([action] * 2)) for _ in range(4)]
    ones = [alone.step(action) for _ in range(4)]
    for batch, one in zip(kept, ones, strict=True):
        assert all(same(batch.observations[name][1], part) for name, part in one.observation.items())
    assert same(begun.observations["clock"][0], begun.observations["clock"][1])
    row = vec.envs[1]
    assert row.env.multi._seats["maker_0"].lent is not None, "it does write by itself"
    saved = row.clone()
    further = saved.step(action).observation
    after = vec.step(np.stack([action] * 2))
    assert all(same(after.observations[name][1], part) for name, part in further.items())
    row.set_state(saved)
    once, twice = vec.step(np.stack([action] * 2)), saved.step(action)
    assert all(same(once.observations[name][1], part) for name, part in twice.observation.items())
