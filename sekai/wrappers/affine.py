"""The straight line from the bounds of one Box to those of another."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sekai.spaces.box import Box

__all__ = ["Affine"]


class Affine:
    """Maps the bounds of `source` to those of `target`, `(..., *shape)`; values beyond them are not clipped.

    Both boxes are bounded. No value within the bounds of `source` is rounded out of those of `target`. Integers are
    rounded to the nearest and clipped to their dtype. Where `source` has a single value, it becomes the lower bound.

    >>> line = Affine(Box(0.0, 10.0, (2,)), Box(-1.0, 1.0, (2,)))
    >>> line(np.array([5.0, 20.0])).tolist()
    [0.0, 3.0]
    """

    def __init__(self, source: Box, target: Box) -> None:
        low, high = (np.asarray(bound, np.float64) for bound in (source.low, source.high))
        self._start, self._low = low, np.asarray(target.low, np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.where(high > low, (target.high.astype(np.float64) - self._low) / (high - low), 0.0)
        less = np.finfo(np.float64).eps
        while (over := self._real(high, slope) > target.high).any():
            slope, less = np.where(over, slope * (1.0 - less), slope), 2.0 * less
        self._slope = slope
        self._dtype, self._ends = target.dtype, _ends(target.dtype)

    def __call__(self, value: Any) -> NDArray[Any]:
        """Return the value of `target` for a `value` of `source`."""
        mapped = self._real(np.asarray(value), self._slope)
        if self._ends is not None:
            mapped = np.clip(np.rint(mapped), *self._ends)
        return mapped.astype(self._dtype)

    def _real(self, value: NDArray[Any], slope: NDArray[np.float64]) -> NDArray[np.float64]:
        return (value - self._start) * slope + self._low


def _ends(dtype: "np.dtype[Any]") -> tuple[float, float] | None:
    """Return the least and the greatest float64 that an integer dtype holds; None for floats."""
    if dtype.kind == "f":
        return None
    first, last = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return float(first), float(last) if float(last) <= last else float(np.nextafter(float(last), 0.0))
