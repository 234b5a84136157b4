"""Who trades with whom in continuous trading: the taker's walk through the book, prevention on its way, its end.

Better price first; at one price those that everybody sees, by time or shared out by size, then the hidden ones by time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sekai.markets.book.messages import EventKind, Reason
from sekai.markets.referee.reference.records import BUY, Level, Order
from sekai.markets.referee.reference.state import State
from sekai.markets.rules import VenueRules

__all__ = ["carry_out", "change_phase", "elect", "would_fill", "would_meet"]

_PHASES = ("continuous", "auction", "halt")


def carry_out(book: State, order: Order) -> None:
    """Do what an accepted order asks for: trade what it may, then rest, wait or end with what is left."""
    if book.trading_phase == "continuous" and _is_all_it_wants(book, order):
        if book.rules.halt_band and _would_leave_band(book, order):
            change_phase(book, "halt")
        else:
            _walk(book, order)
    if order.size == 0:
        return
    if order.may_rest or (order.tif == "market" and book.trading_phase != "continuous"):
        book.rest(order)
    else:
        book.cancel_lots(order, order.size, Reason.UNFILLED)


def elect(book: State) -> None:
    """While a stop is through the last trade price, carry out the oldest such one."""
    while book.trading_phase == "continuous":
        reached = next((stop for stop in book.stops.values() if stop.is_reached(book.last)), None)
        if reached is None:
            return
        order = reached.order
        del book.stops[order.id]
        assert book.last is not None
        book.write(EventKind.TRIGGERED, order.side, book.last, order.size, order.id, -1, order.owner)
        carry_out(book, order)


def change_phase(book: State, to: str, price: int = 0) -> None:
    """Go on in another phase; `price` is what a call cleared at."""
    book.trading_phase = to
    book.write(EventKind.PHASED, 0, price, _PHASES.index(to), -1, -1, 0)


# --- what would be ------------------------------------------------------------------------------------------------


def would_fill(book: State, order: Order) -> bool:
    """Say whether an order would trade its whole size."""
    return _rehearsed(book, order)[1].traded == order.traded + order.size


def would_meet(book: State, order: Order) -> bool:
    """Say whether an order would trade, or come upon one of its owner's own."""
    return would_fill(book, order) if order.is_aon else bool(_rehearsed(book, order)[0].events)


def _is_all_it_wants(book: State, order: Order) -> bool:
    return order.tif not in ("fok", "aon") or would_fill(book, order)


def _would_leave_band(book: State, order: Order) -> bool:
    low, high = book.rules.band
    return any(not low <= price <= high for _, _, price, _ in _rehearsed(book, order)[0].trades)


def _rehearsed(book: State, order: Order) -> tuple[State, Order]:
    """Let a copy of the order walk through a copy of the other side; return both as they are after it."""
    stage, actor, other = State(rules=book.rules), replace(order), 1 - order.side
    for price in _reach(book, order):
        level = book.sides[other][price]
        copies = Level([replace(maker) for maker in level.displayed], [replace(maker) for maker in level.hidden])
        stage.sides[other][price] = copies
        stage.orders |= {maker.id: maker for maker in copies}
    _walk(stage, actor)
    return stage, actor


# --- the walk -----------------------------------------------------------------------------------------------------


def _walk(book: State, taker: Order) -> None:
    """Meet the other side's orders, best price first, until the taker's price or size says no."""
    for price in _reach(book, taker):
        if book.rules.allocation == "pro_rata":
            _share_out(book, taker, price)
        _go_down_the_line(book, taker, price)
        if taker.size == 0:
            return


def _reach(book: State, taker: Order) -> list[int]:
    """Return the prices at which an order may trade, best first."""
    prices = book.prices(1 - taker.side)
    if taker.tif == "market":
        return prices
    return [price for price in prices if (price <= taker.price if taker.side == BUY else price >= taker.price)]


def _go_down_the_line(book: State, taker: Order, price: int) -> None:
    """Meet the orders of one price by time."""
    while taker.size:
        maker = next(_met_at(book, taker, price), None)
        if maker is None:
            return
        if _is_prevented(book, maker, taker):
            _prevent(book, maker, taker)
        else:
            book.fill(maker, taker, min(maker.tranche, taker.size))


def _met_at(book: State, taker: Order, price: int) -> Iterator[Order]:
    """Yield the orders of a price in the order in which they trade, without those that a taker passes over."""
    for maker in book.sides[1 - taker.side].get(price, ()):
        is_too_large = maker.is_aon and maker.size > taker.size
        is_not_there = taker.is_aon and _is_prevented(book, maker, taker)
        if not is_too_large and not is_not_there:
            yield maker


# --- prevention of self-trades ------------------------------------------------------------------------------------


def _is_prevented(book: State, maker: Order, taker: Order) -> bool:
    return book.rules.stp != "none" and maker.owner == taker.owner


def _prevent(book: State, maker: Order, taker: Order) -> None:
    """Do to an owner's two orders what the venue has chosen."""
    how = book.rules.stp
    overlap = min(maker.tranche, taker.size)
    from_maker = {"cancel_newest": 0, "decrement": overlap}.get(how, maker.size)
    from_taker = {"cancel_oldest": 0, "decrement": overlap}.get(how, taker.size)
    if from_maker:
        book.prevent(maker, from_maker)
    if from_taker:
        book.cancel_lots(taker, from_taker, Reason.SELF_TRADE)
    book.renew(maker)


# --- pro-rata -----------------------------------------------------------------------------------------------------


def _share_out(book: State, taker: Order, price: int) -> None:
    """Trade with those who share a price, round by round: an iceberg's next tranche is in the next round."""
    while taker.size:
        level = book.sides[1 - taker.side].get(price, Level())
        sharers = [maker for maker in level.displayed if not maker.is_aon]
        own = [maker for maker in sharers if _is_prevented(book, maker, taker)]
        if taker.is_aon:
            sharers = [maker for maker in sharers if maker not in own]
        elif own:
            _prevent(book, own[0], taker)
            continue
        if not sharers:
            return
        for maker, lots in zip(
            sharers, _shares(book.rules, taker.size, [maker.tranche for maker in sharers]), strict=True
        ):
            if lots:
                book.fill(maker, taker, lots)


def _shares(rules: VenueRules, lots: int, sizes: list[int]) -> list[int]:
    """Return what each of the orders gets of `lots`, the oldest first.

    The top order first, where there is one; then everybody's size x share, rounded down to a lot, nothing below the
    smallest fill; then, by time, what is left.
    """
    if lots >= sum(sizes):
        return sizes
    given = [0] * len(sizes)
    if rules.top_order:
        given[0] = min(lots, sizes[0])
    to_share = lots - sum(given)
    total = sum(size for size, own in zip(sizes, given, strict=True) if not own)
    for k, size in enumerate(sizes):
        if not given[k]:
            share = to_share * size // total // rules.lot * rules.lot
            given[k] = share if share >= rules.min_fill else 0
    for k, size in enumerate(sizes):
        given[k] += min(size - given[k], lots - sum(given))
    return given
