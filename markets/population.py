"""From a market as data to a market as memory: one row that holds it all, and the kernels that play its seats."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sekai.markets import config
from sekai.markets.book.memory import lay_venue_rules
from sekai.markets.data import recorded_flow
from sekai.markets.engine import layout as at
from sekai.markets.engine import terms
from sekai.markets.engine.clock import BEGINNING, ENDING, push
from sekai.markets.engine.feed import BEFORE_ALL, keep
from sekai.markets.engine.jit import address_of
from sekai.markets.engine.matching import submit
from sekai.markets.engine.packing import pack_change
from sekai.markets.engine.rng import name_hash
from sekai.markets.engine.rows import new_row
from sekai.markets.engine.special import special
from sekai.markets.rules import VenueRules
from sekai.markets.units import nanoseconds, per_ns
from sekai.utils import InvalidValue

__all__ = ["Population", "populate"]

_CLOCKS = {
    "periodic": terms.Clock.EVERY_NS,
    "poisson": terms.Clock.POISSON,
    "trades": terms.Clock.EVERY_TRADES,
    "fills": terms.Clock.OWN_FILLS,
}
_ROLES = {"maker": terms.Role.MAKER, "taker": terms.Role.TAKER}
_TAPE = 16


@dataclass(frozen=True, slots=True)
class Population:
    """A market before its first session: the row to copy, and the addresses of the kernels that its seats name.

    Addresses are good in this process only; `kernels` keeps the functions that they belong to. The first address is
    that of the kernel for a venue whose rules are not plain.
    """

    row: NDArray[np.int64]
    addresses: NDArray[np.int64]
    kernels: tuple[Callable[[Any, int], int] | None, ...]


def populate(market: config.Market, *, record: bool | Literal["trades"] = False) -> Population:
    """Lay out a market, with its opening book, and seat everybody in it. Accounts are the seats', background, venue.

    With `record` every event is kept until it is read, or the trades alone; without, only the tape's last trades are.
    """
    venue, flow, seats = market.venue, market.flow, market.seats
    record_of_day = recorded_flow.load(market) if isinstance(flow, config.Replay) else None
    is_plain = venue.rules == VenueRules() and not venue.has_phases
    lagged = [seat for seat in seats if seat.feed_lag_s]
    feed = venue.feed_capacity if lagged else 0
    row = new_row(
        ticks=venue.ladder_ticks,
        orders=venue.order_capacity,
        accounts=len(seats) + 2,
        seats=len(seats),
        events=1024 if record else 16,
        tape=max(_TAPE, feed),
        special=not is_plain,
        feed=feed,
        feed_levels=max((seat.role.levels for seat in lagged if seat.role), default=1),
        queue=market.pending_capacity,
        flow_depth=flow.depth_ticks if isinstance(flow, config.ZeroIntelligence) else 0,
        flow_words=recorded_flow.words(record_of_day) if record_of_day else 0,
        base=venue.base_ticks,
    )
    kept = 1 << terms.Kind.TRADED if record == "trades" else terms.ALL_KINDS if record else 0
    row[at.Market.EVENT_STOP], row[at.Market.EVENT_KINDS] = int(bool(record)), kept
    row[at.Market.OPEN] = nanoseconds(market.warmup_s)
    row[at.Market.CLOSE] = row[at.Market.OPEN] + nanoseconds(market.session_s)
    row.view(np.float64)[at.Market.UNIT_VALUE] = venue.units.money_unit
    book = int(row[at.Market.BOOKS])
    opening = venue.units.ticks(venue.opening_price) - venue.base_ticks
    row[book + at.Book.MARK] = 2 * opening + 1
    if record_of_day:
        recorded_flow.lay_out(row, book, record_of_day, venue)
    elif isinstance(flow, config.ZeroIntelligence):
        _lay_out_flow(row, book, flow)
        _fill_book(row, book, flow, opening)
    row[at.Market.VENUE] = len(seats) + 1
    lay_venue_rules(row, book, venue.rules)
    if venue.has_phases:
        _lay_out_phases(row, book, market)
    if feed:
        keep(row, book, BEFORE_ALL)
    kernels: list[Callable[[Any, int], int] | None] = [None]
    for number, seat in enumerate(seats):
        _lay_out_seat(row, book, number, seat, kernels)
    first = 0 if is_plain else address_of(special)
    addresses = np.array([first, *(address_of(k) for k in kernels if k is not None)], np.int64)
    return Population(row, addresses, tuple(kernels))


def _lay_out_phases(row: NDArray[np.int64], book: int, market: config.Market) -> None:
    """Write down how halts end, and let every call be pending."""
    venue, schedule, index = market.venue, market.venue.schedule, int(row[book + at.Book.INDEX])
    row[book + at.Book.HALT_NS] = nanoseconds(schedule.halt_s)
    row[book + at.Book.REOPENING_NS] = nanoseconds(schedule.reopening_call_s)
    row[book + at.Book.REFERENCE] = venue.units.ticks(venue.opening_price)
    row[at.Market.QUEUE_KEPT] += market.pending_phases
    for begin, end in schedule.calls_ns(market.session_s):
        begin_ns, end_ns = int(row[at.Market.OPEN]) + begin, int(row[at.Market.OPEN]) + end
        for when, key, how in (
            (begin_ns, BEGINNING, terms.Change.CALL_BEGINS),
            (end_ns, ENDING, terms.Change.CALL_ENDS),
        ):
            push(row, when, key, pack_change(how, index), end_ns)


def _lay_out_flow(row: NDArray[np.int64], book: int, flow: config.ZeroIntelligence) -> None:
    reals, start, depth = row.view(np.float64), int(row[book + at.Book.FLOW]), flow.depth_ticks
    distances = range(1, depth + 1)
    limits = [flow.limit_rate_per_min(i) for i in distances]
    cancels = [flow.cancel_rate_per_min(i) for i in distances]
    total = math.fsum(limits)  # and sums in order below: numpy's depend on the processor
    row[start + at.Flow.KIND], row[start + at.Flow.DEPTH] = terms.FlowKind.ZERO_INTELLIGENCE, depth
    crowd = "background" if row[book + at.Book.INDEX] == 0 else f"background_{row[book + at.Book.INDEX]}"
    row[start + at.Flow.NAME], row[start + at.Flow.SIZE] = name_hash(crowd), flow.order_lots
    reals[start + at.Flow.LIMIT] = per_ns(flow.pace * total)
    reals[start + at.Flow.CANCEL] = per_ns(flow.pace * max(cancels))
    reals[start + at.Flow.MARKET] = per_ns(flow.pace * flow.market_per_min)
    shares = start + at.Flow.WORDS
    reals[shares : shares + depth] = [partial / total for partial in accumulate(limits)]
    reals[shares + depth : shares + 2 * depth] = [rate / max(cancels) for rate in cancels]


def _fill_book(row: NDArray[np.int64], book: int, flow: config.ZeroIntelligence, opening: int) -> None:
    """Queue, at each distance, about as many orders as the flow holds there on average; the best bid is `opening`."""
    for i in range(1, flow.depth_ticks + 1):
        cancel_rate = flow.cancel_rate_per_min(i)
        orders = max(1, round(flow.limit_rate_per_min(i) / cancel_rate)) if cancel_rate else 1
        for side, price in ((terms.BUY, opening + 1 - i), (terms.SELL, opening + i)):
            for _ in range(orders):
                row[at.Market.SERIAL] += 1
                owner, tag = int(row[at.Market.BACKGROUND]), int(row[at.Market.SERIAL])
                if submit(row, book, terms.Op.LIMIT, side, owner, price, flow.order_lots, tag, 0) != terms.Answer.DONE:
                    if row[at.Message.REASON] not in (terms.Reason.BOOK_FULL, terms.Reason.BEYOND_LADDER):
                        raise InvalidValue(
                            f"order_lots x price must be a possible order, got {flow.order_lots} lots at "
                            f"{price + int(row[book + at.Book.BASE])} ticks"
                        )
                    raise InvalidValue(
                        f"the opening book needs more room: an order {i} ticks from the best price was refused; raise "
                        f"order_capacity or ladder_ticks, or lower depth_ticks (now {flow.depth_ticks})"
                    )
                row[at.Market.EVENT_TAIL] = row[at.Market.EVENT_HEAD]
    account = int(row[at.Market.ACCOUNTS] + row[at.Market.BACKGROUND] * row[at.Market.ACCOUNT_STRIDE])
    row[account + at.Account.SENT] = row[at.Market.MESSAGES] = 0


def _lay_out_seat(
    row: NDArray[np.int64],
    book: int,
    number: int,
    seat: config.Seat,
    kernels: list[Callable[[Any, int], int] | None],
) -> None:
    me, reals = int(row[at.Market.SEATS]) + number * at.Seat.WORDS, row.view(np.float64)
    clock = seat.clock
    row[me + at.Seat.CLOCK] = _CLOCKS[clock.kind]
    if isinstance(clock, config.Periodic | config.Poisson):
        row[me + at.Seat.EVERY] = nanoseconds(clock.every_s)
    elif isinstance(clock, config.EveryTrades):
        row[me + at.Seat.EVERY] = clock.trades
    row[at.Market.REACTIVE] += isinstance(clock, config.EveryTrades | config.OwnFills)
    row[me + at.Seat.LATENCY], row[me + at.Seat.NAME] = nanoseconds(seat.latency_s), name_hash(seat.name)
    row[me + at.Seat.LAG] = nanoseconds(seat.feed_lag_s)
    row[me + at.Seat.BOOK], row[me + at.Seat.TIME] = book, row[at.Market.OPEN]
    if seat.role is not None:
        row[me + at.Seat.ROLE] = _ROLES[seat.role.kind]
        row[me + at.Seat.LEVELS], row[me + at.Seat.TRADES] = seat.role.levels, seat.role.trades
        row[me + at.Seat.MAX_SIZE] = seat.role.max_size_lots
        reals[me + at.Seat.AVERSION] = seat.role.inventory_penalty
        if isinstance(seat.role, config.Maker):
            row[me + at.Seat.MAX_OFFSET] = seat.role.max_offset_ticks
    if seat.policy is not None:
        kernel = getattr(seat.policy.kernel, "__func__", seat.policy.kernel)  # a method, where a class holds a function
        if kernel not in kernels:
            kernels.append(kernel)
        row[me + at.Seat.KERNEL] = kernels.index(kernel)
        parameters = seat.policy.parameters
        reals[me + at.Seat.PARAMETERS : me + at.Seat.PARAMETERS + len(parameters)] = parameters
