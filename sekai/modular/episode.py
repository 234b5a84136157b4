"""One agent's episode: its parts and its current values."""

from typing import Any, Generic, NoReturn, TypeVar

from sekai.core.result import ResetResult, StepResult
from sekai.error import SekaiError
from sekai.modular.criteria import NeverTerminate, TerminationCriterion
from sekai.modular.observations import Observation
from sekai.modular.rewards import RewardMetric
from sekai.modular.state import EnvPreconditionError, EnvStatus, StateAction

__all__ = ["AgentEpisode"]

_StateT = TypeVar("_StateT", bound=StateAction)
_ObsT = TypeVar("_ObsT")


class AgentEpisode(Generic[_StateT, _ObsT]):
    """An agent's observation, reward metric and termination criterion, and the current values of its episode.

    Before the first reset and after `close` there are none: then `cur_state_action`, `cur_observation` and `cur_reward`
    raise `EnvPreconditionError`. `max_episode_len` is in steps.
    """

    def __init__(
        self,
        reward_metric: RewardMetric[_StateT],
        observation: Observation[_StateT, _ObsT],
        termination_criterion: TerminationCriterion[Any] | None = None,
        max_episode_len: int | None = None,
    ) -> None:
        criterion = NeverTerminate() if termination_criterion is None else termination_criterion
        for name, part, kind in (
            ("reward_metric", reward_metric, RewardMetric),
            ("observation", observation, Observation),
            ("termination_criterion", criterion, TerminationCriterion),
        ):
            if not isinstance(part, kind):
                raise SekaiError(f"{name} must be of {kind.__name__}, got {part!r}")
        if max_episode_len is not None and (type(max_episode_len) is not int or max_episode_len < 1):
            raise SekaiError(f"max_episode_len must be an integer >= 1 or None, got {max_episode_len!r}")
        self.reward_metric = reward_metric
        self.observation = observation
        self.termination_criterion = criterion
        self.max_episode_len = max_episode_len
        self._closed = False
        self._forget()

    _state: _StateT | None
    _observed: _ObsT | None
    _paid: float | None

    @property
    def cur_state_action(self) -> _StateT:
        """The state that the episode is in."""
        return self._need("cur_state_action") if self._state is None else self._state

    @property
    def cur_observation(self) -> _ObsT:
        """The last observation."""
        return self._need("cur_observation") if self._state is None else self._observed  # type: ignore[return-value]

    @property
    def cur_reward(self) -> float:
        """The reward of the current state. That of the first state belongs to no step."""
        if self._state is None:
            self._need("cur_reward")
        if self._paid is None:
            self._paid = self.compute_cur_reward()
        return self._paid

    @property
    def cur_episode_len(self) -> int:
        """How many steps the episode has taken."""
        return self._len

    @property
    def is_terminated(self) -> bool:
        """Whether the episode has terminated."""
        return self._terminated

    @property
    def is_truncated(self) -> bool:
        """Whether the episode was truncated."""
        return self._truncated

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def compute_cur_observation(self) -> _ObsT:
        """Return the observation of the current state."""
        return self.observation.compute_observation(self.cur_state_action)

    def compute_cur_reward(self) -> float:
        """Return the reward of the current state."""
        return float(self.reward_metric.compute_reward(self.cur_state_action))

    def should_terminate(self) -> bool:
        """Ask the termination criterion."""
        return bool(self.termination_criterion.should_terminate(self))

    def should_truncate(self) -> bool:
        """Say whether `max_episode_len` steps are taken."""
        return self.max_episode_len is not None and self._len >= self.max_episode_len

    def get_info_dict(self) -> dict[str, Any]:
        """Return the info of the current state, a new dict each time; empty by default."""
        return {}

    def get_cur_env_status(self) -> EnvStatus[_StateT, _ObsT]:
        """Return all current values, at any time; None where there is none."""
        there = self._state is not None
        return EnvStatus(
            episode_len=self._len,
            state_action=self._state,
            observation=self._observed,
            reward=self.cur_reward if there else None,
            is_terminated=self._terminated,
            is_truncated=self._truncated,
            is_closed=self._closed,
            info=self.get_info_dict() if there else {},
        )

    def close(self) -> None:
        """Forget the episode; closing twice does nothing."""
        self._closed = True
        self._forget()

    def _forget(self) -> None:
        """Clear all current values."""
        self._state, self._observed, self._paid, self._len = None, None, None, 0
        self._terminated = self._truncated = False

    def _begin(self, state: _StateT) -> ResetResult[_ObsT]:
        """Begin an episode in `state`."""
        self._forget()
        self._state = state
        self._observed = self.compute_cur_observation()
        return ResetResult(self._observed, self.get_info_dict())

    def _advance(self, state: _StateT) -> StepResult[_ObsT]:
        """Count the step that led to `state`, and return its result."""
        self._len += 1
        seen, paid = self._enter(state)
        self._terminated = self.should_terminate()
        self._truncated = not self._terminated and self.should_truncate()
        return StepResult(seen, paid, self._terminated, self._truncated, self.get_info_dict())

    def _enter(self, state: _StateT) -> tuple[_ObsT, float]:
        """Make `state` current; return its observation and its reward."""
        self._state = state
        self._observed, self._paid = self.compute_cur_observation(), self.compute_cur_reward()
        return self._observed, self._paid

    def _check_step(self) -> None:
        """Raise `EnvPreconditionError` unless an episode goes on."""
        if self._state is None:
            self._need("step")
        if self._terminated or self._truncated:
            raise EnvPreconditionError("step after the episode's end: call reset() first")

    def _need(self, what: str) -> NoReturn:
        remedy = "it is closed: make a new environment" if self._closed else "call reset() first"
        raise EnvPreconditionError(f"{what} needs a current state: {remedy}")
