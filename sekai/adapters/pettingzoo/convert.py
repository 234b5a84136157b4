"""The four conversions. Converting back returns the environment itself, without an adapter around it."""

from typing import Any

from pettingzoo import AECEnv, ParallelEnv

from sekai.adapters.pettingzoo.from_pettingzoo import FromAEC, FromParallel
from sekai.adapters.pettingzoo.to_pettingzoo import ToAEC, ToParallel
from sekai.core.env import MultiAgentEnv
from sekai.error import SekaiError

__all__ = ["from_aec", "from_parallel", "to_aec", "to_parallel"]


def to_parallel(env: MultiAgentEnv, renderer: Any = None) -> Any:
    """Return `env` as a `pettingzoo.ParallelEnv`; `renderer.render(env)` draws its frames.

    Choices among an agent's actions are counted from 0, as trainers send them, whatever the `start` of their space
    here. Infos have two more entries: `acting`, whether the agent's next action counts, and `elapsed`, the time since
    it acted or was told last, in steps where the environment does not tell it. Raises `SekaiError` for an environment
    of one agent: take `env.as_multi_agent()`.
    """
    _check_many(env)
    return env.env if isinstance(env, FromParallel) and renderer is None else ToParallel(env, renderer)


def to_aec(env: MultiAgentEnv, renderer: Any = None) -> Any:
    """Return `env` as a `pettingzoo.AECEnv`; arguments and errors are those of `to_parallel`.

    `observe(agent)` of an agent that waits is what it saw last.
    """
    _check_many(env)
    return env.env if isinstance(env, FromAEC) and renderer is None else ToAEC(env, renderer)


def _check_many(env: Any) -> None:
    if not isinstance(env, MultiAgentEnv):
        raise SekaiError(f"env must be a MultiAgentEnv, got {env!r}: an Env has env.as_multi_agent()")


def from_parallel(env: Any) -> MultiAgentEnv:
    """Return a `pettingzoo.ParallelEnv` as a `MultiAgentEnv` in which all agents act at every step."""
    if not isinstance(env, ParallelEnv):
        raise SekaiError(f"env must be a pettingzoo.ParallelEnv, got {env!r}")
    return env.sekai_env if isinstance(env, ToParallel) else FromParallel(env)


def from_aec(env: Any) -> MultiAgentEnv:
    """Return a `pettingzoo.AECEnv` as a `MultiAgentEnv` in which one agent acts at a time.

    What an agent earns before its first action is paid with its first transition.
    """
    if not isinstance(env, AECEnv):
        raise SekaiError(f"env must be a pettingzoo.AECEnv, got {env!r}")
    return env.sekai_env if isinstance(env, ToAEC) else FromAEC(env)
