"""Our spaces as dm_env's specs and back. There, a nested spec is a dict or a tuple of specs."""

from typing import Any

import numpy as np
from dm_env import specs

from sekai.error import SpaceMismatch
from sekai.spaces.box import Box
from sekai.spaces.dict import Dict
from sekai.spaces.discrete import Discrete
from sekai.spaces.multi_binary import MultiBinary
from sekai.spaces.multi_discrete import MultiDiscrete
from sekai.spaces.space import Space
from sekai.spaces.tuple import Tuple

__all__ = ["from_dm_spec", "to_dm_spec", "value_to_gymnasium"]


def to_dm_spec(space: Space[Any], name: str | None = None) -> Any:
    """Return the spec of a space's values; raises `SpaceMismatch` for values that are not arrays of a fixed shape."""
    if isinstance(space, Dict):
        return {part: to_dm_spec(inside, part) for part, inside in space.items()}
    if isinstance(space, Tuple):
        return tuple(to_dm_spec(inside, name) for inside in space)
    if isinstance(space, Discrete) and space.start == 0:
        return specs.DiscreteArray(space.n, space.dtype, name)
    if isinstance(space, Box) and not (space.bounded_below.any() or space.bounded_above.any()):
        return specs.Array(space.shape, space.dtype, name)
    if not isinstance(space, Box | Discrete | MultiDiscrete | MultiBinary):
        raise SpaceMismatch(f"space must hold arrays of a fixed shape for dm_env, got {space!r}")
    low, high = _ends(space)
    return specs.BoundedArray(space.shape, space.dtype, low, high, name)


def from_dm_spec(spec: Any) -> Space[Any]:
    """Return the space of a spec's values; raises `SpaceMismatch` for strings and for what is no spec."""
    if isinstance(spec, dict):
        return Dict({name: from_dm_spec(part) for name, part in spec.items()})
    if isinstance(spec, tuple | list):
        return Tuple([from_dm_spec(part) for part in spec])
    if isinstance(spec, specs.DiscreteArray):
        return Discrete(spec.num_values, dtype=spec.dtype)
    if isinstance(spec, specs.BoundedArray):
        return Box(spec.minimum, spec.maximum, spec.shape, spec.dtype)
    if isinstance(spec, specs.Array) and not isinstance(spec, specs.StringArray):
        return Box(-np.inf, np.inf, spec.shape, spec.dtype)
    raise SpaceMismatch(f"spec must be of numbers, or a dict or tuple of such, got {spec!r}")


def value_to_gymnasium(space: Space[Any], value: Any) -> Any:
    """Return a value of `space` as its spec has it: arrays of the very dtype."""
    if isinstance(space, Dict):
        return {name: value_to_gymnasium(part, value[name]) for name, part in space.items()}
    if isinstance(space, Tuple):
        return tuple(value_to_gymnasium(part, inside) for part, inside in zip(space, value, strict=True))
    return np.asarray(value, space.dtype)


def _ends(space: Any) -> tuple[Any, Any]:
    if isinstance(space, Box):
        return space.low, space.high
    if isinstance(space, MultiBinary):
        return 0, 1
    n = space.n if isinstance(space, Discrete) else space.nvec
    return space.start, space.start + n - 1
