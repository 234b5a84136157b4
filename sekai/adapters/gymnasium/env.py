"""One agent's environment as gymnasium sees it, and gymnasium's as we do."""

from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec as GymnasiumSpec
from gymnasium.utils import seeding

import sekai
from sekai.adapters.gymnasium.spaces import from_gymnasium_space, to_gymnasium_space
from sekai.adapters.gymnasium.values import action_back, action_space_there, value_back, value_there
from sekai.core.env import Env, MultiAgentEnv
from sekai.core.result import ResetResult, StepResult
from sekai.error import SekaiError
from sekai.registry.spec import EnvSpec
from sekai.spaces.masks import mask_array
from sekai.spaces.space import Space
from sekai.spaces.tree import map_value

__all__ = ["FromGymnasium", "ToGymnasium", "flags", "from_gymnasium", "make", "spec_here", "to_gymnasium"]

_MAKE = "sekai.adapters.gymnasium:make"
_MAKE_BACK = "sekai.adapters.gymnasium.env:_made_by_gymnasium"


def to_gymnasium(env: Env[Any, Any], renderer: Any = None) -> gymnasium.Env[Any, Any]:
    """Return `env` as a `gymnasium.Env`; `renderer.render(env)` draws its frames, by render mode `"rgb_array"`.

    Choices among its actions are counted from 0, as trainers send them, whatever the `start` of their space here.
    Without a renderer frames are those of `env` itself, where it has a `render_mode` and `render()`. Its `spec` makes
    the same again, where `sekai.make` made `env` and nothing was put around it since. Raises
    `SekaiError` for many agents, of whom `env.view(agent)` chooses one, or see `sekai.adapters.pettingzoo`, and for a
    vector env, see `to_gymnasium_vector`.
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
    """Return `sekai.make(env_id, **kwargs)` for gymnasium; it is the entry point of the specs that `to_gymnasium` sets.

    So an id of ours can be registered there:
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
        self.action_space = action_space_there(sekai_env.action_space, keeps_start)
        self._there = value_there(sekai_env.observation_space)
        self._back = action_back(sekai_env.action_space, keeps_start)
        self.render_mode = _render_mode(sekai_env) if renderer is None else "rgb_array"
        modes = [] if self.render_mode is None else [self.render_mode]
        self.metadata = {"render_fps": 30, **sekai_env.metadata, "render_modes": modes}
        self.spec = _spec_there(sekai_env, renderer)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; return the observation and the info."""
        begun = self.sekai_env.reset(seed=seed, options=options)
        self._np_random, self._np_random_seed = self.np_random, self.np_random_seed
        return self._there(begun.observation) if self._there else begun.observation, begun.info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take an action; return observation, reward, terminated, truncated and info."""
        result = self.sekai_env.step(self._back(action) if self._back else action)
        return (
            self._there(result.observation) if self._there else result.observation,
            float(result.reward),
            bool(result.terminated),
            bool(result.truncated),
            result.info,
        )

    def render(self) -> Any:
        """Return a frame of the environment as it stands, or None where there is none, see `to_gymnasium`."""
        if self.renderer is not None:
            return self.renderer.render(self.sekai_env)
        return None if self.render_mode is None else self.sekai_env.unwrapped.render()

    def action_masks(self) -> Any:
        """Return which actions are allowed now, as `sb3_contrib.MaskablePPO` asks for it.

        An array of booleans: `(n,)` of a Discrete, all choices in a row `(nvec.sum(),)` of a MultiDiscrete, all true
        where nothing is forbidden. Raises `SpaceMismatch` for actions that have no masks.
        """
        return flags(self.sekai_env.action_space, self.sekai_env.action_mask())

    def close(self) -> None:
        """Close the environment and the renderer."""
        self.sekai_env.close()
        if self.renderer is not None:
            self.renderer.close()

    @property
    def unwrapped(self) -> gymnasium.Env[Any, Any]:
        """The environment underneath that is gymnasium's own, where there is one, else this."""
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
        """Say whether this or a layer of the environment has an attribute `name`."""
        return self._holder(name) is not None

    def get_wrapper_attr(self, name: str) -> Any:
        """Return the attribute `name` of this, or of the outermost layer that has it; `AttributeError` if none has."""
        holder = self._holder(name)
        if holder is None:
            raise AttributeError(f"{self.sekai_env!r} has no attribute {name!r}")
        return getattr(holder, name)

    def set_wrapper_attr(self, name: str, value: Any, *, force: bool = True) -> bool:
        """Set the attribute `name` on whatever has it; if nothing has, here with `force`, else return False."""
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
        return next((layer for layer in (self, *self.sekai_env) if hasattr(layer, name)), None)


def _render_mode(env: Env[Any, Any]) -> str | None:
    return getattr(env.unwrapped, "render_mode", None)


def flags(space: Space[Any], mask: Any) -> Any:
    """Return a mask of `space` as arrays of booleans; None allows everything."""
    return map_value(lambda _, zeros_and_ones, __: zeros_and_ones.astype(bool), space, mask_array(space, mask))


class FromGymnasium(Env[Any, Any]):
    """The gymnasium environment `env` with our methods, spaces and results; made by `from_gymnasium`.

    Whatever else `env` and its wrappers have, such as `gravity`, `render()` or `render_mode`, is read and set as if it
    were here.
    """

    env: gymnasium.Env[Any, Any]
    keeps_start: ClassVar[bool] = True
    """Choices are counted as gymnasium's environment has them, when they go back there."""

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        self.__dict__["env"] = env
        self.observation_space = from_gymnasium_space(env.observation_space)
        self.action_space = from_gymnasium_space(env.action_space)
        self._there, self._back = value_there(self.action_space), value_back(self.observation_space)
        self._spec = spec_here(env)
        self._mask: Any = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> ResetResult[Any]:
        """Begin an episode."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._mask = info.get("action_mask")
        return ResetResult(self._back(observation) if self._back else observation, info)

    def step(self, action: Any) -> StepResult[Any]:
        """Take one action and return the finished transition."""
        observation, reward, terminated, truncated, info = self.env.step(self._there(action) if self._there else action)
        self._mask = info.get("action_mask")
        if self._back:
            observation = self._back(observation)
        return StepResult(observation, float(reward), bool(terminated), bool(truncated), info)

    def action_mask(self) -> Any:
        """Return which actions are allowed now: what the last info has by `action_mask`, None where it has nothing."""
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
        if name in self.__dict__ or hasattr(type(self), name) or not self.env.has_wrapper_attr(name):
            super().__setattr__(name, value)
        else:
            self.env.set_wrapper_attr(name, value)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.env})>"


def _spec_there(env: Env[Any, Any], renderer: Any) -> GymnasiumSpec | None:
    """Return the gymnasium spec that makes `env` again, if our registry made it as it stands."""
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


def spec_here(env: Any) -> EnvSpec | None:
    """Return our spec of one of gymnasium's environments; None unless its registry made it."""
    spec = env.spec
    if spec is None:
        return None
    return EnvSpec(spec.id, _MAKE_BACK, kwargs={"spec": spec}, reward_threshold=spec.reward_threshold)


def _made_by_gymnasium(spec: GymnasiumSpec) -> Env[Any, Any]:
    return from_gymnasium(gymnasium.make(spec))
