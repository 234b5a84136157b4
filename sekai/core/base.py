"""What `Env` and `MultiAgentEnv` have in common: a random stream, a spec, a state that can be copied, an end.

`reset(seed=s)` fully determines an episode; `reset()` without a seed continues the current stream.

An environment's state is a copy of it, with its wrappers and all random streams: `saved = env.clone()` takes it, and
`env.set_state(saved)` returns to it as often as needed. `env` and its wrappers stay the same objects.
"""

from collections.abc import Iterator
from copy import deepcopy
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary, finalize

import numpy as np

from sekai.core.seeding import check_seed, fresh_seed
from sekai.error import SekaiError, UndefinedAttribute

if TYPE_CHECKING:
    from typing import Self

    from sekai.registry.spec import EnvSpec

__all__ = ["BaseEnv", "Below", "Derived", "Required", "run_coroutine", "stack"]


class BaseEnv:
    """The common base of `Env` and `MultiAgentEnv`; a subclass need not call its `__init__`."""

    metadata: ClassVar[dict[str, Any]] = {}
    _rng: "np.random.Generator | None" = None
    _rng_seed: int | None = None
    _spec: "EnvSpec | None" = None

    @property
    def rng(self) -> "np.random.Generator":
        """The environment's own random stream; seeded from the operating system until `reset` is given a seed."""
        if self._rng is None:
            self._set_rng(None)
        assert self._rng is not None
        return self._rng

    def _set_rng(self, seed: int | None = None) -> int:
        """Restart the stream from `seed`, or continue it where `seed` is None; return the seed that it started from."""
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
        """Return an independent copy in the same state, wrappers and random streams included.

        Raises `SekaiError` where something cannot be copied, such as a connection.
        """
        try:
            return deepcopy(self)
        except (TypeError, NotImplementedError) as error:
            raise SekaiError(f"{self!r} cannot be cloned: {error}. What holds it may define __deepcopy__") from error

    def set_state(self, state: "Self") -> None:
        """Go to the state of `state`, which is a clone of this environment or was made in the same way.

        `state` itself does not change. Raises `SekaiError` for an environment with other wrappers.
        """
        ours, theirs = list(stack(self)), list(stack(state))
        if [type(part) for part in ours] != [type(part) for part in theirs]:
            raise SekaiError(f"state must be a clone of {self!r}, got {state!r}")
        if self is state:
            return
        memo: dict[int, Any] = {id(their): our for our, their in zip(ours, theirs, strict=True)}
        states = [_copied_state(their, memo) for their in theirs]
        for our, own in reversed(list(zip(ours, states, strict=True))):
            our.__dict__.clear()
            if hasattr(our, "__setstate__"):
                our.__setstate__(own)
            else:
                our.__dict__.update(own)

    def warm_up(self) -> None:
        """Compile what is compiled on first use, if anything; called before worker processes start."""

    def observe_into(self, out: Any, flat: Any) -> bool:
        """Write observations into `out` from now on, and return True; the default does nothing and returns False.

        A vector env asks for this, to copy nothing. `out` has an array for each leaf of an observation; `flat` is the
        vector of all their numbers, leaf after leaf, or None where these have several dtypes. Results then hold `out`
        itself, whose numbers last until the next step or reset; where they do not, their observations are copied.
        """
        return False

    def close(self) -> None:
        """Release what the environment holds; closing twice does nothing."""

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        """Yield the wrappers, outermost first, and the environment underneath them last."""
        yield self

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Derived(BaseEnv):
    """An environment made of another one, the attribute that `below` names; they share stream, spec and end."""

    below: ClassVar[str] = "env"

    @property
    def rng(self) -> "np.random.Generator":
        """The random stream of the environment below."""
        return getattr(self, self.below).rng  # type: ignore[no-any-return]

    def _set_rng(self, seed: int | None = None) -> int:
        return getattr(self, self.below)._set_rng(seed)  # type: ignore[no-any-return]

    @property
    def spec(self) -> "EnvSpec | None":
        """The spec of the environment below."""
        return getattr(self, self.below).spec  # type: ignore[no-any-return]

    @spec.setter
    def spec(self, spec: "EnvSpec | None") -> None:
        getattr(self, self.below).spec = spec

    @property
    def metadata(self) -> dict[str, Any]:  # type: ignore[override]
        """The metadata of the environment below."""
        return getattr(self, self.below).metadata  # type: ignore[no-any-return]

    def close(self) -> None:
        """Close the environment below."""
        getattr(self, self.below).close()


def stack(env: Any) -> Iterator[BaseEnv]:
    """Yield `env` and everything that it stands on, outermost first: wrappers, views, and the base last."""
    while isinstance(env, BaseEnv):
        yield env
        below = getattr(env, "env", None)
        env = getattr(env, "multi", None) if below is None else below


def _copied_state(env: BaseEnv, memo: dict[int, Any]) -> dict[str, Any]:
    """Return a copy of what `env` holds; `memo` says what stands for the other parts of its stack in the copy."""
    kind = type(env)
    own_way = hasattr(kind, "__deepcopy__") or (kind.__reduce__, kind.__reduce_ex__) != (
        object.__reduce__,
        object.__reduce_ex__,
    )
    if own_way:
        return dict(deepcopy(env).__dict__)
    held: Any = env.__getstate__()
    return deepcopy(held, memo) or {}


class Required:
    """An attribute that an environment must set itself; until it does, reading it raises `UndefinedAttribute`.

    A descriptor, since with `__getattr__` every attribute of every environment would cost 50 ns more.
    """

    def __init__(self, remedy: str) -> None:
        self.remedy = remedy

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, env: Any, owner: type) -> Any:
        if env is None:
            return self
        raise UndefinedAttribute(f"{type(env).__name__} does not define {self.name}: {self.remedy}")


class Below:
    """An attribute of a wrapper that is `env`'s until the wrapper assigns its own."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, wrapper: Any, owner: type) -> Any:
        return self if wrapper is None else getattr(wrapper.env, self.name)


def run_coroutine(owner: BaseEnv, method: str, coroutine: Any) -> Any:
    """Run a coroutine of an environment that has only async methods; raise `SekaiError` inside a running loop.

    All calls on one environment share an event loop, so that its connections and tasks live on between them.
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


_RUNNERS: "WeakKeyDictionary[BaseEnv, Any]" = WeakKeyDictionary()


def _end(runner: Any) -> None:
    """Close the event loop of an environment that is gone; inside another loop, without running what is left."""
    try:
        runner.close()
    except RuntimeError:
        runner.get_loop().close()
