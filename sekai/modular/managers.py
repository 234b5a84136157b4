"""Managers translate between a policy and one agent's view of its environment.

A manager names the context that it is made for, and serves every environment of it. An `ObservationManager` is an
`Observation`, and a `RewardFunction` a `RewardMetric`, of states that are views: each goes wherever the other does.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from sekai.core.agents import Policy
from sekai.core.env import MultiAgentEnv
from sekai.core.result import AgentID
from sekai.error import MissingPolicy, SekaiError, did_you_mean
from sekai.modular.context import WorldContext
from sekai.modular.observations import Observation
from sekai.modular.rewards import RewardMetric
from sekai.modular.state import ViewState
from sekai.spaces.space import Space

__all__ = [
    "ActionManager",
    "ManagedPolicy",
    "ObservationManager",
    "PaidReward",
    "Placeholder",
    "RewardFunction",
    "SeatView",
]

_ViewT = TypeVar("_ViewT")
_ActT = TypeVar("_ActT")
_ObsT = TypeVar("_ObsT")


@dataclass(frozen=True, eq=False)
class SeatView:
    """An agent's last observation and info, and the environment that it is in."""

    multi_agent_env: MultiAgentEnv
    agent: AgentID
    observation: Any
    info: Mapping[str, Any]


class Placeholder:
    """The learner's seat: the agent `seat`, or the first agent of the role `seat`; by default the first of all agents.

    A subclass may define `view`, which returns what managers are called with.
    """

    def __init__(self, seat: str | None = None) -> None:
        self.seat = seat

    def agent(self, env: MultiAgentEnv) -> AgentID:
        """Return the agent whose seat it is; raises `SekaiError` where no agent has the name or the role."""
        agents = list(env.possible_agents)
        if self.seat is None or self.seat in agents:
            return agents[0] if self.seat is None else self.seat
        if self.seat not in env.groups:
            known = [*agents, *env.groups]
            raise SekaiError(f"seat must be out of {known}, got {self.seat!r}.{did_you_mean(self.seat, known)}")
        return env.groups[self.seat][0]

    def view(self, told: SeatView) -> Any:
        """Return what managers look at: `told`, unless a subclass has something better."""
        return told


class ActionManager(ABC, Generic[_ViewT, _ActT]):
    """Turns a policy's action into an action of the agent's seat."""

    def __init__(self, context: WorldContext) -> None:
        self.context = context

    @abstractmethod
    def make_space(self) -> Space[_ActT]:
        """Return the space of the policy's actions."""

    @abstractmethod
    def decode(self, view: _ViewT, action: _ActT) -> Any:
        """Return the seat's action for the policy's `action`."""

    def encode(self, view: _ViewT, action: Any) -> _ActT:
        """Return the policy's action that `decode` turns into the seat's `action`; optional."""
        raise NotImplementedError(f"{type(self).__name__} does not define encode(view, action)")

    def idle_action(self, view: _ViewT) -> Any:
        """Return the seat's action where there is nothing to decide, else None; None by default."""
        return None


class ObservationManager(Observation[ViewState[_ViewT], _ObsT]):
    """Turns an agent's view into a policy's observation."""

    def __init__(self, context: WorldContext) -> None:
        self.context = context

    @abstractmethod
    def make_space(self) -> Space[_ObsT]:
        """Return the space of the policy's observations."""

    @abstractmethod
    def encode(self, view: _ViewT) -> _ObsT:
        """Return the policy's observation of `view`."""

    def make_first_observation(self, view: _ViewT) -> _ObsT:
        """Return the first observation of an episode; by default `encode(view)`."""
        return self.encode(view)

    @cached_property
    def observation_space(self) -> Space[_ObsT]:
        """The space that `make_space` makes."""
        return self.make_space()

    def compute_observation(self, state: ViewState[_ViewT]) -> _ObsT:
        """Return the policy's observation of the state's view."""
        return self.make_first_observation(state.view) if state.first else self.encode(state.view)


class RewardFunction(RewardMetric[ViewState[_ViewT]]):
    """The reward for an action, computed from the views before and after it."""

    def before_action(self, view: _ViewT) -> Any:
        """Return what the call after the action needs to know of the view before it; None by default."""
        return None

    @abstractmethod
    def __call__(self, view: _ViewT, action: Any, info: Any) -> float:
        """Return the reward for the seat's `action`, which led to `view`; `info` is what `before_action` returned."""

    @property
    def range(self) -> tuple[float, float]:
        """Unbounded, unless a subclass says otherwise."""
        return -float("inf"), float("inf")

    def note(self, state: ViewState[_ViewT]) -> Any:
        """Return `before_action` of the state's view."""
        return self.before_action(state.view)

    def compute_reward(self, state: ViewState[_ViewT]) -> float:
        """Return the reward of the action that led to `state`; 0 where none did."""
        return 0.0 if state.first else float(self(state.view, state.action, state.noted))


class PaidReward(RewardMetric[ViewState[Any]]):
    """The environment's own reward."""

    @property
    def range(self) -> tuple[float, float]:
        """Unbounded."""
        return -float("inf"), float("inf")

    def compute_reward(self, state: ViewState[Any]) -> float:
        """Return the environment's reward for the action that led to `state`."""
        return state.paid


class ManagedPolicy:
    """A policy and its managers, for every environment that both serve; in others the `fallback` acts.

    The fallback is a policy on the seat's own observations.
    """

    def __init__(
        self,
        policy: Policy,
        action_manager: ActionManager[Any, Any],
        observation_manager: ObservationManager[Any, Any],
        fallback: Policy | None = None,
        placeholder: Placeholder | None = None,
    ) -> None:
        self.policy = policy
        self.action_manager = action_manager
        self.observation_manager = observation_manager
        self.fallback = fallback
        self.placeholder = placeholder or Placeholder()

    def misfit(self, env: MultiAgentEnv) -> str | None:
        """Return why the managers do not serve `env`; None if they do."""
        return self.action_manager.context.misfit(env) or self.observation_manager.context.misfit(env)

    def for_agent(self, env: MultiAgentEnv, agent: AgentID) -> Policy:
        """Return the policy for `agent` in `env`, which acts on the seat's own observations.

        Raises `MissingPolicy` where the managers do not serve `env` and there is no fallback.
        """
        why = self.misfit(env)
        if why is None:
            return _Seated(self, env, agent)
        if self.fallback is None:
            raise MissingPolicy(f"fallback must be a policy where the managers do not serve the environment: {why}")
        return self.fallback


class _Seated:
    """A managed policy in its seat."""

    def __init__(self, managed: ManagedPolicy, env: MultiAgentEnv, agent: AgentID) -> None:
        self.managed, self.env, self.agent = managed, env, agent
        self._first = True

    def reset(self, seed: int | None) -> None:
        """Begin an episode."""
        self._first = True
        restart = getattr(self.managed.policy, "reset", None)
        if restart is not None:
            restart(seed)

    def act(self, observation: Any) -> Any:
        """Return the seat's action."""
        managed = self.managed
        view = managed.placeholder.view(SeatView(self.env, self.agent, observation, {}))
        state = ViewState(normalized_action_arr=None, view=view, first=self._first)
        self._first = False
        seen = managed.observation_manager.compute_observation(state)
        decide: Any = getattr(managed.policy, "act", managed.policy)
        return managed.action_manager.decode(view, decide(seen))
