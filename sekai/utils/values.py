"""Values that environments hand out: why one is not in its space, and what a careless caller does to one."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from sekai.spaces.box import Box
from sekai.spaces.dict import Dict
from sekai.spaces.tuple import Tuple

__all__ = ["outside", "overwrite"]


def outside(space: Any, value: Any, name: str) -> Iterator[tuple[bool, str]]:
    """Yield why `value`, called `name`, is not in `space`: True if its form is wrong, and a sentence."""
    if value in space:
        return
    if isinstance(space, Dict):
        if not isinstance(value, dict) or value.keys() != space.spaces.keys():
            got = list(value) if isinstance(value, dict) else type(value).__name__
            yield True, f"{name} must be a dict with the names {list(space)}, got {got}"
            return
        for key, part in space.items():
            yield from outside(part, value[key], f"{name}[{key!r}]")
    elif isinstance(space, Tuple) and isinstance(value, tuple | list) and len(value) == len(space):
        for index, part in enumerate(space):
            yield from outside(part, value[index], f"{name}[{index}]")
    elif isinstance(space, Box):
        yield _outside_box(space, value, name)
    else:
        yield True, f"{name} must be in {space}, got {value!r}"


def _outside_box(space: Box, value: Any, name: str) -> tuple[bool, str]:
    if not isinstance(value, np.ndarray | np.generic) and not space.backend.is_array(value):
        return True, f"{name} must be an array, got {type(value).__name__}"
    array = space.backend.to_numpy(value)
    if array.shape != space.shape:
        return True, f"{name} must have shape {space.shape}, got {array.shape}"
    if not np.can_cast(array.dtype, space.dtype):
        return True, f"{name} must be {space.dtype}, got {array.dtype}"
    if array.dtype.kind == "f" and np.isnan(array).any():
        return False, f"{name} must not be NaN"
    return False, f"{name} must be within the bounds of {space}, got values in [{array.min()}, {array.max()}]"


def overwrite(value: Any) -> None:
    """Write over all arrays in `value` and empty its dicts, as a careless caller might."""
    if isinstance(value, dict):
        for part in value.values():
            overwrite(part)
        value.clear()
    elif isinstance(value, tuple | list):
        for part in value:
            overwrite(part)
    elif isinstance(value, np.ndarray) and value.flags.writeable and value.dtype != object:
        value[...] = value.dtype.type(1) if value.dtype.kind in "b" else 99
