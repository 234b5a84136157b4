"""The rules of a venue, as data: what an order may be, who trades with whom, what it costs, when trading stops.

A plain venue, `VenueRules()`, has price-time priority and no more: no prevention of self-trades, no fees, no limits.
Prices are ticks, sizes lots, both integers; money is in hundredths of tick x lot.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final, Literal

from annotated_types import Ge, Le

from sekai.utils.checked import Checked

__all__ = ["BPS_PARTS", "Allocation", "SelfTradePrevention", "VenueRules"]

SelfTradePrevention = Literal["none", "cancel_newest", "cancel_oldest", "cancel_both", "decrement"]
Allocation = Literal["fifo", "pro_rata"]

BPS_PARTS: Final = 10_000  # a fee is a whole number of these parts of a basis point

_MAX_PRICE: Final = 2**31 - 1
_MAX_SIZE: Final = 2**30 - 1
_MAX_FEE_BPS: Final = 10_000
_MAX_FEE_PER_LOT: Final = 2**31 - 1

_Price = Annotated[int, Ge(1), Le(_MAX_PRICE)]
_Number = Annotated[int, Ge(0), Le(2**31 - 1)]
_Size = Annotated[int, Ge(1), Le(_MAX_SIZE)]
_Fee = Annotated[float, Ge(-_MAX_FEE_BPS), Le(_MAX_FEE_BPS)]
_FeePerLot = Annotated[int, Ge(-_MAX_FEE_PER_LOT), Le(_MAX_FEE_PER_LOT)]


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueRules(Checked):
    """What a venue does; the defaults are those of a plain one. Raises InvalidValue naming every field that is wrong.

    Orders: prices are multiples of `tick` inside `band` (lowest, highest), sizes of `lot`, at most `max_size`.
    With `halt_band` a price may lie outside the band, but an order that would trade there halts the market instead.

    Matching: `stp` says what prevents an owner's trade with itself; `allocation` shares a level out by time or by size
    (the oldest order first if `top_order`, no share below `min_fill` lots). `last_trade`: the last price before the
    first order.

    Fees are in basis points of the value plus money a lot, negative for rebates. Limits are per owner: the position
    that its open orders could lead to, its open orders, and new orders in each window of `order_rate_window_ns`.

    >>> VenueRules(tick=5, stp="decrement").stp
    'decrement'
    >>> VenueRules(tick=0, band=(9, 8))
    Traceback (most recent call last):
    sekai.utils.checked.InvalidValue: tick must be >= 1, got 0
    """

    tick: _Price = 1
    lot: _Size = 1
    max_size: _Size = _MAX_SIZE
    band: tuple[_Price, _Price] = (1, _MAX_PRICE)
    halt_band: bool = False
    stp: SelfTradePrevention = "none"
    allocation: Allocation = "fifo"
    top_order: bool = False
    min_fill: _Size = 1
    maker_fee_bps: _Fee = 0.0
    taker_fee_bps: _Fee = 0.0
    maker_fee_per_lot: _FeePerLot = 0
    taker_fee_per_lot: _FeePerLot = 0
    position_limit: Annotated[int, Ge(0), Le(2**62)] | None = None
    open_order_limit: _Number | None = None
    order_rate_limit: _Number | None = None
    order_rate_window_ns: Annotated[int, Ge(1), Le(2**62)] = 1_000_000_000
    last_trade: _Price | None = None

    @property
    def maker_fee_parts(self) -> int:
        """The maker's fee in parts of a basis point, `BPS_PARTS` of which make one: a whole number."""
        return _parts(self.maker_fee_bps)

    @property
    def taker_fee_parts(self) -> int:
        """The taker's fee in parts of a basis point, `BPS_PARTS` of which make one: a whole number."""
        return _parts(self.taker_fee_bps)

    def _more_faults(self) -> list[str]:
        faults = []
        low, high = self.band if len(self.band) == 2 else (0, -1)
        if low > high:
            faults.append(f"band must be (lowest, highest), got {self.band}")
        elif high // self.tick * self.tick < low:
            faults.append(f"band must hold a multiple of tick, {self.tick}, got {self.band}")
        if self.lot > self.max_size:
            faults.append(f"lot must be at most max_size, {self.max_size}, got {self.lot}")
        for name in ("maker_fee_bps", "taker_fee_bps"):
            value = getattr(self, name)
            if Decimal(str(value)) * BPS_PARTS % 1:
                faults.append(f"{name} must be a multiple of {1 / BPS_PARTS:g}, got {value!r}")
        return faults


def _parts(bps: float) -> int:
    return int(Decimal(str(bps)) * BPS_PARTS)
