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
from sekai.markets.engine import layout, terms
from sekai.markets.engine.operations import OPERATIONS

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
    "what_of",
]

LIMIT: Final = terms.Op.LIMIT
CANCEL: Final = terms.Op.CANCEL
IOC: Final = terms.Op.IOC
REDUCE: Final = terms.Op.REDUCE
MARKET: Final = terms.Op.MARKET
MODIFY: Final = terms.Op.MODIFY
MASS_CANCEL: Final = terms.Op.MASS_CANCEL
FOK: Final = terms.Op.FOK
AON: Final = terms.Op.AON
STOP: Final = terms.Op.STOP
STOP_LIMIT: Final = terms.Op.STOP_LIMIT
TRAILING_STOP: Final = terms.Op.TRAILING_STOP
PHASE: Final = terms.Op.PHASE
UNCROSS: Final = terms.Op.UNCROSS
_NEW: Final = [one.code for one in OPERATIONS.values() if one.is_new]
_PUBLIC: Final = sorted(one.code for one in OPERATIONS.values() if one.is_public)
KEEP: Final = -(1 << 31)  # in a MODIFY: leave the price, or the size, as it is

# what else an order is, in ORDER["flags"]; ICEBERG goes with a display
HIDDEN: Final = terms.Flag.HIDDEN
ICEBERG: Final = terms.Flag.ICEBERG
POST_ONLY: Final = terms.Flag.POST_ONLY

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

    ACCEPTED = terms.Kind.ACCEPTED
    TRADED = terms.Kind.TRADED
    CANCELLED = terms.Kind.CANCELLED
    REDUCED = terms.Kind.REDUCED
    REPLACED = terms.Kind.REPLACED
    REJECTED = terms.Kind.REJECTED
    TRIGGERED = terms.Kind.TRIGGERED
    REPLENISHED = terms.Kind.REPLENISHED
    PHASED = terms.Kind.PHASED


class Reason(IntEnum):
    """Why an order was refused, or ended; `EVENT["reason"]` and `REJECT["reason"]` hold its number."""

    OK = terms.Reason.OK
    BY_OWNER = terms.Reason.BY_OWNER
    UNFILLED = terms.Reason.UNFILLED
    BAD_PRICE = terms.Reason.BAD_PRICE
    BAD_SIZE = terms.Reason.BAD_SIZE
    BEYOND_LADDER = terms.Reason.BEYOND_LADDER
    BOOK_FULL = terms.Reason.BOOK_FULL
    UNKNOWN_ORDER = terms.Reason.UNKNOWN_ORDER
    NOT_OWNER = terms.Reason.NOT_OWNER
    DUPLICATE_ID = terms.Reason.DUPLICATE_TAG
    IDS_EXHAUSTED = terms.Reason.TAGS_EXHAUSTED
    LEVEL_FULL = terms.Reason.LEVEL_FULL
    BAD_OPERATION = terms.Reason.BAD_OPERATION
    BAD_OWNER = terms.Reason.BAD_OWNER
    CLOSED = terms.Reason.CLOSED
    BAD_SIDE = terms.Reason.BAD_SIDE
    OFF_TICK = terms.Reason.OFF_TICK
    OFF_LOT = terms.Reason.OFF_LOT
    OUTSIDE_BAND = terms.Reason.OUTSIDE_BAND
    BAD_DISPLAY = terms.Reason.BAD_DISPLAY
    WOULD_TRADE = terms.Reason.WOULD_TRADE
    NOT_IN_CALL = terms.Reason.NOT_IN_CALL
    SELF_TRADE = terms.Reason.SELF_TRADE
    POSITION_LIMIT = terms.Reason.POSITION_LIMIT
    ORDER_LIMIT = terms.Reason.ORDER_LIMIT
    RATE_LIMIT = terms.Reason.RATE_LIMIT
    NO_CALL = terms.Reason.NO_CALL


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
    _check(columns["op"], "op", f"one of {', '.join(map(str, _PUBLIC))}", np.isin(columns["op"], _PUBLIC))
    _check_range(columns["side"], "side", "0 (buy) or 1 (sell)", 0, 1)
    _check_range(columns["order_id"], "order_id", f"from 0 to {terms.MAX_TAG}", 0, terms.MAX_TAG)
    _check_range(columns["owner"], "owner", f"from 0 to {terms.MAX_TAG}", 0, terms.MAX_TAG)
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
    _check(column, name, right, (column >= least) & (column <= most))


def _check(column: NDArray[Any], name: str, right: str, is_right: NDArray[np.bool_]) -> None:
    wrong = np.flatnonzero(~is_right)
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
    from sekai.markets.engine.jit import plain  # numba is imported with the first book
    from sekai.markets.engine.packing import lower, upper

    out = np.zeros(len(words), EVENT)
    owners = words[:, layout.Event.OWNERS]
    first, second = plain(lower)(owners), plain(upper)(owners)
    out["time_ns"] = words[:, layout.Event.TIME]
    out["kind"], out["reason"], out["side"], out["book"] = what_of(words)
    out["price_ticks"], out["size"] = words[:, layout.Event.PRICE], words[:, layout.Event.SIZE]
    for name in ("price_ticks", "size"):
        out[name][out[name] == terms.KEEP] = KEEP
    out["order"], out["other"] = words[:, layout.Event.ORDER], words[:, layout.Event.OTHER]
    is_trade = out["kind"] == EventKind.TRADED
    may_hide = np.isin(out["kind"], (EventKind.ACCEPTED, EventKind.REPLACED))
    out["owner"] = np.where(is_trade | may_hide, first, owners)
    out["shown"] = np.where(may_hide, second - 1, -1)
    out["other_owner"] = np.where(is_trade, second, -1)
    out["message"] = words[:, layout.Event.CAUSE] - 1
    return out


def what_of(words: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Return kind, reason, side, and the number of the book, of engine events `(n, 8)`, each `(n,)`."""
    from sekai.markets.engine.jit import plain
    from sekai.markets.engine.packing import event_of

    out: tuple[NDArray[np.int64], ...] = plain(event_of)(words[:, layout.Event.WHAT])
    return out


def trades_of(words: NDArray[np.int64]) -> NDArray[Any]:
    """Return the trades among engine events `(n, 8)`, `(m,)` of dtype `TRADE`, in the order in which they happened."""
    fills = words[what_of(words)[0] == EventKind.TRADED]
    columns = fills[:, [layout.Event.ORDER, layout.Event.OTHER, layout.Event.PRICE, layout.Event.SIZE]]
    return np.ascontiguousarray(columns).view(TRADE)[:, 0]


def rejects_of(words: NDArray[np.int64]) -> NDArray[Any]:
    """Return the refusals among engine events `(n, 8)`, `(m,)` of dtype `REJECT`; `message` counts from 0."""
    events = events_of(words[what_of(words)[0] == EventKind.REJECTED])
    out = np.empty(len(events), REJECT)
    for name in ("message", "side", "price_ticks", "size", "owner", "reason"):
        out[name] = events[name]
    out["op"], out["order_id"] = events["other"], events["order"]
    return out


def ends_of(words: NDArray[np.int64]) -> dict[int, Ending]:
    """Return how each order has ended that is not live any more, by all events `(n, 8)` of some time.

    An order that is live may be in it, as filled. Of an id that is used again the last order that was accepted counts.
    """
    kind, order, other = what_of(words)[0], words[:, layout.Event.ORDER], words[:, layout.Event.OTHER]
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
