"""A stream belongs to a name."""

import numpy as np
import pytest

import sekai
from sekai import SekaiError
from sekai.core.seeding import check_seed, child_seed, fresh_seed


def test_children_depend_on_seed_and_path_only() -> None:
    seeds = {child_seed(seed, *path) for seed in (0, 1) for path in (("a",), ("b",), ("a", "b"), ("a", 0), (0,))}
    assert len(seeds) == 10
    assert child_seed(7, "taker") == 7764134594999578069, "a seed means the same on every machine"
    assert all(0 <= seed < 2**63 for seed in seeds)


@pytest.mark.parametrize("seed", [-1, 1.0, "1", True, None])
def test_a_seed_is_a_whole_number(seed: object) -> None:
    with pytest.raises(SekaiError, match="seed must be an integer >= 0"):
        check_seed(seed)  # type: ignore[arg-type]


def test_seeds_may_be_numpys_and_large() -> None:
    assert check_seed(np.int32(3)) == 3 and type(check_seed(np.int32(3))) is int
    assert child_seed(2**100, "a") != child_seed(2**100 + 1, "a")
    assert fresh_seed() != fresh_seed()


def test_streams_and_seeds_for_code_of_ones_own() -> None:
    stream, seed = sekai.np_random(7)
    assert seed == 7 and stream.random() == np.random.default_rng(7).random()
    fresh, seed = sekai.np_random()
    assert fresh.random() == np.random.default_rng(seed).random() and sekai.np_random()[1] != seed
    assert len(set(sekai.make_seed_sequence(7, 50))) == 50 and sekai.make_seed_sequence(8, 1)[0] not in (7, 8)
