"""Layers that come with the framework; each serves one agent and many."""

from sekai.wrappers.episode import AutoReset, OrderEnforcing, TimeLimit
from sekai.wrappers.observation import NormalizeObservation, RunningMoments
from sekai.wrappers.statistics import RecordEpisodeStatistics

__all__ = [
    "AutoReset",
    "NormalizeObservation",
    "OrderEnforcing",
    "RecordEpisodeStatistics",
    "RunningMoments",
    "TimeLimit",
]
