"""Columns: the values of a space for many rows, one array for each of its leaves.

A value of a space without a shape and a dtype is kept as an object.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sekai.error import SpaceMismatch
from sekai.spaces.dict import Dict
from sekai.spaces.space import Space

__all__ = ["Tree", "allocate", "at", "copied", "stacked", "writer"]

Tree: TypeAlias = Any
"""An array `(N, ...)`, or a dict of trees."""


def allocate(space: Space[Any], lead: tuple[int, ...]) -> Tree:
    """Return zeros `(*lead, *shape)` for each leaf of `space`."""
    if isinstance(space, Dict):
        return {name: allocate(part, lead) for name, part in space.items()}
    if space.shape is None or space.dtype is None:
        return np.empty(lead, dtype=object)
    return np.zeros((*lead, *space.shape), space.dtype)


def at(tree: Tree, index: Any) -> Tree:
    """Return what `tree` has at `index`, in every leaf."""
    return {name: at(part, index) for name, part in tree.items()} if isinstance(tree, dict) else tree[index]


def copied(tree: Tree) -> Tree:
    """Return a copy of every leaf."""
    return {name: copied(part) for name, part in tree.items()} if isinstance(tree, dict) else tree.copy()


def writer(tree: Tree, space: Space[Any]) -> Callable[[Any, Any], None]:
    """Return a function that writes a value of `space` at an index of `tree`; `SpaceMismatch` for another form."""
    if not isinstance(tree, dict):
        return tree.__setitem__ if space.shape is None else _Leaf(tree, space.shape)
    assert isinstance(space, Dict)
    return _Branch({name: writer(part, space[name]) for name, part in tree.items()})


class _Leaf:
    __slots__ = ("array", "shape")

    def __init__(self, array: NDArray[Any], shape: tuple[int, ...]) -> None:
        self.array, self.shape = array, shape

    def __call__(self, index: Any, value: Any) -> None:
        try:
            fits = value.shape == self.shape
        except AttributeError:
            fits = np.shape(value) == self.shape
        if not fits:
            raise SpaceMismatch(f"an observation must have shape {self.shape}, got {np.shape(value)}")
        self.array[index] = value


class _Branch:
    __slots__ = ("parts",)

    def __init__(self, parts: dict[str, Callable[[Any, Any], None]]) -> None:
        self.parts = parts

    def __call__(self, index: Any, value: Any) -> None:
        if not isinstance(value, Mapping) or value.keys() != self.parts.keys():
            got = list(value) if isinstance(value, Mapping) else repr(value)
            raise SpaceMismatch(f"an observation must be a dict with the names {list(self.parts)}, got {got}")
        for name, part in self.parts.items():
            part(index, value[name])


def stacked(values: Any, count: int, what: str) -> Tree:
    """Return a batch of `count` values as something that can be indexed by row; `SpaceMismatch` for another count.

    `values` is an array or a sequence of `count` values, or a dict of such for each name.
    """
    if isinstance(values, Mapping):
        return {name: stacked(part, count, f"{what}[{name!r}]") for name, part in values.items()}
    try:
        given = len(values)
    except TypeError:
        raise SpaceMismatch(f"{what} must be {count}, one for each environment, got {values!r}") from None
    if given != count:
        raise SpaceMismatch(f"{what} must be {count}, one for each environment, got {given}")
    return values
