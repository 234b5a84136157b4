"""From a market as data to a market as memory: one row that holds it all, and the kernels that play its seats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sekai.error import SekaiError
from sekai.markets import config
from sekai.markets.book.memory import lay_venue_rules
from sekai.markets.data import recorded_flow
from sekai.markets.engine import layout as at
from sekai.markets.engine import terms
from sekai.markets.engine.clock import BEGINNING, ENDING, push
from sekai.markets.engine.feed import BEFORE_ALL, keep
from sekai.markets.engine.jit import BadKernel, address_of
from sekai.markets.engine.matching import submit
from sekai.markets.engine.packing import pack_change
from sekai.markets.engine.rng import name_hash
from sekai.markets.engine.rows import new_row
from sekai.markets.engine.seats import SeatPlan, lay_out_seat
from sekai.markets.engine.special import special
from sekai.markets.parts.base import Kernel, Observation
from sekai.markets.rules import VenueRules
from sekai.markets.seating import Kernels, SeatFace, check_parts, plan_of, seen_by, sends_special
from sekai.markets.units import nanoseconds, per_ns
from sekai.utils import InvalidValue

__all__ = ["Population", "Record", "populate"]

Record: TypeAlias = bool | Literal["trades"]
"""Which events a market keeps until they are read: all, none, or the trades."""

_TAPE = 16  # trades that are kept at least
_LEVELS = 10  # of the book that late market data keeps at least
_WAKE_BUDGET = 1_000_000  # wake-ups a compiled seat has between two decisions from outside


@dataclass(frozen=True, slots=True)
class Population:
    """A market before its first session: the row to copy, the outside seats, and the addresses of all kernels.

    Addresses are good in this process only; `kernels` keeps the functions that they belong to. The first address is
    that of the kernel for messages that are not plain, 0 where the venue has none.
    """

    row: NDArray[np.int64]
    faces: tuple[SeatFace, ...]
    addresses: NDArray[np.int64]
    kernels: tuple[Kernel, ...]


def populate(market: config.Market, *, record: Record = False) -> Population:
    """Lay out a market, with its opening book, and seat everybody in it. Accounts are the seats', background, venue.

    With `record` every event is kept until it is read, or the trades alone; without, only the tape's last trades are.
    """
    venue, flow, seats = market.venue, market.flow, market.seats
    record_of_day = recorded_flow.load(market) if isinstance(flow, config.Replay) else None
    is_plain = venue.rules == VenueRules() and not venue.has_phases
    lagged = [seat for seat in seats if seat.market_data_lag_s]
    feed = venue.feed_capacity if lagged else 0
    is_plain = is_plain and not any(sends_special(seat) for seat in seats)
    kernels = Kernels()
    seen = [() if seat.policy is not None else seen_by(seat, venue) for seat in seats]
    shown = [part for parts in seen for part in parts]
    plans = [plan_of(seat, parts, 0, kernels) for seat, parts in zip(seats, seen, strict=True)]
    row = new_row(
        ticks=venue.ladder_ticks,
        orders=venue.order_capacity,
        accounts=len(seats) + 2,
        seats=len(seats),
        events=1024 if record else 16,
        tape=_power_of_two(max(_TAPE, feed, _most("trades", shown))),
        special=not is_plain,
        feed=feed,
        feed_levels=min(max(_LEVELS, _most("levels", shown)), venue.ladder_ticks),
        arena=sum(plan.words for plan in plans),
        fundamental=market.fundamental is not None,
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
    if market.fundamental is not None:
        _lay_out_fundamental(row, book, market.fundamental, opening)
    faces = _lay_out_seats(row, book, seats, seen, plans)
    row[at.Market.WAKE_BUDGET] = _WAKE_BUDGET * max(len(seats), 1)
    first = 0 if is_plain else address_of(special)
    addresses = np.array([first, *map(_address, kernels.functions)], np.int64)
    for face in faces:
        check_parts(row, addresses, face)
    return Population(row, faces, addresses, tuple(kernels.functions))


def _address(function: Kernel) -> int:
    """Return the address of a seat's kernel, compiled; raises `SekaiError`, in one sentence, where it cannot be."""
    try:
        return address_of(function)
    except BadKernel as error:
        raise SekaiError(str(error)) from error


def _most(name: str, parts: Sequence[Any]) -> int:
    """Return the largest number that these parts have under a name."""
    return max((int(getattr(part, name, 0)) for part in parts), default=0)


def _power_of_two(number: int) -> int:
    return 1 << (number - 1).bit_length()


def _lay_out_seats(
    row: NDArray[np.int64],
    book: int,
    seats: Sequence[config.Seat],
    seen: Sequence[tuple[Observation, ...]],
    plans: Sequence[SeatPlan],
) -> tuple[SeatFace, ...]:
    """Write down all seats; return the outside ones."""
    faces, start = [], int(row[at.Market.ARENA])
    for number, (seat, parts, plan) in enumerate(zip(seats, seen, plans, strict=True)):
        me = int(row[at.Market.SEATS]) + number * at.Seat.WORDS
        windows = lay_out_seat(row, me, replace(plan, book=book), start)
        start += plan.words
        if seat.policy is None and seat.role is not None:
            faces.append(SeatFace(seat.name, number, seat.role, parts, windows))
    return tuple(faces)


def _lay_out_fundamental(row: NDArray[np.int64], book: int, value: config.Fundamental, opening: int) -> None:
    """Write down how the fundamental value moves; it starts at the opening price, in ladder ticks."""
    start, reals, step_s = int(row[book + at.Book.FUNDAMENTAL]), row.view(np.float64), value.step_s
    kept = 0.5 ** (step_s / value.half_life_s) if value.half_life_s else 1.0
    row[start + at.Fundamental.NAME], row[start + at.Fundamental.STEP] = name_hash("fundamental"), nanoseconds(step_s)
    reals[start + at.Fundamental.MEAN] = reals[start + at.Fundamental.VALUE] = opening + 0.5
    reals[start + at.Fundamental.KEPT] = kept
    reals[start + at.Fundamental.SHOCK] = value.volatility_ticks * math.sqrt(step_s)
    reals[start + at.Fundamental.JUMP] = value.jump_ticks
    reals[start + at.Fundamental.JUMP_CHANCE] = value.jumps_per_min * step_s / 60.0


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
