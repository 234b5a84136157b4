"""A vector env whose environments run in processes of their own, several in each.

Columns lie in memory that all processes share, so that what goes through a pipe is one message a process and step:
the actions there, infos and last observations back. A worker is a `SyncVecEnv` of its rows, whose table is that memory.
Whatever goes wrong in one ends all: the error says in which environment, with that process's own traceback.
"""

import os
import pickle
import signal
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from typing import Any

from sekai.backend.base import NUMPY, BackendOps
from sekai.core.base import stack
from sekai.error import SekaiError, WorkerDied, WorkerTimeout
from sekai.vector.base import Autoreset, Phases, Seeds, VecEnv, form_of, made, rows_in, seeds_of
from sekai.vector.columns import at
from sekai.vector.many_table import ManyTable
from sekai.vector.table import Handout, SingleTable
from sekai.vector.worker import Functions, Memory, dumped, work

__all__ = ["ProcVecEnv"]

_FAREWELL_S = 2.0  # how long a worker may take to close its environments
_GRACE_S = 0.25  # how long after one worker's error others may tell theirs, so that the first row's is raised


class ProcVecEnv(VecEnv):
    """The environments that `env_fns` make, in `workers` processes: one for each processor, or for each row if fewer.

    The first environment is made in this process too, which tells the spaces, and asked to `warm_up`: what must be
    compiled is compiled once, before the workers begin. `context` is how they begin, `"fork"`, `"spawn"` or
    `"forkserver"`; None is Python's own default. With the last two the main module must be importable, and guarded by
    `if __name__ == "__main__":`. Threads do not survive a fork: who has begun some uses these. A worker that raises or
    dies is an error here within a second, with the environment's index, and all others are shut down; one that
    takes more than `timeout_s` seconds for a step raises `WorkerTimeout`. `copy`, `autoreset` and `backend` are as for
    `SyncVecEnv`; without `copy`, observations are views of the shared memory, valid until the next step.
    """

    def __init__(
        self,
        env_fns: Sequence[Callable[[], Any]],
        *,
        workers: int | None = None,
        copy: bool = True,
        autoreset: Autoreset = "same_step",
        backend: BackendOps | None = None,
        context: str | None = None,
        timeout_s: float | None = None,
    ) -> None:
        env_fns = list(env_fns)
        first = made(env_fns[:1])[0]
        for layer in stack(first):
            layer.warm_up()
        super().__init__(first, len(env_fns), autoreset)
        self._timeout_s = timeout_s
        self.backend = NUMPY if backend is None else backend
        self._phases = Phases(self.num_envs, autoreset)
        rows, handout = self.num_envs, Handout(copy, backend)
        table = ManyTable if self.many else SingleTable
        counted = Memory(None, rows, 0, rows)
        table(first, rows, handout, counted.make)
        processes: Any = get_context(context)
        block = processes.RawArray("b", max(counted.used, 1))
        self._table: Any = table(first, rows, handout, Memory(block, rows, 0, rows).make)
        count = _worker_count(workers, rows)
        bounds = [rows * k // count for k in range(count + 1)]
        self._spans = list(zip(bounds[:-1], bounds[1:], strict=True))
        self._pipes: list[Connection] = []
        self._workers: list[Any] = []
        self._stop = weakref.finalize(self, _shut_down, self._pipes, self._workers, os.getpid())
        for begin, end in self._spans:
            ours, theirs = processes.Pipe()
            inherited = [*self._pipes, ours] if processes.get_start_method() == "fork" else []
            functions = Functions(env_fns[begin:end])
            task = (theirs, inherited, functions, form_of(first), begin, end, rows, autoreset, block)
            worker = processes.Process(target=work, args=task, daemon=True, name=f"{type(self).__name__}-{begin}")
            self._pipes.append(ours)
            worker.start()
            theirs.close()
            self._workers.append(worker)
        try:
            self._gather(range(count), "make", None)
        except BaseException:
            self.close()
            raise
        finally:
            first.close()

    def reset(self, *, seed: Seeds = None, options: dict[str, Any] | None = None, mask: Any = None) -> Any:
        """Begin an episode in every row, or where `mask` is true."""
        self._check_open("reset")
        rows, seeds = rows_in(mask, self.num_envs), seeds_of(seed, self.num_envs)
        self._tell_rows("reset", rows, lambda begin, end: (seeds[begin:end], options))
        self._phases.begun(rows)
        return self._table.reset_result()

    def step(self, actions: Any, *, mask: Any = None) -> Any:
        """Step every row, or those where `mask` is true."""
        self._check_open("step")
        rows = rows_in(mask, self.num_envs)
        stepped, fresh = self._phases.due(rows)
        batch = self._table.actions(actions, stepped)
        if self.many:
            self._tell_rows("step", rows, lambda begin, end: {a: at(x, slice(begin, end)) for a, x in batch.items()})
        else:
            self._tell_rows("step", rows, lambda begin, end: at(batch, slice(begin, end)))
        if self.autoreset != "same_step":
            self._phases.begun(fresh)
            self._phases.over.update(self._table.over())
        return self._table.step_result()

    async def async_reset(self, *, seed: Seeds = None, options: dict[str, Any] | None = None, mask: Any = None) -> Any:
        """Begin episodes; the running loop goes on meanwhile."""
        import asyncio

        return await asyncio.to_thread(self.reset, seed=seed, options=options, mask=mask)

    async def async_step(self, actions: Any, *, mask: Any = None) -> Any:
        """Step; the running loop goes on meanwhile."""
        import asyncio

        return await asyncio.to_thread(self.step, actions, mask=mask)

    def close(self) -> None:
        """Close all environments and end their processes; closing twice does nothing."""
        super().close()
        self._stop()

    def _tell_rows(self, verb: str, rows: Sequence[int], what: Callable[[int, int], Any]) -> None:
        """Have `rows` stepped or reset, and let the table know."""
        busy = {number: mine for number, mine in enumerate(self._shares(rows)) if mine is None or mine}
        self._table.listen([span for number, span in enumerate(self._spans) if number not in busy])
        for number, mine in busy.items():
            self._send(number, (verb, mine, what(*self._spans[number])))
        for number, news in zip(busy, self._gather(list(busy), verb, None), strict=True):
            self._table.told(*self._spans[number], news)

    def _shares(self, rows: Sequence[int]) -> list[list[int] | None]:
        """Return each worker's part of `rows`, by its own numbers; None for all of them."""
        if len(rows) == self.num_envs:
            return [None] * len(self._spans)
        return [[row - begin for row in rows if begin <= row < end] for begin, end in self._spans]

    def _call(self, rows: Sequence[int], method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        return self._ask("call", rows, (method, args, kwargs))

    def _get(self, rows: Sequence[int], name: str) -> list[Any]:
        return self._ask("get", rows, (name,))

    def _set(self, rows: Sequence[int], name: str, value: Any) -> None:
        self._ask("set", rows, (name, value))

    def _ask(self, verb: str, rows: Sequence[int], what: tuple[Any, ...]) -> list[Any]:
        self._check_open(verb)
        shares = [(number, mine) for number, mine in enumerate(self._shares(rows)) if mine is None or mine]
        for number, mine in shares:
            self._send(number, (verb, mine, what))
        answers = self._gather([number for number, _ in shares], verb, what[0])
        return [answer for answers_there in answers for answer in answers_there]

    def _send(self, number: int, message: Any) -> None:
        try:
            self._pipes[number].send_bytes(dumped(message))
        except (BrokenPipeError, ConnectionResetError):
            self._gather([number], message[0], None)

    def _gather(self, asked: Sequence[int], verb: str, name: str | None) -> list[Any]:
        """Return the answers of workers in their order; else raise what went wrong in the first rows, a death included.

        Whoever has not told by `_GRACE_S` after the first error is not waited for. What was only refused, because
        something is not there to be called, ends nothing.
        """
        answers: dict[int, Any] = {}
        failed: dict[int, Exception] = {}
        refused: dict[int, Exception] = {}
        until = None if self._timeout_s is None else time.monotonic() + self._timeout_s
        doing = verb if name is None else f"{verb} {name!r}"
        try:
            while waiting := [number for number in asked if number not in answers and number not in failed]:
                ready = self._ready_of(waiting, until)
                if not ready and not failed:
                    failed[waiting[0]] = WorkerTimeout(
                        f"{self._names(waiting)} took more than {self._timeout_s} s: {doing}"
                    )
                if not ready:
                    break
                for number in ready:
                    kind, value = self._received(number, doing)
                    if kind == "done":
                        answers[number] = value
                    elif kind == "refused":
                        answers[number] = refused[number] = _remote(self, *value)
                    else:
                        until = until if failed else time.monotonic() + _GRACE_S
                        failed[number] = value if kind == "died" else _remote(self, *value)
        except BaseException:
            self._abandon()
            raise
        if failed:
            self._abandon()
            raise failed[min(failed)]
        if refused:
            raise refused[min(refused)]
        return [answers[number] for number in asked]

    def _ready_of(self, numbers: Sequence[int], until: float | None) -> list[int]:
        """Return those that have answered or died, as soon as there is one; none when the time is up."""
        watched: dict[Any, int] = {self._pipes[number]: number for number in numbers}
        watched |= {self._workers[number].sentinel: number for number in numbers}
        left = None if until is None else max(0.0, until - time.monotonic())
        return sorted({watched[thing] for thing in connection.wait(list(watched), left)})

    def _received(self, number: int, doing: str) -> tuple[str, Any]:
        try:
            if self._pipes[number].poll():
                return pickle.loads(self._pipes[number].recv_bytes())  # type: ignore[no-any-return]
        except (EOFError, ConnectionResetError):
            pass
        worker = self._workers[number]
        worker.join(_FAREWELL_S)
        code = worker.exitcode
        how = f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"
        return "died", WorkerDied(f"{self._names([number])} died, ended by {how}: {doing}")

    def _abandon(self) -> None:
        """End all processes at once: after an error their rows do not belong together."""
        self._closed = True
        for worker in self._workers:
            worker.terminate()
        self._stop()

    def _names(self, numbers: Sequence[int]) -> str:
        rows = [row for number in numbers for row in range(*self._spans[number])]
        return f"the worker of environment {rows[0]}" if len(rows) == 1 else f"the workers of environments {rows}"


def _worker_count(workers: int | None, rows: int) -> int:
    if workers is None:
        available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return max(1, min(rows, available))
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise SekaiError(f"workers must be an integer >= 1 or None, got {workers!r}")
    return min(workers, rows)


def _remote(vec: ProcVecEnv, error: bytes | None, words: str, row: int | None, text: str) -> Exception:
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
            pipe.send_bytes(dumped(("close", None, None)))
    until = time.monotonic() + _FAREWELL_S
    for worker in workers:
        worker.join(max(0.0, until - time.monotonic()))
        for end in (worker.terminate, worker.kill):
            if worker.is_alive():
                end()
                worker.join(_FAREWELL_S)
    for pipe in pipes:
        pipe.close()
