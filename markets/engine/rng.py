"""Random numbers: splitmix64, one word of state a stream, addressed by where it lies in the row.

A stream belongs to an identity: its first state is a hash of (seed, episode, name), never of the order in which
streams were made, so another agent in the market changes nobody else's draws. Every draw uses integer arithmetic and
IEEE multiplications and additions only (our own exponential function, tables made in decimal arithmetic), so the
same stream gives the same numbers on every machine, compiled or interpreted.

Sources: Steele, Lea, Flood (OOPSLA 2014); Marsaglia, Tsang (J. Stat. Softw. 2000), with 256 layers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from decimal import Decimal, localcontext

import numpy as np
from numpy import uint64 as U
from numpy.typing import NDArray

from .jit import inlined, kernel
from .layout import Row

__all__ = [
    "EXPONENTIAL_TAIL",
    "NORMAL_TAIL",
    "below",
    "bits",
    "exp_minus",
    "exponential",
    "first_state",
    "mix",
    "name_hash",
    "normal",
    "uniform",
]

_GOLDEN, _FIRST, _SECOND = U(0x9E3779B97F4A7C15), U(0xBF58476D1CE4E5B9), U(0x94D049BB133111EB)
_11, _27, _30, _31, _32 = U(11), U(27), U(30), U(31), U(32)
_LAYER = U(255)
_ONE = U(1)
_ULP = 2.0**-53

EXPONENTIAL_TAIL = 7.69711747013104972  # where the lowest layer's tail starts, and the area of each layer
_EXPONENTIAL_AREA = "0.0039496598225815571993"
NORMAL_TAIL = 3.6541528853610088
_NORMAL_AREA = "0.00492867323399"


def _layers(
    tail: float, area: str, density: Callable[[Decimal], Decimal], inverse: Callable[[Decimal], Decimal]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the right edges of a ziggurat's layers and the density there, correct to the last bit everywhere."""
    with localcontext() as context:
        context.prec = 30
        edge, v = Decimal(tail), Decimal(area)
        edges = [v / density(edge), edge]
        for _ in range(2, 256):
            edges.append(inverse(v / edges[-1] + density(edges[-1])))
        edges.append(Decimal(0))
        return np.array([float(x) for x in edges]), np.array([float(density(x)) for x in edges])


_EX, _EF = _layers(EXPONENTIAL_TAIL, _EXPONENTIAL_AREA, lambda x: (-x).exp(), lambda y: -y.ln())
_NX, _NF = _layers(NORMAL_TAIL, _NORMAL_AREA, lambda x: (-x * x / 2).exp(), lambda y: (-2 * y.ln()).sqrt())

_INVERSE_LN2 = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10  # ln 2 in two parts: k * high is exact
_POWERS = np.array([2.0**-k for k in range(1100)])
_TAYLOR = np.array([float(Decimal(1) / Decimal(k)) for k in range(1, 20)])


def name_hash(name: str) -> int:
    """Return the 63-bit hash under which an identity's streams are seeded."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little") >> 1


@inlined
def mix(word: U) -> U:
    """Return splitmix64's finaliser of an unsigned word."""
    word = (word ^ (word >> _30)) * _FIRST
    word = (word ^ (word >> _27)) * _SECOND
    return word ^ (word >> _31)


@kernel
def first_state(seed: int, episode: int, name: int, purpose: int) -> int:
    """Return the state in which an identity's stream starts; `purpose` tells the streams of one identity apart."""
    word = mix(U(seed) + _GOLDEN)
    word = mix((word ^ U(name)) + _GOLDEN)
    word = mix((word ^ U(episode)) + _GOLDEN)
    return int(np.int64(mix((word ^ U(purpose)) + _GOLDEN)))


@inlined
def bits(row: Row, stream: int) -> U:
    """Return the next 64 random bits of the stream whose word is `row[stream]`. Modifies `row` in place."""
    state = U(row[stream]) + _GOLDEN
    row[stream] = np.int64(state)
    return mix(state)


@inlined
def uniform(row: Row, stream: int) -> float:
    """Return a real number in [0, 1). Modifies `row` in place."""
    return np.float64(bits(row, stream) >> _11) * _ULP


@inlined
def below(row: Row, stream: int, n: int) -> int:
    """Return an integer in [0, n), for 1 <= n < 2**32. Modifies `row` in place."""
    return int(np.int64(((bits(row, stream) >> _32) * U(n)) >> _32))


@kernel
def exp_minus(x: float) -> float:
    """Return exp(-x) for 0 <= x < 700, within two units in the last place, the same bits on every machine."""
    k = np.int64(x * _INVERSE_LN2)
    rest = (x - k * _LN2_HIGH) - k * _LN2_LOW
    total = 1.0
    for i in range(18, -1, -1):
        total = 1.0 - rest * _TAYLOR[i] * total
    return float(total * _POWERS[k])


@inlined
def exponential(row: Row, stream: int) -> float:
    """Return an exponential variate of mean 1. Modifies `row` in place."""
    beyond = 0.0
    while True:
        z = bits(row, stream)
        layer = z & _LAYER
        x = np.float64(z >> _11) * _ULP * _EX[layer]
        if x < _EX[layer + _ONE]:
            return float(beyond + x)
        if layer == U(0):
            beyond += EXPONENTIAL_TAIL  # memoryless: the tail is the whole again, further out
        elif _EF[layer] + (_EF[layer + _ONE] - _EF[layer]) * uniform(row, stream) < exp_minus(x):
            return float(beyond + x)


@kernel
def normal(row: Row, stream: int) -> float:
    """Return a standard normal variate. Modifies `row` in place."""
    while True:
        z = bits(row, stream)
        layer = z & _LAYER
        u = np.float64(np.int64(z) >> 11) * (2.0 * _ULP)
        x = u * _NX[layer]
        if abs(x) < _NX[layer + _ONE]:
            return float(x)
        if layer == U(0):
            return _normal_tail(row, stream, u)
        if _NF[layer] + (_NF[layer + _ONE] - _NF[layer]) * uniform(row, stream) < exp_minus(0.5 * x * x):
            return float(x)


@kernel
def _normal_tail(row: Row, stream: int, sign: float) -> float:
    while True:
        x = exponential(row, stream) / NORMAL_TAIL
        y = exponential(row, stream)
        if y + y > x * x:
            return NORMAL_TAIL + x if sign > 0.0 else -NORMAL_TAIL - x
