"""The table of a vector env: groups by rows, written by whoever steps the rows, and read as one result.

Rows are environments; columns are agents, those of a group side by side, and one agent alone is a group of one. A
group's observations are stored together, `(N, k, *shape)`, where its agents' spaces are equal; else each of its agents
is a group of its own. Numbers are matrices `(N, A)`. What is read is the reader's own unless `copy` is off.

Who steps rows writes, for the rows that have moved, `observations`, `rewards`, `elapsed`, `terminated`, `truncated`,
`stepped` (the agent has finished a transition) and `acting` (it must act now), and `infos`. Where the next episode
begins in the turn that ends one, the last observations go to `finals`, `restarted` is set, and the first observations
of the new episode take their place. `finals` are valid where an agent has ended in a row that has restarted.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, TypeAlias

import numpy as np

from sekai.core.result import AgentID, snapshot
from sekai.vector.columns import Allocate, Columns, Tree, at, copied, leaves, overwrite, row_of
from sekai.vector.form import SOLE, Form
from sekai.vector.result import (
    AgentColumns,
    Layout,
    MatrixColumns,
    MAVecResetResult,
    MAVecStepResult,
    VecResetResult,
    VecStepResult,
)
from sekai.wrappers.episode import restarted_info

__all__ = ["News", "Table"]

News: TypeAlias = tuple[list[Any], list[Any]]
"""Infos, and the values of each leaf of objects: what is not in the arrays."""


class Table:
    """`rows` rows of environments of one `form`; `make` says where its arrays lie."""

    def __init__(self, form: Form, rows: int, copy: bool = True, make: Allocate = np.zeros) -> None:
        self.form, self.rows = form, rows
        self._given: Callable[[Any], Any] = np.ndarray.copy if copy else lambda array: array
        self._seen: Callable[[Tree], Tree] = copied if copy else lambda tree: tree
        groups = form.stored
        self.slots = {agent: (name, k) for name, agents in groups.items() for k, agent in enumerate(agents)}
        self.index = {agent: column for column, agent in enumerate(self.slots)}
        self.columns, last = (
            {name: Columns(form.observation_spaces[of[0]], (rows, len(of)), make) for name, of in groups.items()}
            for _ in ("now", "last")
        )
        self.observations = {name: columns.tree for name, columns in self.columns.items()}
        self.finals = {name: columns.tree for name, columns in last.items()}
        self.sole: Tree = None if form.many else at(self.observations[SOLE], (slice(None), 0))
        both = [*self.observations.values(), *self.finals.values()]
        self._objects = [leaf for tree in both for leaf in leaves(tree) if leaf.dtype == object]
        count, real = len(self.index), np.dtype(np.float64)
        self.rewards: Any = make((rows, count), real)
        self.elapsed = make((rows, count), real)
        self.flags = make((rows, 1 + 4 * count), np.dtype(np.bool_))  # copied in one piece when they are read
        begins = range(1, 1 + 4 * count, count)
        self.terminated, self.truncated, self.stepped, self.acting = (self.flags[:, b : b + count] for b in begins)
        self.restarted = self.flags[:, 0]
        self._cleared = (self.rewards, self.elapsed, self.flags[:, : begins[-1]])
        self._single = (self.rewards[:, 0], self.flags.T)
        ends = list(accumulate(map(len, groups.values())))
        self.spans = dict(zip(groups, map(slice, [0, *ends], ends), strict=True))
        self._layouts = [self._layout(begin) for begin in (0, *begins)]
        self.open()

    def _layout(self, begin: int) -> Layout:
        """Return which columns groups and agents have in a matrix where the first agent's is at `begin`."""
        spans = {name: slice(begin + span.start, begin + span.stop) for name, span in self.spans.items()}
        return spans, {agent: begin + column for agent, column in self.index.items()}

    def open(self, *spans: tuple[int, int]) -> None:
        """Begin a turn in which no row has moved yet, or only none of these spans; who must act stays as it was."""
        for begin, end in spans or ((0, self.rows),):
            for array in self._cleared:
                array[begin:end] = 0
        self.listen()

    def listen(self) -> None:
        """Begin a turn in which others write all the arrays."""
        self.infos: Sequence[Any] = [{}] * self.rows
        self.all_act: bool | None = None  # whether everybody acts, where it is known
        self.any_restart: bool | None = None  # whether a row has restarted

    @property
    def everybody(self) -> bool:
        """Whether every agent must act in every row."""
        if self.all_act is None:
            self.all_act = bool(self.acting.all())
        return self.all_act

    def over(self, rows: Sequence[int]) -> list[int]:
        """Return those of `rows` whose episode is over: nobody must act."""
        return [] if self.everybody else [row for row in rows if not self.acting[row].any()]

    def keep(self, rows: Sequence[int]) -> None:
        """Keep the last observations and infos of rows whose next episode begins in this turn.

        Infos are copied, since an environment may use the same dictionary again.
        """
        where, infos = list(rows), self.infos
        overwrite(self.finals, where, at(self.observations, where))
        for row in where:
            infos[row] = snapshot(infos[row])  # type: ignore[index]

    def restart(self, rows: Sequence[int], begun: Sequence[Any]) -> None:
        """Mark rows whose next episode has begun in the turn that ended one; `begun` is what each says of it."""
        infos: Any = self.infos
        for row, first in zip(rows, begun, strict=True):
            said = infos[row]
            self.restarted[row] = True
            if not self.form.many:
                infos[row] = restarted_info(self._final(row, SOLE), said, first)
                continue
            infos[row] = first | {
                agent: restarted_info(self._final(row, agent), info, first.get(agent, {}))
                for agent, info in said.items()
            }

    def begin(self, rows: Sequence[int], begun: Sequence[Any]) -> None:
        """Mark rows whose episode has begun in a turn of its own; `begun` is what each says of it."""
        infos: Any = self.infos
        for row, first in zip(rows, begun, strict=True):
            infos[row] = first
            self.restarted[row] = True

    def _final(self, row: int, agent: AgentID) -> Tree:
        group, slot = self.slots[agent]
        return row_of(self.finals[group], (row, slot))

    def reset_result(self) -> Any:
        """Read the turn as a `VecResetResult`, of many agents as a `MAVecResetResult`."""
        infos: Any = self.infos
        if not self.form.many:
            return VecResetResult(self._seen(self.sole), infos)
        return MAVecResetResult(self._columns(), MatrixColumns(self._given(self.acting), self._layouts[0]), infos)

    def step_result(self) -> Any:
        """Read the turn as a `VecStepResult`, of many agents as a `MAVecStepResult`."""
        infos: Any = self.infos
        if self.any_restart is None:
            self.any_restart = bool(self.restarted.any())
        last = self._last() if self.any_restart else None
        if not self.form.many:
            seen = self._seen(self.sole)
            final = seen if last is None else at(last[SOLE], (slice(None), 0))
            rewards, flags = map(self._given, self._single)
            restarted, terminated, truncated, stepped, _ = flags
            return VecStepResult(seen, rewards, terminated, truncated, infos, final, restarted, stepped)
        columns, flags = self._columns(), self._given(self.flags)
        plain, terminated, truncated, stepped, acting = self._layouts
        return MAVecStepResult(
            columns,
            MatrixColumns(self._given(self.rewards), plain),
            MatrixColumns(flags, terminated),
            MatrixColumns(flags, truncated),
            MatrixColumns(flags, acting),
            MatrixColumns(flags, stepped),
            MatrixColumns(self._given(self.elapsed), plain),
            columns if last is None else AgentColumns(last, self.slots),
            flags[:, 0],
            infos,
        )

    def _last(self) -> dict[str, Tree]:
        """Return what each transition led to: who has none in a row that has restarted has no last observation."""
        ended = self.restarted[:, None] & (self.terminated | self.truncated)
        last: dict[str, Tree] = copied(self.observations)
        for name, span in self.spans.items():
            where = ended[:, span]
            overwrite(last[name], where, at(self.finals[name], where))
        return last

    def _columns(self) -> AgentColumns:
        return AgentColumns(self._seen(self.observations), self.slots)

    def news(self) -> News:
        """Return what is not in the arrays."""
        return list(self.infos), [leaf.tolist() for leaf in self._objects]

    def told(self, begin: int, end: int, news: News) -> None:
        """Take the news of rows `begin` to `end` from a table whose arrays are these."""
        infos, objects = news
        self.infos[begin:end] = infos  # type: ignore[index]
        for leaf, values in zip(self._objects, objects, strict=True):
            for row, agents in enumerate(values, begin):
                leaf[row] = np.fromiter(agents, dtype=object, count=len(agents))
