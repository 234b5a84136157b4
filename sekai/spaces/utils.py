"""From structured values to flat arrays of numbers and back.

Numbers of a Box come as they are, a choice of n as a one-hot of n. The array is float32, or float64 where float32 would
lose digits. A new kind of space joins by registering with `flatdim`, `flatten`, `unflatten` and `flat_dtype`:
`@flatdim.register` on a function of the space. Values of a `Box` may have leading dimensions, and keep them.
"""

from functools import singledispatch
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from sekai.error import SpaceMismatch
from sekai.spaces.box import Box
from sekai.spaces.dict import Dict
from sekai.spaces.discrete import Discrete
from sekai.spaces.multi_discrete import MultiDiscrete
from sekai.spaces.space import Space

__all__ = ["flat_dtype", "flatdim", "flatten", "flatten_space", "unflatten"]


def _unknown(space: Any) -> NoReturn:
    raise SpaceMismatch(f"{type(space).__name__} cannot be flattened: register it with sekai.spaces.utils")


@singledispatch
def flatdim(space: Any) -> int:
    """Return how many numbers a value of `space` flattens to."""
    _unknown(space)


@singledispatch
def flat_dtype(space: Any) -> "np.dtype[Any]":
    """Return the dtype of flattened values: float32 where that loses nothing, else float64."""
    return np.dtype(np.float32)


@singledispatch
def flatten(space: Any, x: Any) -> NDArray[Any]:
    """Return `x` as a flat array `(flatdim(space),)`; raises `SpaceMismatch` where `x` is not of the space's form."""
    _unknown(space)


@singledispatch
def unflatten(space: Any, x: NDArray[Any]) -> Any:
    """Return the value of `space` that `flatten` made the flat array `x` from."""
    _unknown(space)


def flatten_space(space: Space[Any]) -> Box:
    """Return the Box of flattened values, with the bounds that are known.

    >>> flatten_space(Dict({"a": Box(0.0, 1.0, (2,)), "b": Discrete(3)})).shape
    (5,)
    """
    low, high = _bounds(space)
    return Box(low, high, (flatdim(space),), flat_dtype(space))


def _bounds(space: Space[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    if isinstance(space, Box):
        low = np.where(space.bounded_below, space.low.astype(np.float64), -np.inf)
        high = np.where(space.bounded_above, space.high.astype(np.float64), np.inf)
        return low.ravel(), high.ravel()
    if isinstance(space, Dict):
        bounds = [_bounds(part) for part in space.values()]
        return np.concatenate([np.zeros(0), *(b[0] for b in bounds)]), np.concatenate(
            [np.zeros(0), *(b[1] for b in bounds)]
        )
    return np.zeros(flatdim(space)), np.ones(flatdim(space))


@flatdim.register
def _(space: Box) -> int:
    return int(np.prod(space.shape, dtype=np.int64))


@flatdim.register
def _(space: Discrete) -> int:
    return space.n


@flatdim.register
def _(space: MultiDiscrete) -> int:
    return int(space.nvec.sum())


@flatdim.register
def _(space: Dict) -> int:
    return sum(flatdim(part) for part in space.values())


@flat_dtype.register
def _(space: Box) -> "np.dtype[Any]":
    return np.result_type(np.float32, space.dtype)


@flat_dtype.register
def _(space: Dict) -> "np.dtype[Any]":
    return np.result_type(np.float32, *(flat_dtype(part) for part in space.values()))


@flatten.register
def _(space: Box, x: Any) -> NDArray[Any]:
    array = np.asarray(x, dtype=flat_dtype(space))
    lead = array.ndim - len(space.shape)
    if lead < 0 or array.shape[lead:] != space.shape:
        raise SpaceMismatch(f"a value of {space} must have shape {space.shape}, got {array.shape}")
    return array.reshape((*array.shape[:lead], -1))


@flatten.register
def _(space: Discrete, x: Any) -> NDArray[Any]:
    if x not in space:
        raise SpaceMismatch(f"a value of {space} was expected, got {x!r}")
    flat = np.zeros(space.n, np.float32)
    flat[int(x) - space.start] = 1
    return flat


@flatten.register
def _(space: MultiDiscrete, x: Any) -> NDArray[Any]:
    if x not in space:
        raise SpaceMismatch(f"a value of {space} was expected, got {x!r}")
    flat = np.zeros(flatdim(space), np.float32)
    offsets = np.cumsum(space.nvec.ravel()) - space.nvec.ravel()
    flat[offsets + (x - space.start).ravel()] = 1
    return flat


@flatten.register
def _(space: Dict, x: Any) -> NDArray[Any]:
    if not isinstance(x, dict) or x.keys() != space.spaces.keys():
        got = list(x) if isinstance(x, dict) else repr(x)
        raise SpaceMismatch(f"a dict with the names {list(space)} was expected, got {got}")
    parts = [flatten(part, x[name]) for name, part in space.items()]
    return np.concatenate([np.zeros(0, flat_dtype(space)), *parts])


def _flat(space: Space[Any], x: NDArray[Any]) -> NDArray[Any]:
    array = np.asarray(x)
    if array.shape[-1:] != (flatdim(space),) or (array.ndim != 1 and not isinstance(space, Box)):
        raise SpaceMismatch(f"a flat value of {space} must have shape ({flatdim(space)},), got {array.shape}")
    return array


@unflatten.register
def _(space: Box, x: NDArray[Any]) -> Any:
    array = _flat(space, x)
    return array.reshape(array.shape[:-1] + space.shape).astype(space.dtype)


@unflatten.register
def _(space: Discrete, x: NDArray[Any]) -> Any:
    return np.intp(space.start + int(np.argmax(_flat(space, x))))


@unflatten.register
def _(space: MultiDiscrete, x: NDArray[Any]) -> Any:
    parts = np.split(_flat(space, x), np.cumsum(space.nvec.ravel())[:-1])
    chosen = np.array([int(np.argmax(part)) for part in parts], dtype=np.intp)
    return space.start + chosen.reshape(space.shape)


@unflatten.register
def _(space: Dict, x: NDArray[Any]) -> Any:
    sizes = [flatdim(part) for part in space.values()]
    parts = np.split(_flat(space, x), np.cumsum(sizes)[:-1]) if sizes else []
    return {name: unflatten(part, flat) for (name, part), flat in zip(space.items(), parts, strict=True)}
