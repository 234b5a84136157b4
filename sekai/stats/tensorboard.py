"""Episodes as scalars for TensorBoard. Needs the extra `tensorboard`, which is imported when a tracker is made."""

from os import PathLike
from typing import Any

from sekai.error import SekaiError, install_hint
from sekai.stats.tracker import EpisodeStats, InMemoryTracker

__all__ = ["TensorBoardTracker"]


class TensorBoardTracker:
    """Writes each episode's return, length and seconds, over the number of steps so far, to `logdir`.

    Scalars are `episode/return`, `episode/length`, `episode/elapsed_time`; of many agents, `episode/<agent>/return` and
    so on, over that agent's own steps. Raises `SekaiError` where tensorboard is not installed. A clone of an
    environment writes to the same place.
    """

    def __init__(self, logdir: str | PathLike[str], window: int = 100) -> None:
        try:
            from tensorboard.summary import Writer
        except ImportError as error:
            hint = install_hint("tensorboard")
            raise SekaiError(f"TensorBoardTracker needs its library: {hint} ({error})") from None
        self.writer: Any = Writer(str(logdir))
        self.memory = InMemoryTracker(window)
        self._steps: dict[str | None, int] = {}

    def on_reset(self, env_id: str | None, seed: int | None) -> None:
        """Nothing to write."""

    on_step = InMemoryTracker.on_step

    def on_episode_end(self, stats: EpisodeStats) -> None:
        """Write the episode."""
        self.memory.on_episode_end(stats)
        steps = self._steps[stats.agent] = self._steps.get(stats.agent, 0) + stats.episode_length
        prefix = "episode" if stats.agent is None else f"episode/{stats.agent}"
        self.writer.add_scalar(f"{prefix}/return", stats.episode_return, steps)
        self.writer.add_scalar(f"{prefix}/length", stats.episode_length, steps)
        self.writer.add_scalar(f"{prefix}/elapsed_time", stats.elapsed_time, steps)

    def summary(self) -> dict[str, Any]:
        """Write out what is buffered; return the number of episodes ever, and the means over the last ones."""
        self.writer.flush()
        return self.memory.summary()

    def close(self) -> None:
        """Write out what is buffered and close the file."""
        self.writer.close()

    def __deepcopy__(self, memo: dict[int, Any]) -> "TensorBoardTracker":
        return self
