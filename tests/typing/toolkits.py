"""A user's file on top of the toolkits; `tests/test_typing.py` checks the types behind each `reveal_type`."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, reveal_type

import numpy as np
from numpy.typing import NDArray

import sekai
from sekai.functional import (
    Array,
    AutoResetWrapper,
    DiscreteArray,
    Environment,
    Key,
    State,
    TimeStep,
    from_env,
    restart,
    to_env,
    transition,
)
from sekai.modular import (
    ArrayObservation,
    DictObservation,
    ModularEnv,
    RewardMetric,
    StateAction,
    TerminationCriterion,
)


@dataclass(kw_only=True)
class Price(StateAction):
    price: float


class Sees(ArrayObservation[Price]):
    @property
    def observation_space(self) -> sekai.Box:
        return sekai.Box(0.0, 9.0, (1,))

    def compute_observation(self, state: Price) -> NDArray[Any]:
        return np.array([state.price], np.float32)


class Names(DictObservation[Price]):
    def __init__(self, name: str = "price") -> None:
        self.name = name

    @property
    def observation_space(self) -> sekai.Dict:
        return sekai.Dict({self.name: sekai.Box(0.0, 9.0, (1,))})

    def compute_observation(self, state: Price) -> dict[str, Any]:
        return {self.name: np.array([state.price], np.float32)}


class Pays(RewardMetric[Price]):
    @property
    def range(self) -> tuple[float, float]:
        return 0.0, 1.0

    def compute_reward(self, state: Price) -> float:
        return state.price


class Quiet(RewardMetric[StateAction]):
    """Serves every state, so it adds up with what serves some."""

    @property
    def range(self) -> tuple[float, float]:
        return 0.0, 0.0

    def compute_reward(self, state: StateAction) -> float:
        return 0.0


class Late(TerminationCriterion[ModularEnv[Price, Any, Any]]):
    def should_terminate(self, env: ModularEnv[Price, Any, Any]) -> bool:
        reveal_type(env.cur_state_action)  # Price
        return env.cur_episode_len > 3


class Rises(ModularEnv[Price, int, NDArray[Any]]):
    def __init__(self) -> None:
        seen = Sees() + Names().to_array_observation()
        super().__init__(2.0 * Pays() - Quiet(), seen, Late() & ~Late(), 3)
        self.action_space = sekai.Discrete(3)

    def sample_initial_state(self) -> Price:
        return Price(normalized_action_arr=None, price=0.0)

    def compute_next_state(self, action: int) -> Price:
        return Price(normalized_action_arr=action, price=self.cur_state_action.price + 1)


env = Rises()
reveal_type(env.reset(seed=1))  # ResetResult[ndarray]
reveal_type(env.step(1).observation)  # ndarray
reveal_type(env.get_cur_env_status())  # EnvStatus[Price, ndarray]
reveal_type(env.cur_observation)  # ndarray
reveal_type(Pays() + Pays())  # WeightedSum[Price]
reveal_type(Names() | Names("other"))  # MergedDictObservation[Price]


@dataclass(frozen=True, eq=False)
class Board(State):
    cells: NDArray[Any]


class Game(Environment[Board, DiscreteArray, NDArray[Any]]):
    @cached_property
    def observation_spec(self) -> Array:
        return Array((2,), float)

    @cached_property
    def action_spec(self) -> DiscreteArray:
        return DiscreteArray(3)

    def reset(self, key: Key) -> tuple[Board, TimeStep[NDArray[Any]]]:
        board = Board(key.rng().random(2))
        return board, restart(board.cells)

    def step(self, state: Board, action: Any) -> tuple[Board, TimeStep[NDArray[Any]]]:
        return state, transition(1.0, state.cells)


game = Game()
game.action_spec = DiscreteArray(4)  # specs may be assigned
reveal_type(game.reset(Key(1)))  # tuple[Board, TimeStep[ndarray]]
reveal_type(game.action_spec)  # DiscreteArray
reveal_type(to_env(game))  # Env[ndarray, Any]
reveal_type(from_env(env))  # Environment[EnvState, Any, ndarray]
reveal_type(AutoResetWrapper(game).reset(Key(1)))  # tuple[AutoResetState[Board], TimeStep[ndarray]]
