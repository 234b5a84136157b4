"""What a functional environment tells: a time step, built by four verbs.

`restart` begins an episode, `transition` goes on, `termination` ends it, and `truncation` cuts it off, so that what
would have followed still counts: the discount says how much.
"""

from dataclasses import field, replace
from enum import IntEnum
from typing import Any, Generic, TypeVar, final

from sekai.core.result import ByValue, ObsT_co, frozen

__all__ = ["StepType", "TimeStep", "restart", "termination", "transition", "truncation"]


_ObsT = TypeVar("_ObsT")


class StepType(IntEnum):
    """Where in its episode a time step stands."""

    FIRST = 0
    MID = 1
    LAST = 2


@final
@frozen
class TimeStep(ByValue, Generic[ObsT_co]):
    """Where a step led, what it paid, and how much of what follows counts: `discount`, 0 after a true end.

    The first one of an episode pays 0 with discount 1. `extras` is what there is to say besides. In a batch, step
    types, rewards and discounts are arrays `(n,)`. Two time steps are equal when they hold the same values.
    """

    step_type: StepType
    reward: Any
    discount: Any
    observation: ObsT_co
    extras: dict[str, Any] = field(default_factory=dict)

    def first(self) -> bool:
        """Say whether an episode begins here."""
        return self.step_type == StepType.FIRST

    def mid(self) -> bool:
        """Say whether an episode goes on from here and began before."""
        return self.step_type == StepType.MID

    def last(self) -> bool:
        """Say whether an episode ends here."""
        return self.step_type == StepType.LAST

    def replace(self, **changes: Any) -> "TimeStep[Any]":
        """Return a time step with these fields changed."""
        return replace(self, **changes)


def restart(observation: _ObsT, extras: dict[str, Any] | None = None) -> TimeStep[_ObsT]:
    """Return the first time step of an episode."""
    return TimeStep(StepType.FIRST, 0.0, 1.0, observation, extras or {})


def transition(
    reward: Any, observation: _ObsT, discount: Any = 1.0, extras: dict[str, Any] | None = None
) -> TimeStep[_ObsT]:
    """Return a time step after which the episode goes on."""
    return TimeStep(StepType.MID, reward, discount, observation, extras or {})


def termination(reward: Any, observation: _ObsT, extras: dict[str, Any] | None = None) -> TimeStep[_ObsT]:
    """Return the last time step of an episode that has come to its end: nothing follows."""
    return TimeStep(StepType.LAST, reward, 0.0, observation, extras or {})


def truncation(
    reward: Any, observation: _ObsT, discount: Any = 1.0, extras: dict[str, Any] | None = None
) -> TimeStep[_ObsT]:
    """Return the last time step of an episode that is cut off."""
    return TimeStep(StepType.LAST, reward, discount, observation, extras or {})
