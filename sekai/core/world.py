"""What one agent's environment and many agents' have in common: a random stream, a spec, a life that ends with `close`.

`reset(seed=s)` fully determines an episode; `reset()` without a seed goes on with the current stream.
"""

from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary, finalize

import numpy as np

from sekai.core.seeding import check_seed, fresh_seed
from sekai.error import SekaiError, UndefinedAttribute

if TYPE_CHECKING:
    from typing import Self

    from sekai.registry.spec import EnvSpec

__all__ = ["Required", "World", "run_coroutine"]


class World:
    """The common base of `Env` and `MultiAgentEnv`; a subclass need not call its `__init__`."""

    metadata: ClassVar[dict[str, Any]] = {}
    _rng: "np.random.Generator | None" = None
    _rng_seed: int | None = None
    _spec: "EnvSpec | None" = None

    @property
    def rng(self) -> "np.random.Generator":
        """The environment's own random stream, seeded from the machine's entropy until a seed is given."""
        if self._rng is None:
            self._set_rng(None)
        assert self._rng is not None
        return self._rng

    def _set_rng(self, seed: int | None = None) -> int:
        """Start the stream anew from `seed`, or go on with it where `seed` is None; return the seed it started from."""
        if seed is None and self._rng is not None and self._rng_seed is not None:
            return self._rng_seed
        self._rng_seed = fresh_seed() if seed is None else check_seed(seed)
        self._rng = np.random.default_rng(self._rng_seed)
        return self._rng_seed

    @property
    def spec(self) -> "EnvSpec | None":
        """How to make this environment again; None unless `sekai.make` made it."""
        return self._spec

    @spec.setter
    def spec(self, spec: "EnvSpec | None") -> None:
        self._spec = spec

    @property
    def unwrapped(self) -> Any:
        """The environment underneath all wrappers."""
        return self

    def clone(self) -> "Self":
        """Return an independent copy in the same state, layers and random streams included: it goes on as this would.

        Raises `SekaiError` where something cannot be copied, such as a connection.
        """
        from sekai.core.state import cloned

        return cloned(self)

    def set_state(self, state: "Self") -> None:
        """Go on as `state` would, which is a clone of this environment and stays as it is.

        Raises `SekaiError` for what has not the same layers.
        """
        from sekai.core.state import restore

        restore(self, state)

    def warm_up(self) -> None:
        """Compile what is compiled when it is first used, if anything; called before processes begin that need it."""

    def close(self) -> None:
        """Release what the environment holds; closing twice does nothing."""

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        """Yield the layers, outermost first and the base last."""
        yield self

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Required:
    """An attribute that an environment must set itself; until it does, asking for it raises `UndefinedAttribute`.

    A descriptor rather than `__getattr__`, with which every attribute of every environment would cost 50 ns more.
    """

    def __init__(self, remedy: str) -> None:
        self.remedy = remedy

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, env: Any, owner: type) -> Any:
        if env is None:
            return self
        raise UndefinedAttribute(f"{type(env).__name__} does not define {self.name}: {self.remedy}")


def run_coroutine(owner: World, method: str, coroutine: Any) -> Any:
    """Run what an async-only environment offers; raise `SekaiError` inside a running loop, which must await it.

    All runs of one environment share a loop, so that its connections and tasks live from one call to the next.
    """
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        runner = _RUNNERS.get(owner)
        if runner is None:
            runner = _RUNNERS[owner] = asyncio.Runner()
            finalize(owner, _end, runner)
        return runner.run(coroutine)
    coroutine.close()
    raise SekaiError(
        f"{type(owner).__name__} defines only async methods and a loop is running: await env.async_{method}(...)"
    )


_RUNNERS: "WeakKeyDictionary[World, Any]" = WeakKeyDictionary()


def _end(runner: Any) -> None:
    """Close the loop of an environment that is gone; inside another loop only what needs no running."""
    try:
        runner.close()
    except RuntimeError:
        runner.get_loop().close()
