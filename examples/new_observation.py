"""A new observation: the last move of a walk, beside what is shown anyway. Run `python examples/new_observation.py`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import sekai
from sekai.modular import ArrayObservation
from sekai.testing.walks import ModularWalk, PlaceObservation, WalkState


class LastMove(ArrayObservation[WalkState]):
    """How far the price went in the last step."""

    @property
    def observation_space(self) -> sekai.Box:
        return sekai.Box(-np.inf, np.inf, (1,))

    def compute_observation(self, state: WalkState) -> NDArray[np.float32]:
        return np.array([state.move], np.float32)


env = ModularWalk(observation=PlaceObservation() + LastMove())
print("price, position, last move:", env.reset(seed=0).observation)
for action in (2, 2, 0):  # buy, buy, sell
    print("price, position, last move:", env.step(action).observation)
