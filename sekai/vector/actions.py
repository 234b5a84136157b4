"""The actions of a step: taken apart by agent, checked before any row moves, and handed to rows.

An action is checked against its agent's space in the rows where the agent acts: the shape, whether numbers are whole
where they must be, and the bounds. A float64 stands for the float32 that it rounds to. The check looks at whole
columns: 0.1 us an agent for a few choices, 3 us for a column of a Box.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import chain, repeat
from operator import getitem, itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sekai.core.result import AgentID
from sekai.error import InvalidAction, InvalidAgents, did_you_mean
from sekai.spaces.box import Box
from sekai.spaces.dict import Dict
from sekai.spaces.discrete import Discrete
from sekai.spaces.multi_binary import MultiBinary
from sekai.spaces.multi_discrete import MultiDiscrete
from sekai.spaces.space import Space
from sekai.spaces.tree import leaves as leaf_spaces
from sekai.spaces.tuple import Tuple
from sekai.vector.columns import Tree, at, leaves
from sekai.vector.form import SOLE
from sekai.vector.table import Table

__all__ = ["Actions", "Batch"]

Batch = list[Any]
"""A column for each agent of the form, in its order, None for those that act nowhere."""


class Actions:
    """The actions of `table`'s agents. Where `listed`, whole numbers come out as Python's own, for environments."""

    def __init__(self, table: Table, listed: bool = True) -> None:
        form = table.form
        self._table, self._form, self._rows, self._listed = table, form, table.rows, listed
        self._agents = form.agents
        self._spaces = form.action_spaces
        self._checks = {agent: _check(space, table.rows) for agent, space in self._spaces.items()}
        self._structured = any(isinstance(space, Dict | Tuple) for space in self._spaces.values())
        spaces = list(self._spaces.values())
        alike = listed and all(space == spaces[0] for space in spaces)
        self._choices = _choices(spaces[0]) if alike else None
        self._lengths = [table.rows] * len(spaces)
        only = form.agents[0]
        self._pick = itemgetter(*form.agents) if len(form.agents) > 1 else lambda actions: (actions[only],)

    def taken(self, actions: Any, rows: Sequence[int], check: bool = True) -> Batch:
        """Return the columns of `actions` for the agents that act in `rows`.

        `actions` has a column `(N, ...)` by agent, or `(N, k, ...)` by group. Raises `InvalidAgents` for an unknown
        name and for an agent that acts somewhere and is not there; `InvalidAction` for another number than N and, if it
        is to `check`, for an action outside its space, which names environment, agent and component.
        """
        quick = self._quick(actions)
        if quick is not None:
            return quick
        if self._form.many:
            columns = self._by_agent(actions)
            missing = [a for a in self._agents if a not in columns and any(self._acts(row, a) for row in rows)]
            if missing:
                raise InvalidAgents(f"actions are missing for {sorted(missing)}, who must act now")
        else:
            columns = {SOLE: self._stacked("actions", actions, SOLE)}
        for agent, column in columns.items() if check else ():
            self._check(agent, column, rows)
        return [columns.get(agent) for agent in self._agents]

    def by_row(self, batch: Batch, rows: Sequence[int]) -> Any:
        """Return for each of `rows` the action, of many agents the actions of those that act there."""
        everywhere = len(rows) == self._rows
        if not self._form.many:
            column = batch[0]
            return column if everywhere and type(column) in (list, np.ndarray) else [at(column, row) for row in rows]
        agents = self._agents
        if everywhere and not self._structured and self._table.everybody:
            return [*map(dict, map(zip, repeat(agents), zip(*batch, strict=True)))]
        return [
            {agent: at(column, row) for agent, column in zip(agents, batch, strict=True) if self._acts(row, agent)}
            for row in rows
        ]

    def _quick(self, actions: Any) -> Batch | None:
        """Return columns that are surely right, of few whole numbers or of one agent; None for anything else."""
        if self._choices is None:
            only = not self._form.many and type(actions) is np.ndarray and self._checks[SOLE](actions)
            return [actions] if only else None
        try:
            if not self._form.many:
                columns = [actions.tolist()]
                whole = bytes(columns[0])  # an error unless they are whole
            else:
                columns = [*map(np.ndarray.tolist, self._pick(actions))]
                whole = bytes(chain.from_iterable(columns))
                if [*map(len, columns)] != self._lengths or len(actions) != len(columns):
                    return None
            is_right = not whole.translate(None, self._choices) and type(columns[0][0]) is int
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return None
        return columns if is_right and len(columns[0]) == self._rows else None

    def _acts(self, row: int, agent: AgentID) -> bool:
        return not self._form.many or bool(self._table.acting[row, self._table.index[agent]])

    def _by_agent(self, actions: Any) -> dict[AgentID, Any]:
        if not isinstance(actions, Mapping):
            raise InvalidAction(f"actions must be columns by agent or by group, got {type(actions).__name__}")
        columns: dict[AgentID, Any] = {}
        groups = self._form.groups
        for name, given in actions.items():
            if name in self._spaces:
                columns[name] = self._stacked(f"actions[{name!r}]", given, name)
            elif name in groups:
                columns |= self._spread(name, self._stacked(f"actions[{name!r}]", given, groups[name][0]))
            else:
                names = [*dict.fromkeys([*self._agents, *groups])]
                raise InvalidAgents(f"actions must be by {names}, got {name!r}.{did_you_mean(name, names)}")
        return columns

    def _stacked(self, what: str, given: Any, agent: AgentID) -> Tree:
        space = self._spaces[agent]
        column = self._counted(given, what, space)
        whole = self._listed and type(column) is np.ndarray and column.ndim == 1 and column.dtype.kind in "iu"
        return column.tolist() if whole and not isinstance(space, Box) else column

    def _counted(self, values: Any, what: str, space: Space[Any]) -> Tree:
        """Return N values, as something that `at` indexes by row; of a Dict or a Tuple also a dict or a tuple of N."""
        if isinstance(values, Mapping):
            parts = space.spaces if isinstance(space, Dict) else {}
            return {k: self._counted(part, f"{what}[{k!r}]", parts.get(k, space)) for k, part in values.items()}
        if isinstance(values, tuple) and isinstance(space, Tuple) and len(values) == len(space.spaces):
            inner = space.spaces
            return tuple(self._counted(part, f"{what}[{k}]", inner[k]) for k, part in enumerate(values))
        try:
            given: Any = len(values)
        except TypeError:
            given = repr(values)
        if given != self._rows:
            raise InvalidAction(f"{what} must be {self._rows}, one for each environment, got {given}")
        return list(values) if isinstance(values, tuple) else values

    def _spread(self, name: str, batch: Tree) -> dict[AgentID, Tree]:
        agents = self._form.groups[name]
        batch = batch if isinstance(batch, dict | tuple) else np.asarray(batch)
        for leaf in leaves(batch):
            form = np.shape(leaf)[:2]
            if form != (self._rows, len(agents)):
                raise InvalidAction(f"actions[{name!r}] must have shape ({self._rows}, {len(agents)}, ...), got {form}")
        return {agent: at(batch, (slice(None), k)) for k, agent in enumerate(agents)}

    def _check(self, agent: AgentID, column: Tree, rows: Sequence[int]) -> None:
        if self._checks[agent](column):
            return
        for row in rows:
            if self._acts(row, agent):
                wrong = _wrong(self._spaces[agent], at(column, row))
                if wrong:
                    who = f"environment {row}, {agent!r}" if self._form.many else f"environment {row}"
                    raise InvalidAction(f"the action of {who}{wrong}")


def _choices(space: Space[Any]) -> bytes | None:
    """Return the values of a space of few whole numbers, each as a byte."""
    if not isinstance(space, Discrete) or space.start < 0 or space.start + space.n > 256:
        return None
    return bytes(range(space.start, space.start + space.n))


def _check(space: Space[Any], rows: int) -> Callable[[Any], bool]:
    """Return a quick check: True where all values of a column are surely in the space."""
    leaves = [(path, _leaf_check(leaf, rows)) for path, leaf in leaf_spaces(space)]
    if leaves and not leaves[0][0]:
        return leaves[0][1]

    def is_within(column: Any) -> bool:
        try:
            if type(column) is not list:
                return _has_form(space, column) and all(check(reduce(getitem, path, column)) for path, check in leaves)
            of_form = all(_has_form(space, value) for value in column)
            return of_form and all(check([reduce(getitem, path, value) for value in column]) for path, check in leaves)
        except (KeyError, IndexError, TypeError):
            return False

    return is_within


def _leaf_check(space: Space[Any], rows: int) -> Callable[[Any], bool]:
    bounds = _bounds(space)
    if bounds is None:
        return lambda column: False
    shape, kinds = (rows, *(space.shape or ())), bounds[2]
    low, high = (np.broadcast_to(bound, shape).copy() for bound in bounds[:2])  # of one shape: half the time

    def is_within(column: Any) -> bool:
        try:
            array = np.asarray(column)
        except (TypeError, ValueError):
            return False
        if array.shape != shape or array.dtype.kind not in kinds:
            return False
        return b"\0" not in ((array >= low) & (array <= high)).tobytes()  # a quarter of the time of `all`

    return is_within


def _bounds(space: Space[Any]) -> tuple[NDArray[Any], NDArray[Any], str] | None:
    """Return the least and the greatest of each number, and the kinds of dtype that fit; None where there are none."""
    if isinstance(space, Box):
        return *space.limits, "iub" if space.dtype.kind in "iub" else "fiub"
    if isinstance(space, Discrete):
        return np.asarray(space.start), np.asarray(space.start + space.n - 1), "iu"
    if isinstance(space, MultiDiscrete):
        return np.asarray(space.start), np.asarray(space.start + space.nvec - 1), "iu"
    return (np.asarray(0), np.asarray(1), "iub") if isinstance(space, MultiBinary) else None


def _has_form(space: Space[Any], value: Any) -> bool:
    """Say whether a value has the parts of a Dict or a Tuple, however deep."""
    if isinstance(space, Dict):
        fits = isinstance(value, Mapping) and value.keys() == space.spaces.keys()
        return fits and all(_has_form(part, value[name]) for name, part in space.items())
    if isinstance(space, Tuple):
        fits = isinstance(value, tuple | list) and len(value) == len(space.spaces)
        return fits and all(map(_has_form, space.spaces, value))
    return True


def _wrong(space: Space[Any], value: Any) -> str:
    """Return what is wrong with an action, as the end of a sentence; nothing where it is right."""
    if not _has_form(space, value):
        return f" must be in {space}, got {value!r}"
    parts = (
        (leaf, reduce(getitem, path, value), "".join(f"[{k!r}]" for k in path)) for path, leaf in leaf_spaces(space)
    )
    return next(filter(None, (_wrong_leaf(*part) for part in parts)), "")


def _wrong_leaf(space: Space[Any], value: Any, path: str) -> str:
    bounds = _bounds(space)
    if bounds is None:
        return "" if space.contains(value) else f"{path} must be in {space}, got {value!r}"
    low, high, kinds = bounds
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        array = np.asarray(None)
    if array.dtype.kind not in kinds:
        return f"{path} must be {'numbers' if 'f' in kinds else 'whole numbers'} in {space}, got {value!r}"
    if array.shape != (space.shape or ()):
        return f"{path} must have shape {space.shape or ()}, got {array.shape}"
    if isinstance(space, Box) and array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            array = array.astype(space.dtype)
    for index in np.argwhere(~((array >= low) & (array <= high))):
        where = tuple(index.tolist())
        name = f"{path}[{', '.join(map(str, where))}]" if where else path
        least, greatest = np.broadcast_to(low, array.shape)[where], np.broadcast_to(high, array.shape)[where]
        return f"{name} must be from {least} to {greatest}, got {array[where]}"
    return ""
