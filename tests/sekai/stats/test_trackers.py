"""Where statistics of episodes go: memory, logging, TensorBoard, several at once."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sekai
from sekai.stats import EpisodeStats, InMemoryTracker, LoggingTracker, StatsTracker, TensorBoardTracker, TrackerGroup
from sekai.testing import ClockworkEnv, CountingEnv


def play(env: Any, episodes: int) -> None:
    for seed in range(episodes):
        env.reset(seed=seed)
        done = False
        while not done:
            if isinstance(env, sekai.MultiAgentEnv):
                done = env.step(dict.fromkeys(env.acting, 0.5)).all_done
            else:
                done = env.step(0.5).done


def test_an_own_tracker_hears_of_everything() -> None:
    heard: list[Any] = []

    class Mine:
        def on_reset(self, env_id: str | None, seed: int | None) -> None:
            heard.append(("reset", env_id, seed))

        def on_step(self, reward: float, terminated: bool, truncated: bool, info: dict[str, Any]) -> None:
            heard.append(("step", reward, terminated))

        def on_episode_end(self, stats: EpisodeStats) -> None:
            heard.append(("end", stats.episode_return, stats.episode_length))

        def summary(self) -> dict[str, Any]:
            return {}

    tracker = Mine()
    assert isinstance(tracker, StatsTracker)
    play(sekai.RecordEpisodeStatistics(CountingEnv(length=2), tracker=tracker), 1)
    assert heard == [("reset", None, 0), ("step", 0.5, False), ("step", 0.5, True), ("end", 1.0, 2)]


def test_logging_emits_structured_records(caplog: pytest.LogCaptureFixture) -> None:
    env = sekai.RecordEpisodeStatistics(CountingEnv(length=3), tracker=LoggingTracker(every=2))
    with caplog.at_level(logging.INFO, logger="sekai.stats"):
        play(env, 4)
    assert [r.getMessage() for r in caplog.records] == [
        "episode 2: return 1.5, 3 steps, terminated",
        "episode 4: return 1.5, 3 steps, terminated",
    ]
    record: Any = caplog.records[0]
    assert record.episode.episode_length == 3 and record.episode_stats["episode_return"] == 1.5
    assert env.tracker.summary()["total_episodes"] == 4
    many = sekai.RecordEpisodeStatistics(ClockworkEnv({"a": 2, "b": 3}, length=6), tracker=LoggingTracker())
    with caplog.at_level(logging.INFO, logger="sekai.stats"):
        play(many, 1)
    assert {r.getMessage() for r in caplog.records[2:]} == {
        "episode 1 of a: return 3, 3 steps, terminated",
        "episode 2 of b: return 3, 2 steps, terminated",
    }
    with pytest.raises(sekai.SekaiError, match="every must be >= 1"):
        LoggingTracker(every=0)


def test_memory_sums_up_by_agent() -> None:
    env = sekai.RecordEpisodeStatistics(ClockworkEnv({"a": 2, "b": 3}, length=6))
    play(env, 3)
    summary = env.tracker.summary()  # type: ignore[attr-defined]
    assert summary["total_episodes"] == 6 and summary["mean_length_by_agent"] == {"a": 3.0, "b": 2.0}
    assert summary["mean_return_by_agent"] == {"a": 3.0, "b": 3.0}


def test_a_clones_episodes_are_its_own() -> None:
    env = sekai.RecordEpisodeStatistics(CountingEnv(length=3))
    play(env, 2)
    play(env.clone(), 5)
    assert env.tracker.summary()["total_episodes"] == 2


def test_several_trackers_hear_the_same(caplog: pytest.LogCaptureFixture) -> None:
    one, two = InMemoryTracker(), InMemoryTracker(window=1)
    play(sekai.RecordEpisodeStatistics(CountingEnv(), tracker=TrackerGroup(one, two, LoggingTracker())), 3)
    assert len(one.episodes) == 3 and len(two.episodes) == 1
    assert TrackerGroup(two, one).summary()["total_episodes"] == 3


def test_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tracker = TensorBoardTracker(tmp_path)
    env = sekai.RecordEpisodeStatistics(ClockworkEnv({"a": 2, "b": 3}, length=6), tracker=tracker)
    play(env, 2)
    env.clone().reset(seed=0)
    play(sekai.RecordEpisodeStatistics(CountingEnv(length=4), tracker=tracker), 1)
    assert tracker.summary()["total_episodes"] == 5
    tracker.close()
    events = EventAccumulator(str(tmp_path))
    events.Reload()

    def curve(name: str) -> list[tuple[int, float]]:
        return [(e.step, float(e.tensor_proto.float_val[0])) for e in events.Tensors(name)]

    assert curve("episode/a/return") == [(3, 3.0), (6, 3.0)] and curve("episode/b/length") == [(2, 2.0), (4, 2.0)]
    assert curve("episode/return") == [(4, 2.0)]
    assert np.isfinite(curve("episode/elapsed_time")[0][1])
