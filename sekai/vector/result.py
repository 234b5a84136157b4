"""What a vector env answers: columns over N rows, one row for each sub-environment.

For many agents every field reads as a mapping from agent to column, `result.rewards["maker_0"]`, and
`result.rewards.group("maker")` is the whole group's, `(N, k)`, of which the agents' columns are views.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from sekai.backend.base import NUMPY, BackendOps
from sekai.core.result import AgentID, ByValue, frozen
from sekai.error import SekaiError, did_you_mean
from sekai.vector.columns import Tree, at, mapped

__all__ = [
    "AgentColumns",
    "Layout",
    "MAVecResetResult",
    "MAVecStepResult",
    "MatrixColumns",
    "VecResetResult",
    "VecStepResult",
    "columns_of",
    "converted",
    "in_numpy",
    "stack_infos",
]


class AgentColumns(Mapping[AgentID, Any]):
    """A column `(N, ...)` for each agent, stored by group as `(N, k, ...)`; columns are views of their group."""

    __slots__ = ("_slots", "_stored")

    def __init__(self, stored: Mapping[str, Tree], slots: Mapping[AgentID, tuple[str, int]]) -> None:
        self._stored, self._slots = stored, slots

    def __getitem__(self, agent: AgentID) -> Any:
        group, slot = self._slots[agent]
        return at(self._stored[group], (slice(None), slot))

    def group(self, name: str) -> Any:
        """Return a group's columns, `(N, k, ...)`; raises `SekaiError` for a group that is not stored together."""
        if name not in self._stored:
            near = did_you_mean(name, self._stored)
            raise SekaiError(f"group must be one of {list(self._stored)}, got {name!r}.{near}")
        return self._stored[name]

    def mapped(self, change: Callable[[AgentID, Any], Any], backend: BackendOps = NUMPY) -> "AgentColumns":
        """Return what `change(agent, column)` makes of each column; groups stay together where forms allow it.

        The columns are arrays of `backend`.
        """
        return columns_of({agent: change(agent, self[agent]) for agent in self}, self.groups, backend)

    @property
    def groups(self) -> dict[str, list[AgentID]]:
        """The agents that are stored together."""
        return {name: [agent for agent in self if self._slots[agent][0] == name] for name in self._stored}

    def converted(self, change: Callable[[Any], Any]) -> "AgentColumns":
        """Return these columns with every array as `change` makes it."""
        return AgentColumns({name: mapped(change, tree) for name, tree in self._stored.items()}, self._slots)

    def __iter__(self) -> Iterator[AgentID]:
        return iter(self._slots)

    def __len__(self) -> int:
        return len(self._slots)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self)!r})"


Layout: TypeAlias = tuple[Mapping[str, slice], Mapping[AgentID, int]]
"""Which columns of a matrix groups and agents have."""


class MatrixColumns(AgentColumns):
    """Columns of one matrix, as `layout` has them; other fields may have columns in it too."""

    __slots__ = ("_layout", "_matrix")

    def __init__(self, matrix: Any, layout: Layout) -> None:
        self._matrix, self._layout = matrix, layout

    def __reduce__(self) -> Any:
        return MatrixColumns, (self._matrix, self._layout)

    @property
    def _stored(self) -> Any:  # type: ignore[override]
        return self._layout[0]

    @property
    def _slots(self) -> Any:  # type: ignore[override]
        return self._layout[1]

    def __getitem__(self, agent: AgentID) -> Any:
        return self._matrix[:, self._layout[1][agent]]

    def group(self, name: str) -> Any:
        """Return a group's columns, `(N, k)`; raises `SekaiError` for a group that is not stored together."""
        return self._matrix[:, super().group(name)]

    def converted(self, change: Callable[[Any], Any]) -> AgentColumns:
        """Return these columns with the matrix as `change` makes it."""
        return MatrixColumns(change(self._matrix), self._layout)

    @property
    def groups(self) -> dict[str, list[AgentID]]:
        """The agents of each span."""
        spans, places = self._layout
        return {n: [a for a, k in places.items() if span.start <= k < span.stop] for n, span in spans.items()}


def columns_of(
    columns: Mapping[AgentID, Tree], groups: Mapping[str, Sequence[AgentID]], backend: BackendOps = NUMPY
) -> AgentColumns:
    """Return columns as `AgentColumns`, those of a group side by side where their forms are the same."""
    stored: dict[str, Tree] = {}
    slots: dict[AgentID, tuple[str, int]] = {}
    for name, agents in groups.items():
        trees = [columns[agent] for agent in agents]
        together = all(_form(tree) == _form(trees[0]) for tree in trees)
        for slot, (agent, tree) in enumerate(zip(agents, trees, strict=True)):
            slots[agent] = (name, slot) if together else (agent, 0)
            if not together:
                stored[agent] = mapped(lambda leaf: leaf[:, None], tree)
        if together:
            stored[name] = _side_by_side(trees, backend)
    return AgentColumns(stored, slots)


def _form(tree: Tree) -> Any:
    if isinstance(tree, dict):
        return {name: _form(part) for name, part in tree.items()}
    return [_form(part) for part in tree] if isinstance(tree, tuple) else (tree.shape, tree.dtype)


def _side_by_side(trees: Sequence[Tree], backend: BackendOps) -> Tree:
    first = trees[0]
    if isinstance(first, dict):
        return {name: _side_by_side([tree[name] for tree in trees], backend) for name in first}
    if isinstance(first, tuple):
        return tuple(_side_by_side(parts, backend) for parts in zip(*trees, strict=True))
    return backend.stack(trees, 1)


def converted(result: Any, change: Callable[[Any], Any]) -> Any:
    """Return `result` with every array as `change` makes it, from one backend to another; objects stay."""

    def leaf(array: Any) -> Any:
        return array if array.dtype == object else change(array)

    def anew(value: Any) -> Any:
        return value.converted(leaf) if isinstance(value, AgentColumns) else mapped(leaf, value)

    return replace(result, **{f.name: anew(getattr(result, f.name)) for f in fields(result) if f.name != "infos"})


def in_numpy(actions: Any, backend: BackendOps) -> Any:
    """Return actions with the backend's arrays as NumPy's."""
    if isinstance(actions, Mapping):
        return {name: in_numpy(part, backend) for name, part in actions.items()}
    if isinstance(actions, list | tuple):
        return type(actions)(in_numpy(part, backend) for part in actions)
    return backend.to_numpy(actions) if backend.is_array(actions) else actions


@final
@frozen
class VecResetResult(ByValue):
    """First observations `(N, *shape)`, by name where they are dicts, and N infos.

    After a reset by mask the other rows have their last observations, and empty infos.
    """

    observations: Any
    infos: list[dict[str, Any]]


@final
@frozen
class VecStepResult(ByValue):
    """N transitions.

    `observations` are what to act on next: of a new episode where the row has `restarted`. `final_observations` are
    what each transition led to: the last observation of its episode where the row has restarted in the same step,
    elsewhere the same as `observations`. The info of such a row is `AutoReset`'s. `stepped`, `(N,)`, marks the rows
    that hold a transition: not those that a mask left out, nor those that began an episode in a step of its own; there
    the reward is 0 and the ends are False.
    """

    observations: Any
    rewards: Any
    terminated: Any
    truncated: Any
    infos: list[dict[str, Any]]
    final_observations: Any
    restarted: Any
    stepped: Any

    @property
    def dones(self) -> Any:
        """Terminated or truncated, `(N,)`."""
        return self.terminated | self.truncated


@final
@frozen
class MAVecResetResult(ByValue):
    """First observations by agent, who must act now, and N infos by agent."""

    observations: AgentColumns
    acting: AgentColumns
    infos: list[dict[AgentID, dict[str, Any]]]


@final
@frozen
class MAVecStepResult(ByValue):
    """N results of environments with many agents; each field but the last two has a column `(N, ...)` for each agent.

    `acting`: this row needs an action of the agent. `stepped`: this row holds a finished transition of the agent;
    elsewhere its reward is 0 and its observation is the last one it had. Observations and `final_observations` are as
    in `VecStepResult`; rows of `restarted`, `(N,)`, began a new episode.
    """

    observations: AgentColumns
    rewards: AgentColumns
    terminated: AgentColumns
    truncated: AgentColumns
    acting: AgentColumns
    stepped: AgentColumns
    elapsed: AgentColumns
    final_observations: AgentColumns
    restarted: Any
    infos: list[dict[AgentID, dict[str, Any]]]

    @property
    def dones(self) -> dict[AgentID, Any]:
        """Terminated or truncated, `(N,)` by agent."""
        return {agent: self.terminated[agent] | self.truncated[agent] for agent in self.terminated}


def stack_infos(infos: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return N infos as one dict of arrays of length N; a name that an info lacks is None there.

    What is a dict in each of them, such as the infos of many agents, becomes a dict of arrays.

    >>> stack_infos([{"pnl": 1.0}, {"pnl": 2.0}])
    {'pnl': array([1., 2.])}
    """
    stacked: dict[str, Any] = {}
    for name in dict.fromkeys(name for info in infos for name in info):
        values = [info.get(name) for info in infos]
        given = [value for value in values if value is not None]
        if given and all(isinstance(value, Mapping) for value in given):
            stacked[name] = stack_infos([value or {} for value in values])
        else:
            stacked[name] = _array(values)
    return stacked


def _array(values: list[Any]) -> NDArray[Any]:
    try:
        return np.array(values)
    except ValueError:
        array = np.empty(len(values), dtype=object)
        array[:] = values
        return array
