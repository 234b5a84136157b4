"""What a venue refuses, the first fault that counts."""

from __future__ import annotations

from collections.abc import Iterator

from sekai.markets.book.messages import Reason
from sekai.markets.referee.reference.matching import would_meet
from sekai.markets.referee.reference.records import BUY, SELL, Order, Stop
from sekai.markets.referee.reference.state import MAX_ID, MAX_PRICE, MAX_SIZE, MAX_VALUE, State

__all__ = ["change_fault", "new_order_fault", "new_stop_fault", "price_fault"]


def new_order_fault(book: State, order: Order, *, is_post_only: bool) -> Reason:
    """Return why an order that trades or rests at once is refused, or OK."""
    return next(_order_faults(book, order, is_post_only), Reason.OK)


def new_stop_fault(book: State, stop: Stop) -> Reason:
    """Return why an order that waits for a price is refused, or OK."""
    return next(_stop_faults(book, stop), Reason.OK)


def change_fault(book: State, order: Order, price: int, size: int) -> Reason:
    """Return why a live or pending order cannot have another price, or more size, or OK."""
    return next(_change_faults(book, order, price, size), Reason.OK)


def price_fault(book: State, price: int, *, is_distance: bool = False) -> Reason:
    """Return why no order may name a price, or OK; a trailing stop's offset is no price inside a band."""
    rules = book.rules
    if not 0 < price <= MAX_PRICE:
        return Reason.BAD_PRICE
    if price % rules.tick:
        return Reason.OFF_TICK
    is_outside = not rules.band[0] <= price <= rules.band[1]
    return Reason.OUTSIDE_BAND if is_outside and not rules.halt_band and not is_distance else Reason.OK


def _order_faults(book: State, order: Order, is_post_only: bool) -> Iterator[Reason]:
    is_in_call = book.trading_phase != "continuous"
    yield from _identity_faults(book, order)
    yield from _shape_faults(book, order, is_post_only)
    if order.tif != "market":
        yield from _faults(price_fault(book, order.price))
    if is_in_call and (order.tif in ("ioc", "fok") or is_post_only):
        yield Reason.NOT_IN_CALL
    if order.may_rest:
        yield from _room_faults(book, order)
    yield from _limit_faults(book, order, may_stay=order.may_rest or (is_in_call and order.tif == "market"))
    if is_post_only and would_meet(book, order):
        yield Reason.WOULD_TRADE


def _stop_faults(book: State, stop: Stop) -> Iterator[Reason]:
    order = stop.order
    yield from _identity_faults(book, order)
    if stop.stop is not None:
        yield from _faults(price_fault(book, stop.stop))
    if stop.offset is not None:
        yield from _faults(price_fault(book, stop.offset, is_distance=True))
    if order.tif != "market":
        yield from _faults(price_fault(book, order.price))
        if order.price * order.size > MAX_VALUE:
            yield Reason.BAD_SIZE
    yield from _limit_faults(book, order, may_stay=True)


def _change_faults(book: State, order: Order, price: int, size: int) -> Iterator[Reason]:
    if size < 0:
        yield Reason.BAD_SIZE
    if size % book.rules.lot:
        yield Reason.OFF_LOT
    if size > book.rules.max_size:
        yield Reason.BAD_SIZE
    if order.tif != "market":
        yield from _faults(price_fault(book, price))
        if price * size > MAX_VALUE:
            yield Reason.BAD_SIZE
    if order.id in book.orders and order.tif != "market":
        already = book.level_size(order.side, price) - (order.size if price == order.price else 0)
        if already + size > MAX_SIZE:
            yield Reason.LEVEL_FULL
    if size > order.size and _is_beyond_position(book, order, size - order.size):
        yield Reason.POSITION_LIMIT


def _identity_faults(book: State, order: Order) -> Iterator[Reason]:
    if order.side not in (BUY, SELL):
        yield Reason.BAD_SIDE
    if not 0 < order.size <= book.rules.max_size:
        yield Reason.BAD_SIZE
    if order.size % book.rules.lot:
        yield Reason.OFF_LOT
    if not 0 <= order.id <= MAX_ID:
        yield Reason.IDS_EXHAUSTED
    if order.id in book.orders or order.id in book.stops:
        yield Reason.DUPLICATE_ID


def _shape_faults(book: State, order: Order, is_post_only: bool) -> Iterator[Reason]:
    if is_post_only and not order.may_rest:
        yield Reason.BAD_OPERATION
    if order.display is None:
        return
    if order.is_aon or order.hidden:
        yield Reason.BAD_OPERATION
    if not 1 <= order.display <= order.size:
        yield Reason.BAD_DISPLAY
    if order.display % book.rules.lot:
        yield Reason.OFF_LOT


def _room_faults(book: State, order: Order) -> Iterator[Reason]:
    if order.price * order.size > MAX_VALUE:
        yield Reason.BAD_SIZE
    if book.level_size(order.side, order.price) + order.size > MAX_SIZE:
        yield Reason.LEVEL_FULL


def _limit_faults(book: State, order: Order, *, may_stay: bool) -> Iterator[Reason]:
    rules = book.rules
    if _is_beyond_position(book, order, order.size):
        yield Reason.POSITION_LIMIT
    if rules.open_order_limit is not None and may_stay and book.open_orders(order.owner) >= rules.open_order_limit:
        yield Reason.ORDER_LIMIT
    if rules.order_rate_limit is not None and book.sent_now(order.owner) >= rules.order_rate_limit:
        yield Reason.RATE_LIMIT


def _is_beyond_position(book: State, order: Order, more: int) -> bool:
    """Say whether all the owner's open orders of a side, and more of this one, could lead beyond the limit."""
    limit = book.rules.position_limit
    if limit is None:
        return False
    sign = 1 if order.side == BUY else -1
    return sign * book.accounts[order.owner].position + book.open_lots(order.owner, order.side) + more > limit


def _faults(reason: Reason) -> Iterator[Reason]:
    if reason is not Reason.OK:
        yield reason
