"""Running statistics: against numpy over all that was seen, alone, by role, in nested dicts, frozen."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sekai
from sekai import Box, Dict, Discrete, NormalizeObservation, ResetResult, SekaiError, StepResult
from sekai.error import SpaceMismatch, UnreadableFile
from sekai.testing import CountingEnv, EchoEnv
from sekai.wrappers import RunningMoments, load_statistics, save_statistics


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(0, 2**32))
def test_batches_add_up_to_the_whole(sizes: list[int], seed: int) -> None:
    drawn = [np.random.default_rng([seed, i]).normal(5.0, 3.0, (size, 2)) for i, size in enumerate(sizes)]
    moments = RunningMoments((2,))
    for batch in drawn:
        moments.update(batch)
    whole = np.concatenate(drawn)
    assert moments.count == len(whole) and np.allclose(moments.mean, whole.mean(axis=0))
    assert len(whole) == 1 or np.allclose(moments.variance, whole.var(axis=0))


def test_leading_dimensions_are_more_arrays() -> None:
    moments = RunningMoments((2,))
    moments.update(np.zeros((3, 4, 2)))
    assert moments.count == 12
    for bad in (np.zeros(3), np.zeros(()), np.zeros((2, 3))):
        with pytest.raises(SpaceMismatch, match=r"x must have shape \(\.\.\., 2\)"):
            moments.update(bad)


def test_one_agent_is_normalised_by_what_it_has_seen() -> None:
    env, bare = NormalizeObservation(CountingEnv(50)), CountingEnv(50)
    seen = [bare.reset(seed=0).observation]
    env.reset(seed=0)
    for _ in range(20):
        seen.append(bare.step(0.0).observation)
        got = env.step(0.0).observation
    whole = np.array(seen, np.float64)
    expected = (whole[-1] - whole.mean(axis=0)) / np.sqrt(whole.var(axis=0) + 1e-8)
    assert np.allclose(got, expected, atol=1e-5) and got.dtype == np.float32 and got in env.observation_space
    assert not any(env.observation_space.is_bounded)


def test_frozen_statistics_stay() -> None:
    env = NormalizeObservation(CountingEnv(50))
    env.reset(seed=0)
    env.step(0.0)
    env.frozen = True
    before = env.moments[()].mean.copy()
    env.step(0.0)
    assert np.array_equal(env.moments[()].mean, before) and env.moments[()].count == 2


class Mixed(sekai.Env):
    """A nested observation with parts that are not to be scaled."""

    def __init__(self) -> None:
        inner = Dict({"depth": Box(0, 1000, (3,), dtype=np.int32), "regime": Discrete(3)})
        self.observation_space = Dict({"book": inner, "price": Box(0, np.inf, (1,), dtype=np.float64)})
        self.action_space = Discrete(2)

    def reset(self, *, seed: int | None = None, options: object = None) -> ResetResult:
        self._set_rng(seed)
        return ResetResult(self._see(), {})

    def step(self, action: int) -> StepResult:
        return StepResult(self._see(), 0.0, False, False, {})

    def _see(self) -> dict[str, object]:
        depth = self.rng.integers(0, 1000, 3).astype(np.int32)
        return {"book": {"depth": depth, "regime": np.intp(2)}, "price": self.rng.random(1)}


def test_nested_dicts() -> None:
    env = NormalizeObservation(Mixed())
    env.reset(seed=0)
    for _ in range(200):
        seen = env.step(0).observation
        assert seen in env.observation_space
    assert seen["book"]["regime"] == 2 and seen["book"]["depth"].dtype == np.float32
    assert seen["price"].dtype == np.float64 and set(env.moments) == {("book", "depth"), ("price",)}


@pytest.mark.parametrize(("shared", "counts"), [("agent", [4, 4, 4]), ("role", [8, 8, 4])])
def test_many_share_by_role_or_not_at_all(shared: str, counts: list[int]) -> None:
    env = NormalizeObservation(EchoEnv(), shared=shared)
    env.reset(seed=0)
    for _ in range(3):
        env.step(dict.fromkeys(env.acting, [0.5]))
    assert [env.instance(agent).moments[("heard",)].count for agent in env.possible_agents] == counts
    assert env.observation_space("taker")["heard"].low[0] == -np.inf


def test_a_column_of_rows_is_normalised_by_the_very_same_layer() -> None:
    layer = NormalizeObservation(CountingEnv())
    rows = np.random.default_rng(0).normal(3.0, 2.0, (64, 2)).astype(np.float32)
    scaled = layer.observation(rows)
    assert scaled.shape == (64, 2) and np.allclose(scaled.mean(axis=0), 0, atol=1e-5)
    assert np.allclose(scaled.std(axis=0), 1, atol=1e-4)


def test_mistakes() -> None:
    with pytest.raises(SekaiError, match="shared must be 'agent' or 'role', got 'all'"):
        NormalizeObservation(CountingEnv(), shared="all")
    with pytest.raises(SekaiError, match="epsilon must be > 0"):
        NormalizeObservation(CountingEnv(), epsilon=0.0)
    env = CountingEnv()
    env.observation_space = Discrete(3)  # type: ignore[assignment]
    with pytest.raises(SpaceMismatch, match="needs a Box"):
        NormalizeObservation(env)


def test_a_damaged_file_of_statistics_is_named(tmp_path):
    env = sekai.NormalizeObservation(CountingEnv())
    env.reset(seed=0)
    path = tmp_path / "statistics.npz"
    save_statistics(env, path)
    good, rng = path.read_bytes(), random.Random(0)
    refused = 0
    for _ in range(200):
        bad = bytearray(good)
        for _ in range(3):
            bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
        path.write_bytes(bad[: rng.randrange(len(bad))] if rng.random() < 0.3 else bad)
        try:
            load_statistics(env, path)
        except (UnreadableFile, SpaceMismatch) as error:
            refused += 1
            assert "statistics.npz" in str(error) or isinstance(error, SpaceMismatch)
    assert refused > 100
