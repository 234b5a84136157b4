"""Acts at random, every action equally likely: the baseline that a learner must beat first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from sekai.core import Policy
from sekai.error import SekaiError
from sekai.spaces import Discrete, MultiDiscrete, Space
from sekai.utils import Checked

__all__ = ["Uniform"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniform(Checked):
    """The policy that draws each action uniformly from the action space, from a stream of its own."""

    kind: Literal["uniform"] = "uniform"

    def seated(self, observation_space: Space[Any], action_space: Space[Any]) -> Policy:
        """Return the policy for a seat."""
        if not isinstance(action_space, Discrete | MultiDiscrete):
            raise SekaiError(f"uniform plays seats with Discrete or MultiDiscrete actions, got {action_space}")
        return _Draws(np.asarray(action_space.nvec if isinstance(action_space, MultiDiscrete) else action_space.n))


class _Draws:
    """Draws actions; without a seed its stream goes on from episode to episode."""

    def __init__(self, options: np.ndarray[Any, np.dtype[Any]]) -> None:
        self._options = options
        self._rng = np.random.default_rng()

    def act(self, observation: Any) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Return a random action."""
        return np.asarray(self._rng.integers(self._options, dtype=np.intp))

    def reset(self, seed: int | None) -> None:
        """Begin an episode; a seed starts the stream anew."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
