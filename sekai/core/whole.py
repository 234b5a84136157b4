"""Layers around a whole world of many agents: one instance each, which sees the world's own results.

`MultiAgentWrapper` is the world unchanged; `WatchedEnv` holds an episode's layer, `FlowingEnv` a flow of the world.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sekai.core.env import Env
from sekai.core.flow import async_run, run
from sekai.core.multi_agent import MultiAgentEnv, Policy
from sekai.core.result import AgentID, MAResetResult, MAStepResult
from sekai.core.wrapper import Below, EpisodeWrapper, FlowWrapper, Recipe

if TYPE_CHECKING:
    import numpy as np

    from sekai.registry.spec import EnvSpec

__all__ = ["FlowingEnv", "MultiAgentWrapper", "WatchedEnv"]


class MultiAgentWrapper(MultiAgentEnv):
    """A world around the world `env`, the same in everything that a subclass does not define."""

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

    def close(self) -> None:
        """Close `env`."""
        self.env.close()

    @property
    def rng(self) -> "np.random.Generator":
        """The random stream of `env`."""
        return self.env.rng

    def _set_rng(self, seed: int | None = None) -> int:
        return self.env._set_rng(seed)

    @property
    def spec(self) -> "EnvSpec | None":
        """The spec of `env`."""
        return self.env.spec

    @spec.setter
    def spec(self, spec: "EnvSpec | None") -> None:
        self.env.spec = spec

    @property
    def metadata(self) -> dict[str, Any]:  # type: ignore[override]
        """The metadata of `env`."""
        return self.env.metadata

    @property
    def unwrapped(self) -> Any:
        """The world underneath all wrappers."""
        return self.env.unwrapped

    def __iter__(self) -> Iterator[Any]:
        yield self
        yield from self.env

    def __repr__(self) -> str:
        return f"<{self._layer_name()}({self.env!r})>"

    def _layer_name(self) -> str:
        return type(self).__name__


class WatchedEnv(MultiAgentWrapper):
    """An episode's layer around the world `env`; the layer's own attributes read through."""

    def __init__(self, env: MultiAgentEnv, recipe: Recipe) -> None:
        super().__init__(env)
        self.layer: EpisodeWrapper[Any, Any] = _around(env, recipe)
        self._recipe = recipe

    @property
    def agents(self) -> Sequence[AgentID]:  # type: ignore[override]
        """Those alive; nobody once the layer has ended the episode."""
        return () if self.layer.ended else self.env.agents

    @property
    def acting(self) -> Sequence[AgentID]:
        """Those that must act now; nobody once the layer has ended the episode."""
        return () if self.layer.ended else self.env.acting

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> MAResetResult:
        """Begin an episode, watched."""
        return self.layer.reset(seed=seed, options=options)  # type: ignore[return-value]

    def step(self, actions: Mapping[AgentID, Any]) -> MAStepResult:
        """Step, watched."""
        return self.layer.step(actions)  # type: ignore[return-value]

    async def async_reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> MAResetResult:
        """Begin an episode, watched, awaiting `env`."""
        return await self.layer.async_reset(seed=seed, options=options)  # type: ignore[return-value]

    async def async_step(self, actions: Mapping[AgentID, Any]) -> MAStepResult:
        """Step, watched, awaiting `env`."""
        return await self.layer.async_step(actions)  # type: ignore[return-value]

    def settle(self, agents: Sequence[AgentID]) -> MAStepResult:
        """Settle with these agents, watched."""
        return self.layer.on_settle(self.env.settle(agents))

    def view(self, agent: AgentID, others: Mapping[str, Policy] | None = None) -> Env[Any, Any]:
        """Return what `agent` sees; the layer goes around the view where that means the same."""
        if not type(self.layer).per_view:
            return super().view(agent, others)
        return self._recipe.made(self.env.view(agent, others))  # type: ignore[no-any-return]

    def close(self) -> None:
        """Close `env`, watched."""
        self.layer.close()

    def _layer_name(self) -> str:
        return type(self.layer).__name__

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_") or "layer" not in self.__dict__:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            return getattr(self.layer, name)


class FlowingEnv(MultiAgentWrapper):
    """A flow of the whole world `env`, over its actions and its results."""

    def __init__(self, env: MultiAgentEnv, recipe: Recipe) -> None:
        super().__init__(env)
        self.layer: FlowWrapper[Any, Any] = _around(env, recipe)

    @property
    def restarts(self) -> bool:
        """Whether the flow begins episodes by itself."""
        return type(self.layer).restarts

    def step(self, actions: Mapping[AgentID, Any]) -> MAStepResult:
        """Run the flow of these actions."""
        return run(self.env, self.layer.flow(actions))

    async def async_step(self, actions: Mapping[AgentID, Any]) -> MAStepResult:
        """Run the flow of these actions, awaiting `env`."""
        return await async_run(self.env, self.layer.flow(actions))

    def _layer_name(self) -> str:
        return type(self.layer).__name__


def _around(env: MultiAgentEnv, recipe: Recipe) -> Any:
    """Make a layer of a whole world: the wrapper itself, past the dispatch that would lift it."""
    layer: Any = object.__new__(recipe.wrapper)
    layer.__init__(env, *recipe.args, **recipe.kwargs)
    return layer
