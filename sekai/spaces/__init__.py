"""Spaces: which values an observation or an action may have, and how they become flat arrays and back."""

from typing import TYPE_CHECKING

from sekai.later import later
from sekai.spaces.box import Box
from sekai.spaces.dict import Dict
from sekai.spaces.discrete import Discrete
from sekai.spaces.graph import Graph, GraphInstance
from sekai.spaces.multi_binary import MultiBinary
from sekai.spaces.multi_discrete import MultiDiscrete
from sekai.spaces.one_of import OneOf
from sekai.spaces.sequence import Sequence
from sekai.spaces.space import Space
from sekai.spaces.text import Text
from sekai.spaces.tuple import Tuple

if TYPE_CHECKING:
    from sekai.spaces.masks import allows, mask_array, mask_space
    from sekai.spaces.utils import batch_space, flat_bounds, flat_dtype, flatdim, flatten, flatten_space, unflatten

__all__ = [
    "Box",
    "Dict",
    "Discrete",
    "Graph",
    "GraphInstance",
    "MultiBinary",
    "MultiDiscrete",
    "OneOf",
    "Sequence",
    "Space",
    "Text",
    "Tuple",
    "allows",
    "batch_space",
    "flat_bounds",
    "flat_dtype",
    "flatdim",
    "flatten",
    "flatten_space",
    "mask_array",
    "mask_space",
    "unflatten",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = later(__name__, ".masks", ".utils")
