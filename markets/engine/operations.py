"""Every operation of the venue, a line each: what is sent with it, and what is true of it.

Whoever has to know whether an operation brings a new order, or what an order book's method calls a message's size,
reads it here. What it does is said in `arrival`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from .terms import Op

__all__ = ["NEW", "OPERATIONS", "PLAIN", "PRICED", "STAYING", "TIFS", "Operation"]


class Operation(NamedTuple):
    """One operation. `needs` and `may_have` map fields of a message to what `OrderBook`'s method calls them."""

    code: int
    method: str
    needs: Mapping[str, str]
    may_have: Mapping[str, str] = {}
    tif: str | None = None  # the time in force with which the method means this operation
    is_plain: bool = False  # a plain book knows it
    is_new: bool = False  # it brings an order
    stays: bool = False  # what is left of it does, at its price or in a list
    is_priced: bool = False  # its price must lie on the ladder
    in_call: bool = True  # it may come in a call or a halt
    is_public: bool = True  # anybody may send it; else the engine alone does

    @property
    def called(self) -> Mapping[str, str]:
        """What `OrderBook`'s method calls each field, needed or not."""
        return {**self.needs, **self.may_have}


_NEW: Final = {"order_id": "id", "side": "side", "size": "size"}
_PRICED: Final = _NEW | {"price_ticks": "price"}
_STOP: Final = _NEW | {"stop_ticks": "stop"}
_ID: Final = {"order_id": "id"}
_OWNER: Final = {"owner": "owner"}
_CHANGED: Final = _OWNER | {"price_ticks": "price", "size": "size"}
_SHOWN: Final = _OWNER | {"flags": "hidden", "display": "display"}

_ALL: Final = (
    Operation(Op.LIMIT, "limit", _PRICED, _SHOWN, tif="gtc", is_plain=True, is_new=True, stays=True, is_priced=True),
    Operation(Op.IOC, "limit", _PRICED, _SHOWN, tif="ioc", is_plain=True, is_new=True, in_call=False),
    Operation(Op.FOK, "limit", _PRICED, _SHOWN, tif="fok", is_new=True, in_call=False),
    Operation(Op.AON, "limit", _PRICED, _SHOWN, tif="aon", is_new=True, stays=True, is_priced=True),
    Operation(Op.MARKET, "market", _NEW, _OWNER, is_plain=True, is_new=True),
    Operation(Op.STOP, "stop", _STOP, _OWNER, is_new=True, stays=True),
    Operation(Op.STOP_LIMIT, "stop_limit", _STOP | _PRICED, _OWNER, is_new=True, stays=True, is_priced=True),
    Operation(Op.TRAILING_STOP, "trailing_stop", _NEW | {"stop_ticks": "offset"}, _OWNER, is_new=True, stays=True),
    Operation(Op.CANCEL, "cancel", _ID, _OWNER, is_plain=True),
    Operation(Op.REDUCE, "reduce", _ID | {"size": "by"}, _OWNER, is_plain=True),
    Operation(Op.MODIFY, "modify", _ID, _CHANGED, is_plain=True, is_priced=True),
    Operation(Op.MASS_CANCEL, "mass_cancel", {}, _OWNER, is_plain=True),
    Operation(Op.PHASE, "phase", {"size": "to"}),
    Operation(Op.UNCROSS, "uncross", {}, {"price_ticks": "reference"}, is_priced=True),
    Operation(Op.QUOTE, "quote", _PRICED, is_public=False),  # delivered as a limit, a modify or a cancel
    Operation(Op.POST_ONLY, "post_only", _PRICED, is_new=True, stays=True, is_priced=True, is_public=False),
    Operation(Op.ICEBERG, "iceberg", _PRICED, is_new=True, stays=True, is_priced=True, is_public=False),
    Operation(Op.INVALID, "invalid", {}, is_new=True, is_public=False),  # a seat's message that the venue rejects
)
OPERATIONS: Final[Mapping[int, Operation]] = {one.code: one for one in _ALL}
TIFS: Final[Mapping[str, int]] = {one.tif: code for code, one in OPERATIONS.items() if one.tif}


def _codes(field: str) -> int:
    """Return the operations of which something is true as a set: a bit each, for `bits.is_in`."""
    return sum(1 << one.code for one in _ALL if getattr(one, field))


NEW: Final = _codes("is_new")
PLAIN: Final = _codes("is_plain")
PRICED: Final = _codes("is_priced")
STAYING: Final = _codes("stays")
assert sorted(OPERATIONS) == sorted(Op)
