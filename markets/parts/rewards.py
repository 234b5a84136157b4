"""What a seat is paid for since its last decision, in ticks x lots: what one lot earns when the price moves one tick.

A reward sees the market as it is, without a seat's market-data lag. Money is exact; a ticks x lots is 100 money units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sekai.markets.parts.base import Reward
from sekai.markets.sdk import (
    BUY,
    MONEY_PER_TICK_LOT,
    NO_PRICE,
    SELL,
    best,
    cash,
    edge,
    exposure,
    fees,
    kernel,
    mark,
    next_price,
    pay,
    position,
    price_offset,
    recall,
    recall_real,
    remember,
    remember_real,
    size_at,
    wealth,
)

__all__ = ["ClosingCost", "Fees", "InventoryPenalty", "Shortfall", "SpreadCaptured", "WealthChange"]


@kernel
def _pay_change(row: Any, me: int, amount: int) -> None:
    """Pay the change of an amount of money since the last time; its value is remembered in word 0."""
    pay(row, me, (amount - recall(row, me, 0)) / MONEY_PER_TICK_LOT)
    remember(row, me, 0, amount)


@kernel
def _pay_wealth_change(row: Any, me: int) -> int:
    """Pay the change of wealth."""
    _pay_change(row, me, wealth(row, me))
    return 0


@dataclass(frozen=True, kw_only=True)
class WealthChange(Reward, kernel=_pay_wealth_change, memory=1, meaning="change of wealth, the position at the mark"):
    """Cash and position at the mark. Over all accounts, the background's and the venue's too, it sums to zero."""

    kind: Literal["wealth_change"] = "wealth_change"


@kernel
def _pay_inventory_penalty(row: Any, me: int) -> int:
    """Charge the square of the position over time."""
    pay(row, me, recall_real(row, me, 0) - exposure(row, me))
    remember_real(row, me, 0, exposure(row, me))
    return 0


@dataclass(frozen=True, kw_only=True)
class InventoryPenalty(
    Reward,
    kernel=_pay_inventory_penalty,
    memory=1,
    meaning="minus the square of the position in lots, times seconds held",
):
    """The running penalty of Cartea and Jaimungal: `weight` is in ticks a lot and second. The same in every venue."""

    kind: Literal["inventory_penalty"] = "inventory_penalty"
    weight: float = 0.01


@kernel
def _pay_spread_captured(row: Any, me: int) -> int:
    """Pay what was earned against the mark at each fill."""
    _pay_change(row, me, edge(row, me))
    return 0


@dataclass(frozen=True, kw_only=True)
class SpreadCaptured(
    Reward, kernel=_pay_spread_captured, memory=1, meaning="what each fill was better than the mark at that moment"
):
    """Positive for a maker that is filled at its quotes, negative for who takes. Over all accounts it sums to zero."""

    kind: Literal["spread_captured"] = "spread_captured"


@kernel
def _pay_fees(row: Any, me: int) -> int:
    """Charge the fees."""
    _pay_change(row, me, -fees(row, me))
    return 0


@dataclass(frozen=True, kw_only=True)
class Fees(Reward, kernel=_pay_fees, memory=1, meaning="minus the fees paid, rebates count for it"):
    """Fees alone: the change of wealth holds them already."""

    kind: Literal["fees"] = "fees"


@kernel
def _pay_shortfall(row: Any, me: int) -> int:
    """Pay the change of cash plus the position at the arrival price."""
    if recall(row, me, 1) == 0:
        remember(row, me, 1, mark(row, me) + 2 * price_offset(row, me) + 1)
    arrival = recall(row, me, 1) - 1
    _pay_change(row, me, cash(row, me) + position(row, me) * arrival * (MONEY_PER_TICK_LOT // 2))
    return 0


@dataclass(frozen=True, kw_only=True)
class Shortfall(
    Reward, kernel=_pay_shortfall, memory=2, meaning="minus the implementation shortfall against the mark at the open"
):
    """What the fills cost more than at the arrival price, fees included (Perold 1988)."""

    kind: Literal["shortfall"] = "shortfall"


@kernel
def _closing_cost(row: Any, me: int) -> int:
    """Return what it would cost, in money, to close the position against the book now, beyond its value at the mark."""
    held = position(row, me)
    side, left, cost = SELL if held < 0 else BUY, abs(held), 0
    price, last = best(row, me, side), mark(row, me) // 2
    while left > 0:
        if price == NO_PRICE:
            lots = left
        else:
            last, lots = price, min(left, size_at(row, me, side, price))
            price = next_price(row, me, side, price)
        cost += lots * abs(2 * last - mark(row, me)) * (MONEY_PER_TICK_LOT // 2)
        left -= lots
    return cost


@kernel
def _pay_closing_cost(row: Any, me: int) -> int:
    """Charge the change of what it would cost to close."""
    _pay_change(row, me, -_closing_cost(row, me))
    return 0


@dataclass(frozen=True, kw_only=True)
class ClosingCost(
    Reward, kernel=_pay_closing_cost, memory=1, meaning="minus the change of what closing the position would cost"
):
    """With `wealth_change`, the change of what the account would be worth if it closed against the book now.

    What the book cannot take is charged at the worst price that was reached.
    """

    kind: Literal["closing_cost"] = "closing_cost"
