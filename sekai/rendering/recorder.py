"""Films of frames: GIF, MP4 and the other formats of imageio. Needs the extra `render`."""

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sekai.error import SekaiError, install_hint
from sekai.rendering.renderer import Renderer, using
from sekai.utils.files import whole_file

__all__ = ["Recorder", "save_frames"]


def save_frames(frames: Sequence[Any], path: str | PathLike[str], fps: float = 30.0) -> Path:
    """Write frames, each `(height, width, 3)` of uint8 and all of one size, to `path`, in the format of its suffix.

    The film is written whole or not at all. Raises `SekaiError` for no frames, for others, for an ending that is no
    film's, and where the library is not installed; `UnwritableFile` where the file cannot be written.
    """
    if not len(frames):
        raise SekaiError("frames must be at least one, got none")
    if not fps > 0:
        raise SekaiError(f"fps must be > 0, got {fps}")
    film: Any = [_frame(frame, index, np.shape(frames[0])) for index, frame in enumerate(frames)]
    try:
        import imageio.v2 as imageio
        from imageio.config import known_extensions
    except ImportError as error:
        raise SekaiError(f"save_frames needs its library: {install_hint('render')} ({error})") from None
    path = Path(path)
    wrong = f"path must end in a film's format, such as .gif or .mp4, got {str(path)!r}"
    if path.suffix.lower() not in known_extensions:
        raise SekaiError(wrong)
    is_gif = path.suffix.lower() == ".gif"
    options: dict[str, Any] = {"duration": 1000.0 / fps, "loop": 0} if is_gif else {"fps": fps, "macro_block_size": 1}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as beside:
            imageio.mimsave(beside, film, **options)
    except TypeError as error:  # such as .tiff, which has no fps
        raise SekaiError(f"{wrong}: {error}") from None
    except (ImportError, ValueError) as error:
        raise SekaiError(f"path cannot be written, {str(path)!r}: {install_hint('render')} ({error})") from None
    return path


def _frame(frame: Any, index: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    array = np.asarray(frame)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise SekaiError(f"frames[{index}] must be uint8 (height, width, 3), got {array.dtype} {array.shape}")
    if array.shape != shape:
        raise SekaiError(f"frames must be of one size: frames[{index}] has {array.shape}, frames[0] has {shape}")
    return array


class Recorder(Renderer):
    """Passes on what `renderer` draws, keeps the frames, and writes them to `path` when it is closed.

    `when(k)` says whether the k-th picture, counted from 0, is kept; all are unless it is given. Without any frame
    nothing is written.
    """

    def __init__(
        self,
        renderer: Any,
        path: str | PathLike[str],
        fps: float = 30.0,
        when: Callable[[int], bool] | None = None,
    ) -> None:
        self.renderer = using(renderer)
        self.path, self.fps, self.when = Path(path), fps, when
        self.frames: list[NDArray[np.uint8]] = []
        self._drawn = 0
        self._closed = False

    def render(self, env: Any) -> Any:
        """Return the renderer's frame, and keep a copy."""
        frame = self.renderer.render(env)
        if frame is None:
            raise SekaiError(f"{self.renderer!r} draws no frames, so there is nothing to record")
        if self.when is None or self.when(self._drawn):
            self.frames.append(np.array(frame))
        self._drawn += 1
        return frame

    def close(self) -> None:
        """Close the renderer and write the film; closing twice does nothing."""
        if self._closed:
            return
        self._closed = True
        self.renderer.close()
        if self.frames:
            save_frames(self.frames, self.path, self.fps)
