"""Columns: the values of a space for many rows, one array for each leaf of the space.

A tree is an array, or a dict or a tuple of trees, as the space is. Where all leaves are arrays of one dtype they are
views of one block, so that a whole value is written, and copied, in one piece. A value without a shape and a dtype is
kept as an object.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, chain
from operator import attrgetter, itemgetter
from typing import Any, TypeAlias

import numpy as np
from numpy import ndarray
from numpy.typing import NDArray

from sekai.error import InvalidObservation
from sekai.spaces.dict import Dict
from sekai.spaces.space import Space
from sekai.spaces.tree import leaves as leaf_spaces
from sekai.spaces.tuple import Tuple

__all__ = [
    "Allocate",
    "Columns",
    "Tree",
    "at",
    "copied",
    "gathered",
    "leaves",
    "mapped",
    "overwrite",
    "row_of",
]

Tree: TypeAlias = Any
"""An array `(N, ...)`, or a dict or a tuple of trees."""

Allocate: TypeAlias = Callable[[tuple[int, ...], "np.dtype[Any]"], NDArray[Any]]
"""Returns an array of zeros of a shape and a dtype; it says where columns lie."""


def _formed(space: Space[Any], parts: Iterator[Any]) -> Tree:
    """Return the next of `parts` for each leaf, in the form of `space`."""
    if isinstance(space, Dict):
        return {name: _formed(part, parts) for name, part in space.items()}
    return tuple(_formed(part, parts) for part in space.spaces) if isinstance(space, Tuple) else next(parts)


def mapped(change: Callable[[Any], Any], tree: Tree) -> Tree:
    """Return the tree of what `change` makes of each leaf."""
    if isinstance(tree, dict):
        return {name: mapped(change, part) for name, part in tree.items()}
    return tuple(mapped(change, part) for part in tree) if isinstance(tree, tuple) else change(tree)


def at(tree: Tree, index: Any) -> Tree:
    """Return what `tree` has at `index`, in every leaf."""
    if isinstance(tree, dict):
        return {name: at(part, index) for name, part in tree.items()}
    return tuple(at(part, index) for part in tree) if isinstance(tree, tuple) else tree[index]


def row_of(tree: Tree, index: Any) -> Tree:
    """Return one value, at `index`, which shares no memory with `tree`."""
    if isinstance(tree, dict | tuple):
        return mapped(lambda leaf: row_of(leaf, index), tree)
    value = tree[index]
    return value.copy() if isinstance(value, np.ndarray) else value


def copied(tree: Tree) -> Tree:
    """Return a copy of every leaf."""
    if type(tree) is ndarray:
        return tree.copy()
    if isinstance(tree, dict):
        return {name: part.copy() if type(part) is ndarray else copied(part) for name, part in tree.items()}
    return tuple(map(copied, tree))


def leaves(tree: Tree) -> Iterator[NDArray[Any]]:
    """Yield the leaves, in an order that only the form of the tree decides."""
    if isinstance(tree, dict | tuple):
        for part in tree.values() if isinstance(tree, dict) else tree:
            yield from leaves(part)
    else:
        yield tree


def overwrite(tree: Tree, index: Any, values: Tree) -> None:
    """Write `values`, a tree of the same form, at `index` of every leaf."""
    for leaf, value in zip(leaves(tree), leaves(values), strict=True):
        leaf[index] = value


_dtype_of, _shape_of = attrgetter("dtype"), attrgetter("shape")  # mapped, half the time of a comprehension


class Columns:
    """Values of `space` at `lead` places, such as (rows, agents): `tree`, and its `block` where it has a single one.

    Columns begin as zeros. Writing a value of another form raises `InvalidObservation`.
    """

    def __init__(self, space: Space[Any], lead: tuple[int, ...], make: Allocate = np.zeros) -> None:
        spaces = [leaf for _, leaf in leaf_spaces(space)]
        self._shapes = [leaf.shape or () for leaf in spaces]
        self._split = _splitter(space) if isinstance(space, Dict | Tuple) else None
        self.block: NDArray[Any] | None = None
        self._bytes: memoryview | None = None
        dtype = spaces[0].dtype if spaces and spaces[0].shape is not None else None
        if dtype is None or any(leaf.dtype != dtype for leaf in spaces):
            self._arrays = [_own(leaf, lead, make) for leaf in spaces]
        else:
            ends = list(accumulate(map(math.prod, self._shapes)))
            self.block = make((*lead, ends[-1]), dtype)
            parts = [self.block[..., begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
            self._arrays = [part.reshape(*lead, *form) for part, form in zip(parts, self._shapes, strict=True)]
            self._expect(self.block, math.prod(lead))
        self.tree: Tree = _formed(space, iter(self._arrays))

    def _expect(self, block: NDArray[Any], places: int) -> None:
        """Note what the parts of all values must be like for their bytes to be joined."""
        self._vectors = len(self._shapes) == 1 == len(self._shapes[0])
        self._forms = [*(self._shapes[0] if self._vectors else self._shapes)] * places
        self._dtypes = [block.dtype] * (places * len(self._shapes))
        if block.size:
            raw: Any = block.reshape(-1).view(np.uint8)
            self._bytes = memoryview(raw)

    def write(self, index: tuple[int, ...], value: Any) -> None:
        """Write one value at an index, one number for each leading dimension."""
        parts = (value,) if self._split is None else self._split(value)
        for array, shape, part in zip(self._arrays, self._shapes, parts, strict=True):
            _write(array, index, shape, part)

    def fill(self, values: Sequence[Any]) -> None:
        """Write a value for every place, in order.

        Where forms are as they should be their bytes are joined, in a quarter of the time of a concatenation.
        """
        parts = values if self._split is None else [*chain.from_iterable(map(self._split, values))]
        if self._bytes is not None:
            try:
                # A vector's length and the number of bytes decide; its shape would take twice the time.
                forms = [*map(len, parts)] if self._vectors else [*map(_shape_of, parts)]
                if forms == self._forms and [*map(_dtype_of, parts)] == self._dtypes:
                    self._bytes[:] = b"".join(parts)
                    return
            except (AttributeError, TypeError, ValueError, BufferError):
                pass
        count = len(self._arrays)
        for number, (array, shape) in enumerate(zip(self._arrays, self._shapes, strict=True)):
            places = np.ndindex(array.shape[: array.ndim - len(shape)])
            for index, part in zip(places, parts[number::count], strict=True):
                _write(array, index, shape, part)


def _own(space: Space[Any], lead: tuple[int, ...], make: Allocate) -> NDArray[Any]:
    if space.shape is None or space.dtype is None:
        return np.full(lead, None, dtype=object)
    return make((*lead, *space.shape), space.dtype)


def _write(array: NDArray[Any], index: tuple[int, ...], shape: tuple[int, ...], value: Any) -> None:
    if array.dtype == object:  # filled, since an assignment would take a tuple or an array apart
        array[index[:-1]][index[-1] : index[-1] + 1].fill(value)
        return
    try:
        form = value.shape
    except AttributeError:
        form = np.shape(value)
    if form != shape:
        raise InvalidObservation(f"an observation must have shape {shape}, got {form}")
    array[index] = value


def _splitter(space: Space[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function from a value of a Dict or a Tuple to its leaves; it raises `InvalidObservation` for others."""
    is_dict = isinstance(space, Dict)
    inner = [*space.spaces.values()] if isinstance(space, Dict) else [*space.spaces]  # type: ignore[attr-defined]
    names = [*space.spaces] if isinstance(space, Dict) else range(len(inner))
    pick: Callable[[Any], Any] = itemgetter(*names) if len(inner) > 1 else lambda value: tuple(value[n] for n in names)
    nested = [_splitter(part) if isinstance(part, Dict | Tuple) else None for part in inner]

    def split(value: Any) -> tuple[Any, ...]:
        try:
            if (type(value) is dict or isinstance(value, Mapping if is_dict else tuple)) and len(value) == len(names):
                return pick(value)  # type: ignore[no-any-return]
        except (KeyError, IndexError):
            pass
        if not is_dict:
            raise InvalidObservation(f"an observation must be a tuple of {len(inner)} values, got {value!r}")
        got = list(value) if isinstance(value, Mapping) else repr(value)
        raise InvalidObservation(f"an observation must be a dict with the names {list(names)}, got {got}")

    def split_all(value: Any) -> tuple[Any, ...]:
        parts = zip(nested, split(value), strict=True)
        return tuple(chain.from_iterable((part,) if further is None else further(part) for further, part in parts))

    return split_all if any(nested) else split


def gathered(values: Sequence[Any], space: Space[Any]) -> Tree:
    """Return values of `space` as a tree of arrays, one row for each; None leaves zeros."""
    columns = Columns(space, (len(values),))
    for row, value in enumerate(values):
        if value is not None:
            columns.write((row,), value)
    return columns.tree
