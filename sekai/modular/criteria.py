"""When an agent's episode is over, as a part: a question to its environment.

Criteria combine: `ruined | (late & ~winning)`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from sekai.error import SekaiError

__all__ = ["AllOf", "AnyOf", "NeverTerminate", "Not", "TerminationCriterion"]

_EnvT = TypeVar("_EnvT", contravariant=True)


class TerminationCriterion(ABC, Generic[_EnvT]):
    """Whether an episode has come to its end. Asked is a `ModularEnv`, or the `AgentEpisode` of one of many agents."""

    @abstractmethod
    def should_terminate(self, env: _EnvT) -> bool:
        """Say whether the episode of `env` ends in its current state."""

    def __and__(self, other: "TerminationCriterion[_EnvT]") -> "AllOf[_EnvT]":
        return AllOf([self, other]) if isinstance(other, TerminationCriterion) else NotImplemented

    def __or__(self, other: "TerminationCriterion[_EnvT]") -> "AnyOf[_EnvT]":
        return AnyOf([self, other]) if isinstance(other, TerminationCriterion) else NotImplemented

    def __invert__(self) -> "Not[_EnvT]":
        return Not(self)


class NeverTerminate(TerminationCriterion[Any]):
    """Goes on for ever."""

    def should_terminate(self, env: Any) -> bool:
        """Say no."""
        return False


class AllOf(TerminationCriterion[_EnvT]):
    """Ends when all of `criteria` say so."""

    def __init__(self, criteria: "Iterable[TerminationCriterion[_EnvT]]") -> None:
        self.criteria = _checked(criteria)

    def should_terminate(self, env: _EnvT) -> bool:
        """Ask until one says no."""
        return all(criterion.should_terminate(env) for criterion in self.criteria)


class AnyOf(TerminationCriterion[_EnvT]):
    """Ends when one of `criteria` says so."""

    def __init__(self, criteria: "Iterable[TerminationCriterion[_EnvT]]") -> None:
        self.criteria = _checked(criteria)

    def should_terminate(self, env: _EnvT) -> bool:
        """Ask until one says yes."""
        return any(criterion.should_terminate(env) for criterion in self.criteria)


class Not(TerminationCriterion[_EnvT]):
    """Ends when `criterion` would not."""

    def __init__(self, criterion: "TerminationCriterion[_EnvT]") -> None:
        (self.criterion,) = _checked([criterion])

    def should_terminate(self, env: _EnvT) -> bool:
        """Say the opposite."""
        return not self.criterion.should_terminate(env)


def _checked(criteria: "Iterable[TerminationCriterion[_EnvT]]") -> "tuple[TerminationCriterion[_EnvT], ...]":
    criteria = tuple(criteria)
    for criterion in criteria:
        if not isinstance(criterion, TerminationCriterion):
            raise SekaiError(f"criteria must be of TerminationCriterion, got {criterion!r}")
    return criteria
