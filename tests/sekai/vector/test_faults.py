"""Nothing hangs and nothing is swallowed: what goes wrong in one environment says where, and ends the others."""

import asyncio
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest

import sekai
from sekai import AsyncVecEnv, ProcVecEnv, SyncVecEnv
from sekai.error import (
    ClosedEnvironment,
    InvalidAction,
    InvalidAgents,
    ResetRequired,
    SekaiError,
    SpaceMismatch,
    WorkerDied,
    WorkerTimeout,
)
from sekai.testing import CountingEnv, EchoEnv

from .worlds import Faulty, clockwork, counting


def begun(**options: Any) -> ProcVecEnv:
    vec = ProcVecEnv([Faulty] * 4, workers=2, **options)
    vec.reset(seed=0)
    return vec


@pytest.mark.parametrize("backend", [SyncVecEnv, AsyncVecEnv, ProcVecEnv])
def test_an_error_inside_says_where(backend: Any) -> None:
    vec = backend([Faulty] * 4)
    vec.reset()
    since = time.monotonic()
    with pytest.raises(ZeroDivisionError, match="inside") as caught:
        vec.step(np.array([0.0, 0.0, 0.5, 0.0]))
    assert time.monotonic() - since < 1.0
    assert caught.value.__notes__[0] == f"in environment 2 of {vec!r}"
    if backend is ProcVecEnv:
        assert 'raise ZeroDivisionError("inside")' in caught.value.__notes__[1], "the process's own traceback"
        assert not any(worker.is_alive() for worker in vec._rows.workers)
        with pytest.raises(ClosedEnvironment):
            vec.reset()
    else:
        with pytest.raises(ResetRequired, match="call reset"):
            vec.step(np.zeros(4))
        vec.reset()
        assert vec.step(np.zeros(4)).stepped.all(), "the rows go together again"
    vec.close()


@pytest.mark.parametrize(("action", "how"), [(0.75, "signal SIGKILL"), (0.125, "exit code 3")])
def test_a_worker_that_dies_is_an_error_within_a_second(action: float, how: str) -> None:
    vec = begun()
    since = time.monotonic()
    with pytest.raises(WorkerDied, match=rf"the workers of environments \[2, 3\] died, ended by {how}: step"):
        vec.step(np.array([0.0, 0.0, 0.0, action]))
    assert time.monotonic() - since < 1.0 and not any(worker.is_alive() for worker in vec._rows.workers)
    with pytest.raises(ClosedEnvironment, match="step after close"):
        vec.step(np.zeros(4))
    vec.close()


def test_a_worker_that_dies_between_steps() -> None:
    vec = begun()
    os.kill(vec._rows.workers[0].pid, signal.SIGKILL)
    with pytest.raises(WorkerDied, match=r"environments \[0, 1\] died, ended by signal SIGKILL"):
        vec.step(np.zeros(4))


def test_errors_that_cannot_travel_arrive_as_their_words() -> None:
    with pytest.raises(SekaiError, match="Unpicklable") as caught:
        begun().step(np.array([0.0, 0.25, 0.0, 0.0]))
    assert caught.value.__notes__[0].startswith("in environment 1 of") and "_step" not in str(caught.value)


def test_a_worker_that_takes_too_long() -> None:
    vec = begun(timeout_s=0.3)
    since = time.monotonic()
    with pytest.raises(
        WorkerTimeout,
        match=r"environment 0 \(worker 0, process \d+\) took more than 0.3 s: step",
    ):
        vec.step(np.array([-0.5, 0.0, 0.0, 0.0]))
    assert time.monotonic() - since < 1.3 and not any(worker.is_alive() for worker in vec._rows.workers)


def test_a_slow_worker_keeps_no_error_back() -> None:
    vec = begun()
    since = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        vec.step(np.array([-0.5, 0.0, 0.0, 0.5]))
    assert time.monotonic() - since < 1.0


@pytest.mark.parametrize("late", [0.75, 0.125])
def test_of_several_errors_the_first_rows_is_raised(late: float) -> None:
    """Whoever was the quicker; a death is an error as any other."""
    vec = begun()
    with pytest.raises(ZeroDivisionError, match="later") as caught:
        vec.step(np.array([0.0, -0.25, late, 0.5]))
    assert caught.value.__notes__[0] == f"in environment 1 of {vec!r}"
    vec = begun()
    with pytest.raises(ValueError, match="ouch") as caught:
        vec.call("shout")
    assert caught.value.__notes__[0] == f"in environment 0 of {vec!r}"
    vec = begun()
    with pytest.raises(SekaiError, match="environment 0, .*, has no 'colour'"):
        vec.get_attr("colour")
    vec.close()


def test_environments_that_cannot_be_made() -> None:
    def broken() -> Any:
        raise OSError("no feed")

    def made_in_parent_only(pid: int = os.getpid()) -> Any:
        return counting() if os.getpid() == pid else broken()

    def ended(pid: int = os.getpid()) -> Any:
        if os.getpid() == pid:
            return counting()
        raise EOFError("no more")

    with pytest.raises(EOFError, match="no more"):
        ProcVecEnv([ended] * 2, workers=2)
    for functions, row in (([broken] * 2, "0"), ([counting, broken], "1"), ([made_in_parent_only] * 2, "0")):
        with pytest.raises(OSError, match="no feed") as caught:
            ProcVecEnv(functions, workers=2)
        assert caught.value.__notes__[0] == f"in env_fns[{row}]"
    with pytest.raises(SpaceMismatch, match="environment 1 must have one agent"):
        ProcVecEnv([counting, EchoEnv], workers=2)
    with pytest.raises(SpaceMismatch, match="the same observation_space: 1 has"):
        ProcVecEnv([counting, lambda: sekai.TimeAwareObservation(counting())], workers=2)
    assert not [child for child in multiprocessing.active_children() if "ProcVecEnv" in child.name]


@pytest.mark.parametrize("backend", [SyncVecEnv, AsyncVecEnv, ProcVecEnv])
def test_mistakes_are_said_and_touch_nothing(backend: Any) -> None:
    vec = backend([Faulty] * 4)
    with pytest.raises(ResetRequired):
        vec.step(np.zeros(4))
    vec.reset()
    with pytest.raises(InvalidAction, match="actions must be 4, one for each environment, got 16"):
        vec.step(np.zeros(16))
    with pytest.raises(SekaiError, match="environment 0, .*Faulty.*, has no 'some_method'"):
        vec.call("some_method", arg=True)
    with pytest.raises(SekaiError, match="has no 'colour'"):
        vec.get_attr("colour")
    assert vec.step(np.ones(4)).rewards.tolist() == [1.0] * 4
    vec.set_attr("length", 2)
    assert vec.get_attr("length") == [2] * 4 and vec.step(np.ones(4)).restarted.all()
    with pytest.raises(ValueError, match="ouch") as caught:
        vec.call("shout")
    assert caught.value.__notes__[0] == f"in environment 0 of {vec!r}"
    vec.close()
    vec.close()
    for method in (lambda: vec.step(np.zeros(4)), vec.reset):
        with pytest.raises(ClosedEnvironment, match="after close: make a new vector env"):
            method()
    many = backend([clockwork] * 2)
    many.reset(seed=0)
    with pytest.raises(InvalidAgents, match=r"missing for \['maker_1'\]"):
        many.step({"maker_0": np.zeros(2)})
    with pytest.raises(InvalidAgents, match="got 'makr'"):
        many.step({"maker_0": np.zeros(2), "maker_1": np.zeros(2), "makr": np.zeros(2)})
    many.close()


def test_close_ends_the_processes_and_so_does_forgetting() -> None:
    vec = begun()
    workers = list(vec._rows.workers)
    vec.close()
    assert [worker.exitcode for worker in workers] == [0, 0]
    vec = begun()
    workers = list(vec._rows.workers)
    del vec
    assert not any(worker.is_alive() for worker in workers)


def test_a_parent_that_is_killed_leaves_nobody_behind() -> None:
    code = (
        "import os, numpy as np; from sekai import ProcVecEnv; from sekai.testing import CountingEnv\n"
        "vecs = [ProcVecEnv([CountingEnv] * 2, workers=2) for _ in range(2)]\n"
        "print(*[w.pid for v in vecs for w in v._rows.workers], flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    pids = [int(pid) for pid in done.stdout.split()]
    until = time.monotonic() + 5
    while any(runs(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.02)
    assert len(pids) == 4 and not any(runs(pid) for pid in pids)


def runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Feed(sekai.Env[Any, Any]):
    """Async only; counts how many wait at once."""

    waiting = most = cancelled = 0

    def __init__(self) -> None:
        self.observation_space = sekai.Box(0, 9, ())
        self.action_space = sekai.Box(-1, 1, ())

    async def async_reset(self, *, seed: int | None = None, options: Any = None) -> sekai.ResetResult[Any]:
        return sekai.ResetResult(np.float32(0), {})

    async def async_step(self, action: float) -> sekai.StepResult[Any]:
        Feed.waiting += 1
        Feed.most = max(Feed.most, Feed.waiting)
        try:
            await asyncio.sleep(30 if action < 0 else 0.01)
        except asyncio.CancelledError:
            Feed.cancelled += 1
            raise
        finally:
            Feed.waiting -= 1
        if action > 0.5:
            raise ConnectionError("feed lost")
        return sekai.StepResult(np.float32(1), float(action), False, False, {})


def test_feeds_are_awaited_together() -> None:
    async def main() -> None:
        vec = AsyncVecEnv([Feed] * 4)
        await vec.async_reset(seed=0)
        batch = await vec.async_step(np.full(4, 0.25, np.float32))
        assert batch.rewards.tolist() == [0.25] * 4 and Feed.most == 4
        with pytest.raises(SekaiError, match="a loop is running: await vec.async_reset"):
            vec.step(np.zeros(4))
        with pytest.raises(ConnectionError, match="feed lost") as caught:
            await vec.async_step(np.array([0.0, 1.0, -1.0, -1.0]))
        assert caught.value.__notes__ == [f"in environment 1 of {vec!r}"]
        assert Feed.waiting == 0 and Feed.cancelled == 2, "the others are gone when the error comes"
        await vec.async_reset()
        with pytest.raises(ConnectionError, match="feed lost") as caught:
            await vec.async_step(np.array([0.0, 1.0, 0.0, 1.0]))
        lost = "environment 3 failed too: ConnectionError('feed lost')"
        assert caught.value.__notes__ == [f"in environment 1 of {vec!r}", lost]
        await vec.async_reset()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(vec.async_step(np.full(4, -1.0)), 0.05)
        assert Feed.waiting == 0 and Feed.cancelled == 6
        vec.close()

    asyncio.run(main())
    with AsyncVecEnv([Feed] * 2) as vec:
        vec.reset()
        assert vec.step(np.zeros(2)).observations.tolist() == [1, 1]


def test_no_error_of_an_awaited_row_is_left_for_the_loop_to_complain_of() -> None:
    complaints: list[Any] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
        vec = AsyncVecEnv([Feed] * 4)
        await vec.async_reset()
        with pytest.raises(ConnectionError):
            await vec.async_step(np.ones(4))
        vec.close()

    asyncio.run(main())
    gc.collect()
    assert complaints == []


@pytest.mark.parametrize("backend", [SyncVecEnv, AsyncVecEnv, ProcVecEnv])
def test_a_list_of_values_is_handed_out(backend: Any) -> None:
    """As gymnasium does, through layers around rows too."""
    with sekai.ClipReward(backend([CountingEnv] * 2), -1.0, 1.0) as vec:
        vec.set_attr("length", [3, 9])
        assert vec.get_attr("length") == [3, 9] and vec.unwrapped.get_attr("length") == [3, 9]
        vec.set_attr("length", (4, 5))
        assert vec.get_attr("length") == [4, 5]
        with pytest.raises(SekaiError, match="value must be one, or a list or tuple of 2, got 3"):
            vec.set_attr("length", [1, 2, 3])
        vec.set_attr("max", 2.0)
        assert vec.get_attr("max") == [2.0, 2.0]


@pytest.mark.parametrize("backend", [SyncVecEnv, AsyncVecEnv, ProcVecEnv])
def test_nothing_is_asked_of_what_is_closed(backend: Any) -> None:
    vec = backend([CountingEnv] * 2)
    layered = sekai.ClipReward(vec, -1.0, 1.0)
    layered.close()
    for env in (vec, layered):
        for name, ask in {
            "call": lambda env=env: env.call("action_mask"),
            "get_attr": lambda env=env: env.get_attr("length"),
            "set_attr": lambda env=env: env.set_attr("length", 3),
        }.items():
            with pytest.raises(ClosedEnvironment, match=f"{name} after close: make a new vector env"):
                ask()


def test_processes_are_awaited_too() -> None:
    async def main() -> list[Any]:
        with ProcVecEnv([CountingEnv] * 2) as vec:
            return [await vec.async_reset(seed=1), await vec.async_step(np.zeros(2))]

    with SyncVecEnv([CountingEnv] * 2) as vec:
        assert asyncio.run(main()) == [vec.reset(seed=1), vec.step(np.zeros(2))]
