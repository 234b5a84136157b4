"""What `wrap` was asked for, as one value."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sekai.error import UnsupportedWrapper

__all__ = ["Recipe"]


class Recipe(NamedTuple):
    """`wrapper(env, *args, **kwargs)`, around `agents` (names or roles) or, where that is None, around all."""

    wrapper: type[Any]
    agents: Sequence[str] | None
    args: Sequence[Any]
    kwargs: Mapping[str, Any]

    def made(self, env: Any) -> Any:
        """Return a single wrapper around `env`, which may have many agents; calling the class would wrap each agent."""
        wrapper: Any = object.__new__(self.wrapper)
        wrapper.__init__(env, *self.args, **self.kwargs)
        return wrapper

    def check(self, instead: str) -> None:
        """Raise `UnsupportedWrapper` unless this is a wrapper that leaves `step` and `reset` to its base class.

        `instead` says what such a wrapper can serve, and what to use for the rest.
        """
        drives_itself = getattr(self.wrapper, "drives_itself", None) if isinstance(self.wrapper, type) else None
        if drives_itself is None:
            raise UnsupportedWrapper(f"wrapper must be a subclass of Wrapper, got {self.wrapper!r}")
        if drives_itself:
            own = " and ".join(drives_itself)
            raise UnsupportedWrapper(f"{self.wrapper.__name__} overrides {own}, so it can serve one {instead}")
