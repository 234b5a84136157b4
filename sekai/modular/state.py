"""States, each with the action that led to it, and the status of an environment."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sekai.core.result import ByValue
from sekai.error import ResetRequired

__all__ = ["EnvPreconditionError", "EnvStatus", "StateAction", "ViewState"]

_ObsT = TypeVar("_ObsT")
_StateT = TypeVar("_StateT", bound="StateAction")
_ViewT = TypeVar("_ViewT")


class EnvPreconditionError(ResetRequired, RuntimeError):
    """Raised when something needs a current state and there is none: before `reset`, or after `close`."""


@dataclass(kw_only=True)
class StateAction:
    """A state and the action that led to it. A subclass is a dataclass that adds the fields of its own state.

    `normalized_action_arr` is the action, scaled as the parts want it; None, commonly, where no action came before.
    """

    normalized_action_arr: Any


@dataclass(kw_only=True)
class ViewState(StateAction, Generic[_ViewT]):
    """A state that holds one agent's `view`.

    `action` is the decoded action that led here, `noted` what the reward metric's `note` returned before it, and `paid`
    the environment's own reward for it. `first` says that no action came before.
    """

    view: _ViewT
    action: Any = None
    noted: Any = None
    paid: float = 0.0
    first: bool = False


@dataclass(kw_only=True, eq=False)
class EnvStatus(ByValue, Generic[_StateT, _ObsT]):
    """All current values of an environment; None where there is none."""

    __reduce__ = object.__reduce__  # by what it holds: its constructor takes keywords only

    episode_len: int
    state_action: _StateT | None
    observation: _ObsT | None
    reward: float | None
    is_terminated: bool
    is_truncated: bool
    is_closed: bool
    info: dict[str, Any]
