"""Statistics of episodes, and where they go."""

from typing import TYPE_CHECKING

from sekai.later import later
from sekai.stats.tracker import EpisodeStats, InMemoryTracker, StatsTracker, TrackerGroup

if TYPE_CHECKING:
    from sekai.stats.logging import LoggingTracker
    from sekai.stats.tensorboard import TensorBoardTracker

__all__ = [
    "EpisodeStats",
    "InMemoryTracker",
    "LoggingTracker",
    "StatsTracker",
    "TensorBoardTracker",
    "TrackerGroup",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = later(__name__, ".logging", ".tensorboard")
