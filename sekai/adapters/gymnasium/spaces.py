"""Spaces there and back.

A kind of your own joins by `@to_gymnasium_space.register` and `@from_gymnasium_space.register`.

Most values are the same on both sides. What is not (graphs have a class of their own on each side, arrays of another
backend are numpy's there) passes through `value_there(space)` and `value_back(space)`, also inside a larger value.
"""

from collections.abc import Callable, Iterable
from functools import singledispatch
from typing import Any, NoReturn, TypeAlias

import numpy as np
from gymnasium import spaces as gym

from sekai.backend.base import NUMPY
from sekai.error import SpaceMismatch
from sekai.spaces import (
    Box,
    Dict,
    Discrete,
    Graph,
    GraphInstance,
    MultiBinary,
    MultiDiscrete,
    OneOf,
    Sequence,
    Space,
    Text,
    Tuple,
)

__all__ = ["Passage", "from_gymnasium_space", "to_gymnasium_space", "value_back", "value_there"]

Passage: TypeAlias = Callable[[Any], Any] | None
"""What a value passes through on its way; None where it is the same on both sides."""


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
    return bound if bounded.all() or bound.dtype.kind == "f" else np.where(bounded, bound.astype(object), infinity)


@to_gymnasium_space.register
def _(space: Box) -> gym.Space[Any]:
    """Return theirs, to whose constructor the ends of an integer dtype are told: it takes no infinity for each."""
    box = gym.Box(space.low, space.high, space.shape, space.dtype.type)
    if space.dtype.kind == "i":  # unsigned ones have bounds there
        box.bounded_below, box.bounded_above = space.bounded_below.copy(), space.bounded_above.copy()
    return box


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


@to_gymnasium_space.register
def _(space: MultiBinary) -> gym.Space[Any]:
    return gym.MultiBinary(space.n)


@from_gymnasium_space.register
def _(space: gym.MultiBinary) -> Space[Any]:
    return MultiBinary(space.n if isinstance(space.n, int) else tuple(space.shape))


@to_gymnasium_space.register
def _(space: Tuple) -> gym.Space[Any]:
    return gym.Tuple([to_gymnasium_space(part) for part in space])


@from_gymnasium_space.register(gym.Tuple)
def _(space: Any) -> Space[Any]:
    return Tuple(from_gymnasium_space(part) for part in space.spaces)


@to_gymnasium_space.register
def _(space: Text) -> gym.Space[Any]:
    return gym.Text(space.max_length, min_length=space.min_length, charset=space.charset)


@from_gymnasium_space.register
def _(space: gym.Text) -> Space[Any]:
    return Text(space.max_length, min_length=space.min_length, charset=space.characters)


@to_gymnasium_space.register
def _(space: Sequence) -> gym.Space[Any]:
    return gym.Sequence(to_gymnasium_space(space.feature), stack=space.stack)


@from_gymnasium_space.register
def _(space: gym.Sequence) -> Space[Any]:
    return Sequence(from_gymnasium_space(space.feature_space), stack=space.stack)


@to_gymnasium_space.register
def _(space: Graph) -> gym.Space[Any]:
    edges = None if space.edge_space is None else to_gymnasium_space(space.edge_space)
    return gym.Graph(to_gymnasium_space(space.node_space), edges)


@from_gymnasium_space.register
def _(space: gym.Graph) -> Space[Any]:
    nodes: Any = from_gymnasium_space(space.node_space)  # `Graph` itself refuses what cannot be a node, or an edge
    edges: Any = None if space.edge_space is None else from_gymnasium_space(space.edge_space)
    return Graph(nodes, edges)


@to_gymnasium_space.register
def _(space: OneOf) -> gym.Space[Any]:
    return gym.OneOf([to_gymnasium_space(part) for part in space])


@from_gymnasium_space.register(gym.OneOf)
def _(space: Any) -> Space[Any]:
    return OneOf(from_gymnasium_space(part) for part in space.spaces)


# --- values -----------------------------------------------------------------------------------------------------------
@singledispatch
def value_there(space: Any) -> Passage:
    """Return what a value of our `space` passes through to be one of gymnasium's."""
    return None if space.backend is NUMPY else space.backend.to_numpy


@singledispatch
def value_back(space: Any) -> Passage:
    """Return what gymnasium's value passes through to be one of our `space`."""
    return None if space.backend is NUMPY else space.backend.from_numpy


@value_there.register
def _(space: Graph) -> Passage:
    return lambda graph: gym.GraphInstance(*graph)


@value_back.register
def _(space: Graph) -> Passage:
    """A graph that has no edges, though it may have some, has None for them there."""
    part = space.edge_space

    def pass_back(graph: Any) -> GraphInstance:
        if part is None or graph.edges is not None:
            return GraphInstance(*graph)
        return GraphInstance(graph.nodes, np.zeros((0, *part.shape), part.dtype), np.zeros((0, 2), np.int32))

    return pass_back


@value_there.register(Text)
@value_back.register(Text)
def _(space: Text) -> Passage:
    return None


def _through_dict(passages: dict[str, Passage]) -> Passage:
    if not any(passages.values()):
        return None
    return lambda value: {name: part(value[name]) if part else value[name] for name, part in passages.items()}


def _through_tuple(passages: Iterable[Passage]) -> Passage:
    parts = tuple(passages)
    if not any(parts):
        return None
    return lambda value: tuple(part(x) if part else x for part, x in zip(parts, value, strict=True))


def _through_sequence(space: Sequence, passage: Passage) -> Passage:
    if passage is None or space.stack:  # a stack is of the form of one value
        return passage
    return lambda value: tuple(map(passage, value))


def _through_one(passages: Iterable[Passage]) -> Passage:
    parts = tuple(passages)

    def pass_one(value: Any) -> Any:
        index, x = value
        part = parts[int(index)]
        return index, part(x) if part else x

    return pass_one if any(parts) else None


value_there.register(Dict, lambda space: _through_dict({name: value_there(part) for name, part in space.items()}))
value_back.register(Dict, lambda space: _through_dict({name: value_back(part) for name, part in space.items()}))
value_there.register(Tuple, lambda space: _through_tuple(map(value_there, space)))
value_back.register(Tuple, lambda space: _through_tuple(map(value_back, space)))
value_there.register(Sequence, lambda space: _through_sequence(space, value_there(space.feature)))
value_back.register(Sequence, lambda space: _through_sequence(space, value_back(space.feature)))
value_there.register(OneOf, lambda space: _through_one(map(value_there, space)))
value_back.register(OneOf, lambda space: _through_one(map(value_back, space)))
