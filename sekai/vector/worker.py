"""The other side of `ProcVecEnv`: a process that serves some of its rows, and the memory that both sides share."""

import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import connection, parent_process
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import cloudpickle  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

from sekai.error import SekaiError
from sekai.vector.form import Form, check_alike, form_of, made
from sekai.vector.local import SyncRows, env_with, method_of
from sekai.vector.restarts import Turn

__all__ = ["Functions", "Memory", "Share", "dumped", "work"]

_ALIGNED = 64  # bytes: columns begin on cache lines of their own
_ORPHAN_S = 1.0  # how long a worker whose parent is gone may take to close its environments


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


class Share(NamedTuple):
    """What a worker is given: rows `begin` to `end` of `rows` of one `form`, and the memory of all.

    `at[number]` says at which row the worker is.
    """

    functions: Functions
    form: Form
    begin: int
    end: int
    rows: int
    block: Any
    at: Any
    number: int


class _Rows(SyncRows):
    """A worker's rows, which outside are numbered from `begin`."""

    def __init__(self, share: Share) -> None:
        self.share, self.blamed = share, -1
        share.at[share.number] = share.begin
        envs = made(share.functions.functions, share.begin)
        check_alike([form_of(env) for env in envs], share.form, share.begin)  # else the memory would not be theirs
        super().__init__(envs, make=Memory(share.block, share.rows, share.begin, share.end).make)

    def _envs_of(self, rows: Sequence[int]) -> Iterator[Any]:
        share = self.share
        for row in rows:
            share.at[share.number] = share.begin + row
            yield self.envs[row]

    def serve(self, verb: str, what: Any) -> tuple[str, Any]:
        """Do what was asked for, or say why something is not there to be called, read or set, and touch nothing."""
        if verb == "play":
            self.drive(self.play(Turn(*what)))
            return "done", self.table.news()
        rows, name, *rest = what
        try:
            for row in rows:
                (method_of if verb == "call" else env_with)(self.envs[row], name, self.share.begin + row)
        except SekaiError as error:
            return "rejected", _told(error, None)
        answers: list[Any] = []
        for row in rows:
            self.share.at[self.share.number] = self.share.begin + row
            answers.append(getattr(self, verb)([row], name, *rest))
        return "done", [answer[0] for answer in answers] if verb != "set" else []

    def blame(self, row: int, error: BaseException) -> None:
        """Remember in which row an error was raised."""
        self.blamed = self.share.begin + row


def work(pipe: Connection, inherited: Sequence[Connection], share: Share) -> None:
    """Serve a share of the rows until told to close, or until the other end of the pipe is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for other in inherited:  # while these are open here, nobody would see that the process that made them is gone
        other.close()
    rows: _Rows | None = None
    try:
        rows = _Rows(share)
        pipe.send_bytes(dumped(("done", None)))
        while True:
            verb, what = pickle.loads(pipe.recv_bytes())
            if verb == "close":
                break
            pipe.send_bytes(dumped(rows.serve(verb, what)))
    except (EOFError, BrokenPipeError, ConnectionResetError) as error:
        if rows is None or rows.blamed >= 0:  # an environment's own, not the pipe's
            _tell(pipe, error, rows)
    except BaseException as error:
        _tell(pipe, error, rows)
    finally:
        if rows is not None:
            rows.close()
        pipe.close()


def _end_with_parent() -> None:
    """End this process when its parent is gone, whatever it is busy with."""
    parent, first = parent_process(), os.getppid()
    assert parent is not None
    while not connection.wait([parent.sentinel], 1.0) and os.getppid() == first:
        pass
    time.sleep(_ORPHAN_S)  # if it is not busy, it sees so itself, and closes its environments
    os._exit(1)


def _tell(pipe: Connection, error: BaseException, rows: _Rows | None) -> None:
    with suppress(OSError, ValueError):
        blamed = None if rows is None or rows.blamed < 0 else rows.blamed
        pipe.send_bytes(dumped(("error", _told(error, blamed))))


def _told(error: BaseException, row: int | None) -> tuple[bytes | None, str, int | None, str]:
    """Return an error in a form that travels: itself if it can be pickled and read again, its words, its traceback."""
    travels: bytes | None = None
    with suppress(Exception):
        travels = dumped(error)
        pickle.loads(travels)
    words = "".join(traceback.format_exception_only(error)).strip()
    return travels, words, row, "".join(traceback.format_exception(error))
