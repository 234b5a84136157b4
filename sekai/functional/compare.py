"""States are compared by what a pickle of them would hold."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from sekai.core.result import same
from sekai.spaces.space import Space

__all__ = ["same_state"]

_BY_VALUE = (int, float, complex, str, bytes, bool, type(None), type, set, frozenset, np.ndarray, np.generic, Space)


def same_state(left: Any, right: Any) -> bool:
    """Say whether two objects are of one class and hold the same, all the way down: arrays, streams, environments.

    >>> one, two, other = (np.random.default_rng(seed) for seed in (1, 1, 2))
    >>> same_state([one], [two]), same_state([one], [other])
    (True, False)
    """
    return _same(left, right, {})


def _same(left: Any, right: Any, seen: dict[tuple[int, int], Any]) -> bool:
    """Compare two objects; `seen` holds the pairs whose comparison has begun, since objects may refer to each other."""
    if left is right or (id(left), id(right)) in seen:
        return True
    if type(left) is not type(right):
        return False
    if isinstance(left, _BY_VALUE):
        return same(left, right)
    seen[id(left), id(right)] = left, right
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_same(value, right[name], seen) for name, value in left.items())
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(_same(one, two, seen) for one, two in zip(left, right, strict=True))
    try:
        return _same(_made_of(left), _made_of(right), seen)
    except TypeError:  # what cannot be pickled has only its own word for it
        return bool(left == right)


def _made_of(thing: Any) -> list[Any]:
    """Return what a pickle of `thing` would hold: how it is made, its state, and its items."""
    reduced = thing.__reduce_ex__(4)
    if isinstance(reduced, str):
        return [reduced]
    return [list(part) if isinstance(part, Iterator) else part for part in reduced]
