"""From a seat as data to a seat in a row: which kernels run for it, what they read, and what outside is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sekai.error import SekaiError
from sekai.markets import config
from sekai.markets.engine.jit import kernel
from sekai.markets.engine.running import has_gone_beyond, run_all, run_python
from sekai.markets.engine.seats import PartPlan, SeatPlan, Windows
from sekai.markets.engine.terms import Clock
from sekai.markets.parts import Phase
from sekai.markets.parts.base import Action, Kernel, Observation, Part
from sekai.markets.parts.roles import Role, action_space, observation_space
from sekai.markets.units import nanoseconds
from sekai.spaces import Box, Dict, Discrete, MultiDiscrete, Space

__all__ = ["Kernels", "SeatFace", "check_parts", "plan_of", "seen_by", "sends_special"]

_CLOCKS = {
    "periodic": Clock.EVERY_NS,
    "poisson": Clock.POISSON,
    "trades": Clock.EVERY_TRADES,
    "fills": Clock.OWN_FILLS,
}
_POLICY_MEMORY, _POLICY_SLOTS = 8, 16  # of a policy that does not say


@kernel
def _stand_in(row: Any, me: int) -> int:
    """Do nothing: what runs in the engine for a part that is written in plain Python."""
    return 0


class Kernels:
    """The kernels of a market by number. Number 0 is the venue's own, for messages that are not plain."""

    def __init__(self) -> None:
        self.functions: list[Kernel] = []

    def number(self, function: Any) -> int:
        """Return the number of a kernel, a new one where it is new."""
        function = getattr(function, "__func__", function)  # a method, where a class holds a function
        if function not in self.functions:
            self.functions.append(function)
        return 1 + self.functions.index(function)


def _is_python(function: Kernel | None) -> bool:
    """Say whether a part's kernel is a plain function, which outside must run."""
    return not hasattr(function, "py_func") and not getattr(function, "is_kernel", False)


@dataclass(frozen=True)
class SeatFace:
    """An outside seat as the environment knows it: its role's parts, its spaces, and where its windows are."""

    name: str
    number: int
    role: Role
    observations: tuple[Observation, ...]
    windows: Windows

    @cached_property
    def observation_space(self) -> Dict:
        """The space of what the seat sees."""
        return observation_space(self.observations)

    @cached_property
    def action_space(self) -> Space[Any]:
        """The space of what the seat may do."""
        return action_space(self.role.actions, joint=self.role.joint)

    @cached_property
    def is_real(self) -> bool:
        """Whether some number of an action is not a whole one."""
        return any(not part.choices for part in self.role.actions)

    @cached_property
    def terms(self) -> tuple[str, ...]:
        """The names of the rewards."""
        return tuple(part.name for part in self.role.rewards)

    def flat_action(self, action: Any) -> NDArray[Any]:
        """Return an action that is no array as one: the numbers of its parts, one behind the other."""
        if isinstance(action, dict) and isinstance(self.action_space, Dict):
            named = [np.atleast_1d(np.asarray(action.get(part.name, np.nan))) for part in self.role.actions]
            return np.concatenate([entry.astype(np.float64) for entry in named])
        try:
            return np.atleast_1d(np.asarray(action))
        except ValueError:
            return np.empty(0)

    # --- parts in plain Python: handle of the part, function, and what else is needed ---------------------------------
    def _parts(self, parts: Sequence[Part], skipped: int) -> list[tuple[int, Kernel, int]]:
        records = self.windows.parts[skipped : skipped + len(parts)]
        return [
            (record, part.kernel, k)
            for k, (part, record) in enumerate(zip(parts, records, strict=True))
            if part.kernel is not None and _is_python(part.kernel)
        ]

    @cached_property
    def python_observations(self) -> list[tuple[int, Kernel, int]]:
        """The observations in plain Python."""
        return self._parts(self.observations, 0)

    @cached_property
    def python_actions(self) -> list[tuple[int, Kernel, int]]:
        """The actions in plain Python."""
        return self._parts(self.role.actions, len(self.observations))

    @cached_property
    def python_rewards(self) -> list[tuple[int, Kernel, int]]:
        """The rewards in plain Python."""
        return self._parts(self.role.rewards, len(self.observations) + len(self.role.actions))

    @cached_property
    def python_ends(self) -> list[tuple[int, Kernel, int]]:
        """The ends in plain Python."""
        before = len(self.observations) + len(self.role.actions) + len(self.role.rewards)
        return self._parts(self.role.ends, before)

    @cached_property
    def has_python(self) -> bool:
        """Whether any part is in plain Python."""
        lists = (self.python_observations, self.python_actions, self.python_rewards, self.python_ends)
        return any(lists)


def seen_by(seat: config.Seat, venue: config.Venue) -> tuple[Observation, ...]:
    """Return what an outside seat sees: its role's observations, and the phase where the venue has phases."""
    assert seat.role is not None
    seen = seat.role.observations
    is_told = any(isinstance(part, Phase) for part in seen)
    return (*seen, Phase()) if venue.has_phases and not is_told else seen


def plan_of(seat: config.Seat, seen: tuple[Observation, ...], book: int, kernels: Kernels) -> SeatPlan:
    """Return what a seat needs of a row; `seen` is what it sees, if it is played from outside."""
    clock = seat.clock
    every = nanoseconds(clock.every_s) if isinstance(clock, config.Periodic | config.Poisson) else 0
    plan = SeatPlan(
        name=seat.name,
        book=book,
        clock=_CLOCKS[clock.kind],
        every=clock.trades if isinstance(clock, config.EveryTrades) else every,
        latency_ns=nanoseconds(seat.latency_s),
        lag_ns=nanoseconds(seat.market_data_lag_s),
    )
    if seat.policy is not None:
        return _with_policy(plan, seat.policy, kernels)
    assert seat.role is not None
    return _with_role(plan, seat.role, seen, kernels)


def _with_policy(plan: SeatPlan, policy: config.CompiledPolicy, kernels: Kernels) -> SeatPlan:
    part = PartPlan(
        kernel=kernels.number(policy.kernel),
        parameters=tuple(map(float, policy.parameters)),
        memory=int(getattr(policy, "memory", _POLICY_MEMORY)),
    )
    return replace(plan, policy=part, slots=int(getattr(policy, "slots", _POLICY_SLOTS)))


def _with_role(plan: SeatPlan, role: Role, seen: tuple[Observation, ...], kernels: Kernels) -> SeatPlan:
    observations = [_part(part, kernels, size=part.size) for part in seen]
    actions = [
        _part(part, kernels, size=part.size, slots=part.slots, mask=_mask(part, kernels), options=sum(part.choices))
        for part in role.actions
    ]
    rewards = [_part(part, kernels, size=1, weight=part.weight) for part in role.rewards]
    ends = [_part(part, kernels) for part in role.ends]
    bounds = [bound for part in role.actions for bound in _bounds(part)]
    joint = int(action_space(role.actions, joint=True).n) if role.joint else 0  # type: ignore[attr-defined]
    most_fills = max((int(getattr(part, "fills", 0)) for part in seen), default=0)
    most_rejects = max((int(getattr(part, "rejects", 0)) for part in seen), default=0)
    return replace(
        plan,
        observations=observations,
        actions=actions,
        rewards=rewards,
        ends=ends,
        bounds=bounds,
        joint=joint,
        slots=sum(part.slots for part in role.actions),
        fills=max(most_fills, 8),
        rejects=max(most_rejects, 8),
    )


def _part(part: Part, kernels: Kernels, **more: Any) -> PartPlan:
    if part.kernel is None:
        raise SekaiError(f"part {part.name!r} ({type(part).__name__}) has no kernel: give the class one, kernel=...")
    function = _stand_in if _is_python(part.kernel) else part.kernel
    return PartPlan(kernel=kernels.number(function), parameters=part.parameters, memory=part.memory, **more)


def _mask(part: Action, kernels: Kernels) -> int:
    mask = type(part).mask_function
    return 0 if mask is None else kernels.number(mask)


def _bounds(part: Action) -> list[tuple[float, float, bool]]:
    space = part.space
    if isinstance(space, Discrete | MultiDiscrete):
        return [(0.0, float(n - 1), True) for n in part.choices]
    if isinstance(space, Box) and len(space.shape) == 1:
        return [(float(low), float(high), False) for low, high in zip(space.low, space.high, strict=True)]
    raise SekaiError(
        f"space of the action part {part.name!r} must be Discrete, MultiDiscrete or a flat Box, got {space}"
    )


def sends_special(seat: config.Seat) -> bool:
    """Say whether a seat may send orders that are not plain, for which a venue must have room."""
    senders: Sequence[Any] = seat.role.actions if seat.policy is None and seat.role is not None else (seat.policy,)
    return any(getattr(sender, "special_orders", False) for sender in senders)


def check_parts(row: NDArray[np.int64], addresses: NDArray[np.int64], face: SeatFace) -> None:
    """Run each observation once on a copy; raise `SekaiError` for one that shows more or less than its shape."""
    trial = row.copy()
    me, shown = face.windows.seat, trial.view(np.float32)[face.windows.observation]
    shown[:] = np.nan
    run_all(trial, addresses, me, face.windows.parts[0], len(face.observations))
    for record, function, _ in face.python_observations:
        run_python(trial, me, record, function)
    start = 0
    for part, record in zip(face.observations, face.windows.parts, strict=False):
        missing = np.flatnonzero(np.isnan(shown[start : start + part.size])).tolist()
        about = f"observation {part.name!r} of seat {face.name!r} has {part.size} numbers, shape {part.shape}"
        if has_gone_beyond(trial, record):
            raise SekaiError(f"{about}, and its kernel shows more")
        if missing:
            raise SekaiError(f"{about}, but its kernel does not show number {', '.join(map(str, missing[:8]))}")
        start += part.size
