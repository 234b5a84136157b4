"""An environment as one agent sees it: it is reset, then stepped until a result is done.

A subclass defines `observation_space`, `action_space`, `reset` and `step`. The async methods are there for free; an
environment that lives on awaiting (a live feed) may define only those, and its sync methods then run them.
"""

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sekai.core.result import AgentID, ResetResult, StepResult
from sekai.core.world import Required, World, run_coroutine

if TYPE_CHECKING:
    from sekai.core.multi_agent import MultiAgentEnv
    from sekai.spaces.space import Space

__all__ = ["ActT", "Env", "ObsT"]

ObsT = TypeVar("ObsT")
ActT = TypeVar("ActT")


class Env(World, Generic[ObsT, ActT]):
    """One agent's environment over observations `ObsT` and actions `ActT`."""

    if TYPE_CHECKING:
        observation_space: Space[ObsT]
        action_space: Space[ActT]
    else:
        observation_space = Required("set self.observation_space in __init__")
        action_space = Required("set self.action_space in __init__")

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> ResetResult[ObsT]:
        """Begin an episode. With a seed it is fully determined; without one the current stream goes on.

        An implementation calls `self._set_rng(seed)` first and draws from `self.rng` only.
        """
        if type(self).async_reset is Env.async_reset:
            raise NotImplementedError(f"{type(self).__name__} must define reset(self, *, seed=None, options=None)")
        return run_coroutine(self, "reset", self.async_reset(seed=seed, options=options))  # type: ignore[no-any-return]

    def step(self, action: ActT) -> StepResult[ObsT]:
        """Take one action and return the finished transition. After a result that is done, `reset` comes next."""
        if type(self).async_step is Env.async_step:
            raise NotImplementedError(f"{type(self).__name__} must define step(self, action)")
        return run_coroutine(self, "step", self.async_step(action))  # type: ignore[no-any-return]

    async def async_reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> ResetResult[ObsT]:
        """Begin an episode; the default calls `reset`."""
        return self.reset(seed=seed, options=options)

    async def async_step(self, action: ActT) -> StepResult[ObsT]:
        """Take one action; the default calls `step`."""
        return self.step(action)

    def action_mask(self) -> Any:
        """Return which actions are allowed now, as `action_space.sample(mask)` takes it; None where all are.

        An environment with masks also puts them into `info["action_mask"]`.
        """
        return None

    def as_multi_agent(self, agent: AgentID = "agent_0") -> "MultiAgentEnv":
        """Return this environment as one of many agents with a single seat called `agent`.

        The round trip is the identity: `env.as_multi_agent("a").view("a") is env`.
        """
        from sekai.core.view import SoloEnv

        return SoloEnv(self, agent)
