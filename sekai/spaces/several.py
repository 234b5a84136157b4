"""The common part of `Tuple` and `OneOf`, which are made of several spaces in order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self, TypeVar, overload

from sekai.backend.base import BackendOps
from sekai.core.seeding import child_seed
from sekai.error import SpaceMismatch
from sekai.spaces.space import Space

__all__ = ["Several"]

_T = TypeVar("_T")


class Several(Space[_T], abstract=True):
    """The base of `Tuple` and `OneOf`. The space itself reads like a sequence of its `spaces`."""

    def __init__(
        self, spaces: Iterable[Space[Any]], seed: int | None = None, *, backend: BackendOps | None = None
    ) -> None:
        if not isinstance(spaces, Iterable):
            raise SpaceMismatch(f"spaces must be spaces in order, a list or a tuple of them, got {spaces!r}")
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
        """Whether all sub-spaces can be flattened."""
        return all(space.is_flattenable for space in self.spaces)

    def seed(self, seed: int | None = None) -> int:
        """Seed this space, and every sub-space by its place; return the seed used."""
        seed = super().seed(seed)
        for index, space in enumerate(self.spaces):
            space.seed(child_seed(seed, index))
        return seed

    def _masks(self, mask: Sequence[Any] | None) -> list[Any]:
        """Return a mask or None for each sub-space; raises `SpaceMismatch` for a wrong number of them."""
        masks = [None] * len(self.spaces) if mask is None else list(mask)
        if len(masks) != len(self.spaces):
            raise SpaceMismatch(f"mask must have one mask or None a sub-space, {len(self.spaces)}, got {len(masks)}")
        return masks

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
    def _rebuild(cls, description: Mapping[str, Any]) -> Self:
        return cls(Space.from_jsonable(part) for part in description["spaces"])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Several) or not (isinstance(other, type(self)) or isinstance(self, type(other))):
            return False
        return self.spaces == other.spaces

    def __hash__(self) -> int:
        return hash((Several, self.spaces))

    def __repr__(self) -> str:
        return f"{self.kind}({', '.join(map(repr, self.spaces))})"
