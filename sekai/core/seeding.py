"""A random stream belongs to a name, never to the order of calls.

`child_seed(7, "taker")` is the same number whoever else there is, so another agent, sub-environment or policy changes
nobody else's draws. The children come from NumPy's `SeedSequence`, whose spawn keys are the names.
"""

import numpy as np

from sekai.error import SekaiError

__all__ = ["check_seed", "child_seed", "fresh_seed", "make_seed_sequence", "np_random", "policy_seed"]


def check_seed(seed: int) -> int:
    """Return `seed` as a plain int; raise `SekaiError` unless it is an integer >= 0."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise SekaiError(f"seed must be an integer >= 0 or None, got {seed!r}")
    return int(seed)


def fresh_seed() -> int:
    """Return a seed from the operating system's entropy, in [0, 2**63)."""
    return int(np.random.SeedSequence().generate_state(1, np.uint64)[0] >> 1)


def child_seed(seed: int, *path: str | int) -> int:
    """Return the seed, in [0, 2**63), of the child of `seed` that `path` names.

    >>> child_seed(7, "taker") == child_seed(7, "taker") != child_seed(7, "maker")
    True
    """
    key = tuple(word for part in path for word in _words(part))
    sequence = np.random.SeedSequence(check_seed(seed), spawn_key=key)
    return int(sequence.generate_state(1, np.uint64)[0] >> 1)


def np_random(seed: int | None = None) -> "tuple[np.random.Generator, int]":
    """Return a random stream and the seed that it started from, a fresh one where `seed` is None."""
    seed = fresh_seed() if seed is None else check_seed(seed)
    return np.random.default_rng(seed), seed


def make_seed_sequence(base_seed: int, n: int) -> list[int]:
    """Return `n` independent seeds, the children 0 to n - 1 of `base_seed`.

    >>> make_seed_sequence(7, 3)[:2] == make_seed_sequence(7, 2)
    True
    """
    return [child_seed(base_seed, k) for k in range(n)]


def policy_seed(seed: int, name: str, episode: int = 0) -> int:
    """Return the seed of the policy that plays `name` in the session (seed, episode), whoever else is there."""
    return child_seed(seed, "policy", name, *((episode,) if episode else ()))


def _words(part: str | int) -> tuple[int, ...]:
    if isinstance(part, str):
        from hashlib import blake2b  # a package is imported sooner without it

        digest = blake2b(part.encode(), digest_size=8).digest()
        return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little")
    return (int(part),)
