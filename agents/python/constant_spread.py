"""A market maker in a dozen lines: quotes at a constant distance, further out where it would add to inventory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge

from sekai.core import Policy
from sekai.error import SekaiError
from sekai.spaces import MultiDiscrete, Space
from sekai.utils import Checked

__all__ = ["ConstantSpread"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantSpread(Checked):
    """Quotes `size_lots` on each side, `distance_ticks` from the mid.

    For every `lots_per_tick` held, the quote that would add to the inventory moves one tick away.
    """

    plays: ClassVar[tuple[str, ...]] = ("maker",)
    kind: Literal["constant_spread"] = "constant_spread"
    distance_ticks: Annotated[int, Ge(0)] = 1
    size_lots: Annotated[int, Ge(1)] = 1
    lots_per_tick: Annotated[int, Ge(1)] = 5

    def seated(self, observation_space: Space[Any], action_space: Space[Any]) -> Policy:
        """Return the policy for a maker's seat; raises `SekaiError` for another, or where the quotes do not fit."""
        if not isinstance(action_space, MultiDiscrete) or action_space.shape != (4,):
            raise SekaiError(f"constant_spread plays makers, whose action is MultiDiscrete of 4, got {action_space}")
        most = action_space.nvec - 1
        if self.distance_ticks > most[0] or self.size_lots > most[2]:
            raise SekaiError(
                f"distance_ticks and size_lots must be at most {most[0]} and {most[2]} in this seat, "
                f"got {self.distance_ticks} and {self.size_lots}"
            )
        return _Quotes(self, int(most[0]))


class _Quotes:
    """Acts on the position that it sees."""

    def __init__(self, policy: ConstantSpread, furthest_ticks: int) -> None:
        self._policy, self._furthest = policy, furthest_ticks

    def act(self, observation: Any) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Return distances and sizes of the bid and the ask."""
        lots, policy = int(observation["account"][0]), self._policy
        bid = policy.distance_ticks + max(lots, 0) // policy.lots_per_tick
        ask = policy.distance_ticks + max(-lots, 0) // policy.lots_per_tick
        size = policy.size_lots
        return np.array([min(bid, self._furthest), min(ask, self._furthest), size, size], np.intp)
