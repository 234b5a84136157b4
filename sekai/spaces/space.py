"""A space is a set of values: it says what belongs to it, draws samples, and can be written as JSON.

Two spaces are equal if they hold the same values in the same dtype, whatever their backends. `to_jsonable()` describes
a space in strict JSON (infinities are strings), and `Space.from_jsonable(description)` returns an equal space.
`encode_sample` and `decode_sample` do the same for values.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from copy import copy
from math import isfinite
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from sekai.backend.base import NUMPY, BackendOps
from sekai.core.seeding import check_seed, fresh_seed
from sekai.error import SpaceMismatch

__all__ = ["Space", "decode_array", "encode_array"]

_T = TypeVar("_T")
_KINDS: "dict[str, type[Space[Any]]]" = {}


class Space(ABC, Generic[_T]):
    """The set of values of an observation or an action; `shape` and `dtype` are None if values are not arrays."""

    kind: ClassVar[str] = ""
    backend: BackendOps = NUMPY
    is_flattenable: ClassVar[bool] = True

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.kind = cls.__name__
        if not abstract:
            _KINDS[cls.kind] = cls

    def __init__(
        self,
        shape: tuple[int, ...] | None = None,
        dtype: Any = None,
        *,
        seed: int | None = None,
        backend: BackendOps | None = None,
    ) -> None:
        self.shape = shape
        if backend is not None:
            self.backend = backend
        self.dtype: np.dtype[Any] | None = None if dtype is None else np.dtype(dtype)
        self._rng: np.random.Generator | None = None
        if seed is not None:
            self.seed(seed)

    @property
    def rng(self) -> "np.random.Generator":
        """The random stream of `sample`; its seed is random until `seed` is called."""
        if self._rng is None:
            self.seed()
        assert self._rng is not None
        return self._rng

    def seed(self, seed: int | None = None) -> int:
        """Start the random stream anew from `seed`, an integer >= 0, or from a random seed; return the seed used."""
        seed = fresh_seed() if seed is None else check_seed(seed)
        self._rng = np.random.default_rng(seed)
        return seed

    def with_backend(self, backend: BackendOps) -> Self:
        """Return this space with a stream of its own, whose arrays live in `backend`."""
        twin = copy(self)
        twin.backend, twin._rng = backend, None
        return twin

    def _given(self, x: Any) -> Any:
        """Return an array of the backend as NumPy's, anything else as it is."""
        return self.backend.to_numpy(x) if self.backend.is_array(x) else x

    @abstractmethod
    def sample(self, mask: Any = None) -> _T:
        """Draw a value; `mask`, if the space has masks, says what is allowed."""

    @abstractmethod
    def contains(self, x: Any) -> bool:
        """Say whether `x` is a value of this space."""

    def __contains__(self, x: Any) -> bool:
        return self.contains(x)

    @abstractmethod
    def _describe(self) -> dict[str, Any]:
        """Return the arguments that rebuild this space, as strict JSON."""

    @classmethod
    @abstractmethod
    def _rebuild(cls, description: Mapping[str, Any]) -> "Space[Any]":
        """Build the space that `_describe` described."""

    @abstractmethod
    def encode_sample(self, sample: _T) -> Any:
        """Return a value of this space as strict JSON."""

    @abstractmethod
    def decode_sample(self, encoded: Any) -> _T:
        """Return the value that `encode_sample` wrote."""

    def to_jsonable(self) -> dict[str, Any]:
        """Describe this space in strict JSON."""
        return {"kind": self.kind, **self._describe()}

    @staticmethod
    def from_jsonable(description: Mapping[str, Any]) -> "Space[Any]":
        """Build the space that `to_jsonable` described; raises `SpaceMismatch` if nothing can be built."""
        if not isinstance(description, Mapping):
            raise SpaceMismatch(f"description must be a mapping, as to_jsonable() returns it, got {description!r}")
        kind = description.get("kind")
        if kind not in _KINDS:
            raise SpaceMismatch(f"kind must be one of {sorted(_KINDS)}, got {kind!r}")
        try:
            return _KINDS[kind]._rebuild(description)
        except KeyError as error:
            raise SpaceMismatch(f"description of a {kind} must have {error}, got {dict(description)}") from error


def encode_array(array: NDArray[Any]) -> Any:
    """Return an array as nested lists of strict JSON; infinities and NaN are the strings 'inf', '-inf', 'nan'."""
    if array.dtype.kind == "O" or (array.dtype.kind == "f" and not np.isfinite(array).all()):
        return _strings(array.tolist())
    return array.tolist()


def _strings(value: Any) -> Any:
    if isinstance(value, list):
        return [_strings(v) for v in value]
    return value if isfinite(value) else str(value)


def decode_array(encoded: Any, dtype: Any) -> NDArray[Any]:
    """Return the array that `encode_array` wrote."""
    return np.asarray(encoded, dtype)
