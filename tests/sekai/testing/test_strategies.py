"""Spaces of every shape, hunted through the laws of spaces."""

import json
import pickle
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sekai.core.result import same
from sekai.spaces import Space, batch_space, flat_dtype, flatdim, flatten, flatten_space
from sekai.spaces import unflatten as unflattened
from sekai.testing.strategies import flattenable_spaces, spaces, values


@settings(max_examples=60)
@given(data=st.data(), space=spaces())
def test_every_space_survives_json_and_pickling_with_its_values(data: st.DataObject, space: Space[Any]) -> None:
    value = data.draw(values(space))
    assert value in space
    text = json.dumps(space.to_jsonable(), allow_nan=False)
    for twin in (Space.from_jsonable(json.loads(text)), pickle.loads(pickle.dumps(space))):
        assert twin == space and hash(twin) == hash(space) and json.dumps(twin.to_jsonable()) == text
    sent = json.loads(json.dumps(space.encode_sample(value), allow_nan=False))
    assert same(space.decode_sample(sent), value)


@settings(max_examples=60)
@given(data=st.data(), space=flattenable_spaces())
def test_flattening_loses_nothing(data: st.DataObject, space: Space[Any]) -> None:
    value = data.draw(values(space))
    flat = flatten(space, value)
    assert flat.shape == (flatdim(space),) and flat.dtype == flat_dtype(space) and flat in flatten_space(space)
    assert same(unflattened(space, flat), value)


@settings(max_examples=40)
@given(space=spaces(), n=st.integers(1, 3))
def test_batches_of_values_are_in_the_batch_space(space: Space[Any], n: int) -> None:
    batch = batch_space(space, n)
    batch.seed(0)
    space.seed(0)
    assert batch.sample() in batch
    if space.shape is not None:
        assert np.stack([np.asarray(space.sample()) for _ in range(n)]) in batch
