"""The market's time: what is pending happens, soonest first, until somebody outside must decide.

Everybody due at one instant decides on the same book; what they send leaves together and reaches the book by latency,
ties by a number that each sender draws from its own stream. The engine alone delivers messages.
"""

from __future__ import annotations

import numpy as np
from numpy import uint64 as U

from . import rng
from .book import find, side_of
from .clock import AT_ONCE, ON_ITS_WAY, TIE_BITS, TIE_SHIFT, WAKE_UP, pop, push, replace
from .feed import keep
from .flow import background, next_background
from .jit import call, inlined, kernel
from .layout import (
    ARRIVE,
    BACKGROUND_EVENT,
    BOOK_COUNT,
    BOOK_WORDS,
    BOOKS,
    BY_CLOCK,
    DECIDE,
    DONE,
    DRAIN,
    DUE,
    DUE_COUNT,
    EPISODE,
    EVERY_NS,
    EVERY_TRADES,
    EXTERNAL,
    F_NAME,
    F_STREAM,
    FEED,
    FILLS,
    FLOODED,
    FLOW,
    FOREVER,
    IDLE,
    LOST,
    M_AFTER,
    M_BOOK,
    M_ORDER,
    M_PLACE,
    M_REASON,
    M_SENDER,
    M_STAGE,
    M_TRADES,
    NO_PLACE,
    NOW,
    OK,
    OP_CANCEL,
    OP_LIMIT,
    OP_MODIFY,
    OP_QUOTE,
    OPEN,
    OUTBOX,
    OUTBOX_WORDS,
    OWN_FILLS,
    PHASE_CHANGE,
    POISSON,
    Q_ARG,
    Q_WHAT,
    QUEUE,
    QUEUE_CAPACITY,
    QUEUE_KEPT,
    QUEUED,
    REACTIVE,
    S_BOOK,
    S_CLOCK,
    S_EVERY,
    S_KERNEL,
    S_LATENCY,
    S_NAME,
    S_PENDING,
    S_SEEN,
    S_SLOTS,
    S_STREAM,
    S_TIE,
    S_WAITING,
    SEAT_COUNT,
    SEAT_WORDS,
    SEATS,
    SEED,
    SENT,
    SERIAL,
    SIDE,
    SPECIAL,
    TRADES,
    WAKE,
    WAKES,
    Row,
)
from .ledger import account_of, seat_number
from .matching import handle, take
from .phases import take_change

__all__ = ["DRAWS", "TIES", "advance", "dispatch", "start"]

DRAWS, TIES = 1, 2  # what an identity's streams are for


# --- starting ---------------------------------------------------------------------------------------------------------
@kernel
def start(row: Row, seed: int, episode: int) -> None:
    """Seed every stream and schedule what happens first, where nothing but calls is pending. Modifies `row`."""
    row[SEED], row[EPISODE] = seed, episode
    for k in range(row[BOOK_COUNT]):
        book = row[BOOKS] + k * BOOK_WORDS
        flow = row[U(book + FLOW)]
        if flow:
            row[U(flow + F_STREAM)] = rng.first_state(seed, episode, row[U(flow + F_NAME)], DRAWS)
            push(row, next_background(row, book), ON_ITS_WAY, BACKGROUND_EVENT, book)
    for k in range(row[SEAT_COUNT]):
        seat = row[SEATS] + k * SEAT_WORDS
        row[U(seat + S_STREAM)] = rng.first_state(seed, episode, row[U(seat + S_NAME)], DRAWS)
        row[U(seat + S_TIE)] = rng.first_state(seed, episode, row[U(seat + S_NAME)], TIES)
        first = row[OPEN]
        if row[U(seat + S_CLOCK)] == POISSON:
            first += _wait(row, seat)
        _wake_at(row, seat, first)


@kernel
def _wait(row: Row, seat: int) -> int:
    return 1 + int(rng.exponential(row, seat + S_STREAM) * row[U(seat + S_EVERY)])


@kernel
def _wake_at(row: Row, seat: int, time_ns: int) -> None:
    row[U(seat + S_WAITING)] = 1
    push(row, time_ns, WAKE_UP, WAKE, seat)


# --- running ----------------------------------------------------------------------------------------------------------
@kernel
def advance(row: Row, kernels: Row, until_ns: int, most: int) -> int:
    """Let pending things happen up to and including a time, or `most` of them. Modifies `row` in place.

    Returns DECIDE when seats played from outside are due (they are listed in the row), DRAIN when the event ring must
    be emptied first, in both cases to be called again, and DONE otherwise. FLOODED means that an agent has sent what
    found no room. `kernels[k]` is the address of kernel k, `kernels[0]` that of `special.special`, which a venue with
    rules of its own needs.
    """
    for _ in range(most):
        if row[M_STAGE] == IDLE:
            top = row[QUEUE]
            if row[DUE_COUNT] > 0 and (row[QUEUED] == 0 or row[U(top)] > row[NOW] or row[U(top + Q_WHAT)] != WAKE):
                return DECIDE
            if row[QUEUED] == 0 or row[U(top)] > until_ns:
                row[NOW] = max(row[NOW], until_ns)
                return DONE
            row[NOW] = row[U(top)]
            what, arg = row[U(top + Q_WHAT)], row[U(top + Q_ARG)]
            if what == WAKE:
                _wake(row, kernels, arg)
                if row[LOST] != 0:
                    return FLOODED
                continue
            if what == BACKGROUND_EVENT:
                row[M_AFTER], row[M_PLACE], row[M_TRADES] = BACKGROUND_EVENT, arg, row[TRADES]
                if not background(row, arg):
                    row[M_REASON] = OK
            elif not _deliver(row, what, arg):
                continue
        code = handle(row)
        if code == SPECIAL:
            code = call(kernels[U(0)], row, 0)
        if code == DRAIN:
            return DRAIN
        _settle(row, code)
    return DONE


@inlined
def _settle(row: Row, code: int) -> None:
    """Do what follows a message that is wholly worked off, or an event of the flow that sent none."""
    if row[M_AFTER] == BACKGROUND_EVENT:
        replace(row, next_background(row, row[M_PLACE]), ON_ITS_WAY, BACKGROUND_EVENT, row[M_PLACE])
    elif row[M_PLACE] != 0 and code == DONE:
        row[U(row[M_PLACE])] = row[M_ORDER]
    if row[REACTIVE] and row[TRADES] != row[M_TRADES]:
        _react(row)
    if row[U(row[BOOKS] + FEED)]:
        _publish(row)


@kernel
def _publish(row: Row) -> None:
    """Write down, for who sees it later, what the message just worked off has left."""
    if row[M_AFTER] != ARRIVE:
        keep(row, row[M_PLACE] if row[M_AFTER] == BACKGROUND_EVENT else row[M_BOOK], 2 * row[NOW])
        return
    seat = row[M_SENDER]
    keep(row, row[U(seat + S_BOOK)], 2 * row[NOW] + (1 if row[U(seat + S_LATENCY)] == 0 else 0))


@kernel
def _wake(row: Row, kernels: Row, seat: int) -> None:
    row[WAKES] += 1
    row[U(seat + S_WAITING)] = 0
    number = row[U(seat + S_KERNEL)]
    next_ns = BY_CLOCK
    if number == EXTERNAL:
        row[U(row[DUE] + row[DUE_COUNT])] = seat
        row[DUE_COUNT] += 1
    else:
        next_ns = call(kernels[U(number)], row, seat)
    if next_ns <= row[NOW]:
        next_ns = _next_by_clock(row, seat)
    if next_ns == FOREVER:
        pop(row)
    else:
        row[U(seat + S_WAITING)] = 1
        replace(row, next_ns, WAKE_UP, WAKE, seat)
    if number != EXTERNAL:
        dispatch(row, seat)


@kernel
def _next_by_clock(row: Row, seat: int) -> int:
    clock = row[U(seat + S_CLOCK)]
    if clock == EVERY_NS:
        return int(row[NOW] + row[U(seat + S_EVERY)])
    if clock == POISSON:
        return int(row[NOW] + _wait(row, seat))
    row[U(seat + S_SEEN)] = row[TRADES] if clock == EVERY_TRADES else _fills(row, seat)
    return FOREVER


@inlined
def _fills(row: Row, seat: int) -> int:
    return int(row[U(account_of(row, seat_number(row, seat)) + FILLS)])


@kernel
def _react(row: Row) -> None:
    """Wake the seats whose clock is trades, or their own fills, one ns later."""
    for k in range(row[SEAT_COUNT]):
        seat = row[SEATS] + k * SEAT_WORDS
        clock, seen = row[U(seat + S_CLOCK)], row[U(seat + S_SEEN)]
        if row[U(seat + S_WAITING)]:
            continue
        if (clock == EVERY_TRADES and row[TRADES] - seen >= row[U(seat + S_EVERY)]) or (
            clock == OWN_FILLS and _fills(row, seat) > seen
        ):
            _wake_at(row, seat, row[NOW] + 1)


# --- messages ---------------------------------------------------------------------------------------------------------
@kernel
def dispatch(row: Row, seat: int) -> None:
    """Send what is in the outbox on its way to the book. Modifies `row` in place."""
    if row[SENT] == 0:
        return
    latency = row[U(seat + S_LATENCY)]
    key = int(np.int64(rng.bits(row, seat + S_TIE) >> U(64 - TIE_BITS))) << TIE_SHIFT
    key |= AT_ONCE if latency == 0 else ON_ITS_WAY
    most = row[QUEUE_CAPACITY] - row[QUEUE_KEPT]  # wake-ups, flows and phases always find room
    for k in range(row[SENT]):
        slot = row[OUTBOX] + k * OUTBOX_WORDS
        if row[QUEUED] >= most:
            row[LOST] += 1
            _arrived(row, seat, row[U(slot)])
        else:
            push(row, row[NOW] + latency, key + k, row[U(slot)], row[U(slot + 1)])
    row[SENT] = 0


@kernel
def _deliver(row: Row, what: int, arg: int) -> bool:
    """Take in hand what is due, a message at the book or a change of phase; return False if it means nothing now."""
    pop(row)
    if what & 15 == PHASE_CHANGE:  # a call of its own in `advance` costs a plain market's flow 5%
        row[M_AFTER], row[M_PLACE], row[M_TRADES] = PHASE_CHANGE, 0, row[TRADES]
        return take_change(row, what, arg)
    op, side, place, number = what >> 4 & 15, what >> 8 & 1, what >> 9 & 31, what >> 16
    seat = row[SEATS] + number * SEAT_WORDS
    book = row[U(seat + S_BOOK)]
    price, size = arg >> 32, ((arg & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000  # the lower half is signed
    slot = seat + S_SLOTS + place if place != NO_PLACE else 0
    order = row[U(slot)] if slot else 0
    _arrived(row, seat, what)
    if op == OP_QUOTE:
        op = _quote_as(row, book, order, side, size)
        if op < 0:
            return False
    row[SERIAL] += 1
    row[M_AFTER], row[M_PLACE], row[M_TRADES], row[M_SENDER] = ARRIVE, slot, row[TRADES], seat
    take(row, book, op, side, number, price, size, row[SERIAL], order)
    return True


@kernel
def _arrived(row: Row, seat: int, what: int) -> None:
    place = what >> 9 & 31
    if place != NO_PLACE:
        row[U(seat + S_PENDING + (place >> 3))] -= 1 << ((place & 7) << 3)


@kernel
def _quote_as(row: Row, book: int, order: int, side: int, size: int) -> int:
    """Return what asking for a quote means now: a new order, a change, a cancel, or -1 for nothing."""
    live = find(row, book, order)
    if not live:
        return OP_LIMIT if size != 0 else -1
    same = row.view(np.int32)[U(live + SIDE)] == side_of(book, side)
    return OP_MODIFY if same and size != 0 else OP_CANCEL
