"""Spaces and their values for hypothesis, which must be installed: `@given(spaces())`, `@given(values(space))`."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from sekai.spaces import (
    Box,
    Dict,
    Discrete,
    Graph,
    MultiBinary,
    MultiDiscrete,
    OneOf,
    Sequence,
    Space,
    Text,
    Tuple,
)

__all__ = ["boxes", "flattenable_spaces", "spaces", "values"]

_SHAPES = st.lists(st.integers(1, 3), max_size=2).map(tuple)
_NAMES = st.text("abcxyz_", min_size=1, max_size=3)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    """Draw a Box of whole or real numbers, some bounded, some not."""
    shape = draw(_SHAPES)
    dtype = np.dtype(draw(st.sampled_from(["float32", "float64", "int8", "int64", "uint8"])))
    ends = st.integers(0, 100) if dtype.kind == "u" else st.integers(-100, 100)
    low, high = sorted((draw(ends), draw(ends)))
    if dtype.kind == "f":
        bounds = draw(st.sampled_from([(low, high), (-np.inf, high), (low, np.inf), (-np.inf, np.inf)]))
        return Box(bounds[0], bounds[1], shape, dtype)
    return Box(low, high, shape, dtype)


def _plain() -> st.SearchStrategy[Space[Any]]:
    dtypes = st.sampled_from([np.intp, np.int8, np.int32])
    discrete = st.builds(Discrete, st.integers(1, 6), st.integers(-5, 5), dtype=dtypes)
    many = st.builds(MultiDiscrete, st.lists(st.integers(1, 4), min_size=1, max_size=3), dtype=dtypes)
    flags = st.lists(st.integers(1, 3), min_size=1, max_size=2).map(tuple).map(MultiBinary)
    text = st.builds(Text, st.integers(1, 5), charset=st.sampled_from(["ab", "xyz0"]))
    return st.one_of(boxes(), discrete, many, flags, text)


def _stacks() -> st.SearchStrategy[Space[Any]]:
    parts = st.one_of(boxes().filter(lambda box: box.shape != ()), st.builds(Discrete, st.integers(1, 6)))
    return st.one_of(parts, st.dictionaries(_NAMES, parts, min_size=1, max_size=2).map(Dict)).map(
        lambda feature: Sequence(feature, stack=True)
    )


def flattenable_spaces(max_leaves: int = 6) -> st.SearchStrategy[Space[Any]]:
    """Return spaces of a fixed size, nested in Dicts, Tuples and OneOfs."""
    return st.recursive(_plain(), _nested, max_leaves=max_leaves)


def spaces(max_leaves: int = 6) -> st.SearchStrategy[Space[Any]]:
    """Return spaces of all kinds, nested; nodes and edges of a Graph are plain ones, or Dicts of those."""
    flat = boxes() | st.builds(Discrete, st.integers(1, 6))
    parts = flat | st.dictionaries(_NAMES, flat, min_size=1, max_size=2).map(Dict)
    leaves = _plain() | _stacks() | st.builds(Graph, parts, st.none() | parts)
    return st.recursive(leaves, lambda inner: _nested(inner) | inner.map(Sequence), max_leaves=max_leaves)


def _nested(inner: st.SearchStrategy[Space[Any]]) -> st.SearchStrategy[Space[Any]]:
    named = st.dictionaries(_NAMES, inner, max_size=3).map(Dict)
    ordered = st.lists(inner, max_size=3).map(Tuple)
    return st.one_of(named, ordered, st.lists(inner, min_size=1, max_size=3).map(OneOf))


def values(space: Space[Any]) -> st.SearchStrategy[Any]:
    """Return values of `space`, as its own `sample` draws them; a failure shrinks towards seed 0."""

    def drawn(seed: int) -> Any:
        space.seed(seed)
        return space.sample()

    return st.integers(0, 2**32).map(drawn)
