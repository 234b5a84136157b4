"""Renderers that draw by themselves: after every reset and step."""

from typing import Any

from sekai.core.env import Env
from sekai.core.wrapper import EnvActT, EnvObsT, EpisodeWrapper
from sekai.rendering.renderer import using

__all__ = ["Rendered"]


class Rendered(EpisodeWrapper[EnvObsT, EnvActT]):
    """Has `renderers` draw the environment after every reset and step, of one agent or of many, and closes with it.

    `renderer` may be exchanged in the middle of an episode; `frame` is what was drawn last.
    """

    over_restarts = True

    def __init__(self, env: Env[EnvObsT, EnvActT], *renderers: Any) -> None:
        super().__init__(env)
        self.renderer = using(*renderers)
        self.frame: Any = None

    def on_reset(self, result: Any) -> Any:
        """Draw the beginning."""
        self.frame = self.renderer.render(self.env)
        return result

    def on_step(self, result: Any) -> Any:
        """Draw the step."""
        self.frame = self.renderer.render(self.env)
        return result

    def on_close(self) -> None:
        """Close the renderers."""
        self.renderer.close()
