"""Where a vector env's rows are written: a table of columns, written by rows and read as one result.

A table knows no backend. Whoever steps some of the rows hands in their results: `stepped` says which episodes are
over, `restarted` or `renewed` take the first observations of the next ones, and `step_result` reads all rows. What is
read is the reader's own unless `copy` is off. Columns are made by `make`, which may place them in shared memory; then
`news` is what else a reader elsewhere must know, and `told` tells it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sekai.backend.base import NUMPY, BackendOps
from sekai.core.env import Env
from sekai.core.result import ResetResult, StepResult
from sekai.error import InvalidAction, SpaceMismatch
from sekai.vector.columns import Maker, Tree, allocate, at, copied, leaves, mapped, row_of, stacked, writer
from sekai.vector.result import VecResetResult, VecStepResult, converted
from sekai.wrappers.episode import restarted_info

__all__ = ["Handout", "News", "SingleTable"]

News: TypeAlias = tuple[list[Any], dict[int, Any], list[Any]]
"""Infos, last observations by row, and the values of each leaf of objects."""


class Handout:
    """How what is read leaves a table: copied unless `copy` is off, and as arrays of `backend`."""

    def __init__(self, copy: bool = True, backend: BackendOps | None = None) -> None:
        self.copy = copy
        self.backend = NUMPY if backend is None else backend
        self._converts = self.backend != NUMPY
        self.numbers: Callable[[NDArray[Any]], Any] = self._of_backend if self._converts else np.ndarray.copy
        """Returns a column of numbers, which is always copied."""
        self.observations: Callable[[Tree], Tree] = copied if copy and not self._converts else self._observations
        """Returns observations that live on."""

    def _observations(self, tree: Tree) -> Tree:
        tree = copied(tree) if self.copy else tree
        return mapped(self._converted, tree) if self._converts else tree

    def result(self, result: Any) -> Any:
        """Return a result of numpy's arrays as one of the backend's."""
        return converted(result, self._converted) if self._converts else result

    def numpys(self, result: Any) -> Any:
        """Return a result of the backend's arrays as one of numpy's."""
        return converted(result, self.backend.to_numpy) if self._converts else result

    def taken(self, actions: Any) -> Any:
        """Return actions with the backend's arrays as numpy's."""
        if not self._converts:
            return actions
        if isinstance(actions, Mapping):
            return {name: self.taken(part) for name, part in actions.items()}
        if isinstance(actions, list | tuple):
            return type(actions)(self.taken(part) for part in actions)
        return self.backend.to_numpy(actions) if self.backend.is_array(actions) else actions

    def _of_backend(self, array: NDArray[Any]) -> Any:
        return self._converted(array.copy())

    def _converted(self, leaf: NDArray[Any]) -> Any:
        return leaf if leaf.dtype == object else self.backend.from_numpy(leaf)


class SingleTable:
    """N rows of one agent's environments: one column."""

    def __init__(self, env: Env[Any, Any], rows: int, handout: Handout, make: Maker = np.zeros) -> None:
        self.rows = rows
        self._handout = handout
        self._space, self._action_space = env.observation_space, env.action_space
        self._observations = allocate(self._space, (rows,), make)
        self._write = writer(self._observations, self._space)
        self._rewards = make((rows,), np.dtype(np.float64))
        self._flags = make((rows, 4), np.dtype(np.bool_)).T
        self._terminated, self._truncated, self._stepped, self._restarted = self._flags
        self._objects = [leaf for leaf in leaves(self._observations) if leaf.dtype == object]
        self._finals: dict[int, Any] = {}
        self._infos: list[dict[str, Any]] = []
        self.open()

    def open(self) -> None:
        """Begin anew: no row has done anything."""
        self._rewards.fill(0.0)
        self._flags.fill(False)
        self._infos = [{}] * self.rows
        if self._finals:
            self._finals = {}

    def actions(self, actions: Any, rows: Sequence[int]) -> Tree:
        """Return the batch that `actions_of` reads; raises `InvalidAction` unless there is one for each row."""
        try:
            return stacked(self._handout.taken(actions), self.rows, "actions", self._action_space)
        except SpaceMismatch as error:
            raise InvalidAction(str(error)) from None

    def actions_of(self, batch: Tree, rows: Sequence[int], envs: Sequence[Any]) -> Any:
        """Return the action of each of `rows`, whose environments are `envs`."""
        if type(batch) in (np.ndarray, list) and len(rows) == self.rows:
            return batch
        return [at(batch, row) for row in rows]

    def begun(self, rows: Sequence[int], results: Sequence[ResetResult[Any]], envs: Sequence[Env[Any, Any]]) -> None:
        """Write the first observations of rows that were reset."""
        for row, result in zip(rows, results, strict=True):
            self._write(row, result.observation)
            self._infos[row] = result.info

    def stepped(
        self, rows: Sequence[int], results: Sequence[StepResult[Any]], envs: Sequence[Env[Any, Any]]
    ) -> list[int]:
        """Write transitions; return the rows whose episode is over."""
        self.open()
        terminated, truncated = [r.terminated for r in results], [r.truncated for r in results]
        where: Any = slice(None)
        if len(rows) == self.rows:
            self._write.fill([r.observation for r in results])
            self._infos[:] = [r.info for r in results]
        else:
            where = list(rows)
            for row, result in zip(rows, results, strict=True):
                self._write(row, result.observation)
                self._infos[row] = result.info
        self._stepped[where] = True
        self._rewards[where] = [r.reward for r in results]
        if True not in terminated and True not in truncated:
            return []
        self._terminated[where] = terminated
        self._truncated[where] = truncated
        return [row for row, ends, cut in zip(rows, terminated, truncated, strict=True) if ends or cut]

    def restarted(self, rows: Sequence[int], begun: Sequence[ResetResult[Any]], envs: Sequence[Any]) -> None:
        """Write the first observations of the episodes after those that have just ended."""
        for row, first in zip(rows, begun, strict=True):
            self._finals[row] = final = row_of(self._observations, row)
            self._write(row, first.observation)
            self._infos[row] = restarted_info(final, self._infos[row], first.info)
            self._restarted[row] = True

    def renewed(self, rows: Sequence[int], begun: Sequence[ResetResult[Any]], envs: Sequence[Any]) -> None:
        """Write the first observations of episodes that begin in a step of their own."""
        self.begun(rows, begun, envs)
        self._restarted[list(rows)] = True

    def reset_result(self) -> VecResetResult:
        """Read what `begun` wrote."""
        return VecResetResult(self._handout.observations(self._observations), self._infos)

    def step_result(self) -> VecStepResult:
        """Read what `stepped`, `restarted` and `renewed` wrote."""
        observations = self._handout.observations(self._observations)
        final = observations
        if self._finals:
            final = copied(self._observations)
            write = writer(final, self._space)
            for row, observation in self._finals.items():
                write(row, observation)
            final = self._handout.observations(final)
        rewards = self._handout.numbers(self._rewards)
        terminated, truncated, stepped, restarted = self._handout.numbers(self._flags)
        return VecStepResult(observations, rewards, terminated, truncated, self._infos, final, restarted, stepped)

    def over(self) -> list[int]:
        """Return the rows whose episode this step has ended."""
        return np.flatnonzero(self._terminated | self._truncated).tolist()

    def listen(self, idle: Sequence[tuple[int, int]]) -> None:
        """Begin a step whose columns others write, except for the rows of `idle`, where nothing happens."""
        self._infos = [{}] * self.rows
        self._finals = {}
        for begin, end in idle:
            self._rewards[begin:end] = 0.0
            self._flags[:, begin:end] = False

    def news(self) -> News:
        """Return what is not in the columns: infos, last observations, and objects."""
        return self._infos, self._finals, [leaf.tolist() for leaf in self._objects]

    def told(self, begin: int, end: int, news: News) -> None:
        """Take the news of rows `begin` to `end` from a table whose columns are these."""
        infos, finals, objects = news
        self._infos[begin:end] = infos
        self._finals.update({begin + row: final for row, final in finals.items()})
        for leaf, values in zip(self._objects, objects, strict=True):
            leaf[begin:end] = np.fromiter(values, dtype=object, count=end - begin)
