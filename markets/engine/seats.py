"""How a seat is laid out in a row: its parts, their parameters, memory and windows, its client order slots, its news.

A seat's own record is small and of one size; what differs from seat to seat lies in the row's last section, the arena,
one seat behind the other. `SeatPlan` says what a seat needs, `lay_out_seat` writes it down.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .layout import Bound, Fill, Market, Outcome, Part, Rejection, Row, Seat
from .rng import name_hash
from .terms import Clock, PartKind

__all__ = ["PartPlan", "SeatPlan", "Windows", "lay_out_seat"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartPlan:
    """One kernel of a seat: its number among the market's kernels, what it reads and remembers, how much it shows.

    `mask` is the number of the kernel that forbids options, 0 if there is none. `slots` are client order slots of its
    own; a part without any names those of the whole seat.
    """

    kernel: int
    parameters: Sequence[float] = ()
    memory: int = 0
    size: int = 0
    weight: float = 1.0
    slots: int = 0
    mask: int = 0
    options: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatPlan:
    """What a seat needs of a row. `clock` is a `Clock` and `every` what goes with it.

    `bounds`: lowest, highest, and whether whole, of each number of an action.

    `joint`: how many options the one number has that stands for all, 0 where each number is asked for by itself.
    """

    name: str
    book: int
    clock: int = 0
    every: int = 0
    latency_ns: int = 0
    lag_ns: int = 0
    policy: PartPlan | None = None
    observations: Sequence[PartPlan] = ()
    actions: Sequence[PartPlan] = ()
    rewards: Sequence[PartPlan] = ()
    ends: Sequence[PartPlan] = ()
    bounds: Sequence[tuple[float, float, bool]] = ()
    joint: int = 0
    slots: int = 0
    fills: int = 8
    rejects: int = 8

    @property
    def parts(self) -> list[PartPlan]:
        """All its kernels but the masks', in the order in which they are laid out."""
        policy = [] if self.policy is None else [self.policy]
        return [*policy, *self.observations, *self.actions, *self.rewards, *self.ends]

    @property
    def masks(self) -> list[PartPlan]:
        """The actions that have a mask."""
        return [part for part in self.actions if part.mask]

    @property
    def words(self) -> int:
        """How many words of the arena it takes."""
        return sum(size for _, size in self._areas())

    def _areas(self) -> Iterator[tuple[str, int]]:
        """Yield each area of the seat's arena: its name and its words."""
        yield "parts", (len(self.parts) + len(self.masks)) * Part.WORDS
        yield "parameters", sum(len(part.parameters) for part in self.parts)
        yield "memory", sum(part.memory for part in self.parts)
        yield "observation", (sum(part.size for part in self.observations) + 1) // 2
        yield "action", sum(part.size for part in self.actions) + 2
        yield "bounds", len(self.bounds) * Bound.WORDS
        yield "mask", (sum(part.options for part in self.actions) + 7) // 8 if self.masks else 0
        yield "outcome", Outcome.WORDS + len(self.rewards)
        yield "slots", 2 * self.slots
        yield "pending", (self.slots + 7) // 8
        yield "fills", self.fills * Fill.WORDS
        yield "rejects", self.rejects * Rejection.WORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Where what a seat is asked and told lies in its row.

    `observation` counts float32, `action`, `joint` and `outcome` float64, `mask` bytes. `parts`: the handles of the
    seat's parts, in the order of `SeatPlan.parts`.
    """

    seat: int
    observation: slice
    action: slice
    joint: int
    mask: slice
    outcome: slice
    parts: tuple[int, ...]


def lay_out_seat(row: Row, seat: int, plan: SeatPlan, start: int) -> Windows:
    """Write down a seat, its plan in the arena from word `start` on. Modifies `row` in place."""
    row[seat + Seat.CLOCK], row[seat + Seat.EVERY], row[seat + Seat.NAME] = plan.clock, plan.every, name_hash(plan.name)
    row[seat + Seat.LATENCY], row[seat + Seat.LAG], row[seat + Seat.BOOK] = plan.latency_ns, plan.lag_ns, plan.book
    row[seat + Seat.TIME] = row[Market.OPEN]
    row[Market.REACTIVE] += plan.clock in (Clock.EVERY_TRADES, Clock.OWN_FILLS)
    at: dict[str, int] = {}
    for name, words in plan._areas():
        at[name], start = start, start + words
    observed, asked = sum(part.size for part in plan.observations), sum(part.size for part in plan.actions)
    options = sum(part.options for part in plan.actions) if plan.masks else 0
    row[seat + Seat.SLOTS], row[seat + Seat.SLOT_COUNT], row[seat + Seat.PENDING] = (
        at["slots"],
        plan.slots,
        at["pending"],
    )
    row[seat + Seat.FILLS], row[seat + Seat.FILL_CAPACITY] = at["fills"], plan.fills
    row[seat + Seat.REJECTS], row[seat + Seat.REJECT_CAPACITY] = at["rejects"], plan.rejects
    row[seat + Seat.ACTION], row[seat + Seat.ACTION_SIZE] = at["action"], asked
    row[seat + Seat.BOUNDS], row[seat + Seat.OUTCOME] = at["bounds"], at["outcome"]
    row[seat + Seat.MASK], row[seat + Seat.MASK_SIZE] = at["mask"], options
    row[seat + Seat.IS_JOINT], row[seat + Seat.JOINT] = int(plan.joint > 0), at["action"] + asked
    row.view(np.float64)[at["action"] + asked + 1] = plan.joint - 1
    row[seat + Seat.ALIVE] = 1
    for k, (low, high, is_whole) in enumerate(plan.bounds):
        bound = at["bounds"] + k * Bound.WORDS
        row.view(np.float64)[bound + Bound.LOW], row.view(np.float64)[bound + Bound.HIGH] = low, high
        row[bound + Bound.IS_WHOLE] = int(is_whole)
    outcome = at["outcome"]
    _lay_out_parts(row, seat, plan, dict(at))
    return Windows(
        seat=seat,
        observation=slice(2 * at["observation"], 2 * at["observation"] + observed),
        action=slice(at["action"], at["action"] + asked),
        joint=at["action"] + asked,
        mask=slice(8 * at["mask"], 8 * at["mask"] + options),
        outcome=slice(outcome, outcome + Outcome.WORDS + len(plan.rewards)),
        parts=tuple(at["parts"] + k * Part.WORDS for k in range(len(plan.parts))),
    )


def _lay_out_parts(row: Row, seat: int, plan: SeatPlan, at: dict[str, int]) -> None:
    record, slot, option = at["parts"], 0, 8 * at["mask"]
    masks: list[tuple[PartPlan, int]] = []
    windows = {
        "observations": 2 * at["observation"],
        "actions": at["action"],
        "rewards": at["outcome"] + Outcome.WORDS,
        "ends": 0,
    }
    if plan.policy is not None:
        row[seat + Seat.POLICY] = record
        _lay_out_part(row, record, PartKind.POLICY, plan.policy, at, 0)
        row[record + Part.SLOT_COUNT] = plan.slots
        record += Part.WORDS
    for name, kind, first, count in (
        ("observations", PartKind.OBSERVATION, Seat.OBSERVATIONS, Seat.OBSERVATION_COUNT),
        ("actions", PartKind.ACTION, Seat.ACTIONS, Seat.ACTION_COUNT),
        ("rewards", PartKind.REWARD, Seat.REWARDS, Seat.REWARD_COUNT),
        ("ends", PartKind.END, Seat.ENDS, Seat.END_COUNT),
    ):
        parts: Sequence[PartPlan] = getattr(plan, name)
        row[seat + first], row[seat + count] = record, len(parts)
        for part in parts:
            _lay_out_part(row, record, kind, part, at, windows[name])
            row[record + Part.SLOT], row[record + Part.SLOT_COUNT] = (
                (slot, part.slots) if part.slots else (0, plan.slots)
            )
            row[record + Part.OPTION], row[record + Part.OPTION_COUNT] = option, part.options if plan.masks else 0
            if part.mask:
                masks.append((part, record))
            windows[name] += part.size
            slot += part.slots
            option += part.options
            record += Part.WORDS
    row[seat + Seat.MASKS], row[seat + Seat.MASK_COUNT] = record, len(masks)
    for part, action in masks:  # the action's own record again, with the kernel that forbids
        row[record : record + Part.WORDS] = row[action : action + Part.WORDS]
        row[record + Part.KERNEL], row[record + Part.KIND] = part.mask, PartKind.MASK
        record += Part.WORDS


def _lay_out_part(row: Row, record: int, kind: int, part: PartPlan, at: dict[str, int], window: int) -> None:
    """Write down one part; `at` moves on behind the parameters and the memory that it takes."""
    reals, count = row.view(np.float64), len(part.parameters)
    row[record + Part.KIND] = kind
    row[record + Part.KERNEL], row[record + Part.WINDOW], row[record + Part.SIZE] = part.kernel, window, part.size
    row[record + Part.PARAMETERS], row[record + Part.PARAMETER_COUNT] = at["parameters"], count
    row[record + Part.MEMORY], row[record + Part.MEMORY_COUNT] = at["memory"], part.memory
    reals[record + Part.WEIGHT] = part.weight
    reals[at["parameters"] : at["parameters"] + count] = part.parameters
    at["parameters"] += count
    at["memory"] += part.memory
