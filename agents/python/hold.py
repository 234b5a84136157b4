"""Does nothing: a maker that quotes no size, a taker that holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from sekai.core import Policy
from sekai.error import SekaiError
from sekai.spaces import Discrete, MultiDiscrete, Space
from sekai.utils import Checked

__all__ = ["Hold"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(Checked):
    """The policy that leaves the market alone; what is left of one when its seat is empty."""

    kind: Literal["hold"] = "hold"

    def seated(self, observation_space: Space[Any], action_space: Space[Any]) -> Policy:
        """Return the policy for a seat whose actions are choices; 0 is nothing in each of them."""
        if not isinstance(action_space, Discrete | MultiDiscrete):
            raise SekaiError(f"hold plays seats with Discrete or MultiDiscrete actions, got {action_space}")
        return _Nothing(np.zeros(action_space.shape, np.intp))


class _Nothing:
    """Gives the same action whatever it sees."""

    def __init__(self, action: np.ndarray[Any, np.dtype[np.intp]]) -> None:
        self._action = action

    def act(self, observation: Any) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Return the action that does nothing."""
        return self._action.copy()
