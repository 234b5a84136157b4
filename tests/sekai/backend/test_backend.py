"""Where arrays live: numpy, and torch by the same protocol; what is in them does not depend on it."""

from typing import Any

import numpy as np
import pytest

import sekai
from sekai.backend import NUMPY, BackendOps, backend
from sekai.core.result import same
from sekai.spaces import Box, Dict, Discrete, Graph, MultiBinary, MultiDiscrete, Space, Tuple, flatten, flatten_space
from sekai.spaces import unflatten as unflattened


@pytest.fixture(params=["numpy", "torch"])
def ops(request: pytest.FixtureRequest) -> BackendOps:
    if request.param == "torch":
        pytest.importorskip("torch", reason="the extra torch is not installed")
    return backend(request.param)


def test_what_a_backend_can_do(ops: BackendOps) -> None:
    assert isinstance(ops, BackendOps)
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    there = ops.from_numpy(array.copy())
    assert ops.is_array(there) and not ops.is_array([1.0]) and same(ops.to_numpy(there), array)
    copied = ops.copy(there)
    there += 1
    assert same(ops.to_numpy(copied), array) and same(ops.to_numpy(there), array + 1)
    assert same(ops.to_numpy(ops.zeros((2, 1), np.int8)), np.zeros((2, 1), np.int8))
    assert ops.to_numpy(ops.stack([there, there], 1)).shape == (2, 2, 3)
    assert ops.to_numpy(ops.concatenate([there, there], 1)).shape == (2, 6)
    assert same(ops.to_numpy(ops.clip(there, 2.0, 4.0)), np.clip(array + 1, 2, 4))
    assert same(ops.to_numpy(ops.where(there > 3, there, copied)), np.where(array + 1 > 3, array + 1, array))
    assert same(ops.to_numpy([1, 2]), np.array([1, 2]))


@pytest.mark.parametrize(
    "space",
    [
        Box(-1.0, np.inf, (3,)),
        Box(0, 9, (2, 2), np.int32),
        MultiDiscrete([3, 4]),
        MultiBinary((2, 3)),
        Dict(a=Box(0.0, 1.0, (2,)), b=Tuple([MultiBinary(2), Discrete(3)])),
    ],
    ids=repr,
)
def test_spaces_draw_the_same_numbers_everywhere(space: Space[Any], ops: BackendOps) -> None:
    there = space.with_backend(ops)
    assert there == space and hash(there) == hash(space) and there.backend == ops and space.backend == NUMPY
    space.seed(3)
    there.seed(3)
    drawn, moved = space.sample(), there.sample()
    assert moved in there
    assert space.encode_sample(drawn) == there.encode_sample(moved)
    assert there.decode_sample(there.encode_sample(moved)) in there
    flat = flatten(there, moved)
    assert ops.is_array(flat) and same(ops.to_numpy(flat), flatten(space, drawn)) and flat in flatten_space(there)
    assert there.encode_sample(unflattened(there, flat)) == space.encode_sample(drawn)


def test_a_backend_is_passed_to_a_space(ops: BackendOps) -> None:
    assert ops.is_array(Box(0.0, 1.0, (3,), backend=ops).sample())
    assert ops.is_array(Dict({"a": MultiBinary(3)}, backend=ops).sample()["a"])
    assert ops.is_array(Tuple([MultiDiscrete([2, 2])], backend=ops).sample()[0])


def test_a_graph_is_of_arrays_of_its_backend(ops: BackendOps) -> None:
    space = Graph(Dict(at=Box(0.0, 1.0, (2,)), kind=Discrete(3)), MultiDiscrete([2, 2]))
    there = space.with_backend(ops)
    assert there == space == Graph(space.node_space, space.edge_space, backend=ops) and space.backend == NUMPY
    space.seed(3)
    there.seed(3)
    drawn, moved = space.sample(num_nodes=3, num_edges=2), there.sample(num_nodes=3, num_edges=2)
    assert all(ops.is_array(x) for x in (moved.nodes["at"], moved.nodes["kind"], moved.edges, moved.edge_links))
    assert moved in there and space.encode_sample(drawn) == there.encode_sample(moved)
    assert there.decode_sample(there.encode_sample(moved)) in there


def test_a_moved_space_has_a_stream_of_its_own(ops: BackendOps) -> None:
    """Also where the next samples are drawn already."""
    space = MultiDiscrete([5, 9, 20], seed=3)
    first = [space.sample().tolist() for _ in range(4)]
    there = space.with_backend(ops)
    there.seed(3)
    assert [ops.to_numpy(there.sample()).tolist() for _ in range(4)] == first
    again = MultiDiscrete([5, 9, 20], seed=3)
    assert [again.sample().tolist() for _ in range(8)][4:] == [space.sample().tolist() for _ in range(4)]


def test_an_unknown_backend_is_named() -> None:
    with pytest.raises(sekai.SekaiError, match="backend must be one of .*'torch'"):
        backend("torhc")


def test_an_array_that_numpy_cannot_read_is_said() -> None:
    class OnADevice:
        def __array__(self, *args: object, **kwargs: object) -> object:
            raise TypeError("copy it to the host first")

    with pytest.raises(sekai.BackendMismatch, match=r"got a .*OnADevice: copy it to the host first"):
        flatten(Box(0.0, 1.0, (1,)), OnADevice())
