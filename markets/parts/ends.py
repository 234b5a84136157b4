"""What ends a seat's episode before the session closes. The seat's orders are cancelled and its position is closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le

from sekai.markets.parts.base import End
from sekai.markets.sdk import MONEY_PER_TICK_LOT, kernel, parameter, position, session_length, time_left, wealth

__all__ = ["Deadline", "Done", "Ruin"]


@kernel
def _is_ruined(row: Any, me: int) -> int:
    """Return 1 when more is lost than may be."""
    return 1 if wealth(row, me) <= -parameter(row, me, 0) * MONEY_PER_TICK_LOT else 0


@dataclass(frozen=True, kw_only=True)
class Ruin(End, kernel=_is_ruined, meaning="wealth has fallen to minus loss_ticks_lots"):
    """Too much was lost: wealth since the open, in ticks x lots."""

    kind: Literal["ruin"] = "ruin"
    loss_ticks_lots: Annotated[float, Gt(0), Le(1e12)] = 1000.0


@kernel
def _is_done(row: Any, me: int) -> int:
    """Return 1 when the parent order is filled."""
    parent, held = parameter(row, me, 0), position(row, me)
    return 1 if (parent >= 0 and held >= parent) or (parent < 0 and held <= parent) else 0


@dataclass(frozen=True, kw_only=True)
class Done(End, kernel=_is_done, meaning="the position has reached parent_lots"):
    """The parent order is filled: `parent_lots` bought, or sold where it is below 0."""

    kind: Literal["done"] = "done"
    parent_lots: Annotated[int, Ge(-(1 << 30)), Le(1 << 30)] = 100


@kernel
def _is_late(row: Any, me: int) -> int:
    """Return 1 when the deadline has come."""
    return 1 if session_length(row, me) - time_left(row, me) >= parameter(row, me, 0) * 1e9 else 0


@dataclass(frozen=True, kw_only=True)
class Deadline(End, kernel=_is_late, meaning="after_s seconds of the session have passed"):
    """Time is up."""

    kind: Literal["deadline"] = "deadline"
    after_s: Annotated[float, Gt(0), Le(1e8)] = 60.0
