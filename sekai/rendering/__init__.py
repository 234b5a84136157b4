"""Pictures of environments: renderers are objects beside them, which can be exchanged, combined and recorded."""

from sekai.rendering.recorder import Recorder, save_frames
from sekai.rendering.renderer import Renderer, RendererGroup, using
from sekai.rendering.wrapper import Rendered

__all__ = ["Recorder", "Rendered", "Renderer", "RendererGroup", "save_frames", "using"]
