"""What is said to a book and what it says back, as arrays: orders in, trades, events and depth out.

Prices are in ticks, sizes in lots, both counted from zero. An order is named by its sender's own number, dense from 0.
`sekai.markets.messages` is this module's function of the same name; the rest is imported from here.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sekai.error import SekaiError
from sekai.markets.engine import layout

__all__ = [
    "AON",
    "CANCEL",
    "EVENT",
    "FOK",
    "HIDDEN",
    "ICEBERG",
    "IOC",
    "KEEP",
    "LEVEL",
    "LIMIT",
    "MARKET",
    "MASS_CANCEL",
    "MESSAGE",
    "MODIFY",
    "ORDER",
    "PHASE",
    "POST_ONLY",
    "REDUCE",
    "REJECT",
    "STOP",
    "STOP_LIMIT",
    "TRADE",
    "TRAILING_STOP",
    "UNCROSS",
    "BadMessage",
    "Ending",
    "EventKind",
    "Reason",
    "ends_of",
    "events_of",
    "messages",
    "rejects_of",
    "trades_of",
]

LIMIT: Final = layout.OP_LIMIT
CANCEL: Final = layout.OP_CANCEL
IOC: Final = layout.OP_IOC
REDUCE: Final = layout.OP_REDUCE
MARKET: Final = layout.OP_MARKET
MODIFY: Final = layout.OP_MODIFY
MASS_CANCEL: Final = layout.OP_MASS_CANCEL
FOK: Final = layout.OP_FOK
AON: Final = layout.OP_AON
STOP: Final = layout.OP_STOP
STOP_LIMIT: Final = layout.OP_STOP_LIMIT
TRAILING_STOP: Final = layout.OP_TRAILING_STOP
PHASE: Final = layout.OP_PHASE
UNCROSS: Final = layout.OP_UNCROSS
_NEW: Final = (LIMIT, IOC, MARKET, FOK, AON, STOP, STOP_LIMIT, TRAILING_STOP)
KEEP: Final = -(1 << 31)  # in a MODIFY: leave the price, or the size, as it is

# what else an order is, in ORDER["flags"]; ICEBERG goes with a display
HIDDEN: Final = layout.IS_HIDDEN
ICEBERG: Final = layout.IS_ICEBERG
POST_ONLY: Final = layout.IS_POST_ONLY

MESSAGE: Final = np.dtype([(name, "<i4") for name in ("op", "order_id", "side", "price_ticks", "size", "owner")])
TRADE: Final = np.dtype([(name, "<i8") for name in ("maker", "taker", "price_ticks", "size")])
ORDER: Final = np.dtype(
    [(name, "<i4") for name in ("op", "order_id", "side", "price_ticks", "size", "owner")]
    + [(name, "<i4") for name in ("stop_ticks", "display", "flags")]
)
LEVEL: Final = np.dtype([(name, "<i8") for name in ("price_ticks", "size", "orders")])
REJECT: Final = np.dtype(
    [(name, "<i8") for name in ("message", "op", "order_id", "side", "price_ticks", "size", "owner", "reason")]
)
EVENT: Final = np.dtype(
    [("time_ns", "<i8"), ("kind", "i1"), ("reason", "i1"), ("side", "i1"), ("book", "<i4"), ("price_ticks", "<i8")]
    + [(name, "<i8") for name in ("size", "order", "other", "owner", "other_owner", "message", "shown")]
)


Ending = Literal["filled", "cancelled", "rejected"]


class EventKind(IntEnum):
    """What an event is; `EVENT["kind"]` holds its number."""

    ACCEPTED = layout.ACCEPTED
    TRADED = layout.TRADED
    CANCELLED = layout.CANCELLED
    REDUCED = layout.REDUCED
    REPLACED = layout.REPLACED
    REJECTED = layout.REJECTED
    TRIGGERED = layout.TRIGGERED
    REPLENISHED = layout.REPLENISHED
    PHASED = layout.PHASED


class Reason(IntEnum):
    """Why an order was refused, or ended; `EVENT["reason"]` and `REJECT["reason"]` hold its number."""

    OK = layout.OK
    BY_OWNER = layout.BY_OWNER
    UNFILLED = layout.UNFILLED
    BAD_PRICE = layout.BAD_PRICE
    BAD_SIZE = layout.BAD_SIZE
    BEYOND_LADDER = layout.BEYOND_LADDER
    BOOK_FULL = layout.BOOK_FULL
    UNKNOWN_ORDER = layout.UNKNOWN_ORDER
    NOT_OWNER = layout.NOT_OWNER
    DUPLICATE_ID = layout.DUPLICATE_TAG
    IDS_EXHAUSTED = layout.TAGS_EXHAUSTED
    LEVEL_FULL = layout.LEVEL_FULL
    BAD_OPERATION = layout.BAD_OPERATION
    BAD_OWNER = layout.BAD_OWNER
    CLOSED = layout.CLOSED
    BAD_SIDE = layout.BAD_SIDE
    OFF_TICK = layout.OFF_TICK
    OFF_LOT = layout.OFF_LOT
    OUTSIDE_BAND = layout.OUTSIDE_BAND
    BAD_DISPLAY = layout.BAD_DISPLAY
    WOULD_TRADE = layout.WOULD_TRADE
    NOT_IN_CALL = layout.NOT_IN_CALL
    SELF_TRADE = layout.SELF_TRADE
    POSITION_LIMIT = layout.POSITION_LIMIT
    ORDER_LIMIT = layout.ORDER_LIMIT
    RATE_LIMIT = layout.RATE_LIMIT
    NO_CALL = layout.NO_CALL


class BadMessage(SekaiError, ValueError):
    """Raised when arrays cannot be made into messages; what a book would refuse is for the book to refuse."""


def messages(
    *,
    op: ArrayLike,
    order_id: ArrayLike = 0,
    side: ArrayLike = 0,
    price_ticks: ArrayLike = 0,
    size: ArrayLike = 0,
    owner: ArrayLike = 0,
    stop_ticks: ArrayLike | None = None,
    display: ArrayLike | None = None,
    flags: ArrayLike | None = None,
) -> NDArray[Any]:
    """Return messages for `OrderBook.apply`, `(n,)` of dtype `MESSAGE`; arrays of one length, or numbers for all.

    `op`: 0 limit, 1 cancel, 2 IOC limit, 3 reduce by `size`, 4 market, 5 modify, 6 mass cancel of `owner`'s orders,
    8 FOK, 9 AON, 10 stop, 11 stop-limit, 12 trailing stop, 13 a phase (`size` 0 continuous, 1 auction, 2 halt),
    14 uncross (`price_ticks` the reference, or KEEP). `side`: 0 buy, 1 sell. `order_id`: the sender's own, from 0 and
    dense. `price_ticks`, `size`: as the book will check them; KEEP in a modify.

    With any of `stop_ticks` (a stop's trigger, or a trailing one's offset), `display` (of an iceberg, 0 for none) and
    `flags` (HIDDEN, POST_ONLY) the dtype is `ORDER`, which has them too. Raises BadMessage naming the argument where it
    is no integer, or has no such meaning.

    >>> messages(op=[0, 1], order_id=7, side=1, price_ticks=101, size=5)["op"]
    array([0, 1], dtype=int32)
    """
    given = {"op": op, "order_id": order_id, "side": side, "price_ticks": price_ticks, "size": size, "owner": owner}
    columns = {name: _integers(name, value) for name, value in given.items()}
    more = {"stop_ticks": stop_ticks, "display": display, "flags": flags}
    is_plain = all(value is None for value in more.values())
    if not is_plain:
        columns |= {name: _integers(name, 0 if value is None else value) for name, value in more.items()}
    _check_range(columns["op"], "op", "an operation from 0 to 14", 0, UNCROSS)
    _check_range(columns["side"], "side", "0 (buy) or 1 (sell)", 0, 1)
    _check_range(columns["order_id"], "order_id", f"from 0 to {layout.MAX_TAG}", 0, layout.MAX_TAG)
    _check_range(columns["owner"], "owner", f"from 0 to {layout.MAX_TAG}", 0, layout.MAX_TAG)
    for name in ("price_ticks", "size", "stop_ticks", "display", "flags"):
        _check_range(columns.get(name, np.zeros(0)), name, "a 32-bit integer", -(1 << 31), (1 << 31) - 1)
    if not is_plain:
        columns["flags"] = columns["flags"] | np.where(columns["display"] != 0, ICEBERG, 0)
    lengths = {name: column.size for name, column in columns.items() if column.ndim}
    if len(set(lengths.values())) > 1:
        raise BadMessage(f"all arrays must have one length, got {lengths}")
    out = np.empty(next(iter(lengths.values()), 1), MESSAGE if is_plain else ORDER)
    for name, column in columns.items():
        out[name] = column
    return out


def _integers(name: str, value: ArrayLike) -> NDArray[np.int64]:
    column = np.asarray(value)
    if column.ndim > 1:
        raise BadMessage(f"{name} must be a number or one-dimensional, got shape {column.shape}")
    if column.size and column.dtype.kind not in "iub":
        if column.dtype.kind != "f" or (column != np.floor(column)).any() or not np.isfinite(column).all():
            raise BadMessage(f"{name} must hold integers, got {column.dtype}: {column.ravel()[:4].tolist()}")
        _check_range(column, name, "a 32-bit integer", -(1 << 31), (1 << 31) - 1)
    return column.astype(np.int64)


def _check_range(column: NDArray[Any], name: str, right: str, least: int, most: int) -> None:
    wrong = np.flatnonzero((column < least) | (column > most))
    if wrong.size:
        raise BadMessage(f"{name} must be {right}, got {column.ravel()[wrong[0]]} at {wrong[0]}")


def events_of(words: NDArray[np.int64]) -> NDArray[Any]:
    """Return engine events `(n, 8)` as records of dtype `EVENT`, `(n,)`; `order` and `other` are ids, -1 for none.

    ACCEPTED, REJECTED: as sent, `other` is the operation, `price_ticks` 0 for a market order. TRADED: `order` rested,
    `other` came; in a call `order` bought. CANCELLED, REDUCED: `size` is what was taken away. REPLACED: a modify that
    lost its place. TRIGGERED: a stop, at the last trade price. REPLENISHED: what an iceberg shows next. PHASED: `size`
    is the phase that begins (0 continuous, 1 auction, 2 halt), `price_ticks` what a call cleared at, or 0. `shown`, of
    what is ACCEPTED or REPLACED: lots that an iceberg shows at a time, 0 of a hidden order; else -1.
    """
    out = np.zeros(len(words), EVENT)
    what, owners = words[:, layout.E_WHAT], words[:, layout.E_OWNERS]
    out["time_ns"] = words[:, layout.E_TIME]
    out["kind"], out["reason"], out["side"], out["book"] = what & 255, what >> 8 & 255, what >> 16 & 255, what >> 24
    out["price_ticks"], out["size"] = words[:, layout.E_PRICE], words[:, layout.E_SIZE]
    for name in ("price_ticks", "size"):
        out[name][out[name] == layout.KEEP] = KEEP
    out["order"], out["other"] = words[:, layout.E_ORDER], words[:, layout.E_OTHER]
    is_trade = out["kind"] == EventKind.TRADED
    may_hide = np.isin(out["kind"], (EventKind.ACCEPTED, EventKind.REPLACED))
    out["owner"] = np.where(is_trade | may_hide, owners & 0xFFFFFFFF, owners)
    out["shown"] = np.where(may_hide, (owners >> 32) - 1, -1)
    out["other_owner"] = np.where(is_trade, owners >> 32, -1)
    out["message"] = words[:, layout.E_CAUSE] - 1
    return out


def trades_of(words: NDArray[np.int64]) -> NDArray[Any]:
    """Return the trades among engine events `(n, 8)`, `(m,)` of dtype `TRADE`, in the order in which they happened."""
    fills = words[words[:, layout.E_WHAT] & 255 == EventKind.TRADED]
    columns = fills[:, [layout.E_ORDER, layout.E_OTHER, layout.E_PRICE, layout.E_SIZE]]
    return np.ascontiguousarray(columns).view(TRADE)[:, 0]


def rejects_of(words: NDArray[np.int64]) -> NDArray[Any]:
    """Return the refusals among engine events `(n, 8)`, `(m,)` of dtype `REJECT`; `message` counts from 0."""
    events = events_of(words[words[:, layout.E_WHAT] & 255 == EventKind.REJECTED])
    out = np.empty(len(events), REJECT)
    for name in ("message", "side", "price_ticks", "size", "owner", "reason"):
        out[name] = events[name]
    out["op"], out["order_id"] = events["other"], events["order"]
    return out


def ends_of(words: NDArray[np.int64]) -> dict[int, Ending]:
    """Return how each order has ended that is not live any more, by all events `(n, 8)` of some time.

    An order that is live may be in it, as filled. Of an id that is used again the last order that was accepted counts.
    """
    kind, order, other = words[:, layout.E_WHAT] & 255, words[:, layout.E_ORDER], words[:, layout.E_OTHER]
    refused = order[(kind == EventKind.REJECTED) & np.isin(other, _NEW)]
    ends: dict[int, Ending] = dict.fromkeys(refused.tolist(), "rejected")
    traded, cancelled = np.flatnonzero(kind == EventKind.TRADED), np.flatnonzero(kind == EventKind.CANCELLED)
    at = np.concatenate([traded, traded, cancelled])
    in_time = np.argsort(at, kind="stable")
    ids = np.concatenate([order[traded], other[traded], order[cancelled]])[in_time]
    is_fill = (kind[at] == EventKind.TRADED)[in_time]
    for number, filled in zip(ids.tolist(), is_fill.tolist(), strict=True):
        ends[number] = "filled" if filled else "cancelled"
    return ends
