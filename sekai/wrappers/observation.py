"""Layers that change what is seen; they take `(..., *shape)`, so one serves an agent, a group, a vector's column."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sekai.core.env import ActT, ObsT
from sekai.core.result import AgentID
from sekai.core.wrapper import ObservationWrapper
from sekai.error import SekaiError, SpaceMismatch
from sekai.spaces.box import Box
from sekai.spaces.dict import Dict
from sekai.spaces.space import Space

__all__ = ["NormalizeObservation", "RunningMoments"]


class RunningMoments:
    """Mean and variance of all arrays seen so far, number by number.

    Arrays are `(..., *shape)`; leading dimensions are more arrays. Batches are merged by Chan, Golub and LeVeque's
    update (1979), which for a single array is Welford's.

    >>> moments = RunningMoments((1,))
    >>> moments.update(np.array([[1.0], [3.0]]))
    >>> moments.mean, moments.variance, moments.count
    (array([2.]), array([1.]), 2)
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.count = 0
        self.mean = np.zeros(shape)
        self._squares = np.zeros(shape)

    @property
    def variance(self) -> NDArray[np.float64]:
        """The variance so far (of the population); 1 before there are two arrays."""
        return self._squares / self.count if self.count > 1 else np.ones(self.shape)

    def update(self, x: NDArray[Any]) -> None:
        """Take `x`, `(..., *shape)`, into account; raises `SpaceMismatch` for another shape."""
        lead = x.ndim - len(self.shape)
        if lead < 0 or x.shape[lead:] != self.shape:
            raise SpaceMismatch(f"x must have shape (..., {', '.join(map(str, self.shape))}), got {x.shape}")
        batch = x.reshape((-1, *self.shape)).astype(np.float64)
        count = len(batch)
        mean = batch.mean(axis=0)
        total = self.count + count
        delta = mean - self.mean
        self._squares += ((batch - mean) ** 2).sum(axis=0) + delta**2 * (self.count * count / total)
        self.mean += delta * (count / total)
        self.count = total


class NormalizeObservation(ObservationWrapper[ObsT, ActT]):
    """Subtracts the running mean of observations and divides by their running standard deviation.

    Every Box of the observation is normalised, in a nested Dict too; other parts stay as they are. Of many agents,
    statistics are `"agent"`'s own, or `shared="role"` by all agents of a role. While `frozen`, they stay as they are.
    Raises `SpaceMismatch` for a space without a Box.
    """

    def __init__(self, env: Any, epsilon: float = 1e-8, shared: str = "agent") -> None:
        super().__init__(env)
        if shared not in ("agent", "role"):
            raise SekaiError(f"shared must be 'agent' or 'role', got {shared!r}")
        if not epsilon > 0:
            raise SekaiError(f"epsilon must be > 0, got {epsilon}")
        self.epsilon = epsilon
        self.frozen = False
        self._shared = shared
        self._inner = env.observation_space
        self.moments: dict[tuple[str, ...], RunningMoments] = {}
        self.observation_space = self._normalised_space(self._inner, ())
        if not self.moments:
            raise SpaceMismatch(f"NormalizeObservation needs a Box to normalise, got {self._inner}")

    def on_birth(self, agent: AgentID, kin: Sequence[Any]) -> None:
        """Take over the statistics of the role, where they are shared; its spaces must be the same."""
        if self._shared == "role" and kin:
            if kin[0]._inner != self._inner:
                raise SpaceMismatch(
                    f"{agent!r} cannot share statistics with its role: {self._inner} != {kin[0]._inner}"
                )
            self.moments = kin[0].moments

    def observation(self, obs: Any) -> Any:
        """Take `obs` into account unless frozen, and return it normalised."""
        return self._normalised(self._inner, obs, ())

    def _normalised(self, space: Space[Any], value: Any, path: tuple[str, ...]) -> Any:
        if isinstance(space, Dict):
            return {name: self._normalised(part, value[name], (*path, name)) for name, part in space.items()}
        if not isinstance(space, Box):
            return value
        moments = self.moments[path]
        array = np.asarray(value)
        if not self.frozen:
            moments.update(array)
        scaled = (array - moments.mean) / np.sqrt(moments.variance + self.epsilon)
        return scaled.astype(_real(space))

    def _normalised_space(self, space: Space[Any], path: tuple[str, ...]) -> Space[Any]:
        if isinstance(space, Dict):
            return Dict({name: self._normalised_space(part, (*path, name)) for name, part in space.items()})
        if not isinstance(space, Box):
            return space
        self.moments[path] = RunningMoments(space.shape)
        return Box(-np.inf, np.inf, space.shape, _real(space))


def _real(space: Box) -> "np.dtype[Any]":
    return space.dtype if space.dtype.kind == "f" else np.dtype(np.float32)
