"""Statistics of episodes."""

from sekai.stats.tracker import EpisodeStats, InMemoryTracker, StatsTracker

__all__ = ["EpisodeStats", "InMemoryTracker", "StatsTracker"]
