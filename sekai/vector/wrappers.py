"""Wrappers around a whole vector env: what they change, they change for all rows at once.

What comes out is again a vector env. Of many agents, a hook gets each agent's column in turn. For what is about one
environment, an ordinary wrapper serves too: `sekai.ClipReward(vec)`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sekai.core.base import Below
from sekai.spaces.space import Space
from sekai.vector.base import Seeds, VecEnv
from sekai.vector.result import AgentColumns, MAVecStepResult, VecResetResult, VecStepResult, changed

__all__ = ["VecActionWrapper", "VecObservationWrapper", "VecRewardWrapper", "VecWrapper"]


class VecWrapper(VecEnv):
    """A vector env around the vector env `env`, the same in everything that a subclass does not define.

    Hooks: `actions(actions)`, `on_reset(result)` and `on_step(result)`.
    """

    if TYPE_CHECKING:
        observation_space: Space[Any]
        action_space: Space[Any]
        observation_spaces: dict[str, Space[Any]]
        action_spaces: dict[str, Space[Any]]
    else:
        num_envs = Below()
        many = Below()
        autoreset = Below()
        backend = Below()
        observation_space = Below()
        action_space = Below()
        observation_spaces = Below()
        action_spaces = Below()
        possible_agents = Below()
        groups = Below()
        spec = Below()
        metadata = Below()

    def __init__(self, env: VecEnv) -> None:
        self.env = env

    def actions(self, actions: Any) -> Any:
        """Return what is done instead of `actions`."""
        return actions

    def on_reset(self, result: Any) -> Any:
        """Return what begins the episodes."""
        return result

    def on_step(self, result: Any) -> Any:
        """Return what the step gives."""
        return result

    def reset(self, *, seed: Seeds = None, options: dict[str, Any] | None = None, mask: Any = None) -> Any:
        """Begin episodes of `env`."""
        return self._begun(self.env.reset(seed=seed, options=options, mask=mask), mask)

    def step(self, actions: Any, *, mask: Any = None) -> Any:
        """Step `env`."""
        return self._stepped(self.env.step(self.actions(actions), mask=mask), mask)

    async def async_reset(self, *, seed: Seeds = None, options: dict[str, Any] | None = None, mask: Any = None) -> Any:
        """Begin episodes, awaiting `env`."""
        return self._begun(await self.env.async_reset(seed=seed, options=options, mask=mask), mask)

    async def async_step(self, actions: Any, *, mask: Any = None) -> Any:
        """Step, awaiting `env`."""
        return self._stepped(await self.env.async_step(self.actions(actions), mask=mask), mask)

    def close(self) -> None:
        """Close `env`."""
        self.env.close()

    @property
    def unwrapped(self) -> VecEnv:
        """The vector env underneath all vector wrappers."""
        return self.env.unwrapped

    def __iter__(self) -> Iterator[VecEnv]:
        yield self
        yield from self.env

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.env!r})>"

    def _begun(self, result: Any, mask: Any) -> Any:
        return self.on_reset(result)

    def _stepped(self, result: Any, mask: Any) -> Any:
        return self.on_step(result)

    def _call(self, rows: Sequence[int], method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        return self.env._call(rows, method, args, kwargs)

    def _get(self, rows: Sequence[int], name: str) -> list[Any]:
        return self.env._get(rows, name)

    def _set(self, rows: Sequence[int], name: str, value: Any) -> None:
        self.env._set(rows, name, value)

    def _check_open(self, method: str) -> None:
        self.env._check_open(method)

    def _many_only(self) -> Any:
        return self.env._many_only()


class VecObservationWrapper(VecWrapper):
    """Changes observations: define `observation(obs)`; assign `self.observation_space` if their form changes.

    In a step where rows restart it is called a second time, for `final_observations`.
    """

    def observation(self, obs: Any) -> Any:
        """Return what is seen instead of `obs`, `(N, *shape)`."""
        raise NotImplementedError(f"{type(self).__name__} must define observation(self, obs)")

    def on_reset(self, result: Any) -> Any:
        """Change the first observations."""
        if isinstance(result, VecResetResult):
            return VecResetResult(self.observation(result.observations), result.infos)
        return changed(result, observations=self._each(result.observations))

    def on_step(self, result: Any) -> Any:
        """Change the observations."""
        change = self.observation if isinstance(result, VecStepResult) else self._each
        seen = change(result.observations)
        last = change(result.final_observations) if result.restarted.any() else seen
        return changed(result, observations=seen, final_observations=last)

    def _each(self, columns: AgentColumns) -> AgentColumns:
        return columns.mapped(lambda agent, column: self.observation(column), self.backend)


class VecRewardWrapper(VecWrapper):
    """Changes rewards: define `reward(rewards)`."""

    def reward(self, rewards: Any) -> Any:
        """Return what is paid instead of `rewards`, `(N,)`."""
        raise NotImplementedError(f"{type(self).__name__} must define reward(self, rewards)")

    def on_step(self, result: Any) -> Any:
        """Change the rewards."""
        if isinstance(result, MAVecStepResult):
            rewards = result.rewards.mapped(lambda agent, column: self.reward(column), self.backend)
            return changed(result, rewards=rewards)
        return changed(result, rewards=self.reward(result.rewards))


class VecActionWrapper(VecWrapper):
    """Changes actions: define `action(actions)`; assign `self.action_space` if their form changes."""

    def action(self, actions: Any) -> Any:
        """Return what is done instead of `actions`, `(N, ...)`."""
        raise NotImplementedError(f"{type(self).__name__} must define action(self, actions)")

    def actions(self, actions: Any) -> Any:
        """Change the actions; of many agents, each column that is there, by agent or by group."""
        if self.many:
            return {name: self.action(column) for name, column in actions.items()}
        return self.action(actions)
