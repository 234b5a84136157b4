"""One turn: what outside seats have decided becomes messages, time goes on, and who must decide next is told.

A maker decides (bid offset, ask offset, bid lots, ask lots): offset k is the k-th price below (above) the mark, 0 lots
is no quote. A taker decides (side, lots): -1 sells, 1 buys at the market, 0 holds.
"""

from __future__ import annotations

import numpy as np

from .feed import public_mark
from .jit import kernel
from .layout import Book, Entry, Feed, Market, Row, Seat
from .ledger import accrue, seat_number, wealth
from .observe import Reals, observe
from .packing import due_of
from .simulate import advance, dispatch
from .terms import BUY, EXTERNAL, FOREVER, SELL, Answer, Due, Role
from .verbs import market, quote

__all__ = [
    "ASK_PLACE",
    "BID_PLACE",
    "INTENT_WORDS",
    "OUTCOME_REALS",
    "O_ELAPSED",
    "O_FIRST",
    "O_PENALTY",
    "O_REWARD",
    "go_on",
    "tell",
    "turn",
]

(O_REWARD, O_PENALTY, O_ELAPSED, O_FIRST) = range(4)  # what an outcome tells: currency, currency, ns, 0 or 1
OUTCOME_REALS = 4
INTENT_WORDS = 4
BID_PLACE, ASK_PLACE = 0, 1


@kernel
def turn(row: Row, kernels: Row, intents: Row, observations: Reals, outcomes: Reals) -> int:
    """Let the due seats act on `intents[k]`, go on to the next decision, and write what those then due are told.

    `intents` (seats, 4) int64; `observations` (seats, width) float32 and `outcomes` (seats, 4) float64 are modified in
    place, and so is `row`. Returns DECIDE (the row lists who is due), DONE at the close (every outside seat is told),
    DRAIN (empty the event ring) or PAUSED (at UNTIL; set it anew) after which `go_on` goes on, REJECTED: nothing
    having happened, when an intent is out of its seat's range, or when a delayed feed was too short (FEED_SHORT).
    FLOODED: messages found no room, as LOST says.
    """
    for k in range(row[Market.DUE_COUNT]):
        seat = row[row[Market.DUE] + k]
        if not _in_range(row, seat, intents[seat_number(row, seat)]):
            return Answer.REJECTED
    for k in range(row[Market.DUE_COUNT]):
        seat = row[row[Market.DUE] + k]
        _act(row, seat, intents[seat_number(row, seat)])
        row[seat + Seat.STARTED] = 1
        dispatch(row, seat)
    row[Market.DUE_COUNT] = 0
    return go_on(row, kernels, observations, outcomes)


@kernel
def go_on(row: Row, kernels: Row, observations: Reals, outcomes: Reals) -> int:
    """Go on to the next decision or the close and tell those concerned; modifies and returns as `turn` does."""
    code = advance(row, kernels, min(row[Market.CLOSE] - 1, row[Market.UNTIL]), FOREVER)
    while code == Answer.DONE and _ends_in_a_call(row):
        code = advance(row, kernels, row[Market.CLOSE], 1)
    if row[Market.LOST] != 0:
        return Answer.FLOODED
    if code == Answer.DONE and row[Market.NOW] < row[Market.CLOSE] - 1:
        return Answer.PAUSED
    if code == Answer.DECIDE:
        for k in range(row[Market.DUE_COUNT]):
            tell(row, row[row[Market.DUE] + k], observations, outcomes)
        if _feed_was_short(row):
            return Answer.REJECTED
    elif code == Answer.DONE:
        row[Market.NOW] = row[Market.CLOSE]
        for k in range(row[Market.SEAT_COUNT]):
            seat = row[Market.SEATS] + k * Seat.WORDS
            if row[seat + Seat.KERNEL] == EXTERNAL:
                tell(row, seat, observations, outcomes)
    return code


@kernel
def _ends_in_a_call(row: Row) -> bool:
    """Return whether the close has come but for the uncross with which the session ends."""
    top = row[Market.QUEUE]
    is_pending = (
        row[Market.QUEUED] > 0 and row[top] == row[Market.CLOSE] and due_of(row[top + Entry.WHAT]) == Due.PHASE_CHANGE
    )
    return bool(is_pending and row[Market.NOW] >= row[Market.CLOSE] - 1)


@kernel
def _feed_was_short(row: Row) -> bool:
    for k in range(row[Market.BOOK_COUNT]):
        feed = row[row[Market.BOOKS] + k * Book.WORDS + Book.FEED]
        if feed != 0 and row[feed + Feed.SHORT] != 0:
            return True
    return False


@kernel
def tell(row: Row, seat: int, observations: Reals, outcomes: Reals) -> None:
    """Write what a seat sees and what it has earned since it was last told. Modifies `row` and both arrays in place."""
    number, reals = seat_number(row, seat), row.view(np.float64)
    observe(row, seat, observations[number])
    worth, elapsed = wealth(row, number), row[Market.NOW] - row[seat + Seat.TIME]
    accrue(row, number)
    out = outcomes[number]
    out[O_REWARD] = (worth - row[seat + Seat.WEALTH]) * reals[Market.UNIT_VALUE]
    out[O_PENALTY] = reals[seat + Seat.AVERSION] * reals[seat + Seat.EXPOSURE]
    out[O_ELAPSED] = elapsed
    out[O_FIRST] = 1.0 - row[seat + Seat.STARTED]
    row[seat + Seat.WEALTH], row[seat + Seat.TIME] = worth, row[Market.NOW]
    reals[seat + Seat.EXPOSURE] = 0.0


@kernel
def _in_range(row: Row, seat: int, intent: Row) -> bool:
    most = row[seat + Seat.MAX_SIZE]
    if row[seat + Seat.ROLE] == Role.MAKER:
        furthest = row[seat + Seat.MAX_OFFSET]
        offsets = 1 <= intent[0] <= furthest and 1 <= intent[1] <= furthest
        return bool(offsets and 0 <= intent[2] <= most and 0 <= intent[3] <= most)
    return bool(-1 <= intent[0] <= 1 and 1 <= intent[1] <= most)


@kernel
def _act(row: Row, seat: int, intent: Row) -> None:
    if row[seat + Seat.ROLE] == Role.MAKER:
        mark = public_mark(row, seat)
        quote(row, seat, BID_PLACE, BUY, (mark - 1) // 2 - (intent[0] - 1), intent[2])
        quote(row, seat, ASK_PLACE, SELL, (mark + 2) // 2 + (intent[1] - 1), intent[3])
    elif intent[0] != 0:
        market(row, seat, BUY if intent[0] > 0 else SELL, intent[1])
