"""Episodes as structured records of Python's own logging."""

import logging
from dataclasses import asdict
from typing import Any

from sekai.error import SekaiError
from sekai.stats.tracker import EpisodeStats, InMemoryTracker

__all__ = ["LoggingTracker"]


class LoggingTracker:
    """Emits one record for every episode, or for every `every`-th, to the logger `sekai.stats` unless another is given.

    The message is for people; `record.episode` is the `EpisodeStats`, `record.episode_stats` the same as a dict for
    formatters, and `record.total_episodes` counts.
    """

    def __init__(
        self, logger: logging.Logger | None = None, level: int = logging.INFO, every: int = 1, window: int = 100
    ) -> None:
        if every < 1:
            raise SekaiError(f"every must be >= 1, got {every}")
        self.logger = logging.getLogger("sekai.stats") if logger is None else logger
        self.level, self.every = level, every
        self.memory = InMemoryTracker(window)

    def on_reset(self, env_id: str | None, seed: int | None) -> None:
        """Nothing to tell."""

    on_step = InMemoryTracker.on_step

    def on_episode_end(self, stats: EpisodeStats) -> None:
        """Emit the record of the episode."""
        self.memory.on_episode_end(stats)
        total = self.memory.total_episodes
        if total % self.every or not self.logger.isEnabledFor(self.level):
            return
        who = " ".join(str(part) for part in (stats.env_id, stats.agent) if part is not None)
        self.logger.log(
            self.level,
            "episode %d%s: return %.6g, %d steps, %s",
            total,
            f" of {who}" if who else "",
            stats.episode_return,
            stats.episode_length,
            "terminated" if stats.terminated else "truncated",
            extra={"episode": stats, "episode_stats": asdict(stats), "total_episodes": total},
        )

    def summary(self) -> dict[str, Any]:
        """Return the number of episodes ever, and the means over the last ones."""
        return self.memory.summary()
