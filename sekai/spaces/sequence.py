"""As many values of one space as there happen to be: fills since the last step, orders that rest."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from sekai.backend.base import BackendOps
from sekai.core.seeding import child_seed
from sekai.error import SpaceMismatch
from sekai.spaces.dict import Dict
from sekai.spaces.space import Space
from sekai.spaces.tree import leaves
from sekai.spaces.tuple import Tuple

__all__ = ["Sequence"]

_MEAN_LENGTH = 4.0


class Sequence(Space[Any]):
    """Tuples of any length, of values of `feature`. Its length is not fixed, so it cannot be flattened.

    With `stack` the values stand in one array `(length, *shape)` instead of a tuple, of a Dict or a Tuple in a dict or
    a tuple of such arrays. Raises `SpaceMismatch` for a stack of what has no arrays, such as a Text.

    >>> from sekai.spaces import Discrete
    >>> (1, 0, 1) in Sequence(Discrete(2)), () in Sequence(Discrete(2)), (2,) in Sequence(Discrete(2))
    (True, True, False)
    >>> np.array([1, 0, 1]) in Sequence(Discrete(2), stack=True)
    True
    """

    is_flattenable = False

    def __init__(
        self,
        feature: Space[Any],
        *,
        stack: bool = False,
        seed: int | None = None,
        backend: BackendOps | None = None,
    ) -> None:
        if not isinstance(feature, Space):
            raise SpaceMismatch(f"feature must be a space, got {feature!r}")
        if stack and any(leaf.shape is None for _, leaf in leaves(feature)):
            raise SpaceMismatch(
                f"feature must have arrays, or Dicts and Tuples of them, to be stacked, got {feature!r}"
            )
        self.stack = stack
        self.feature = feature if backend is None else feature.with_backend(backend)
        super().__init__(seed=seed, backend=backend)

    def with_backend(self, backend: BackendOps) -> Self:
        """Return this space with streams of its own, whose arrays live in `backend`."""
        twin = super().with_backend(backend)
        twin.feature = self.feature.with_backend(backend)
        return twin

    def seed(self, seed: int | None = None) -> int:
        """Seed the lengths and the feature from `seed`; return the seed used."""
        seed = super().seed(seed)
        self.feature.seed(child_seed(seed, "feature"))
        return seed

    def sample(self, mask: tuple[Any, Any] | None = None) -> Any:
        """Draw values; `mask` is (length, an array of lengths to choose from, or None; a mask of the feature).

        Without a mask the length is geometric, 0 included, of mean 4.
        """
        lengths, part = (None, None) if mask is None else mask
        if lengths is None:
            length = int(self.rng.geometric(1.0 / (1.0 + _MEAN_LENGTH))) - 1
        else:
            choices = np.atleast_1d(np.asarray(lengths))
            if not choices.size or choices.dtype.kind not in "iu" or (choices < 0).any():
                raise SpaceMismatch(f"mask's length must be whole numbers >= 0, got {lengths!r}")
            length = int(choices[self.rng.integers(choices.size)])
        return self._together([self.feature.sample(part) for _ in range(length)])

    def contains(self, x: Any) -> bool:
        """Say whether `x` is a tuple or a list, with `stack` a stack, of values of the feature."""
        values = _apart(self.feature, x) if self.stack else x
        return isinstance(values, tuple | list) and all(self.feature.contains(part) for part in values)

    def encode_sample(self, sample: Any) -> Any:
        """Return the values as a list of what the feature writes."""
        values = _apart(self.feature, sample) if self.stack else sample
        return [self.feature.encode_sample(part) for part in values or ()]

    def decode_sample(self, encoded: Any) -> Any:
        """Return the value that `encode_sample` wrote."""
        return self._together([self.feature.decode_sample(part) for part in encoded])

    def _together(self, values: list[Any]) -> Any:
        return _stacked(self.feature, values) if self.stack else tuple(values)

    def _describe(self) -> dict[str, Any]:
        return {"feature": self.feature.to_jsonable(), "stack": self.stack}

    @classmethod
    def _rebuild(cls, description: Mapping[str, Any]) -> "Sequence":
        return cls(Space.from_jsonable(description["feature"]), stack=description.get("stack", False))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and (self.feature, self.stack) == (other.feature, other.stack)

    def __hash__(self) -> int:
        return hash((Sequence, self.feature, self.stack))

    def __repr__(self) -> str:
        return f"Sequence({self.feature!r}{', stack=True' if self.stack else ''})"


def _stacked(space: Space[Any], values: list[Any]) -> Any:
    """Return values of `space` as one array, or as a dict or a tuple of arrays."""
    if isinstance(space, Dict):
        return {name: _stacked(part, [value[name] for value in values]) for name, part in space.items()}
    if isinstance(space, Tuple):
        return tuple(_stacked(part, [value[place] for value in values]) for place, part in enumerate(space))
    array = np.array([space._given(value) for value in values], space.dtype)
    return space.backend.from_numpy(array.reshape(len(values), *(space.shape or ())))


def _apart(space: Space[Any], stack: Any) -> list[Any] | None:
    """Return the values that are stacked, or None where `stack` has not the form of a stack of `space`."""
    if isinstance(space, Dict):
        if not isinstance(stack, Mapping) or stack.keys() != space.spaces.keys():
            return None
        columns = _columns([_apart(part, stack[name]) for name, part in space.items()])
        return None if columns is None else [dict(zip(space, values, strict=True)) for values in columns]
    if isinstance(space, Tuple):
        if not isinstance(stack, tuple | list) or len(stack) != len(space):
            return None
        return _columns([_apart(part, x) for part, x in zip(space, stack, strict=True)])
    array = space._given(stack)
    fits = isinstance(array, np.ndarray) and array.ndim == 1 + len(space.shape or ())
    return [space.backend.from_numpy(value) if space.shape else value for value in array] if fits else None


def _columns(columns: list[list[Any] | None]) -> list[Any] | None:
    """Return the rows of columns that are all as long, else None."""
    lists = [column for column in columns if column is not None]
    if len(lists) < len(columns) or len({len(column) for column in lists}) > 1:
        return None
    return list(zip(*lists, strict=True))
