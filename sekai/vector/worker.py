"""The other side of `ProcVecEnv`: a process that serves some of its rows, and the memory that both sides share."""

import pickle
import signal
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

from sekai.error import SekaiError
from sekai.vector.base import Autoreset, check_alike, form_of, made
from sekai.vector.local import layer_with, method_of
from sekai.vector.sync import SyncVecEnv

__all__ = ["Functions", "Memory", "dumped", "work"]

_ALIGNED = 64  # bytes: columns begin on cache lines of their own


class Memory:
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


class Functions:
    """Functions that make environments; lambdas and closures too travel to another process."""

    def __init__(self, functions: Sequence[Callable[[], Any]]) -> None:
        self.functions = functions

    def __getstate__(self) -> bytes:
        return cloudpickle.dumps(self.functions)  # type: ignore[no-any-return]

    def __setstate__(self, state: bytes) -> None:
        self.functions = pickle.loads(state)


def dumped(message: Any) -> bytes:
    """Return a message in bytes; what pickle cannot name, lambdas and classes of a prompt, travels whole."""
    try:
        return pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, AttributeError, TypeError):
        return cloudpickle.dumps(message)  # type: ignore[no-any-return]


class _Rows(SyncVecEnv):
    """A worker's rows, which outside are numbered from `begin`."""

    def __init__(
        self,
        functions: Sequence[Callable[[], Any]],
        form: dict[str, Any],
        begin: int,
        autoreset: Autoreset,
        memory: Memory,
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
                (method_of if verb == "call" else layer_with)(self.envs[row], what[0], self.begin + row)
        except SekaiError as error:
            return error
        return None

    def _blame(self, row: int, error: BaseException) -> None:
        self.blamed = self.begin + row


def work(
    pipe: Connection,
    inherited: Sequence[Connection],
    functions: Functions,
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
        vec = _Rows(functions.functions, form, begin, autoreset, Memory(block, rows, begin, end))
        pipe.send_bytes(dumped(("done", None)))
        while True:
            verb, mine, what = pickle.loads(pipe.recv_bytes())
            if verb == "close":
                break
            refusal = vec.refuses(verb, mine, what)
            answer = ("done", vec.serve(verb, mine, what)) if refusal is None else ("refused", _told(refusal, None))
            pipe.send_bytes(dumped(answer))
    except (EOFError, BrokenPipeError, ConnectionResetError) as error:
        if vec is None or vec.blamed is not None:  # an environment's own, not the pipe's
            _tell(pipe, error, None if vec is None else vec.blamed)
    except BaseException as error:
        _tell(pipe, error, None if vec is None else vec.blamed)
    finally:
        if vec is not None:
            vec.close()
        pipe.close()


def _tell(pipe: Connection, error: BaseException, row: int | None) -> None:
    with suppress(OSError, ValueError):
        pipe.send_bytes(dumped(("error", _told(error, row))))


def _told(error: BaseException, row: int | None) -> tuple[bytes | None, str, int | None, str]:
    """Return an error in a form that travels: itself if it can be pickled and read again, its words, its traceback."""
    travels: bytes | None = None
    with suppress(Exception):
        travels = dumped(error)
        pickle.loads(travels)
    words = "".join(traceback.format_exception_only(error)).strip()
    return travels, words, row, "".join(traceback.format_exception(error))
