"""Rows that are environments in this process."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from sekai.backend.base import NUMPY, BackendOps
from sekai.error import UndefinedAttribute
from sekai.vector.columns import Allocate
from sekai.vector.form import check_alike, form_of
from sekai.vector.restarts import Autoreset, Turn, played
from sekai.vector.rows import Ask, Program, Rows
from sekai.vector.written import Writer

__all__ = ["EnvRows", "LocalRows", "SyncRows", "env_with", "method_of"]


class EnvRows(Rows):
    """The environments `envs`; a subclass says how a step and a reset of some of them is answered."""

    name = "EnvRows"
    envs: list[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.writer = Writer(self.table)

    def play(self, turn: Turn) -> Program[None]:
        """Ask the environments, and write their results into the table."""
        return played(turn, self.table, self._step, self._begin)

    def _step(self, rows: Sequence[int], actions: Any) -> Program[list[int]]:
        results = yield from self.steps(rows, self.actions.by_row(actions, rows))
        return self.writer.step(rows, results)

    def _begin(self, rows: Sequence[int], seeds: Sequence[int | None], options: Any) -> Program[list[Any]]:
        results = yield from self.resets(rows, seeds, options)
        return self.writer.first(rows, results)

    def steps(self, rows: Sequence[int], actions: Sequence[Any]) -> Program[list[Any]]:
        """Return the result of a step in each of `rows`."""
        return (yield Ask("step", (rows, actions)))  # type: ignore[no-any-return]

    def resets(self, rows: Sequence[int], seeds: Sequence[int | None], options: Any) -> Program[list[Any]]:
        """Return the result of a reset in each of `rows`."""
        return (yield Ask("reset", (rows, seeds, options)))  # type: ignore[no-any-return]

    def call(self, rows: Sequence[int], method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """Call a method in these rows, of the outermost wrapper that has it."""
        answers = []
        for row in rows:
            function = method_of(self.envs[row], method, row)
            try:
                answers.append(function(*args, **kwargs))
            except Exception as error:
                self.blame(row, error)
                raise
        return answers

    def get(self, rows: Sequence[int], name: str) -> list[Any]:
        """Return an attribute in these rows, of the outermost wrapper that has it."""
        return [getattr(env_with(self.envs[row], name, row), name) for row in rows]

    def set(self, rows: Sequence[int], name: str, value: Any) -> None:
        """Set an attribute in these rows, on the outermost wrapper that has it."""
        for row in rows:
            setattr(env_with(self.envs[row], name, row), name, value)

    def blame(self, row: int, error: BaseException) -> None:
        """Say in which environment an error was raised."""
        error.add_note(f"in environment {row} of {self!r}")

    def close(self) -> None:
        """Close all environments."""
        super().close()
        for env in self.envs:
            env.close()

    def __repr__(self) -> str:
        return f"<{self.name}({self.count} x {self.first!r})>"


class LocalRows(EnvRows):
    """The environments `envs` themselves."""

    def __init__(
        self,
        envs: Sequence[Any],
        *,
        copy: bool = True,
        autoreset: Autoreset = "same_step",
        backend: BackendOps | None = None,
        make: Allocate = np.zeros,
    ) -> None:
        form = form_of(envs[0])
        check_alike([form_of(env) for env in envs], form)
        super().__init__(envs[0], form, len(envs), autoreset, copy, make)
        self.envs, self.backend = list(envs), NUMPY if backend is None else backend
        if not form.many:
            self.writer.lend(self.envs)


class SyncRows(LocalRows):
    """The environments `envs`, stepped one after the other."""

    name = "SyncVecEnv"

    def _step(self, rows: Sequence[int], actions: Any) -> Program[list[int]]:
        return self.writer.step(rows, self._stepped(rows, self.actions.by_row(actions, rows)))
        yield  # a program that asks for nothing

    def resets(self, rows: Sequence[int], seeds: Sequence[int | None], options: Any) -> Program[list[Any]]:
        """Reset these rows."""
        return self._reset(rows, seeds, options)
        yield

    def _stepped(self, rows: Sequence[int], actions: Sequence[Any]) -> list[Any]:
        answers: list[Any] = []
        try:
            for env, action in zip(self._envs_of(rows), actions, strict=False):
                answers.append(env.step(action))
        except Exception as error:
            self.blame(rows[len(answers)], error)
            raise
        return answers

    def _reset(self, rows: Sequence[int], seeds: Sequence[int | None], options: Any) -> list[Any]:
        answers: list[Any] = []
        try:
            for env, seed in zip(self._envs_of(rows), seeds, strict=True):
                answers.append(env.reset(seed=seed, options=options))
        except Exception as error:
            self.blame(rows[len(answers)], error)
            raise
        return answers

    def _envs_of(self, rows: Sequence[int]) -> Iterable[Any]:
        return self.envs if len(rows) == self.count else [self.envs[row] for row in rows]


def method_of(env: Any, name: str, row: int) -> Any:
    """Return the method `name` of the outermost wrapper of `env` with one; raises `UndefinedAttribute` for none."""
    method = getattr(env_with(env, name, row), name)
    if not callable(method):
        raise UndefinedAttribute(f"environment {row}: {name!r} is no method but {method!r}: use get_attr")
    return method


def env_with(env: Any, name: str, row: int) -> Any:
    """Return the outermost wrapper of `env` that has an attribute `name`; raises `UndefinedAttribute` for none."""
    for part in env:
        if hasattr(part, name):
            return part
    raise UndefinedAttribute(f"environment {row}, {env!r}, has no {name!r}")
