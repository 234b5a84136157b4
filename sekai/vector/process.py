"""A vector env whose environments run in processes of their own, several in each.

Columns lie in memory that all processes share, so that what goes through a pipe is one message a process and step:
the actions there, infos and last observations back. A worker is a `SyncVecEnv` of its rows, whose table is that memory.
Whatever goes wrong in one ends all: the error says in which environment, with that process's own traceback.
"""

import os
import pickle
import signal
import time
import traceback
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

from sekai.backend.base import NUMPY, BackendOps
from sekai.core.state import stack
from sekai.error import SekaiError, WorkerDied, WorkerTimeout
from sekai.vector.base import Autoreset, Phases, Seeds, VecEnv, check_alike, form_of, made, rows_in, seeds_of
from sekai.vector.columns import at
from sekai.vector.local import layer_with
from sekai.vector.many_table import ManyTable
from sekai.vector.sync import SyncVecEnv
from sekai.vector.table import Handout, SingleTable

__all__ = ["ProcVecEnv"]

_ALIGNED = 64  # bytes: columns begin on cache lines of their own
_FAREWELL_S = 2.0  # how long a worker may take to close its environments


class _Memory:
    """Columns for `rows` rows, one after the other in `block`; of these it makes those of rows `begin` to `end`.

    Without a block it only counts how many bytes that takes.
    """

    def __init__(self, block: Any, rows: int, begin: int, end: int) -> None:
        self.block, self.rows, self.begin, self.end = block, rows, begin, end
        self.used = 0

    def make(self, shape: tuple[int, ...], dtype: "np.dtype[Any]") -> NDArray[Any]:
        """Return an array of a shape that begins with the number of rows `end - begin`."""
        whole = (self.rows, *shape[1:])
        size = int(np.prod(whole, dtype=np.int64)) * dtype.itemsize
        start, self.used = self.used, self.used + -(-size // _ALIGNED) * _ALIGNED
        if self.block is None:
            return np.zeros(shape, dtype)
        array: NDArray[Any] = np.frombuffer(self.block, dtype, count=size // dtype.itemsize, offset=start)
        return array.reshape(whole)[self.begin : self.end]


class _Functions:
    """Functions that make environments; lambdas and closures too travel to another process."""

    def __init__(self, functions: Sequence[Callable[[], Any]]) -> None:
        self.functions = functions

    def __getstate__(self) -> bytes:
        return cloudpickle.dumps(self.functions)  # type: ignore[no-any-return]

    def __setstate__(self, state: bytes) -> None:
        self.functions = pickle.loads(state)


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
        counted = _Memory(None, rows, 0, rows)
        table(first, rows, handout, counted.make)
        processes: Any = get_context(context)
        block = processes.RawArray("b", max(counted.used, 1))
        self._table: Any = table(first, rows, handout, _Memory(block, rows, 0, rows).make)
        count = _worker_count(workers, rows)
        bounds = [rows * k // count for k in range(count + 1)]
        self._spans = list(zip(bounds[:-1], bounds[1:], strict=True))
        self._pipes: list[Connection] = []
        self._workers: list[Any] = []
        self._stop = weakref.finalize(self, _shut_down, self._pipes, self._workers, os.getpid())
        for begin, end in self._spans:
            ours, theirs = processes.Pipe()
            inherited = [*self._pipes, ours] if processes.get_start_method() == "fork" else []
            functions = _Functions(env_fns[begin:end])
            task = (theirs, inherited, functions, form_of(first), begin, end, rows, autoreset, block)
            worker = processes.Process(target=_work, args=task, daemon=True, name=f"{type(self).__name__}-{begin}")
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
            self._pipes[number].send_bytes(_dumped(message))
        except (BrokenPipeError, ConnectionResetError):
            self._gather([number], message[0], None)

    def _gather(self, asked: Sequence[int], verb: str, name: str | None) -> list[Any]:
        """Return the answers of workers in their order; raise what the first of them raised, or that it died."""
        answers: dict[int, Any] = {}
        refused: Exception | None = None
        until = None if self._timeout_s is None else time.monotonic() + self._timeout_s
        doing = verb if name is None else f"{verb} {name!r}"
        try:
            while len(answers) < len(asked):
                waiting = [number for number in asked if number not in answers]
                ready = self._ready_of(waiting, until)
                if not ready:
                    raise _Fatal(WorkerTimeout(f"{self._names(waiting)} took more than {self._timeout_s} s: {doing}"))
                for number in ready:
                    kind, value = self._received(number, doing)
                    if kind == "error":
                        raise _Fatal(_remote(self, *value))
                    if kind == "refused":
                        refused = refused or _remote(self, *value)
                    answers[number] = value
        except _Fatal as fatal:
            self._abandon()
            raise fatal.error from None
        except BaseException:
            self._abandon()
            raise
        if refused is not None:
            raise refused
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
        raise _Fatal(WorkerDied(f"{self._names([number])} died, ended by {how}: {doing}"))

    def _abandon(self) -> None:
        """End all processes at once: after an error their rows do not belong together."""
        self._closed = True
        for worker in self._workers:
            worker.terminate()
        self._stop()

    def _names(self, numbers: Sequence[int]) -> str:
        rows = [row for number in numbers for row in range(*self._spans[number])]
        return f"the worker of environment {rows[0]}" if len(rows) == 1 else f"the workers of environments {rows}"


class _Fatal(Exception):
    """Carries the error that ends everything."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def _worker_count(workers: int | None, rows: int) -> int:
    if workers is None:
        available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return max(1, min(rows, available))
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise SekaiError(f"workers must be an integer >= 1 or None, got {workers!r}")
    return min(workers, rows)


def _dumped(message: Any) -> bytes:
    try:
        return pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, AttributeError, TypeError):
        return cloudpickle.dumps(message)  # type: ignore[no-any-return]


def _remote(vec: ProcVecEnv, dumped: bytes | None, words: str, row: int | None, text: str) -> Exception:
    """Return a worker's error as it was, or as a `SekaiError` where it cannot travel, with row and traceback."""
    try:
        raised = None if dumped is None else pickle.loads(dumped)
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
            pipe.send_bytes(_dumped(("close", None, None)))
    until = time.monotonic() + _FAREWELL_S
    for worker in workers:
        worker.join(max(0.0, until - time.monotonic()))
        for end in (worker.terminate, worker.kill):
            if worker.is_alive():
                end()
                worker.join(_FAREWELL_S)
    for pipe in pipes:
        pipe.close()


class _Rows(SyncVecEnv):
    """A worker's rows, which outside are numbered from `begin`."""

    def __init__(
        self,
        functions: Sequence[Callable[[], Any]],
        form: dict[str, Any],
        begin: int,
        autoreset: Autoreset,
        memory: _Memory,
    ) -> None:
        self.begin = begin
        self.blamed: int | None = None
        envs = made(functions, begin)
        check_alike([form_of(env) for env in envs], form, begin)  # else the memory would not be theirs
        super(SyncVecEnv, self).__init__(envs, autoreset=autoreset, make=memory.make)

    def serve(self, verb: str, mine: list[int] | None, what: Any) -> Any:
        """Do what was asked for in the rows `mine`, or in all."""
        rows = range(self.num_envs) if mine is None else mine
        if verb in ("reset", "step"):
            mask = None if mine is None else np.isin(np.arange(self.num_envs), mine)
            self._drive(self._begin(what[0], what[1], mask) if verb == "reset" else self._advance(what, mask))
            return self._table.news()
        if verb == "call":
            return self._call(rows, *what)
        return self._get(rows, *what) if verb == "get" else [self._set(rows, *what)]  # type: ignore[func-returns-value]

    def refuses(self, verb: str, mine: list[int] | None, what: Any) -> SekaiError | None:
        """Return why something is not there to be called, read or set; nothing has been touched then."""
        if verb in ("reset", "step"):
            return None
        try:
            for row in range(self.num_envs) if mine is None else mine:
                layer_with(self.envs[row], what[0], self.begin + row)
        except SekaiError as error:
            return error
        return None

    def _blame(self, row: int, error: BaseException) -> None:
        self.blamed = self.begin + row


def _work(
    pipe: Connection,
    inherited: Sequence[Connection],
    functions: _Functions,
    form: dict[str, Any],
    begin: int,
    end: int,
    rows: int,
    autoreset: Autoreset,
    block: Any,
) -> None:
    """Serve rows `begin` to `end` until told to close, or until the other end of the pipe is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for other in inherited:  # while these are open here, nobody would see that the process that made them is gone
        other.close()
    vec: _Rows | None = None
    try:
        vec = _Rows(functions.functions, form, begin, autoreset, _Memory(block, rows, begin, end))
        pipe.send_bytes(_dumped(("done", None)))
        while True:
            verb, mine, what = pickle.loads(pipe.recv_bytes())
            if verb == "close":
                break
            refusal = vec.refuses(verb, mine, what)
            answer = ("done", vec.serve(verb, mine, what)) if refusal is None else ("refused", _told(refusal, None))
            pipe.send_bytes(_dumped(answer))
    except (EOFError, BrokenPipeError, ConnectionResetError) as error:
        if vec is not None and vec.blamed is not None:
            _tell(pipe, error, vec.blamed)
    except BaseException as error:
        _tell(pipe, error, None if vec is None else vec.blamed)
    finally:
        if vec is not None:
            vec.close()
        pipe.close()


def _tell(pipe: Connection, error: BaseException, row: int | None) -> None:
    with suppress(OSError, ValueError):
        pipe.send_bytes(_dumped(("error", _told(error, row))))


def _told(error: BaseException, row: int | None) -> tuple[bytes | None, str, int | None, str]:
    """Return an error in a form that travels: itself if it can be pickled and read again, its words, its traceback."""
    dumped: bytes | None = None
    with suppress(Exception):
        dumped = _dumped(error)
        pickle.loads(dumped)
    words = "".join(traceback.format_exception_only(error)).strip()
    return dumped, words, row, "".join(traceback.format_exception(error))
