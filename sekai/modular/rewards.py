"""Rewards, as parts: functions from a state to a number.

Metrics add up and take weights: `profit - 0.1 * risk`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Generic, TypeVar

import numpy as np

from sekai.error import SekaiError
from sekai.modular.state import StateAction, ViewState

__all__ = ["RewardMetric", "WeightedSum"]

_StateT = TypeVar("_StateT", bound=StateAction, contravariant=True)


class RewardMetric(ABC, Generic[_StateT]):
    """The reward for a step, as a function of the state `_StateT` that it led to."""

    @property
    @abstractmethod
    def range(self) -> tuple[float, float]:
        """The least and the greatest that `compute_reward` returns; infinite where there is no bound."""

    @abstractmethod
    def compute_reward(self, state: _StateT) -> float:
        """Return the reward for the step that led to `state`."""

    def note(self, state: _StateT) -> Any:
        """Return what `compute_reward` needs to know of the state before the action; None by default.

        It comes back as `ViewState.noted` in the state that the action leads to.
        """
        return None

    def __add__(self, other: "RewardMetric[_StateT]") -> "WeightedSum[_StateT]":
        return WeightedSum([(1.0, self), (1.0, other)]) if isinstance(other, RewardMetric) else NotImplemented

    def __radd__(self, other: int) -> "RewardMetric[_StateT]":
        return self if type(other) is int and other == 0 else NotImplemented  # what `sum` begins with

    def __sub__(self, other: "RewardMetric[_StateT]") -> "WeightedSum[_StateT]":
        return WeightedSum([(1.0, self), (-1.0, other)]) if isinstance(other, RewardMetric) else NotImplemented

    def __mul__(self, weight: float) -> "WeightedSum[_StateT]":
        return WeightedSum([(weight, self)]) if _is_number(weight) else NotImplemented

    __rmul__ = __mul__

    def __neg__(self) -> "WeightedSum[_StateT]":
        return WeightedSum([(-1.0, self)])


class WeightedSum(RewardMetric[_StateT]):
    """The sum of metrics, each times its weight; `terms` are pairs (weight, metric)."""

    def __init__(self, terms: "Iterable[tuple[float, RewardMetric[_StateT]]]") -> None:
        self.terms = tuple(terms)
        for weight, metric in self.terms:
            if not isinstance(metric, RewardMetric) or not _is_number(weight) or not np.isfinite(weight):
                raise SekaiError(f"terms must be pairs of a finite weight and a RewardMetric, got {(weight, metric)!r}")

    @property
    def range(self) -> tuple[float, float]:
        """The sum of the weighted ranges."""
        ends = [sorted(weight * end for end in metric.range) for weight, metric in self.terms if weight]
        return sum(low for low, _ in ends) + 0.0, sum(high for _, high in ends) + 0.0

    def compute_reward(self, state: _StateT) -> float:
        """Return the weighted sum."""
        rewards = (metric.compute_reward(self._of(state, k)) for k, (_, metric) in enumerate(self.terms))
        return float(sum(weight * reward for (weight, _), reward in zip(self.terms, rewards, strict=True)))

    def note(self, state: _StateT) -> Any:
        """Return what each term notes."""
        return [metric.note(state) for _, metric in self.terms]

    def _of(self, state: Any, k: int) -> Any:
        """Return `state` with what term `k` has noted."""
        if isinstance(state, ViewState) and state.noted is not None:
            return replace(state, noted=state.noted[k])
        return state

    def __repr__(self) -> str:
        return " + ".join(f"{weight:g} * {metric!r}" for weight, metric in self.terms)


def _is_number(weight: object) -> bool:
    return isinstance(weight, int | float | np.number) and not isinstance(weight, bool)
