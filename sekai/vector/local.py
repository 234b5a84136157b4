"""Vector envs whose environments live in this process: what they do is written once, as programs.

A program yields `StepRows` or `ResetRows` and is sent the results; a backend says how it answers, one row after the
other or all at once. After an error the rows do not belong together any more: `reset` comes first.
"""

from abc import abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from sekai.backend.base import NUMPY, BackendOps
from sekai.error import UndefinedAttribute
from sekai.vector.base import Autoreset, Phases, Seeds, VecEnv, check_alike, form_of, rows_in, seeds_of
from sekai.vector.columns import Maker
from sekai.vector.many_table import ManyTable
from sekai.vector.table import Handout, SingleTable

__all__ = ["LocalVecEnv", "Request", "ResetRows", "RowProgram", "StepRows", "layer_with", "method_of"]


class StepRows:
    """Ask for a step of these rows, each with its action."""

    __slots__ = ("actions", "rows")

    def __init__(self, rows: Sequence[int], actions: Sequence[Any]) -> None:
        self.rows, self.actions = rows, actions


class ResetRows:
    """Ask for a new episode in these rows, each with its seed."""

    __slots__ = ("options", "rows", "seeds")

    def __init__(self, rows: Sequence[int], seeds: Sequence[int | None], options: dict[str, Any] | None = None) -> None:
        self.rows, self.seeds, self.options = rows, seeds, options


Request: TypeAlias = StepRows | ResetRows
RowProgram: TypeAlias = Generator[Request, list[Any], None]


class LocalVecEnv(VecEnv):
    """The environments `envs`, and a table that their results are written to; a subclass answers requests."""

    def __init__(
        self,
        envs: Sequence[Any],
        *,
        copy: bool = True,
        autoreset: Autoreset = "same_step",
        backend: BackendOps | None = None,
        make: Maker | None = None,
    ) -> None:
        check_alike([form_of(env) for env in envs], form_of(envs[0]))
        super().__init__(envs[0], len(envs), autoreset)
        self.envs = list(envs)
        self.backend = NUMPY if backend is None else backend
        table = ManyTable if self.many else SingleTable
        arguments = {} if make is None else {"make": make}
        self._table: Any = table(envs[0], self.num_envs, Handout(copy, backend), **arguments)
        self._phases = Phases(self.num_envs, autoreset)

    @abstractmethod
    def _drive(self, program: RowProgram) -> None:
        """Run `program` to its end."""

    async def _async_drive(self, program: RowProgram) -> None:
        """Run `program` to its end, awaiting the environments; the default does not."""
        self._drive(program)

    def reset(self, *, seed: Seeds = None, options: dict[str, Any] | None = None, mask: Any = None) -> Any:
        """Begin an episode in every row, or where `mask` is true."""
        self._drive(self._begin(seed, options, mask))
        return self._table.reset_result()

    def step(self, actions: Any, *, mask: Any = None) -> Any:
        """Step every row, or those where `mask` is true."""
        self._drive(self._advance(actions, mask))
        return self._table.step_result()

    async def async_reset(self, *, seed: Seeds = None, options: dict[str, Any] | None = None, mask: Any = None) -> Any:
        """Begin episodes, awaiting the environments."""
        await self._async_drive(self._begin(seed, options, mask))
        return self._table.reset_result()

    async def async_step(self, actions: Any, *, mask: Any = None) -> Any:
        """Step, awaiting the environments."""
        await self._async_drive(self._advance(actions, mask))
        return self._table.step_result()

    def _begin(self, seed: Seeds, options: dict[str, Any] | None, mask: Any) -> RowProgram:
        self._check_open("reset")
        rows = rows_in(mask, self.num_envs)
        seeds = seeds_of(seed, self.num_envs)
        try:
            begun = yield ResetRows(rows, [seeds[row] for row in rows], options)
            self._table.open()
            self._table.begun(rows, begun, self._envs_of(rows))
        except BaseException:
            self._phases.broken()
            raise
        self._phases.begun(rows)

    def _advance(self, actions: Any, mask: Any) -> RowProgram:
        self._check_open("step")
        rows, fresh = self._phases.due(rows_in(mask, self.num_envs))
        batch = self._table.actions(actions, rows)
        table, envs = self._table, self._envs_of(rows)
        answers = table.actions_of(batch, rows, envs)
        try:
            results = yield StepRows(rows, answers)
            over = table.stepped(rows, results, envs)
            if over and self.autoreset == "same_step":
                begun = yield ResetRows(over, [None] * len(over))
                table.restarted(over, begun, self._envs_of(over))
            elif over:
                self._phases.over.update(over)
            if fresh:
                begun = yield ResetRows(fresh, [None] * len(fresh))
                table.renewed(fresh, begun, self._envs_of(fresh))
                self._phases.begun(fresh)
        except BaseException:
            self._phases.broken()
            raise

    def _envs_of(self, rows: Sequence[int]) -> Sequence[Any]:
        return self.envs if len(rows) == self.num_envs else [self.envs[row] for row in rows]

    def _call(self, rows: Sequence[int], method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        answers = []
        for row in rows:
            function = method_of(self.envs[row], method, row)
            try:
                answers.append(function(*args, **kwargs))
            except Exception as error:
                self._blame(row, error)
                raise
        return answers

    def _get(self, rows: Sequence[int], name: str) -> list[Any]:
        return [getattr(layer_with(self.envs[row], name, row), name) for row in rows]

    def _set(self, rows: Sequence[int], name: str, value: Any) -> None:
        for row in rows:
            setattr(layer_with(self.envs[row], name, row), name, value)

    def _blame(self, row: int, error: BaseException) -> None:
        """Say in which environment an error was raised."""
        error.add_note(f"in environment {row} of {self!r}")

    def close(self) -> None:
        """Close all environments; closing twice does nothing."""
        if not self._closed:
            for env in self.envs:
                env.close()
        super().close()


def method_of(env: Any, name: str, row: int) -> Any:
    """Return the method `name` of the outermost layer of `env` that has it; raises `UndefinedAttribute` without one."""
    method = getattr(layer_with(env, name, row), name)
    if not callable(method):
        raise UndefinedAttribute(f"environment {row}: {name!r} is no method but {method!r}: use get_attr")
    return method


def layer_with(env: Any, name: str, row: int) -> Any:
    """Return the outermost layer of `env` that has an attribute `name`; raises `UndefinedAttribute` where none has."""
    layers: Iterator[Any] = iter(env)
    for layer in layers:
        if hasattr(layer, name):
            return layer
    raise UndefinedAttribute(f"environment {row}, {env!r}, has no {name!r}")
