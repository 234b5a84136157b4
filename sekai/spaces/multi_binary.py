"""Arrays of zeros and ones: flags that are set or not."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sekai.backend.base import BackendOps
from sekai.error import SpaceMismatch
from sekai.spaces.space import Space

__all__ = ["MultiBinary"]


class MultiBinary(Space[NDArray[np.int8]]):
    """Arrays of zeros and ones of `n`, a length or a shape.

    >>> np.array([0, 1, 1], np.int8) in MultiBinary(3), np.array([0, 2, 1], np.int8) in MultiBinary(3)
    (True, False)
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __init__(self, n: int | tuple[int, ...], *, seed: int | None = None, backend: BackendOps | None = None) -> None:
        shape = tuple(n) if isinstance(n, Iterable) else (n,)
        if not shape or not all(isinstance(k, int | np.integer) and k >= 1 for k in shape):
            raise SpaceMismatch(f"n must be an integer >= 1 or a tuple of such, got {n!r}")
        super().__init__(tuple(int(k) for k in shape), np.int8, seed=seed, backend=backend)
        self.n: int | tuple[int, ...] = self.shape[0] if isinstance(n, int | np.integer) else self.shape

    def sample(self, mask: Any = None) -> NDArray[np.int8]:
        """Draw flags. An entry of `mask`, of the same shape, sets the flag by 0 or 1 and leaves it free by 2."""
        drawn = self.rng.integers(0, 2, self.shape, dtype=np.int8)
        if mask is not None:
            mask = np.asarray(mask)
            if mask.shape != self.shape or not np.isin(mask, (0, 1, 2)).all():
                raise SpaceMismatch(f"mask must be {self.shape} of 0, 1 (fixed) and 2 (free), got {mask!r}")
            drawn = np.where(mask == 2, drawn, mask.astype(np.int8))
        return self.backend.from_numpy(drawn)  # type: ignore[no-any-return]

    def contains(self, x: Any) -> bool:
        """Say whether `x` is an array of whole numbers or booleans of this shape, all 0 or 1."""
        x = self._given(x)
        if not isinstance(x, np.ndarray) or x.shape != self.shape or x.dtype.kind not in "iub":
            return False
        return bool(((x == 0) | (x == 1)).all())

    def encode_sample(self, sample: NDArray[np.int8]) -> Any:
        """Return the array as nested lists."""
        return self.backend.to_numpy(sample).tolist()

    def decode_sample(self, encoded: Any) -> NDArray[np.int8]:
        """Return the array that `encode_sample` wrote."""
        return self.backend.from_numpy(np.asarray(encoded, dtype=np.int8))  # type: ignore[no-any-return]

    def _describe(self) -> dict[str, Any]:
        return {"n": self.n if isinstance(self.n, int) else list(self.n)}

    @classmethod
    def _rebuild(cls, description: Mapping[str, Any]) -> "MultiBinary":
        n = description["n"]
        return cls(n if isinstance(n, int) else tuple(n))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MultiBinary) and self.shape == other.shape

    def __hash__(self) -> int:
        return hash((MultiBinary, self.shape))

    def __repr__(self) -> str:
        return f"MultiBinary({self.n})"
