"""Values of our spaces as gymnasium has them, and back.

Most are the same on both sides. What is not (graphs have a class of their own on each side, arrays of another backend
are numpy's there) passes through `value_there(space)` and `value_back(space)`, also inside a larger value.

Actions pass through `action_back(space)`: trainers send choices counted from 0, whatever the `start` of their space, so
that in `action_space_there(space)` every choice begins at 0. An environment that came from there keeps its own.
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

__all__ = ["Passage", "action_back", "action_space_there", "from_start", "value_back", "value_there"]

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


# --- actions ----------------------------------------------------------------------------------------------------------
def action_space_there(space: Space[Any], keeps_start: bool = False) -> gym.Space[Any]:
    """Return gymnasium's space of actions, in which choices, also in Dicts and Tuples, are counted from 0.

    >>> action_space_there(Discrete(3, start=-1))
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


def action_back(space: Space[Any], keeps_start: bool = False) -> Passage:
    """Return what a value of `action_space_there(space)` passes through to be ours."""
    counted, home = None if keeps_start else from_start(space), value_back(space)
    if counted is None or home is None:
        return counted or home
    first, then = counted, home
    return lambda value: then(first(value))


def from_start(space: Space[Any]) -> Passage:
    """Return what a value counted from 0, or a batch of such, passes through to be counted from the `start` of `space`.

    Numbers may be of any integer dtype. What is of another form is handed on as it is, for the environment to reject.
    """
    if isinstance(space, Dict):
        parts = {name: count for name, part in space.items() if (count := from_start(part))}
        return (lambda value: _counted_dict(parts, value)) if parts else None
    if isinstance(space, Tuple):
        places = {place: count for place, part in enumerate(space) if (count := from_start(part))}
        return (lambda value: _counted_tuple(places, value)) if places else None
    if not isinstance(space, Discrete | MultiDiscrete) or not np.any(space.start):
        return None
    start = space.start

    def count_from_start(value: Any) -> Any:
        array = np.asarray(value)
        return array.astype(np.intp) + start if array.dtype.kind in "iu" else value

    return count_from_start


def _counted_dict(parts: Mapping[str, Callable[[Any], Any]], value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {name: parts[name](x) if name in parts else x for name, x in value.items()}


def _counted_tuple(places: Mapping[int, Callable[[Any], Any]], value: Any) -> Any:
    if not isinstance(value, tuple | list):
        return value
    return tuple(places[place](x) if place in places else x for place, x in enumerate(value))
