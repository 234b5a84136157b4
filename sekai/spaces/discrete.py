"""One of n whole numbers, beginning at `start`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from sekai.error import SpaceMismatch
from sekai.spaces.space import Space

__all__ = ["Discrete", "allowed", "dtype_words", "whole_range"]


def allowed(mask: Any, n: int) -> "np.ndarray[Any, np.dtype[np.intp]]":
    """Return the indices that a mask of n zeros and ones allows; raises `SpaceMismatch` where it allows none."""
    mask = np.asarray(mask)
    if mask.shape != (n,) or not np.isin(mask, (0, 1)).all():
        raise SpaceMismatch(f"mask must be {n} zeros and ones, got shape {mask.shape}, values {np.unique(mask)}")
    indices = np.flatnonzero(mask)
    if not indices.size:
        raise SpaceMismatch("mask must allow at least one value, got only zeros")
    return indices


def whole_range(dtype: DTypeLike) -> tuple[np.dtype[Any], int, int]:
    """Return an integer dtype, and the least and the greatest number that both it and `np.intp` can hold.

    Raises `SpaceMismatch` for any other dtype.
    """
    try:
        kind = np.dtype(dtype)
    except TypeError:
        kind = np.dtype(object)
    if kind.kind not in "iu":
        raise SpaceMismatch(f"dtype must be an integer one, got {dtype!r}")
    own, index = np.iinfo(kind), np.iinfo(np.intp)
    return kind, max(int(own.min), int(index.min)), min(int(own.max), int(index.max))


class Discrete(Space[int]):
    """The whole numbers {start, ..., start + n - 1}, all of which must fit into `dtype`.

    Samples are NumPy scalars of that dtype. To type checkers they are `int`, so that an `Env[ObsT, int]` can have it.

    >>> -2 in Discrete(5, start=-2), 3 in Discrete(5, start=-2)
    (True, False)
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __init__(self, n: int, start: int = 0, *, dtype: DTypeLike = np.intp, seed: int | None = None) -> None:
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise SpaceMismatch(f"n must be an integer >= 1, got {n!r}")
        if isinstance(start, bool) or not isinstance(start, int | np.integer):
            raise SpaceMismatch(f"start must be an integer, got {start!r}")
        kind, first, last = whole_range(dtype)
        self.n, self.start = int(n), int(start)
        if self.n > last or not first <= self.start <= last + 1 - self.n:
            raise SpaceMismatch(
                f"n must be <= {last}, start >= {first} and start + n - 1 <= {last}, got n={n}, start={start}"
            )
        super().__init__((), kind, seed=seed)

    def sample(self, mask: Any = None) -> int:
        """Draw a number. With `mask`, n zeros and ones, only numbers whose entry is 1 are drawn."""
        if mask is None:
            return self.decode_sample(self.start + self.rng.integers(self.n))
        indices = allowed(mask, self.n)
        return self.decode_sample(self.start + indices[self.rng.integers(indices.size)])

    def contains(self, x: Any) -> bool:
        """Say whether `x` is a whole number in this range; a boolean is not."""
        if isinstance(x, bool | np.bool_):
            return False
        if isinstance(x, np.ndarray) and (x.shape != () or x.dtype.kind not in "iu"):
            return False
        if not isinstance(x, int | np.integer | np.ndarray):
            return False
        return self.start <= int(x) < self.start + self.n

    def encode_sample(self, sample: int) -> Any:
        """Return the number as a plain int."""
        return int(sample)

    def decode_sample(self, encoded: Any) -> int:
        """Return the number as a scalar of the space's dtype."""
        return self.dtype.type(encoded)  # type: ignore[no-any-return]

    def _describe(self) -> dict[str, Any]:
        return {"n": self.n, "start": self.start, "dtype": self.dtype.name}

    @classmethod
    def _rebuild(cls, description: Mapping[str, Any]) -> "Discrete":
        return cls(description["n"], description["start"], dtype=description["dtype"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Discrete) and (self.n, self.start, self.dtype) == (other.n, other.start, other.dtype)

    def __hash__(self) -> int:
        return hash((Discrete, self.n, self.start, self.dtype))

    def __repr__(self) -> str:
        start = f", start={self.start}" if self.start else ""
        return f"Discrete({self.n}{start}{dtype_words(self.dtype)})"


def dtype_words(dtype: np.dtype[Any]) -> str:
    """Return how the `repr` of a space shows its dtype: not at all if it is the default."""
    return "" if dtype == np.intp else f", dtype={dtype.name}"
