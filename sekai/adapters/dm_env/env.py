"""One agent's environment as dm_env sees it, and dm_env's as we do."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import dm_env

from sekai.adapters.dm_env.specs import from_dm_spec, to_dm_spec, value_to_gymnasium
from sekai.core.env import Env
from sekai.core.result import ResetResult, StepResult
from sekai.core.seeding import fresh_seed
from sekai.error import ResetRequired, SekaiError
from sekai.functional.adapt import to_env
from sekai.functional.environment import Environment

__all__ = ["FromDmEnv", "ToDmEnv", "from_dm_env", "to_dm_env"]


def to_dm_env(env: Env[Any, Any] | Environment[Any, Any, Any], seed: int | None = None) -> dm_env.Environment:
    """Return an `Env`, or a functional environment of one agent, as a `dm_env.Environment`.

    Its first episode begins with `seed`, later ones go on with the stream.
    """
    ours = to_env(env) if isinstance(env, Environment) else env
    if not isinstance(ours, Env):
        raise SekaiError(f"env must be an Env or a functional Environment of one agent, got {env!r}")
    if isinstance(ours, FromDmEnv):
        return ours.env
    return ToDmEnv(ours, seed)


def from_dm_env(env: dm_env.Environment | Callable[[int], dm_env.Environment]) -> Env[Any, Any]:
    """Return a `dm_env.Environment` as an `Env`.

    dm_env has no seeds. Give a function that makes the environment of a seed, and `reset(seed=...)` calls it; without
    one `reset` takes no seed.
    """
    if isinstance(env, ToDmEnv):
        return env.sekai_env
    if isinstance(env, dm_env.Environment):
        return FromDmEnv(env)
    if not callable(env):
        raise SekaiError(f"env must be a dm_env.Environment, or make one from a seed, got {env!r}")
    return FromDmEnv(env(fresh_seed()), env)


class ToDmEnv(dm_env.Environment):  # type: ignore[misc]  # dm_env has no types
    """The environment `sekai_env` with dm_env's methods, specs and time steps; made by `to_dm_env`.

    As dm_env has it, a step after the last one, and one before the first reset, begins an episode.
    """

    def __init__(self, sekai_env: Env[Any, Any], seed: int | None = None) -> None:
        self.sekai_env = sekai_env
        self._seed = seed
        self._live = False

    def reset(self) -> dm_env.TimeStep:
        """Begin an episode."""
        seed, self._seed = self._seed, None
        begun = self.sekai_env.reset(seed=seed)
        self._live = True
        return dm_env.restart(self._seen(begun.observation))

    def step(self, action: Any) -> dm_env.TimeStep:
        """Take an action, or begin an episode where none goes on."""
        if not self._live:
            return self.reset()
        result = self.sekai_env.step(action)
        self._live = not result.done
        seen, reward = self._seen(result.observation), float(result.reward)
        if result.terminated:
            return dm_env.termination(reward, seen)
        verb = dm_env.truncation if result.truncated else dm_env.transition
        return verb(reward, seen, float(result.info.get("discount", 1.0)))

    def observation_spec(self) -> Any:
        """What observations are."""
        return to_dm_spec(self.sekai_env.observation_space, "observation")

    def action_spec(self) -> Any:
        """What actions are."""
        return to_dm_spec(self.sekai_env.action_space, "action")

    def close(self) -> None:
        """Close the environment."""
        self.sekai_env.close()

    def _seen(self, observation: Any) -> Any:
        return value_to_gymnasium(self.sekai_env.observation_space, observation)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.sekai_env!r})>"


class FromDmEnv(Env[Any, Any]):
    """The dm_env environment `env` with our methods, spaces and results; made by `from_dm_env`.

    A discount that is neither 0 at a true end nor 1 elsewhere is told in `info["discount"]`.
    """

    def __init__(self, env: dm_env.Environment, make: Callable[[int], dm_env.Environment] | None = None) -> None:
        self.env = env
        self._make = make
        self.observation_space = from_dm_spec(env.observation_spec())
        self.action_space = from_dm_spec(env.action_spec())
        self._live = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> ResetResult[Any]:
        """Begin an episode; with a seed, of an environment that is made anew."""
        if seed is not None:
            if self._make is None:
                raise SekaiError(f"seed must be None, got {seed}: give from_dm_env a function of a seed instead")
            self.env.close()
            self.env = self._make(self._set_rng(seed))
        self._live = True
        return ResetResult(deepcopy(self.env.reset().observation), {})

    def step(self, action: Any) -> StepResult[Any]:
        """Take one action and return the finished transition."""
        if not self._live:
            raise ResetRequired("no episode goes on: call reset() first")
        told = self.env.step(value_to_gymnasium(self.action_space, action))
        self._live = not told.last()
        terminated = told.last() and told.discount == 0.0
        info = {} if told.discount == (0.0 if terminated else 1.0) else {"discount": float(told.discount)}
        truncated = told.last() and not terminated
        return StepResult(deepcopy(told.observation), float(told.reward), terminated, truncated, info)

    def close(self) -> None:
        """Close the environment."""
        self.env.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.env!r})>"
