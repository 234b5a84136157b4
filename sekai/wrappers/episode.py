"""Wrappers that concern whole episodes: the order of calls, their length, and what follows their end."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sekai.core.agents import wrong_agents
from sekai.core.env import Env, MultiAgentEnv
from sekai.core.program import Program, Reset, Step
from sekai.core.result import MAResetResult, MAStepResult, ResetResult, StepResult, snapshot
from sekai.core.wrapper import EnvActT, EnvObsT, EpisodeWrapper, ProgramWrapper
from sekai.error import AsyncCallPending, ClosedEnvironment, ResetRequired
from sekai.wrappers.needs import need_whole

__all__ = ["AutoReset", "OrderEnforcing", "TimeLimit", "restarted_info"]

_NEW, _LIVE, _OVER, _CLOSED = "new", "live", "over", "closed"


class OrderEnforcing(EpisodeWrapper[EnvObsT, EnvActT]):
    """Rejects what is out of order.

    Raises `ResetRequired` for a step before the first reset or after the episode's end, `ClosedEnvironment` for one
    after `close`, and `AsyncCallPending` for a step or reset while `async_step` or `async_reset` has not returned. Of
    many agents it raises `InvalidAgents` unless the actions are for exactly those that must act now.
    """

    per_view = True

    def observe_into(self, out: Any, flat: Any) -> bool:
        """Let `env` write: observations pass through as they are."""
        return self.env.observe_into(out, flat)  # type: ignore[no-any-return]

    def __init__(self, env: Env[EnvObsT, EnvActT]) -> None:
        super().__init__(env)
        self._phase = _NEW
        self._many = isinstance(env, MultiAgentEnv)
        self._pending = ""

    def before_reset(self, seed: int | None, options: dict[str, Any] | None) -> None:
        """Raise an error where this is closed, or a call is pending."""
        self._check_pending("reset")
        if self._phase == _CLOSED:
            raise ClosedEnvironment(f"reset after close: make a new {self.unwrapped!r}")

    def before_step(self, action: Any) -> None:
        """Raise an error for a step out of order, or with the wrong agents."""
        self._check_pending("step")
        if self._phase == _CLOSED:
            raise ClosedEnvironment(f"step after close: make a new {self.unwrapped!r}")
        if self._phase != _LIVE:
            when = "before the first reset" if self._phase == _NEW else "after the episode's end"
            raise ResetRequired(f"step {when}: call reset() first")
        if self._many:
            acting = self.env.acting
            if type(action) is not dict and not isinstance(action, Mapping):
                raise wrong_agents(self.env, action)
            if len(action) != len(acting) or not all(agent in action for agent in acting):
                raise wrong_agents(self.env, action)

    def on_reset(self, result: Any) -> Any:
        """Note that an episode has begun."""
        self._phase = _LIVE
        self.alert = self._many
        return result

    def on_step(self, result: Any) -> Any:
        """Note the episode's end."""
        if result.all_done if self._many else result.terminated or result.truncated:
            self._phase = _OVER
            self.alert = True
        return result

    def on_close(self) -> None:
        """Note the end of all episodes."""
        self._phase = _CLOSED
        self.alert = True

    @contextmanager
    def awaiting(self, method: str) -> Iterator[None]:
        """Reject every other call meanwhile."""
        self._pending, alert = method, self.alert
        self.alert = True
        try:
            yield
        finally:
            self._pending, self.alert = "", alert or self._phase == _CLOSED

    def _check_pending(self, method: str) -> None:
        if self._pending:
            raise AsyncCallPending(f"{method} while {self._pending} has not returned: await it first")


class TimeLimit(EpisodeWrapper[EnvObsT, EnvActT]):
    """Truncates an episode after `max_episode_steps` steps; of many agents, everybody, those who wait included.

    Of many agents the environment's steps are counted, not an agent's own. Raises `SekaiError` unless
    `max_episode_steps` is an integer >= 1, and `ResetRequired` for a step after the last one.
    """

    def __init__(self, env: Env[EnvObsT, EnvActT], max_episode_steps: int) -> None:
        super().__init__(env)
        self.max_episode_steps = self._left = need_whole("max_episode_steps", max_episode_steps, 1)
        self.alert = False

    def before_step(self, action: Any) -> None:
        """Raise `ResetRequired`: the last step has been taken."""
        raise ResetRequired(
            f"step after the episode's end, which came after max_episode_steps={self.max_episode_steps} steps: "
            "call reset() first"
        )

    def on_reset(self, result: Any) -> Any:
        """Count anew."""
        self._left = self.max_episode_steps
        self.ended = self.alert = False
        return result

    def on_step(self, result: Any) -> Any:
        """Count, and truncate when the count is up."""
        left = self._left = self._left - 1
        if left > 0:
            return result
        self.ended = self.alert = True
        if isinstance(result, MAStepResult):
            return self._truncate_all(result)
        return StepResult(result.observation, result.reward, result.terminated, not result.terminated, result.info)

    def on_close(self) -> None:
        """Leave it to what is inside to reject what comes after."""
        self.alert = False

    def _truncate_all(self, result: MAStepResult) -> MAStepResult:
        settled = self.env.settle([agent for agent in self.env.agents if agent not in result.observations])
        terminated = result.terminated | settled.terminated
        return MAStepResult(
            result.observations | settled.observations,
            result.rewards | settled.rewards,
            terminated,
            {agent: not ended for agent, ended in terminated.items()},
            result.info | settled.info,
            result.first | settled.first,
            result.elapsed | settled.elapsed,
        )


class AutoReset(ProgramWrapper[EnvObsT, EnvActT]):
    """Begins the next episode in the same step that ends one.

    The result of that step has the reward and the end of the finished transition, and the first observation of the new
    episode. Its `info` has what both infos say, and `final_observation`, `final_info` and `reset_info`. Wrappers that
    must learn when an episode begins go inside; around it they raise `UnsupportedWrapper`.
    """

    episode_wide = True
    restarts = True

    def program(self, action: Any) -> Program[Any]:
        """Step, and reset after the end."""
        result = yield Step(action)
        if not (result.all_done if isinstance(result, MAStepResult) else result.done):
            return result
        result = snapshot(result)  # the environment may use its arrays and dicts again
        if isinstance(result, MAStepResult):
            return _restarted(result, (yield Reset()))
        begun: ResetResult[Any] = yield Reset()
        info = restarted_info(result.observation, result.info, begun.info)
        return StepResult(begun.observation, result.reward, result.terminated, result.truncated, info)


def restarted_info(final_observation: Any, final_info: dict[str, Any], reset_info: dict[str, Any]) -> dict[str, Any]:
    """Return the info of a step that ended one episode and began the next: both infos, merged and each by itself.

    Where both have a name, the new episode's value counts, since it goes with the observation.
    """
    whole = {"final_observation": final_observation, "final_info": final_info, "reset_info": reset_info}
    return {**final_info, **reset_info, **whole}


def _restarted(result: MAStepResult, begun: MAResetResult) -> MAStepResult:
    """Return the last transitions with the new episode's observations; agents that begin but have not ended are new."""
    first = begun.observations.keys() - (result.observations.keys() - result.first)
    info = {
        agent: restarted_info(result.observations[agent], said, begun.info.get(agent, {}))
        for agent, said in result.info.items()
    }
    fresh = {agent: said for agent, said in begun.info.items() if agent not in info}
    return MAStepResult(
        result.observations | begun.observations,
        dict.fromkeys(fresh, 0.0) | result.rewards,
        dict.fromkeys(fresh, False) | result.terminated,
        dict.fromkeys(fresh, False) | result.truncated,
        fresh | info,
        frozenset(first),
        result.elapsed,
    )
