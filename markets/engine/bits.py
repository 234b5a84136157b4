"""Portable bit tricks: the same answers compiled, interpreted, and on a GPU."""

from __future__ import annotations

import numpy as np

from .jit import inlined

__all__ = ["highest_bit", "is_in", "lowest_bit"]

_DEBRUIJN = np.uint64(0x03F79D71B4CB0A89)
_SHIFT = np.uint64(58)
_INDEX = np.zeros(64, np.int64)
for _bit in range(64):
    _INDEX[((0x03F79D71B4CB0A89 << _bit) & (2**64 - 1)) >> 58] = _bit


@inlined
def is_in(bits: int, number: int) -> bool:
    """Return whether a set of numbers below 63, a bit each, has a number in it, whatever that is; without branching."""
    return ((bits >> (number & 63)) & 1 != 0) & (number & ~63 == 0)


@inlined
def lowest_bit(word: int) -> int:
    """Return the position of the lowest set bit of a non-zero 64-bit word (a signed one will do)."""
    lowest = np.uint64(word & -word)
    return int(_INDEX[(lowest * _DEBRUIJN) >> _SHIFT])


@inlined
def highest_bit(word: int) -> int:
    """Return the position of the highest set bit of a non-zero 64-bit word (a signed one will do)."""
    left, position = np.uint64(np.int64(word)), 0
    for shift in (32, 16, 8, 4, 2, 1):
        if left >> np.uint64(shift) != np.uint64(0):
            left >>= np.uint64(shift)
            position += shift
    return position
