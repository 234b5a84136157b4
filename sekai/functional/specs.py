"""A spec is a space by another name: it describes values, checks them, and generates one.

Every spec holds its space, so that `to_space` and `from_space` lose nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from sekai.core.result import same
from sekai.error import SekaiError, SpaceMismatch
from sekai.spaces.box import Box
from sekai.spaces.dict import Dict
from sekai.spaces.discrete import Discrete
from sekai.spaces.multi_discrete import MultiDiscrete
from sekai.spaces.space import Space
from sekai.spaces.tuple import Tuple

__all__ = [
    "Array",
    "BoundedArray",
    "DictSpec",
    "DiscreteArray",
    "MultiDiscreteArray",
    "Spec",
    "TupleSpec",
    "from_space",
    "part_of",
]

_T = TypeVar("_T")


class Spec(Generic[_T]):
    """The values of a space, with a name for errors; the base of all specs, and itself one for any other space."""

    def __init__(self, space: Space[_T], name: str = "") -> None:
        self._space = space
        self.name = name

    def to_space(self) -> Space[_T]:
        """Return the space of the same values."""
        return self._space

    def validate(self, value: Any) -> _T:
        """Return `value`, as an array where the spec is of arrays; raises `SpaceMismatch` unless it conforms."""
        if value not in self._space:
            raise self._mismatch(f"must be in {self._space}, got {value!r}")
        return value  # type: ignore[no-any-return]

    def generate_value(self) -> _T:
        """Return a value that conforms, always the same."""
        twin = deepcopy(self._space)
        twin.seed(0)
        return twin.sample()

    def replace(self, **changes: Any) -> Any:
        """Return a spec with these arguments of the constructor changed; raises `SekaiError` for others."""
        arguments = self._arguments()
        for name in changes:
            if name not in arguments:
                raise SekaiError(f"{type(self).__name__} has {', '.join(arguments)}, got {name!r}")
        return type(self)(**{**arguments, **changes})

    def _arguments(self) -> dict[str, Any]:
        return {"space": self._space, "name": self.name}

    def _mismatch(self, text: str) -> SpaceMismatch:
        return SpaceMismatch(f"{self.name or 'value'} {text}")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        mine, theirs = self._arguments(), other._arguments()
        return all(same(value, theirs[name]) for name, value in mine.items() if name != "name")

    def __hash__(self) -> int:
        return hash((type(self), self._space))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._arguments().items())})"


class Array(Spec[NDArray[Any]]):
    """Arrays of a shape and a dtype."""

    def __init__(self, shape: Sequence[int], dtype: DTypeLike, name: str = "") -> None:
        self._hold(Box(-np.inf, np.inf, tuple(shape), dtype), name)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the arrays."""
        return self._space.shape or ()

    @property
    def dtype(self) -> "np.dtype[Any]":
        """The dtype of the arrays."""
        return np.dtype(self._space.dtype)

    def validate(self, value: Any) -> NDArray[Any]:
        """Return `value` as an array of this dtype; Python's numbers, and lists of them, become one.

        Raises `SpaceMismatch` for another shape, a value out of bounds, numbers of another kind, and floats of more
        digits than the dtype has.
        """
        given = np.asarray(value)
        exact = isinstance(value, np.ndarray | np.generic) and given.dtype.kind == "f"
        rule: Any = "safe" if exact else "same_kind"
        if given.shape != self.shape:
            raise self._mismatch(f"must have shape {self.shape}, got {given.shape}")
        if given.dtype.kind not in "fiub" or not np.can_cast(given.dtype, self.dtype, rule):
            raise self._mismatch(f"must be {self.dtype}, got {given.dtype}")
        array, (low, high) = given.astype(self.dtype, copy=False), self._ends()
        if self.dtype.kind in "iu" and not np.array_equal(array, given):
            raise self._mismatch(f"must fit into {self.dtype}, got {given}")
        if not ((array >= low) & (array <= high)).all():
            raise self._mismatch(f"must be from {low} to {high}, got {array}")
        return array

    def generate_value(self) -> NDArray[Any]:
        """Return zeros, or whatever is nearest within bounds."""
        low, high = self._ends()
        return np.asarray(np.clip(np.zeros(self.shape), low, high), self.dtype)

    def _ends(self) -> tuple[NDArray[Any], NDArray[Any]]:
        box: Any = self._space
        return box.low, box.high

    @classmethod
    def _of(cls, space: Any, name: str) -> Any:
        """Return the spec around this very space."""
        spec = cls.__new__(cls)
        spec._hold(space, name)
        return spec

    def _hold(self, space: Any, name: str) -> None:
        super().__init__(space, name)

    def _arguments(self) -> dict[str, Any]:
        return {"shape": self.shape, "dtype": self.dtype, "name": self.name}


class BoundedArray(Array):
    """Arrays within `minimum` and `maximum`, both included, which broadcast to the shape and may be infinite."""

    def __init__(
        self, shape: Sequence[int], dtype: DTypeLike, minimum: ArrayLike, maximum: ArrayLike, name: str = ""
    ) -> None:
        self._hold(Box(minimum, maximum, tuple(shape), dtype), name)

    @property
    def minimum(self) -> NDArray[Any]:
        """The least of each number, of the shape; infinite where there is no bound."""
        return self._limits()[0]

    @property
    def maximum(self) -> NDArray[Any]:
        """The greatest of each number, of the shape; infinite where there is no bound."""
        return self._limits()[1]

    def _limits(self) -> tuple[NDArray[Any], NDArray[Any]]:
        box: Any = self._space
        return box.limits  # type: ignore[no-any-return]

    def _arguments(self) -> dict[str, Any]:
        bounds = {"minimum": self.minimum, "maximum": self.maximum}
        return {"shape": self.shape, "dtype": self.dtype, **bounds, "name": self.name}


class MultiDiscreteArray(BoundedArray):
    """Arrays of choices: entry i is one of `num_values[i]` whole numbers, from `start[i]` on, 0 by default."""

    def __init__(
        self, num_values: ArrayLike, dtype: DTypeLike = np.intp, name: str = "", *, start: ArrayLike | None = None
    ) -> None:
        self._hold(MultiDiscrete(num_values, start, dtype=dtype), name)

    @property
    def num_values(self) -> Any:
        """How many choices there are: for each entry, or of a `DiscreteArray` an int."""
        return self._choices()[0]

    def _choices(self) -> tuple[Any, Any]:
        space: Any = self._space
        return space.nvec, space.start

    def _ends(self) -> tuple[NDArray[Any], NDArray[Any]]:
        n, start = self._choices()
        return np.asarray(start), np.asarray(start + n - 1)

    def _limits(self) -> tuple[NDArray[Any], NDArray[Any]]:
        low, high = self._ends()
        return low.astype(self.dtype), high.astype(self.dtype)

    def _arguments(self) -> dict[str, Any]:
        n, start = self._choices()
        return {"num_values": n, "dtype": self.dtype, "name": self.name, "start": start}


class DiscreteArray(MultiDiscreteArray):
    """One of `num_values` whole numbers, from `start` on, 0 by default, as an array of shape ()."""

    def __init__(self, num_values: int, dtype: DTypeLike = np.intp, name: str = "", *, start: int = 0) -> None:
        self._hold(Discrete(num_values, start, dtype=dtype), name)

    def _choices(self) -> tuple[Any, Any]:
        space: Any = self._space
        return space.n, space.start


class DictSpec(Spec[Any]):
    """Named values, each of its spec. `constructor(**values)` makes a value: a dict, or a NamedTuple or dataclass."""

    def __init__(self, specs: Mapping[str, Spec[Any]], constructor: Callable[..., Any] = dict, name: str = "") -> None:
        self.specs = {part: _checked(spec, part) for part, spec in specs.items()}
        self.constructor = constructor
        super().__init__(Dict({part: spec.to_space() for part, spec in self.specs.items()}), name)

    def validate(self, value: Any) -> Any:
        """Return the value with each part validated; raises `SpaceMismatch` for a part too few, too many or wrong."""
        if isinstance(value, Mapping) and value.keys() != self.specs.keys():
            raise self._mismatch(f"must have {list(self.specs)}, got {list(value)}")
        if not isinstance(value, Mapping) and not all(hasattr(value, part) for part in self.specs):
            raise self._mismatch(f"must have {list(self.specs)}, got {value!r}")
        return self.constructor(**{part: spec.validate(part_of(value, part)) for part, spec in self.specs.items()})

    def generate_value(self) -> Any:
        """Return a value made of what each part generates."""
        return self.constructor(**{part: spec.generate_value() for part, spec in self.specs.items()})

    def replace(self, **changes: Any) -> "DictSpec":
        """Return a spec with these parts changed; raises `SekaiError` for others."""
        for part in changes:
            if part not in self.specs:
                raise SekaiError(f"{type(self).__name__} has {', '.join(self.specs)}, got {part!r}")
        return DictSpec({**self.specs, **changes}, self.constructor, self.name)

    def __getitem__(self, part: str) -> Spec[Any]:
        return self.specs[part]

    def __iter__(self) -> Iterator[str]:
        return iter(self.specs)

    def __len__(self) -> int:
        return len(self.specs)

    def _arguments(self) -> dict[str, Any]:
        return {"specs": self.specs, "constructor": self.constructor, "name": self.name}


class TupleSpec(Spec[tuple[Any, ...]]):
    """Values in order, each of its spec."""

    def __init__(self, specs: Sequence[Spec[Any]], name: str = "") -> None:
        self.specs = tuple(_checked(spec, str(k)) for k, spec in enumerate(specs))
        super().__init__(Tuple([spec.to_space() for spec in self.specs]), name)

    def validate(self, value: Any) -> tuple[Any, ...]:
        """Return the value with each part validated; raises `SpaceMismatch` for a part too few, too many or wrong."""
        if not isinstance(value, tuple | list) or len(value) != len(self.specs):
            raise self._mismatch(f"must be a tuple of {len(self.specs)}, got {value!r}")
        return tuple(spec.validate(part) for spec, part in zip(self.specs, value, strict=True))

    def generate_value(self) -> tuple[Any, ...]:
        """Return a value made of what each part generates."""
        return tuple(spec.generate_value() for spec in self.specs)

    def __getitem__(self, index: int) -> Spec[Any]:
        return self.specs[index]

    def __iter__(self) -> Iterator[Spec[Any]]:
        return iter(self.specs)

    def __len__(self) -> int:
        return len(self.specs)

    def _arguments(self) -> dict[str, Any]:
        return {"specs": self.specs, "name": self.name}


def from_space(space: Space[Any], name: str = "") -> Spec[Any]:
    """Return the spec of a space's values; its parts are named by where they are.

    >>> from_space(Dict({"move": Discrete(3)}), "action")["move"]
    DiscreteArray(num_values=3, dtype=dtype('int64'), name='action.move', start=0)
    """
    inner = f"{name}." if name else ""
    if isinstance(space, Dict):
        return DictSpec({part: from_space(inside, f"{inner}{part}") for part, inside in space.items()}, name=name)
    if isinstance(space, Tuple):
        return TupleSpec([from_space(inside, f"{inner}{k}") for k, inside in enumerate(space)], name)
    if isinstance(space, Box):
        unbounded = not space.bounded_below.any() and not space.bounded_above.any()
        return (Array if unbounded else BoundedArray)._of(space, name)  # type: ignore[no-any-return]
    if isinstance(space, Discrete):
        return DiscreteArray._of(space, name)  # type: ignore[no-any-return]
    return MultiDiscreteArray._of(space, name) if isinstance(space, MultiDiscrete) else Spec(space, name)


def part_of(value: Any, name: str) -> Any:
    """Return the part of a nested value by its name: an entry of a mapping, else an attribute."""
    return value[name] if isinstance(value, Mapping) else getattr(value, name)


def _checked(spec: Spec[Any], name: str) -> Spec[Any]:
    if not isinstance(spec, Spec):
        raise SekaiError(f"specs[{name!r}] must be a Spec, got {spec!r}")
    return spec
