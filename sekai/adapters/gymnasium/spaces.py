"""Our spaces as gymnasium's, and back. A converted space goes on with a copy of the random stream of the original.

Register the conversion of a kind of your own with `@to_gymnasium_space.register` and `@from_gymnasium_space.register`.
A space of gymnasium's that has no conversion is used as it is, see `ForeignSpace`.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import singledispatch
from typing import Any

import numpy as np
from gymnasium import spaces as gym

from sekai.error import SpaceMismatch
from sekai.spaces import (
    Box,
    Dict,
    Discrete,
    Graph,
    MultiBinary,
    MultiDiscrete,
    OneOf,
    Sequence,
    Space,
    Text,
    Tuple,
)

__all__ = ["ForeignSpace", "from_gymnasium_space", "to_gymnasium_space"]


@singledispatch
def to_gymnasium_space(space: Any) -> gym.Space[Any]:
    """Return gymnasium's space of the same values; raises `SpaceMismatch` for a kind it does not have.

    >>> to_gymnasium_space(Discrete(3, start=-1))
    Discrete(3, start=-1)
    """
    raise SpaceMismatch(
        f"space must be of a kind that gymnasium has, got {space!r}: register its conversion with to_gymnasium_space"
    )


@singledispatch
def from_gymnasium_space(space: Any) -> Space[Any]:
    """Return our space of the same values; raises `SpaceMismatch` for what is no space of gymnasium's.

    >>> from_gymnasium_space(gym.Discrete(3, start=-1))
    Discrete(3, start=-1)
    """
    raise SpaceMismatch(f"space must be one of gymnasium's, got {space!r}")


class ForeignSpace(Space[Any], abstract=True):
    """A gymnasium space without a conversion, `theirs`. Its values are objects, and it has no description in JSON."""

    def __init__(self, theirs: gym.Space[Any]) -> None:
        super().__init__()
        self.theirs = theirs

    def seed(self, seed: int | None = None) -> int:
        """Seed `theirs` too; return the seed used."""
        seed = super().seed(seed)
        self.theirs.seed(seed)
        return seed

    def sample(self, mask: Any = None) -> Any:
        """Draw a value as `theirs` does."""
        return self.theirs.sample() if mask is None else self.theirs.sample(mask)

    def contains(self, x: Any) -> bool:
        """Say whether `theirs` contains `x`."""
        return self.theirs.contains(x)

    def encode_sample(self, sample: Any) -> Any:
        """Return the value as `theirs` writes it."""
        return self.theirs.to_jsonable([sample])[0]

    def decode_sample(self, encoded: Any) -> Any:
        """Return the value that `theirs` wrote."""
        return self.theirs.from_jsonable([encoded])[0]

    def _describe(self) -> dict[str, Any]:
        raise SpaceMismatch(f"{self} cannot be written down: register its conversion with from_gymnasium_space")

    @classmethod
    def _rebuild(cls, description: Mapping[str, Any]) -> Space[Any]:
        raise SpaceMismatch(f"a {cls.__name__} cannot be read")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ForeignSpace) and bool(self.theirs == other.theirs)

    def __hash__(self) -> int:
        return hash(type(self.theirs))

    def __repr__(self) -> str:
        return f"ForeignSpace({self.theirs!r})"


def _to_gymnasium(kind: type[Any]) -> Callable[[Callable[[Any], gym.Space[Any]]], None]:
    """Register how our spaces of this kind are converted; the new space gets a copy of the stream."""

    def register(convert: Callable[[Any], gym.Space[Any]]) -> None:
        def converted(space: Any) -> gym.Space[Any]:
            theirs = convert(space)
            theirs._np_random = deepcopy(space._rng)
            return theirs

        to_gymnasium_space.register(kind, converted)

    return register


def _from_gymnasium(kind: type[Any]) -> Callable[[Callable[[Any], Space[Any]]], None]:
    """Register how gymnasium's spaces of this kind are converted; the new space gets a copy of the stream."""

    def register(convert: Callable[[Any], Space[Any]]) -> None:
        def converted(space: Any) -> Space[Any]:
            ours = convert(space)
            ours._rng = deepcopy(space._np_random)
            return ours

        from_gymnasium_space.register(kind, converted)

    return register


def _open(bound: Any, bounded: Any, infinity: float) -> Any:
    """Return a bound with the infinities that an integer dtype cannot hold."""
    return bound if bounded.all() or bound.dtype.kind == "f" else np.where(bounded, bound.astype(object), infinity)


@_to_gymnasium(Box)
def _(space: Box) -> gym.Space[Any]:
    """An integer Box gets the ends of its dtype for infinite bounds: gymnasium's takes no infinity for one entry."""
    box = gym.Box(space.low, space.high, space.shape, space.dtype.type)
    if space.dtype.kind == "i":  # gymnasium's unsigned boxes are bounded
        box.bounded_below, box.bounded_above = space.bounded_below.copy(), space.bounded_above.copy()
    return box


@_from_gymnasium(gym.Box)
def _(space: gym.Box) -> Space[Any]:
    low = _open(space.low, space.bounded_below, -np.inf)
    high = _open(space.high, space.bounded_above, np.inf)
    return Box(low, high, space.shape, space.dtype)


@_to_gymnasium(Discrete)
def _(space: Discrete) -> gym.Space[Any]:
    return gym.Discrete(space.n, start=space.start, dtype=space.dtype.type)


@_from_gymnasium(gym.Discrete)
def _(space: gym.Discrete) -> Space[Any]:
    return Discrete(int(space.n), int(space.start), dtype=space.dtype)


@_to_gymnasium(MultiDiscrete)
def _(space: MultiDiscrete) -> gym.Space[Any]:
    return gym.MultiDiscrete(space.nvec, dtype=space.dtype.type, start=space.start)


@_from_gymnasium(gym.MultiDiscrete)
def _(space: gym.MultiDiscrete) -> Space[Any]:
    return MultiDiscrete(space.nvec, space.start, dtype=space.dtype)


@_to_gymnasium(Dict)
def _(space: Dict) -> gym.Space[Any]:
    return gym.Dict({name: to_gymnasium_space(part) for name, part in space.items()})


@_from_gymnasium(gym.Dict)
def _(space: gym.Dict) -> Space[Any]:
    return Dict({name: from_gymnasium_space(part) for name, part in space.items()})


@_to_gymnasium(MultiBinary)
def _(space: MultiBinary) -> gym.Space[Any]:
    return gym.MultiBinary(space.n)


@_from_gymnasium(gym.MultiBinary)
def _(space: gym.MultiBinary) -> Space[Any]:
    return MultiBinary(space.n if isinstance(space.n, int) else tuple(space.shape))


@_to_gymnasium(Tuple)
def _(space: Tuple) -> gym.Space[Any]:
    return gym.Tuple([to_gymnasium_space(part) for part in space])


@_from_gymnasium(gym.Tuple)
def _(space: Any) -> Space[Any]:
    return Tuple(from_gymnasium_space(part) for part in space.spaces)


@_to_gymnasium(Text)
def _(space: Text) -> gym.Space[Any]:
    return gym.Text(space.max_length, min_length=space.min_length, charset=space.charset)


@_from_gymnasium(gym.Text)
def _(space: gym.Text) -> Space[Any]:
    return Text(space.max_length, min_length=space.min_length, charset=space.characters)


@_to_gymnasium(Sequence)
def _(space: Sequence) -> gym.Space[Any]:
    return gym.Sequence(to_gymnasium_space(space.feature), stack=space.stack)


@_from_gymnasium(gym.Sequence)
def _(space: gym.Sequence) -> Space[Any]:
    return Sequence(from_gymnasium_space(space.feature_space), stack=space.stack)


@_to_gymnasium(Graph)
def _(space: Graph) -> gym.Space[Any]:
    edges = None if space.edge_space is None else to_gymnasium_space(space.edge_space)
    return gym.Graph(to_gymnasium_space(space.node_space), edges)


@_from_gymnasium(gym.Graph)
def _(space: gym.Graph) -> Space[Any]:
    edges = None if space.edge_space is None else from_gymnasium_space(space.edge_space)
    return Graph(from_gymnasium_space(space.node_space), edges)


@_to_gymnasium(OneOf)
def _(space: OneOf) -> gym.Space[Any]:
    return gym.OneOf([to_gymnasium_space(part) for part in space])


@_from_gymnasium(gym.OneOf)
def _(space: Any) -> Space[Any]:
    return OneOf(from_gymnasium_space(part) for part in space.spaces)


from_gymnasium_space.register(gym.Space, ForeignSpace)
to_gymnasium_space.register(ForeignSpace, lambda space: space.theirs)
