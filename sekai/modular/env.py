"""An environment that is composed: the dynamics are two methods, and all else is a part that can be exchanged."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sekai.core.env import ActT, Env, ObsT
from sekai.core.result import ResetResult, StepResult
from sekai.error import ClosedEnvironment
from sekai.modular.criteria import TerminationCriterion
from sekai.modular.episode import AgentEpisode
from sekai.modular.observations import Observation
from sekai.modular.rewards import RewardMetric
from sekai.modular.state import StateAction

if TYPE_CHECKING:
    import numpy as np

__all__ = ["ModularEnv"]

_StateT = TypeVar("_StateT", bound=StateAction)


class ModularEnv(AgentEpisode[_StateT, ObsT], Env[ObsT, ActT], ABC, Generic[_StateT, ActT, ObsT]):
    """One agent's environment over states `_StateT`, actions `ActT` and observations `ObsT`.

    A subclass sets `action_space`, or defines it as a property, and defines `sample_initial_state` and
    `compute_next_state`; it draws from `self.rng` only. What `reset` was asked for is in `reset_options`.
    """

    def __init__(
        self,
        reward_metric: RewardMetric[_StateT],
        observation: Observation[_StateT, ObsT],
        termination_criterion: TerminationCriterion[Any] | None = None,
        max_episode_len: int | None = None,
    ) -> None:
        super().__init__(reward_metric, observation, termination_criterion, max_episode_len)
        self.observation_space = observation.observation_space
        self.reset_options: dict[str, Any] = {}

    @property
    def np_random(self) -> "np.random.Generator":
        """The same as `rng`."""
        return self.rng

    @abstractmethod
    def sample_initial_state(self) -> _StateT:
        """Draw the state that an episode begins in."""

    @abstractmethod
    def compute_next_state(self, action: ActT) -> _StateT:
        """Return the state that `action` leads to from `cur_state_action`."""

    def reset(
        self, seed: int | None = None, *, options: dict[str, Any] | None = None, **kwargs: Any
    ) -> ResetResult[ObsT]:
        """Begin an episode; `kwargs` are options too. Raises `ClosedEnvironment` after `close`."""
        if self.is_closed:
            raise ClosedEnvironment(f"reset after close: make a new {self!r}")
        self._set_rng(seed)
        self.reset_options = {**(options or {}), **kwargs}
        return self._begin(self.sample_initial_state())

    def step(self, action: ActT) -> StepResult[ObsT]:
        """Go on to the next state. Raises `EnvPreconditionError` unless an episode goes on."""
        self._check_step()
        return self._advance(self.compute_next_state(action))
