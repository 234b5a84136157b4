"""Vector envs by id."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from sekai.error import SekaiError, did_you_mean
from sekai.vector.aio import AsyncVecEnv
from sekai.vector.env import VecEnv
from sekai.vector.sync import SyncVecEnv

if TYPE_CHECKING:
    from sekai.registry.spec import EnvSpec

__all__ = ["Made", "make_vec"]


class Made:
    """Makes one environment of an id, with wrappers; it can be pickled where the wrappers can."""

    def __init__(
        self, id: "str | EnvSpec", wrappers: Sequence[Callable[[Any], Any]], kwargs: Mapping[str, Any]
    ) -> None:
        self.id, self.wrappers, self.kwargs = id, tuple(wrappers), dict(kwargs)

    def __call__(self) -> Any:
        """Make it."""
        from sekai.registry import make

        env = make(self.id, **self.kwargs)
        for wrapper in self.wrappers:
            env = wrapper(env)
        return env


def make_vec(
    id: "str | EnvSpec",
    num_envs: int = 1,
    *,
    kind: Literal["sync", "async", "proc"] = "sync",
    wrappers: Sequence[Callable[[Any], Any]] = (),
    vec_kwargs: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> VecEnv:
    """Make `num_envs` environments `id` as one: one after the other, awaited together, or in processes.

    Each is made by `make(id, **kwargs)`, so `agent=` and `others=` give one agent's view of many; then `wrappers`
    go around it, innermost first. `vec_kwargs` go to the vector env: `autoreset`, `copy`, `workers`, ...
    """
    if isinstance(num_envs, bool) or not isinstance(num_envs, int) or num_envs < 1:
        raise SekaiError(f"num_envs must be an integer >= 1, got {num_envs!r}")
    functions = [Made(id, wrappers, kwargs)] * num_envs
    options = dict(vec_kwargs or {})
    if kind == "sync":
        return SyncVecEnv(functions, **options)
    if kind == "async":
        return AsyncVecEnv(functions, **options)
    if kind == "proc":
        from sekai.vector.process import ProcVecEnv

        return ProcVecEnv(functions, **options)
    kinds = ["sync", "async", "proc"]
    raise SekaiError(f"kind must be one of {kinds}, got {kind!r}.{did_you_mean(str(kind), kinds)}")
