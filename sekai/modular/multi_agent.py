"""A composed environment of many agents, each with parts of its own, and perhaps a clock of its own."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from sekai.core.agents import wrong_agents
from sekai.core.env import MultiAgentEnv
from sekai.core.result import AgentT, MAResetResult, MAStepResult, StepResult, joined
from sekai.error import ClosedEnvironment, SekaiError, did_you_mean
from sekai.modular.criteria import NeverTerminate, TerminationCriterion
from sekai.modular.episode import AgentEpisode
from sekai.modular.observations import Observation
from sekai.modular.rewards import RewardMetric
from sekai.modular.state import EnvPreconditionError, StateAction

__all__ = ["AgentOfMany", "ModularMultiAgentEnv"]

_StateT = TypeVar("_StateT", bound=StateAction)
_PartT = TypeVar("_PartT")


class AgentOfMany(AgentEpisode[_StateT, Any]):
    """The episode of `agent` in `multi_agent_env`; its termination criterion is called with it."""

    def __init__(self, multi_agent_env: "ModularMultiAgentEnv[_StateT, Any]", agent: str, *parts: Any) -> None:
        super().__init__(*parts)
        self.multi_agent_env = multi_agent_env
        self.agent = agent

    def should_truncate(self) -> bool:
        """Say whether the environment is truncated, which it is for all agents at once."""
        return self.multi_agent_env.should_truncate()

    def get_info_dict(self) -> dict[str, Any]:
        """Return the info that the environment has for this agent."""
        return self.multi_agent_env.get_info_dict(self.agent)


class ModularMultiAgentEnv(MultiAgentEnv[AgentT], ABC, Generic[_StateT, AgentT]):
    """Many agents' environment: `reward_metrics`, `observations` and `termination_criteria` are by agent, or by role.

    A subclass sets `action_spaces` and defines `sample_initial_states` and `compute_next_states`; it draws from
    `self.rng` only. `episodes` has each agent's parts and current values. After `max_episode_len` steps all agents
    are truncated. Raises `SekaiError` for an agent without a part, and for a name that is neither agent nor role.
    """

    def __init__(
        self,
        possible_agents: Sequence[AgentT],
        reward_metrics: Mapping[str, RewardMetric[_StateT]],
        observations: Mapping[str, Observation[_StateT, Any]],
        termination_criteria: Mapping[str, TerminationCriterion[Any]] | None = None,
        max_episode_len: int | None = None,
    ) -> None:
        self.possible_agents = tuple(possible_agents)
        self.agents: tuple[AgentT, ...] = ()
        self.acting: tuple[AgentT, ...] = ()
        self.max_episode_len = max_episode_len
        self.cur_episode_len = 0
        self.reset_options: dict[str, Any] = {}
        rewards = self._by_agent("reward_metrics", reward_metrics)
        seen = self._by_agent("observations", observations)
        ends = self._by_agent("termination_criteria", termination_criteria or {}, NeverTerminate())
        self.episodes: dict[AgentT, AgentOfMany[_StateT]] = {
            agent: AgentOfMany(self, agent, rewards[agent], seen[agent], ends[agent], max_episode_len)
            for agent in self.possible_agents
        }
        self.observation_spaces = {agent: part.observation_space for agent, part in seen.items()}

    @abstractmethod
    def sample_initial_states(self) -> Mapping[AgentT, _StateT]:
        """Draw the states that an episode begins in, of the agents that act first."""

    @abstractmethod
    def compute_next_states(self, actions: Mapping[AgentT, Any]) -> Mapping[AgentT, _StateT]:
        """Return the states that the actions lead to, of the agents that act next or may be at their end.

        Where everybody keeps one clock these are all; else those that are left out wait for their turn. An agent that
        appears for the first time joins.
        """

    def compute_states(self, agents: Sequence[AgentT]) -> Mapping[AgentT, _StateT]:
        """Return the states of these agents, who wait, as they stand now; needed where agents keep different clocks."""
        raise SekaiError(f"{type(self).__name__} must define compute_states(agents), since {list(agents)} wait")

    def get_info_dict(self, agent: AgentT) -> dict[str, Any]:
        """Return the info of the agent's current state, a new dict each time; empty by default."""
        return {}

    def should_truncate(self) -> bool:
        """Say whether `max_episode_len` steps are taken."""
        return self.max_episode_len is not None and self.cur_episode_len >= self.max_episode_len

    def reset(
        self, seed: int | None = None, *, options: dict[str, Any] | None = None, **kwargs: Any
    ) -> MAResetResult[AgentT]:
        """Begin an episode; `kwargs` are options too. Raises `ClosedEnvironment` after `close`."""
        if self._closed:
            raise ClosedEnvironment(f"reset after close: make a new {self!r}")
        self._set_rng(seed)
        self.reset_options = {**(options or {}), **kwargs}
        self.cur_episode_len = 0
        for episode in self.episodes.values():
            episode._forget()
        states = self.sample_initial_states()
        self.agents = self.acting = self._in_order(states, "sample_initial_states")
        begun = {agent: self.episodes[agent]._begin(states[agent]) for agent in self.agents}
        return MAResetResult(
            {agent: result.observation for agent, result in begun.items()},
            {agent: result.info for agent, result in begun.items()},
        )

    def step(self, actions: Mapping[AgentT, Any]) -> MAStepResult[AgentT]:
        """Go on to the next states. Raises `InvalidAgents` unless the actions are for exactly `acting`."""
        if not self.acting:
            raise EnvPreconditionError("step needs an episode that goes on: call reset() first")
        if not isinstance(actions, Mapping) or actions.keys() != set(self.acting):
            raise wrong_agents(self, actions)
        states = dict(self.compute_next_states(actions))
        told = self._in_order(states, "compute_next_states")
        self.cur_episode_len += 1
        if self.should_truncate():  # everybody is told, and nobody joins
            told, waiting = self.agents, [agent for agent in self.agents if agent not in states]
            states |= self.compute_states(waiting) if waiting else {}
        first = frozenset(told) - frozenset(self.agents)
        results = {agent: self._moved(agent, states[agent], agent in first) for agent in told}
        gone = {agent for agent, result in results.items() if result.done}
        self.agents = tuple(a for a in self.possible_agents if (a in self.agents or a in first) and a not in gone)
        self.acting = tuple(agent for agent in told if agent not in gone)
        if self.agents and not self.acting:
            raise SekaiError(f"compute_next_states must be about somebody who acts next, {list(self.agents)} all wait")
        return joined(results, first, {})

    def settle(self, agents: Sequence[AgentT]) -> MAStepResult[AgentT]:
        """Hand out the observation and the reward so far of these agents, who wait."""
        states = self.compute_states(agents) if agents else {}
        entered = {agent: self.episodes[agent]._enter(states[agent]) for agent in agents}
        told = {a: StepResult(*pair, False, False, self.get_info_dict(a)) for a, pair in entered.items()}
        return joined(told, frozenset(), {})

    def close(self) -> None:
        """Forget the episode; closing twice does nothing."""
        self._closed, self.agents, self.acting = True, (), ()
        for episode in self.episodes.values():
            episode.close()

    _closed = False

    def _moved(self, agent: AgentT, state: _StateT, is_first: bool) -> StepResult[Any]:
        """Return an agent's transition, or its first observation where it joins."""
        if not is_first:
            return self.episodes[agent]._advance(state)
        begun = self.episodes[agent]._begin(state)
        return StepResult(begun.observation, 0.0, False, False, begun.info)

    def _in_order(self, states: Mapping[AgentT, _StateT], method: str) -> tuple[AgentT, ...]:
        for agent in states:
            if agent not in self.episodes:
                known = list(self.possible_agents)
                raise SekaiError(f"{method} must be about {known}, got {agent!r}.{did_you_mean(agent, known)}")
        return tuple(agent for agent in self.possible_agents if agent in states)

    def _by_agent(self, name: str, parts: Mapping[str, _PartT], default: _PartT | None = None) -> dict[AgentT, _PartT]:
        """Return each agent's part: its own, or its role's, or the default."""
        roles = {agent: group for group, agents in self.groups.items() for agent in agents}
        for key in parts:
            if key not in roles and key not in roles.values():
                known: list[str] = [*roles, *self.groups]
                near = did_you_mean(key, known)
                raise SekaiError(f"{name} must be by agent or role, out of {known}, got {key!r}.{near}")
        found = {agent: parts.get(agent, parts.get(group, default)) for agent, group in roles.items()}
        for agent, part in found.items():
            if part is None:
                raise SekaiError(f"{name} must have a part for everybody, {agent!r} has none")
        return found  # type: ignore[return-value]  # none is None
