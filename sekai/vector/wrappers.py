"""Wrappers around a whole vector env: what they change, they change for all rows at once.

What comes out is again a vector env. Of many agents, a hook gets each agent's column in turn. For what is about one
environment, an ordinary wrapper serves too: `sekai.ClipReward(vec)`.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sekai.core.base import Below
from sekai.spaces.space import Space
from sekai.vector.env import ResetT, StepT, VecEnv
from sekai.vector.restarts import Seeds
from sekai.vector.result import AgentColumns, converted

__all__ = ["VecActionWrapper", "VecObservationWrapper", "VecRewardWrapper", "VecWrapper"]


class VecWrapper(VecEnv[ResetT, StepT]):
    """A vector env around the vector env `env`, the same in everything that a subclass does not define.

    Hooks: `actions(actions)`, `on_reset(result)` and `on_step(result)`.
    """

    if TYPE_CHECKING:
        observation_space: Space[Any]
        action_space: Space[Any]
        observation_spaces: dict[str, Space[Any]]
        action_spaces: dict[str, Space[Any]]
    else:
        observation_space = Below()
        action_space = Below()
        observation_spaces = Below()
        action_spaces = Below()
        _rows = Below()
        _owner = Below()

    def __init__(self, env: VecEnv[ResetT, StepT]) -> None:
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

    def reset(self, *, seed: Seeds = None, options: dict[str, Any] | None = None, mask: Any = None) -> ResetT:
        """Begin episodes of `env`."""
        return self.on_reset(self.env.reset(seed=seed, options=options, mask=mask))  # type: ignore[no-any-return]

    def step(self, actions: Any, *, mask: Any = None) -> StepT:
        """Step `env`."""
        return self.on_step(self.env.step(self.actions(actions), mask=mask))  # type: ignore[no-any-return]

    async def async_reset(
        self, *, seed: Seeds = None, options: dict[str, Any] | None = None, mask: Any = None
    ) -> ResetT:
        """Begin episodes, awaiting `env`."""
        return self.on_reset(await self.env.async_reset(seed=seed, options=options, mask=mask))  # type: ignore[no-any-return]

    async def async_step(self, actions: Any, *, mask: Any = None) -> StepT:
        """Step, awaiting `env`."""
        return self.on_step(await self.env.async_step(self.actions(actions), mask=mask))  # type: ignore[no-any-return]

    def _asked(self, verb: str, *given: Any) -> Any:
        given, named = _by_name(verb, given)
        return converted(getattr(self, verb)(*given, **named), self.backend.to_numpy)

    async def _async_asked(self, verb: str, *given: Any) -> Any:
        given, named = _by_name(verb, given)
        return converted(await getattr(self, f"async_{verb}")(*given, **named), self.backend.to_numpy)

    def _each(self, change: Any, field: Any) -> Any:
        """Return what `change` makes of a field's column, of many agents of each column."""
        if isinstance(field, AgentColumns):
            return field.mapped(lambda agent, column: change(column), self.backend)
        return change(field)

    def __iter__(self) -> Iterator[VecEnv[Any, Any]]:
        yield self
        yield from self.env

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.env!r})>"


def _by_name(verb: str, given: tuple[Any, ...]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what is asked for as `step` and `reset` take it: actions, and the rest by name."""
    if verb == "step":
        return given[:1], {"mask": given[1]}
    return (), dict(zip(("seed", "options", "mask"), given, strict=True))


class VecObservationWrapper(VecWrapper[ResetT, StepT]):
    """Changes observations: define `observation(obs)`; assign `self.observation_space` if their form changes.

    In a step where rows restart it is called a second time, for `final_observations`.
    """

    def observation(self, obs: Any) -> Any:
        """Return what is seen instead of `obs`, `(N, *shape)`."""
        raise NotImplementedError(f"{type(self).__name__} must define observation(self, obs)")

    def on_reset(self, result: Any) -> Any:
        """Change the first observations."""
        return replace(result, observations=self._each(self.observation, result.observations))

    def on_step(self, result: Any) -> Any:
        """Change the observations."""
        seen = last = self._each(self.observation, result.observations)
        if result.restarted.any():
            last = self._each(self.observation, result.final_observations)
        return replace(result, observations=seen, final_observations=last)


class VecRewardWrapper(VecWrapper[ResetT, StepT]):
    """Changes rewards: define `reward(rewards)`."""

    def reward(self, rewards: Any) -> Any:
        """Return what is paid instead of `rewards`, `(N,)`."""
        raise NotImplementedError(f"{type(self).__name__} must define reward(self, rewards)")

    def on_step(self, result: Any) -> Any:
        """Change the rewards."""
        return replace(result, rewards=self._each(self.reward, result.rewards))


class VecActionWrapper(VecWrapper[ResetT, StepT]):
    """Changes actions: define `action(actions)`; assign `self.action_space` if their form changes."""

    def action(self, actions: Any) -> Any:
        """Return what is done instead of `actions`, `(N, ...)`."""
        raise NotImplementedError(f"{type(self).__name__} must define action(self, actions)")

    def actions(self, actions: Any) -> Any:
        """Change the actions; of many agents, each column that is there, by agent or by group."""
        if self.many:
            return {name: self.action(column) for name, column in actions.items()}
        return self.action(actions)
