"""Agents' ids in PettingZoo and here.

Here an agent that died may come back. In PettingZoo it may not, so each of its lives has an id there: `maker_0`, then
`maker_0_life_2`. An id of PettingZoo's may be any hashable value; ours are strings.
"""

from collections.abc import Hashable, Sequence
from typing import Any

from sekai.core.env import MultiAgentEnv
from sekai.core.result import AgentID
from sekai.error import SekaiError

__all__ = ["Lives", "Names"]


class Lives:
    """The ids that the agents of `env` have in PettingZoo, one for each life; counting starts anew in each episode."""

    def __init__(self, env: MultiAgentEnv) -> None:
        self._env = env
        self._agents: dict[AgentID, AgentID] = {}
        self.begin()

    def begin(self) -> None:
        """Forget who lived."""
        self.ids: dict[AgentID, AgentID] = {}
        self._count: dict[AgentID, int] = {}

    @property
    def possible(self) -> list[AgentID]:
        """All agents that may ever live, and the ids of later lives that there were so far, in all episodes."""
        return list(dict.fromkeys([*self._env.possible_agents, *self._agents]))

    def agent(self, id: AgentID) -> AgentID:
        """Return whose life `id` is."""
        return self._agents.get(id, id)

    def born(self, agent: AgentID) -> AgentID:
        """Begin a life of `agent`; return its id."""
        life = self._count[agent] = self._count.get(agent, 0) + 1
        id = agent if life == 1 else f"{agent}_life_{life}"
        if self._agents.setdefault(id, agent) != agent or (id != agent and id in self._env.possible_agents):
            raise SekaiError(f"life {life} of {agent!r} needs the id {id!r}, which is another agent's: rename that one")
        self.ids[agent] = id
        return id

    def died(self, agent: AgentID) -> AgentID:
        """End the life of `agent`; return the id that it had."""
        return self.ids.pop(agent)


class Names:
    """The strings that stand for PettingZoo's ids: an id that is a string itself, a tuple's parts joined."""

    def __init__(self, ids: Sequence[Hashable]) -> None:
        self._originals: dict[AgentID, Any] = {}
        self._names: dict[Hashable, AgentID] = {}
        for id in ids:
            self.name(id)

    @property
    def known(self) -> list[AgentID]:
        """All names so far."""
        return list(self._originals)

    def name(self, id: Hashable) -> AgentID:
        """Return the name of an id; raises `SekaiError` where two ids would have the same.

        >>> Names([]).name(("maker", 0))
        'maker_0'
        """
        known = self._names.get(id)
        if known is not None:
            return known
        name = "_".join(map(str, id)) if isinstance(id, tuple) else str(id)
        if self._originals.setdefault(name, id) != id:
            raise SekaiError(f"the ids {self._originals[name]!r} and {id!r} are both called {name!r} here: rename one")
        self._names[id] = name
        return name

    def original(self, name: AgentID) -> Any:
        """Return the id that `name` stands for; raises `KeyError` for an unknown name."""
        return self._originals[name]
