"""Spaces there and back.

A kind of your own joins by `@to_gymnasium_space.register` and `@from_gymnasium_space.register`.

Values need no conversion, but for those that have a class of their own on each side (graphs); `to_gymnasium_value` and
`from_gymnasium_value` see to these, wherever they sit in a larger value.
"""

from functools import singledispatch
from typing import Any, NoReturn

import numpy as np
from gymnasium import spaces as gym

from sekai.error import SpaceMismatch
from sekai.spaces import Box, Dict, Discrete, MultiDiscrete, Space

__all__ = ["from_gymnasium_space", "to_gymnasium_space"]


def _unknown(space: Any, other: str) -> NoReturn:
    raise SpaceMismatch(f"space must be of a kind that {other} has too, got {space!r}: register its conversion")


@singledispatch
def to_gymnasium_space(space: Any) -> gym.Space[Any]:
    """Return gymnasium's space of the same values; raises `SpaceMismatch` for a kind it does not have.

    >>> to_gymnasium_space(Discrete(3, start=-1))
    Discrete(3, start=-1)
    """
    _unknown(space, "gymnasium")


@singledispatch
def from_gymnasium_space(space: Any) -> Space[Any]:
    """Return our space of the same values; raises `SpaceMismatch` for a kind that is not known here.

    >>> from_gymnasium_space(gym.Discrete(3, start=-1))
    Discrete(3, start=-1)
    """
    _unknown(space, "sekai")


def _open(bound: Any, bounded: Any, infinity: float) -> Any:
    """Return a bound with the infinities that an integer dtype cannot hold."""
    return bound if bounded.all() or bound.dtype.kind == "f" else np.where(bounded, bound.astype(np.float64), infinity)


@to_gymnasium_space.register
def _(space: Box) -> gym.Space[Any]:
    low = _open(space.low, space.bounded_below, -np.inf)
    high = _open(space.high, space.bounded_above, np.inf)
    return gym.Box(low, high, space.shape, space.dtype.type)


@from_gymnasium_space.register
def _(space: gym.Box) -> Space[Any]:
    low = _open(space.low, space.bounded_below, -np.inf)
    high = _open(space.high, space.bounded_above, np.inf)
    return Box(low, high, space.shape, space.dtype)


@to_gymnasium_space.register
def _(space: Discrete) -> gym.Space[Any]:
    return gym.Discrete(space.n, start=space.start)


@from_gymnasium_space.register
def _(space: gym.Discrete) -> Space[Any]:
    return Discrete(int(space.n), int(space.start))


@to_gymnasium_space.register
def _(space: MultiDiscrete) -> gym.Space[Any]:
    return gym.MultiDiscrete(space.nvec, start=space.start)


@from_gymnasium_space.register
def _(space: gym.MultiDiscrete) -> Space[Any]:
    return MultiDiscrete(space.nvec, space.start)


@to_gymnasium_space.register
def _(space: Dict) -> gym.Space[Any]:
    return gym.Dict({name: to_gymnasium_space(part) for name, part in space.items()})


@from_gymnasium_space.register
def _(space: gym.Dict) -> Space[Any]:
    return Dict({name: from_gymnasium_space(part) for name, part in space.items()})
