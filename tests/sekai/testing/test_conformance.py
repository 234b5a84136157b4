"""Environments of all sorts inherit the tests of an environment, and one that is wrong fails them."""

from typing import Any

import numpy as np
import pytest

import sekai
from sekai.testing import ClockworkEnv, CountingEnv, EchoEnv, EnvConformance


class TestCounting(EnvConformance):
    def make(self) -> Any:
        return CountingEnv()


class TestEcho(EnvConformance):
    def make(self) -> Any:
        return EchoEnv()


class TestClocks(EnvConformance):
    def make(self) -> Any:
        return ClockworkEnv({"a": 1, "b": 3, "c": 2}, lives={"c": (2, 9)})


class TestLayers(EnvConformance):
    def make(self) -> Any:
        world = sekai.RepeatAction(ClockworkEnv({"a": 1, "b": 2, "c": 3}, lives={"b": (4, 10)}), 2)
        return world.wrap(sekai.FrameStackObservation, 2).wrap(sekai.StickyAction, 0.3, agents=["a"])


class TestView(EnvConformance):
    def make(self) -> Any:
        return ClockworkEnv({"a": 2, "b": 3}).view("a", {"b": np.mean})


class TestMarket(EnvConformance):
    n_steps = 30

    def make(self) -> Any:
        return sekai.make("markets/MakerTaker-v0")


class TestSeatOfAMarket(EnvConformance):
    n_steps = 30

    def make(self) -> Any:
        return sekai.make("markets/MarketMaking-v0")


def test_one_that_is_wrong_fails() -> None:
    class Unseeded(CountingEnv):
        def _observe(self) -> Any:
            return np.random.default_rng().random(2).astype(np.float32)

    class TestUnseeded(EnvConformance):
        picklable = False

        def make(self) -> Any:
            return Unseeded()

    for test in ("the_checker_finds_nothing", "one_seed_is_one_story_in_every_copy", "a_clone_goes_on_alone"):
        with pytest.raises(AssertionError):
            getattr(TestUnseeded(), f"test_{test}")()
    with pytest.raises(NotImplementedError, match="must define make"):
        EnvConformance().make()
