"""Spaces: what is in them, what is drawn from them, and how they are written down."""

import copy
import json
import pickle
import timeit
from typing import Any, get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sekai
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
    batch_space,
    flat_dtype,
    flatdim,
    flatten,
    flatten_space,
)
from sekai.spaces import unflatten as unflattened

INF = np.inf

market = Dict(
    {
        "prices": Box(-INF, INF, shape=(100, 8)),
        "portfolio": Box(-1.0, 1.0, shape=(10,)),
        "order_book": Box(0, INF, shape=(20, 2)),
        "regime": Discrete(4),
    }
)

SPACES: list[Space[Any]] = [
    Box(0.0, 1000.0, shape=(8,), dtype=np.float32),
    Box(-INF, INF, shape=(50,), dtype=np.float64),
    Box(np.array([0.0, -INF, -INF]), np.array([INF, 0.0, INF])),
    Box(0, 10_000, shape=(10, 2), dtype=np.int32),
    Box(0, 255, shape=(2, 2), dtype=np.uint8),
    Box(-INF, 3, shape=(2,), dtype=np.int64),
    Box(-INF, INF, shape=(2,), dtype=np.int64),
    Box(-(2**63), 2**63 - 1, shape=(2,), dtype=np.int64),
    Box(0, 2**64 - 1, shape=(8,), dtype=np.uint64),
    Box([0, 2**63 + 1, -INF], [1, 2**64 - 1, INF], dtype=np.uint64),
    Tuple([Box(0, 2**64 - 1, (3,), np.uint64), Box(2**60, 2**60 + 9, (), np.uint64)]),
    OneOf([Box(0, 2**63 - 1, (3,), np.int64), Box(-(2**63), 0, (), np.int64)]),
    Box(0, 1, shape=(3,), dtype=bool),
    Box(-1.0, 1.0, shape=()),
    Box(-1.7e308, 1.7e308, shape=(3,), dtype=np.float64),
    Discrete(5),
    Discrete(n=5, start=-2),
    MultiDiscrete([3, 3, 3], start=[-1, -1, -1]),
    MultiDiscrete([[2, 3], [4, 5]]),
    market,
    Dict({"a": Dict({"b": Discrete(2), "c": Box(0, 1, (2,))}), "d": Discrete(3)}),
    Dict({}),
    MultiBinary(10),
    MultiBinary((3, 2)),
    Text(6),
    Text(4, min_length=0, charset="bs"),
    Tuple([Box(-INF, INF, shape=(50,)), MultiBinary(10)]),
    Tuple([Discrete(2), Dict({"a": Tuple([Discrete(3, -1), Text(3)])})]),
    Tuple([]),
    Sequence(Box(0.0, 1.0, (2,))),
    Sequence(Dict({"side": Discrete(2), "lots": Box(0, INF, (), np.float64)})),
    Sequence(Box(0.0, INF, (2,)), stack=True),
    Sequence(Dict({"side": Discrete(2), "lots": Tuple([Box(0, INF, (), np.float64), MultiBinary(2)])}), stack=True),
    Graph(Box(-INF, INF, (2,)), Discrete(3)),
    Graph(Discrete(4)),
    Graph(Dict({"at": Box(0.0, 1.0, (2,)), "name": Text(3)}), Tuple([Discrete(2), MultiBinary(2)])),
    Graph(Graph(Discrete(2)), Sequence(Discrete(3))),
    Sequence(Dict({"side": Discrete(2), "note": Text(3)}), stack=True),
    Discrete(5, start=-2, dtype=np.int8),
    MultiDiscrete([3, 300], start=[0, -44], dtype=np.int16),
    OneOf([Box(0.0, 1.0, (2,)), Discrete(3), Tuple([Discrete(2), Box(-INF, INF, (1,), np.float64)])]),
]
named = pytest.mark.parametrize("space", SPACES, ids=repr)


@named
def test_laws_of_every_space(space: Space[Any]) -> None:
    """Samples belong; the seed decides them; the space survives pickling, copying and strict JSON, as samples do."""
    space = copy.deepcopy(space)
    assert space.seed(3) == 3
    drawn = [space.sample() for _ in range(20)]
    assert all(sample in space for sample in drawn)
    space.seed(3)
    assert sekai.core.result.same(drawn, [space.sample() for _ in range(20)])
    text = json.dumps(space.to_jsonable(), allow_nan=False)
    for twin in (pickle.loads(pickle.dumps(space)), copy.copy(space), Space.from_jsonable(json.loads(text))):
        assert twin == space and hash(twin) == hash(space) and repr(twin) == repr(space)
    sent = json.loads(json.dumps([space.encode_sample(sample) for sample in drawn], allow_nan=False))
    assert sekai.core.result.same(drawn, [space.decode_sample(sample) for sample in sent])


@named
def test_flattening_is_invertible(space: Space[Any]) -> None:
    space.seed(1)
    if not space.is_flattenable:
        with pytest.raises(SpaceMismatch, match="cannot be flattened: the size of its values is not fixed"):
            flatdim(space)
        return
    for _ in range(5):
        sample = space.sample()
        flat = flatten(space, sample)
        assert flat.shape == (flatdim(space),) and flat.dtype == flat_dtype(space) and flat in flatten_space(space)
        assert sekai.core.result.same(unflattened(space, flat), sample)


@named
def test_no_space_equals_another(space: Space[Any]) -> None:
    assert [other for other in SPACES if other == space] == [space]
    assert space != "space"


def test_dicts_compare_regardless_of_order() -> None:
    one, other = Dict({"a": Discrete(2), "b": Discrete(3)}), Dict(b=Discrete(3), a=Discrete(2))
    assert one == other and hash(one) == hash(other) and list(other) == ["b", "a"]
    value = {"b": np.intp(2), "a": np.intp(0)}
    assert flatten(one, value).tolist() == flatten(other, value).tolist() == [1, 0, 0, 0, 1]
    back = unflattened(other, flatten(one, value))
    assert back == value and list(back) == ["b", "a"]
    assert flatten_space(one) == flatten_space(other)


def test_integers_that_floats_would_round_keep_their_digits() -> None:
    """2**53 + 1 is the first that float64 cannot hold: alone it stays an integer, among floats it is refused."""
    wide = Box(0, 2**64 - 1, (2,), np.uint64)
    value = np.array([1, 2**64 - 1], np.uint64)
    assert wide.decode_sample(wide.encode_sample(value)).tolist() == value.tolist()
    assert flat_dtype(wide) == np.uint64 and unflattened(wide, flatten(wide, value)).tolist() == value.tolist()
    assert flatten_space(wide) == wide and flatten_space(Box(0, 2**53, (2,), np.int64)).dtype == np.float64
    assert flatten_space(Box(-INF, INF, (2,), np.int64)).is_bounded == (False, False)
    for mixed, held in (
        (Tuple([wide, Box(0.0, 1.0, (1,))]), lambda x: (x, np.full(1, 0.5, np.float32))),
        (OneOf([Box(0.0, 1.0, (2,)), wide]), lambda x: (1, x)),
    ):
        assert flat_dtype(mixed) == np.float64
        small = held(np.array([0, 2**53], np.uint64))
        assert sekai.core.result.same(unflattened(mixed, flatten(mixed, small)), small)
        with pytest.raises(SpaceMismatch, match=r"an integer beyond 2\*\*53 cannot stand among float64"):
            flatten(mixed, held(np.array([0, 2**53 + 1], np.uint64)))


def test_flat_bounds_are_floats_unless_those_would_round() -> None:
    small = Box([-np.inf, 3], [7, np.inf], dtype=np.int64)
    for space in (small, Dict(a=small, b=Discrete(2)), OneOf([small, Discrete(2)])):
        low, high = sekai.spaces.flat_bounds(space)
        assert low.dtype == high.dtype == np.float64
    low, high = sekai.spaces.flat_bounds(Tuple([Box(0, 2**60 + 1, (1,), np.int64), Box(0.0, np.inf, (1,))]))
    assert high.tolist() == [2**60 + 1, np.inf]


def test_bounds_beside_infinite_ones_keep_their_digits() -> None:
    space = Box([2**53 + 1, -INF], [INF, 2**53 + 1], dtype=np.int64)
    for twin in (space, Space.from_jsonable(json.loads(json.dumps(space.to_jsonable()))), batch_space(space, 2)):
        assert isinstance(twin, Box) and twin.low.ravel()[0] == 2**53 + 1 and twin.high.ravel()[1] == 2**53 + 1
    last = Discrete(3, start=2**63 - 3)
    assert {int(last.sample()) for _ in range(60)} == {2**63 - 3, 2**63 - 2, 2**63 - 1}


def test_box_of_the_documentation() -> None:
    space = sekai.Box(low=0.0, high=1000.0, shape=(8,), dtype=np.float32)
    assert space.is_bounded == (True, True) and space.sample().shape == (8,)
    assert Box(-INF, INF, shape=(2,)).is_bounded == (False, False) and Box(0, INF, (2,)).is_bounded == (True, False)
    assert Box(-INF, INF, shape=64).shape == (64,)
    with pytest.raises(SpaceMismatch, match="mask must be None"):
        space.sample(mask=1)


def test_box_contains() -> None:
    space = Box(np.array([0.0, -1.0]), np.array([1.0, INF]))
    assert np.array([0.0, 1e30], np.float32) in space and np.array([1, -1], np.int16) in space
    outside = [[0.5, 0.5], np.array([0.5, -1.5], np.float32), np.zeros(3, np.float32), np.zeros(2), None, 0.5]
    assert not any(value in space for value in [*outside, np.array([np.nan, 0.0], np.float32)])
    assert np.float32(0.5) in Box(0, 1, shape=()) and 0.5 not in Box(0, 1, shape=())


def test_samples_spread_over_what_is_allowed() -> None:
    """Uniform between two bounds, exponential beyond one, normal without any: means within five standard errors."""
    space = Box(np.array([2.0, 3.0, -INF, -INF]), np.array([4.0, INF, 3.0, INF]), dtype=np.float64)
    space.seed(0)
    drawn = np.array([space.sample() for _ in range(4000)])
    errors = drawn.std(axis=0) / np.sqrt(len(drawn))
    assert (np.abs(drawn.mean(axis=0) - [3.0, 4.0, 2.0, 0.0]) < 5 * errors).all()
    integers = Box(0, 3, shape=(4000,), dtype=np.int8)
    integers.seed(0)
    assert np.unique(integers.sample()).tolist() == [0, 1, 2, 3], "both ends are in"


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: Box(1.0, 0.0, (2,)), "low must be <= high"),
        (lambda: Box(np.nan, 1.0, (2,)), "low must be <= high"),
        (lambda: Box(np.zeros(3), 1.0, (2,)), "low must be a number or broadcast to shape"),
        (lambda: Box(-1, 1, (2,), dtype=np.uint8), "low must be within"),
        (lambda: Box(0, 300, (2,), dtype=np.uint8), "high must be within"),
        (lambda: Box(0, 1, (2,), dtype=np.complex128), "dtype must be"),
        (lambda: Box(0, 1, (2,), dtype="flaot32"), "dtype must be .* got 'flaot32'"),  # type: ignore[arg-type]
        (lambda: Box("a", 1), "low must be a number or an array of numbers, got 'a'"),
        (lambda: Box(0, None), "high must be a number or an array of numbers, got None"),  # type: ignore[arg-type]
        (lambda: Box([[1], [1, 2]], 3), "low must be a number or an array of numbers"),
        (lambda: Box(np.zeros(2), np.ones(3)), r"low and high must broadcast to one shape, got shapes \(2,\) and \(3,"),
        (lambda: Box(0, 1, 2.5), "shape must be an integer >= 0 or a tuple of such, got 2.5"),  # type: ignore[arg-type]
        (lambda: Box(0, 1, (2, -1)), r"shape must be an integer >= 0 or a tuple of such, got \(2, -1\)"),
        (lambda: Box(0.5, 1.5, (1,), dtype=int), "low must be whole for dtype int64, got 0.5"),
        (lambda: Box([0, 0], [1, 1.5], dtype=int), "high must be whole for dtype int64, got"),
        (lambda: Box(0, np.float64(2**63), (), dtype=np.int64), "high must be within"),
        (lambda: Box(0, 1e40, (1,)), "high must be within 3.4.*e.38 of 0 for float32, or inf, got 1e.40"),
        (lambda: Box(-1e40, 0, (1,)), "low must be within 3.4.*e.38 of 0 for float32, or -inf, got -1e.40"),
        (lambda: Box(INF, INF, (1,)), "low must be within"),
        (lambda: Discrete(0), "n must be an integer >= 1, got 0"),
        (lambda: Discrete(2.5), "n must be an integer >= 1, got 2.5"),  # type: ignore[arg-type]
        (lambda: Discrete(True), "n must be an integer >= 1, got True"),
        (lambda: Discrete(2, 0.5), "start must be an integer"),  # type: ignore[arg-type]
        (
            lambda: Discrete(3, start=2**63 - 2),
            r"start \+ n - 1 <= 9223372036854775807, got n=3, start=92233720368547758",
        ),
        (lambda: Discrete(2**70), "n must be <= 9223372036854775807, .* got n=1180591620717411303424"),
        (lambda: Discrete(2**64, -(2**63)), "n must be <= 9223372036854775807"),
        (lambda: Discrete(3, dtype=float), "dtype must be an integer one, got <class 'float'>"),
        (lambda: Discrete(3, dtype="int3"), "dtype must be an integer one, got 'int3'"),
        (lambda: Discrete(200, dtype=np.int8), "n must be <= 127, .* got n=200, start=0"),
        (lambda: Discrete(2, -1, dtype=np.uint8), "start >= 0 and .* got n=2, start=-1"),
        (lambda: MultiDiscrete([2, 200], dtype=np.int8), r"start \+ nvec - 1 must be <= 127, got start=None"),
        (lambda: MultiDiscrete([2], [-1], dtype=np.uint8), r"start must be >= 0, got \[-1\]"),
        (lambda: MultiDiscrete([3, 0]), "nvec must be integers >= 1"),
        (lambda: MultiDiscrete([1.5]), r"nvec must be integers >= 1, one a choice, got \[1.5\]"),
        (lambda: MultiDiscrete(["a"]), r"nvec must be integers >= 1, one a choice, got \['a'\]"),
        (lambda: MultiDiscrete([2**70]), "nvec must be integers"),
        (lambda: MultiDiscrete([2], [0.5]), r"start must be integers, one a choice, got \[0.5\]"),
        (lambda: MultiDiscrete([3], [2**63 - 2]), r"start \+ nvec - 1 must be <= 9223372036854775807"),
        (lambda: MultiDiscrete([3, 3], [0]), "start must have the shape"),
        (lambda: Dict({"a": 1}), r"spaces\['a'\] must be a space, got 1"),  # type: ignore[dict-item]
        (lambda: Dict(3), "spaces must be a mapping of names to spaces, got 3"),  # type: ignore[arg-type]
        (lambda: Space.from_jsonable({"kind": "Sphere"}), "kind must be one of .*Box"),
        (lambda: Space.from_jsonable({"kind": "Discrete"}), "description of a Discrete must have 'n', got"),
        (lambda: Space.from_jsonable(3), "description must be a mapping, .* got 3"),  # type: ignore[arg-type]
        (lambda: Discrete(2, seed=-1), "seed must be an integer"),
        (lambda: MultiBinary(0), "n must be an integer >= 1"),
        (lambda: MultiBinary(2.5), "n must be an integer >= 1 or a tuple of such, got 2.5"),  # type: ignore[arg-type]
        (lambda: MultiBinary(2).sample(mask=[0, 3]), "mask must be"),
        (lambda: Tuple(3), "spaces must be spaces in order, .* got 3"),  # type: ignore[arg-type]
        (lambda: Tuple([1]), r"spaces\[0\] must be a space, got 1"),  # type: ignore[list-item]
        (lambda: Tuple([Discrete(2)]).sample(mask=(None, None)), "one mask or None a sub-space, 1, got 2"),
        (lambda: Text(2, min_length=3), "min_length must be <= max_length"),
        (lambda: Text(2, charset=""), "charset must have at least one character"),
        (lambda: Text(3).sample(mask=(9, None)), "mask's length must be in"),
        (lambda: Sequence(2), "feature must be a space"),  # type: ignore[arg-type]
        (lambda: Sequence(Discrete(2)).sample(mask=(-1, None)), "mask's length must be whole numbers"),
        (lambda: Graph(2), "node_space must be a space, got 2"),  # type: ignore[arg-type]
        (lambda: Graph(Discrete(2), 2), "edge_space must be a space, got 2"),  # type: ignore[arg-type]
        (lambda: Graph(Discrete(2)).sample(num_edges=2), "num_edges must be 0 or None without an edge_space"),
        (lambda: OneOf([]), "spaces must be at least one space"),
        (lambda: batch_space(3, 2), "space must be a space"),
    ],
)
def test_impossible_spaces_say_why(make: Any, why: str) -> None:
    with pytest.raises(sekai.SekaiError, match=why):
        make()


def test_discrete_contains_whole_numbers_only() -> None:
    space = Discrete(5, -2)
    assert all(x in space for x in (-2, 2, np.int8(0), np.array(1)))
    assert not any(x in space for x in (-3, 3, 1.0, True, np.True_, np.array([1]), np.array(1.0), "1", None))
    assert isinstance(space.sample(), np.intp)


def test_masks_allow() -> None:
    mask = np.array([1, 0, 1, 0, 1], dtype=np.int8)
    space = Discrete(5)
    assert {int(space.sample(mask=mask)) for _ in range(100)} == {0, 2, 4}
    assert {int(Discrete(5, 10).sample(mask=mask)) for _ in range(100)} == {10, 12, 14}
    many = MultiDiscrete([2, 3], start=[5, 7])
    assert {tuple(many.sample(mask=([0, 1], [1, 0, 1]))) for _ in range(60)} == {(6, 7), (6, 9)}
    assert {int(Dict(a=space).sample(mask={"a": [0, 0, 0, 1, 0]})["a"]) for _ in range(9)} == {3}
    with pytest.raises(SpaceMismatch, match="mask must allow at least one"):
        space.sample(mask=np.zeros(5))
    with pytest.raises(SpaceMismatch, match="mask must be 5 zeros and ones"):
        space.sample(mask=np.ones(4))
    assert {tuple(many.sample(mask=[0, 1, 1, 0, 1])) for _ in range(60)} == {(6, 7), (6, 9)}  # type: ignore[arg-type]
    with pytest.raises(SpaceMismatch, match="one mask a choice, 2 in all"):
        many.sample(mask=([1, 1],))
    with pytest.raises(SpaceMismatch, match="mask must have names"):
        Dict(a=space).sample(mask={"b": mask})


def test_multi_discrete_contains() -> None:
    space = MultiDiscrete([3, 2], start=[-1, 0])
    assert np.array([-1, 1]) in space
    assert not any(
        x in space for x in (np.array([2, 0]), np.array([0, 2]), np.array([0.0, 0.0]), [0, 0], np.array([0]))
    )


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.intp])
def test_choices_come_in_their_dtype(dtype: Any) -> None:
    one, many = Discrete(3, start=5, dtype=dtype), MultiDiscrete([3, 2], start=[5, 0], dtype=dtype)
    for space in (one, many, batch_space(one, 4), batch_space(many, 4)):
        assert space.dtype == dtype and space.sample().dtype == dtype
        assert unflattened(space, flatten(space, space.sample())).dtype == dtype
    assert many.sample(mask=([0, 1, 0], [1, 0])).tolist() == [6, 0] and many.sample(mask=[1, 0, 0, 0, 1]).dtype == dtype
    assert (one == Discrete(3, start=5)) is (many == MultiDiscrete([3, 2], start=[5, 0])) is (dtype == np.intp)


def test_an_environment_of_int_actions_may_have_a_discrete() -> None:
    """What a type checker reads: `Env[ndarray, int]` with `Discrete`, since it is a `Space[int]`."""
    assert Discrete.__orig_bases__ == (Space[int],)  # type: ignore[attr-defined]
    assert get_type_hints(Discrete.sample)["return"] is get_type_hints(Discrete.decode_sample)["return"] is int


def test_several_choices_at_once_are_uniform() -> None:
    """Every count within five standard errors of its expectation, over arrays that are drawn in blocks."""
    space, draws = MultiDiscrete([[2, 3], [7, 1]], start=[[-1, 0], [4, 9]], seed=5), 20_000
    drawn = np.array([space.sample() for _ in range(draws)]) - space.start
    for place, n in np.ndenumerate(space.nvec):
        counts = np.bincount(drawn[:, *place], minlength=n)
        assert (abs(counts - draws / n) <= 5 * np.sqrt(draws / n * (1 - 1 / n))).all()


def test_a_word_that_would_favour_the_first_choices_is_drawn_again() -> None:
    """2**64 words modulo 3 are one 0 too many: the last word is not used."""

    class Words:
        bit_generator: Any

        def __init__(self) -> None:
            self.bit_generator, self.asked = self, 0

        def random_raw(self, shape: tuple[int, ...]) -> Any:
            self.asked += 1
            return np.full(shape, 2**64 - 1 if self.asked == 1 else 2**64 - 2, np.uint64)

    space, words = MultiDiscrete([3]), Words()
    space._rng = words  # type: ignore[assignment]
    assert space.sample().tolist() == [(2**64 - 2) % 3] and words.asked == 2


def test_several_choices_at_once_cost_less_than_numpys_own_draw() -> None:
    """0.5 us against 6 us for a market's action; the test asks for half."""
    space = MultiDiscrete([20, 20, 11, 11], start=[1, 1, 0, 0], seed=0)
    ours, numpys = (
        min(timeit.repeat(draw, number=500, repeat=7))
        for draw in (space.sample, lambda: space.rng.integers(space.nvec))
    )
    assert ours < numpys / 2


def test_a_seed_begins_the_stream_of_choices_anew() -> None:
    space = MultiDiscrete([20, 20, 11], seed=3)
    first = [space.sample().tolist() for _ in range(150)]
    space.seed(3)
    half = [space.sample().tolist() for _ in range(70)]
    twin = copy.deepcopy(space)
    assert half == first[:70] and [space.sample().tolist() for _ in range(80)] == first[70:]
    assert [twin.sample().tolist() for _ in range(80)] == first[70:]
    kept = space.sample()
    after = kept.copy()
    space.sample()[:] = 99
    assert (kept == after).all() and space.sample() in space


def test_dict_reads_like_a_mapping() -> None:
    assert list(market) == list(market.keys()) == ["prices", "portfolio", "order_book", "regime"]
    assert market["regime"] == Discrete(4) and len(market) == 4 and dict(market.items()) == market.spaces
    assert len(list(market.values())) == 4 and market.is_flattenable
    sample = market.sample()
    assert sample["prices"].shape == (100, 8) and isinstance(sample["regime"], np.intp)
    assert {k: v for k, v in sample.items() if k != "regime"} not in market and 3 not in market


def test_a_sub_spaces_stream_belongs_to_its_name() -> None:
    one, other = Dict(a=Box(0, 1, (2,)), z=Discrete(9)), Dict(b=Discrete(3), z=Discrete(9))
    one.seed(5)
    other.seed(5)
    assert [one.sample()["z"] for _ in range(9)] == [other.sample()["z"] for _ in range(9)]


def test_space_utilities_of_the_documentation() -> None:
    dim = flatdim(market)
    flat = flatten(market, market.sample())
    assert flat.shape == (dim,) == (100 * 8 + 10 + 40 + 4,) and flat.dtype == np.float32
    box = flatten_space(market)
    assert box.shape == (dim,) and box.low[-1] == 0 and box.high[-1] == 1 and not any(box.is_bounded)


def test_flattening_something_else_is_an_error() -> None:
    for space, x in (
        (Discrete(3), 3),
        (Box(0, 1, (2,)), np.zeros(3)),
        (MultiDiscrete([2]), np.array([2])),
        (market, {}),
    ):
        with pytest.raises(SpaceMismatch):
            flatten(space, x)
    for space in (Discrete(3), Box(0, 1, (2,)), MultiDiscrete([2]), market):
        with pytest.raises(SpaceMismatch):
            unflattened(space, np.zeros(7))
    with pytest.raises(SpaceMismatch, match="int cannot be flattened"):
        flatdim(3)


def test_a_box_flattens_under_leading_dimensions() -> None:
    space = Box(-INF, INF, (2, 3))
    batch = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
    assert flatten(space, batch).shape == (4, 6) and np.array_equal(unflattened(space, flatten(space, batch)), batch)


@given(n=st.integers(1, 50), start=st.integers(-50, 50), x=st.integers(-120, 120))
def test_discrete_is_a_range(n: int, start: int, x: int) -> None:
    assert (x in Discrete(n, start)) == (x in range(start, start + n))


def test_multi_binary() -> None:
    space = MultiBinary(3)
    assert np.array([0, 1, 1]) in space and np.array([True, False, True]) in space and space.n == 3
    outside = (np.array([0, 2, 1]), np.array([0.0, 1.0, 1.0]), np.zeros(2, np.int8), [0, 1, 1])
    assert not any(x in space for x in outside)
    assert {tuple(map(int, space.sample(mask=[0, 1, 2]))) for _ in range(40)} == {(0, 1, 0), (0, 1, 1)}
    assert MultiBinary((2, 3)).n == (2, 3) and MultiBinary([2, 3]) == MultiBinary((2, 3))  # type: ignore[arg-type]


def test_tuple_reads_like_a_sequence() -> None:
    space = Tuple([Box(-INF, INF, shape=(50,)), MultiBinary(10), Discrete(2)])
    assert len(space) == 3 and space[1] == MultiBinary(10) and space[1:] == (MultiBinary(10), Discrete(2))
    assert list(space) == list(space.spaces)
    sample = space.sample()
    assert isinstance(sample, tuple) and list(sample) in space and sample[:2] not in space and "abc" not in space
    assert int(space.sample(mask=(None, None, [0, 1]))[2]) == 1


def test_text_counts_and_knows_its_letters() -> None:
    space = Text(4, min_length=2, charset="abca")
    assert space.charset == "abc" and "ab" in space
    assert not any(x in space for x in ("a", "aaaaa", "abd", 3, None))
    assert {len(space.sample()) for _ in range(60)} == {2, 3, 4}
    assert {space.sample(mask=(3, [1, 0, 0])) for _ in range(5)} == {"aaa"}
    flat = flatten(space, "cab")
    assert flat.tolist() == [2.0, 0.0, 1.0, 3.0] and unflattened(space, flat) == "cab"


def test_sequence_and_its_lengths() -> None:
    space = Sequence(Discrete(3))
    space.seed(0)
    lengths = [len(space.sample()) for _ in range(400)]
    assert min(lengths) == 0 and np.mean(lengths) == pytest.approx(4.0, abs=0.8)
    assert space.sample(mask=(2, [0, 1, 0])) == (1, 1)
    assert {len(space.sample(mask=([1, 3], None))) for _ in range(40)} == {1, 3}
    assert (0, 1) in space and [2] in space and (3,) not in space and 1 not in space


def test_a_stack_is_one_array_of_as_many_values_as_there_are() -> None:
    space = Sequence(Box(0.0, 1.0, (2,)), stack=True, seed=0)
    assert space.sample(mask=(3, None)).shape == (3, 2) and space.sample(mask=(0, None)).shape == (0, 2)
    assert np.zeros((0, 2), np.float32) in space and np.zeros((4, 2), np.float32) in space
    for other in (np.zeros((4, 3), np.float32), np.full((1, 2), 2.0, np.float32), np.zeros(2, np.float32), ((0, 0),)):
        assert other not in space
    assert space != Sequence(Box(0.0, 1.0, (2,))) and repr(space).endswith("stack=True)")
    parts = Sequence(Dict({"a": Discrete(2), "b": Box(0.0, 1.0, ())}), stack=True)
    stack = {"a": np.array([0, 1]), "b": np.zeros(2, np.float32)}
    assert stack in parts and stack | {"b": np.zeros(3, np.float32)} not in parts and {"a": stack["a"]} not in parts
    assert stack | {"a": np.array([0, 2])} not in parts and parts.encode_sample(stack) == [
        {"a": 0, "b": 0.0},
        {"a": 1, "b": 0.0},
    ]


def test_graph() -> None:
    space = Graph(Box(0.0, 1.0, (2,)), Discrete(3))
    drawn = space.sample(num_nodes=4, num_edges=6)
    assert drawn.nodes.shape == (4, 2) and drawn.edges is not None and drawn.edges.shape == (6,)
    assert drawn.edge_links is not None and drawn.edge_links.max() < 4 and drawn in space
    assert space.sample(num_nodes=1, num_edges=0) in space
    assert drawn._replace(edge_links=drawn.edge_links + 4) not in space, "links between nodes that are not there"
    assert drawn._replace(edges=drawn.edges + 3) not in space and drawn._replace(edges=None) not in space
    assert (drawn.nodes, drawn.edges, drawn.edge_links) not in space
    assert {int(e) for e in space.sample((None, [0, 1, 0]), 5, 9).edges} == {1}  # type: ignore[union-attr]
    assert GraphInstance(np.array([0, 3]), None, None) in Graph(Discrete(4))


def test_a_graphs_nodes_and_edges_are_of_any_space() -> None:
    space = Graph(Dict({"at": Box(0.0, 1.0, (2,)), "name": Text(3)}), Tuple([Discrete(2), MultiBinary(2)]), seed=0)
    drawn = space.sample(num_nodes=4, num_edges=6)
    assert (
        drawn.nodes["at"].shape == (4, 2) and isinstance(drawn.nodes["name"], tuple) and len(drawn.nodes["name"]) == 4
    )
    assert drawn.edges[0].shape == (6,) and drawn.edges[1].shape == (6, 2) and drawn in space
    assert space.sample(num_nodes=2, num_edges=0) in space
    for nodes in (drawn.nodes | {"name": drawn.nodes["name"][:3]}, {"at": drawn.nodes["at"]}, drawn.nodes["at"]):
        assert drawn._replace(nodes=nodes) not in space
    assert drawn._replace(edges=drawn.edges[:1]) not in space
    nested = Graph(Graph(Discrete(2)), seed=0).sample(num_nodes=3)
    assert len(nested.nodes) == 3 and isinstance(nested.nodes[0], GraphInstance)


def test_one_of_is_one_of_them() -> None:
    space = OneOf([Box(0.0, 1.0, (2,)), Discrete(3)])
    assert {int(space.sample()[0]) for _ in range(30)} == {0, 1} and len(space) == 2 and space[1] == Discrete(3)
    assert (1, 2) in space and (0, 2) not in space and (2, 0) not in space and (True, 2) not in space
    assert flatten(space, (1, 2)).tolist() == [1.0, 0.0, 0.0, 1.0] and flatdim(space) == 4
    assert {int(x) for k, x in (space.sample(mask=(None, [1, 0, 0])) for _ in range(30)) if k == 1} == {0}


def test_every_space_flattens_under_leading_dimensions() -> None:
    """A column of a vector env flattens as its rows do."""
    choices = {"b": Discrete(3, -1), "c": MultiDiscrete([[2, 3]], [[0, 1]]), "d": MultiBinary((2, 2))}
    space = Dict({"x": Dict({"a": Box(0.0, 1.0, (2,)), **choices}), "y": Tuple([Discrete(2), Box(-INF, INF, ())])})
    space.seed(0)
    rows = [space.sample() for _ in range(6)]

    def column(values: list[Any]) -> Any:
        if isinstance(values[0], dict):
            return {name: column([v[name] for v in values]) for name in values[0]}
        if isinstance(values[0], tuple):
            return tuple(column(list(part)) for part in zip(*values, strict=True))
        return np.array(values).reshape(2, 3, *np.shape(values[0]))

    flat = flatten(space, column(rows))
    assert np.array_equal(flat.reshape(6, -1), [flatten(space, row) for row in rows]) and flat.shape[:2] == (2, 3)
    assert sekai.core.result.same(unflattened(space, flat), column(rows))


@named
def test_a_batch_space_holds_batches(space: Space[Any]) -> None:
    batch = batch_space(space, 3)
    batch.seed(0)
    assert (
        batch.sample() in batch
        and batch == batch_space(space, 3) != batch_space(space, 4)
        or space
        in (
            Dict({}),
            Tuple([]),
        )
    )
    if space.shape is not None:
        assert batch.shape == (3, *space.shape)
        assert np.stack([np.asarray(space.sample()) for _ in range(3)]) in batch


def test_a_new_kind_of_space_joins() -> None:
    """The hook of the documentation: a space of one's own, flattened inside of a Dict."""

    class Angle(Space[float]):
        def sample(self, mask: Any = None) -> float:
            return float(self.rng.uniform(0, 2 * np.pi))

        def contains(self, x: Any) -> bool:
            return isinstance(x, float) and 0 <= x <= 2 * np.pi

        def _describe(self) -> dict[str, Any]:
            return {}

        @classmethod
        def _rebuild(cls, description: Any) -> "Angle":
            return cls()

        def encode_sample(self, sample: float) -> Any:
            return sample

        def decode_sample(self, encoded: Any) -> float:
            return float(encoded)

    space = Dict({"a": Angle(), "b": Discrete(2)})
    with pytest.raises(SpaceMismatch, match="Angle cannot be flattened: register it"):
        flatdim(space)
    flatdim.register(Angle, lambda space: 2)
    sekai.spaces.flat_bounds.register(Angle, lambda space: (np.full(2, -1.0), np.ones(2)))
    flatten.register(Angle, lambda space, x: np.array([np.cos(x), np.sin(x)], np.float32))
    unflattened.register(Angle, lambda space, x: float(np.arctan2(x[1], x[0]) % (2 * np.pi)))
    sample = space.sample()
    assert flatten(space, sample) in flatten_space(space) and flatdim(space) == 4
    assert unflattened(space, flatten(space, sample))["a"] == pytest.approx(sample["a"], abs=1e-6)
    assert isinstance(Space.from_jsonable(space.to_jsonable())["a"], Angle)  # type: ignore[index]


@pytest.mark.filterwarnings("error")
def test_bounds_that_are_no_numbers_are_refused_without_a_warning() -> None:
    with pytest.raises(SpaceMismatch, match=r"low must be within \[-128, 127\] for dtype int8, got nan"):
        Box(np.nan, 1, dtype=np.int8)
