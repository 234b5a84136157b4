"""A value of exactly one of several spaces: a limit order or a cancellation, each with its own arguments."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from sekai.backend.base import BackendOps
from sekai.error import SpaceMismatch
from sekai.spaces.several import Several
from sekai.spaces.space import Space

__all__ = ["OneOf"]


class OneOf(Several[tuple[np.intp, Any]]):
    """Pairs (index of a space, a value of that space).

    >>> from sekai.spaces import Box, Discrete
    >>> (1, 0) in OneOf([Box(0.0, 1.0, (2,)), Discrete(2)]), (0, 0) in OneOf([Box(0.0, 1.0, (2,)), Discrete(2)])
    (True, False)
    """

    def __init__(
        self, spaces: Iterable[Space[Any]], seed: int | None = None, *, backend: BackendOps | None = None
    ) -> None:
        super().__init__(spaces, seed, backend=backend)
        if not self.spaces:
            raise SpaceMismatch("spaces must be at least one space, got none")

    def sample(self, mask: Sequence[Any] | None = None) -> tuple[np.intp, Any]:
        """Draw a space, uniformly, and a value of it; `mask` has a mask or None for each space."""
        masks = self._masks(mask)
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
        """Return the pair as a list of the index and the encoded value."""
        index, value = sample
        return [int(index), self.spaces[index].encode_sample(value)]

    def decode_sample(self, encoded: Any) -> tuple[np.intp, Any]:
        """Return the value that `encode_sample` wrote."""
        index, value = encoded
        return np.intp(index), self.spaces[index].decode_sample(value)
