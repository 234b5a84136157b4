"""Specs: what they check, what they make up, and that they are spaces by another name."""

import pickle
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import sekai
from sekai.core.result import same
from sekai.error import SekaiError, SpaceMismatch
from sekai.functional import (
    Array,
    BoundedArray,
    DictSpec,
    DiscreteArray,
    MultiDiscreteArray,
    Spec,
    TupleSpec,
    from_space,
)
from sekai.testing.strategies import spaces, values


def test_an_array() -> None:
    spec = Array((2,), np.float32, "prices")
    assert (spec.shape, spec.dtype, spec.name) == ((2,), np.dtype(np.float32), "prices")
    assert same(spec.validate([1, 2.5]), np.array([1, 2.5], np.float32))
    assert same(spec.generate_value(), np.zeros(2, np.float32))
    assert spec.to_space() == sekai.Box(-np.inf, np.inf, (2,))


def test_a_bounded_array() -> None:
    spec = BoundedArray((2,), np.float32, [0.1, -1.0], np.inf, "share")
    assert spec.minimum.tolist() == [np.float32(0.1), -1.0] and spec.maximum.tolist() == [np.inf, np.inf]
    assert spec.validate([0.1, 5]).tolist() == [np.float32(0.1), 5.0]
    assert spec.generate_value().tolist() == [np.float32(0.1), 0.0]
    assert spec.to_space() == sekai.Box(np.array([0.1, -1.0]), np.inf, (2,))


def test_choices() -> None:
    move = DiscreteArray(5, np.int32, "move")
    assert (move.num_values, move.dtype, move.shape) == (5, np.dtype(np.int32), ())
    assert (int(move.minimum), int(move.maximum)) == (0, 4)
    assert same(move.validate(4), np.array(4, np.int32)) and same(move.validate(np.int64(4)), np.array(4, np.int32))
    assert same(move.generate_value(), np.array(0, np.int32))
    assert move.to_space() == sekai.Discrete(5, dtype=np.int32) and DiscreteArray(5).to_space() == sekai.Discrete(5)
    assert DiscreteArray(3, start=-1).to_space() == sekai.Discrete(3, -1)
    quotes = MultiDiscreteArray([3, 4], np.int8, start=[1, 0])
    assert quotes.num_values.tolist() == [3, 4] and quotes.maximum.tolist() == [3, 3]
    assert same(quotes.generate_value(), np.array([1, 0], np.int8)) and same(
        quotes.validate([3, 3]), np.array([3, 3], np.int8)
    )
    assert quotes.to_space() == sekai.MultiDiscrete([3, 4], [1, 0], dtype=np.int8)


class Seen(NamedTuple):
    book: NDArray[Any]
    turn: Any


def test_nested_specs() -> None:
    spec = DictSpec({"book": Array((2,), np.float32), "turn": DiscreteArray(2)}, Seen, "seen")
    value = spec.generate_value()
    assert isinstance(value, Seen) and same(value.book, np.zeros(2, np.float32))
    assert isinstance(spec.validate({"book": [1, 2], "turn": 1}), Seen)
    assert list(spec) == ["book", "turn"] and len(spec) == 2 and spec["turn"] == DiscreteArray(2)
    assert spec.to_space() == sekai.Dict(book=sekai.Box(-np.inf, np.inf, (2,)), turn=sekai.Discrete(2))
    pair = TupleSpec([spec, DiscreteArray(3)])
    assert isinstance(pair.validate((value, 2))[0], Seen) and pair[1] == DiscreteArray(3) and len(pair) == 2
    assert isinstance(pair.generate_value(), tuple) and list(pair) == [spec, DiscreteArray(3)]


def test_replace() -> None:
    assert Array((2,), float).replace(shape=(3,)) == Array((3,), float)
    bounded = BoundedArray((2,), np.int8, 0, 5, "b").replace(maximum=7)
    assert bounded.maximum.tolist() == [7, 7] and bounded.name == "b"
    assert DiscreteArray(3, np.int8).replace(num_values=4) == DiscreteArray(4, np.int8)
    half_open = from_space(sekai.Box(0, np.inf, (1,), np.int16)).replace(name="x")
    assert half_open.to_space() == sekai.Box(0, np.inf, (1,), np.int16)
    nested = DictSpec({"a": Array((), float)}).replace(a=DiscreteArray(2))
    assert nested["a"] == DiscreteArray(2)
    assert Spec(sekai.Text(3)).replace(name="word").name == "word"
    with pytest.raises(SekaiError, match="Array has shape, dtype, name, got 'minimum'"):
        Array((), float).replace(minimum=3)
    with pytest.raises(SekaiError, match="DictSpec has a, got 'b'"):
        nested.replace(b=DiscreteArray(2))


@pytest.mark.parametrize(
    ("spec", "value", "says"),
    [
        (Array((2,), float, "x"), [1.0], r"x must have shape \(2,\), got \(1,\)"),
        (Array((2,), np.float32), np.zeros(2), "value must be float32, got float64"),
        (Array((), np.int32), 1.5, "must be int32, got float64"),
        (Array((), np.int8), 300, "must fit into int8, got 300"),
        (Array((), float), "a", "must be float64, got <U1"),
        (Array((), float), np.nan, "must be from -inf to inf, got nan"),
        (Array((), bool), 1, "must be bool, got int64"),
        (BoundedArray((2,), float, 0.0, 1.0, "share"), [0.5, 1.5], "share must be from .* got"),
        (DiscreteArray(3, name="move"), 3, "move must be from 0 to 2, got 3"),
        (MultiDiscreteArray([2, 2]), [0, 2], "must be from"),
        (DictSpec({"a": DiscreteArray(2)}, name="d"), {"b": 1}, r"d must have \['a'\], got \['b'\]"),
        (DictSpec({"a": DiscreteArray(2)}), 3, r"must have \['a'\], got 3"),
        (DictSpec({"a": DiscreteArray(2, name="d.a")}), {"a": 2}, "d.a must be from 0 to 1, got 2"),
        (TupleSpec([DiscreteArray(2)], "t"), (1, 1), r"t must be a tuple of 1, got \(1, 1\)"),
        (Spec(sekai.Text(3), "word"), "four", "word must be in Text.* got 'four'"),
    ],
)
def test_a_violated_spec_is_a_clear_error(spec: Spec[Any], value: Any, says: str) -> None:
    with pytest.raises(SpaceMismatch, match=says):
        spec.validate(value)
    assert issubclass(SpaceMismatch, ValueError)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: BoundedArray((2,), float, 1.0, 0.0), "low must be <= high"),
        (lambda: DiscreteArray(0), "n must be an integer >= 1"),
        (lambda: DiscreteArray(300, np.int8), "n must be <= 127"),
        (lambda: MultiDiscreteArray([2], np.float32), "dtype must be"),
        (lambda: DictSpec({"a": sekai.Discrete(2)}), r"specs\['a'\] must be a Spec, got Discrete"),
    ],
)
def test_what_makes_no_spec(make: Any, says: str) -> None:
    with pytest.raises(SekaiError, match=says):
        make()


@given(data=st.data())
def test_a_spec_is_its_space(data: st.DataObject) -> None:
    """There and back is the same space; its values are valid; what is made up is in it; specs pickle and compare."""
    space = data.draw(spaces())
    spec = from_space(space, "it")
    assert spec.to_space() == space
    assert spec == from_space(space) == pickle.loads(pickle.dumps(spec)) and hash(spec) == hash(from_space(space))
    assert spec.validate(spec.generate_value()) is not None
    assert _as_space(spec.generate_value()) in space
    value = data.draw(values(space))
    assert same(_as_space(spec.validate(value)), _as_space(value))
    assert repr(spec).startswith(type(spec).__name__)


def _as_space(value: Any) -> Any:
    """Return a value with numpy's numbers in place of arrays without a shape."""
    if isinstance(value, dict):
        return {name: _as_space(part) for name, part in value.items()}
    if type(value) is tuple:  # a graph is one too
        return tuple(_as_space(part) for part in value)
    return value[()] if isinstance(value, np.ndarray) and value.shape == () else value


def test_specs_that_differ() -> None:
    different = [
        Array((2,), float),
        Array((2,), np.float32),
        BoundedArray((2,), float, 0, 1),
        BoundedArray((2,), float, 0, 2),
        DiscreteArray(2),
        DiscreteArray(2, np.int8),
        DiscreteArray(2, start=1),
        DictSpec({"a": DiscreteArray(2)}),
        DictSpec({"a": DiscreteArray(3)}),
        DictSpec({"b": DiscreteArray(2)}),
        TupleSpec([DiscreteArray(2)]),
    ]
    for k, one in enumerate(different):
        assert all(one != other for other in different[:k]) and one != 3
    assert Array((2,), float, "a") == Array((2,), float, "b")
