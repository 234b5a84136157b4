"""A box: every number of an array lies between its own two bounds, which may be infinite."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from sekai.backend.base import BackendOps
from sekai.error import SpaceMismatch
from sekai.spaces.space import Space, decode_array, encode_array

__all__ = ["Box"]


class Box(Space[NDArray[Any]]):
    """Arrays of `shape` and `dtype` within `low` and `high`, bounds included.

    `low` and `high` are numbers or arrays that broadcast to `shape`, which is theirs where it is not given. An infinite
    bound of an integer box means the end of its dtype. Raises `SpaceMismatch` for bounds that fit neither.

    >>> Box(low=0.0, high=1000.0, shape=(8,)).is_bounded
    (True, True)
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __init__(
        self,
        low: ArrayLike,
        high: ArrayLike,
        shape: int | tuple[int, ...] | None = None,
        dtype: DTypeLike = np.float32,
        seed: int | None = None,
        *,
        backend: BackendOps | None = None,
    ) -> None:
        lows, highs = np.asarray(low), np.asarray(high)
        if shape is None:
            shape = np.broadcast_shapes(lows.shape, highs.shape)
        shape = (int(shape),) if isinstance(shape, int | np.integer) else tuple(int(n) for n in shape)
        super().__init__(shape, dtype, seed=seed, backend=backend)
        self.bounded_below = _spread(lows > -np.inf, shape, "low")
        self.bounded_above = _spread(highs < np.inf, shape, "high")
        self.low = self._bound(_spread(lows, shape, "low"), self.bounded_below, "low")
        self.high = self._bound(_spread(highs, shape, "high"), self.bounded_above, "high")
        if not (self.low <= self.high).all():
            raise SpaceMismatch(f"low must be <= high everywhere, got low={low!r}, high={high!r}")

    @property
    def is_bounded(self) -> tuple[bool, bool]:
        """Whether all values are bounded (below, above)."""
        return bool(self.bounded_below.all()), bool(self.bounded_above.all())

    def sample(self, mask: Any = None) -> NDArray[Any]:
        """Draw an array: uniform between two bounds, exponential from one, standard normal without any.

        Whole numbers that lack a bound are the floor of such a draw.
        """
        if mask is not None:
            raise SpaceMismatch("a Box has no mask; mask must be None")
        return self.backend.from_numpy(self._drawn())  # type: ignore[no-any-return]

    def _drawn(self) -> NDArray[Any]:
        whole = self.dtype.kind in "iub"
        if whole and all(self.is_bounded):
            return self._sample_integers()
        low, high = self.low.astype(np.float64), self.high.astype(np.float64)
        below, above = self.bounded_below, self.bounded_above
        share = self.rng.random(self.shape)
        tail = self.rng.exponential(size=self.shape)
        value = np.where(below, low + tail, np.where(above, high - tail, self.rng.standard_normal(self.shape)))
        with np.errstate(invalid="ignore", over="ignore"):
            value = np.where(below & above, low * (1.0 - share) + high * share, value)
            cast = (np.floor(value) if whole else value).astype(self.dtype)
        return np.asarray(np.clip(cast, self.low, self.high))

    def contains(self, x: Any) -> bool:
        """Say whether `x` is an array (or numpy scalar) of this shape within the bounds, of a safely castable dtype."""
        x = self._given(x)
        if not isinstance(x, np.ndarray | np.generic):
            return False
        return bool(
            x.shape == self.shape
            and np.can_cast(x.dtype, self.dtype)
            and np.all(x >= self.low)
            and np.all(x <= self.high)
        )

    def encode_sample(self, sample: NDArray[Any]) -> Any:
        """Return the array as nested lists."""
        return encode_array(self.backend.to_numpy(sample))

    def decode_sample(self, encoded: Any) -> NDArray[Any]:
        """Return the array of these nested lists."""
        return self.backend.from_numpy(decode_array(encoded, self.dtype).reshape(self.shape))  # type: ignore[no-any-return]

    def _describe(self) -> dict[str, Any]:
        low = _bounds(np.where(self.bounded_below, self.low, -np.inf) if not self.is_bounded[0] else self.low)
        high = _bounds(np.where(self.bounded_above, self.high, np.inf) if not self.is_bounded[1] else self.high)
        return {"low": low, "high": high, "shape": list(self.shape), "dtype": self.dtype.name}

    @classmethod
    def _rebuild(cls, description: Mapping[str, Any]) -> "Box":
        low, high = (_read_bounds(description[key]) for key in ("low", "high"))
        return cls(low, high, tuple(description["shape"]), np.dtype(description["dtype"]))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Box)
            and (self.shape, self.dtype) == (other.shape, other.dtype)
            and np.array_equal(self.low, other.low)
            and np.array_equal(self.high, other.high)
            and np.array_equal(self.bounded_below, other.bounded_below)
            and np.array_equal(self.bounded_above, other.bounded_above)
        )

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype, self.low.tobytes(), self.high.tobytes()))

    def __repr__(self) -> str:
        return f"Box({_short(self.low)}, {_short(self.high)}, {self.shape}, {self.dtype.name})"

    def _bound(self, bound: NDArray[Any], bounded: NDArray[Any], name: str) -> NDArray[Any]:
        if self.dtype.kind == "f":
            with np.errstate(over="ignore"):
                return bound.astype(self.dtype)
        if self.dtype.kind not in "iub":
            raise SpaceMismatch(f"dtype must be a float, integer or boolean one, got {self.dtype}")
        first, last = (0, 1) if self.dtype.kind == "b" else (np.iinfo(self.dtype).min, np.iinfo(self.dtype).max)
        if (bounded & ((bound < first) | (bound > last))).any() or np.isnan(bound).any():
            raise SpaceMismatch(f"{name} must be within [{first}, {last}] for dtype {self.dtype}, got {bound}")
        end = np.array(first if name == "low" else last, self.dtype)
        return np.where(bounded, np.where(bounded, bound, 0).astype(self.dtype), end)

    def _sample_integers(self) -> NDArray[Any]:
        if self.dtype.kind == "b":
            drawn = self.rng.integers(self.low.astype(np.int8), self.high.astype(np.int8), self.shape, endpoint=True)
            return np.asarray(drawn).astype(bool)
        return np.asarray(self.rng.integers(self.low, self.high, self.shape, dtype=self.dtype, endpoint=True))


def _spread(bound: NDArray[Any], shape: tuple[int, ...], name: str) -> NDArray[Any]:
    try:
        return np.broadcast_to(bound, shape).copy()
    except ValueError:
        raise SpaceMismatch(f"{name} must be a number or broadcast to shape {shape}, got shape {bound.shape}") from None


def _bounds(bound: NDArray[Any]) -> Any:
    """Write a bound as one number where it is the same everywhere."""
    if bound.size and (bound == bound.flat[0]).all():
        return encode_array(np.asarray(bound.flat[0]))
    return encode_array(bound)


def _read_bounds(encoded: Any) -> NDArray[Any]:
    array = np.asarray(encoded)
    return array.astype(np.float64) if array.dtype.kind in "US" else array


def _short(bound: NDArray[Any]) -> str:
    return str(bound.flat[0]) if bound.size and (bound == bound.flat[0]).all() else str(bound.tolist())
