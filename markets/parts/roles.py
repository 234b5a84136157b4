"""A role is a named list of parts: what a seat of that kind sees, may do, is paid for, and what ends its episode.

`Maker`, `Taker` and `Executor` are ours; `named.Parts` lists parts one by one; a role of one's own is a `Role` with
other properties. Seats of one role form a group, whatever the seats are called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Le

from sekai.markets.parts import actions, ends, observations, rewards
from sekai.markets.parts.actions import Lots, Ticks
from sekai.markets.parts.base import Action, End, Observation, Part, Reward, snake_case
from sekai.markets.parts.observations import Levels
from sekai.spaces import Box, Dict, Discrete, MultiDiscrete, Space
from sekai.utils import Checked

__all__ = ["Executor", "Maker", "Role", "Taker", "action_space", "observation_space"]

_MOST_JOINT = 1 << 20  # options of a joint action


@dataclass(frozen=True, kw_only=True)
class Role(Checked):
    """Base of roles. `joint` makes one Discrete of all choices, for learners that value each action."""

    @property
    def name(self) -> str:
        """The role's name: seats of one role form a group of that name."""
        return str(getattr(self, "kind", snake_case(type(self).__name__)))

    @property
    def observations(self) -> tuple[Observation, ...]:
        """What the seat sees."""
        return ()

    @property
    def actions(self) -> tuple[Action, ...]:
        """What the seat may do."""
        return (actions.NoAction(),)

    @property
    def rewards(self) -> tuple[Reward, ...]:
        """What the seat is paid for: the sum, each with its weight."""
        return (rewards.WealthChange(),)

    @property
    def ends(self) -> tuple[End, ...]:
        """What ends the seat's episode, whichever comes first."""
        return ()

    @property
    def joint(self) -> bool:
        """Whether the action is one number for all choices together."""
        return False

    def faults(self) -> list[str]:
        """Return what is wrong between the parts: a name twice, a kind in the wrong list, a joint action too large."""
        found = []
        lists: tuple[tuple[str, Sequence[Part], type[Part]], ...] = (
            ("observations", self.observations, Observation),
            ("actions", self.actions, Action),
            ("rewards", self.rewards, Reward),
            ("ends", self.ends, End),
        )
        for title, parts, kind in lists:
            found += [
                f"{title} must hold {kind.__name__} parts, got {part!r}" for part in parts if not isinstance(part, kind)
            ]
            twice = [name for name, count in Counter(part.name for part in parts).items() if count > 1]
            found += [f"{title}: names must differ, got {name!r} more than once" for name in twice]
        if not self.observations:
            found.append("observations must have at least one part, got none")
        if not self.actions:
            found.append("actions must have at least one part, got none; no_action is one that does nothing")
        if not found and self.joint:
            options = prod(n for part in self.actions for n in part.choices)
            if not all(part.choices for part in self.actions):
                found.append("joint must be false where an action is continuous")
            elif options > _MOST_JOINT:
                found.append(f"joint actions must have at most {_MOST_JOINT} options, got {options}")
        return found


def observation_space(parts: Sequence[Observation]) -> Dict:
    """Return the space of what these parts show: a Dict by their names."""
    return Dict({part.name: part.space for part in parts})


def action_space(parts: Sequence[Action], *, joint: bool = False) -> Space[Any]:
    """Return the space of these actions together.

    One part: its own. Several: one after the other in a MultiDiscrete where all are of choices, or in a Box where all
    are continuous; else a Dict by their names. `joint`: one Discrete of all combinations, the last number running
    fastest.
    """
    if joint:
        return Discrete(prod(n for part in parts for n in part.choices))
    if len(parts) == 1:
        return parts[0].space
    if all(part.choices for part in parts):
        return MultiDiscrete([n for part in parts for n in part.choices])
    if not any(part.choices for part in parts):
        boxes = [part.space for part in parts]
        low, high = (np.concatenate([getattr(box, end) for box in boxes]) for end in ("low", "high"))
        return Box(low, high, dtype=np.float32)
    return Dict({part.name: part.space for part in parts})


@dataclass(frozen=True, kw_only=True)
class Maker(Role):
    """Quotes both sides. Sees its account, the clock, its two quotes, the book and the last trades."""

    kind: Literal["maker"] = "maker"
    levels: Levels = 10
    trades: Annotated[int, Ge(1), Le(1024)] = 5
    max_distance_ticks: Ticks = 20
    max_size_lots: Lots = 10
    inventory_penalty: Annotated[float, Ge(0)] = 0.01

    @property
    def observations(self) -> tuple[Observation, ...]:
        """Account, clock, orders, book, trades."""
        o = observations
        return (o.Account(), o.Clock(), o.Orders(slots=2), o.Book(levels=self.levels), o.Trades(trades=self.trades))

    @property
    def actions(self) -> tuple[Action, ...]:
        """Quotes."""
        return (actions.Quotes(max_distance_ticks=self.max_distance_ticks, max_size_lots=self.max_size_lots),)

    @property
    def rewards(self) -> tuple[Reward, ...]:
        """Change of wealth less the inventory penalty."""
        return (rewards.WealthChange(), rewards.InventoryPenalty(weight=self.inventory_penalty))


@dataclass(frozen=True, kw_only=True)
class Taker(Role):
    """Buys and sells at the market. Sees its account, the clock, the book and the last trades."""

    kind: Literal["taker"] = "taker"
    levels: Levels = 10
    trades: Annotated[int, Ge(1), Le(1024)] = 5
    max_size_lots: Lots = 10
    inventory_penalty: Annotated[float, Ge(0)] = 0.01

    @property
    def observations(self) -> tuple[Observation, ...]:
        """Account, clock, book, trades."""
        o = observations
        return (o.Account(), o.Clock(), o.Book(levels=self.levels), o.Trades(trades=self.trades))

    @property
    def actions(self) -> tuple[Action, ...]:
        """A market order."""
        return (actions.MarketOrder(max_size_lots=self.max_size_lots),)

    @property
    def rewards(self) -> tuple[Reward, ...]:
        """Change of wealth less the inventory penalty."""
        return (rewards.WealthChange(), rewards.InventoryPenalty(weight=self.inventory_penalty))


@dataclass(frozen=True, kw_only=True)
class Executor(Role):
    """Works a parent order: `parent_lots` to buy, below 0 to sell, a share of what is left at each decision."""

    kind: Literal["executor"] = "executor"
    parent_lots: Annotated[int, Ge(-(1 << 30)), Le(1 << 30)] = 100
    shares: Annotated[int, Ge(1), Le(1000)] = 10
    levels: Levels = 5

    @property
    def observations(self) -> tuple[Observation, ...]:
        """Account, clock, book, imbalance, volatility."""
        o = observations
        return (o.Account(), o.Clock(), o.Book(levels=self.levels), o.Imbalance(), o.Volatility())

    @property
    def actions(self) -> tuple[Action, ...]:
        """A share of what is left."""
        return (actions.ParentShare(parent_lots=self.parent_lots, shares=self.shares),)

    @property
    def rewards(self) -> tuple[Reward, ...]:
        """Implementation shortfall."""
        return (rewards.Shortfall(),)

    @property
    def ends(self) -> tuple[End, ...]:
        """Done when the parent order is filled."""
        return (ends.Done(parent_lots=self.parent_lots),)
