"""Many environments as one: their spaces, their seeds, and access to each of them."""

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np

from sekai.core.env import Env
from sekai.core.multi_agent import MultiAgentEnv
from sekai.core.result import AgentID
from sekai.core.seeding import child_seed
from sekai.error import ClosedEnvironment, ResetRequired, SekaiError, SpaceMismatch, UndefinedAttribute
from sekai.spaces.space import Space

__all__ = ["VecEnv", "layers_with", "make_all", "seeds_of"]


class VecEnv:
    """N environments, of one agent each or of many; spaces are those of one of them.

    A single-agent vector env has `observation_space` and `action_space`; one of many agents has
    `possible_agents`, `groups`, `observation_spaces` and `action_spaces`.
    """

    def __init__(self, env: Env[Any, Any] | MultiAgentEnv, num_envs: int) -> None:
        self.num_envs = num_envs
        self.many = isinstance(env, MultiAgentEnv)
        self._first = env
        self._closed = False
        self._begun = False

    @property
    def observation_space(self) -> Space[Any]:
        """One row's observation space; raises `UndefinedAttribute` for many agents, who have one each."""
        if isinstance(self._first, MultiAgentEnv):
            raise UndefinedAttribute("many agents have a space each: use observation_spaces[agent]")
        return self._first.observation_space

    @property
    def action_space(self) -> Space[Any]:
        """One row's action space; raises `UndefinedAttribute` for many agents, who have one each."""
        if isinstance(self._first, MultiAgentEnv):
            raise UndefinedAttribute("many agents have a space each: use action_spaces[agent]")
        return self._first.action_space

    @property
    def possible_agents(self) -> Sequence[AgentID]:
        """All agents that may ever live in a row."""
        return self._multi().possible_agents

    @property
    def groups(self) -> dict[str, tuple[AgentID, ...]]:
        """The agents of each role."""
        return self._multi().groups

    @property
    def observation_spaces(self) -> dict[AgentID, Space[Any]]:
        """One row's observation space by agent."""
        return dict(self._multi().observation_spaces)

    @property
    def action_spaces(self) -> dict[AgentID, Space[Any]]:
        """One row's action space by agent."""
        return dict(self._multi().action_spaces)

    def close(self) -> None:
        """Close all environments; closing twice does nothing."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __len__(self) -> int:
        return self.num_envs

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.num_envs} x {self._first!r})>"

    def _multi(self) -> MultiAgentEnv:
        if not isinstance(self._first, MultiAgentEnv):
            raise UndefinedAttribute("this vector env has one agent: use observation_space and action_space")
        return self._first

    def _check(self, method: str) -> None:
        if self._closed:
            raise ClosedEnvironment(f"{method} after close: make a new vector env")
        if method == "step" and not self._begun:
            raise ResetRequired("step before the first reset: call reset() first")
        self._begun = True


def make_all(env_fns: Sequence[Callable[[], Any]]) -> list[Any]:
    """Call each function for an environment of its own; raises `SpaceMismatch` unless all have the same spaces."""
    if not env_fns:
        raise SekaiError("env_fns must be at least one function that makes an environment, got none")
    envs: list[Any] = []
    for index, make in enumerate(env_fns):
        if not callable(make):
            raise SekaiError(f"env_fns[{index}] must be callable and make an environment, got {make!r}")
        env = make()
        if not isinstance(env, Env | MultiAgentEnv):
            raise SekaiError(f"env_fns[{index}] must make an Env or a MultiAgentEnv, got {env!r}")
        if any(env is other for other in envs):
            raise SekaiError(f"env_fns[{index}] gave an environment that is there already: make a new one each time")
        _check_alike(envs[0] if envs else env, env, index)
        envs.append(env)
    return envs


def _check_alike(first: Any, env: Any, index: int) -> None:
    if isinstance(env, MultiAgentEnv) != isinstance(first, MultiAgentEnv):
        raise SpaceMismatch(f"environment {index} must have one agent as environment 0 has, or many as it has")
    for name in ("observation_space", "action_space"):
        if isinstance(env, MultiAgentEnv):
            name += "s"
        ours, theirs = getattr(env, name), getattr(first, name)
        if isinstance(env, MultiAgentEnv):
            ours, theirs = dict(ours), dict(theirs)
        if ours != theirs:
            raise SpaceMismatch(f"all environments must have the same {name}: {index} has {ours}, 0 has {theirs}")


def seeds_of(seed: int | Sequence[int | None] | None, count: int) -> list[int | None]:
    """Return `count` seeds: children of `seed` by their index, or the seeds given one by one."""
    if seed is None:
        return [None] * count
    if isinstance(seed, int | np.integer):
        return [child_seed(int(seed), index) for index in range(count)]
    if len(seed) != count:
        raise SekaiError(f"seed must be an integer, None, or {count} of them, got {len(seed)}")
    return list(seed)


def layers_with(env: Any, name: str) -> Iterator[Any]:
    """Yield the layers of `env` that have an attribute `name`, outermost first."""
    for layer in env:
        if hasattr(layer, name):
            yield layer
