"""What a seat may do. Every number of an action starts at 0, and 0 everywhere asks for nothing.

Prices are asked for as distances in ticks: a bid's from the highest whole tick that is not above the mark, downwards;
an ask's from the lowest that is not below it, upwards. So distance 0 reaches the middle of a spread of two ticks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

from sekai.markets.parts.base import Action
from sekai.markets.sdk import (
    BUY,
    CONTINUOUS,
    SELL,
    asked,
    cancel,
    cancel_all,
    fill_or_kill,
    forbid,
    free_slot,
    iceberg,
    immediate,
    kernel,
    limit,
    mark,
    market,
    modify,
    own_side,
    own_size,
    parameter,
    phase,
    position,
    position_room,
    post_only,
    quote,
    stop,
)
from sekai.spaces import Box, Discrete, MultiDiscrete, Space

__all__ = [
    "ORDER_KINDS",
    "Cancel",
    "ContinuousOrder",
    "ContinuousQuotes",
    "ContinuousTarget",
    "LadderQuotes",
    "LimitOrder",
    "Lots",
    "MarketOrder",
    "Modify",
    "NoAction",
    "ParentShare",
    "Quotes",
    "Slots",
    "TargetPosition",
    "Ticks",
]

Ticks = Annotated[int, Ge(0), Le(1 << 16)]
Lots = Annotated[int, Ge(1), Le(1 << 20)]
Slots = Annotated[int, Ge(1), Le(64)]
ORDER_KINDS: Final = ("limit", "ioc", "fok", "post_only", "stop", "iceberg")
_LIMIT, _IOC, _FOK, _POST_ONLY, _STOP, _ICEBERG = range(6)


@kernel
def _price_at(row: Any, me: int, side: int, distance: int) -> int:
    """Return the price at a distance from the mark, on a side."""
    half_ticks = mark(row, me)
    return half_ticks // 2 - distance if side == BUY else (half_ticks + 1) // 2 + distance


# --- nothing ----------------------------------------------------------------------------------------------------------
@kernel
def _do_nothing(row: Any, me: int) -> int:
    """Send nothing."""
    return 0


@dataclass(frozen=True, kw_only=True)
class NoAction(Action, kernel=_do_nothing, meaning="0: nothing"):
    """Nothing to decide: the seat watches."""

    kind: Literal["no_action"] = "no_action"

    @property
    def space(self) -> Discrete:
        """One option."""
        return Discrete(1)


# --- quotes -----------------------------------------------------------------------------------------------------------
@kernel
def _quote_both(row: Any, me: int, bid_distance: int, ask_distance: int, bid_lots: int, ask_lots: int) -> None:
    """Quote both sides; where there is a bid, the ask stays above it."""
    bid, ask = _price_at(row, me, BUY, bid_distance), _price_at(row, me, SELL, ask_distance)
    quote(row, me, 0, BUY, bid, bid_lots)
    quote(row, me, 1, SELL, max(ask, bid + 1) if bid_lots > 0 else ask, ask_lots)


@kernel
def _send_quotes(row: Any, me: int) -> int:
    """Quote both sides."""
    _quote_both(row, me, int(asked(row, me, 0)), int(asked(row, me, 1)), int(asked(row, me, 2)), int(asked(row, me, 3)))
    return 0


@kernel
def _mask_quotes(row: Any, me: int) -> int:
    """Forbid the sizes that a position limit would reject."""
    distances, lots = int(parameter(row, me, 0)) + 1, int(parameter(row, me, 1))
    for side in (BUY, SELL):
        first, room = 2 * distances + side * (lots + 1), position_room(row, me, side) + own_size(row, me, side)
        for size in range(room + 1, lots + 1):
            forbid(row, me, first + size)
    return 0


@dataclass(frozen=True, kw_only=True)
class Quotes(
    Action,
    kernel=_send_quotes,
    mask=_mask_quotes,
    meaning="distance of the bid and of the ask, size of the bid and of the ask; 0 lots is no quote",
    unit="ticks, ticks, lots, lots",
):
    """A quote on each side, in client order slots 0 (bid) and 1 (ask).

    A quote at an unchanged price that asks for no more lots than are open keeps its place in the queue.
    """

    kind: Literal["quotes"] = "quotes"
    max_distance_ticks: Ticks = 20
    max_size_lots: Lots = 10

    @property
    def space(self) -> MultiDiscrete:
        """`(bid distance, ask distance, bid lots, ask lots)`."""
        distances, lots = self.max_distance_ticks + 1, self.max_size_lots + 1
        return MultiDiscrete([distances, distances, lots, lots])

    @property
    def slots(self) -> int:
        """Two."""
        return 2


@kernel
def _send_ladder(row: Any, me: int) -> int:
    """Quote several levels a side."""
    levels, spacing, lots = int(parameter(row, me, 0)), 1 + int(asked(row, me, 2)), int(asked(row, me, 3))
    bid = _price_at(row, me, BUY, int(asked(row, me, 0)))
    ask = max(_price_at(row, me, SELL, int(asked(row, me, 1))), bid + 1)
    for k in range(levels):
        quote(row, me, 2 * k, BUY, bid - k * spacing, lots)
        quote(row, me, 2 * k + 1, SELL, ask + k * spacing, lots)
    return 0


@kernel
def _mask_ladder(row: Any, me: int) -> int:
    """Forbid the sizes with which some level would meet a position limit."""
    levels, distances = int(parameter(row, me, 0)), int(parameter(row, me, 1)) + 1
    first, lots = 2 * distances + int(parameter(row, me, 2)), int(parameter(row, me, 3))
    for side in (BUY, SELL):
        room = position_room(row, me, side)
        if room >= levels * lots:
            continue
        for size in range(1, lots + 1):
            left = room
            for k in range(levels):  # one after the other, as they will arrive
                more = size - own_size(row, me, 2 * k + side)
                if more > max(left, 0):
                    forbid(row, me, first + size)
                left -= more
    return 0


@dataclass(frozen=True, kw_only=True)
class LadderQuotes(
    Action,
    kernel=_send_ladder,
    mask=_mask_ladder,
    meaning="distance of the best bid and of the best ask, spacing of levels less 1, size of a level",
    unit="ticks, ticks, ticks, lots",
):
    """`levels` quotes on each side, evenly spaced; slot 2k holds the k-th bid, slot 2k + 1 the k-th ask."""

    kind: Literal["ladder_quotes"] = "ladder_quotes"
    levels: Annotated[int, Ge(1), Le(32)] = 3
    max_distance_ticks: Ticks = 20
    max_spacing_ticks: Annotated[int, Ge(1), Le(1 << 10)] = 5
    max_size_lots: Lots = 10

    @property
    def space(self) -> MultiDiscrete:
        """`(bid distance, ask distance, spacing - 1, lots)`."""
        distances = self.max_distance_ticks + 1
        return MultiDiscrete([distances, distances, self.max_spacing_ticks, self.max_size_lots + 1])

    @property
    def slots(self) -> int:
        """Two a level."""
        return 2 * self.levels


# --- single orders ----------------------------------------------------------------------------------------------------
@kernel
def _send_order(row: Any, me: int) -> int:
    """Send the order that was asked for, named by the first free slot."""
    what, lots = int(asked(row, me, 0)), int(asked(row, me, 3)) + 1
    slot = free_slot(row, me)
    if what == 0 or slot < 0:
        return 0
    side, how = BUY if what == 1 else SELL, int(parameter(row, me, 3 + int(asked(row, me, 1))))
    price = _price_at(row, me, side, int(asked(row, me, 2)))
    if how == _LIMIT:
        limit(row, me, slot, side, price, lots)
    elif how == _IOC:
        immediate(row, me, side, _price_at(row, me, 1 - side, int(asked(row, me, 2))), lots)
    elif how == _FOK:
        fill_or_kill(row, me, side, _price_at(row, me, 1 - side, int(asked(row, me, 2))), lots)
    elif how == _POST_ONLY:
        post_only(row, me, slot, side, price, lots)
    elif how == _STOP:
        stop(row, me, slot, side, _price_at(row, me, 1 - side, int(asked(row, me, 2))), lots)
    else:
        iceberg(row, me, slot, side, price, lots, 1)
    return 0


@kernel
def _forbid_beyond_room(row: Any, me: int, first: int, lots: int) -> None:
    """Forbid sides (options 1 and 2) without room, and sizes, lots less 1 from option `first`, with none on either."""
    most = 0
    for side in (BUY, SELL):
        room = position_room(row, me, side)
        if room == 0:
            forbid(row, me, 1 + side)
        most = max(most, room)
    for size in range(max(most, 1) + 1, lots + 1):  # without any room, the sides say it
        forbid(row, me, first + size - 1)


@kernel
def _mask_order(row: Any, me: int) -> int:
    """Forbid sides and sizes without room, both sides without a slot, and what a call or a halt does not take."""
    distances, lots, kinds = int(parameter(row, me, 0)) + 1, int(parameter(row, me, 1)), int(parameter(row, me, 2))
    closed, possible = phase(row, me) != CONTINUOUS, 0
    _forbid_beyond_room(row, me, 3 + kinds + distances, lots)
    for k in range(kinds):
        possible += not (closed and int(parameter(row, me, 3 + k)) in (_IOC, _FOK, _POST_ONLY))
    if possible == 0 or free_slot(row, me) < 0:
        forbid(row, me, 1 + BUY)
        forbid(row, me, 1 + SELL)
    for k in range(kinds):
        if possible > 0 and closed and int(parameter(row, me, 3 + k)) in (_IOC, _FOK, _POST_ONLY):
            forbid(row, me, 3 + k)
    return 0


@dataclass(frozen=True, kw_only=True)
class LimitOrder(
    Action,
    kernel=_send_order,
    mask=_mask_order,
    meaning="0 nothing, 1 buy, 2 sell; which of `kinds`; distance; size less 1",
    unit="-, -, ticks, lots",
):
    """One order at a distance, named by the first free client order slot; nothing is sent when none is free.

    `kinds` are limit, ioc, fok, post_only, stop (a stop order that becomes a market order) and iceberg (one lot is
    shown). Distances of ioc, fok and stop count towards and beyond the other side: from the mark up for a buyer.
    """

    kind: Literal["limit_order"] = "limit_order"
    max_distance_ticks: Ticks = 20
    max_size_lots: Lots = 10
    kinds: tuple[Literal["limit", "ioc", "fok", "post_only", "stop", "iceberg"], ...] = ("limit",)
    open_orders: Slots = 4

    @property
    def special_orders(self) -> bool:
        """Whether the venue needs room for orders that are not plain."""
        return not set(self.kinds) <= {"limit", "ioc"}

    def _more_faults(self) -> list[str]:
        once = len(set(self.kinds)) == len(self.kinds) > 0
        return [] if once else [f"kinds must name each kind once, and one at least, got {self.kinds}"]

    @property
    def parameters(self) -> tuple[float, ...]:
        """Distances, lots, how many kinds, and the kinds by number."""
        numbers = [float(ORDER_KINDS.index(one)) for one in self.kinds]
        return (float(self.max_distance_ticks), float(self.max_size_lots), float(len(numbers)), *numbers)

    @property
    def space(self) -> MultiDiscrete:
        """`(nothing/buy/sell, kind, distance, lots - 1)`."""
        return MultiDiscrete([3, len(self.kinds), self.max_distance_ticks + 1, self.max_size_lots])

    @property
    def slots(self) -> int:
        """`open_orders`."""
        return self.open_orders


@kernel
def _send_cancel(row: Any, me: int) -> int:
    """Cancel an order of a slot, or all."""
    what, orders = int(asked(row, me, 0)), int(parameter(row, me, 0))
    if what > orders:
        cancel_all(row, me)
    elif what > 0:
        cancel(row, me, what - 1)
    return 0


@kernel
def _mask_cancel(row: Any, me: int) -> int:
    """Forbid to cancel what is not there."""
    orders, live = int(parameter(row, me, 0)), 0
    for slot in range(orders):
        if own_size(row, me, slot) == 0:
            forbid(row, me, 1 + slot)
        else:
            live += 1
    if live == 0:
        forbid(row, me, 1 + orders)
    return 0


@dataclass(frozen=True, kw_only=True)
class Cancel(
    Action,
    kernel=_send_cancel,
    mask=_mask_cancel,
    meaning="0 nothing, k cancels client order slot k - 1, the last option all",
):
    """Cancels an own order by its client order slot, counted through the seat's slots, or all of them."""

    kind: Literal["cancel"] = "cancel"
    orders: Slots = 4

    @property
    def space(self) -> Discrete:
        """`orders + 2` options."""
        return Discrete(self.orders + 2)


@kernel
def _send_modify(row: Any, me: int) -> int:
    """Move an order, or change its size."""
    slot = int(asked(row, me, 0)) - 1
    if slot >= 0 and own_size(row, me, slot) > 0:
        price = _price_at(row, me, own_side(row, me, slot), int(asked(row, me, 1)))
        modify(row, me, slot, price, int(asked(row, me, 2)) + 1)
    return 0


@kernel
def _mask_modify(row: Any, me: int) -> int:
    """Forbid to modify what is not there, and sizes for which no order has room."""
    orders, distances, lots = int(parameter(row, me, 0)), int(parameter(row, me, 1)) + 1, int(parameter(row, me, 2))
    most = 0
    for slot in range(orders):
        size = own_size(row, me, slot)
        if size == 0:
            forbid(row, me, 1 + slot)
        else:
            most = max(most, size + position_room(row, me, own_side(row, me, slot)))
    for size in range(max(most, 1) + 1, lots + 1):
        forbid(row, me, orders + distances + size)
    return 0


@dataclass(frozen=True, kw_only=True)
class Modify(
    Action,
    kernel=_send_modify,
    mask=_mask_modify,
    meaning="0 nothing, k modifies client order slot k - 1; new distance; new size less 1",
    unit="-, ticks, lots",
):
    """Gives an own order another price and open size; it keeps its place in the queue where the venue lets it."""

    kind: Literal["modify"] = "modify"
    orders: Slots = 4
    max_distance_ticks: Ticks = 20
    max_size_lots: Lots = 10

    @property
    def space(self) -> MultiDiscrete:
        """`(nothing or slot + 1, distance, lots - 1)`."""
        return MultiDiscrete([self.orders + 1, self.max_distance_ticks + 1, self.max_size_lots])


# --- taking -----------------------------------------------------------------------------------------------------------
@kernel
def _send_market(row: Any, me: int) -> int:
    """Send a market order."""
    what = int(asked(row, me, 0))
    if what > 0:
        market(row, me, BUY if what == 1 else SELL, int(asked(row, me, 1)) + 1)
    return 0


@kernel
def _mask_market(row: Any, me: int) -> int:
    """Forbid sides and sizes without room."""
    _forbid_beyond_room(row, me, 3, int(parameter(row, me, 0)))
    return 0


@dataclass(frozen=True, kw_only=True)
class MarketOrder(
    Action,
    kernel=_send_market,
    mask=_mask_market,
    meaning="0 nothing, 1 buys, 2 sells at the market; size less 1",
    unit="-, lots",
):
    """A market order by lots."""

    kind: Literal["market_order"] = "market_order"
    max_size_lots: Lots = 10

    @property
    def space(self) -> MultiDiscrete:
        """`(nothing/buy/sell, lots - 1)`."""
        return MultiDiscrete([3, self.max_size_lots])


@kernel
def _send_share(row: Any, me: int) -> int:
    """Trade a share of what is left of the parent order."""
    parent, shares = int(parameter(row, me, 0)), int(parameter(row, me, 1))
    left = parent - position(row, me)
    lots = (abs(left) * int(asked(row, me, 0)) + shares - 1) // shares
    if lots > 0:
        market(row, me, BUY if left > 0 else SELL, lots)
    return 0


@kernel
def _mask_share(row: Any, me: int) -> int:
    """Forbid the shares for which there is no room."""
    parent, shares = int(parameter(row, me, 0)), int(parameter(row, me, 1))
    left = parent - position(row, me)
    room = position_room(row, me, BUY if left > 0 else SELL)
    for k in range(1, shares + 1):
        if (abs(left) * k + shares - 1) // shares > room:
            forbid(row, me, k)
    return 0


@dataclass(frozen=True, kw_only=True)
class ParentShare(
    Action,
    kernel=_send_share,
    mask=_mask_share,
    meaning="k sends k / shares of what is left of the parent order to the market",
):
    """A market order by a share of a parent order: `parent_lots` to buy, below 0 to sell, rounded up to a lot."""

    kind: Literal["parent_share"] = "parent_share"
    parent_lots: Annotated[int, Ge(-(1 << 30)), Le(1 << 30)] = 100
    shares: Annotated[int, Ge(1), Le(1000)] = 10

    @property
    def space(self) -> Discrete:
        """`shares + 1` options."""
        return Discrete(self.shares + 1)


@kernel
def _send_target(row: Any, me: int) -> int:
    """Trade towards the target position."""
    option, most = int(asked(row, me, 0)), int(parameter(row, me, 0))
    missing = option - 1 - most - position(row, me)
    if option > 0 and missing != 0:
        market(row, me, BUY if missing > 0 else SELL, abs(missing))
    return 0


@kernel
def _mask_target(row: Any, me: int) -> int:
    """Forbid the positions to which there is no room."""
    most, held = int(parameter(row, me, 0)), position(row, me)
    lowest, highest = held - position_room(row, me, SELL), held + position_room(row, me, BUY)
    for k in range(1, 2 * most + 2):
        if not lowest <= k - 1 - most <= highest:
            forbid(row, me, k)
    return 0


@dataclass(frozen=True, kw_only=True)
class TargetPosition(
    Action,
    kernel=_send_target,
    mask=_mask_target,
    meaning="0 nothing, k asks for a position of k - 1 - max_position_lots",
    unit="lots",
):
    """A market order for what is missing to a target position, from -max_position_lots to max_position_lots."""

    kind: Literal["target_position"] = "target_position"
    max_position_lots: Annotated[int, Ge(1), Le(1 << 15)] = 10

    @property
    def space(self) -> Discrete:
        """`2 max_position_lots + 2` options."""
        return Discrete(2 * self.max_position_lots + 2)


# --- the same, continuous ---------------------------------------------------------------------------------------------
@kernel
def _scaled(value: float, most: int) -> int:
    """Return the whole number from 0 to `most` that a value in [-1, 1] stands for."""
    return int((value + 1.0) * 0.5 * most + 0.5)


def _box(size: int) -> Box:
    return Box(-1.0, 1.0, shape=(size,), dtype=np.float32)


@kernel
def _send_continuous_quotes(row: Any, me: int) -> int:
    """Quote both sides."""
    distance, lots = int(parameter(row, me, 0)), int(parameter(row, me, 1))
    bid, ask = _scaled(asked(row, me, 0), distance), _scaled(asked(row, me, 1), distance)
    _quote_both(row, me, bid, ask, _scaled(asked(row, me, 2), lots), _scaled(asked(row, me, 3), lots))
    return 0


@dataclass(frozen=True, kw_only=True)
class ContinuousQuotes(
    Action,
    kernel=_send_continuous_quotes,
    meaning="distance of the bid and of the ask, size of the bid and of the ask: -1 is 0, 1 is the most",
):
    """`Quotes` as four numbers in [-1, 1]: -1 is distance 0 or 0 lots, 1 the largest, rounded between."""

    kind: Literal["continuous_quotes"] = "continuous_quotes"
    max_distance_ticks: Ticks = 20
    max_size_lots: Lots = 10

    @property
    def space(self) -> Space[NDArray[np.float32]]:
        """Four numbers in [-1, 1]."""
        return _box(4)

    @property
    def slots(self) -> int:
        """Two."""
        return 2


@kernel
def _send_continuous_order(row: Any, me: int) -> int:
    """Send a market order whose sign is the side."""
    value, most = asked(row, me, 0), int(parameter(row, me, 0))
    lots = int(abs(value) * most + 0.5)
    if lots > 0:
        market(row, me, BUY if value > 0.0 else SELL, lots)
    return 0


@dataclass(frozen=True, kw_only=True)
class ContinuousOrder(
    Action, kernel=_send_continuous_order, meaning="-1 sells the most, 1 buys the most, rounded to a lot"
):
    """`MarketOrder` as one number in [-1, 1]."""

    kind: Literal["continuous_order"] = "continuous_order"
    max_size_lots: Lots = 10

    @property
    def space(self) -> Space[NDArray[np.float32]]:
        """One number in [-1, 1]."""
        return _box(1)


@kernel
def _send_continuous_target(row: Any, me: int) -> int:
    """Trade towards the target position."""
    most = int(parameter(row, me, 0))
    missing = _scaled(asked(row, me, 0), 2 * most) - most - position(row, me)
    if missing != 0:
        market(row, me, BUY if missing > 0 else SELL, abs(missing))
    return 0


@dataclass(frozen=True, kw_only=True)
class ContinuousTarget(
    Action, kernel=_send_continuous_target, meaning="target position: -1 is -max_position_lots, 1 is max_position_lots"
):
    """`TargetPosition` as one number in [-1, 1]."""

    kind: Literal["continuous_target"] = "continuous_target"
    max_position_lots: Annotated[int, Ge(1), Le(1 << 15)] = 10

    @property
    def space(self) -> Space[NDArray[np.float32]]:
        """One number in [-1, 1]."""
        return _box(1)
