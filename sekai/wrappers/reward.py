"""Wrappers that change rewards."""

from collections.abc import Callable
from typing import Any

import numpy as np

from sekai.core.env import Env
from sekai.core.wrapper import EnvActT, EnvObsT, RewardWrapper
from sekai.error import SekaiError

__all__ = ["ClipReward", "TransformReward"]


class TransformReward(RewardWrapper[EnvObsT, EnvActT]):
    """Applies `fn` to rewards."""

    def __init__(self, env: Env[EnvObsT, EnvActT], fn: Callable[[float], float]) -> None:
        super().__init__(env)
        if not callable(fn):
            raise SekaiError(f"fn must be callable on a reward, got {fn!r}")
        self.fn = fn

    def reward(self, reward: float) -> float:
        """Return `fn(reward)`."""
        return self.fn(reward)


class ClipReward(RewardWrapper[EnvObsT, EnvActT]):
    """Keeps rewards within [`min`, `max`], one of which may be None."""

    over_rows = True

    def __init__(self, env: Env[EnvObsT, EnvActT], min: float | None = None, max: float | None = None) -> None:
        super().__init__(env)
        if min is None and max is None:
            raise SekaiError("min or max must be given, got None for both")
        if min is not None and max is not None and not min <= max:
            raise SekaiError(f"min must be <= max, got {min} and {max}")
        self.min, self.max = min, max
        self._low = -np.inf if min is None else float(min)
        self._high = np.inf if max is None else float(max)

    def reward(self, reward: Any) -> Any:
        """Return the reward, or the bound that it is beyond."""
        if isinstance(reward, np.ndarray) and reward.ndim:
            return np.clip(reward, self._low, self._high)
        if reward < self._low:
            return self._low
        return self._high if reward > self._high else float(reward)
