"""A learner's environment that a context generates anew for each episode, seen through managers.

It is a `ModularEnv` whose states are the learner's views.
"""

from collections.abc import Mapping
from typing import Any

from sekai.core.env import Env, MultiAgentEnv
from sekai.core.result import StepResult
from sekai.error import InvalidAction, SpaceMismatch
from sekai.modular.context import WorldContext, WrongContext
from sekai.modular.env import ModularEnv
from sekai.modular.managers import ActionManager, ObservationManager, PaidReward, Placeholder, SeatView
from sekai.modular.rewards import RewardMetric
from sekai.modular.state import EnvPreconditionError, ViewState

__all__ = ["ContextEnv"]


class ContextEnv(ModularEnv[ViewState[Any], Any, Any]):
    """The learner's seat in the environments that `context` generates, seen and played through managers.

    `agent_type(**agent_params)` is the learner's `Placeholder`. Where `reward_function`, which may be any reward metric
    of views, is None, the reward is what the environment pays. With `skip_idle` a step goes on while
    `action_manager.idle_action` returns an action, and its reward is the sum. `extra_checks` checks every environment
    against the context, and every action and observation against its space. Raises `WrongContext` for a manager that
    does not serve every environment of the context.
    """

    def __init__(
        self,
        action_manager: ActionManager[Any, Any],
        observation_manager: ObservationManager[Any, Any],
        reward_function: RewardMetric[ViewState[Any]] | None,
        context: WorldContext,
        agent_type: type[Placeholder] = Placeholder,
        agent_params: Mapping[str, Any] | None = None,
        extra_checks: bool = True,
        skip_idle: bool = True,
    ) -> None:
        super().__init__(PaidReward() if reward_function is None else reward_function, observation_manager)
        context.check(action_manager=action_manager, observation_manager=observation_manager)
        self.action_manager = action_manager
        self.context = context
        self.placeholder = agent_type(**(agent_params or {}))
        self.extra_checks = extra_checks
        self.skip_idle = skip_idle
        self.action_space = action_manager.make_space()
        self._multi_agent_env: MultiAgentEnv | None = None
        self._agent = ""
        self._seat: Env[Any, Any] | None = None
        self._last: StepResult[Any] | None = None
        self._idle_pay = 0.0
        self._info: dict[str, Any] = {}

    @property
    def multi_agent_env(self) -> MultiAgentEnv:
        """The environment of this episode; raises `EnvPreconditionError` before the first reset."""
        if self._multi_agent_env is None:
            raise EnvPreconditionError("multi_agent_env needs a current state: call reset() first")
        return self._multi_agent_env

    def sample_initial_state(self) -> ViewState[Any]:
        """Generate an environment and take the learner's seat."""
        if self._multi_agent_env is not None:
            self._multi_agent_env.close()
        seed = int(self.rng.integers(2**63))
        env, others = self.context.generate(seed)
        why = self.context.misfit(env) if self.extra_checks else None
        if why is not None:
            raise WrongContext(f"context must generate environments of its own: {why}")
        self._multi_agent_env, self._agent = env, self.placeholder.agent(env)
        rest = [agent for agent in env.possible_agents if agent != self._agent]
        taken = {*rest, *(name for name, agents in env.groups.items() if any(agent in rest for agent in agents))}
        self._seat = env.view(self._agent, {name: policy for name, policy in others.items() if name in taken})
        begun = self._seat.reset(seed=seed)
        self._last, self._idle_pay, self._info = None, 0.0, begun.info
        return ViewState(normalized_action_arr=None, view=self._view(begun.observation), first=True)

    def compute_next_state(self, action: Any) -> ViewState[Any]:
        """Take the decoded action, and go on while there is nothing to decide."""
        assert self._seat is not None
        if self.extra_checks and action not in self.action_space:
            raise InvalidAction(f"action must be in {self.action_space}, got {action!r}")
        state, self._idle_pay = self.cur_state_action, 0.0
        decoded = self.action_manager.decode(state.view, action)
        while True:
            if self.extra_checks and decoded not in self._seat.action_space:
                raise InvalidAction(f"action_manager must decode into {self._seat.action_space}, got {decoded!r}")
            noted = self.reward_metric.note(state)
            self._last = result = self._seat.step(decoded)
            self._info = result.info
            view, paid = self._view(result.observation), float(result.reward)
            state = ViewState(normalized_action_arr=action, view=view, action=decoded, noted=noted, paid=paid)
            idle = self.action_manager.idle_action(view) if self.skip_idle and not result.done else None
            if idle is None:
                return state
            self._idle_pay += float(self.reward_metric.compute_reward(state))
            decoded = idle

    def compute_cur_observation(self) -> Any:
        """Return the observation manager's observation of the view."""
        seen = super().compute_cur_observation()
        if self.extra_checks and seen not in self.observation_space:
            raise SpaceMismatch(f"observation_manager must encode into {self.observation_space}, got {seen!r}")
        return seen

    def compute_cur_reward(self) -> float:
        """Return the reward of the step, idle time included."""
        return self._idle_pay + super().compute_cur_reward()

    def should_terminate(self) -> bool:
        """Say whether the seat's episode has terminated."""
        return self._last is not None and self._last.terminated

    def should_truncate(self) -> bool:
        """Say whether the seat's episode was truncated."""
        return self._last is not None and self._last.truncated

    def get_info_dict(self) -> dict[str, Any]:
        """Return the seat's info."""
        return dict(self._info)

    def close(self) -> None:
        """Close the environment of this episode too."""
        super().close()
        if self._multi_agent_env is not None:
            self._multi_agent_env.close()

    def _view(self, observation: Any) -> Any:
        return self.placeholder.view(SeatView(self.multi_agent_env, self._agent, observation, self._info))
