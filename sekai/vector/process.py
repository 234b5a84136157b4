"""A vector env whose environments run in processes of their own, several in each.

Columns lie in memory that all processes share, so that what goes through a pipe is one message a process and turn: the
actions there, infos back. A worker plays its part of the turn into its part of the table. Whatever goes wrong in one
ends all: the error says in which environment, with that process's own traceback.
"""

import os
import pickle
import signal
import time
import weakref
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from typing import Any, Unpack, overload

from sekai.backend.base import NUMPY, BackendOps
from sekai.core.base import stack
from sekai.core.env import Env, MultiAgentEnv
from sekai.error import ClosedEnvironment, SekaiError, WorkerDied, WorkerTimeout
from sekai.vector.columns import at
from sekai.vector.env import ResetT, StepT, VecEnv
from sekai.vector.form import form_of, made
from sekai.vector.restarts import Autoreset, Turn
from sekai.vector.result import MAVecResetResult, MAVecStepResult, VecResetResult, VecStepResult
from sekai.vector.rows import Program, Rows
from sekai.vector.sync import Options
from sekai.vector.table import Table
from sekai.vector.worker import Functions, Memory, Share, dumped, work

__all__ = ["ProcVecEnv", "ProcessOptions", "ProcessRows"]

_FAREWELL_S = 2.0  # how long a worker may take to close its environments
_GRACE_S = 0.25  # how long after one worker's error others may tell theirs, so that the first row's is raised


class ProcessOptions(Options, total=False):
    """What `ProcVecEnv` takes beside `env_fns`, by keyword."""

    workers: int | None
    context: str | None
    timeout_s: float | None


class ProcVecEnv(VecEnv[ResetT, StepT]):
    """The environments that `env_fns` make, in `workers` processes: one for each processor, or for each row if fewer.

    The first environment is made in this process too, which tells the spaces, and asked to `warm_up`: what must be
    compiled is compiled once, before the workers begin. `context` is how they begin, `"fork"`, `"spawn"` or
    `"forkserver"`; None is Python's own default. With the last two the main module must be importable, and guarded by
    `if __name__ == "__main__":`. Threads do not survive a fork: who has begun some uses these. A worker that raises or
    dies is an error here within a second, with the environment's index, and all others are shut down. So is one that
    takes more than `timeout_s` seconds, 300 if nothing is said, for anything that it is asked for; None waits for ever.
    The other options are those of `SyncVecEnv`; without `copy`, arrays are views of the shared memory.
    """

    @overload
    def __init__(
        self: "ProcVecEnv[VecResetResult, VecStepResult]",
        env_fns: Sequence[Callable[[], Env[Any, Any]]],
        **options: Unpack[ProcessOptions],
    ) -> None: ...

    @overload
    def __init__(
        self: "ProcVecEnv[MAVecResetResult, MAVecStepResult]",
        env_fns: Sequence[Callable[[], MultiAgentEnv[Any]]],
        **options: Unpack[ProcessOptions],
    ) -> None: ...

    def __init__(self, env_fns: Any, **options: Unpack[ProcessOptions]) -> None:
        super().__init__(ProcessRows(list(env_fns), **options))


class ProcessRows(Rows):
    """The rows of a `ProcVecEnv`."""

    threaded = True

    def __init__(
        self,
        env_fns: Sequence[Callable[[], Any]],
        *,
        workers: int | None = None,
        copy: bool = True,
        autoreset: Autoreset = "same_step",
        backend: BackendOps | None = None,
        context: str | None = None,
        timeout_s: float | None = 300.0,
    ) -> None:
        first = made(env_fns[:1])[0]
        for part in stack(first):
            part.warm_up()
        self._timeout_s = timeout_s
        form, rows = form_of(first), len(env_fns)
        counted = Memory(None, rows, 0, rows)
        Table(form, rows, copy, counted.make)
        processes: Any = get_context(context)
        block = processes.RawArray("b", max(counted.used, 1))
        super().__init__(first, form, rows, autoreset, copy, Memory(block, rows, 0, rows).make)
        self.backend = NUMPY if backend is None else backend
        count = _worker_count(workers, rows)
        bounds = [rows * k // count for k in range(count + 1)]
        self._spans = list(zip(bounds[:-1], bounds[1:], strict=True))
        self._at = processes.RawArray("i", count)  # the row that each worker is at
        self._pipes: list[Connection] = []
        self.workers: list[Any] = []
        self._stop = weakref.finalize(self, _shut_down, self._pipes, self.workers, os.getpid())
        for number, (begin, end) in enumerate(self._spans):
            ours, theirs = processes.Pipe()
            inherited = [*self._pipes, ours] if processes.get_start_method() == "fork" else []
            share = Share(Functions(env_fns[begin:end]), form, begin, end, rows, block, self._at, number)
            task = (theirs, inherited, share)
            worker = processes.Process(target=work, args=task, daemon=True, name=f"ProcVecEnv-{begin}")
            self._pipes.append(ours)
            worker.start()
            theirs.close()
            self.workers.append(worker)
        try:
            self._gather(range(count), "make")
        except BaseException:
            self.close()
            raise
        finally:
            first.close()

    def play(self, turn: Turn) -> Program[None]:
        """Have each worker play its part of the turn."""
        parts = [self._part(turn, begin, end) for begin, end in self._spans]
        busy = [number for number, part in enumerate(parts) if part.steps or part.begins]
        idle = [span for number, span in enumerate(self._spans) if number not in busy]
        self.table.open(*idle) if idle else self.table.listen()
        for number in busy:
            part = parts[number]
            self._send(number, "play", (part.steps, part.actions, part.restart, part.begins, part.seeds, part.options))
        for number, news in zip(busy, self._gather(busy, "reset" if turn.is_reset else "step"), strict=True):
            self.table.told(*self._spans[number], news)
        yield from ()

    def _part(self, turn: Turn, begin: int, end: int) -> Turn:
        """Return what is asked of rows `begin` to `end`, by their worker's own numbers."""
        steps, begins = (slice(bisect_left(r, begin), bisect_left(r, end)) for r in (turn.steps, turn.begins))
        actions = turn.actions and [None if c is None else at(c, slice(begin, end)) for c in turn.actions]
        own, new = ([row - begin for row in rows] for rows in (turn.steps[steps], turn.begins[begins]))
        return Turn(own, actions, turn.restart, new, turn.seeds[begins], turn.options)

    def call(self, rows: Sequence[int], method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """Call a method in these rows."""
        return self._asked("call", rows, (method, args, kwargs))

    def get(self, rows: Sequence[int], name: str) -> list[Any]:
        """Return an attribute in these rows."""
        return self._asked("get", rows, (name,))

    def set(self, rows: Sequence[int], name: str, value: Any) -> None:
        """Set an attribute in these rows."""
        self._asked("set", rows, (name, value))

    def _asked(self, verb: str, rows: Sequence[int], what: tuple[Any, ...]) -> list[Any]:
        mine = [[row - begin for row in rows if begin <= row < end] for begin, end in self._spans]
        busy = [number for number, own in enumerate(mine) if own]
        for number in busy:
            self._send(number, verb, (mine[number], *what))
        return [answer for answers in self._gather(busy, f"{verb} {what[0]!r}") for answer in answers]

    def close(self) -> None:
        """Close all environments and end their processes."""
        super().close()
        self._stop()

    def _send(self, number: int, verb: str, what: Any) -> None:
        try:
            self._pipes[number].send_bytes(dumped((verb, what)))
        except (BrokenPipeError, ConnectionResetError):
            self._gather([number], verb)

    def _gather(self, asked: Sequence[int], doing: str) -> list[Any]:
        """Return the answers of workers in their order; else raise what went wrong in the first rows, a death included.

        Whoever has not told by `_GRACE_S` after the first error is not waited for. What was only rejected, because
        something is not there to be called, ends nothing.
        """
        answers: dict[int, Any] = {}
        failed: dict[int, Exception] = {}
        rejected: dict[int, Exception] = {}
        until = None if self._timeout_s is None else time.monotonic() + self._timeout_s
        try:
            while waiting := [number for number in asked if number not in answers and number not in failed]:
                ready = self._ready_of(waiting, until)
                if not ready and not failed:
                    failed[waiting[0]] = self._late(waiting, doing)
                if not ready:
                    break
                for number in ready:
                    kind, value = self._received(number, doing)
                    if kind == "done":
                        answers[number] = value
                    elif kind == "rejected":
                        answers[number] = rejected[number] = _remote(self, *value)
                    else:
                        until = until if failed else time.monotonic() + _GRACE_S
                        failed[number] = value if kind == "died" else _remote(self, *value)
        except BaseException as error:
            if isinstance(error, OSError) and self.closed:  # in another thread
                raise ClosedEnvironment(f"close while {doing} was going on") from None
            self._abandon()
            raise
        if failed:
            self._abandon()
            raise failed[min(failed)]
        if rejected:
            raise rejected[min(rejected)]
        return [answers[number] for number in asked]

    def _ready_of(self, numbers: Sequence[int], until: float | None) -> list[int]:
        """Return those that have answered or died, as soon as there is one; none when the time is up."""
        watched: dict[Any, int] = {self._pipes[number]: number for number in numbers}
        watched |= {self.workers[number].sentinel: number for number in numbers}
        left = None if until is None else max(0.0, until - time.monotonic())
        return sorted({watched[thing] for thing in connection.wait(list(watched), left)})

    def _received(self, number: int, doing: str) -> tuple[str, Any]:
        try:
            if self._pipes[number].poll():
                return pickle.loads(self._pipes[number].recv_bytes())  # type: ignore[no-any-return]
        except (EOFError, ConnectionResetError):
            pass
        worker = self.workers[number]
        worker.join(_FAREWELL_S)
        code = worker.exitcode
        how = f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"
        rows = [*range(*self._spans[number])]
        names = f"worker of environment {rows[0]}" if len(rows) == 1 else f"workers of environments {rows}"
        return "died", WorkerDied(f"the {names} died, ended by {how}: {doing}")

    def _abandon(self) -> None:
        """End all processes at once: after an error their rows do not belong together."""
        self.closed = True
        for worker in self.workers:
            worker.terminate()
        self._stop()

    def _late(self, numbers: Sequence[int], doing: str) -> WorkerTimeout:
        """Return the error that says at which environment each of these workers is."""
        who = [f"environment {self._at[n]} (worker {n}, process {self.workers[n].pid})" for n in numbers]
        return WorkerTimeout(f"{', '.join(who)} took more than {self._timeout_s} s: {doing}")

    def __repr__(self) -> str:
        return f"<ProcVecEnv({self.count} x {self.first!r})>"


def _worker_count(workers: int | None, rows: int) -> int:
    if workers is None:
        available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return max(1, min(rows, available))
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise SekaiError(f"workers must be an integer >= 1 or None, got {workers!r}")
    return min(workers, rows)


def _remote(vec: ProcessRows, error: bytes | None, words: str, row: int | None, text: str) -> Exception:
    """Return a worker's error as it was, or as a `SekaiError` where it cannot travel, with row and traceback."""
    try:
        raised = None if error is None else pickle.loads(error)
    except Exception:
        raised = None
    if not isinstance(raised, Exception):
        raised = SekaiError(words)
    if row is not None:
        raised.add_note(f"in environment {row} of {vec!r}")
    raised.add_note(f"In its own process:\n{text}")
    return raised


def _shut_down(pipes: list[Connection], workers: list[Any], owner: int) -> None:
    """Ask all to close, and end those that do not; in another process than the `owner` they are not ours."""
    if os.getpid() != owner:
        return
    for pipe in pipes:
        with suppress(OSError, ValueError):
            pipe.send_bytes(dumped(("close", None)))
    until = time.monotonic() + _FAREWELL_S
    for worker in workers:
        worker.join(max(0.0, until - time.monotonic()))
        for end in (worker.terminate, worker.kill):
            if worker.is_alive():
                end()
                worker.join(_FAREWELL_S)
    for pipe in pipes:
        pipe.close()
