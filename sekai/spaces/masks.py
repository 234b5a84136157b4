"""Masks of actions as arrays, and what they allow.

A mask is what `space.sample(mask)` takes. As arrays, for networks: zeros and ones `(n,)` for a Discrete, all choices in
a row `(nvec.sum(),)` for a MultiDiscrete, a dict or a tuple of these for a Dict or a Tuple of them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sekai.error import SpaceMismatch
from sekai.spaces.dict import Dict
from sekai.spaces.discrete import Discrete
from sekai.spaces.multi_binary import MultiBinary
from sekai.spaces.multi_discrete import MultiDiscrete
from sekai.spaces.space import Space
from sekai.spaces.tuple import Tuple

__all__ = ["allows", "mask_array", "mask_space"]


def mask_space(space: Space[Any]) -> Space[Any]:
    """Return the space of the masks of `space` as arrays; raises `SpaceMismatch` if it has no masks.

    >>> mask_space(Dict({"side": Discrete(3), "lots": MultiDiscrete([2, 5])}))
    Dict(side=MultiBinary(3), lots=MultiBinary(7))
    """
    if isinstance(space, Discrete):
        return MultiBinary(space.n)
    if isinstance(space, MultiDiscrete):
        return MultiBinary(int(space.nvec.sum()))
    if isinstance(space, Dict):
        return Dict({name: mask_space(part) for name, part in space.items()})
    if isinstance(space, Tuple):
        return Tuple([mask_space(part) for part in space])
    raise SpaceMismatch(f"only Discrete and MultiDiscrete, and Dict and Tuple of them, have masks, got {space}")


def mask_array(space: Space[Any], mask: Any) -> Any:
    """Return a mask of `space` as a value of `mask_space(space)`; None allows everything."""
    if isinstance(space, Dict):
        given: Mapping[str, Any] = mask or {}
        return {name: mask_array(part, given.get(name)) for name, part in space.items()}
    if isinstance(space, Tuple):
        parts = [None] * len(space) if mask is None else mask
        return tuple(mask_array(part, own) for part, own in zip(space, parts, strict=True))
    wanted = mask_space(space)
    assert isinstance(wanted, MultiBinary)
    if mask is None:
        return np.ones(wanted.shape, np.int8)
    if isinstance(space, MultiDiscrete) and len(mask) == space.nvec.size and np.ndim(mask[0]) == 1:
        mask = np.concatenate([np.asarray(part) for part in mask])
    array = np.asarray(mask).astype(np.int8)
    if array not in wanted:
        raise SpaceMismatch(f"a mask of {space} must be {wanted.shape[0]} zeros and ones, got {mask!r}")
    return array


def allows(space: Space[Any], mask: Any, action: Any) -> bool:
    """Say whether `mask` allows `action`, a value of `space`; None allows everything.

    >>> allows(Discrete(3, start=-1), [1, 0, 1], -1), allows(Discrete(3, start=-1), [1, 0, 1], 0)
    (True, False)
    """
    if mask is None:
        return True
    if isinstance(space, Dict):
        return all(allows(part, mask.get(name), action[name]) for name, part in space.items())
    if isinstance(space, Tuple):
        return all(allows(part, own, value) for part, own, value in zip(space, mask, action, strict=True))
    flags = mask_array(space, mask)
    if isinstance(space, Discrete):
        return bool(flags[int(action) - space.start])
    assert isinstance(space, MultiDiscrete)
    offsets = np.cumsum(space.nvec.ravel()) - space.nvec.ravel()
    return bool(flags[offsets + (space.backend.to_numpy(action) - space.start).ravel()].all())
