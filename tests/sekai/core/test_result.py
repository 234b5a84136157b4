"""Results are frozen values that compare by what they hold."""

import copy
import dataclasses
import inspect
import pickle

import numpy as np
import pytest

from sekai import MAResetResult, MAStepResult, ResetResult, StepResult
from sekai.core.result import same
from sekai.vector import VecStepResult


def step(observation: object = 1, reward: float = 2.0) -> StepResult[object]:
    return StepResult(observation, reward, terminated=False, truncated=True, info={"a": np.arange(3)})


def test_fields_come_in_the_order_of_the_documentation() -> None:
    result = StepResult("o", 1.0, True, False, {"k": 1})
    assert (result.observation, result.reward, result.terminated, result.truncated) == ("o", 1.0, True, False)
    assert [f.name for f in dataclasses.fields(MAStepResult)] == [
        "observations", "rewards", "terminated", "truncated", "info", "first", "elapsed",
    ]  # fmt: skip
    assert dataclasses.is_dataclass(result) and repr(result).startswith("StepResult(observation='o'")
    assert [*inspect.signature(StepResult).parameters] == [f.name for f in dataclasses.fields(StepResult)]


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        (StepResult, step()),
        (ResetResult, ResetResult(1, {})),
        (ResetResult, ResetResult[int](1, {})),
        (MAResetResult, MAResetResult({}, {})),
        (MAStepResult, MAStepResult({}, {}, {}, {}, {})),
        (VecStepResult, VecStepResult(1, 1.0, False, False, [{}], 1, False, True)),
    ],
)
def test_results_are_frozen_slotted_unhashable_and_travel(kind: type[object], result: object) -> None:
    name = dataclasses.fields(result)[0].name  # type: ignore[arg-type]
    for attribute in (name, "other"):
        with pytest.raises(dataclasses.FrozenInstanceError, match=f"cannot change {attribute!r} of a {kind.__name__}"):
            setattr(result, attribute, 3)
        with pytest.raises(dataclasses.FrozenInstanceError):
            delattr(result, attribute)
    assert not hasattr(result, "__dict__") and type(result) is kind
    with pytest.raises(TypeError, match="unhashable"):
        hash(result)
    for twin in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result), copy.copy(result)):
        assert type(twin) is type(result) and twin == result
    assert dataclasses.replace(result) == result  # type: ignore[type-var]
    other = dataclasses.replace(result, **{name: 3})  # type: ignore[type-var]
    assert getattr(other, name) == 3 and type(other) is type(result) and other != result
    with pytest.raises(TypeError, match=f"{kind.__name__}.__init__"):
        kind(unknown=1)  # type: ignore[call-arg]
    for parent in (kind, type(result)):
        with pytest.raises(TypeError, match=f"Heir must not inherit from {kind.__name__}, which is final"):
            type("Heir", (parent,), {"__slots__": ()})


def test_equality_looks_into_arrays_and_containers() -> None:
    assert step(np.array([1.0, np.nan])) == step(np.array([1.0, np.nan]))
    assert step(np.array([1.0])) != step(np.array([2.0]))
    assert step(np.array([1.0])) != step(np.array([1.0], np.float32)), "another dtype is another value"
    assert step({"a": (np.zeros(2), [1])}) == step({"a": (np.zeros(2), [1])})
    assert step({"a": np.zeros(2)}) != step({"a": np.zeros(3)})
    assert step() != ResetResult(1, {}) and step() != "step"
    assert not same(np.zeros(2), [0.0, 0.0]) and same(float("nan"), float("nan"))


def test_done() -> None:
    assert [StepResult(0, 0.0, a, b, {}).done for a in (False, True) for b in (False, True)] == [
        False,
        True,
        True,
        True,
    ]
    living = {"a": False, "b": False}
    cases = [(living, living, False, False), ({"a": True, "b": False}, living, True, False)]
    cases += [({"a": True, "b": False}, {"a": False, "b": True}, True, True), ({}, {}, False, True)]
    for terminated, truncated, some, everyone in cases:
        result = MAStepResult({}, {}, terminated, truncated, {})
        assert (result.any_done, result.all_done) == (some, everyone)


def test_many_agents_defaults_are_each_results_own() -> None:
    one, other = MAStepResult({}, {}, {}, {}, {"a": {}}), MAStepResult({}, {}, {}, {}, {})
    one.elapsed["a"] = 1.0
    assert other.elapsed == {} and one.first == frozenset()
    assert one.infos is one.info and MAResetResult({}, {"a": {}}).infos == {"a": {}}
