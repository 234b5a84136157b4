"""When an episode ends, as a part: a question about its environment.

Criteria combine: `ruined | (late & ~winning)`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from sekai.error import SekaiError

__all__ = ["AllOf", "AnyOf", "NeverTerminate", "Not", "TerminationCriterion"]

_EnvT = TypeVar("_EnvT", contravariant=True)


class TerminationCriterion(ABC, Generic[_EnvT]):
    """Decides whether an episode ends; `env` is a `ModularEnv`, or the `AgentEpisode` of one of many agents."""

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
    """Never ends the episode."""

    def should_terminate(self, env: Any) -> bool:
        """Return False."""
        return False


class AllOf(TerminationCriterion[_EnvT]):
    """Ends the episode when all of `criteria` do."""

    def __init__(self, criteria: "Iterable[TerminationCriterion[_EnvT]]") -> None:
        self.criteria = _checked(criteria)

    def should_terminate(self, env: _EnvT) -> bool:
        """Say whether all of them end the episode."""
        return all(criterion.should_terminate(env) for criterion in self.criteria)


class AnyOf(TerminationCriterion[_EnvT]):
    """Ends the episode when one of `criteria` does."""

    def __init__(self, criteria: "Iterable[TerminationCriterion[_EnvT]]") -> None:
        self.criteria = _checked(criteria)

    def should_terminate(self, env: _EnvT) -> bool:
        """Say whether one of them ends the episode."""
        return any(criterion.should_terminate(env) for criterion in self.criteria)


class Not(TerminationCriterion[_EnvT]):
    """Ends the episode when `criterion` does not."""

    def __init__(self, criterion: "TerminationCriterion[_EnvT]") -> None:
        (self.criterion,) = _checked([criterion])

    def should_terminate(self, env: _EnvT) -> bool:
        """Return the opposite of what `criterion` says."""
        return not self.criterion.should_terminate(env)


def _checked(criteria: "Iterable[TerminationCriterion[_EnvT]]") -> "tuple[TerminationCriterion[_EnvT], ...]":
    criteria = tuple(criteria)
    for criterion in criteria:
        if not isinstance(criterion, TerminationCriterion):
            raise SekaiError(f"criteria must be of TerminationCriterion, got {criterion!r}")
    return criteria
