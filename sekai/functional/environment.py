"""Environments without hidden state: `reset(key)` and `step(state, action)` return the new state.

A state that is kept can be returned to, stepped twice is a fork, and written to a file is a checkpoint. `step` changes
neither the state nor the action.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from sekai.core.result import AgentID, ByValue
from sekai.error import SekaiError, UndefinedAttribute
from sekai.functional.keys import Key
from sekai.functional.specs import Array, BoundedArray, DictSpec, Spec
from sekai.functional.timestep import TimeStep

__all__ = ["ActionSpecT", "Environment", "Functional", "MultiAgentEnvironment", "ObsT", "State", "StateT"]

StateT = TypeVar("StateT")
ActionSpecT = TypeVar("ActionSpecT", bound=Spec[Any])
ObsT = TypeVar("ObsT")


class State(ByValue):
    """A base for states that are dataclasses: equal when they hold the same values, arrays included.

    A subclass is declared with `@dataclass(frozen=True, eq=False)`. Any other value may be a state as well.
    """

    __slots__ = ()
    __reduce__ = object.__reduce__  # by what it holds, whatever its constructor takes


class Functional(ABC):  # noqa: B024  its heirs have the abstract methods
    """What environments of one agent and of many have in common: specs, `render` and `close`.

    Specs are computed once, when they are first asked for, and may be assigned.
    """

    @cached_property
    def observation_spec(self) -> Any:
        """What observations are; a subclass must define or assign it."""
        raise self._undefined("observation_spec")

    @cached_property
    def action_spec(self) -> Any:
        """What actions are; a subclass must define or assign it."""
        raise self._undefined("action_spec")

    @property
    def unwrapped(self) -> Any:
        """The environment underneath all wrappers."""
        return self

    def render(self, state: Any) -> Any:
        """Return a picture of `state`; optional."""
        raise NotImplementedError(f"{type(self).__name__} does not define render(state)")

    def close(self) -> None:  # noqa: B027  there may be nothing to release
        """Release what the environment holds; closing twice does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def _undefined(self, name: str) -> UndefinedAttribute:
        return UndefinedAttribute(f"{type(self).__name__} does not define {name}: define or assign a Spec")


class Environment(Functional, Generic[StateT, ActionSpecT, ObsT]):
    """One agent's environment over states `StateT`, actions of an `ActionSpecT`, and observations `ObsT`."""

    @abstractmethod
    def reset(self, key: Key) -> tuple[StateT, TimeStep[ObsT]]:
        """Return the state that an episode begins in, and its first time step; all randomness comes from `key`."""

    @abstractmethod
    def step(self, state: StateT, action: Any) -> tuple[StateT, TimeStep[ObsT]]:
        """Return the state that `action` leads to, and its time step; `state` stays as it is."""

    @cached_property
    def observation_spec(self) -> Spec[ObsT]:
        """What observations are; a subclass must define or assign it."""
        raise self._undefined("observation_spec")

    @cached_property
    def action_spec(self) -> ActionSpecT:
        """What actions are; a subclass must define or assign it."""
        raise self._undefined("action_spec")

    @cached_property
    def reward_spec(self) -> Array:
        """What rewards are: by default any float."""
        return Array((), float, "reward")

    @cached_property
    def discount_spec(self) -> BoundedArray:
        """What discounts are: by default a float from 0 to 1."""
        return BoundedArray((), float, 0.0, 1.0, "discount")


class MultiAgentEnvironment(Functional, Generic[StateT]):
    """Many agents' environment: `observation_spec` and `action_spec` have a part for each, by name.

    Time steps are by agent, each with a reward and a discount of its own. They are complete transitions only: of the
    agents that act next, and of those that have just finished, which are `last()`. `first()` is whoever has just
    appeared. The episode is over when everybody is `last()`.
    """

    @abstractmethod
    def reset(self, key: Key) -> tuple[StateT, dict[AgentID, TimeStep[Any]]]:
        """Return the state that an episode begins in, and the time steps of the agents that act first."""

    @abstractmethod
    def step(self, state: StateT, actions: Mapping[AgentID, Any]) -> tuple[StateT, dict[AgentID, TimeStep[Any]]]:
        """Return the state that the actions of exactly those that act now lead to, and time steps by agent."""

    def settle(self, state: StateT, agents: Sequence[AgentID]) -> tuple[StateT, dict[AgentID, TimeStep[Any]]]:
        """Hand out, and consume, what these agents, who wait for their turn, see and have earned so far.

        An environment whose agents keep different clocks defines it, as `MultiAgentEnv.settle`.
        """
        if agents:
            raise SekaiError(f"{type(self).__name__}.settle is not defined, but {list(agents)} wait for their turn")
        return state, {}

    @cached_property
    def observation_spec(self) -> DictSpec:
        """What observations are, by agent; a subclass must define or assign it."""
        raise self._undefined("observation_spec")

    @cached_property
    def action_spec(self) -> DictSpec:
        """What actions are, by agent; a subclass must define or assign it."""
        raise self._undefined("action_spec")

    @cached_property
    def reward_spec(self) -> DictSpec:
        """What rewards are, by agent: by default any float."""
        return DictSpec({agent: Array((), float, f"reward.{agent}") for agent in self.action_spec})

    @cached_property
    def discount_spec(self) -> DictSpec:
        """What discounts are, by agent: by default a float from 0 to 1."""
        return DictSpec({agent: BoundedArray((), float, 0.0, 1.0, f"discount.{agent}") for agent in self.action_spec})
