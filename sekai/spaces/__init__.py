"""What can be observed and what can be done: spaces, and the way from their values to flat arrays and back."""

from sekai.spaces.box import Box
from sekai.spaces.dict import Dict
from sekai.spaces.discrete import Discrete
from sekai.spaces.multi_discrete import MultiDiscrete
from sekai.spaces.space import Space
from sekai.spaces.utils import flat_dtype, flatdim, flatten, flatten_space, unflatten

__all__ = [
    "Box",
    "Dict",
    "Discrete",
    "MultiDiscrete",
    "Space",
    "flat_dtype",
    "flatdim",
    "flatten",
    "flatten_space",
    "unflatten",
]
