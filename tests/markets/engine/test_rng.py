"""Streams of random numbers: by identity, the same everywhere, and distributed as they say."""

import math

import numpy as np
import pytest

from sekai.markets.engine import rng
from sekai.markets.engine.jit import kernel


@kernel
def _fill(row, out, kind):
    for i in range(out.size):
        if kind == 0:
            out[i] = rng.uniform(row, 0)
        elif kind == 1:
            out[i] = rng.exponential(row, 0)
        else:
            out[i] = rng.normal(row, 0)


def _draws(kind: int, n: int = 1_000_000) -> np.ndarray:
    row, out = np.zeros(1, np.int64), np.empty(n)
    row[0] = rng.first_state(7, 0, rng.name_hash("test"), 1)
    _fill(row, out, kind)
    return out


def test_splitmix64_gives_the_published_numbers():
    row = np.array([1234567], np.int64)
    drawn = [int(rng.bits(row, 0)) & (2**64 - 1) for _ in range(3)]
    assert drawn == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_a_stream_belongs_to_seed_episode_name_and_purpose_and_to_nothing_else():
    a, b = rng.name_hash("maker_0"), rng.name_hash("maker_1")
    states = [rng.first_state(s, e, n, p) for s in (0, 1) for e in (0, 1) for n in (a, b) for p in (1, 2)]
    assert len(set(states)) == 16
    assert rng.first_state(0, 1, a, 2) == rng.first_state(0, 1, a, 2)


@pytest.mark.parametrize(
    ("kind", "distribution"),
    [
        (0, lambda x: np.clip(x, 0, 1)),
        (1, lambda x: 1 - np.exp(-x)),
        (2, lambda x: np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in x])),
    ],
    ids=["uniform", "exponential", "normal"],
)
def test_draws_follow_their_distribution(kind, distribution):
    """Kolmogorov and Smirnov: sqrt(n) D exceeds 1.95 once in a thousand seeds."""
    draws = np.sort(_draws(kind))
    n, every = len(draws), np.arange(0, len(draws), 97)
    gap = np.abs(distribution(draws[every]) - (every + 0.5) / n).max()
    assert math.sqrt(n) * gap < 1.95


def test_tails_beyond_the_ziggurat_are_there():
    exponential, normal = _draws(1, 4_000_000), _draws(2, 4_000_000)
    for seen, chance in (
        ((exponential > rng.EXPONENTIAL_TAIL).mean(), math.exp(-rng.EXPONENTIAL_TAIL)),
        ((np.abs(normal) > rng.NORMAL_TAIL).mean(), math.erfc(rng.NORMAL_TAIL / math.sqrt(2))),
    ):
        assert abs(seen - chance) < 4 * math.sqrt(chance / 4_000_000)


def test_exp_minus_is_exp_to_the_last_bits():
    for x in np.linspace(0.0, 600.0, 5001):
        assert rng.exp_minus(x) == pytest.approx(math.exp(-x), rel=5e-16)


def test_below_reaches_everything_and_nothing_else():
    row = np.array([3], np.int64)
    assert {int(rng.below(row, 0, 7)) for _ in range(500)} == set(range(7))


def test_the_numbers_are_the_same_interpreted():
    row = np.array([99], np.int64)
    with np.errstate(over="ignore"):
        state = np.uint64(99) + np.uint64(0x9E3779B97F4A7C15)
        word = rng.mix.py_func(state)
    assert np.uint64(int(rng.bits(row, 0)) & (2**64 - 1)) == word
