"""Several independent choices at once, each one of its own whole numbers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sekai.backend.base import BackendOps
from sekai.error import SpaceMismatch
from sekai.spaces.discrete import LAST, allowed
from sekai.spaces.space import Space

__all__ = ["MultiDiscrete"]


class MultiDiscrete(Space[NDArray[np.intp]]):
    """Arrays of the shape of `nvec`, entry i in {start[i], ..., start[i] + nvec[i] - 1}.

    >>> np.array([-1, 0, 1]) in MultiDiscrete([3, 3, 3], start=[-1, -1, -1])
    True
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __init__(
        self,
        nvec: ArrayLike,
        start: ArrayLike | None = None,
        *,
        seed: int | None = None,
        backend: BackendOps | None = None,
    ) -> None:
        self.nvec = _whole(nvec, "nvec must be integers >= 1, one a choice")
        self.start = (
            np.zeros_like(self.nvec) if start is None else _whole(start, "start must be integers, one a choice")
        )
        if not self.nvec.ndim or not self.nvec.size or (self.nvec < 1).any():
            raise SpaceMismatch(f"nvec must be integers >= 1, one a choice, got {nvec!r}")
        if self.start.shape != self.nvec.shape:
            raise SpaceMismatch(f"start must have the shape {self.nvec.shape} of nvec, got {self.start.shape}")
        if (self.start > LAST - self.nvec + 1).any():
            raise SpaceMismatch(f"start + nvec - 1 must be <= {LAST}, got start={start!r}, nvec={nvec!r}")
        super().__init__(self.nvec.shape, np.intp, seed=seed, backend=backend)

    def sample(self, mask: Sequence[Any] | None = None) -> NDArray[np.intp]:
        """Draw an array; `mask` has one mask of zeros and ones for each choice, in the order of the raveled `nvec`.

        All masks in a row, `(nvec.sum(),)`, are understood too.
        """
        if mask is None:
            drawn = self.rng.integers(self.nvec, dtype=np.intp)
        else:
            choices = [self.rng.choice(allowed(part, n)) for part, n in self._masks(mask)]
            drawn = np.array(choices, dtype=np.intp).reshape(self.shape)
        return self.backend.from_numpy(self.start + drawn)  # type: ignore[no-any-return]

    def _masks(self, mask: Any) -> Iterator[tuple[Any, int]]:
        if len(mask) == self.nvec.sum() and np.ndim(mask[0]) == 0:
            mask = np.split(np.asarray(mask), np.cumsum(self.nvec.ravel())[:-1])
        if len(mask) != self.nvec.size:
            raise SpaceMismatch(f"mask must have one mask a choice, {self.nvec.size} in all, got {len(mask)}")
        return zip(mask, self.nvec.ravel().tolist(), strict=True)

    def contains(self, x: Any) -> bool:
        """Say whether `x` is an integer array of this shape and range."""
        x = self._given(x)
        if not isinstance(x, np.ndarray) or x.shape != self.shape or x.dtype.kind not in "iu":
            return False
        return bool(((x >= self.start) & (x < self.start + self.nvec)).all())

    def encode_sample(self, sample: NDArray[np.intp]) -> Any:
        """Return the array as nested lists."""
        return self.backend.to_numpy(sample).tolist()

    def decode_sample(self, encoded: Any) -> NDArray[np.intp]:
        """Return the array of these nested lists."""
        return self.backend.from_numpy(np.asarray(encoded, dtype=np.intp))  # type: ignore[no-any-return]

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


def _whole(values: ArrayLike, rule: str) -> NDArray[np.intp]:
    """Return a copy as `np.intp`; raises `SpaceMismatch` with the `rule` for what is no integer, or too large a one."""
    try:
        array = np.asarray(values)
    except ValueError:  # lists of different lengths
        array = np.asarray(None)
    if array.dtype.kind not in "iu" or (array > LAST).any():
        raise SpaceMismatch(f"{rule}, got {values!r}")
    return array.astype(np.intp)
