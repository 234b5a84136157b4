"""Keys, the source of randomness where there is no hidden state: the same key always gives the same draws.

Use a key once: split it, and use its children. A child depends on its index or its name only, so that another child
changes none of the others.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sekai.core.seeding import check_seed, child_seed
from sekai.error import SekaiError

__all__ = ["Key"]


@dataclass(frozen=True, slots=True)
class Key:
    """The key of a seed, an integer >= 0; keys of equal seeds are equal.

    >>> key, other = Key(7).split()
    >>> key == Key(7).split(3)[0] != other
    True
    """

    seed: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", check_seed(self.seed))

    def split(self, n: int = 2) -> "tuple[Key, ...]":
        """Return n keys, independent of each other and of this one."""
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise SekaiError(f"n must be an integer >= 1, got {n!r}")
        return tuple(Key(child_seed(self.seed, "split", k)) for k in range(n))

    def fold_in(self, data: int | str) -> "Key":
        """Return the child of this key for `data`, a name or a number >= 0."""
        return Key(child_seed(self.seed, data if isinstance(data, str) else check_seed(data)))

    def rng(self) -> "np.random.Generator":
        """Return a new generator, always at the beginning of this key's stream."""
        return np.random.default_rng(self.seed)

    def __deepcopy__(self, memo: Any) -> "Key":
        return self
