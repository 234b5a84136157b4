"""A value of exactly one of several spaces: a limit order or a cancellation, each with arguments of its own."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np

from sekai.backend.base import BackendOps
from sekai.core.seeding import child_seed
from sekai.error import SpaceMismatch
from sekai.spaces.space import Space

__all__ = ["OneOf"]


class OneOf(Space[tuple[np.intp, Any]]):
    """Pairs (index of a space, a value of that space).

    >>> from sekai.spaces import Box, Discrete
    >>> (1, 0) in OneOf([Box(0.0, 1.0, (2,)), Discrete(2)]), (0, 0) in OneOf([Box(0.0, 1.0, (2,)), Discrete(2)])
    (True, False)
    """

    def __init__(
        self, spaces: Iterable[Space[Any]], seed: int | None = None, *, backend: BackendOps | None = None
    ) -> None:
        self.spaces: tuple[Space[Any], ...] = tuple(spaces)
        if not self.spaces:
            raise SpaceMismatch("spaces must be at least one space, got none")
        for index, space in enumerate(self.spaces):
            if not isinstance(space, Space):
                raise SpaceMismatch(f"spaces[{index}] must be a space, got {space!r}")
        if backend is not None:
            self.spaces = tuple(space.with_backend(backend) for space in self.spaces)
        super().__init__(seed=seed, backend=backend)

    def with_backend(self, backend: BackendOps) -> Self:
        """Return this space with streams of its own, whose arrays live in `backend`."""
        twin = super().with_backend(backend)
        twin.spaces = tuple(space.with_backend(backend) for space in self.spaces)
        return twin

    @property
    def is_flattenable(self) -> bool:  # type: ignore[override]
        """Whether all the spaces are."""
        return all(space.is_flattenable for space in self.spaces)

    def seed(self, seed: int | None = None) -> int:
        """Seed the choice and every space from `seed`; return the seed used."""
        seed = super().seed(seed)
        for index, space in enumerate(self.spaces):
            space.seed(child_seed(seed, index))
        return seed

    def sample(self, mask: Sequence[Any] | None = None) -> tuple[np.intp, Any]:
        """Draw which space, uniformly, and a value of it; `mask` has a mask, or None, for each space."""
        masks = [None] * len(self.spaces) if mask is None else list(mask)
        if len(masks) != len(self.spaces):
            raise SpaceMismatch(f"mask must have one mask or None a space, {len(self.spaces)}, got {len(masks)}")
        index = np.intp(self.rng.integers(len(self.spaces)))
        return index, self.spaces[index].sample(masks[index])

    def contains(self, x: Any) -> bool:
        """Say whether `x` is a pair of the index of a space and a value of it."""
        if not isinstance(x, tuple | list) or len(x) != 2:
            return False
        index, value = x
        if isinstance(index, bool | np.bool_) or not isinstance(index, int | np.integer):
            return False
        return 0 <= int(index) < len(self.spaces) and self.spaces[int(index)].contains(value)

    def encode_sample(self, sample: Sequence[Any]) -> Any:
        """Return the pair as a list of the index and what its space writes."""
        index, value = sample
        return [int(index), self.spaces[index].encode_sample(value)]

    def decode_sample(self, encoded: Any) -> tuple[np.intp, Any]:
        """Return the value that `encode_sample` wrote."""
        index, value = encoded
        return np.intp(index), self.spaces[index].decode_sample(value)

    def __getitem__(self, index: int) -> Space[Any]:
        return self.spaces[index]

    def __iter__(self) -> Iterator[Space[Any]]:
        return iter(self.spaces)

    def __len__(self) -> int:
        return len(self.spaces)

    def _describe(self) -> dict[str, Any]:
        return {"spaces": [space.to_jsonable() for space in self.spaces]}

    @classmethod
    def _rebuild(cls, description: Mapping[str, Any]) -> "OneOf":
        return cls(Space.from_jsonable(part) for part in description["spaces"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OneOf) and self.spaces == other.spaces

    def __hash__(self) -> int:
        return hash((OneOf, self.spaces))

    def __repr__(self) -> str:
        return f"OneOf({', '.join(map(repr, self.spaces))})"
