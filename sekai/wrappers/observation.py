"""Wrappers that change observations, nested ones too.

Those that remember nothing take `(..., *shape)`, so that one serves an agent, a group or all rows of a vector env.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sekai.core.env import Env
from sekai.core.result import ResetResult, StepResult
from sekai.core.wrapper import EnvActT, EnvObsT, ObservationWrapper, Wrapper
from sekai.error import SekaiError, SpaceMismatch
from sekai.spaces.box import Box
from sekai.spaces.dict import Dict
from sekai.spaces.discrete import Discrete
from sekai.spaces.masks import mask_array, mask_space
from sekai.spaces.multi_discrete import MultiDiscrete
from sekai.spaces.space import Space
from sekai.spaces.tree import Path, map_space, map_value, real_dtype
from sekai.spaces.tuple import Tuple
from sekai.spaces.utils import batch_space, flatten, flatten_space
from sekai.wrappers.affine import Affine
from sekai.wrappers.needs import need_arrays, need_box, need_whole

__all__ = [
    "ActionMaskObservation",
    "DelayObservation",
    "DtypeObservation",
    "FilterObservation",
    "FlattenObservation",
    "FrameStackObservation",
    "RescaleObservation",
    "TimeAwareObservation",
    "TransformObservation",
]


class TransformObservation(ObservationWrapper[EnvObsT, EnvActT]):
    """Applies `fn` to observations; `observation_space` is the space of what it returns, if that differs."""

    def __init__(
        self, env: Env[Any, EnvActT], fn: Callable[[Any], EnvObsT], observation_space: Space[EnvObsT] | None = None
    ) -> None:
        super().__init__(env)
        if not callable(fn):
            raise SekaiError(f"fn must be callable on an observation, got {fn!r}")
        self.fn = fn
        if observation_space is not None:
            self.observation_space = observation_space

    def observation(self, obs: Any) -> EnvObsT:
        """Return `fn(obs)`."""
        return self.fn(obs)


class FlattenObservation(ObservationWrapper[NDArray[Any], EnvActT]):
    """Flattens observations of any space of fixed size to a Box of one dimension."""

    over_rows = True

    def __init__(self, env: Env[Any, EnvActT]) -> None:
        super().__init__(env)
        self._inner = env.observation_space
        self.observation_space = flatten_space(self._inner)

    def observation(self, obs: Any) -> NDArray[Any]:
        """Return `obs` as a flat array."""
        return flatten(self._inner, obs)


class FilterObservation(ObservationWrapper[Any, EnvActT]):
    """Keeps the named parts of a Dict, or the numbered parts of a Tuple, in the order given.

    Raises `SpaceMismatch` for another space, and for a part that it does not have.
    """

    over_rows = True

    def __init__(self, env: Env[Any, EnvActT], keys: Sequence[str] | Sequence[int]) -> None:
        super().__init__(env)
        inner = env.observation_space
        self.keys = list(keys)
        if not isinstance(inner, Dict | Tuple):
            raise SpaceMismatch(f"FilterObservation needs a Dict or a Tuple, got {inner}")
        parts: dict[Any, Space[Any]] = dict(inner.items() if isinstance(inner, Dict) else enumerate(inner))
        for key in self.keys:
            if key not in parts:
                raise SpaceMismatch(f"keys must be out of {list(parts)}, got {key!r}")
        self._named = isinstance(inner, Dict)
        kept: dict[Any, Space[Any]] = {key: parts[key] for key in self.keys}
        self.observation_space = Dict(kept) if self._named else Tuple(kept.values())

    def observation(self, obs: Any) -> Any:
        """Return the parts that are kept."""
        return {key: obs[key] for key in self.keys} if self._named else tuple(obs[key] for key in self.keys)


class DtypeObservation(ObservationWrapper[EnvObsT, EnvActT]):
    """Casts every Box of the observation to `dtype`; raises `SpaceMismatch` where there is none.

    A bound that is too large for a narrower float becomes infinite, as a value would; other bounds must fit `dtype`.
    """

    over_rows = True

    def __init__(self, env: Env[EnvObsT, EnvActT], dtype: DTypeLike) -> None:
        super().__init__(env)
        self.dtype = np.dtype(dtype)
        self._inner = env.observation_space
        need_box(self, self._inner)
        self.observation_space = map_space(self._cast_space, self._inner)

    def observation(self, obs: Any) -> Any:
        """Return `obs`, cast."""
        return map_value(self._cast, self._inner, obs)

    def _cast(self, space: Space[Any], value: Any, path: Path) -> Any:
        return np.asarray(value).astype(self.dtype) if isinstance(space, Box) else value

    def _cast_space(self, space: Space[Any], path: Path) -> Space[Any]:
        if not isinstance(space, Box):
            return space
        low, high = space.limits
        if space.dtype.kind == "f" and self.dtype.kind in "iu":  # as a cast does
            low, high = np.trunc(low), np.trunc(high)
        elif space.dtype.kind == "f" and self.dtype.kind == "f":
            with np.errstate(over="ignore"):
                low, high = low.astype(self.dtype), high.astype(self.dtype)
        return Box(low, high, space.shape, self.dtype)


class RescaleObservation(ObservationWrapper[EnvObsT, EnvActT]):
    """Maps the bounds of every Box of the observation linearly to [`min`, `max`]; values beyond them are not clipped.

    Raises `SpaceMismatch` for a Box without bounds, and where there is no Box.
    """

    over_rows = True

    def __init__(self, env: Env[EnvObsT, EnvActT], min: float = -1.0, max: float = 1.0) -> None:
        super().__init__(env)
        if not min < max:
            raise SekaiError(f"min must be < max, got {min} and {max}")
        self.min, self.max = float(min), float(max)
        self._inner = env.observation_space
        need_box(self, self._inner)
        self._lines: dict[Path, Affine] = {}
        self.observation_space = map_space(self._rescaled_space, self._inner)

    def observation(self, obs: Any) -> Any:
        """Return `obs`, rescaled."""
        return map_value(self._rescaled, self._inner, obs)

    def _rescaled(self, space: Space[Any], value: Any, path: Path) -> Any:
        return self._lines[path](value) if path in self._lines else value

    def _rescaled_space(self, space: Space[Any], path: Path) -> Space[Any]:
        if not isinstance(space, Box):
            return space
        if not all(space.is_bounded):
            raise SpaceMismatch(f"RescaleObservation needs bounds on both sides, got {space} at {list(path)}")
        scaled = Box(self.min, self.max, space.shape, real_dtype(space))
        self._lines[path] = Affine(space, scaled)
        return scaled


class FrameStackObservation(ObservationWrapper[EnvObsT, EnvActT]):
    """Stacks the last `n` observations along a new leading axis, oldest first; each array of a nested one by itself.

    At an episode's beginning the first observation is repeated, or with `padding="zero"` the values nearest to zero
    come first.
    """

    def __init__(self, env: Env[EnvObsT, EnvActT], n: int, padding: str = "reset") -> None:
        super().__init__(env)
        self.n = need_whole("n", n, 1)
        if padding not in ("reset", "zero"):
            raise SekaiError(f"padding must be 'reset' or 'zero', got {padding!r}")
        self.padding = padding
        self._inner = env.observation_space
        need_arrays(self, self._inner)
        self.observation_space = batch_space(self._inner, n)
        self._frames: deque[Any] = deque(maxlen=n)

    def on_begin(self) -> None:
        """Forget the last episode."""
        self._frames.clear()

    def observation(self, obs: Any) -> Any:
        """Return the last n observations."""
        if not self._frames:
            pad = obs if self.padding == "reset" else _zeros(self._inner)
            self._frames.extend([pad] * self.n)
        self._frames.append(obs)
        return _stacked(self._inner, list(self._frames))


class DelayObservation(ObservationWrapper[EnvObsT, EnvActT]):
    """Shows the observation of `delay` steps ago; until there is one, the values nearest to zero."""

    def __init__(self, env: Env[EnvObsT, EnvActT], delay: int) -> None:
        super().__init__(env)
        self.delay = need_whole("delay", delay, 0)
        self._inner = env.observation_space
        need_arrays(self, self._inner)
        self._queue: deque[Any] = deque()

    def on_begin(self) -> None:
        """Forget the last episode."""
        self._queue.clear()

    def observation(self, obs: Any) -> Any:
        """Return the observation of `delay` steps ago."""
        self._queue.append(obs)
        return self._queue.popleft() if len(self._queue) > self.delay else _zeros(self._inner)


class TimeAwareObservation(ObservationWrapper[Any, EnvActT]):
    """Adds the number of steps that the agent has taken in its episode, `(1,)`.

    A Dict gets a part `time`, a Tuple a last part; another observation becomes a Dict of `obs` and `time`. With
    `flatten` the result is one flat array. With `normalize_time` the number is divided by `max_episode_steps`, by
    default the spec's; raises `SekaiError` where there is none.
    """

    def __init__(
        self,
        env: Env[Any, EnvActT],
        flatten: bool = True,
        normalize_time: bool = False,
        max_episode_steps: int | None = None,
    ) -> None:
        super().__init__(env)
        spec = env.spec
        limit = spec.max_episode_steps if max_episode_steps is None and spec is not None else max_episode_steps
        if limit is None and normalize_time:
            raise SekaiError("normalize_time needs max_episode_steps, which the environment's spec does not have")
        self._limit = None if limit is None else need_whole("max_episode_steps", limit, 1)
        self._normalised, self._flat, self._time = normalize_time, flatten, 0
        inner = env.observation_space
        self._form = type(inner) if isinstance(inner, Dict | Tuple) else None
        self._whole_space = self._with(inner, self._time_space())
        self.observation_space = flatten_space(self._whole_space) if flatten else self._whole_space

    def on_begin(self) -> None:
        """Restart the count."""
        self._time = 0

    def observation(self, obs: Any) -> Any:
        """Return `obs` with the time, and count on."""
        if self._normalised:
            assert self._limit is not None
            time = np.array([min(self._time / self._limit, 1.0)], np.float32)
        else:
            time = np.array([self._time], np.int32)
        self._time += 1
        if self._form is Dict:
            whole: Any = {**obs, "time": time}
        else:
            whole = (*obs, time) if self._form is Tuple else {"obs": obs, "time": time}
        return flatten(self._whole_space, whole) if self._flat else whole

    def _time_space(self) -> Box:
        if self._normalised:
            return Box(0.0, 1.0, (1,))
        return Box(0, np.inf if self._limit is None else self._limit, (1,), np.int32)

    def _with(self, inner: Space[Any], time: Box) -> Space[Any]:
        if isinstance(inner, Dict):
            if "time" in inner.spaces:
                raise SpaceMismatch(f"TimeAwareObservation adds 'time', which is there already: {inner}")
            return Dict({**inner.spaces, "time": time})
        return Tuple([*inner, time]) if isinstance(inner, Tuple) else Dict({"obs": inner, "time": time})


class ActionMaskObservation(Wrapper[dict[str, Any], EnvActT]):
    """Moves the action mask into the observation: a Dict of `observation` and `action_mask`.

    The mask is `info["action_mask"]`, else what `action_mask()` returns; without either, everything is allowed. It is
    made of zeros and ones, see `sekai.spaces.masks`. Raises `SpaceMismatch` for an action space without masks.
    """

    over_restarts = True

    def __init__(self, env: Env[Any, EnvActT]) -> None:
        super().__init__(env)
        self._acts = env.action_space
        parts = {"observation": env.observation_space, "action_mask": mask_space(self._acts)}
        self.observation_space = Dict(parts)

    def on_reset(self, result: ResetResult[Any]) -> ResetResult[Any]:
        """Return the first observation with its mask."""
        return ResetResult(self._masked(result.observation, result.info), result.info)

    def on_step(self, result: StepResult[Any]) -> StepResult[Any]:
        """Return the step's observation with its mask."""
        seen = self._masked(result.observation, result.info)
        return StepResult(seen, result.reward, result.terminated, result.truncated, result.info)

    def _masked(self, obs: Any, info: dict[str, Any]) -> dict[str, Any]:
        mask = info["action_mask"] if "action_mask" in info else self.env.action_mask()
        return {"observation": obs, "action_mask": mask_array(self._acts, mask)}


def _zeros(space: Space[Any]) -> Any:
    """Return the value of `space` whose numbers are nearest to zero."""
    return map_value(lambda leaf, _, path: _zero(leaf), space, _Nothing())


def _zero(leaf: Space[Any]) -> Any:
    if isinstance(leaf, Box):
        return np.clip(np.zeros(leaf.shape, leaf.dtype), leaf.low, leaf.high)
    if isinstance(leaf, Discrete):
        return np.intp(min(max(0, leaf.start), leaf.start + leaf.n - 1))
    if isinstance(leaf, MultiDiscrete):
        return np.clip(np.zeros_like(leaf.start), leaf.start, leaf.start + leaf.nvec - 1)
    return np.zeros(leaf.shape or (), leaf.dtype)


class _Nothing:
    """A value of any form without anything in it."""

    def __getitem__(self, key: Any) -> "_Nothing":
        return self


def _stacked(space: Space[Any], values: Sequence[Any]) -> Any:
    if isinstance(space, Dict):
        return {name: _stacked(part, [value[name] for value in values]) for name, part in space.items()}
    if isinstance(space, Tuple):
        return tuple(_stacked(part, [value[k] for value in values]) for k, part in enumerate(space))
    return np.stack([np.asarray(value) for value in values])
