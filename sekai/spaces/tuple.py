"""Sub-spaces in order: a value is a tuple with one value of each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self, overload

from sekai.backend.base import BackendOps
from sekai.core.seeding import child_seed
from sekai.error import SpaceMismatch
from sekai.spaces.space import Space

__all__ = ["Tuple"]


class Tuple(Space[tuple[Any, ...]]):
    """Tuples with one value of each of the `spaces`; reads like a sequence of them.

    >>> from sekai.spaces import Box, MultiBinary
    >>> space = Tuple([Box(0.0, 1.0, (3,)), MultiBinary(10)])
    >>> len(space), space[1].n
    (2, 10)
    """

    def __init__(
        self, spaces: Iterable[Space[Any]], seed: int | None = None, *, backend: BackendOps | None = None
    ) -> None:
        self.spaces: tuple[Space[Any], ...] = tuple(spaces)
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
        """Whether all sub-spaces are."""
        return all(space.is_flattenable for space in self.spaces)

    def seed(self, seed: int | None = None) -> int:
        """Seed every sub-space from `seed` and its place; return the seed used."""
        seed = super().seed(seed)
        for index, space in enumerate(self.spaces):
            space.seed(child_seed(seed, index))
        return seed

    def sample(self, mask: Sequence[Any] | None = None) -> tuple[Any, ...]:
        """Draw a value of each sub-space; `mask` has a mask, or None, for each."""
        masks = [None] * len(self.spaces) if mask is None else list(mask)
        if len(masks) != len(self.spaces):
            raise SpaceMismatch(f"mask must have one mask or None a sub-space, {len(self.spaces)}, got {len(masks)}")
        return tuple(space.sample(part) for space, part in zip(self.spaces, masks, strict=True))

    def contains(self, x: Any) -> bool:
        """Say whether `x` is a tuple, or a list, with a value of each sub-space."""
        if not isinstance(x, tuple | list) or len(x) != len(self.spaces):
            return False
        return all(space.contains(part) for space, part in zip(self.spaces, x, strict=True))

    def encode_sample(self, sample: Sequence[Any]) -> Any:
        """Return the value as a list of what the sub-spaces write."""
        return [space.encode_sample(part) for space, part in zip(self.spaces, sample, strict=True)]

    def decode_sample(self, encoded: Any) -> tuple[Any, ...]:
        """Return the value that `encode_sample` wrote."""
        return tuple(space.decode_sample(part) for space, part in zip(self.spaces, encoded, strict=True))

    @overload
    def __getitem__(self, index: int) -> Space[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Space[Any], ...]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self.spaces[index]

    def __iter__(self) -> Iterator[Space[Any]]:
        return iter(self.spaces)

    def __len__(self) -> int:
        return len(self.spaces)

    def _describe(self) -> dict[str, Any]:
        return {"spaces": [space.to_jsonable() for space in self.spaces]}

    @classmethod
    def _rebuild(cls, description: Mapping[str, Any]) -> "Tuple":
        return cls(Space.from_jsonable(part) for part in description["spaces"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tuple) and self.spaces == other.spaces

    def __hash__(self) -> int:
        return hash((Tuple, self.spaces))

    def __repr__(self) -> str:
        return f"Tuple({', '.join(map(repr, self.spaces))})"
