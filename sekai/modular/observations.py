"""Observations, as parts: a space, and a function from a state to a value of that space.

Array observations are joined by `+`, dict observations by `|`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from itertools import combinations
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from sekai.error import SekaiError, SpaceMismatch
from sekai.modular.state import StateAction
from sekai.spaces.box import Box
from sekai.spaces.dict import Dict
from sekai.spaces.space import Space
from sekai.spaces.tuple import Tuple
from sekai.spaces.utils import flatten, flatten_space

__all__ = [
    "ArrayFromDictObservation",
    "ArrayObservation",
    "ConcatenatedArrayObservation",
    "DictObservation",
    "DummyArrayObservation",
    "DummyDictObservation",
    "MergedDictObservation",
    "Observation",
]

_StateT = TypeVar("_StateT", bound=StateAction, contravariant=True)
_ObsT = TypeVar("_ObsT")


class Observation(ABC, Generic[_StateT, _ObsT]):
    """An observation `_ObsT` of a state `_StateT`."""

    @property
    @abstractmethod
    def observation_space(self) -> Space[_ObsT]:
        """The space of all that `compute_observation` returns."""

    @abstractmethod
    def compute_observation(self, state: _StateT) -> _ObsT:
        """Return the observation of `state`, a new value each time."""


class ArrayObservation(Observation[_StateT, NDArray[Any]]):
    """An observation that is an array."""

    @property
    @abstractmethod
    def observation_space(self) -> Box:
        """The Box of all that `compute_observation` returns."""

    def __add__(self, other: "ArrayObservation[_StateT]") -> "ConcatenatedArrayObservation[_StateT]":
        return ConcatenatedArrayObservation([self, other]) if isinstance(other, ArrayObservation) else NotImplemented


class DictObservation(Observation[_StateT, dict[str, Any]]):
    """An observation that is a dict of named values, arrays commonly."""

    @property
    @abstractmethod
    def observation_space(self) -> Dict:
        """The Dict of all that `compute_observation` returns."""

    def merged_with(self, other: "DictObservation[_StateT]") -> "MergedDictObservation[_StateT]":
        """Return an observation with the names of both; raises `SekaiError` for a name that both have."""
        return MergedDictObservation([self, other])

    def __or__(self, other: "DictObservation[_StateT]") -> "MergedDictObservation[_StateT]":
        return MergedDictObservation([self, other]) if isinstance(other, DictObservation) else NotImplemented

    def to_array_observation(self) -> "ArrayObservation[_StateT]":
        """Return the same as one flat array."""
        return ArrayFromDictObservation(self)


class ArrayFromDictObservation(ArrayObservation[_StateT]):
    """A dict observation as one flat array, its parts in the order of their names: `flatten` of its space."""

    def __init__(self, dict_observation: DictObservation[_StateT]) -> None:
        self.dict_observation = _checked("dict_observation", dict_observation, DictObservation)
        self._dict_space = dict_observation.observation_space
        self._space = flatten_space(self._dict_space)

    @property
    def observation_space(self) -> Box:
        """The Box of the flat arrays, `(flatdim,)`."""
        return self._space

    def compute_observation(self, state: _StateT) -> NDArray[Any]:
        """Return the dict observation, flat."""
        return flatten(self._dict_space, self.dict_observation.compute_observation(state))


class ConcatenatedArrayObservation(ArrayObservation[_StateT]):
    """Several array observations, each flat, one after the other."""

    def __init__(self, array_observations: "Sequence[ArrayObservation[_StateT]]") -> None:
        self.array_observations = [_checked("array_observations", o, ArrayObservation) for o in array_observations]
        boxes = [observation.observation_space for observation in self.array_observations]
        self._parts, self._space = Tuple(boxes), self.concatenate_boxes(boxes)

    @staticmethod
    def concatenate_boxes(boxes: Sequence[Box]) -> Box:
        """Return the Box of their values, each flat, one after the other; raises `SpaceMismatch` for another space.

        >>> ConcatenatedArrayObservation.concatenate_boxes([Box(0.0, 1.0, (2, 2)), Box(-1.0, 1.0, (3,))]).shape
        (7,)
        """
        for box in boxes:
            if not isinstance(box, Box):
                raise SpaceMismatch(f"boxes must be Boxes, got {box!r}")
        return flatten_space(Tuple(boxes))

    @property
    def observation_space(self) -> Box:
        """The Box of the joined arrays."""
        return self._space

    def compute_observation(self, state: _StateT) -> NDArray[Any]:
        """Return their observations, joined."""
        return flatten(self._parts, tuple(part.compute_observation(state) for part in self.array_observations))


class MergedDictObservation(DictObservation[_StateT]):
    """Several dict observations in one; raises `SekaiError` where two have the same name."""

    def __init__(self, dict_observations: "Sequence[DictObservation[_StateT]]") -> None:
        self._dict_observations = [_checked("dict_observations", o, DictObservation) for o in dict_observations]
        spaces = [observation.observation_space for observation in self._dict_observations]
        for one, two in combinations(spaces, 2):
            both = [name for name in one if name in two.spaces]
            if both:
                raise SekaiError(f"dict_observations must have names of their own, got {both[0]!r} twice")
        self._space = Dict({name: space for part in spaces for name, space in part.items()})

    @property
    def dict_observations(self) -> "list[DictObservation[_StateT]]":
        """The observations that are merged, in order."""
        return list(self._dict_observations)

    @property
    def observation_space(self) -> Dict:
        """The Dict with the names of all."""
        return self._space

    def compute_observation(self, state: _StateT) -> dict[str, Any]:
        """Return all their observations in one dict."""
        return {
            name: value for part in self._dict_observations for name, value in part.compute_observation(state).items()
        }


class DummyArrayObservation(ArrayObservation[Any]):
    """One zero, whatever the state is: for an agent that sees nothing, and for tests."""

    @cached_property
    def observation_space(self) -> Box:
        """The Box of one number in [0, 1]."""
        return Box(0.0, 1.0, (1,))

    def compute_observation(self, state: Any) -> NDArray[Any]:
        """Return one zero."""
        return np.zeros(1, np.float32)


class DummyDictObservation(DictObservation[Any]):
    """One zero by the name `"dummy"`, whatever the state is."""

    @cached_property
    def observation_space(self) -> Dict:
        """The Dict of `DummyArrayObservation`'s Box."""
        return Dict({"dummy": Box(0.0, 1.0, (1,))})

    def compute_observation(self, state: Any) -> dict[str, Any]:
        """Return one zero by its name."""
        return {"dummy": np.zeros(1, np.float32)}


_PartT = TypeVar("_PartT")


def _checked(name: str, part: _PartT, kind: type[Any]) -> _PartT:
    if not isinstance(part, kind):
        raise SekaiError(f"{name} must be of {kind.__name__}, got {part!r}")
    return part
