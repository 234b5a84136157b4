"""Wrappers that change, repeat or reject actions."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sekai.core.env import Env
from sekai.core.program import Program, Step
from sekai.core.result import AgentID, StepResult
from sekai.core.wrapper import ActionWrapper, EnvActT, EnvObsT, ProgramWrapper
from sekai.error import InvalidAction, SekaiError, SpaceMismatch
from sekai.spaces.box import Box
from sekai.spaces.masks import allows
from sekai.spaces.space import Space
from sekai.spaces.tree import Path, map_space, map_value, real_dtype
from sekai.wrappers.affine import Affine
from sekai.wrappers.needs import need_box, need_whole

__all__ = ["CheckAction", "ClipAction", "RepeatAction", "RescaleAction", "StickyAction", "TransformAction"]


class TransformAction(ActionWrapper[EnvObsT, Any]):
    """Applies `fn` to actions; `action_space` is the space of its argument, if that differs from the env's."""

    def __init__(
        self, env: Env[EnvObsT, Any], fn: Callable[[Any], Any], action_space: Space[Any] | None = None
    ) -> None:
        super().__init__(env)
        if not callable(fn):
            raise SekaiError(f"fn must be callable on an action, got {fn!r}")
        self.fn = fn
        if action_space is not None:
            self.action_space = action_space

    def action(self, action: Any) -> Any:
        """Return `fn(action)`."""
        return self.fn(action)


class ClipAction(ActionWrapper[EnvObsT, EnvActT]):
    """Clips actions to the bounds of every Box in the action space; its own action space has no bounds.

    Raises `SpaceMismatch` for an action space without a Box.
    """

    over_rows = True

    def __init__(self, env: Env[EnvObsT, EnvActT]) -> None:
        super().__init__(env)
        self._inner = env.action_space
        need_box(self, self._inner)
        self.action_space = map_space(_unbounded, self._inner)

    def action(self, action: Any) -> Any:
        """Return the nearest action within the bounds."""
        return map_value(_clipped, self._inner, action)


def _clipped(space: Space[Any], value: Any, path: Path) -> Any:
    return np.minimum(np.maximum(value, space.low), space.high) if isinstance(space, Box) else value


def _unbounded(space: Space[Any], path: Path) -> Space[Any]:
    return Box(-np.inf, np.inf, space.shape, space.dtype) if isinstance(space, Box) else space


class RescaleAction(ActionWrapper[EnvObsT, EnvActT]):
    """Maps [`min`, `max`] linearly to the bounds of every Box in the action space.

    Actions beyond [`min`, `max`] are not clipped; `ClipAction` does that. Integers are rounded to the nearest. Raises
    `SpaceMismatch` for a Box without bounds, and where there is no Box.
    """

    over_rows = True

    def __init__(self, env: Env[EnvObsT, EnvActT], min: float = -1.0, max: float = 1.0) -> None:
        super().__init__(env)
        if not min < max:
            raise SekaiError(f"min must be < max, got {min} and {max}")
        self.min, self.max = float(min), float(max)
        self._inner = env.action_space
        need_box(self, self._inner)
        self._lines: dict[Path, tuple[Affine, Affine]] = {}
        self.action_space = map_space(self._narrowed, self._inner)

    def action(self, action: Any) -> Any:
        """Return the environment's action."""
        return map_value(self._widened, self._inner, action)

    def reverse_action(self, action: Any) -> Any:
        """Return the action in [min, max] that becomes the environment's `action`."""
        return map_value(self._reversed, self._inner, action)

    def _narrowed(self, space: Space[Any], path: Path) -> Space[Any]:
        if not isinstance(space, Box):
            return space
        if not all(space.is_bounded):
            raise SpaceMismatch(f"RescaleAction needs bounds on both sides, got {space} at {list(path)}")
        narrow = Box(self.min, self.max, space.shape, real_dtype(space))
        self._lines[path] = Affine(narrow, space), Affine(space, narrow)
        return narrow

    def _widened(self, space: Space[Any], value: Any, path: Path) -> Any:
        return self._lines[path][0](value) if path in self._lines else value

    def _reversed(self, space: Space[Any], value: Any, path: Path) -> Any:
        return self._lines[path][1](value) if path in self._lines else value


class StickyAction(ActionWrapper[EnvObsT, EnvActT]):
    """Repeats the last action with some probability, instead of the one asked for (Machado et al., 2018).

    It draws from the environment's random stream; around many agents, from a stream of each agent's own.
    """

    def __init__(self, env: Env[EnvObsT, EnvActT], repeat_action_probability: float) -> None:
        super().__init__(env)
        if not 0.0 <= repeat_action_probability < 1.0:
            raise SekaiError(f"repeat_action_probability must be in [0, 1), got {repeat_action_probability}")
        self.repeat_action_probability = repeat_action_probability
        self._last: Any = None
        self._any = False

    def on_begin(self) -> None:
        """Forget the last action."""
        self._last, self._any = None, False

    def action(self, action: Any) -> Any:
        """Return `action`, or the last one."""
        if not self._any or self.rng.random() >= self.repeat_action_probability:
            self._last, self._any = action, True
        return self._last


class RepeatAction(ProgramWrapper[EnvObsT, EnvActT]):
    """Takes each action `times` times, or until the end, and adds up the rewards; each of many agents by itself."""

    def __init__(self, env: Env[EnvObsT, EnvActT], times: int) -> None:
        super().__init__(env)
        self.times = need_whole("times", times, 1)

    def program(self, action: Any) -> Program[Any]:
        """Step with the same action, and add up the rewards."""
        earned = 0.0
        for _ in range(self.times):
            result: StepResult[Any] = yield Step(action)
            earned += result.reward
            if result.terminated or result.truncated:
                break
        return StepResult(result.observation, earned, result.terminated, result.truncated, result.info)


class CheckAction(ActionWrapper[EnvObsT, EnvActT]):
    """Raises `InvalidAction` for an action outside the action space, or one that the action mask does not allow."""

    def __init__(self, env: Env[EnvObsT, EnvActT]) -> None:
        super().__init__(env)
        self._who = ""

    def on_birth(self, agent: AgentID, kin: Sequence[Any]) -> None:
        """Remember whose actions these are, for errors."""
        self._who = f" of {agent!r}"

    def action(self, action: Any) -> Any:
        """Return `action`, checked."""
        space = self.env.action_space
        if action not in space:
            form = f", {action.dtype} {action.shape}" if isinstance(action, np.ndarray) else ""
            raise InvalidAction(f"action{self._who} must be in {space}, got {action!r}{form}")
        mask = self.env.action_mask()
        if mask is not None and not allows(space, mask, action):
            raise InvalidAction(f"action{self._who} must be one that the mask {mask!r} allows, got {action!r}")
        return action
