"""One wrapper around a whole `MultiAgentEnv`: it sees the environment's own actions and results.

`MultiAgentWrapper` changes nothing; `WrappedEpisode` holds an `EpisodeWrapper`, `EpisodeProgram` a `ProgramWrapper`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sekai.core.agents import Policy
from sekai.core.base import Below, Derived
from sekai.core.env import Env, MultiAgentEnv
from sekai.core.program import async_run, run
from sekai.core.recipe import Recipe
from sekai.core.result import AgentID, MAResetResult, MAStepResult

__all__ = ["EpisodeProgram", "MultiAgentWrapper", "WrappedEpisode"]


class MultiAgentWrapper(Derived, MultiAgentEnv):
    """An environment around the `MultiAgentEnv` `env`, equal to it in everything that a subclass does not define."""

    if not TYPE_CHECKING:
        possible_agents = Below()
        agents = Below()
        observation_spaces = Below()
        action_spaces = Below()

    def __init__(self, env: MultiAgentEnv) -> None:
        self.env = env

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> MAResetResult:
        """Begin an episode of `env`."""
        return self.env.reset(seed=seed, options=options)

    def step(self, actions: Mapping[AgentID, Any]) -> MAStepResult:
        """Step `env`."""
        return self.env.step(actions)

    async def async_reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> MAResetResult:
        """Begin an episode, awaiting `env`."""
        return await self.env.async_reset(seed=seed, options=options)

    async def async_step(self, actions: Mapping[AgentID, Any]) -> MAStepResult:
        """Step, awaiting `env`."""
        return await self.env.async_step(actions)

    def settle(self, agents: Sequence[AgentID]) -> MAStepResult:
        """Settle with these agents of `env`."""
        return self.env.settle(agents)

    def action_masks(self) -> Mapping[AgentID, Any]:
        """Return the action masks of `env`."""
        return self.env.action_masks()

    @property
    def acting(self) -> Sequence[AgentID]:
        """The agents of `env` that must act now."""
        return self.env.acting

    @property
    def groups(self) -> dict[str, tuple[AgentID, ...]]:
        """The groups of `env`."""
        return self.env.groups

    @property
    def unwrapped(self) -> Any:
        """The environment underneath all wrappers."""
        return self.env.unwrapped

    def __iter__(self) -> Iterator[Any]:
        yield self
        yield from self.env

    def __repr__(self) -> str:
        return f"<{self._wrapper_name()}({self.env!r})>"

    def _wrapper_name(self) -> str:
        return type(self).__name__


class WrappedEpisode(MultiAgentWrapper):
    """An `EpisodeWrapper` around `env`, which is `wrapper`; its own attributes can be read here too."""

    def __init__(self, env: MultiAgentEnv, recipe: Recipe) -> None:
        super().__init__(env)
        self.wrapper: Any = recipe.made(env)
        self._recipe = recipe

    @property
    def agents(self) -> Sequence[AgentID]:  # type: ignore[override]
        """Those alive; nobody once the wrapper has ended the episode."""
        return () if self.wrapper.ended else self.env.agents

    @property
    def acting(self) -> Sequence[AgentID]:
        """Those that must act now; nobody once the wrapper has ended the episode."""
        return () if self.wrapper.ended else self.env.acting

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> MAResetResult:
        """Begin an episode through the wrapper."""
        return self.wrapper.reset(seed=seed, options=options)  # type: ignore[no-any-return]

    def step(self, actions: Mapping[AgentID, Any]) -> MAStepResult:
        """Step through the wrapper."""
        return self.wrapper.step(actions)  # type: ignore[no-any-return]

    async def async_reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> MAResetResult:
        """Begin an episode through the wrapper, awaiting `env`."""
        return await self.wrapper.async_reset(seed=seed, options=options)  # type: ignore[no-any-return]

    async def async_step(self, actions: Mapping[AgentID, Any]) -> MAStepResult:
        """Step through the wrapper, awaiting `env`."""
        return await self.wrapper.async_step(actions)  # type: ignore[no-any-return]

    def settle(self, agents: Sequence[AgentID]) -> MAStepResult:
        """Settle with these agents through the wrapper."""
        return self.wrapper.on_settle(self.env.settle(agents))  # type: ignore[no-any-return]

    def view(self, agent: AgentID, others: Mapping[str, Policy] | None = None) -> Env[Any, Any]:
        """Return what `agent` sees; the wrapper goes around the view where that means the same."""
        if not type(self.wrapper).per_view:
            return super().view(agent, others)
        return self._recipe.made(self.env.view(agent, others))  # type: ignore[no-any-return]

    def close(self) -> None:
        """Close through the wrapper."""
        self.wrapper.close()

    def _wrapper_name(self) -> str:
        return type(self.wrapper).__name__

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_") or "wrapper" not in self.__dict__:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            return getattr(self.wrapper, name)


class EpisodeProgram(MultiAgentWrapper):
    """An `episode_wide` `ProgramWrapper` around `env`, which is `wrapper`: one program over all actions and results."""

    def __init__(self, env: MultiAgentEnv, recipe: Recipe) -> None:
        super().__init__(env)
        self.wrapper: Any = recipe.made(env)

    @property
    def restarts(self) -> bool:
        """Whether the program begins episodes by itself."""
        return type(self.wrapper).restarts  # type: ignore[no-any-return]

    def step(self, actions: Mapping[AgentID, Any]) -> MAStepResult:
        """Run the program of these actions."""
        return run(self.env, self.wrapper.program(actions))

    async def async_step(self, actions: Mapping[AgentID, Any]) -> MAStepResult:
        """Run the program of these actions, awaiting `env`."""
        return await async_run(self.env, self.wrapper.program(actions))

    def _wrapper_name(self) -> str:
        return type(self.wrapper).__name__
