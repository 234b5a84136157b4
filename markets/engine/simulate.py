"""The market's time: what is pending happens, soonest first, until somebody outside must decide.

Everybody due at one instant decides on the same book; what they send leaves together and reaches the book by latency,
ties by a number that each sender draws from its own stream. The engine alone delivers messages.
"""

from __future__ import annotations

import numpy as np

from . import rng
from .book import find, side_of
from .clock import AT_ONCE, ENDING, ON_ITS_WAY, TIE_BITS, TIE_SHIFT, WAKE_UP, pop, push, replace
from .feed import keep
from .flow import background, next_background
from .fundamental import start_fundamental
from .jit import call, inlined, kernel
from .layout import Account, Book, Entry, Flow, Fundamental, Market, Message, Order, Outbox, Row, Seat
from .ledger import account_of, seat_number
from .matching import handle, prepare, take
from .packing import KEPT, count_pending, due_of, lower, message_of, pack_message, upper
from .phases import take_change
from .running import forget_news, look_from, run, tell_news
from .terms import BUY, BY_CLOCK, FOREVER, KEEP, NO_SLOT, Answer, Clock, Due, Flag, Op, Reason, Stage

__all__ = ["DRAWS", "TIES", "VALUE", "advance", "dispatch", "send_now", "start"]

DRAWS, TIES, VALUE = 1, 2, 3  # what an identity's streams are for


# --- starting ---------------------------------------------------------------------------------------------------------
@kernel
def start(row: Row, seed: int, episode: int) -> None:
    """Seed every stream and schedule what happens first, where nothing but calls is pending. Modifies `row`."""
    row[Market.SEED], row[Market.EPISODE] = seed, episode
    for k in range(row[Market.BOOK_COUNT]):
        book = row[Market.BOOKS] + k * Book.WORDS
        flow = row[book + Book.FLOW]
        if flow:
            row[flow + Flow.STREAM] = rng.first_state(seed, episode, row[flow + Flow.NAME], DRAWS)
            push(row, next_background(row, book), ON_ITS_WAY, Due.BACKGROUND, book)
        value = row[book + Book.FUNDAMENTAL]
        if value:
            start_fundamental(row, book, rng.first_state(seed, episode, row[value + Fundamental.NAME], VALUE))
    for k in range(row[Market.SEAT_COUNT]):
        seat = row[Market.SEATS] + k * Seat.WORDS
        row[seat + Seat.STREAM] = rng.first_state(seed, episode, row[seat + Seat.NAME], DRAWS)
        row[seat + Seat.TIE] = rng.first_state(seed, episode, row[seat + Seat.NAME], TIES)
        first = row[Market.OPEN]
        if row[seat + Seat.CLOCK] == Clock.POISSON:
            first += _wait(row, seat)
        _wake_at(row, seat, first)


@kernel
def _wait(row: Row, seat: int) -> int:
    return 1 + int(rng.exponential(row, seat + Seat.STREAM) * row[seat + Seat.EVERY])


@kernel
def _wake_at(row: Row, seat: int, time_ns: int) -> None:
    row[seat + Seat.WAITING] = 1
    push(row, time_ns, WAKE_UP, Due.WAKE_UP, seat)


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
        if row[Message.STAGE] == Stage.IDLE:
            top = row[Market.QUEUE]
            if row[Market.DUE_COUNT] > 0 and (
                row[Market.QUEUED] == 0 or row[top] > row[Market.NOW] or row[top + Entry.WHAT] != Due.WAKE_UP
            ):
                return Answer.DECIDE
            if row[Market.QUEUED] == 0 or row[top] > until_ns:
                row[Market.NOW] = max(row[Market.NOW], until_ns)
                return Answer.DONE
            row[Market.NOW] = row[top]
            what, arg = row[top + Entry.WHAT], row[top + Entry.ARG]
            if what == Due.WAKE_UP:
                _wake(row, kernels, arg)
                if row[Market.LOST] != 0:
                    return Answer.FLOODED
                if row[Market.WAKES] - row[Market.WAKES_BEFORE] > row[Market.WAKE_BUDGET]:
                    row[Market.FAULT] = arg
                    return Answer.RESTLESS
                continue
            if what == Due.BACKGROUND:
                row[Message.AFTER], row[Message.PLACE], row[Message.TRADES] = Due.BACKGROUND, arg, row[Market.TRADES]
                if not background(row, arg):
                    row[Message.REASON] = Reason.OK
            elif not _deliver(row, what, arg):
                continue
        code = handle(row)
        if code == Answer.SPECIAL:
            code = call(kernels[0], row, 0)
        if code == Answer.DRAIN:
            return Answer.DRAIN
        _settle(row, code)
    return Answer.DONE


@inlined
def _settle(row: Row, code: int) -> None:
    """Do what follows a message that is wholly worked off, or an event of the flow that sent none."""
    if row[Message.AFTER] == Due.BACKGROUND:
        replace(row, next_background(row, row[Message.PLACE]), ON_ITS_WAY, Due.BACKGROUND, row[Message.PLACE])
    elif row[Message.PLACE] != 0 and code == Answer.DONE:
        row[row[Message.PLACE]] = row[Message.ORDER]
    if row[Market.REACTIVE] and row[Market.TRADES] != row[Message.TRADES]:
        _react(row)
    if row[row[Market.BOOKS] + Book.FEED]:
        _publish(row)


@kernel
def _publish(row: Row) -> None:
    """Write down, for who sees it later, what the message just worked off has left."""
    if row[Message.AFTER] != Due.ARRIVAL:
        keep(
            row, row[Message.PLACE] if row[Message.AFTER] == Due.BACKGROUND else row[Message.BOOK], 2 * row[Market.NOW]
        )
        return
    seat = row[Message.SENDER]
    keep(row, row[seat + Seat.BOOK], 2 * row[Market.NOW] + (1 if row[seat + Seat.LATENCY] == 0 else 0))


@kernel
def _wake(row: Row, kernels: Row, seat: int) -> None:
    row[Market.WAKES] += 1
    row[seat + Seat.WAITING] = 0
    if not row[seat + Seat.ALIVE]:
        pop(row)
        return
    policy, next_ns = row[seat + Seat.POLICY], BY_CLOCK
    if policy == 0:
        row[row[Market.DUE] + row[Market.DUE_COUNT]] = seat
        row[Market.DUE_COUNT] += 1
    else:
        look_from(row, seat)
        forget_news(row, seat)
        next_ns = run(row, kernels, seat, policy)
        tell_news(row, seat)
    if next_ns <= row[Market.NOW]:
        next_ns = _next_by_clock(row, seat)
    if next_ns == FOREVER:
        pop(row)
    else:
        row[seat + Seat.WAITING] = 1
        replace(row, next_ns, WAKE_UP, Due.WAKE_UP, seat)
    if policy != 0:
        dispatch(row, seat)


@kernel
def _next_by_clock(row: Row, seat: int) -> int:
    clock = row[seat + Seat.CLOCK]
    if clock == Clock.EVERY_NS:
        return int(row[Market.NOW] + row[seat + Seat.EVERY])
    if clock == Clock.POISSON:
        return int(row[Market.NOW] + _wait(row, seat))
    row[seat + Seat.SEEN] = row[Market.TRADES] if clock == Clock.EVERY_TRADES else _fills(row, seat)
    return FOREVER


@inlined
def _fills(row: Row, seat: int) -> int:
    return int(row[account_of(row, seat_number(row, seat)) + Account.FILLS])


@kernel
def _react(row: Row) -> None:
    """Wake the seats whose clock is trades, or their own fills, one ns later."""
    for k in range(row[Market.SEAT_COUNT]):
        seat = row[Market.SEATS] + k * Seat.WORDS
        clock, seen = row[seat + Seat.CLOCK], row[seat + Seat.SEEN]
        if row[seat + Seat.WAITING]:
            continue
        if (clock == Clock.EVERY_TRADES and row[Market.TRADES] - seen >= row[seat + Seat.EVERY]) or (
            clock == Clock.OWN_FILLS and _fills(row, seat) > seen
        ):
            _wake_at(row, seat, row[Market.NOW] + 1)


# --- messages ---------------------------------------------------------------------------------------------------------
@kernel
def dispatch(row: Row, seat: int) -> None:
    """Send what is in the outbox on its way to the book. Modifies `row` in place."""
    if row[Market.SENT] == 0:
        return
    latency = row[seat + Seat.LATENCY]
    key = int(np.int64(rng.bits(row, seat + Seat.TIE) >> np.uint64(64 - TIE_BITS))) << TIE_SHIFT
    key |= AT_ONCE if latency == 0 else ON_ITS_WAY
    most = row[Market.QUEUE_CAPACITY] - row[Market.QUEUE_KEPT]  # wake-ups, flows and phases always find room
    for k in range(row[Market.SENT]):
        slot = row[Market.OUTBOX] + k * Outbox.WORDS
        if row[Market.QUEUED] >= most:
            row[Market.LOST] += 1
            count_pending(row, seat, message_of(row[slot])[2], -1)
        else:
            push(row, row[Market.NOW] + latency, key + k, row[slot], row[slot + 1])
    row[Market.SENT] = 0


@kernel
def _deliver(row: Row, what: int, arg: int) -> bool:
    """Take in hand what is due, a message at the book or a change of phase; return False if it means nothing now."""
    pop(row)
    if due_of(what) == Due.PHASE_CHANGE:  # a call of its own in `advance` costs a plain market's flow 5%
        row[Message.AFTER], row[Message.PLACE], row[Message.TRADES] = Due.PHASE_CHANGE, 0, row[Market.TRADES]
        return take_change(row, what, arg)
    op, side, slot, index, number = message_of(what)
    seat, book = row[Market.SEATS] + number * Seat.WORDS, row[Market.BOOKS] + index * Book.WORDS
    price, size = upper(arg), lower(arg)
    word = row[seat + Seat.SLOTS] + 2 * slot if slot != NO_SLOT else 0
    order = row[word] if word else 0
    count_pending(row, seat, slot, -1)
    if not row[seat + Seat.ALIVE] and op != Op.MASS_CANCEL:
        return False
    if op == Op.QUOTE:
        op = _quote_as(row, book, order, side, size)
        if op < 0:
            return False
    row[Market.SERIAL] += 1
    row[Message.AFTER], row[Message.PLACE] = Due.ARRIVAL, word
    row[Message.TRADES], row[Message.SENDER] = row[Market.TRADES], seat
    if op >= Op.FOK:
        _take_special(row, book, op, side, number, price, size, order)
    else:
        if op == Op.MODIFY:
            price, size = KEEP if price == KEPT else price, KEEP if size == KEPT else size
        take(row, book, op, side, number, price, size, row[Market.SERIAL], order)
    return True


@kernel
def _take_special(row: Row, book: int, op: int, side: int, owner: int, price: int, size: int, order: int) -> None:
    """Take in hand a request that is not plain; a venue that has no room for such orders rejects it."""
    detail = row[row[Message.PLACE] + 1] if row[Message.PLACE] else 0
    flags = Flag.POST_ONLY if op == Op.POST_ONLY else (Flag.ICEBERG if op == Op.ICEBERG else 0)
    if op != Op.INVALID and row[book + Book.EXTRAS] == 0:
        op, size = Op.INVALID, Reason.BAD_OPERATION
    if op == Op.INVALID:
        take(row, book, op, side, owner, price, size, row[Market.SERIAL], 0)
        return
    trigger = price if op == Op.STOP else detail
    prepare(row, book, Op.LIMIT if flags else op, side, owner, price, size, row[Market.SERIAL], order)
    row[Message.FLAGS], row[Message.DISPLAY], row[Message.STOP] = flags, detail, trigger
    row[Message.STAGE] = Stage.CAME


@kernel
def send_now(row: Row, seat: int, op: int) -> None:
    """Put a message of a seat that names no order before all else of this instant. Modifies `row` in place."""
    what = pack_message(op, BUY, NO_SLOT, row[row[seat + Seat.BOOK] + Book.INDEX], seat_number(row, seat))
    push(row, row[Market.NOW], ENDING, what, 0)


@kernel
def _quote_as(row: Row, book: int, order: int, side: int, size: int) -> int:
    """Return what asking for a quote means now: a new order, a change, a cancel, or -1 for nothing."""
    live = find(row, book, order)
    if not live:
        return Op.LIMIT if size != 0 else -1
    same = row.view(np.int32)[live + Order.SIDE] == side_of(book, side)
    return Op.MODIFY if same and size != 0 else Op.CANCEL
