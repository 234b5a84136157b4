"""Values of our spaces as gymnasium has them, and back.

Most are the same on both sides. What is not (graphs have a class of their own on each side, arrays of another backend
are numpy's there) passes through `value_there(space)` and `value_back(space)`, also inside a larger value.
"""

from collections.abc import Callable, Iterable
from functools import singledispatch
from typing import Any, TypeAlias

import numpy as np
from gymnasium import spaces as gym

from sekai.adapters.gymnasium.spaces import ForeignSpace
from sekai.backend.base import NUMPY
from sekai.spaces import Dict, Graph, GraphInstance, OneOf, Sequence, Space, Text, Tuple
from sekai.spaces.stacks import stacked

__all__ = ["Passage", "value_back", "value_there"]

Passage: TypeAlias = Callable[[Any], Any] | None
"""What a value passes through on its way; None where it is the same on both sides."""


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
    nodes, edges = _of_stack(space.node_space, value_there), _of_stack(space.edge_space, value_there)
    to_numpy = space.backend.to_numpy

    def pass_there(graph: Any) -> gym.GraphInstance:
        links = _passed(to_numpy, graph.edge_links)
        return gym.GraphInstance(_passed(nodes, graph.nodes), _passed(edges, graph.edges), links)

    return pass_there


@value_back.register
def _(space: Graph) -> Passage:
    """A graph that has no edges, though it may have some, has None for them there."""
    nodes, edges = _of_stack(space.node_space, value_back), _of_stack(space.edge_space, value_back)
    none = None if space.edge_space is None else stacked(space.edge_space, [])
    move = space.backend.from_numpy

    def pass_back(graph: Any) -> GraphInstance:
        seen = _passed(nodes, graph.nodes)
        if none is None:
            return GraphInstance(seen, None, None)
        if graph.edges is None:
            return GraphInstance(seen, none, move(np.zeros((0, 2), np.int32)))
        return GraphInstance(seen, _passed(edges, graph.edges), move(graph.edge_links))

    return pass_back


def _passed(passage: Passage, value: Any) -> Any:
    return passage(value) if passage and value is not None else value


def _of_stack(space: Space[Any] | None, way: Callable[[Any], Passage]) -> Passage:
    """Return what a stack of values of `space` passes through, each of which passes through `way(space)`."""
    if isinstance(space, Dict):
        return _through_dict({name: _of_stack(part, way) for name, part in space.items()})
    if isinstance(space, Tuple):
        return _through_tuple(_of_stack(part, way) for part in space)
    passage = None if space is None else way(space)
    if passage is None or space is None or space.shape is not None:  # an array is of the form of one value
        return passage
    each = passage
    return lambda values: tuple(map(each, values))


@value_there.register(Text)
@value_back.register(Text)
@value_there.register(ForeignSpace)
@value_back.register(ForeignSpace)
def _(space: Text | ForeignSpace) -> Passage:
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


def _through_sequence(space: Sequence, way: Callable[[Any], Passage]) -> Passage:
    if space.stack:
        return _of_stack(space.feature, way)
    passage = way(space.feature)
    return None if passage is None else lambda values: tuple(map(passage, values))


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
value_there.register(Sequence, lambda space: _through_sequence(space, value_there))
value_back.register(Sequence, lambda space: _through_sequence(space, value_back))
value_there.register(OneOf, lambda space: _through_one(map(value_there, space)))
value_back.register(OneOf, lambda space: _through_one(map(value_back, space)))
