"""Statistics of episodes, of one agent and of each of many."""

from typing import Any

import numpy as np
import pytest

import sekai
from sekai import AutoReset, RecordEpisodeStatistics, TimeLimit
from sekai.stats import EpisodeStats, InMemoryTracker, StatsTracker
from sekai.testing import ClockworkEnv, CountingEnv, EchoEnv


class Diary:
    """A tracker of a user's own."""

    def __init__(self) -> None:
        self.lines: list[Any] = []

    def on_reset(self, env_id: str | None, seed: int | None) -> None:
        self.lines.append(("reset", env_id, seed))

    def on_step(self, reward: float, terminated: bool, truncated: bool, info: dict[str, Any]) -> None:
        self.lines.append(("step", reward, terminated, truncated, info["time"]))

    def on_episode_end(self, stats: EpisodeStats) -> None:
        self.lines.append(("end", stats.episode_return, stats.episode_length))

    def summary(self) -> dict[str, Any]:
        return {}


def test_an_episode_of_one() -> None:
    env = RecordEpisodeStatistics(CountingEnv(3))
    for episode in range(1, 3):
        env.reset(seed=0)
        results = [env.step(0.5) for _ in range(3)]
        assert "episode" not in results[1].info and results[2].info["time"] == 3
        stats = results[2].info["episode"]
        assert (stats.episode_return, stats.episode_length, stats.terminated, stats.truncated) == (1.5, 3, True, False)
        assert 0 <= stats.elapsed_time < 10 and stats.agent is None and stats.env_id is None
        assert env.tracker.total_episodes == episode
    assert env.tracker.summary() == {"total_episodes": 2, "mean_return": 1.5, "mean_length": 3.0}


def test_a_tracker_hears_everything() -> None:
    diary = Diary()
    assert isinstance(diary, StatsTracker)
    sekai.register("diary-v0", CountingEnv, kwargs={"length": 2})
    env = RecordEpisodeStatistics(sekai.make("diary-v0"), tracker=diary)
    env.reset(seed=4)
    env.step(1.0)
    env.step(2.0)
    steps = [("step", 1.0, False, False, 1), ("step", 2.0, True, False, 2)]
    assert diary.lines == [("reset", "diary-v0", 4), *steps, ("end", 3.0, 2)]


def test_each_of_many_has_its_own_from_birth_to_death() -> None:
    world = ClockworkEnv({"fast": 1, "slow": 2, "guest": 1}, lives={"guest": (3, 6)}, length=8)
    env = RecordEpisodeStatistics(world)
    env.reset(seed=0)
    ends: dict[str, EpisodeStats] = {}
    while env.acting:
        result = env.step(dict.fromkeys(env.acting, 1.0))
        ends |= {agent: info["episode"] for agent, info in result.info.items() if "episode" in info}
    told = {agent: (stats.episode_return, stats.episode_length, stats.agent) for agent, stats in ends.items()}
    assert told == {"guest": (3.0, 3, "guest"), "fast": (8.0, 8, "fast"), "slow": (8.0, 4, "slow")}
    tracker = env.tracker
    assert isinstance(tracker, InMemoryTracker)
    assert tracker.mean_return("slow") == 8.0 and tracker.mean_length("slow") == 4.0 and tracker.total_episodes == 3


def test_rewards_handed_out_by_a_limit_are_counted() -> None:
    env = RecordEpisodeStatistics(TimeLimit(ClockworkEnv({"fast": 1, "slow": 10}), 3))
    env.reset(seed=0)
    for _ in range(3):
        result = env.step(dict.fromkeys(env.acting, 1.0))
    assert result.info["slow"]["episode"].episode_return == 3.0 and result.info["slow"]["episode"].truncated
    inside = TimeLimit(RecordEpisodeStatistics(ClockworkEnv({"fast": 1, "slow": 10})), 3)
    inside.reset(seed=0)
    for _ in range(3):
        inside.step(dict.fromkeys(inside.acting, 1.0))
    assert inside.env.wrapper._tallies["slow"][0] == 3.0


def test_a_diary_of_many_is_told_of_each_agents_steps() -> None:
    diary = Diary()
    env = RecordEpisodeStatistics(ClockworkEnv({"a": 1, "b": 2}, length=2), diary)
    env.reset(seed=1)
    env.step({"a": 1.0, "b": 1.0})
    env.step({"a": 1.0})
    steps = [("step", 1.0, False, False, 1), ("step", 1.0, True, False, 2), ("step", 2.0, True, False, 2)]
    assert [line for line in diary.lines if line[0] == "step"] == steps


def test_outside_auto_reset_episodes_are_told_apart() -> None:
    for make in (lambda: CountingEnv(2), lambda: ClockworkEnv({"a": 1}, length=2)):
        env = RecordEpisodeStatistics(AutoReset(make()))
        env.reset(seed=0)
        for _ in range(4):
            env.step(1.0 if isinstance(env, sekai.Env) else {"a": 1.0})
        assert [stats.episode_return for stats in env.tracker.episodes] == [2.0, 2.0]


def test_a_window_slides() -> None:
    tracker = InMemoryTracker(window=2)
    assert tracker.mean_return() != tracker.mean_return(), "NaN before the first"
    for total in (1.0, 2.0, 4.0):
        tracker.on_episode_end(EpisodeStats(total, 1, 0.0, True, False))
    assert tracker.mean_return() == 3.0 and tracker.total_episodes == 3
    with pytest.raises(sekai.SekaiError, match="window must be >= 1"):
        InMemoryTracker(0)


def test_statistics_of_some_agents_only() -> None:
    worlds = (
        sekai.RecordEpisodeStatistics(EchoEnv(), agents=["maker"]),
        EchoEnv().wrap(sekai.RecordEpisodeStatistics, agents=["maker_0", "maker_1"]),
    )
    for env in worlds:
        env.reset(seed=0)
        result = None
        while env.acting:
            result = env.step({a: np.ones(1) for a in env.acting})
        assert result is not None and [a for a in result.info if "episode" in result.info[a]] == ["maker_0", "maker_1"]
        assert {e.agent for e in env.tracker.episodes} == {"maker_0", "maker_1"}
    with pytest.raises(sekai.SekaiError, match="agents must name agents or roles.*got 'make'.*Did you mean 'maker'"):
        sekai.RecordEpisodeStatistics(EchoEnv(), agents=["make"])
    with pytest.raises(sekai.SekaiError, match="tracker must have on_reset, .* got 3"):
        sekai.RecordEpisodeStatistics(CountingEnv(), 3)
    with pytest.raises(sekai.SekaiError, match="agents must be None around one agent"):
        sekai.RecordEpisodeStatistics(CountingEnv(), agents=["a"])
    with pytest.raises(sekai.SekaiError, match="TimeLimit concerns the whole episode"):
        EchoEnv().wrap(sekai.TimeLimit, 3, agents=["maker"])
