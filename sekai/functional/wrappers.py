"""Wrappers around an environment of one agent: it begins again by itself, stands in n rows, or is held to its specs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, cast

import numpy as np

from sekai.error import InvalidAction, SekaiError
from sekai.functional.environment import ActionSpecT, Environment, ObsT, State, StateT
from sekai.functional.keys import Key
from sekai.functional.specs import Array, BoundedArray, DictSpec, Spec, TupleSpec, from_space, part_of
from sekai.functional.timestep import TimeStep
from sekai.spaces.utils import batch_space
from sekai.wrappers.episode import restarted_info

__all__ = ["AutoResetState", "AutoResetWrapper", "BatchWrapper", "ValidateWrapper", "Wrapper"]


class Wrapper(Environment[StateT, ActionSpecT, ObsT]):
    """An environment around `env`, the same until a subclass changes something; specs are `env`'s until assigned."""

    def __init__(self, env: Environment[StateT, ActionSpecT, ObsT]) -> None:
        if not isinstance(env, Environment):
            raise SekaiError(f"env must be a functional Environment, got {env!r}")
        self.env: Environment[Any, Any, Any] = env

    def reset(self, key: Key) -> tuple[StateT, TimeStep[ObsT]]:
        """Begin an episode of `env`."""
        return self.env.reset(key)

    def step(self, state: StateT, action: Any) -> tuple[StateT, TimeStep[ObsT]]:
        """Step `env`."""
        return self.env.step(state, action)

    @cached_property
    def observation_spec(self) -> Spec[ObsT]:
        """What observations are."""
        return self.env.observation_spec

    @cached_property
    def action_spec(self) -> ActionSpecT:
        """What actions are."""
        return self.env.action_spec  # type: ignore[no-any-return]

    @cached_property
    def reward_spec(self) -> Array:
        """What rewards are."""
        return self.env.reward_spec

    @cached_property
    def discount_spec(self) -> BoundedArray:
        """What discounts are."""
        return self.env.discount_spec

    @property
    def unwrapped(self) -> Any:
        """The environment underneath all wrappers."""
        return self.env.unwrapped

    def render(self, state: StateT) -> Any:
        """Return `env`'s picture of `state`."""
        return self.env.render(state)

    def close(self) -> None:
        """Close `env`."""
        self.env.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.env!r})>"


@dataclass(frozen=True, eq=False)
class AutoResetState(State, Generic[StateT]):
    """A state, and the key that the next episodes come from."""

    state: StateT
    key: Key


class AutoResetWrapper(Wrapper[AutoResetState[StateT], ActionSpecT, ObsT]):
    """Begins the next episode in the very step that ends one.

    The time step has the reward, the discount and the step type of the end, and the first observation of the new
    episode; `extras` has `final_observation`, `final_info` and `reset_info`, as `sekai.AutoReset` has them.
    """

    def __init__(self, env: Environment[StateT, ActionSpecT, ObsT]) -> None:
        super().__init__(cast(Any, env))

    def reset(self, key: Key) -> tuple[AutoResetState[StateT], TimeStep[ObsT]]:
        """Begin an episode."""
        now, later = key.split()
        state, timestep = self.env.reset(now)
        return AutoResetState(state, later), timestep

    def step(self, state: AutoResetState[StateT], action: Any) -> tuple[AutoResetState[StateT], TimeStep[ObsT]]:
        """Step, and reset after the end."""
        inner, timestep = self.env.step(state.state, action)
        if not timestep.last():
            return AutoResetState(inner, state.key), timestep
        begun, first = self.reset(state.key)
        extras = restarted_info(timestep.observation, timestep.extras, first.extras)
        return begun, timestep.replace(observation=first.observation, extras=extras)

    def render(self, state: AutoResetState[StateT]) -> Any:
        """Return `env`'s picture of the state within."""
        return self.env.render(state.state)


class BatchWrapper(Wrapper[tuple[StateT, ...], Any, Any]):
    """`n` environments side by side: a tuple of states, and time steps whose every array has n rows.

    `reset` takes one key, which it splits, or n; extras are stacked by name in a list. Specs are those of the batch.
    """

    def __init__(self, env: Environment[StateT, Any, Any], n: int) -> None:
        super().__init__(cast(Any, env))
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise SekaiError(f"n must be an integer >= 1, got {n!r}")
        self.n = n

    def reset(self, key: Key | Sequence[Key]) -> tuple[tuple[StateT, ...], TimeStep[Any]]:
        """Begin n episodes."""
        keys = key.split(self.n) if isinstance(key, Key) else self._n_of(key, "keys")
        return self._stacked([self.env.reset(k) for k in keys])

    def step(self, state: tuple[StateT, ...], action: Any) -> tuple[tuple[StateT, ...], TimeStep[Any]]:
        """Step each with its row of the action."""
        states = self._n_of(state, "states")
        actions = [_row(self.env.action_spec, action, k, self.n) for k in range(self.n)]
        return self._stacked([self.env.step(s, a) for s, a in zip(states, actions, strict=True)])

    @cached_property
    def observation_spec(self) -> Spec[Any]:
        """What the observations are, row by row."""
        return _batched(self.env.observation_spec, self.n)

    @cached_property
    def action_spec(self) -> Any:
        """What the actions are, row by row."""
        return _batched(self.env.action_spec, self.n)

    @cached_property
    def reward_spec(self) -> Array:
        """What the rewards are, row by row."""
        return _batched(self.env.reward_spec, self.n)  # type: ignore[return-value]

    @cached_property
    def discount_spec(self) -> BoundedArray:
        """What the discounts are, row by row."""
        return _batched(self.env.discount_spec, self.n)  # type: ignore[return-value]

    def render(self, state: tuple[StateT, ...]) -> Any:
        """Return `env`'s picture of the first state."""
        return self.env.render(state[0])

    def _n_of(self, given: Sequence[Any], what: str) -> Sequence[Any]:
        if len(given) != self.n:
            raise SekaiError(f"{what} must be {self.n}, got {len(given)}")
        return given

    def _stacked(self, rows: list[tuple[StateT, TimeStep[Any]]]) -> tuple[tuple[StateT, ...], TimeStep[Any]]:
        states, steps = zip(*rows, strict=True)
        return states, TimeStep(
            np.array([step.step_type for step in steps], np.int8),  # type: ignore[arg-type]
            np.array([step.reward for step in steps], self.env.reward_spec.dtype),
            np.array([step.discount for step in steps], self.env.discount_spec.dtype),
            _stack(self.env.observation_spec, [step.observation for step in steps]),
            {name: [step.extras.get(name) for step in steps] for step in steps for name in step.extras},
        )


class ValidateWrapper(Wrapper[StateT, ActionSpecT, ObsT]):
    """Holds every action, observation, reward and discount to its spec; raises `SpaceMismatch` for what is outside."""

    def reset(self, key: Key) -> tuple[StateT, TimeStep[ObsT]]:
        """Begin an episode, checked."""
        state, timestep = self.env.reset(key)
        return state, self._validated(timestep)

    def step(self, state: StateT, action: Any) -> tuple[StateT, TimeStep[ObsT]]:
        """Step, checked."""
        state, timestep = self.env.step(state, self.action_spec.validate(action))
        return state, self._validated(timestep)

    def _validated(self, timestep: TimeStep[ObsT]) -> TimeStep[ObsT]:
        self.reward_spec.validate(timestep.reward)
        self.discount_spec.validate(timestep.discount)
        return timestep.replace(observation=self.observation_spec.validate(timestep.observation))


def _batched(spec: Spec[Any], n: int) -> Spec[Any]:
    """Return the spec of n values side by side."""
    if isinstance(spec, DictSpec):
        return DictSpec({name: _batched(part, n) for name, part in spec.specs.items()}, spec.constructor, spec.name)
    if isinstance(spec, TupleSpec):
        return TupleSpec([_batched(part, n) for part in spec], spec.name)
    return from_space(batch_space(spec.to_space(), n), spec.name)


def _stack(spec: Spec[Any], values: Sequence[Any]) -> Any:
    """Return n values side by side: arrays `(n, *shape)`, a tuple of what is no array."""
    if isinstance(spec, DictSpec):
        parts = spec.specs.items()
        return spec.constructor(**{name: _stack(part, [part_of(v, name) for v in values]) for name, part in parts})
    if isinstance(spec, TupleSpec):
        return tuple(_stack(part, [value[k] for value in values]) for k, part in enumerate(spec))
    return np.stack([np.asarray(v, spec.dtype) for v in values]) if isinstance(spec, Array) else tuple(values)


def _row(spec: Spec[Any], values: Any, k: int, n: int) -> Any:
    """Return value k of n side by side; raises `InvalidAction` for another number of them."""
    if isinstance(spec, DictSpec):
        return spec.constructor(**{name: _row(p, part_of(values, name), k, n) for name, p in spec.specs.items()})
    if isinstance(spec, TupleSpec):
        return tuple(_row(part, value, k, n) for part, value in zip(spec, values, strict=True))
    if not hasattr(values, "__len__") or len(values) != n:
        raise InvalidAction(f"{spec.name or 'action'} must have {n} rows, got {values!r}")
    return values[k]
