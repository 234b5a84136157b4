"""PettingZoo's environments as ours: in a parallel one all agents act at once, in an AEC one agent at a time.

If an environment does not say which agents there may be, `possible_agents` has those that appeared so far. Spaces are
converted when they are first needed.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import gymnasium

from sekai.adapters.gymnasium.spaces import from_gymnasium_space
from sekai.adapters.gymnasium.values import Conversion, value_from_gymnasium, value_to_gymnasium
from sekai.adapters.pettingzoo.names import Names
from sekai.core.env import MultiAgentEnv
from sekai.core.result import AgentID, MAResetResult, MAStepResult
from sekai.error import ResetRequired, SekaiError
from sekai.spaces import Space

__all__ = ["FromAEC", "FromParallel"]


class _Spaces(Mapping[AgentID, Space[Any]]):
    """The spaces of the possible agents, converted when they are first asked for, and again when they change."""

    def __init__(self, ask: Callable[[Any], gymnasium.Space[Any]], names: Names) -> None:
        self._ask, self._names = ask, names
        self._kept: dict[AgentID, tuple[gymnasium.Space[Any], Space[Any]]] = {}

    def __getitem__(self, agent: AgentID) -> Space[Any]:
        theirs = self._ask(self._names.original(agent))
        kept = self._kept.get(agent)
        if kept is None or kept[0] is not theirs:
            kept = self._kept[agent] = (theirs, from_gymnasium_space(theirs))
        return kept[1]

    def __iter__(self) -> Iterator[AgentID]:
        return iter(self._names.known)

    def __len__(self) -> int:
        return len(self._names.known)

    def __repr__(self) -> str:
        return repr(dict(self))


class _FromPettingZoo(MultiAgentEnv):
    keeps_start: ClassVar[bool] = True
    """Whether `to_parallel` and `to_aec` leave choices as they are instead of counting them from 0."""

    def __init__(self, env: Any) -> None:
        self.env = env
        self._names = Names(getattr(env, "possible_agents", None) or ())
        self.observation_spaces = _Spaces(env.observation_space, self._names)
        self.action_spaces = _Spaces(env.action_space, self._names)
        self.agents: list[AgentID] = []
        self._masks: dict[AgentID, Any] = {}
        self._ways_in: dict[AgentID, Conversion] = {}
        self._ways_out: dict[AgentID, Conversion] = {}

    def _begin(self, seed: int | None) -> None:
        self._set_rng(seed)
        self._ways_in.clear()  # without fixed agents, spaces may differ between episodes
        self._ways_out.clear()

    @property
    def possible_agents(self) -> Sequence[AgentID]:  # type: ignore[override]
        """All agents that may ever live, or, where that is not said, all that were met so far."""
        return self._names.known

    def _heard(self, agent: AgentID, observation: Any) -> Any:
        try:
            conversion = self._ways_in[agent]
        except KeyError:
            conversion = self._ways_in[agent] = value_from_gymnasium(self.observation_spaces[agent])
        return conversion(observation) if conversion else observation

    def _said(self, agent: AgentID, action: Any) -> Any:
        try:
            conversion = self._ways_out[agent]
        except KeyError:
            conversion = self._ways_out[agent] = value_to_gymnasium(self.action_spaces[agent])
        return conversion(action) if conversion else action

    def action_masks(self) -> dict[AgentID, Any]:
        """Return which actions are allowed now, by agent: what the last infos have by `action_mask`."""
        return {agent: mask for agent, mask in self._masks.items() if agent in self.acting}

    def _told(self, info: dict[AgentID, dict[str, Any]]) -> dict[AgentID, dict[str, Any]]:
        """Return infos as they are; their masks are kept."""
        self._masks = {agent: said["action_mask"] for agent, said in info.items() if "action_mask" in said}
        return info

    def close(self) -> None:
        """Close the environment."""
        self.env.close()

    @property
    def metadata(self) -> dict[str, Any]:  # type: ignore[override]
        """PettingZoo's metadata."""
        return getattr(self.env, "metadata", {})

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.env})>"


class FromParallel(_FromPettingZoo):
    """The `pettingzoo.ParallelEnv` `env` as ours; made by `from_parallel`."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> MAResetResult:
        """Begin an episode; everybody acts."""
        self._begin(seed)
        observations, infos = self.env.reset(seed=seed, options=options)
        self.agents = [self._names.name(id) for id in self.env.agents]
        ids = list(self.env.agents)
        return MAResetResult(self._seen(ids, observations), self._told(self._by_name(ids, infos, {})))

    def step(self, actions: Mapping[AgentID, Any]) -> MAStepResult:
        """Take everybody's actions; return the transitions of whoever acted, and first observations of who joined."""
        names = self._names
        before = [names.original(agent) for agent in self.agents]
        theirs = {names.original(agent): self._said(agent, action) for agent, action in actions.items()}
        observations, rewards, terminated, truncated, infos = self.env.step(theirs)
        joined = [id for id in self.env.agents if id not in before]
        ids = [*before, *joined]
        self.agents = [names.name(id) for id in self.env.agents]
        first = frozenset(names.name(id) for id in joined)
        ended = {names.name(id) for id in before if id not in self.env.agents}
        gone = self._by_name(ids, terminated, False)
        cut = self._by_name(ids, truncated, False)
        unsaid = [agent for agent in ended if not (gone[agent] or cut[agent])]
        return MAStepResult(
            self._seen(ids, observations),
            {a: 0.0 if a in first else float(r) for a, r in self._by_name(ids, rewards, 0.0).items()},
            {agent: bool(over) or agent in unsaid for agent, over in gone.items()},
            {agent: bool(over) for agent, over in cut.items()},
            self._told(self._by_name(ids, infos, {})),
            first,
        )

    def _seen(self, ids: Sequence[Hashable], observations: Mapping[Any, Any]) -> dict[AgentID, Any]:
        """Return the observations by name; raises `SekaiError` where one is missing."""
        missing = [id for id in ids if id not in observations]
        if missing:
            raise SekaiError(f"{self.env} gave no observation for {missing}")
        named = {self._names.name(id): observations[id] for id in ids}
        return {agent: self._heard(agent, observation) for agent, observation in named.items()}

    def _by_name(self, ids: Sequence[Hashable], values: Mapping[Any, Any], default: Any) -> dict[AgentID, Any]:
        return {self._names.name(id): values.get(id, default) for id in ids}


class FromAEC(_FromPettingZoo):
    """The `pettingzoo.AECEnv` `env` as ours; made by `from_aec`."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self.acting: list[AgentID] = []

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> MAResetResult:
        """Begin an episode; the agent that is selected acts."""
        self._begin(seed)
        self._acted: set[AgentID] = set()
        self._paid: dict[AgentID, float] = {}
        self._owed: dict[AgentID, float] = {}
        self.env.reset(seed=seed, options=options)
        begun = self._advance()
        return MAResetResult(begun.observations, begun.info)

    def step(self, actions: Mapping[AgentID, Any]) -> MAStepResult:
        """Take the action of the agent that acts; return what the next one sees, and who died meanwhile."""
        if not self.acting:
            raise ResetRequired(f"step, but nobody acts in {self!r}: call reset() first")
        (agent,) = self.acting
        self.env.step(self._said(agent, actions[agent]))
        self._acted.add(agent)
        self._paid[agent] = 0.0
        return self._advance()

    def settle(self, agents: Sequence[AgentID]) -> MAStepResult:
        """Hand out, and consume, what these agents see and have earned so far."""
        for agent in agents:
            if agent not in self.agents or agent in self.acting:
                raise SekaiError(f"settle needs agents that are alive and wait for their turn, got {agent!r}")
        env, ids = self.env, {agent: self._names.original(agent) for agent in agents}
        return MAStepResult(
            {agent: self._heard(agent, env.observe(id)) for agent, id in ids.items()},
            {agent: self._earned(agent, float(env._cumulative_rewards[id])) for agent, id in ids.items()},
            {agent: bool(env.terminations[id]) for agent, id in ids.items()},
            {agent: bool(env.truncations[id]) for agent, id in ids.items()},
            {agent: env.infos[id] for agent, id in ids.items()},
            frozenset(agents) - self._acted,
        )

    def _advance(self) -> MAStepResult:
        """Let the dead go, and stop at whoever lives and is selected."""
        env, names = self.env, self._names
        result = MAStepResult({}, {}, {}, {}, {}, first := set())
        self.acting = []
        while env.agents and not self.acting:
            agent = names.name(env.agent_selection)
            observation, reward, terminated, truncated, info = env.last()
            result.observations[agent], result.info[agent] = self._heard(agent, observation), info
            result.rewards[agent] = self._earned(agent, float(reward))
            result.terminated[agent], result.truncated[agent] = bool(terminated), bool(truncated)
            if agent not in self._acted:
                first.add(agent)
            if terminated or truncated:
                env.step(None)
            else:
                self.acting = [agent]
        self.agents = [names.name(id) for id in env.agents]
        self._told(result.info)
        return result

    def _earned(self, agent: AgentID, total: float) -> float:
        """Return what of an agent's `total` since its last action was not handed out yet."""
        earned = total - self._paid.get(agent, 0.0) + self._owed.pop(agent, 0.0)
        self._paid[agent] = total
        if agent in self._acted:
            return earned
        self._owed[agent] = earned
        return 0.0
