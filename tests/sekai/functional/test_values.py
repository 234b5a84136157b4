"""Keys, time steps and states: values that split, compare, copy and pickle."""

import pickle
from copy import copy, deepcopy
from dataclasses import FrozenInstanceError, dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import sekai
from sekai.error import SekaiError
from sekai.functional import (
    Key,
    State,
    StepType,
    TimeStep,
    restart,
    same_state,
    termination,
    transition,
    truncation,
)
from sekai.testing import ClockworkEnv, CountingEnv


# --- keys -------------------------------------------------------------------------------------------------------------
def test_the_same_key_always_draws_the_same() -> None:
    key = Key(7)
    assert key.rng().random() == key.rng().random() == Key(7).rng().random() != Key(8).rng().random()


def test_children_are_keys_of_their_own() -> None:
    children = Key(7).split(100)
    assert len({Key(7), *children}) == 101
    draws = np.array([child.rng().random() for child in children])
    assert 0.4 < draws.mean() < 0.6 and abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.3


def test_a_child_belongs_to_its_place_or_its_name() -> None:
    assert Key(7).split(2) == Key(7).split(5)[:2]
    assert Key(7).fold_in("taker") == Key(7).fold_in("taker") != Key(7).fold_in("maker")
    named = {Key(7).fold_in(0), Key(7).fold_in(1), Key(7).fold_in("0"), *Key(7).split(2)}
    assert len(named) == 5


def test_keys_are_values() -> None:
    key = Key(np.int64(7))  # type: ignore[arg-type]
    assert key == pickle.loads(pickle.dumps(key)) == deepcopy(key) == Key(7) and hash(key) == hash(Key(7))
    assert repr(key) == "Key(seed=7)" and 0 <= key.split()[0].seed < 2**63
    with pytest.raises(FrozenInstanceError):
        key.seed = 8  # type: ignore[misc]


@pytest.mark.parametrize("seed", [-1, 1.5, None, True])
def test_what_is_no_key(seed: Any) -> None:
    with pytest.raises(SekaiError, match="seed must be an integer >= 0"):
        Key(seed)


def test_what_cannot_be_split() -> None:
    for n in (0, -1, True, 2.0):
        with pytest.raises(SekaiError, match="n must be an integer >= 1, got"):
            Key(1).split(n)  # type: ignore[arg-type]
    with pytest.raises(SekaiError, match="seed must be an integer >= 0"):
        Key(1).fold_in(-1)


# --- time steps -------------------------------------------------------------------------------------------------------
def test_four_verbs() -> None:
    seen = np.zeros(2)
    told = [restart(seen), transition(1.0, seen), termination(2.0, seen), truncation(3.0, seen)]
    assert [step.step_type for step in told] == [StepType.FIRST, StepType.MID, StepType.LAST, StepType.LAST]
    assert [step.reward for step in told] == [0.0, 1.0, 2.0, 3.0]
    assert [step.discount for step in told] == [1.0, 1.0, 0.0, 1.0]
    assert [step.first() for step in told] == [True, False, False, False]
    assert [step.mid() for step in told] == [False, True, False, False]
    assert [step.last() for step in told] == [False, False, True, True]
    assert all(step.extras == {} for step in told)


def test_discounts_and_extras_may_be_said() -> None:
    assert transition(1.0, 0, 0.9, {"a": 1}) == TimeStep(StepType.MID, 1.0, 0.9, 0, {"a": 1})
    assert truncation(1.0, 0, discount=0.5, extras={"a": 1}) == TimeStep(StepType.LAST, 1.0, 0.5, 0, {"a": 1})
    assert restart(0, {"a": 1}).extras == termination(1.0, 0, {"a": 1}).extras == {"a": 1}


def test_time_steps_are_values() -> None:
    step = transition(1.0, {"x": np.array([1.0, np.nan])}, extras={"y": np.arange(3)})
    assert step == pickle.loads(pickle.dumps(step)) == deepcopy(step) == copy(step)
    assert step != step.replace(reward=2.0) and step.replace(reward=2.0).reward == 2.0 and step.reward == 1.0
    assert step != step.replace(observation={"x": np.array([1.0, 2.0])})
    with pytest.raises(FrozenInstanceError):
        step.reward = 3.0  # type: ignore[misc]
    with pytest.raises(TypeError, match="unhashable"):
        hash(step)


# --- states -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Board(State):
    cells: NDArray[Any]
    turn: int = 0


@dataclass(frozen=True, eq=False, kw_only=True, slots=True)
class Late(State):
    """A state by keywords, with slots, one of which its constructor does not take."""

    cells: NDArray[Any]
    total: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", int(self.cells.sum()))


def test_states_are_values() -> None:
    board = Board(np.arange(3))
    assert board == Board(np.arange(3)) == pickle.loads(pickle.dumps(board)) == deepcopy(board)
    late = Late(cells=np.arange(3))
    assert late == pickle.loads(pickle.dumps(late)) == deepcopy(late) == copy(late) != Late(cells=np.arange(4))
    assert board != Board(np.arange(3), 1) and board != Board(np.arange(4)) and board != 3


def test_environments_are_compared_all_the_way_down() -> None:
    one, two = CountingEnv(), CountingEnv()
    for env in (one, two):
        env.reset(seed=1)
    assert same_state(one, two) and same_state(one, one.clone()) and same_state(one, pickle.loads(pickle.dumps(one)))
    one.step(0.5)
    assert not same_state(one, two)
    two.step(0.5)
    assert same_state(one, two)
    one.rng.random()
    assert not same_state(one, two)


def test_so_are_wrappers_and_programs_in_the_middle() -> None:
    def made() -> Any:
        env = sekai.RepeatAction(ClockworkEnv({"fast": 1, "slow": 3}), 2)
        env.reset(seed=1)
        env.step({"fast": 1.0, "slow": 0.5})
        return env

    one, two = made(), made()
    assert same_state(one, two)
    two.step(dict.fromkeys(two.acting, 0.0))
    assert not same_state(one, two)


def test_circles_functions_and_classes() -> None:
    one: list[Any] = [1]
    two: list[Any] = [1]
    one.append(one)
    two.append(two)
    assert same_state(one, two)
    assert same_state({"f": len, "c": Board, "s": {1}}, {"f": len, "c": Board, "s": {1}})
    assert not same_state(lambda: 1, lambda: 1) and not same_state([1], (1,)) and not same_state({"a": 1}, {"b": 1})
    assert not same_state(1, True) and not same_state(Board(np.arange(2)), Board(np.arange(3)))
    assert not same_state((i for i in ()), (i for i in ()))
