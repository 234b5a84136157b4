"""Stacks: n values of one space as one value.

Arrays are stacked in an array `(n, *shape)`, dicts and tuples in one dict or tuple of stacks. Values that are no
arrays, such as those of a Text, stand in a tuple.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sekai.spaces.dict import Dict
from sekai.spaces.space import Space
from sekai.spaces.tuple import Tuple

__all__ = ["stacked", "unstacked"]


def stacked(space: Space[Any], values: list[Any]) -> Any:
    """Return values of `space` as one stack.

    >>> from sekai.spaces import Discrete, Text
    >>> stacked(Dict({"lots": Discrete(9), "side": Text(4)}), [{"lots": 2, "side": "buy"}, {"lots": 3, "side": "sell"}])
    {'lots': array([2, 3]), 'side': ('buy', 'sell')}
    """
    if isinstance(space, Dict):
        return {name: stacked(part, [value[name] for value in values]) for name, part in space.items()}
    if isinstance(space, Tuple):
        return tuple(stacked(part, [value[place] for value in values]) for place, part in enumerate(space))
    if space.shape is None:
        return tuple(values)
    array = np.array([space._given(value) for value in values], space.dtype)
    return space.backend.from_numpy(array.reshape(len(values), *space.shape))


def unstacked(space: Space[Any], stack: Any) -> list[Any] | None:
    """Return the values in `stack`, or None if it does not have the form of a stack of `space`."""
    if isinstance(space, Dict):
        if not isinstance(stack, Mapping) or stack.keys() != space.spaces.keys():
            return None
        columns = _rows([unstacked(part, stack[name]) for name, part in space.items()])
        return None if columns is None else [dict(zip(space, values, strict=True)) for values in columns]
    if isinstance(space, Tuple):
        if not isinstance(stack, tuple | list) or len(stack) != len(space):
            return None
        return _rows([unstacked(part, x) for part, x in zip(space, stack, strict=True)])
    if space.shape is None:
        return list(stack) if isinstance(stack, tuple | list) else None
    array = space._given(stack)
    if not isinstance(array, np.ndarray) or array.ndim != 1 + len(space.shape):
        return None
    return [space.backend.from_numpy(value) if space.shape else value for value in array]


def _rows(columns: list[list[Any] | None]) -> list[Any] | None:
    """Return the rows of columns, or None if the columns differ in length."""
    lists = [column for column in columns if column is not None]
    if len(lists) < len(columns) or len({len(column) for column in lists}) > 1:
        return None
    return list(zip(*lists, strict=True))
