"""Values of our spaces as gymnasium has them, and back.

Most values are the same on both sides. Graphs have a class of their own on each, and arrays of another backend become
numpy's. `value_to_gymnasium(space)` and `value_from_gymnasium(space)` return the function that converts a value and all
that is inside it, or None where there is nothing to convert.

Actions are converted by `action_from_gymnasium(space)`. Trainers count choices from 0, whatever the `start` of their
space, so every choice in `to_gymnasium_action_space(space)` begins at 0. An environment that came from gymnasium keeps
its own.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import singledispatch
from typing import Any, TypeAlias

import numpy as np
from gymnasium import spaces as gym

from sekai.adapters.gymnasium.spaces import ForeignSpace, to_gymnasium_space
from sekai.backend.base import NUMPY
from sekai.spaces import Dict, Discrete, Graph, GraphInstance, MultiDiscrete, OneOf, Sequence, Space, Text, Tuple
from sekai.spaces.stacks import stacked

__all__ = [
    "Conversion",
    "action_from_gymnasium",
    "from_start",
    "to_gymnasium_action_space",
    "value_from_gymnasium",
    "value_to_gymnasium",
]

Conversion: TypeAlias = Callable[[Any], Any] | None
"""A function that converts a value; None where the value is the same on both sides."""


@singledispatch
def value_to_gymnasium(space: Any) -> Conversion:
    """Return what converts a value of our `space` to gymnasium's."""
    return None if space.backend is NUMPY else space.backend.to_numpy


@singledispatch
def value_from_gymnasium(space: Any) -> Conversion:
    """Return what converts gymnasium's value to one of our `space`."""
    return None if space.backend is NUMPY else space.backend.from_numpy


@value_to_gymnasium.register
def _(space: Graph) -> Conversion:
    nodes = _of_stack(space.node_space, value_to_gymnasium)
    edges = _of_stack(space.edge_space, value_to_gymnasium)
    to_numpy = space.backend.to_numpy

    def convert(graph: Any) -> gym.GraphInstance:
        links = _converted(to_numpy, graph.edge_links)
        return gym.GraphInstance(_converted(nodes, graph.nodes), _converted(edges, graph.edges), links)

    return convert


@value_from_gymnasium.register
def _(space: Graph) -> Conversion:
    """Where edges are possible and there are none, gymnasium has None and we have empty arrays."""
    nodes = _of_stack(space.node_space, value_from_gymnasium)
    edges = _of_stack(space.edge_space, value_from_gymnasium)
    no_edges = None if space.edge_space is None else stacked(space.edge_space, [])
    from_numpy = space.backend.from_numpy

    def convert(graph: Any) -> GraphInstance:
        ours = _converted(nodes, graph.nodes)
        if no_edges is None:
            return GraphInstance(ours, None, None)
        if graph.edges is None:
            return GraphInstance(ours, no_edges, from_numpy(np.zeros((0, 2), np.int32)))
        return GraphInstance(ours, _converted(edges, graph.edges), from_numpy(graph.edge_links))

    return convert


def _converted(conversion: Conversion, value: Any) -> Any:
    return conversion(value) if conversion and value is not None else value


@value_to_gymnasium.register(Text)
@value_from_gymnasium.register(Text)
@value_to_gymnasium.register(ForeignSpace)
@value_from_gymnasium.register(ForeignSpace)
def _(space: Text | ForeignSpace) -> Conversion:
    return None


# --- values inside values ---------------------------------------------------------------------------------------------
def _of_dict(conversions: Mapping[str, Conversion]) -> Conversion:
    if not any(conversions.values()):
        return None
    return lambda value: {name: _converted(part, value[name]) for name, part in conversions.items()}


def _of_tuple(conversions: Iterable[Conversion]) -> Conversion:
    parts = tuple(conversions)
    if not any(parts):
        return None
    return lambda value: tuple(_converted(part, x) for part, x in zip(parts, value, strict=True))


def _of_each(conversion: Conversion) -> Conversion:
    return None if conversion is None else lambda values: tuple(map(conversion, values))


def _of_one(conversions: Iterable[Conversion]) -> Conversion:
    parts = tuple(conversions)
    return (lambda pair: (pair[0], _converted(parts[int(pair[0])], pair[1]))) if any(parts) else None


def _of_stack(space: Space[Any] | None, way: Callable[[Any], Conversion]) -> Conversion:
    """Return what converts a stack of values of `space`, each of which `way(space)` converts."""
    if isinstance(space, Dict):
        return _of_dict({name: _of_stack(part, way) for name, part in space.items()})
    if isinstance(space, Tuple):
        return _of_tuple(_of_stack(part, way) for part in space)
    if space is None or space.shape is not None:  # a stack of arrays is an array
        return None if space is None else way(space)
    return _of_each(way(space))


def _register_nested(way: Any) -> None:
    way.register(Dict, lambda space: _of_dict({name: way(part) for name, part in space.items()}))
    way.register(Tuple, lambda space: _of_tuple(map(way, space)))
    way.register(OneOf, lambda space: _of_one(map(way, space)))
    way.register(Sequence, lambda space: _of_stack(space.feature, way) if space.stack else _of_each(way(space.feature)))


_register_nested(value_to_gymnasium)
_register_nested(value_from_gymnasium)


# --- actions ----------------------------------------------------------------------------------------------------------
def to_gymnasium_action_space(space: Space[Any], keeps_start: bool = False) -> gym.Space[Any]:
    """Return gymnasium's space of actions, in which choices, also those in Dicts and Tuples, are counted from 0.

    >>> to_gymnasium_action_space(Discrete(3, start=-1))
    Discrete(3)
    """
    theirs = to_gymnasium_space(space)
    if not keeps_start:
        _count_from_zero(theirs)
    return theirs


def _count_from_zero(space: gym.Space[Any]) -> None:
    if isinstance(space, gym.Dict | gym.Tuple):
        for part in space.spaces.values() if isinstance(space, gym.Dict) else space.spaces:
            _count_from_zero(part)
    elif isinstance(space, gym.Discrete | gym.MultiDiscrete):
        space.start = space.start * 0


def action_from_gymnasium(space: Space[Any], keeps_start: bool = False) -> Conversion:
    """Return what converts an action of `to_gymnasium_action_space(space, keeps_start)` to one of our `space`."""
    count, convert = None if keeps_start else from_start(space), value_from_gymnasium(space)
    if count is None or convert is None:
        return count or convert
    return lambda action: convert(count(action))


def from_start(space: Space[Any]) -> Conversion:
    """Return what adds the `start` of each choice of `space` to an action, or to a batch of actions, counted from 0.

    Numbers may be of any integer dtype. Anything else is left as it is: the environment rejects it in its own words.
    """
    if isinstance(space, Dict):
        named = {name: count for name, part in space.items() if (count := from_start(part))}
        return (lambda action: _counted_dict(named, action)) if named else None
    if isinstance(space, Tuple):
        placed = {place: count for place, part in enumerate(space) if (count := from_start(part))}
        return (lambda action: _counted_tuple(placed, action)) if placed else None
    if not isinstance(space, Discrete | MultiDiscrete) or not np.any(space.start):
        return None
    start = space.start

    def add_start(action: Any) -> Any:
        array = np.asarray(action)
        return array.astype(np.intp) + start if array.dtype.kind in "iu" else action

    return add_start


def _counted_dict(named: Mapping[str, Callable[[Any], Any]], action: Any) -> Any:
    if not isinstance(action, Mapping):
        return action
    return {name: named[name](part) if name in named else part for name, part in action.items()}


def _counted_tuple(placed: Mapping[int, Callable[[Any], Any]], action: Any) -> Any:
    if not isinstance(action, tuple | list):
        return action
    return tuple(placed[place](part) if place in placed else part for place, part in enumerate(action))
