"""What wrappers require of their arguments and of the spaces that they change."""

from typing import Any

import numpy as np

from sekai.error import SekaiError, SpaceMismatch
from sekai.spaces.box import Box
from sekai.spaces.space import Space
from sekai.spaces.tree import leaves

__all__ = ["need_arrays", "need_box", "need_whole"]


def need_whole(name: str, value: Any, least: int) -> int:
    """Return `value` as an int; raises `SekaiError` unless it is an integer >= `least`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise SekaiError(f"{name} must be an integer >= {least}, got {value!r}")
    return int(value)


def need_box(wrapper: Any, space: Space[Any]) -> None:
    """Raise `SpaceMismatch` for a space without a Box anywhere in it."""
    if not any(isinstance(leaf, Box) for _, leaf in leaves(space)):
        raise SpaceMismatch(f"{type(wrapper).__name__} needs a Box, got {space}")


def need_arrays(wrapper: Any, space: Space[Any]) -> None:
    """Raise `SpaceMismatch` for a space with values that are no arrays."""
    for path, leaf in leaves(space):
        if leaf.shape is None:
            raise SpaceMismatch(f"{type(wrapper).__name__} needs arrays, got {leaf} at {list(path)}")
