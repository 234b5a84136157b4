"""A walk to trade on, twice: composed of parts, and as pure functions. Both walk alike for the same seed.

The price starts at 0 and moves by a standard normal draw each step. An action sells (0), waits (1) or buys (2) one lot
before the price moves; the position earns its moves.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sekai.functional.environment import Environment, State
from sekai.functional.keys import Key
from sekai.functional.specs import Array, DiscreteArray
from sekai.functional.timestep import TimeStep, restart, termination, transition
from sekai.modular.criteria import TerminationCriterion
from sekai.modular.env import ModularEnv
from sekai.modular.observations import ArrayObservation, Observation
from sekai.modular.rewards import RewardMetric
from sekai.modular.state import StateAction
from sekai.spaces.box import Box
from sekai.spaces.discrete import Discrete

__all__ = ["ModularWalk", "PlaceObservation", "ProfitMetric", "PureWalk", "PureWalkState", "WalkState"]


@dataclass(kw_only=True)
class WalkState(StateAction):
    """Where the walk is, its last move, and what is held; the normalized action is -1, 0 or 1."""

    price: float = 0.0
    move: float = 0.0
    position: int = 0


class PlaceObservation(ArrayObservation[WalkState]):
    """Sees the price and the position, `(2,)`."""

    @property
    def observation_space(self) -> Box:
        """Two numbers without bounds."""
        return Box(-np.inf, np.inf, (2,))

    def compute_observation(self, state: WalkState) -> NDArray[Any]:
        """Return both."""
        return np.array([state.price, state.position], np.float32)


class ProfitMetric(RewardMetric[WalkState]):
    """Pays what the position earned in the last move."""

    @property
    def range(self) -> tuple[float, float]:
        """Without bounds."""
        return -np.inf, np.inf

    def compute_reward(self, state: WalkState) -> float:
        """Return position times move."""
        return state.position * state.move


class ModularWalk(ModularEnv[WalkState, int, Any]):
    """The walk, whose parts can be exchanged."""

    def __init__(
        self,
        reward_metric: RewardMetric[WalkState] | None = None,
        observation: Observation[WalkState, Any] | None = None,
        termination_criterion: TerminationCriterion[Any] | None = None,
        max_episode_len: int | None = 10,
    ) -> None:
        super().__init__(
            reward_metric or ProfitMetric(), observation or PlaceObservation(), termination_criterion, max_episode_len
        )
        self.action_space = Discrete(3)

    def sample_initial_state(self) -> WalkState:
        """Stand at 0 and hold nothing."""
        return WalkState(normalized_action_arr=None)

    def compute_next_state(self, action: int) -> WalkState:
        """Trade, then move."""
        before, move = self.cur_state_action, float(self.rng.standard_normal())
        side = int(action) - 1
        position = before.position + side
        return WalkState(normalized_action_arr=side, price=before.price + move, move=move, position=position)


@dataclass(frozen=True, eq=False)
class PureWalkState(State):
    """All of a walk: all its moves, how many were made, where that led, and what is held."""

    moves: NDArray[np.float64]
    time: int = 0
    price: float = 0.0
    position: int = 0


class PureWalk(Environment[PureWalkState, DiscreteArray, NDArray[Any]]):
    """The walk as pure functions, of `length` steps, after which it truly ends."""

    def __init__(self, length: int = 10) -> None:
        self.length = length
        self.observation_spec = Array((2,), np.float32, "observation")
        self.action_spec = DiscreteArray(3, name="action")

    def reset(self, key: Key) -> tuple[PureWalkState, TimeStep[NDArray[Any]]]:
        """Stand at 0 and hold nothing."""
        return PureWalkState(key.rng().standard_normal(self.length)), restart(np.zeros(2, np.float32))

    def step(self, state: PureWalkState, action: Any) -> tuple[PureWalkState, TimeStep[NDArray[Any]]]:
        """Trade, then move."""
        move, time = float(state.moves[state.time]), state.time + 1
        price, position = state.price + move, state.position + int(action) - 1
        verb = termination if time >= self.length else transition
        seen = np.array([price, position], np.float32)
        return PureWalkState(state.moves, time, price, position), verb(position * move, seen)

    def render(self, state: PureWalkState) -> str:
        """Return a line of text."""
        return f"{state.position:+d} lots at {state.price:.2f}"
