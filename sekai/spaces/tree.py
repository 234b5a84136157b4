"""Nested spaces leaf by leaf: what is done to a Box is done to every Box in a Dict or a Tuple, at any depth.

A path is the names and indices on the way to a leaf; a space that is neither Dict nor Tuple is a leaf itself.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from sekai.spaces.box import Box
from sekai.spaces.dict import Dict
from sekai.spaces.space import Space
from sekai.spaces.tuple import Tuple

__all__ = ["Path", "leaves", "map_space", "map_value", "real_dtype"]

Path: TypeAlias = tuple[str | int, ...]


def leaves(space: Space[Any], path: Path = ()) -> Iterator[tuple[Path, Space[Any]]]:
    """Yield every leaf of `space` with its path.

    >>> from sekai.spaces import Discrete
    >>> [path for path, leaf in leaves(Dict({"a": Tuple([Discrete(2), Discrete(3)]), "b": Discrete(4)}))]
    [('a', 0), ('a', 1), ('b',)]
    """
    if isinstance(space, Dict | Tuple):
        parts = space.items() if isinstance(space, Dict) else enumerate(space)
        for name, part in parts:
            yield from leaves(part, (*path, name))
    else:
        yield path, space


def map_space(change: Callable[[Space[Any], Path], Space[Any]], space: Space[Any], path: Path = ()) -> Space[Any]:
    """Return `space` with every leaf changed."""
    if isinstance(space, Dict):
        return Dict({name: map_space(change, part, (*path, name)) for name, part in space.items()})
    if isinstance(space, Tuple):
        return Tuple([map_space(change, part, (*path, index)) for index, part in enumerate(space)])
    return change(space, path)


def map_value(change: Callable[[Space[Any], Any, Path], Any], space: Space[Any], value: Any, path: Path = ()) -> Any:
    """Return `value`, of `space`, with every leaf changed."""
    if isinstance(space, Dict):
        return {name: map_value(change, part, value[name], (*path, name)) for name, part in space.items()}
    if isinstance(space, Tuple):
        return tuple(map_value(change, part, value[k], (*path, k)) for k, part in enumerate(space))
    return change(space, value, path)


def real_dtype(space: Box) -> "np.dtype[Any]":
    """Return the dtype for real numbers in place of those of `space`: its own if it is a float, else float32."""
    return space.dtype if space.dtype.kind == "f" else np.dtype(np.float32)
