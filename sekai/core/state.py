"""A world's whole state is a copy of it: its own, its layers', and that of all random streams.

`saved = env.clone()` takes it, `env.set_state(saved)` goes back to it, as often as one likes; `env`, its layers and
whoever holds one of them stay the same objects.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, TypeVar

from sekai.core.world import World
from sekai.error import SekaiError

__all__ = ["cloned", "restore", "stack"]

_W = TypeVar("_W", bound=World)


def stack(world: Any) -> Iterator[World]:
    """Yield `world` and all that it stands on, outermost first: layers, views, and the base at last."""
    while isinstance(world, World):
        yield world
        below = getattr(world, "env", None)
        world = getattr(world, "multi", None) if below is None else below


def cloned(world: _W) -> _W:
    """Return an independent copy of `world`; raises `SekaiError` where something in it cannot be copied."""
    try:
        return deepcopy(world)
    except (TypeError, NotImplementedError) as error:
        raise SekaiError(f"{world!r} cannot be cloned: {error}. What holds it may define __deepcopy__") from error


def restore(world: World, state: World) -> None:
    """Bring `world` into the state of `state`, a clone of it or one made the same way, which stays as it is."""
    ours, theirs = list(stack(world)), list(stack(state))
    if [type(layer) for layer in ours] != [type(layer) for layer in theirs]:
        raise SekaiError(f"state must be a clone of {world!r}, got {state!r}")
    if world is state:
        return
    memo: dict[int, Any] = {id(their): our for our, their in zip(ours, theirs, strict=True)}
    states = [_copied_state(their, memo) for their in theirs]
    for our, own in reversed(list(zip(ours, states, strict=True))):
        our.__dict__.clear()
        if hasattr(our, "__setstate__"):
            our.__setstate__(own)
        else:
            our.__dict__.update(own)


def _copied_state(world: World, memo: dict[int, Any]) -> dict[str, Any]:
    """Return a copy of what `world` holds, in which the layers of the other stack stand for those of this one."""
    kind = type(world)
    own_way = hasattr(kind, "__deepcopy__") or (kind.__reduce__, kind.__reduce_ex__) != (
        object.__reduce__,
        object.__reduce_ex__,
    )
    if own_way:
        return dict(deepcopy(world).__dict__)
    held: Any = world.__getstate__()
    return deepcopy(held, memo) or {}
