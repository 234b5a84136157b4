"""Parts and roles by name, and `Parts`, the role that lists them: what `kind` may say in a scenario.

One of your own is `module:Class`, or an entry point of group `sekai.parts` in an installed distribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from annotated_types import MinLen, Predicate

from sekai.markets.parts import actions as a
from sekai.markets.parts import observations as o
from sekai.markets.parts.base import Action, End, Observation, Reward
from sekai.markets.parts.ends import Deadline, Done, Ruin
from sekai.markets.parts.rewards import ClosingCost, Fees, InventoryPenalty, Shortfall, SpreadCaptured, WealthChange
from sekai.markets.parts.roles import Executor, Maker, Role, Taker
from sekai.utils import line_of_text
from sekai.utils.kinds import Kinds

__all__ = ["ACTIONS", "ENDS", "OBSERVATIONS", "REWARDS", "ROLES", "Parts"]

_GROUP: Final = "sekai.parts"
_OBSERVATIONS = (
    *(o.Account, o.Cash, o.Orders, o.Fills, o.Rejects),
    *(o.Clock, o.Phase),
    *(o.Book, o.Depth, o.Imbalance, o.Microprice),
    *(o.Trades, o.TradeFlow, o.SinceTrade, o.Volatility),
    o.Fundamental,
)
_ACTIONS = (
    *(a.NoAction, a.Quotes, a.LadderQuotes),
    *(a.LimitOrder, a.Cancel, a.Modify),
    *(a.MarketOrder, a.ParentShare, a.TargetPosition),
    *(a.ContinuousQuotes, a.ContinuousOrder, a.ContinuousTarget),
)
_REWARDS = (WealthChange, InventoryPenalty, SpreadCaptured, Fees, Shortfall, ClosingCost)

OBSERVATIONS: Final = Kinds("observation", Observation, _OBSERVATIONS, group=_GROUP)
ACTIONS: Final = Kinds("action", Action, _ACTIONS, group=_GROUP)
REWARDS: Final = Kinds("reward", Reward, _REWARDS, group=_GROUP)
ENDS: Final = Kinds("end", End, (Ruin, Done, Deadline), group=_GROUP)


@dataclass(frozen=True, kw_only=True)
class Parts(Role):
    """A role as lists of parts, by a name of one's own."""

    kind: Literal["parts"] = "parts"
    name: Annotated[str, MinLen(1), Predicate(line_of_text)] = "parts"
    observations: tuple[Annotated[Observation, OBSERVATIONS], ...] = ()
    actions: tuple[Annotated[Action, ACTIONS], ...] = (a.NoAction(),)
    rewards: tuple[Annotated[Reward, REWARDS], ...] = (WealthChange(),)
    ends: tuple[Annotated[End, ENDS], ...] = ()
    joint: bool = False

    def _more_faults(self) -> list[str]:
        return self.faults()


ROLES: Final = Kinds("role", Role, (Maker, Taker, Executor, Parts), group=_GROUP)
