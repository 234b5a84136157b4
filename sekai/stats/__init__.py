"""Statistics of episodes, and where they go."""

from typing import TYPE_CHECKING, Any

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

_LAZY = {"LoggingTracker": "sekai.stats.logging", "TensorBoardTracker": "sekai.stats.tensorboard"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
