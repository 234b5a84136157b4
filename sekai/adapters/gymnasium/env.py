"""Environments of one agent: ours as gymnasium's, and gymnasium's as ours."""

from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec as GymnasiumSpec
from gymnasium.utils import seeding

import sekai
from sekai.adapters.gymnasium.spaces import from_gymnasium_space, to_gymnasium_space
from sekai.adapters.gymnasium.values import (
    Conversion,
    action_from_gymnasium,
    to_gymnasium_action_space,
    value_from_gymnasium,
    value_to_gymnasium,
)
from sekai.core.env import Env, MultiAgentEnv
from sekai.core.result import ResetResult, StepResult
from sekai.error import SekaiError
from sekai.registry.spec import EnvSpec
from sekai.spaces.masks import mask_array
from sekai.spaces.space import Space
from sekai.spaces.tree import map_value

__all__ = ["FromGymnasium", "ToGymnasium", "flags", "from_gymnasium", "make", "spec_from_gymnasium", "to_gymnasium"]

_MAKE = "sekai.adapters.gymnasium:make"
_MAKE_BACK = "sekai.adapters.gymnasium.env:_made_by_gymnasium"


def to_gymnasium(env: Env[Any, Any], renderer: Any = None) -> gymnasium.Env[Any, Any]:
    """Return `env` as a `gymnasium.Env`.

    `renderer.render(env)` draws its frames, by render mode `"rgb_array"`; without a renderer `env.render()` does, where
    `env` has a `render_mode`. Choices among actions are counted from 0, as trainers send them, whatever the `start` of
    the space. The `spec` makes the same environment again, if `sekai.make` made `env` and nothing was put around it.
    Raises `SekaiError` for many agents and for vector envs.
    """
    if isinstance(env, MultiAgentEnv):
        raise SekaiError(
            f"gymnasium has one agent, and {env!r} has {list(env.possible_agents)}: take env.view(agent, others), "
            "or sekai.adapters.pettingzoo for all of them"
        )
    if not isinstance(env, Env):
        raise SekaiError(f"env must be a sekai.Env, got {env!r}")
    if isinstance(env, FromGymnasium) and renderer is None:
        return env.env
    return ToGymnasium(env, renderer)


def from_gymnasium(env: gymnasium.Env[Any, Any]) -> Env[Any, Any]:
    """Return a `gymnasium.Env` as a `sekai.Env`."""
    if not isinstance(env, gymnasium.Env):
        raise SekaiError(f"env must be a gymnasium.Env, got {env!r}")
    return env.sekai_env if isinstance(env, ToGymnasium) else FromGymnasium(env)


def make(
    env_id: str, *, renderer: Any = None, render_mode: str | None = None, **kwargs: Any
) -> gymnasium.Env[Any, Any]:
    """Return `to_gymnasium(sekai.make(env_id, **kwargs), renderer)`: an entry point for gymnasium's registry.

    `gymnasium.register("markets/MarketMaking-v0", "sekai.adapters.gymnasium:make", kwargs={"env_id": ...})`.
    """
    env = to_gymnasium(sekai.make(env_id, **kwargs), renderer)
    if render_mode not in (None, env.render_mode):
        raise SekaiError(f"render_mode must be {env.render_mode!r} here, got {render_mode!r}: frames need a renderer")
    return env


class ToGymnasium(gymnasium.Env[Any, Any]):
    """The environment `sekai_env` with gymnasium's methods, spaces and tuples; made by `to_gymnasium`."""

    def __init__(self, sekai_env: Env[Any, Any], renderer: Any = None) -> None:
        self.sekai_env = sekai_env
        self.renderer = renderer
        self.observation_space = to_gymnasium_space(sekai_env.observation_space)
        keeps_start = getattr(sekai_env.unwrapped, "keeps_start", False) is True
        self.action_space = to_gymnasium_action_space(sekai_env.action_space, keeps_start)
        self._convert_observation = value_to_gymnasium(sekai_env.observation_space)
        self._convert_action = action_from_gymnasium(sekai_env.action_space, keeps_start)
        self.render_mode = _render_mode(sekai_env) if renderer is None else "rgb_array"
        modes = [] if self.render_mode is None else [self.render_mode]
        self.metadata = {"render_fps": 30, **sekai_env.metadata, "render_modes": modes}
        self.spec = _gymnasium_spec(sekai_env, renderer)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; return the observation and the info."""
        begun = self.sekai_env.reset(seed=seed, options=options)
        self._np_random, self._np_random_seed = self.np_random, self.np_random_seed
        return self._shown(begun.observation), begun.info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take an action; return observation, reward, terminated, truncated and info."""
        result = self.sekai_env.step(self._convert_action(action) if self._convert_action else action)
        return (
            self._shown(result.observation),
            float(result.reward),
            bool(result.terminated),
            bool(result.truncated),
            result.info,
        )

    def _shown(self, observation: Any) -> Any:
        return self._convert_observation(observation) if self._convert_observation else observation

    def render(self) -> Any:
        """Return a frame of the environment as it is now, or None where nothing draws one."""
        if self.renderer is not None:
            return self.renderer.render(self.sekai_env)
        return None if self.render_mode is None else self.sekai_env.unwrapped.render()

    def action_masks(self) -> Any:
        """Return which actions are allowed now, in the form that `sb3_contrib.MaskablePPO` expects.

        An array of booleans: `(n,)` for a Discrete, the choices one after the other, `(nvec.sum(),)`, for a
        MultiDiscrete; all true where nothing is forbidden. Raises `SpaceMismatch` for actions that have no masks.
        """
        return flags(self.sekai_env.action_space, self.sekai_env.action_mask())

    def close(self) -> None:
        """Close the environment and the renderer."""
        self.sekai_env.close()
        if self.renderer is not None:
            self.renderer.close()

    @property
    def unwrapped(self) -> gymnasium.Env[Any, Any]:
        """Gymnasium's environment inside, if `sekai_env` came from gymnasium, else this."""
        base = self.sekai_env.unwrapped
        return base.env.unwrapped if isinstance(base, FromGymnasium) else self

    @property
    def np_random(self) -> np.random.Generator:
        """The environment's own random stream."""
        return self.sekai_env.rng

    @np_random.setter
    def np_random(self, value: np.random.Generator) -> None:
        raise SekaiError("np_random is the environment's own: seed it by reset(seed=...)")

    @property
    def np_random_seed(self) -> int:
        """The seed from which the environment's random stream began."""
        return self.sekai_env._set_rng()

    def has_wrapper_attr(self, name: str) -> bool:
        """Say whether this, the environment or a wrapper around it has an attribute `name`."""
        return self._holder(name) is not None

    def get_wrapper_attr(self, name: str) -> Any:
        """Return the attribute `name` of this or of the outermost wrapper that has it; raises `AttributeError`."""
        holder = self._holder(name)
        if holder is None:
            raise AttributeError(f"{self.sekai_env!r} has no attribute {name!r}")
        return getattr(holder, name)

    def set_wrapper_attr(self, name: str, value: Any, *, force: bool = True) -> bool:
        """Set the attribute `name` where it is; where it is nowhere, set it on this with `force`, else return False."""
        holder = self._holder(name)
        if holder is None and not force:
            return False
        setattr(self if holder is None else holder, name, value)
        return True

    def __str__(self) -> str:
        return f"<{type(self).__name__}({self.sekai_env!r})>"

    def __repr__(self) -> str:
        return str(self)

    def _holder(self, name: str) -> Any:
        return next((env for env in (self, *self.sekai_env) if hasattr(env, name)), None)


def _render_mode(env: Env[Any, Any]) -> str | None:
    return getattr(env.unwrapped, "render_mode", None)


def flags(space: Space[Any], mask: Any) -> Any:
    """Return a mask of `space` as arrays of booleans; None allows everything."""
    return map_value(lambda _, zeros_and_ones, __: zeros_and_ones.astype(bool), space, mask_array(space, mask))


class FromGymnasium(Env[Any, Any]):
    """The gymnasium environment `env` with our methods, spaces and results; made by `from_gymnasium`.

    Attributes that it does not have itself, such as `gravity`, `render` or `render_mode`, are read from `env` and its
    wrappers, and set there.
    """

    env: gymnasium.Env[Any, Any]
    keeps_start: ClassVar[bool] = True
    """Whether `to_gymnasium` leaves choices as they are instead of counting them from 0."""
    _convert_action: Conversion = None  # what the class has is set on this, the rest where `env` has it
    _convert_observation: Conversion = None
    _mask: Any = None

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        self.__dict__["env"] = env
        self.observation_space = from_gymnasium_space(env.observation_space)
        self.action_space = from_gymnasium_space(env.action_space)
        self._convert_action = value_to_gymnasium(self.action_space)
        self._convert_observation = value_from_gymnasium(self.observation_space)
        self._spec = spec_from_gymnasium(env)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> ResetResult[Any]:
        """Begin an episode."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._mask = info.get("action_mask")
        return ResetResult(self._convert_observation(observation) if self._convert_observation else observation, info)

    def step(self, action: Any) -> StepResult[Any]:
        """Take one action and return the finished transition."""
        if self._convert_action:
            action = self._convert_action(action)
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._mask = info.get("action_mask")
        if self._convert_observation:
            observation = self._convert_observation(observation)
        return StepResult(observation, float(reward), bool(terminated), bool(truncated), info)

    def action_mask(self) -> Any:
        """Return which actions are allowed now: the last info's `action_mask`, or None where it has none."""
        return self._mask

    def close(self) -> None:
        """Close the environment."""
        self.env.close()

    @property
    def rng(self) -> np.random.Generator:
        """The environment's own random stream."""
        return self.env.unwrapped.np_random

    def _set_rng(self, seed: int | None = None) -> int:
        theirs = self.env.unwrapped
        if seed is not None:
            theirs._np_random, theirs._np_random_seed = seeding.np_random(seed)
        return theirs.np_random_seed

    @property
    def metadata(self) -> dict[str, Any]:  # type: ignore[override]
        """Gymnasium's metadata."""
        return self.env.metadata

    def __getattr__(self, name: str) -> Any:
        if name == "env" or name.startswith("__"):  # while it is being made, copied or pickled
            raise AttributeError(name)
        return self.env.get_wrapper_attr(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(type(self), name) or name in self.__dict__ or not self.env.has_wrapper_attr(name):
            super().__setattr__(name, value)
        else:
            self.env.set_wrapper_attr(name, value)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.env})>"


def _gymnasium_spec(env: Env[Any, Any], renderer: Any) -> GymnasiumSpec | None:
    """Return the gymnasium spec that makes `env` again, or None if `sekai.make` did not make it as it is."""
    spec = env.spec
    if spec is None or len(list(env)) != 2 + (spec.max_episode_steps is not None) + len(spec.additional_wrappers):
        return None
    drawn = {} if renderer is None else {"renderer": renderer}
    return GymnasiumSpec(
        id=spec.id,
        entry_point=_MAKE,
        reward_threshold=spec.reward_threshold,
        kwargs={"env_id": spec.id, **spec.kwargs, **drawn},
    )


def spec_from_gymnasium(env: Any) -> EnvSpec | None:
    """Return our spec of one of gymnasium's environments, or None if `gymnasium.make` did not make it."""
    spec = env.spec
    if spec is None:
        return None
    return EnvSpec(spec.id, _MAKE_BACK, kwargs={"spec": spec}, reward_threshold=spec.reward_threshold)


def _made_by_gymnasium(spec: GymnasiumSpec) -> Env[Any, Any]:
    return from_gymnasium(gymnasium.make(spec))
