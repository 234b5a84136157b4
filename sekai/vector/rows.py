"""What steps the rows of a vector env: the protocol that sync, asyncio, processes, wrappers and views implement.

A `VecEnv` decides what happens: it takes the actions apart and checks them, knows which episodes have begun, and reads
the table. A backend only does it. It has these duties:

- `play(turn)` steps and begins the rows that `turn` names, as `sekai.vector.restarts.Turn` says, and writes what
  happens there into `table`: see `sekai.vector.table` for the columns. All other rows get zeros in `rewards`,
  `elapsed`, `stepped`, `terminated`, `truncated` and `restarted`, and keep their observations and `acting`. So a
  backend that steps all rows in one call of a kernel gives it the arrays of the table as they are: `turn.restart` tells
  the kernel to write the observations of a row that ends into `finals` too, and to begin the next episode there.
- `turn.actions` has a column for each agent of `form.agents`, None for one that acts nowhere. Columns are as they were
  given, checked; where `listed`, lists of Python's numbers.
- `table.infos` is a sequence of N dicts, which may be made when they are asked for.
- `call`, `get` and `set` reach the environment of each row.

`play` is a program, a generator: it yields an `Ask` for what may have to be awaited, and is sent the answer. Whether
`answer` or `async_answer` gives it is the driver's business, so that no backend is written twice. Whatever is raised
out of `play` reaches the user, and the vector env wants a reset.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, TypeAlias, TypeVar

import numpy as np

from sekai.backend.base import NUMPY, BackendOps
from sekai.vector.actions import Actions
from sekai.vector.columns import Allocate
from sekai.vector.form import Form
from sekai.vector.restarts import Autoreset, Turn
from sekai.vector.table import Table

__all__ = ["Ask", "Program", "Rows", "RowsOfVec", "async_run", "run"]

_T = TypeVar("_T")


class Ask(NamedTuple):
    """Something to be done, `"step"` or `"reset"`, and with what."""

    verb: str
    given: tuple[Any, ...]


Program: TypeAlias = Generator[Ask, Any, _T]


def run(program: Program[_T], answer: Callable[[Ask], Any]) -> _T:
    """Run `program` to its end, its questions answered by `answer`; errors are raised inside it."""
    try:
        ask = next(program)
        while True:
            try:
                reply = answer(ask)
            except BaseException as error:
                ask = program.throw(error)
            else:
                ask = program.send(reply)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


async def async_run(program: Program[_T], answer: Callable[[Ask], Any]) -> _T:
    """Run `program` as `run` does, and await each answer."""
    try:
        ask = next(program)
        while True:
            try:
                reply = await answer(ask)
            except BaseException as error:
                ask = program.throw(error)
            else:
                ask = program.send(reply)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


class Rows(ABC):
    """`count` rows like `first`, an environment of `form` (or what tells its `spec` and `metadata`)."""

    threaded: ClassVar[bool] = False
    """Whether a coroutine plays in a thread, which goes on when the coroutine is cancelled."""
    listed: ClassVar[bool] = True
    closed = False
    backend: BackendOps = NUMPY

    def __init__(
        self,
        first: Any,
        form: Form,
        count: int,
        autoreset: Autoreset = "same_step",
        copy: bool = True,
        make: Allocate = np.zeros,
    ) -> None:
        self.first, self.form, self.count, self.autoreset = first, form, count, autoreset
        self.table = Table(form, count, copy, make)
        self.actions = Actions(self.table, self.listed)

    @abstractmethod
    def play(self, turn: Turn) -> Program[None]:
        """Step and begin rows, and write into `table`."""

    def reset_result(self) -> Any:
        """Return what a turn that is a reset has written."""
        return self.table.reset_result()

    def step_result(self) -> Any:
        """Return what any other turn has written."""
        return self.table.step_result()

    def answer(self, ask: Ask) -> Any:
        """Answer what a program asks for."""
        raise NotImplementedError(f"{type(self).__name__} asks for nothing")

    async def async_answer(self, ask: Ask) -> Any:
        """Answer what a program asks for, awaiting; the default does not."""
        return self.answer(ask)

    def drive(self, program: Program[_T]) -> _T:
        """Run a program."""
        return run(program, self.answer)

    async def async_drive(self, program: Program[_T]) -> _T:
        """Run a program, awaiting."""
        return await async_run(program, self.async_answer)

    @abstractmethod
    def call(self, rows: Sequence[int], method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """Call a method in these rows."""

    @abstractmethod
    def get(self, rows: Sequence[int], name: str) -> list[Any]:
        """Return an attribute in these rows."""

    @abstractmethod
    def set(self, rows: Sequence[int], name: str, value: Any) -> None:
        """Set an attribute in these rows."""

    def close(self) -> None:
        """Close all environments."""
        self.closed = True

    def __iter__(self) -> Iterator[Any]:
        """Yield the vector envs that this wraps, outermost first."""
        yield from ()


class RowsOfVec(Rows):
    """Rows that stand on those of `env`, another vector env, and ask it to step and to reset."""

    def __init__(self, env: Any, form: Form) -> None:
        super().__init__(env, form, env.num_envs, env.autoreset)
        self.env, self.backend = env, env.backend

    def answer(self, ask: Ask) -> Any:
        """Ask `env`."""
        return self.env._asked(ask.verb, *ask.given)

    async def async_answer(self, ask: Ask) -> Any:
        """Ask `env`, awaiting it."""
        return await self.env._async_asked(ask.verb, *ask.given)

    def mask_of(self, rows: Sequence[int]) -> Any:
        """Return what `env` takes for these rows: None for all of them, else a mask."""
        return None if len(rows) == self.count else np.isin(np.arange(self.count), list(rows))

    def seeds_of(self, rows: Sequence[int], seeds: Sequence[int | None]) -> list[int | None]:
        """Return a seed for each row of `env`, None for all but `rows`, whose `seeds` these are."""
        given = dict(zip(rows, seeds, strict=True))
        return [given.get(row) for row in range(self.count)]

    def call(self, rows: Sequence[int], method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """Call a method of the environments."""
        return self.env._rows.call(rows, method, args, kwargs)  # type: ignore[no-any-return]

    def get(self, rows: Sequence[int], name: str) -> list[Any]:
        """Return an attribute of the environments."""
        return self.env._rows.get(rows, name)  # type: ignore[no-any-return]

    def set(self, rows: Sequence[int], name: str, value: Any) -> None:
        """Set an attribute of the environments."""
        self.env._rows.set(rows, name, value)

    def close(self) -> None:
        """Close `env`."""
        super().close()
        self.env.close()
