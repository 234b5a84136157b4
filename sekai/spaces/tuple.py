"""Tuples of values, each of its own sub-space."""

from collections.abc import Sequence
from typing import Any

from sekai.spaces.several import Several

__all__ = ["Tuple"]


class Tuple(Several[tuple[Any, ...]]):
    """Tuples with a value of each of the `spaces`. The space itself reads like a sequence of them.

    >>> from sekai.spaces import Box, MultiBinary
    >>> space = Tuple([Box(0.0, 1.0, (3,)), MultiBinary(10)])
    >>> len(space), space[1].n
    (2, 10)
    """

    def sample(self, mask: Sequence[Any] | None = None) -> tuple[Any, ...]:
        """Draw a value of each sub-space; `mask` has a mask or None for each."""
        return tuple(space.sample(part) for space, part in zip(self.spaces, self._masks(mask), strict=True))

    def contains(self, x: Any) -> bool:
        """Say whether `x` is a tuple or a list with a value of each sub-space."""
        if not isinstance(x, tuple | list) or len(x) != len(self.spaces):
            return False
        return all(space.contains(part) for space, part in zip(self.spaces, x, strict=True))

    def encode_sample(self, sample: Sequence[Any]) -> Any:
        """Return the value as a list of the sub-spaces' encoded values."""
        return [space.encode_sample(part) for space, part in zip(self.spaces, sample, strict=True)]

    def decode_sample(self, encoded: Any) -> tuple[Any, ...]:
        """Return the value that `encode_sample` wrote."""
        return tuple(space.decode_sample(part) for space, part in zip(self.spaces, encoded, strict=True))
