"""What `reset` and `step` return: frozen values, cheap to build, safe to keep and to compare.

Two results are equal when they hold the same values: arrays by shape, dtype and content, NaN equal to itself, since
the question asked is "did the two runs do the same?". They hold mutable arrays, so they have no hash.
"""

from collections.abc import Mapping, Set
from dataclasses import Field, FrozenInstanceError, dataclass, field, fields
from inspect import signature
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, TypeAlias, TypeVar, dataclass_transform, final

import numpy as np

__all__ = [
    "AgentID",
    "AgentT",
    "ByValue",
    "MAResetResult",
    "MAStepResult",
    "ObsT_co",
    "ResetResult",
    "StepResult",
    "frozen",
    "joined",
    "of_agent",
    "same",
    "snapshot",
]

AgentID: TypeAlias = str
"""How agents are called. An environment may say more: `MultiAgentEnv[Literal["maker", "taker"]]`, or a StrEnum's."""

if TYPE_CHECKING:
    from typing_extensions import TypeVar as _TypeVar

    AgentT = _TypeVar("AgentT", bound=str, default=str)
else:
    AgentT = TypeVar("AgentT", bound=str)
ObsT_co = TypeVar("ObsT_co", covariant=True)

_T = TypeVar("_T")


def same(left: Any, right: Any) -> bool:
    """Say whether two values are the same: arrays and containers by content, NaN equal to NaN.

    >>> same({"a": np.array([1.0, np.nan])}, {"a": np.array([1.0, np.nan])})
    True
    """
    if left is right:
        return True
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return _same_arrays(left, right)
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return type(left) is type(right) and len(left) == len(right) and all(map(same, left, right))
    try:
        return bool(left == right) or bool(left != left and right != right)
    except (TypeError, ValueError):
        return False


def _same_arrays(left: Any, right: Any) -> bool:
    if not (isinstance(left, np.ndarray) and isinstance(right, np.ndarray)):
        return False
    if left.shape != right.shape or left.dtype != right.dtype:
        return False
    if left.dtype.kind in "fc":
        return bool(np.array_equal(left, right, equal_nan=True))
    return bool(np.array_equal(left, right))


def snapshot(value: Any) -> Any:
    """Return a copy of `value`, a result or what one holds, that stays as it is when an environment reuses its memory.

    Results, dicts, lists, tuples and NumPy arrays are copied, one inside the other; anything else is not.
    """
    if isinstance(value, np.ndarray):
        return value.copy()
    if type(value) is dict:
        return {name: snapshot(part) for name, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(snapshot, value))
    if isinstance(value, ByValue):
        return type(value)(*(snapshot(getattr(value, f.name)) for f in fields(value)))
    return value


class ByValue:
    """Equality by value over the fields of a dataclass; copied and pickled by its constructor."""

    __slots__ = ()
    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(same(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        return type(self), tuple(getattr(self, f.name) for f in fields(self))


@dataclass_transform(eq_default=False, frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[_T]) -> type[_T]:
    """Make `cls` a frozen dataclass with slots that is cheap to build and has no subclasses.

    Calling it calls an open dataclass with the same slots, whose objects turn into frozen ones when their fields are
    set: 0.22 us for a `StepResult`, where setting slots past a frozen class takes 0.34 us, a frozen dataclass 0.56 us.
    """

    def freeze(self: Any) -> None:
        self.__class__ = made

    def reject(self: Any, name: str, value: Any = None) -> NoReturn:
        raise FrozenInstanceError(f"cannot change {name!r} of a {cls.__name__}: use dataclasses.replace")

    def reject_subclass(subclass: type[Any], /, **_: Any) -> NoReturn:
        raise TypeError(f"{subclass.__name__} must not inherit from {cls.__name__}, which is final: hold one instead")

    cls.__post_init__ = freeze  # type: ignore[attr-defined]
    opened: Any = dataclass(eq=False, slots=True)(cls)
    calls_opened = type("Frozen", (type,), {"__call__": opened})
    body = {
        "__slots__": (),
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
        "__signature__": signature(opened),
        "__setattr__": reject,
        "__delattr__": reject,
    }
    made: Any = calls_opened(cls.__name__, (opened,), body)
    made.__parameters__ = getattr(opened, "__parameters__", ())
    opened.__init_subclass__ = classmethod(reject_subclass)
    return made  # type: ignore[no-any-return]


@final
@frozen
class ResetResult(ByValue, Generic[ObsT_co]):
    """The first observation of an episode, and its info."""

    observation: ObsT_co
    info: dict[str, Any]


@final
@frozen
class StepResult(ByValue, Generic[ObsT_co]):
    """One transition of one agent: the observation it led to, its reward, and whether the episode is over."""

    observation: ObsT_co
    reward: float
    terminated: bool
    truncated: bool
    info: dict[str, Any]

    @property
    def done(self) -> bool:
        """Whether the episode is over: terminated or truncated."""
        return self.terminated or self.truncated


@final
@frozen
class MAResetResult(ByValue, Generic[AgentT]):
    """The first observations and the infos of the agents that act first; both dicts have the same keys."""

    observations: dict[AgentT, Any]
    info: dict[AgentT, dict[str, Any]]

    @property
    def infos(self) -> dict[AgentT, dict[str, Any]]:
        """The same as `info`."""
        return self.info


@final
@frozen
class MAStepResult(ByValue, Generic[AgentT]):
    """Complete transitions: those of the agents that act next and of those that have just finished.

    The first five dicts have the same keys. A reward is everything that the agent earned since its last action. `first`
    has the agents whose first observation this is: no action came before it, so there is no transition to learn from,
    and the reward is 0. `elapsed` is the time since the agent's last action, in the environment's own unit, where
    agents have clocks of their own; else it is empty.
    """

    observations: dict[AgentT, Any]
    rewards: dict[AgentT, float]
    terminated: dict[AgentT, bool]
    truncated: dict[AgentT, bool]
    info: dict[AgentT, dict[str, Any]]
    first: Set[AgentT] = frozenset()
    elapsed: dict[AgentT, float] = field(default_factory=dict)

    @property
    def infos(self) -> dict[AgentT, dict[str, Any]]:
        """The same as `info`."""
        return self.info

    @property
    def all_done(self) -> bool:
        """Whether every agent here is done: nobody acts next, so the episode is over."""
        truncated = self.truncated
        for agent, terminated in self.terminated.items():  # noqa: SIM110  a generator costs 0.2 us more
            if not (terminated or truncated[agent]):
                return False
        return True

    @property
    def any_done(self) -> bool:
        """Whether some agent here has just finished."""
        return True in self.terminated.values() or True in self.truncated.values()


def of_agent(result: MAStepResult[AgentT], agent: AgentT) -> StepResult[Any]:
    """Return an agent's transition out of the result of many."""
    return StepResult(
        result.observations[agent],
        result.rewards[agent],
        result.terminated[agent],
        result.truncated[agent],
        result.info[agent],
    )


def joined(
    results: Mapping[AgentT, StepResult[Any]], first: Set[AgentT], elapsed: dict[AgentT, float]
) -> MAStepResult[AgentT]:
    """Return the transitions of several agents as one result."""
    return MAStepResult(
        {agent: result.observation for agent, result in results.items()},
        {agent: result.reward for agent, result in results.items()},
        {agent: result.terminated for agent, result in results.items()},
        {agent: result.truncated for agent, result in results.items()},
        {agent: result.info for agent, result in results.items()},
        first,
        elapsed,
    )
