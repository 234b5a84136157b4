"""Several independent choices at once, each one of its own whole numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sekai.error import SpaceMismatch
from sekai.spaces.discrete import allowed
from sekai.spaces.space import Space

__all__ = ["MultiDiscrete"]


class MultiDiscrete(Space[NDArray[np.intp]]):
    """Arrays of the shape of `nvec`, entry i in {start[i], ..., start[i] + nvec[i] - 1}.

    >>> np.array([-1, 0, 1]) in MultiDiscrete([3, 3, 3], start=[-1, -1, -1])
    True
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __init__(self, nvec: ArrayLike, start: ArrayLike | None = None, *, seed: int | None = None) -> None:
        self.nvec = np.array(nvec, dtype=np.intp)
        self.start = np.zeros_like(self.nvec) if start is None else np.array(start, dtype=np.intp)
        if not self.nvec.ndim or not self.nvec.size or (self.nvec < 1).any():
            raise SpaceMismatch(f"nvec must be integers >= 1, one a choice, got {nvec!r}")
        if self.start.shape != self.nvec.shape:
            raise SpaceMismatch(f"start must have the shape {self.nvec.shape} of nvec, got {self.start.shape}")
        super().__init__(self.nvec.shape, np.intp, seed=seed)

    def sample(self, mask: Sequence[Any] | None = None) -> NDArray[np.intp]:
        """Draw an array; `mask` has one mask of zeros and ones for each choice, in the order of the raveled `nvec`."""
        if mask is None:
            return self.start + self.rng.integers(self.nvec, dtype=np.intp)
        if len(mask) != self.nvec.size:
            raise SpaceMismatch(f"mask must have one mask a choice, {self.nvec.size} in all, got {len(mask)}")
        drawn = [self.rng.choice(allowed(part, int(n))) for part, n in zip(mask, self.nvec.flat, strict=True)]
        return self.start + np.array(drawn, dtype=np.intp).reshape(self.shape)

    def contains(self, x: Any) -> bool:
        """Say whether `x` is an integer array of this shape and range."""
        if not isinstance(x, np.ndarray) or x.shape != self.shape or x.dtype.kind not in "iu":
            return False
        return bool(((x >= self.start) & (x < self.start + self.nvec)).all())

    def encode_sample(self, sample: NDArray[np.intp]) -> Any:
        """Return the array as nested lists."""
        return np.asarray(sample).tolist()

    def decode_sample(self, encoded: Any) -> NDArray[np.intp]:
        """Return the array of these nested lists."""
        return np.asarray(encoded, dtype=np.intp)

    def _describe(self) -> dict[str, Any]:
        return {"nvec": self.nvec.tolist(), "start": self.start.tolist()}

    @classmethod
    def _rebuild(cls, description: Mapping[str, Any]) -> "MultiDiscrete":
        return cls(description["nvec"], description["start"])

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, MultiDiscrete)
            and np.array_equal(self.nvec, other.nvec)
            and np.array_equal(self.start, other.start)
        )

    def __hash__(self) -> int:
        return hash((self.shape, self.nvec.tobytes(), self.start.tobytes()))

    def __repr__(self) -> str:
        start = f", start={self.start.tolist()}" if self.start.any() else ""
        return f"MultiDiscrete({self.nvec.tolist()}{start})"
