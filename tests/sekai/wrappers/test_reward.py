"""Layers that change what is paid."""

import numpy as np
import pytest

from sekai import SekaiError
from sekai.testing import ClockworkEnv, CountingEnv, EchoEnv
from sekai.wrappers import (
    ClipReward,
    NormalizeObservation,
    NormalizeReward,
    TransformReward,
    freeze_statistics,
    load_statistics,
    save_statistics,
)


def test_clip_and_transform() -> None:
    env = ClipReward(TransformReward(CountingEnv(), lambda r: 10 * r), -1.0, 2.0)
    env.reset(seed=0)
    assert [env.step(a).reward for a in (-1.0, 0.1, 0.5)] == [-1.0, 1.0, 2.0]
    assert ClipReward(CountingEnv(), max=0.5).reward(np.array([-9.0, 1.0])).tolist() == [-9.0, 0.5]
    for make in (ClipReward, lambda e: ClipReward(e, 2, 1), lambda e: TransformReward(e, 0)):
        with pytest.raises(SekaiError):
            make(CountingEnv())


def test_rewards_are_divided_by_the_spread_of_the_discounted_return() -> None:
    env, gamma = NormalizeReward(CountingEnv(length=4), gamma=0.5), 0.5
    returns: list[float] = []
    for _ in range(3):
        env.reset(seed=0)
        total = 0.0
        for action in (1.0, -0.5, 0.25, 0.75):
            total = gamma * total + action
            returns.append(total)
            spread = np.std(returns) if len(returns) > 1 else 1.0
            assert env.step(action).reward == pytest.approx(action / spread, rel=1e-6)
    env.frozen = True
    env.reset(seed=0)
    assert env.step(1.0).reward == pytest.approx(1 / np.std(returns), rel=1e-6)
    assert env.moments[()].count == 12


def test_an_agents_first_observation_pays_nothing_and_counts_for_nothing() -> None:
    env = NormalizeReward(ClockworkEnv({"a": 1, "b": 2}, lives={"b": (3, 9)}))
    env.reset(seed=0)
    while env.acting:
        env.step(dict.fromkeys(env.acting, 1.0))
    assert env.instance("b").moments[()].count == 3 and env.instance("a").moments[()].count == 12


def test_statistics_of_a_stack_are_frozen_saved_and_loaded(tmp_path) -> None:  # type: ignore[no-untyped-def]
    def stack(env):  # type: ignore[no-untyped-def]
        return NormalizeReward(NormalizeObservation(env))

    def play(env, steps=4):  # type: ignore[no-untyped-def]
        told = [env.reset(seed=1)]
        for k in range(steps):
            told.append(
                env.step({a: np.array([k / 9]) for a in env.acting}) if hasattr(env, "acting") else env.step(0.1)
            )
        return told

    for make in (lambda: stack(EchoEnv(length=9)), lambda: stack(CountingEnv(length=9))):
        trained = make()
        play(trained, 9)
        save_statistics(trained, tmp_path / "moments.npz")
        freeze_statistics(trained)
        fresh = make()
        load_statistics(fresh, tmp_path / "moments.npz")
        freeze_statistics(fresh)
        assert play(fresh) == play(trained) == play(trained), "frozen: the same again"
        freeze_statistics(fresh, False)
        assert play(fresh) != play(trained)
    with pytest.raises(SekaiError, match="has statistics of 'NormalizeReward.0/-', which the environment has not"):
        load_statistics(NormalizeObservation(CountingEnv()), tmp_path / "moments.npz")
    with pytest.raises(SekaiError, match="has statistics of"):
        load_statistics(stack(EchoEnv()), tmp_path / "moments.npz")
    with pytest.raises(SekaiError, match="gamma must be in"):
        NormalizeReward(CountingEnv(), gamma=2.0)
