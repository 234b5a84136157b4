"""A renderer draws an environment from outside; the environment does not know of it.

A frame is an array `(height, width, 3)` of uint8, or None from a renderer that shows things itself. Subclass
`Renderer`, or hand any object with `render(env)` and perhaps `close()` to `using`.
"""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, Self

from sekai.error import SekaiError

__all__ = ["Renderer", "RendererGroup", "using"]


class Renderer(ABC):
    """Draws environments; a context manager that closes at the end of the block."""

    @abstractmethod
    def render(self, env: Any) -> Any:
        """Draw `env` as it stands, of one agent or of many, and return a frame or None."""

    def close(self) -> None:  # noqa: B027  there may be nothing to release
        """Release windows, figures and files; closing twice does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class RendererGroup(Renderer):
    """Several renderers at once; a frame is the list of theirs."""

    def __init__(self, renderers: list[Renderer]) -> None:
        self.renderers = renderers

    def render(self, env: Any) -> list[Any]:
        """Return what each renderer draws."""
        return [renderer.render(env) for renderer in self.renderers]

    def close(self) -> None:
        """Close all, even where one fails; then raise the first error."""
        errors = []
        for renderer in self.renderers:
            try:
                renderer.close()
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]


class _Plain(Renderer):
    """An object with `render` and perhaps `close`."""

    def __init__(self, renderer: Any) -> None:
        self.renderer = renderer
        self._closed = False

    def render(self, env: Any) -> Any:
        return self.renderer.render(env)

    def close(self) -> None:
        if not self._closed and hasattr(self.renderer, "close"):
            self.renderer.close()
        self._closed = True


def using(*renderers: Any) -> Renderer:
    """Return these as one `Renderer`, closed at the end of its `with` block: one as itself, several as a group.

    >>> class Name:
    ...     def render(self, env):
    ...         return repr(env)
    >>> with using(Name(), Name()) as both:
    ...     both.render(3)
    ['3', '3']
    """
    if not renderers:
        raise SekaiError("using needs at least one renderer, got none")
    ready: list[Renderer] = []
    for renderer in renderers:
        if not callable(getattr(renderer, "render", None)):
            raise SekaiError(f"a renderer must have render(env), got {renderer!r}")
        ready.append(renderer if isinstance(renderer, Renderer) else _Plain(renderer))
    return ready[0] if len(ready) == 1 else RendererGroup(ready)
