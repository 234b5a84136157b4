"""Any number of values of one space: the fills since the last step, the orders that rest."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from sekai.backend.base import BackendOps
from sekai.core.seeding import child_seed
from sekai.error import SpaceMismatch
from sekai.spaces.space import Space
from sekai.spaces.stacks import stacked, unstacked

__all__ = ["Sequence"]

_MEAN_LENGTH = 4.0


class Sequence(Space[Any]):
    """Tuples of any number of values of `feature`. Their length is not fixed, so they cannot be flattened.

    With `stack` a value is one array `(length, *shape)` instead of a tuple, or a dict or a tuple of such arrays if
    `feature` is a Dict or a Tuple.

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
        self.stack = stack
        self.feature = feature if backend is None else feature.with_backend(backend)
        super().__init__(seed=seed, backend=backend)

    def with_backend(self, backend: BackendOps) -> Self:
        """Return this space with streams of its own, whose arrays live in `backend`."""
        twin = super().with_backend(backend)
        twin.feature = self.feature.with_backend(backend)
        return twin

    def seed(self, seed: int | None = None) -> int:
        """Seed the lengths and the feature by `seed`; return the seed used."""
        seed = super().seed(seed)
        self.feature.seed(child_seed(seed, "feature"))
        return seed

    def sample(self, mask: tuple[Any, Any] | None = None) -> Any:
        """Draw values; `mask` is a pair: a length, an array of lengths to choose from, or None; a mask of the feature.

        Without a length it is drawn from a geometric distribution on 0, 1, 2, ... with mean 4.
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
        """Say whether `x` is a tuple or a list of values of the feature, with `stack` a stack of them."""
        values = unstacked(self.feature, x) if self.stack else x
        return isinstance(values, tuple | list) and all(self.feature.contains(part) for part in values)

    def encode_sample(self, sample: Any) -> Any:
        """Return the values as a list of encoded values."""
        values = unstacked(self.feature, sample) if self.stack else sample
        return [self.feature.encode_sample(part) for part in values or ()]

    def decode_sample(self, encoded: Any) -> Any:
        """Return the value that `encode_sample` wrote."""
        return self._together([self.feature.decode_sample(part) for part in encoded])

    def _together(self, values: list[Any]) -> Any:
        return stacked(self.feature, values) if self.stack else tuple(values)

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
