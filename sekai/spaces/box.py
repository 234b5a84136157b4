"""Arrays of numbers, each between its own two bounds, which may be infinite."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from numbers import Real
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
    bound of an integer box means the end of its dtype. Raises `SpaceMismatch` for bounds that do not fit the shape or
    that the dtype cannot hold: fractions of an integer box, 1e40 of a float32 one.

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
        kind = _dtype(dtype)
        lows, highs = _numbers(low, kind, "low"), _numbers(high, kind, "high")
        shape = _shape(shape, lows, highs)
        super().__init__(shape, kind, seed=seed, backend=backend)
        below, above = np.asarray(lows > -np.inf), np.asarray(highs < np.inf)
        self.bounded_below, self.bounded_above = _spread(below, shape, "low"), _spread(above, shape, "high")
        self.low = _spread(_bound(lows, below, kind, "low"), shape, "low")
        self.high = _spread(_bound(highs, above, kind, "high"), shape, "high")
        if not (self.low <= self.high).all():
            raise SpaceMismatch(f"low must be <= high everywhere, got low={low!r}, high={high!r}")

    @property
    def is_bounded(self) -> tuple[bool, bool]:
        """Whether all values are bounded (below, above)."""
        return bool(self.bounded_below.all()), bool(self.bounded_above.all())

    @property
    def limits(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """`low` and `high`, with infinities where there is no bound.

        Beside infinities, integers beyond 2**53 are Python's, since a float would round them.

        >>> Box(0, np.inf, (2,), dtype=np.int8).limits
        (array([0, 0], dtype=int8), array([inf, inf]))
        >>> Box([0, -(2**60)], [np.inf, 2**60 + 1], dtype=np.int64).limits[1]
        array([inf, 1152921504606846977], dtype=object)
        """
        return _limit(self.low, self.bounded_below, -np.inf), _limit(self.high, self.bounded_above, np.inf)

    @cached_property
    def flat_dtype(self) -> np.dtype[Any]:
        """The dtype of flattened values: float32 or float64 if one holds every value exactly, else the Box's own."""
        exact = self.dtype.kind not in "iu" or bool((self.low >= -(2**53)).all() and (self.high <= 2**53).all())
        return np.result_type(np.float32, self.dtype) if exact else self.dtype

    def sample(self, mask: Any = None) -> NDArray[Any]:
        """Draw an array: uniform between two bounds, exponential from a single one, standard normal without any.

        Integers without two bounds are such draws, rounded down.
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
        """Say whether `x` is an array or NumPy scalar of this shape, in the bounds, of a dtype that casts safely."""
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
        """Return the array that `encode_sample` wrote."""
        return self.backend.from_numpy(decode_array(encoded, self.dtype).reshape(self.shape))  # type: ignore[no-any-return]

    def _describe(self) -> dict[str, Any]:
        low, high = self.limits
        return {"low": _bounds(low), "high": _bounds(high), "shape": list(self.shape), "dtype": self.dtype.name}

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

    def _sample_integers(self) -> NDArray[Any]:
        if self.dtype.kind == "b":
            drawn = self.rng.integers(self.low.astype(np.int8), self.high.astype(np.int8), self.shape, endpoint=True)
            return np.asarray(drawn).astype(bool)
        return np.asarray(self.rng.integers(self.low, self.high, self.shape, dtype=self.dtype, endpoint=True))


def _dtype(dtype: DTypeLike) -> np.dtype[Any]:
    try:
        kind = np.dtype(dtype)
    except TypeError:
        kind = np.dtype(object)
    if kind.kind not in "fiub":
        raise SpaceMismatch(f"dtype must be a float, integer or boolean one, got {dtype!r}")
    return kind


def _numbers(bound: ArrayLike, dtype: np.dtype[Any], name: str) -> NDArray[Any]:
    """Return a bound as an array, of Python's numbers where an integer would otherwise be rounded."""
    try:
        array = np.asarray(bound)
        if array.dtype.kind == "f" and dtype.kind in "iu" and ((abs(array) >= 2**53) & ~np.isinf(array)).any():
            array = np.frompyfunc(_python, 1, 1)(np.asarray(bound, object), out=np.empty(array.shape, object))
    except ValueError:  # lists of different lengths
        array = np.asarray(None)
    real = all(isinstance(n, Real) for n in array.flat) if array.dtype.kind == "O" else array.dtype.kind in "fiub"
    if not real:
        raise SpaceMismatch(f"{name} must be a number or an array of numbers, got {bound!r}")
    return array


def _python(number: Any) -> Any:
    return number.item() if isinstance(number, np.generic) else number


def _shape(shape: int | tuple[int, ...] | None, lows: NDArray[Any], highs: NDArray[Any]) -> tuple[int, ...]:
    if shape is None:
        try:
            return np.broadcast_shapes(lows.shape, highs.shape)
        except ValueError:
            raise SpaceMismatch(
                f"low and high must broadcast to one shape, got shapes {lows.shape} and {highs.shape}"
            ) from None
    sizes = tuple(shape) if isinstance(shape, Iterable) else (shape,)
    if not all(isinstance(n, int | np.integer) and n >= 0 for n in sizes):
        raise SpaceMismatch(f"shape must be an integer >= 0 or a tuple of such, got {shape!r}")
    return tuple(int(n) for n in sizes)


def _bound(bound: NDArray[Any], bounded: NDArray[Any], dtype: np.dtype[Any], name: str) -> NDArray[Any]:
    """Return a bound in the dtype of the box; raises `SpaceMismatch` if that changes its value."""
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            cast = bound.astype(dtype)
        if (bounded & np.isinf(cast)).any():
            end = "-inf" if name == "low" else "inf"
            raise SpaceMismatch(f"{name} must be within {np.finfo(dtype).max} of 0 for {dtype}, or {end}, got {bound}")
        return cast
    first, last = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    if (bounded & ((bound < first) | (bound > last)) | (bound != bound)).any():
        raise SpaceMismatch(f"{name} must be within [{first}, {last}] for dtype {dtype}, got {bound}")
    held = np.where(bounded, bound, 0)
    if np.any(held % 1 != 0):
        raise SpaceMismatch(f"{name} must be whole for dtype {dtype}, got {bound}")
    return np.where(bounded, held.astype(dtype), np.array(first if name == "low" else last, dtype))


def _limit(bound: NDArray[Any], bounded: NDArray[Any], infinity: float) -> NDArray[Any]:
    if bound.dtype.kind == "f" or bounded.all():
        return bound
    exact = (~bounded | (bound >= -(2**53)) & (bound <= 2**53)).all()
    return np.where(bounded, bound.astype(np.float64 if exact else object), infinity)


def _spread(bound: NDArray[Any], shape: tuple[int, ...], name: str) -> NDArray[Any]:
    try:
        return np.broadcast_to(bound, shape).copy()
    except ValueError:
        raise SpaceMismatch(f"{name} must be a number or broadcast to shape {shape}, got shape {bound.shape}") from None


def _bounds(bound: NDArray[Any]) -> Any:
    """Write a bound, as a single number if it is the same everywhere."""
    if bound.size and (bound == bound.flat[0]).all():
        return encode_array(np.asarray(bound.flat[0]))
    return encode_array(bound)


def _read_bounds(encoded: Any) -> Any:
    """Return what `_bounds` wrote. Lists stay lists, so that an infinity does not round the integers beside it."""
    if isinstance(encoded, list):
        return [_read_bounds(entry) for entry in encoded]
    return float(encoded) if isinstance(encoded, str) else encoded


def _short(bound: NDArray[Any]) -> str:
    return str(bound.flat[0]) if bound.size and (bound == bound.flat[0]).all() else str(bound.tolist())
