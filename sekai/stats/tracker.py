"""Statistics of an episode, and where they go.

A tracker is called at resets, steps and ends. `InMemoryTracker` keeps the last episodes; your own sends them elsewhere.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from sekai.core.result import AgentID
from sekai.error import SekaiError

__all__ = ["EpisodeStats", "InMemoryTracker", "StatsTracker", "TrackerGroup"]


@dataclass(frozen=True, slots=True)
class EpisodeStats:
    """One agent's episode: the sum of its rewards, its number of steps, wall-clock seconds, and how it ended.

    `agent` is None where there is only one; `env_id` is None unless the environment was made by id.
    """

    episode_return: float
    episode_length: int
    elapsed_time: float
    terminated: bool
    truncated: bool
    env_id: str | None = None
    agent: AgentID | None = None


@runtime_checkable
class StatsTracker(Protocol):
    """What `RecordEpisodeStatistics` calls; of many agents, for each one's steps and end in turn."""

    def on_reset(self, env_id: str | None, seed: int | None) -> None:
        """React to the beginning of an episode."""
        ...

    def on_step(self, reward: float, terminated: bool, truncated: bool, info: dict[str, Any]) -> None:
        """React to one step of one agent."""
        ...

    def on_episode_end(self, stats: EpisodeStats) -> None:
        """React to the end of one agent's episode."""
        ...

    def summary(self) -> dict[str, Any]:
        """Return figures to report, by name."""
        ...


class InMemoryTracker:
    """Keeps the last `window` episodes.

    >>> tracker = InMemoryTracker()
    >>> tracker.on_episode_end(EpisodeStats(2.0, 10, 0.1, True, False))
    >>> tracker.mean_return(), tracker.mean_length(), tracker.total_episodes
    (2.0, 10.0, 1)
    """

    def __init__(self, window: int = 100) -> None:
        if window < 1:
            raise SekaiError(f"window must be >= 1, got {window}")
        self.episodes: deque[EpisodeStats] = deque(maxlen=window)
        self.total_episodes = 0

    def on_reset(self, env_id: str | None, seed: int | None) -> None:
        """Nothing to keep."""

    def on_step(self, reward: float, terminated: bool, truncated: bool, info: dict[str, Any]) -> None:
        """Nothing to keep."""

    def on_episode_end(self, stats: EpisodeStats) -> None:
        """Keep the episode."""
        self.episodes.append(stats)
        self.total_episodes += 1

    def mean_return(self, agent: AgentID | None = None) -> float:
        """Return the mean return of the kept episodes, or of `agent`'s; NaN where there is none."""
        return _mean(e.episode_return for e in self.episodes if agent is None or e.agent == agent)

    def mean_length(self, agent: AgentID | None = None) -> float:
        """Return the mean length of the kept episodes, or of `agent`'s; NaN where there is none."""
        return _mean(e.episode_length for e in self.episodes if agent is None or e.agent == agent)

    def summary(self) -> dict[str, Any]:
        """Return the number of all episodes, and the means over those kept; of many agents, also each one's."""
        summary: dict[str, Any] = {
            "total_episodes": self.total_episodes,
            "mean_return": self.mean_return(),
            "mean_length": self.mean_length(),
        }
        agents = sorted({e.agent for e in self.episodes if e.agent is not None})
        if agents:
            summary["mean_return_by_agent"] = {agent: self.mean_return(agent) for agent in agents}
            summary["mean_length_by_agent"] = {agent: self.mean_length(agent) for agent in agents}
        return summary


class TrackerGroup:
    """Calls several trackers in turn."""

    def __init__(self, *trackers: StatsTracker) -> None:
        self.trackers = trackers

    def on_reset(self, env_id: str | None, seed: int | None) -> None:
        """Call all."""
        for tracker in self.trackers:
            tracker.on_reset(env_id, seed)

    def on_step(self, reward: float, terminated: bool, truncated: bool, info: dict[str, Any]) -> None:
        """Call all."""
        for tracker in self.trackers:
            tracker.on_step(reward, terminated, truncated, info)

    def on_episode_end(self, stats: EpisodeStats) -> None:
        """Call all."""
        for tracker in self.trackers:
            tracker.on_episode_end(stats)

    def summary(self) -> dict[str, Any]:
        """Return all summaries as one; of two figures with the same name, the first tracker's counts."""
        whole: dict[str, Any] = {}
        for tracker in reversed(self.trackers):
            whole |= tracker.summary()
        return whole


def _mean(values: Iterable[float]) -> float:
    values = list(values)
    return sum(values) / len(values) if values else float("nan")
