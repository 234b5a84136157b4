"""Dicts of values, each of a named sub-space. The order of the names is kept, but makes no difference."""

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import Any, Self

from sekai.backend.base import BackendOps
from sekai.core.seeding import child_seed
from sekai.error import SpaceMismatch
from sekai.spaces.space import Space

__all__ = ["Dict"]


class Dict(Space[dict[str, Any]]):
    """Dicts with a value of each of the named `spaces`. The space itself reads like a mapping of names to spaces.

    >>> from sekai.spaces import Box, Discrete
    >>> space = Dict({"prices": Box(0.0, 1.0, (3,)), "regime": Discrete(4)})
    >>> list(space), space["regime"].n
    (['prices', 'regime'], 4)
    """

    def __init__(
        self,
        spaces: Mapping[str, Space[Any]] | None = None,
        seed: int | None = None,
        *,
        backend: BackendOps | None = None,
        **named: Space[Any],
    ) -> None:
        if spaces is not None and not isinstance(spaces, Mapping):
            raise SpaceMismatch(f"spaces must be a mapping of names to spaces, got {spaces!r}")
        self.spaces: dict[str, Space[Any]] = {**(spaces or {}), **named}
        for name, space in self.spaces.items():
            if not isinstance(space, Space):
                raise SpaceMismatch(f"spaces[{name!r}] must be a space, got {space!r}")
        if backend is not None:
            self.spaces = {name: space.with_backend(backend) for name, space in self.spaces.items()}
        super().__init__(seed=seed, backend=backend)

    def with_backend(self, backend: BackendOps) -> Self:
        """Return this space with streams of its own, whose arrays live in `backend`."""
        twin = super().with_backend(backend)
        twin.spaces = {name: space.with_backend(backend) for name, space in self.spaces.items()}
        return twin

    @property
    def is_flattenable(self) -> bool:  # type: ignore[override]
        """Whether all sub-spaces can be flattened."""
        return all(space.is_flattenable for space in self.spaces.values())

    def seed(self, seed: int | None = None) -> int:
        """Seed every sub-space by `seed` and its name; return the seed used."""
        seed = super().seed(seed)
        for name, space in self.spaces.items():
            space.seed(child_seed(seed, name))
        return seed

    def sample(self, mask: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Draw a value of each sub-space; `mask` has masks by name, and may leave names out."""
        masks = mask or {}
        for name in masks:
            if name not in self.spaces:
                raise SpaceMismatch(f"mask must have names out of {list(self.spaces)}, got {name!r}")
        return {name: space.sample(masks.get(name)) for name, space in self.spaces.items()}

    def contains(self, x: Any) -> bool:
        """Say whether `x` is a dict with exactly these names, and a value of each."""
        if not isinstance(x, Mapping) or x.keys() != self.spaces.keys():
            return False
        return all(space.contains(x[name]) for name, space in self.spaces.items())

    def encode_sample(self, sample: Mapping[str, Any]) -> Any:
        """Return the value as a dict of the sub-spaces' encoded values."""
        return {name: space.encode_sample(sample[name]) for name, space in self.spaces.items()}

    def decode_sample(self, encoded: Any) -> dict[str, Any]:
        """Return the value that `encode_sample` wrote."""
        return {name: space.decode_sample(encoded[name]) for name, space in self.spaces.items()}

    def keys(self) -> KeysView[str]:
        """Return the names."""
        return self.spaces.keys()

    def values(self) -> ValuesView[Space[Any]]:
        """Return the sub-spaces."""
        return self.spaces.values()

    def items(self) -> ItemsView[str, Space[Any]]:
        """Return names and sub-spaces."""
        return self.spaces.items()

    def __getitem__(self, name: str) -> Space[Any]:
        return self.spaces[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.spaces)

    def __len__(self) -> int:
        return len(self.spaces)

    def _describe(self) -> dict[str, Any]:
        return {"spaces": {name: space.to_jsonable() for name, space in self.spaces.items()}}

    @classmethod
    def _rebuild(cls, description: Mapping[str, Any]) -> "Dict":
        return cls({name: Space.from_jsonable(part) for name, part in description["spaces"].items()})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dict) and self.spaces == other.spaces

    def __hash__(self) -> int:
        return hash(frozenset(self.spaces.items()))

    def __repr__(self) -> str:
        return f"Dict({', '.join(f'{name}={space!r}' for name, space in self.spaces.items())})"
