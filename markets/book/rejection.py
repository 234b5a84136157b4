"""Why an order was refused, in words: which argument, what it was, what would have been right."""

from __future__ import annotations

from operator import index
from typing import Any, Final, NamedTuple

from sekai.error import SekaiError
from sekai.markets.book.messages import Reason
from sekai.markets.engine.terms import MAX_PRICE, MAX_SIZE, MAX_TICKS, MAX_VALUE
from sekai.markets.rules import VenueRules
from sekai.utils import InvalidValue

__all__ = [
    "MAX_ORDERS",
    "MAX_OWNERS",
    "SIDES",
    "BadCapacity",
    "Limits",
    "OrderRejected",
    "as_integer",
    "bad_word",
    "check_capacity",
    "integer",
    "is_faulty_price",
    "rejection",
    "too_big",
    "whole_number",
]

MAX_ORDERS: Final = 1 << 24  # live at once
MAX_OWNERS: Final = 1 << 20

SIDES: Final[dict[str, int]] = {"buy": 0, "bid": 0, "sell": 1, "ask": 1}

_REASONS: Final = {
    "price": Reason.BAD_PRICE,
    "size": Reason.BAD_SIZE,
    "by": Reason.BAD_SIZE,
    "owner": Reason.BAD_OWNER,
    "id": Reason.IDS_EXHAUSTED,
    "stop": Reason.BAD_PRICE,
    "offset": Reason.BAD_PRICE,
    "reference": Reason.BAD_PRICE,
    "display": Reason.BAD_DISPLAY,
}


class BadCapacity(SekaiError, ValueError):
    """Raised when a book is asked for with a capacity that no book can have."""


def check_capacity(*, ticks: int, orders: int, owners: int) -> None:
    """Raise BadCapacity, naming the argument, unless a book can be made with room for so much at first."""
    for name, value, most in (("orders", orders, MAX_ORDERS), ("owners", owners, MAX_OWNERS)):
        number = integer(value)
        if number is None or not 1 <= number <= most:
            raise BadCapacity(f"{name} must be an integer from 1 to {most}, got {value!r}")
    width = integer(ticks)
    if width is None or not 64 <= width <= MAX_TICKS or width & (width - 1):
        raise BadCapacity(f"ticks must be a power of two from 64 to {MAX_TICKS}, got {ticks!r}")


class OrderRejected(SekaiError, ValueError):
    """Raised when the book refuses an order; `reason` says why, and nothing has changed but the count of refusals."""

    def __init__(self, message: str, reason: Reason) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return OrderRejected, (str(self), self.reason)


class Limits(NamedTuple):
    """What a book can take at the moment: the last value of each that is right."""

    max_size: int
    tick: int
    lot: int
    band: tuple[int, int]
    max_orders: int
    max_owner: int
    max_id: int
    next_id: int
    ladder: tuple[int, int]
    rules: VenueRules


def is_faulty_price(price: int, reason: Reason, limits: Limits) -> bool:
    """Return whether that price itself can be the reason, BAD_PRICE, OFF_TICK or OUTSIDE_BAND."""
    low, high = limits.band
    return {
        Reason.BAD_PRICE: not 1 <= price <= MAX_PRICE,
        Reason.OFF_TICK: price % limits.tick != 0,
        Reason.OUTSIDE_BAND: not low <= price <= high,
    }.get(reason, True)


def rejection(
    reason: Reason,
    limits: Limits,
    *,
    id: int,
    price: int,
    size: int,
    owner: int,
    named: str = "price",
    sized: str = "size",
) -> OrderRejected:
    """Return the error for a message that the book has refused; `named`, `sized`: what its sender calls price, size."""
    low, high = limits.ladder
    texts = {
        Reason.BAD_PRICE: f"{named} must be from 1 to {MAX_PRICE} ticks, got {price}",
        Reason.BAD_SIZE: f"{sized} must be from 1 to {limits.max_size} lots, got {size}",
        Reason.BEYOND_LADDER: f"{named} must lie within {MAX_TICKS} ticks of all live orders and of the last trade; "
        f"now {low} to {high} is covered, got {price}",
        Reason.BOOK_FULL: f"a book must not hold more than {limits.max_orders} orders, and it does",
        Reason.LEVEL_FULL: f"a level must not hold more than {MAX_SIZE} lots; {price} would, with {size} more",
        Reason.UNKNOWN_ORDER: f"id must be that of a live order; {id} is none: never sent, or filled, or cancelled",
        Reason.NOT_OWNER: f"owner must be the order's own; {owner} does not own order {id}",
        Reason.DUPLICATE_ID: f"id must not be that of a live order, got {id}; the next free one is {limits.next_id}",
        Reason.IDS_EXHAUSTED: f"id must be from 0 to {limits.max_id} (ids are dense), got {id}",
        Reason.OFF_TICK: f"{named} must be a multiple of {limits.tick} ticks, got {price}",
        Reason.OFF_LOT: f"{sized} must be a multiple of {limits.lot} lots, got {size}",
        Reason.OUTSIDE_BAND: f"{named} must be from {limits.band[0]} to {limits.band[1]} ticks, got {price}",
        Reason.BAD_OWNER: f"owner must be from 0 to {limits.max_owner}, got {owner}",
        Reason.BAD_DISPLAY: f"display must be from 1 to the order's size, {size}",
        Reason.BAD_OPERATION: "an order cannot be all of this: post_only goes with 'gtc' and 'aon', display with "
        "neither 'aon' nor hidden; and a stop, or a market order, has no price to modify",
        Reason.WOULD_TRADE: f"a post-only order must not trade at once; at {price} it would",
        Reason.NOT_IN_CALL: "in a call or a halt, where nothing trades, there are no IOC, FOK and post-only orders",
        Reason.NO_CALL: "there must be a call, or a halt, to uncross",
        Reason.POSITION_LIMIT: f"all open orders of owner {owner} on one side must not lead to a position beyond "
        f"{limits.rules.position_limit}; with {size} more they could",
        Reason.ORDER_LIMIT: f"owner {owner} must not have more than {limits.rules.open_order_limit} open orders",
        Reason.RATE_LIMIT: f"owner {owner} must not send more than {limits.rules.order_rate_limit} new orders in "
        f"{limits.rules.order_rate_window_ns} ns",
    }
    if reason is Reason.BAD_SIZE and 1 <= size <= limits.max_size:
        texts[reason] = f"price x size must be at most {MAX_VALUE}, got {price} x {size}"
    return OrderRejected(texts.get(reason, reason.name.lower().replace("_", " ")), reason)


def bad_word(side: object, tif: object) -> OrderRejected:
    """Return the error for a side, or a time in force, that is no such word."""
    if not isinstance(side, str) or side not in SIDES:
        return OrderRejected(f"side must be 'buy' ('bid') or 'sell' ('ask'), got {side!r}", Reason.BAD_SIDE)
    return OrderRejected(f"tif must be 'gtc', 'ioc', 'fok' or 'aon', got {tif!r}", Reason.BAD_OPERATION)


def too_big(**numbers: int) -> OrderRejected:
    """Return the error for the first of the numbers that does not fit 64 bits."""
    name, value = next((n, v) for n, v in numbers.items() if not -(1 << 63) <= v < 1 << 63)
    return OrderRejected(f"{name} must fit 64 bits, got {value}", _REASONS[name])


def as_integer(name: str, value: object) -> int:
    """Return `value` as an int, NumPy's too; anything else is refused, True and a float that is whole as well."""
    number = integer(value)
    if number is None:
        raise OrderRejected(f"{name} must be an integer, got {value!r}", _REASONS[name])
    return number


def whole_number(name: str, value: object, least: int, most: int | None = None) -> int:
    """Return `value` as an int, NumPy's too; raise InvalidValue, naming it, unless it is one from `least` to `most`."""
    number = integer(value)
    if number is None or number < least or (most is not None and number > most):
        right = f">= {least}" if most is None else f"from {least} to {most}"
        raise InvalidValue(f"{name} must be an integer {right}, got {value!r}")
    return number


def integer(value: object) -> int | None:
    """Return `value` as an int, NumPy's too; None if it is no integer, as True is none."""
    try:
        return None if isinstance(value, bool) else index(value)  # type: ignore[arg-type]  # TypeError is an answer
    except TypeError:
        return None
