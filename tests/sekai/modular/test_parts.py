"""What is seen, what is paid, when it ends: each part alone, and combined."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import sekai
from sekai.error import SekaiError, SpaceMismatch
from sekai.modular import (
    AllOf,
    AnyOf,
    ArrayFromDictObservation,
    ArrayObservation,
    ConcatenatedArrayObservation,
    DictObservation,
    DummyArrayObservation,
    DummyDictObservation,
    MergedDictObservation,
    NeverTerminate,
    Not,
    Observation,
    RewardMetric,
    StateAction,
    TerminationCriterion,
    ViewState,
    WeightedSum,
)


@dataclass(kw_only=True)
class Where(StateAction):
    x: float
    cell: int = 0


AT = Where(normalized_action_arr=0.5, x=3.0, cell=2)


class X(ArrayObservation[Where]):
    @property
    def observation_space(self) -> sekai.Box:
        return sekai.Box(-10.0, 10.0, (1,))

    def compute_observation(self, state: Where) -> NDArray[Any]:
        return np.array([state.x], np.float32)


class LastAction(ArrayObservation[StateAction]):
    """Serves every state: what is consumed may be less than what there is."""

    @property
    def observation_space(self) -> sekai.Box:
        return sekai.Box(-1.0, 1.0, (1, 1))

    def compute_observation(self, state: StateAction) -> NDArray[Any]:
        return np.array([[state.normalized_action_arr]], np.float32)


class Named(DictObservation[Where]):
    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def observation_space(self) -> sekai.Dict:
        return sekai.Dict({self.name: sekai.Box(-10.0, 10.0, (1,)), f"{self.name}_cell": sekai.Discrete(4)})

    def compute_observation(self, state: Where) -> dict[str, Any]:
        return {self.name: np.array([state.x], np.float32), f"{self.name}_cell": np.intp(state.cell)}


# --- observations -----------------------------------------------------------------------------------------------------
def test_array_observations_are_joined_flat() -> None:
    both = X() + LastAction()
    assert isinstance(both, ConcatenatedArrayObservation)
    assert [type(part) for part in both.array_observations] == [X, LastAction]
    assert both.compute_observation(AT).tolist() == [3.0, 0.5]
    assert both.observation_space == sekai.Box(np.array([-10.0, -1.0]), np.array([10.0, 1.0]))
    assert both.compute_observation(AT) in both.observation_space


def test_concatenated_boxes_keep_every_bound() -> None:
    boxes = [sekai.Box(0.0, np.inf, (2, 2)), sekai.Box(-np.inf, 1.0, (1,)), sekai.Box(0, 3, (1,), np.int8)]
    box = ConcatenatedArrayObservation.concatenate_boxes(boxes)
    assert box.low.tolist() == [0, 0, 0, 0, -np.inf, 0]
    assert box.high.tolist() == [np.inf, np.inf, np.inf, np.inf, 1, 3]
    with pytest.raises(SpaceMismatch, match="boxes must be Boxes, got Discrete"):
        ConcatenatedArrayObservation.concatenate_boxes([sekai.Discrete(3)])  # type: ignore[list-item]


def test_a_dict_observation_as_an_array() -> None:
    """Its parts in the order of their names, a choice as a one-hot."""
    flat = Named("x").to_array_observation()
    assert isinstance(flat, ArrayFromDictObservation)
    assert flat.compute_observation(AT).tolist() == [3, 0, 0, 1, 0]
    assert flat.observation_space.shape == (5,) and flat.compute_observation(AT) in flat.observation_space


def test_dict_observations_merge() -> None:
    merged = Named("a").merged_with(Named("b"))
    assert isinstance(merged, MergedDictObservation) and len(merged.dict_observations) == 2
    assert list(merged.observation_space) == ["a", "a_cell", "b", "b_cell"]
    assert merged.compute_observation(AT) in merged.observation_space
    assert (Named("a") | Named("b")).observation_space == merged.observation_space
    three = merged | DummyDictObservation()
    assert list(three.compute_observation(AT)) == ["a", "a_cell", "b", "b_cell", "dummy"]


def test_names_that_meet_are_an_error() -> None:
    with pytest.raises(SekaiError, match="names of their own, got 'a' twice"):
        Named("a").merged_with(Named("a"))


def test_dummies_show_the_same_whatever_happens() -> None:
    array, named = DummyArrayObservation(), DummyDictObservation()
    assert array.compute_observation(None) in array.observation_space
    assert named.compute_observation(None) in named.observation_space


def test_only_observations_are_joined() -> None:
    with pytest.raises(TypeError):
        X() + 3  # type: ignore[operator]
    with pytest.raises(TypeError):
        Named("a") | X()  # type: ignore[operator]
    with pytest.raises(SekaiError, match="array_observations must be of ArrayObservation, got <"):
        ConcatenatedArrayObservation([Named("a")])  # type: ignore[list-item]
    with pytest.raises(SekaiError, match="dict_observation must be of DictObservation"):
        ArrayFromDictObservation(X())  # type: ignore[arg-type]


def test_a_part_without_its_methods_cannot_be_made() -> None:
    for part in (Observation, ArrayObservation, DictObservation, RewardMetric, TerminationCriterion):
        with pytest.raises(TypeError, match="abstract"):
            part()


# --- rewards ----------------------------------------------------------------------------------------------------------
class Pays(RewardMetric[Where]):
    """Pays x, from 0 to `most`."""

    def __init__(self, most: float) -> None:
        self.most = most

    @property
    def range(self) -> tuple[float, float]:
        return 0.0, self.most

    def compute_reward(self, state: Where) -> float:
        return state.x


def test_rewards_add_up_and_take_weights() -> None:
    metric = Pays(10) + 2 * Pays(5) - 0.5 * Pays(1)
    assert metric.compute_reward(AT) == 3 + 6 - 1.5
    assert metric.range == (-0.5, 20.0)
    assert sum([Pays(1), Pays(2), Pays(3)]).range == (0, 6)  # type: ignore[union-attr]
    assert (-Pays(4)).range == (-4.0, 0.0) and (Pays(4) * 3).compute_reward(AT) == 9.0


def test_a_weight_of_nothing_counts_for_nothing() -> None:
    assert (0.0 * Pays(np.inf) + Pays(1)).range == (0.0, 1.0)


def test_only_metrics_add_up_and_only_finite_numbers_weigh() -> None:
    for wrong in (lambda: Pays(1) + 1.0, lambda: Pays(1) * Pays(1), lambda: 1 + Pays(1), lambda: Pays(1) * True):
        with pytest.raises(TypeError):
            wrong()  # type: ignore[no-untyped-call]
    with pytest.raises(SekaiError, match="a finite weight and a RewardMetric"):
        np.inf * Pays(1)
    with pytest.raises(SekaiError, match="a finite weight and a RewardMetric"):
        WeightedSum([(1.0, X())])  # type: ignore[list-item]


class Gain(RewardMetric[ViewState[float]]):
    """Pays by how much the view, a number, has grown."""

    @property
    def range(self) -> tuple[float, float]:
        return -np.inf, np.inf

    def note(self, state: ViewState[float]) -> float:
        return state.view

    def compute_reward(self, state: ViewState[float]) -> float:
        return state.view - float(state.noted)


def test_each_term_of_a_sum_gets_what_it_has_noted() -> None:
    metric = Gain() + 10 * (Gain() + Gain())
    before = ViewState(normalized_action_arr=None, view=1.0)
    after = ViewState(normalized_action_arr=0, view=1.5, noted=metric.note(before))
    assert metric.compute_reward(after) == 0.5 + 10.0


# --- criteria ---------------------------------------------------------------------------------------------------------
class Says(TerminationCriterion[Any]):
    def __init__(self, answer: bool) -> None:
        self.answer = answer

    def should_terminate(self, env: Any) -> bool:
        return self.answer


@pytest.mark.parametrize("one", [False, True])
@pytest.mark.parametrize("two", [False, True])
def test_criteria_combine_like_words(one: bool, two: bool) -> None:
    both, either = Says(one) & Says(two), Says(one) | Says(two)
    assert isinstance(both, AllOf) and isinstance(either, AnyOf) and isinstance(~Says(one), Not)
    assert both.should_terminate(None) is (one and two)
    assert either.should_terminate(None) is (one or two)
    assert (~Says(one)).should_terminate(None) is not one
    assert (~both).should_terminate(None) is (~Says(one) | ~Says(two)).should_terminate(None)
    assert not NeverTerminate().should_terminate(None)


def test_only_criteria_combine() -> None:
    with pytest.raises(TypeError):
        Says(True) & True  # type: ignore[operator]
    for make in (AllOf, AnyOf):
        with pytest.raises(SekaiError, match="criteria must be of TerminationCriterion, got 3"):
            make([Says(True), 3])  # type: ignore[list-item]
