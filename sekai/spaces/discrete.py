"""One of n whole numbers, from `start` on."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from sekai.error import SpaceMismatch
from sekai.spaces.space import Space

__all__ = ["FIRST", "LAST", "Discrete", "allowed"]

FIRST: Final = int(np.iinfo(np.intp).min)
"""The least number that a choice may be."""

LAST: Final = int(np.iinfo(np.intp).max)
"""The greatest number that a choice may be."""


def allowed(mask: Any, n: int) -> "np.ndarray[Any, np.dtype[np.intp]]":
    """Return the indices that a mask of n zeros and ones allows; raises `SpaceMismatch` where it allows none."""
    mask = np.asarray(mask)
    if mask.shape != (n,) or not np.isin(mask, (0, 1)).all():
        raise SpaceMismatch(f"mask must be {n} zeros and ones, got shape {mask.shape}, values {np.unique(mask)}")
    indices = np.flatnonzero(mask)
    if not indices.size:
        raise SpaceMismatch("mask must allow at least one value, got only zeros")
    return indices


class Discrete(Space[np.intp]):
    """The whole numbers {start, ..., start + n - 1}, all of which must fit into `np.intp`.

    >>> -2 in Discrete(5, start=-2), 3 in Discrete(5, start=-2)
    (True, False)
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __init__(self, n: int, start: int = 0, *, seed: int | None = None) -> None:
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise SpaceMismatch(f"n must be an integer >= 1, got {n!r}")
        if isinstance(start, bool) or not isinstance(start, int | np.integer):
            raise SpaceMismatch(f"start must be an integer, got {start!r}")
        self.n, self.start = int(n), int(start)
        if self.n > LAST or not FIRST <= self.start <= LAST + 1 - self.n:
            raise SpaceMismatch(
                f"n must be <= {LAST}, start >= {FIRST} and start + n - 1 <= {LAST}, got n={n}, start={start}"
            )
        super().__init__((), np.intp, seed=seed)

    def sample(self, mask: Any = None) -> np.intp:
        """Draw a number, among those whose entry in `mask` (n zeros and ones) is 1 where there is one."""
        if mask is None:
            return np.intp(self.start + self.rng.integers(self.n))
        indices = allowed(mask, self.n)
        return np.intp(self.start + indices[self.rng.integers(indices.size)])

    def contains(self, x: Any) -> bool:
        """Say whether `x` is a whole number of this range; booleans are none."""
        if isinstance(x, bool | np.bool_):
            return False
        if isinstance(x, np.ndarray) and (x.shape != () or x.dtype.kind not in "iu"):
            return False
        if not isinstance(x, int | np.integer | np.ndarray):
            return False
        return self.start <= int(x) < self.start + self.n

    def encode_sample(self, sample: np.intp) -> Any:
        """Return the number as a plain int."""
        return int(sample)

    def decode_sample(self, encoded: Any) -> np.intp:
        """Return the number of this int."""
        return np.intp(encoded)

    def _describe(self) -> dict[str, Any]:
        return {"n": self.n, "start": self.start}

    @classmethod
    def _rebuild(cls, description: Mapping[str, Any]) -> "Discrete":
        return cls(description["n"], description["start"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Discrete) and (self.n, self.start) == (other.n, other.start)

    def __hash__(self) -> int:
        return hash((Discrete, self.n, self.start))

    def __repr__(self) -> str:
        return f"Discrete({self.n}, start={self.start})" if self.start else f"Discrete({self.n})"
