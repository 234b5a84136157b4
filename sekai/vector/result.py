"""What a vector env answers: columns over N rows, one row for each sub-environment.

For many agents every field reads as a mapping from agent to column, `result.rewards["maker_0"]`, and
`result.rewards.group("maker")` is the whole group's, `(N, k)`, of which the agents' columns are views.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sekai.core.result import AgentID, ByValue
from sekai.error import SekaiError, did_you_mean
from sekai.vector.columns import Tree, at

__all__ = ["AgentColumns", "MAVecResetResult", "MAVecStepResult", "VecResetResult", "VecStepResult", "stack_infos"]


class AgentColumns(Mapping[AgentID, Any]):
    """A column `(N, ...)` for each agent, stored by group as `(N, k, ...)`; columns are views of their group."""

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

    def __iter__(self) -> Iterator[AgentID]:
        return iter(self._slots)

    def __len__(self) -> int:
        return len(self._slots)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self)!r})"


@dataclass(frozen=True, slots=True, eq=False)
class VecResetResult(ByValue):
    """First observations `(N, *shape)`, by name where they are dicts, and N infos."""

    observations: Any
    infos: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class VecStepResult(ByValue):
    """N transitions.

    `observations` are what to act on next: of a new episode where the row has `restarted`. `final_observations` are
    what each transition led to: the last observation of its episode where the row has restarted, elsewhere the same as
    `observations`. The info of a restarted row is `AutoReset`'s.
    """

    observations: Any
    rewards: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    infos: list[dict[str, Any]]
    final_observations: Any
    restarted: NDArray[np.bool_]

    @property
    def dones(self) -> NDArray[np.bool_]:
        """Terminated or truncated, `(N,)`."""
        return self.terminated | self.truncated


@dataclass(frozen=True, slots=True, eq=False)
class MAVecResetResult(ByValue):
    """First observations by agent, who must act now, and N infos by agent."""

    observations: AgentColumns
    acting: AgentColumns
    infos: list[dict[AgentID, dict[str, Any]]]


@dataclass(frozen=True, slots=True, eq=False)
class MAVecStepResult(ByValue):
    """N results of worlds with many agents; each field but the last two has a column `(N, ...)` for each agent.

    `acting`: this row needs an action of the agent. `stepped`: this row holds a finished transition of the agent;
    elsewhere its reward is 0, its ends are False, and its observation is the last one it had. Observations and
    `final_observations` are as in `VecStepResult`; rows of `restarted`, `(N,)`, began a new episode.
    """

    observations: AgentColumns
    rewards: AgentColumns
    terminated: AgentColumns
    truncated: AgentColumns
    acting: AgentColumns
    stepped: AgentColumns
    elapsed: AgentColumns
    final_observations: AgentColumns
    restarted: NDArray[np.bool_]
    infos: list[dict[AgentID, dict[str, Any]]] = field(default_factory=list)

    @property
    def dones(self) -> dict[AgentID, NDArray[np.bool_]]:
        """Terminated or truncated, `(N,)` by agent."""
        return {agent: self.terminated[agent] | self.truncated[agent] for agent in self.terminated}


def stack_infos(infos: list[dict[str, Any]]) -> dict[str, NDArray[Any]]:
    """Return N infos as one dict of arrays of length N; a name that an info lacks is None there.

    >>> stack_infos([{"pnl": 1.0}, {"pnl": 2.0}])
    {'pnl': array([1., 2.])}
    """
    stacked = {}
    for name in dict.fromkeys(name for info in infos for name in info):
        values = [info.get(name) for info in infos]
        try:
            stacked[name] = np.array(values)
        except ValueError:
            stacked[name] = np.empty(len(values), dtype=object)
            stacked[name][:] = values
    return stacked
