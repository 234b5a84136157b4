"""What a seat may see. Distances are in ticks from the mark, counted away from the other side of the book.

So a bid and an ask equally far away read the same, and an observation is mirror-symmetric. What is not there (a level,
an order, a trade) reads zero. A seat with a market-data lag sees the market as it was then; what is its own, at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray

from sekai.markets.parts.base import Observation
from sekai.markets.sdk import (
    AUCTION,
    BUY,
    HALT,
    NO_PRICE,
    SELL,
    best,
    cash,
    currency,
    fees,
    fill_count,
    fill_is_maker,
    fill_price,
    fill_size,
    fundamental,
    kernel,
    lots_ahead,
    mark,
    next_price,
    now,
    own_price,
    own_side,
    own_size,
    parameter,
    phase,
    phase_left,
    position,
    recall,
    recall_real,
    reject_count,
    reject_reason,
    reject_slot,
    remember,
    remember_real,
    session_length,
    show,
    show_book,
    show_trades,
    size_at,
    time_left,
    trade_age,
    trade_count,
    trade_size,
    wealth,
)
from sekai.spaces import Box, Space

__all__ = [
    "Account",
    "Book",
    "Cash",
    "Clock",
    "Depth",
    "Few",
    "Fills",
    "Fundamental",
    "Imbalance",
    "Levels",
    "Microprice",
    "Orders",
    "Phase",
    "Rejects",
    "SinceTrade",
    "TradeFlow",
    "Trades",
    "Volatility",
]

Few = Annotated[int, Ge(1), Le(16)]
Levels = Annotated[int, Ge(1), Le(256)]
_NS = 1e-9


@kernel
def _away(row: Any, me: int, side: int, price: int) -> float:
    """Return how far a price lies from the mark in ticks, away from the other side counting as positive."""
    distance = price - 0.5 * mark(row, me)
    return -distance if side == BUY else distance


# --- the seat's own ---------------------------------------------------------------------------------------------------
@kernel
def _see_account(row: Any, me: int) -> int:
    """Show position and wealth."""
    show(row, me, 0, position(row, me))
    show(row, me, 1, wealth(row, me) * currency(row, me))
    return 0


@dataclass(frozen=True, kw_only=True)
class Account(
    Observation,
    kernel=_see_account,
    meaning="position; wealth since the open, the position at the mark",
    unit="lots, currency",
):
    """Position and wealth, the position valued at the mark."""

    kind: Literal["account"] = "account"

    @property
    def shape(self) -> tuple[int, ...]:
        """Two numbers."""
        return (2,)


@kernel
def _see_cash(row: Any, me: int) -> int:
    """Show cash and fees."""
    show(row, me, 0, cash(row, me) * currency(row, me))
    show(row, me, 1, fees(row, me) * currency(row, me))
    return 0


@dataclass(frozen=True, kw_only=True)
class Cash(
    Observation, kernel=_see_cash, meaning="own cash since the open, fees taken off; fees paid", unit="currency"
):
    """Cash, fees already taken off, and the fees alone: negative where rebates were more."""

    kind: Literal["cash"] = "cash"

    @property
    def shape(self) -> tuple[int, ...]:
        """Two numbers."""
        return (2,)


@kernel
def _see_orders(row: Any, me: int) -> int:
    """Show distance, open lots and queue of each client order slot."""
    for slot in range(int(parameter(row, me, 0))):
        lots = own_size(row, me, slot)
        show(row, me, 3 * slot, _away(row, me, own_side(row, me, slot), own_price(row, me, slot)) if lots else 0.0)
        show(row, me, 3 * slot + 1, lots)
        show(row, me, 3 * slot + 2, lots_ahead(row, me, slot))
    return 0


@dataclass(frozen=True, kw_only=True)
class Orders(
    Observation,
    kernel=_see_orders,
    meaning="of each client order slot: distance from the mark, open size, size ahead in the queue",
    unit="ticks, lots, lots",
):
    """The seat's own live orders, by client order slot: a maker's bid is in slot 0, its ask in slot 1."""

    kind: Literal["orders"] = "orders"
    slots: Few = 2

    @property
    def shape(self) -> tuple[int, ...]:
        """`(slots, 3)`."""
        return (self.slots, 3)


@kernel
def _see_fills(row: Any, me: int) -> int:
    """Show the last fills since the last decision, latest first."""
    for k in range(int(parameter(row, me, 0))):
        known = k < fill_count(row, me)
        lots = fill_size(row, me, k) if known else 0
        show(row, me, 4 * k, (lots > 0) - (lots < 0))
        show(row, me, 4 * k + 1, fill_price(row, me, k) - 0.5 * mark(row, me) if known else 0.0)
        show(row, me, 4 * k + 2, abs(lots))
        show(row, me, 4 * k + 3, float(fill_is_maker(row, me, k)) if known else 0.0)
    return 0


@dataclass(frozen=True, kw_only=True)
class Fills(
    Observation,
    kernel=_see_fills,
    meaning="own fills since the last decision, latest first: side (1 bought, -1 sold), price above the mark, size, "
    "1 as maker",
    unit="-, ticks, lots, -",
):
    """What was traded since the last decision; the latest `fills` of them."""

    kind: Literal["fills"] = "fills"
    fills: Few = 4

    @property
    def shape(self) -> tuple[int, ...]:
        """`(fills, 4)`."""
        return (self.fills, 4)


@kernel
def _see_rejects(row: Any, me: int) -> int:
    """Show the last rejects since the last decision, latest first."""
    for k in range(int(parameter(row, me, 0))):
        known = k < reject_count(row, me)
        show(row, me, 2 * k, reject_reason(row, me, k) if known else 0)
        show(row, me, 2 * k + 1, reject_slot(row, me, k) + 1 if known else 0)
    return 0


@dataclass(frozen=True, kw_only=True)
class Rejects(
    Observation,
    kernel=_see_rejects,
    meaning="own rejects since the last decision, latest first: the reason's number, client order slot + 1 (0: none)",
):
    """Messages that the venue rejected since the last decision; reasons are those of `sekai.markets.Reason`."""

    kind: Literal["rejects"] = "rejects"
    rejects: Few = 4

    @property
    def shape(self) -> tuple[int, ...]:
        """`(rejects, 2)`."""
        return (self.rejects, 2)


# --- the session ------------------------------------------------------------------------------------------------------
@kernel
def _see_clock(row: Any, me: int) -> int:
    """Show the share of the session that is left."""
    show(row, me, 0, time_left(row, me) / max(session_length(row, me), 1))
    return 0


@dataclass(frozen=True, kw_only=True)
class Clock(Observation, kernel=_see_clock, meaning="share of the session that is left, 1 to 0"):
    """The session's clock."""

    kind: Literal["clock"] = "clock"

    @property
    def space(self) -> Space[NDArray[np.float32]]:
        """From 0 to 1."""
        return Box(0.0, 1.0, shape=self.shape, dtype=np.float32)


@kernel
def _see_phase(row: Any, me: int) -> int:
    """Show the trading phase."""
    present = phase(row, me)
    show(row, me, 0, present == AUCTION)
    show(row, me, 1, present == HALT)
    show(row, me, 2, phase_left(row, me) * _NS)
    return 0


@dataclass(frozen=True, kw_only=True)
class Phase(
    Observation, kernel=_see_phase, meaning="1 in a call auction, 1 in a halt, time until that ends", unit="-, -, s"
):
    """The trading phase: all zero in continuous trading."""

    kind: Literal["phase"] = "phase"

    @property
    def shape(self) -> tuple[int, ...]:
        """Three numbers."""
        return (3,)


# --- the book ---------------------------------------------------------------------------------------------------------
@kernel
def _see_book(row: Any, me: int) -> int:
    """Show the best levels of both sides."""
    show_book(row, me, 0, int(parameter(row, me, 0)))
    return 0


@dataclass(frozen=True, kw_only=True)
class Book(
    Observation,
    kernel=_see_book,
    meaning="bids, then asks, best first: distance from the mark, size that is shown",
    unit="ticks, lots",
):
    """The best levels of the book: `[0, k]` is the k-th bid level, `[1, k]` the k-th ask level."""

    kind: Literal["book"] = "book"
    levels: Levels = 10

    @property
    def shape(self) -> tuple[int, ...]:
        """`(2, levels, 2)`."""
        return (2, self.levels, 2)


@kernel
def _see_depth(row: Any, me: int) -> int:
    """Show the lots within so many ticks of the best price, both sides."""
    marks, k = int(parameter(row, me, 0)), 0
    for side in (BUY, SELL):
        start = best(row, me, side)
        price, lots = start, 0
        for j in range(marks):
            while price != NO_PRICE and abs(price - start) <= parameter(row, me, 1 + j):
                lots += size_at(row, me, side, price)
                price = next_price(row, me, side, price)
            show(row, me, k, lots)
            k += 1
    return 0


@dataclass(frozen=True, kw_only=True)
class Depth(
    Observation, kernel=_see_depth, meaning="size within so many ticks of the best price: bids, then asks", unit="lots"
):
    """Cumulative depth: `[0, j]` is what waits within `within_ticks[j]` of the best bid, `[1, j]` of the best ask."""

    kind: Literal["depth"] = "depth"
    within_ticks: tuple[Annotated[int, Ge(0), Le(1 << 20)], ...] = (0, 4, 9)

    def _more_faults(self) -> list[str]:
        rises = all(a < b for a, b in zip(self.within_ticks, self.within_ticks[1:], strict=False))
        return [] if self.within_ticks and rises else [f"within_ticks must rise, got {self.within_ticks}"]

    @property
    def parameters(self) -> tuple[float, ...]:
        """How many distances, and the distances."""
        return (float(len(self.within_ticks)), *map(float, self.within_ticks))

    @property
    def shape(self) -> tuple[int, ...]:
        """`(2, len(within_ticks))`."""
        return (2, len(self.within_ticks))

    @property
    def levels(self) -> int:
        """How many levels of the book it looks at, at most."""
        return 1 + self.within_ticks[-1]


@kernel
def _lots_of(row: Any, me: int, side: int, levels: int) -> int:
    """Return the lots on the best levels of a side."""
    price, lots = best(row, me, side), 0
    for _ in range(levels):
        if price == NO_PRICE:
            break
        lots += size_at(row, me, side, price)
        price = next_price(row, me, side, price)
    return lots


@kernel
def _see_imbalance(row: Any, me: int) -> int:
    """Show the imbalance of the best levels."""
    levels = int(parameter(row, me, 0))
    bids, asks = _lots_of(row, me, BUY, levels), _lots_of(row, me, SELL, levels)
    show(row, me, 0, (bids - asks) / max(bids + asks, 1))
    return 0


@dataclass(frozen=True, kw_only=True)
class Imbalance(Observation, kernel=_see_imbalance, meaning="(bid size - ask size) / all size of the best levels"):
    """Order book imbalance over the best `levels`, -1 to 1; 0 where the book is empty."""

    kind: Literal["imbalance"] = "imbalance"
    levels: Levels = 1

    @property
    def space(self) -> Space[NDArray[np.float32]]:
        """From -1 to 1."""
        return Box(-1.0, 1.0, shape=self.shape, dtype=np.float32)


@kernel
def _see_microprice(row: Any, me: int) -> int:
    """Show the microprice less the mark."""
    bid, ask = best(row, me, BUY), best(row, me, SELL)
    if bid == NO_PRICE or ask == NO_PRICE:
        show(row, me, 0, 0.0)
        return 0
    bids, asks = size_at(row, me, BUY, bid), size_at(row, me, SELL, ask)
    show(row, me, 0, (bid * asks + ask * bids) / (bids + asks) - 0.5 * mark(row, me))
    return 0


@dataclass(frozen=True, kw_only=True)
class Microprice(Observation, kernel=_see_microprice, meaning="microprice above the mark", unit="ticks"):
    """The best prices weighted by the size on the other side (Stoikov 2018, its first order); 0 on a one-sided book."""

    kind: Literal["microprice"] = "microprice"


# --- trades -----------------------------------------------------------------------------------------------------------
@kernel
def _see_trades(row: Any, me: int) -> int:
    """Show the last trades, latest first."""
    show_trades(row, me, 0, int(parameter(row, me, 0)))
    return 0


@dataclass(frozen=True, kw_only=True)
class Trades(
    Observation,
    kernel=_see_trades,
    meaning="last trades, latest first: price above the mark, size (positive: the taker bought), age",
    unit="ticks, lots, s",
):
    """The last `trades` of the market, whoever traded."""

    kind: Literal["trades"] = "trades"
    trades: Annotated[int, Ge(1), Le(1024)] = 5

    @property
    def shape(self) -> tuple[int, ...]:
        """`(trades, 3)`."""
        return (self.trades, 3)


@kernel
def _see_trade_flow(row: Any, me: int) -> int:
    """Show the signed share of the last trades."""
    signed, lots = 0, 0
    for k in range(min(int(parameter(row, me, 0)), trade_count(row, me))):
        signed += trade_size(row, me, k)
        lots += abs(trade_size(row, me, k))
    show(row, me, 0, signed / max(lots, 1))
    return 0


@dataclass(frozen=True, kw_only=True)
class TradeFlow(Observation, kernel=_see_trade_flow, meaning="(bought - sold) / all, of the last trades, by takers"):
    """Trade flow imbalance over the last `trades`, -1 to 1; 0 before the first."""

    kind: Literal["trade_flow"] = "trade_flow"
    trades: Annotated[int, Ge(1), Le(1024)] = 16

    @property
    def space(self) -> Space[NDArray[np.float32]]:
        """From -1 to 1."""
        return Box(-1.0, 1.0, shape=self.shape, dtype=np.float32)


@kernel
def _see_since_trade(row: Any, me: int) -> int:
    """Show the age of the last trade."""
    show(row, me, 0, trade_age(row, me, 0) * _NS if trade_count(row, me) else 0.0)
    return 0


@dataclass(frozen=True, kw_only=True)
class SinceTrade(
    Observation, kernel=_see_since_trade, meaning="time since the last trade, 0 before the first", unit="s"
):
    """Time since the last trade of the market."""

    kind: Literal["since_trade"] = "since_trade"


@kernel
def _see_volatility(row: Any, me: int) -> int:
    """Show the running volatility of the mark, and remember what the next look needs."""
    half_life, mid, time = parameter(row, me, 0), 0.5 * mark(row, me), now(row, me) + 1  # 0 before the first look
    last, variance = recall_real(row, me, 0), recall_real(row, me, 2)
    elapsed = (time - recall(row, me, 1)) * _NS if recall(row, me, 1) else 0.0
    if elapsed > 0.0:
        kept = exp(-0.6931471805599453 * elapsed / half_life)
        variance = kept * variance + (1.0 - kept) * (mid - last) ** 2 / elapsed
    remember_real(row, me, 0, mid)
    remember(row, me, 1, time)
    remember_real(row, me, 2, variance)
    show(row, me, 0, sqrt(variance))
    return 0


@dataclass(frozen=True, kw_only=True)
class Volatility(
    Observation, kernel=_see_volatility, memory=3, meaning="realised volatility of the mark", unit="ticks / sqrt(s)"
):
    """Volatility of the mark from decision to decision, an average that forgets half in `half_life_s`."""

    kind: Literal["volatility"] = "volatility"
    half_life_s: Annotated[float, Gt(0), Le(1e6)] = 30.0


# --- what only some may know ------------------------------------------------------------------------------------------
@kernel
def _see_fundamental(row: Any, me: int) -> int:
    """Show the fundamental value less the mark."""
    show(row, me, 0, fundamental(row, me) - 0.5 * mark(row, me))
    return 0


@dataclass(frozen=True, kw_only=True)
class Fundamental(Observation, kernel=_see_fundamental, meaning="fundamental value above the mark", unit="ticks"):
    """The fundamental value, for a seat that may know it; a market without one refuses this part."""

    kind: Literal["fundamental"] = "fundamental"
