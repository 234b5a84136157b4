"""Flattening: from structured values to flat arrays of numbers and back. Batching: from one value to many.

The numbers of a Box stay as they are, a choice of n becomes a one-hot of n, and the parts of a Dict come in the order
of their sorted names, so that equal spaces flatten equally. The array is float32, or float64 if float32 would lose
digits. A Box of integers beyond 2**53, which even float64 would round, keeps its dtype; such a number among floats is
an error. Values may have leading dimensions, the same in every leaf, and keep them: `(..., flatdim)`.

A new kind of space registers itself with `flatdim`, `flatten` and `unflatten`, and also with `flat_dtype`,
`flat_bounds` and `batch_space` unless float32, the bounds 0 and 1, and a Tuple are right for it:

    @flatdim.register
    def _(space: Angle) -> int:
        return 2
"""

from collections.abc import Iterable
from functools import cache, singledispatch
from itertools import chain
from math import prod
from typing import Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sekai.error import SpaceMismatch
from sekai.spaces.box import Box
from sekai.spaces.dict import Dict
from sekai.spaces.discrete import Discrete
from sekai.spaces.multi_binary import MultiBinary
from sekai.spaces.multi_discrete import MultiDiscrete
from sekai.spaces.one_of import OneOf
from sekai.spaces.space import Space
from sekai.spaces.text import Text
from sekai.spaces.tuple import Tuple

__all__ = ["batch_space", "flat_bounds", "flat_dtype", "flatdim", "flatten", "flatten_space", "unflatten"]

_Bounds: TypeAlias = tuple[NDArray[Any], NDArray[Any]]


def _unknown(space: Any) -> NoReturn:
    if isinstance(space, Space) and not space.is_flattenable:
        raise SpaceMismatch(f"{space} cannot be flattened: the size of its values is not fixed")
    raise SpaceMismatch(f"{type(space).__name__} cannot be flattened: register it with sekai.spaces.utils")


@singledispatch
def flatdim(space: Any) -> int:
    """Return how many numbers a value of `space` flattens to; raises `SpaceMismatch` if that is not fixed."""
    _unknown(space)


@singledispatch
def flat_dtype(space: Any) -> "np.dtype[Any]":
    """Return the dtype of flattened values: float32 if that loses nothing, else float64, else the space's own."""
    return np.dtype(np.float32)


@singledispatch
def flat_bounds(space: Any) -> _Bounds:
    """Return the least and the greatest value of each number of a flattened value, two arrays `(flatdim,)`.

    The bounds of several spaces are floats, or Python's numbers if an integer beyond 2**53 would be rounded.
    """
    return np.zeros(flatdim(space)), np.ones(flatdim(space))


@singledispatch
def flatten(space: Any, x: Any) -> NDArray[Any]:
    """Return `x` as a flat array `(flatdim(space),)`; raises `SpaceMismatch` if `x` does not have the space's form."""
    _unknown(space)


@singledispatch
def unflatten(space: Any, x: NDArray[Any]) -> Any:
    """Return the value of `space` that `flatten` made the flat array `x` from."""
    _unknown(space)


@singledispatch
def batch_space(space: Any, n: int) -> Space[Any]:
    """Return the space of n values of `space` at once: arrays `(n, *shape)`, or a Tuple of n where there are no arrays.

    >>> batch_space(Dict({"a": Box(0.0, 1.0, (2,)), "b": Discrete(3)}), 4)
    Dict(a=Box(0.0, 1.0, (4, 2), float32), b=MultiDiscrete([3, 3, 3, 3]))
    """
    if not isinstance(space, Space):
        raise SpaceMismatch(f"space must be a space, got {space!r}")
    return Tuple([space] * n)


def flatten_space(space: Space[Any]) -> Box:
    """Return the Box of flattened values, with the bounds that are known.

    >>> flatten_space(Dict({"a": Box(0.0, 1.0, (2,)), "b": Discrete(3)})).shape
    (5,)
    """
    dim = flatdim(space)
    low, high = flat_bounds(space)
    return Box(low, high, (dim,), flat_dtype(space), backend=space.backend)


def _parts(space: Dict | Tuple, x: Any) -> list[tuple[Space[Any], Any]]:
    """Return each sub-space with its part of `x`; raises `SpaceMismatch` if `x` has another form."""
    if isinstance(space, Dict):
        if not isinstance(x, dict) or x.keys() != space.spaces.keys():
            got = list(x) if isinstance(x, dict) else repr(x)
            raise SpaceMismatch(f"a dict with the names {list(space)} was expected, got {got}")
        return [(space[name], x[name]) for name in sorted(space)]
    if not isinstance(x, tuple | list) or len(x) != len(space):
        raise SpaceMismatch(f"a tuple of {len(space)} values was expected, got {x!r}")
    return list(zip(space.spaces, x, strict=True))


def _sub_spaces(space: Dict | Tuple | OneOf) -> list[Space[Any]]:
    return [space[name] for name in sorted(space)] if isinstance(space, Dict) else list(space.spaces)


def _array(space: Space[Any], x: Any, kinds: str) -> NDArray[Any]:
    """Return `x`, `(..., *shape)`, as a numpy array of one of these kinds of dtype."""
    array = space.backend.to_numpy(x)
    lead = array.ndim - len(space.shape or ())
    if lead < 0 or array.shape[lead:] != space.shape or array.dtype.kind not in kinds:
        raise SpaceMismatch(f"a value of {space} must have shape {space.shape}, got {array.dtype} {array.shape}")
    return array


def _flat(space: Space[Any], x: Any) -> NDArray[Any]:
    array = space.backend.to_numpy(x)
    if array.shape[-1:] != (flatdim(space),):
        raise SpaceMismatch(f"a flat value of {space} must have shape ({flatdim(space)},), got {array.shape}")
    return array


# --- Box --------------------------------------------------------------------------------------------------------------
@flatdim.register
def _(space: Box) -> int:
    return prod(space.shape)


@flat_dtype.register
def _(space: Box) -> "np.dtype[Any]":
    return space.flat_dtype


@cache
def _together(*dtypes: "np.dtype[Any]") -> "np.dtype[Any]":
    """Return the dtype of several parts in one array: an integer one if all are integers, else a float one."""
    whole = {dtype.kind for dtype in dtypes} in ({"i"}, {"u"})
    return np.result_type(*dtypes) if whole else np.result_type(np.float32, *dtypes)


def _joined(parts: list[NDArray[Any]], dtype: "np.dtype[Any]", lead: tuple[int, ...]) -> NDArray[Any]:
    """Return flat parts as one array of `dtype`; raises `SpaceMismatch` for an integer that would be rounded."""
    for part in parts if dtype.itemsize > 4 else ():  # float32 has no parts that it would round
        if part.dtype.kind in "iu" and dtype.kind == "f" and ((part < -(2**53)) | (part > 2**53)).any():
            raise SpaceMismatch(
                f"an integer beyond 2**53 cannot stand among {dtype}: flatten its part alone, got {part}"
            )
    return np.concatenate([np.zeros((*lead, 0), dtype), *parts], axis=-1)


def _bounds_dtype(bounds: Iterable[NDArray[Any]]) -> "np.dtype[Any]":
    """Return the dtype of bounds in one array: float64, or object if that would round an integer."""
    for bound in bounds:
        if bound.dtype.kind == "O" or (bound.dtype.kind in "iu" and ((bound < -(2**53)) | (bound > 2**53)).any()):
            return np.dtype(object)
    return np.dtype(np.float64)


@flat_bounds.register
def _(space: Box) -> _Bounds:
    low, high = space.limits
    return low.ravel(), high.ravel()


@flatten.register
def _(space: Box, x: Any) -> NDArray[Any]:
    array = _array(space, x, "fiub").astype(space.flat_dtype)
    lead = array.shape[: array.ndim - len(space.shape)]
    return space.backend.from_numpy(array.reshape((*lead, prod(space.shape))))  # type: ignore[no-any-return]


@unflatten.register
def _(space: Box, x: NDArray[Any]) -> Any:
    array = _flat(space, x)
    return space.backend.from_numpy(array.reshape(array.shape[:-1] + space.shape).astype(space.dtype))


@batch_space.register
def _(space: Box, n: int) -> Space[Any]:
    low, high = space.limits
    return Box(low, high, (n, *space.shape), space.dtype, backend=space.backend)


# --- whole numbers ----------------------------------------------------------------------------------------------------
def _one_hot(values: NDArray[Any], n: int, space: Space[Any]) -> NDArray[np.float32]:
    if ((values < 0) | (values >= n)).any():
        raise SpaceMismatch(f"a value of {space} was expected, got {values}, counted from its start")
    flat = np.zeros((*values.shape, n), np.float32)
    np.put_along_axis(flat, values[..., None], 1, axis=-1)
    return flat


@flatdim.register
def _(space: Discrete) -> int:
    return space.n


@flatten.register
def _(space: Discrete, x: Any) -> NDArray[Any]:
    return _one_hot(_array(space, x, "iu").astype(np.intp) - space.start, space.n, space)


@unflatten.register
def _(space: Discrete, x: NDArray[Any]) -> Any:
    return (space.start + np.argmax(_flat(space, x), axis=-1)).astype(space.dtype)


@batch_space.register
def _(space: Discrete, n: int) -> Space[Any]:
    return MultiDiscrete(np.full(n, space.n), np.full(n, space.start), dtype=space.dtype)


@flatdim.register
def _(space: MultiDiscrete) -> int:
    return int(space.nvec.sum())


@flatten.register
def _(space: MultiDiscrete, x: Any) -> NDArray[Any]:
    array = _array(space, x, "iu").astype(np.intp) - space.start
    columns = array.reshape((*array.shape[: array.ndim - space.nvec.ndim], space.nvec.size))
    hots = [_one_hot(columns[..., k], int(n), space) for k, n in enumerate(space.nvec.flat)]
    return space.backend.from_numpy(np.concatenate(hots, axis=-1))  # type: ignore[no-any-return]


@unflatten.register
def _(space: MultiDiscrete, x: NDArray[Any]) -> Any:
    flat = _flat(space, x)
    parts = np.split(flat, np.cumsum(space.nvec.ravel())[:-1], axis=-1)
    chosen = np.stack([np.argmax(part, axis=-1) for part in parts], axis=-1).astype(np.intp)
    values = space.start + chosen.reshape(flat.shape[:-1] + space.shape)
    return space.backend.from_numpy(values.astype(space.dtype))


@batch_space.register
def _(space: MultiDiscrete, n: int) -> Space[Any]:
    return MultiDiscrete(_repeat(space.nvec, n), _repeat(space.start, n), dtype=space.dtype, backend=space.backend)


def _repeat(array: NDArray[Any], n: int) -> NDArray[Any]:
    return np.broadcast_to(array, (n, *array.shape))


# --- flags and text ---------------------------------------------------------------------------------------------------
@flatdim.register
def _(space: MultiBinary) -> int:
    return prod(space.shape)


@flatten.register
def _(space: MultiBinary, x: Any) -> NDArray[Any]:
    array = _array(space, x, "iub").astype(np.float32)
    lead = array.shape[: array.ndim - len(space.shape)]
    return space.backend.from_numpy(array.reshape((*lead, prod(space.shape))))  # type: ignore[no-any-return]


@unflatten.register
def _(space: MultiBinary, x: NDArray[Any]) -> Any:
    array = _flat(space, x)
    return space.backend.from_numpy(array.reshape(array.shape[:-1] + space.shape).astype(np.int8))


@batch_space.register
def _(space: MultiBinary, n: int) -> Space[Any]:
    return MultiBinary((n, *space.shape), backend=space.backend)


@flatdim.register
def _(space: Text) -> int:
    return space.max_length


@flat_bounds.register
def _(space: Text) -> _Bounds:
    return np.zeros(space.max_length), np.full(space.max_length, float(len(space.charset)))


@flatten.register
def _(space: Text, x: Any) -> NDArray[Any]:
    if x not in space:
        raise SpaceMismatch(f"a value of {space} was expected, got {x!r}")
    flat = np.full(space.max_length, len(space.charset), np.float32)
    flat[: len(x)] = [space.charset.index(letter) for letter in x]
    return flat


@unflatten.register
def _(space: Text, x: NDArray[Any]) -> Any:
    return "".join(space.charset[int(k)] for k in _flat(space, x) if k < len(space.charset))


# --- several spaces ---------------------------------------------------------------------------------------------------
@flatdim.register(Dict)
@flatdim.register(Tuple)
def _(space: Dict | Tuple) -> int:
    return sum(flatdim(part) for part in _sub_spaces(space))


@flat_dtype.register(Dict)
@flat_dtype.register(Tuple)
@flat_dtype.register(OneOf)
def _(space: Dict | Tuple | OneOf) -> "np.dtype[Any]":
    return _together(*(flat_dtype(part) for part in _sub_spaces(space)))


@flat_bounds.register(Dict)
@flat_bounds.register(Tuple)
def _(space: Dict | Tuple) -> _Bounds:
    bounds = [flat_bounds(part) for part in _sub_spaces(space)]
    dtype = _bounds_dtype(chain.from_iterable(bounds))
    lows, highs = (np.concatenate([np.zeros(0, dtype), *(pair[k] for pair in bounds)]) for k in (0, 1))
    return lows, highs


@flatten.register(Dict)
@flatten.register(Tuple)
def _(space: Dict | Tuple, x: Any) -> NDArray[Any]:
    parts = [space.backend.to_numpy(flatten(part, value)) for part, value in _parts(space, x)]
    lead = parts[0].shape[:-1] if parts else ()
    if any(part.shape[:-1] != lead for part in parts):
        raise SpaceMismatch(f"leading dimensions must be the same in every part, got {[p.shape[:-1] for p in parts]}")
    return space.backend.from_numpy(_joined(parts, flat_dtype(space), lead))  # type: ignore[no-any-return]


@unflatten.register(Dict)
@unflatten.register(Tuple)
def _(space: Dict | Tuple, x: NDArray[Any]) -> Any:
    spaces = _sub_spaces(space)
    sizes = [flatdim(part) for part in spaces]
    flats = np.split(_flat(space, x), np.cumsum(sizes)[:-1], axis=-1) if sizes else []
    values = [unflatten(part, flat) for part, flat in zip(spaces, flats, strict=True)]
    if not isinstance(space, Dict):
        return tuple(values)
    by_name = dict(zip(sorted(space), values, strict=True))
    return {name: by_name[name] for name in space}


@batch_space.register
def _(space: Dict, n: int) -> Space[Any]:
    return Dict({name: batch_space(part, n) for name, part in space.items()})


@batch_space.register
def _(space: Tuple, n: int) -> Space[Any]:
    return Tuple([batch_space(part, n) for part in space])


@flatdim.register
def _(space: OneOf) -> int:
    return 1 + max(flatdim(part) for part in space)


@flat_bounds.register
def _(space: OneOf) -> _Bounds:
    """Bound each number by all the spaces that have it; shorter values are filled up with 0."""
    bounds = [flat_bounds(part) for part in space]
    dtype = _bounds_dtype(chain.from_iterable(bounds))
    low, high = np.zeros(flatdim(space), dtype), np.zeros(flatdim(space), dtype)
    high[0] = len(space) - 1
    for least, greatest in bounds:
        low[1 : 1 + least.size] = np.minimum(low[1 : 1 + least.size], least)
        high[1 : 1 + least.size] = np.maximum(high[1 : 1 + least.size], greatest)
    return low, high


@flatten.register
def _(space: OneOf, x: Any) -> NDArray[Any]:
    if x not in space:
        raise SpaceMismatch(f"a value of {space} was expected, got {x!r}")
    index, value = x
    part = space.backend.to_numpy(flatten(space[index], value))
    dtype = flat_dtype(space)
    rest = np.zeros(flatdim(space) - 1 - part.size, dtype)
    flat = _joined([np.array([index], np.int8), part, rest], dtype, ())
    return space.backend.from_numpy(flat)  # type: ignore[no-any-return]


@unflatten.register
def _(space: OneOf, x: NDArray[Any]) -> Any:
    flat = _flat(space, x)
    index = int(flat[0])
    return np.intp(index), unflatten(space[index], flat[1 : 1 + flatdim(space[index])])
