"""Strings of given characters, of a length between two bounds."""

from collections.abc import Mapping
from string import ascii_letters, digits
from typing import Any

import numpy as np

from sekai.error import SpaceMismatch
from sekai.spaces.discrete import allowed
from sekai.spaces.space import Space

__all__ = ["Text"]


class Text(Space[str]):
    """Strings of `min_length` to `max_length` characters of `charset`. Its order and repetitions make no difference.

    >>> "buy" in Text(4), "sell!" in Text(4), "" in Text(4)
    (True, False, False)
    """

    def __init__(
        self, max_length: int, *, min_length: int = 1, charset: str = ascii_letters + digits, seed: int | None = None
    ) -> None:
        for name, value in (("min_length", min_length), ("max_length", max_length)):
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
                raise SpaceMismatch(f"{name} must be an integer >= 0, got {value!r}")
        if min_length > max_length:
            raise SpaceMismatch(f"min_length must be <= max_length, got {min_length} > {max_length}")
        if not charset and max_length:
            raise SpaceMismatch("charset must have at least one character, got none")
        self.min_length, self.max_length = int(min_length), int(max_length)
        self.charset = "".join(sorted(set(charset)))
        self._characters = frozenset(self.charset)
        super().__init__(seed=seed)

    def sample(self, mask: tuple[int | None, Any] | None = None) -> str:
        """Draw a string; `mask` is a pair: its length, or None; zeros and ones for `charset`, or None."""
        length, flags = (None, None) if mask is None else mask
        if length is None:
            length = int(self.rng.integers(self.min_length, self.max_length + 1))
        if not self.min_length <= length <= self.max_length:
            raise SpaceMismatch(f"mask's length must be in [{self.min_length}, {self.max_length}], got {length}")
        if not length:
            return ""
        letters = np.arange(len(self.charset)) if flags is None else allowed(flags, len(self.charset))
        return "".join(self.charset[k] for k in self.rng.choice(letters, length))

    def contains(self, x: Any) -> bool:
        """Say whether `x` is a string of such a length and such characters."""
        return isinstance(x, str) and self.min_length <= len(x) <= self.max_length and self._characters.issuperset(x)

    def encode_sample(self, sample: str) -> Any:
        """Return the string."""
        return str(sample)

    def decode_sample(self, encoded: Any) -> str:
        """Return the string."""
        return str(encoded)

    def _describe(self) -> dict[str, Any]:
        return {"max_length": self.max_length, "min_length": self.min_length, "charset": self.charset}

    @classmethod
    def _rebuild(cls, description: Mapping[str, Any]) -> "Text":
        charset = description["charset"]
        return cls(description["max_length"], min_length=description["min_length"], charset=charset)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and self._describe() == other._describe()

    def __hash__(self) -> int:
        return hash((Text, self.min_length, self.max_length, self.charset))

    def __repr__(self) -> str:
        return f"Text({self.max_length}, min_length={self.min_length}, charset={self.charset!r})"
