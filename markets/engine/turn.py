"""One turn: what outside seats were asked becomes messages, time goes on, and who must decide next is told.

Everything lies in the row. A seat's ACTION window holds what is asked; its OBSERVATION, MASK and OUTCOME windows hold
what it was last told. What they mean is said by the seat's parts (`sekai.markets.parts`).
"""

from __future__ import annotations

from numpy import float64, int8

from .jit import kernel
from .layout import Book, Bound, Entry, Feed, Market, Outcome, Part, Row, Seat
from .ledger import accrue, seat_number, transfer_positions, wealth
from .packing import due_of
from .running import forget_news, look_from, run, run_all, tell_news
from .simulate import advance, dispatch, send_now
from .terms import FOREVER, Answer, Due, Op

__all__ = ["begin", "bury", "check_actions", "forget_due", "go_on", "tell", "turn", "unfold"]


@kernel
def begin(row: Row, kernels: Row) -> None:
    """At the open: let every reward take note of what there is, so that it pays from here on. Modifies `row`."""
    for k in range(row[Market.SEAT_COUNT]):
        seat = row[Market.SEATS] + k * Seat.WORDS
        accrue(row, k)
        row.view(float64)[seat + Seat.EXPOSURE] = 0.0
        row[seat + Seat.WEALTH] = wealth(row, k)
        row[seat + Seat.SNAPSHOT] = 0
        run_all(row, kernels, seat, row[seat + Seat.REWARDS], row[seat + Seat.REWARD_COUNT])


@kernel
def turn(row: Row, kernels: Row) -> int:
    """Let the due seats do what they were asked, go on to the next decision, and tell those who are then due.

    Returns DECIDE (the row lists who is due), DONE when the session is over (every outside seat has been told), DRAIN
    (empty the event ring) or PAUSED (at UNTIL; set it anew) after which `go_on` goes on; REJECTED, nothing having
    happened, when an action is out of its seat's range: FAULT is the seat, FAULT_AT the number of the action. FLOODED:
    messages found no room, as LOST says. SHORT: delayed market data did not reach back far enough.
    """
    code = check_actions(row)
    if code != Answer.DECIDE:
        return code
    for k in range(row[Market.SEAT_COUNT]):
        row[row[Market.SEATS] + k * Seat.WORDS + Seat.TOLD] = 0
    row[Market.WAKES_BEFORE] = row[Market.WAKES]
    for k in range(row[Market.DUE_COUNT]):
        seat = row[row[Market.DUE] + k]
        if row[seat + Seat.ALIVE]:
            _act(row, kernels, seat)
    row[Market.DUE_COUNT] = 0
    return go_on(row, kernels)


@kernel
def check_actions(row: Row) -> int:
    """Return DECIDE where what the due seats were asked is possible, else REJECTED, with FAULT and FAULT_AT written."""
    for k in range(row[Market.DUE_COUNT]):
        seat = row[row[Market.DUE] + k]
        if row[seat + Seat.ALIVE] and not _is_possible(row, seat):
            return Answer.REJECTED
    return Answer.DECIDE


@kernel
def go_on(row: Row, kernels: Row) -> int:
    """Go on to the next decision or the end of the session, and tell those concerned; answers as `turn` does."""
    while True:
        code = advance(row, kernels, min(row[Market.CLOSE] - 1, row[Market.UNTIL]), FOREVER)
        while code == Answer.DONE and _ends_in_a_call(row):
            code = advance(row, kernels, row[Market.CLOSE], 1)
        if row[Market.LOST] != 0:
            return Answer.FLOODED
        if code == Answer.RESTLESS:
            return code
        if code == Answer.DONE and row[Market.NOW] < row[Market.CLOSE] - 1:
            return Answer.PAUSED
        if code == Answer.DONE:
            _close(row, kernels)
        elif code == Answer.DECIDE and not _tell_due(row, kernels):
            if _anybody_lives(row):
                continue
            code = Answer.DONE
        return Answer.SHORT if _feed_was_short(row) else code


@kernel
def forget_due(row: Row) -> None:
    """Let nobody be due. Modifies `row` in place."""
    row[Market.DUE_COUNT] = 0


@kernel
def _close(row: Row, kernels: Row) -> None:
    """Tell every outside seat that lives how the session ended."""
    row[Market.NOW] = row[Market.CLOSE]
    for k in range(row[Market.SEAT_COUNT]):
        seat = row[Market.SEATS] + k * Seat.WORDS
        if row[seat + Seat.POLICY] == 0 and row[seat + Seat.ALIVE]:
            tell(row, kernels, seat)
            row[seat + Seat.ALIVE] = 0


@kernel
def _tell_due(row: Row, kernels: Row) -> bool:
    """Tell all who are due; return whether any of them lives on to decide. Who does not is due no more."""
    living = 0
    for k in range(row[Market.DUE_COUNT]):
        seat = row[row[Market.DUE] + k]
        tell(row, kernels, seat)
        if row[seat + Seat.ALIVE]:
            row[row[Market.DUE] + living] = seat
            living += 1
    row[Market.DUE_COUNT] = living
    return living > 0


@kernel
def _anybody_lives(row: Row) -> bool:
    for k in range(row[Market.SEAT_COUNT]):
        seat = row[Market.SEATS] + k * Seat.WORDS
        if row[seat + Seat.POLICY] == 0 and row[seat + Seat.ALIVE]:
            return True
    return False


@kernel
def _ends_in_a_call(row: Row) -> bool:
    """Return whether the close has come but for the uncross with which the session ends."""
    top = row[Market.QUEUE]
    is_pending = row[Market.QUEUED] > 0 and row[top] == row[Market.CLOSE]
    return bool(
        is_pending and due_of(row[top + Entry.WHAT]) == Due.PHASE_CHANGE and row[Market.NOW] >= row[Market.CLOSE] - 1
    )


@kernel
def _feed_was_short(row: Row) -> bool:
    for k in range(row[Market.BOOK_COUNT]):
        feed = row[row[Market.BOOKS] + k * Book.WORDS + Book.FEED]
        if feed != 0 and row[feed + Feed.SHORT] != 0:
            return True
    return False


# --- what a seat is told ----------------------------------------------------------------------------------------------
@kernel
def tell(row: Row, kernels: Row, seat: int) -> None:
    """Write what a seat sees, may do and has earned since it was last told, and whether its episode is over.

    Observations and masks look at what the seat is told, late where it has a lag; rewards and ends at the market as it
    is. Modifies `row` in place.
    """
    forget_news(row, seat)
    look_from(row, seat)
    run_all(row, kernels, seat, row[seat + Seat.OBSERVATIONS], row[seat + Seat.OBSERVATION_COUNT])
    row[seat + Seat.SNAPSHOT] = 0
    over = _pay(row, kernels, seat)
    for k in range(row[seat + Seat.END_COUNT]):
        if over == 0 and run(row, kernels, seat, row[seat + Seat.ENDS] + k * Part.WORDS) != 0:
            over = k + 1
    row.view(float64)[row[seat + Seat.OUTCOME] + Outcome.ENDED] = over
    row[seat + Seat.TOLD] = 1
    if over != 0:
        bury(row, seat)
    elif row[seat + Seat.MASK_SIZE]:
        look_from(row, seat)
        _mask(row, kernels, seat)
    tell_news(row, seat)


@kernel
def _pay(row: Row, kernels: Row, seat: int) -> int:
    """Write the seat's outcome; return 0."""
    number, reals, out = seat_number(row, seat), row.view(float64), row[seat + Seat.OUTCOME]
    accrue(row, number)
    total = 0.0
    for k in range(row[seat + Seat.REWARD_COUNT]):
        part = row[seat + Seat.REWARDS] + k * Part.WORDS
        window = row[part + Part.WINDOW]
        reals[window] = 0.0
        run(row, kernels, seat, part)
        reals[window] *= reals[part + Part.WEIGHT]
        total += reals[window]
    worth = wealth(row, number)
    reals[out + Outcome.REWARD] = total
    reals[out + Outcome.PNL] = (worth - row[seat + Seat.WEALTH]) * reals[Market.UNIT_VALUE]
    reals[out + Outcome.ELAPSED] = (row[Market.NOW] - row[seat + Seat.TIME]) * 1e-9
    reals[out + Outcome.FIRST] = 1.0 - row[seat + Seat.STARTED]
    row[seat + Seat.WEALTH], row[seat + Seat.TIME] = worth, row[Market.NOW]
    return 0


@kernel
def _mask(row: Row, kernels: Row, seat: int) -> None:
    """Allow every option of the seat's actions, then let its parts forbid what would be rejected."""
    options, first = row.view(int8), 8 * row[seat + Seat.MASK]
    for k in range(row[seat + Seat.MASK_SIZE]):
        options[first + k] = 1
    run_all(row, kernels, seat, row[seat + Seat.MASKS], row[seat + Seat.MASK_COUNT])


@kernel
def bury(row: Row, seat: int) -> None:
    """End a seat: its orders are cancelled, its position goes to the venue's account at the mark."""
    row[seat + Seat.ALIVE] = 0
    transfer_positions(row, seat_number(row, seat), row[Market.VENUE])
    send_now(row, seat, Op.MASS_CANCEL)


# --- what a seat does -------------------------------------------------------------------------------------------------
@kernel
def _act(row: Row, kernels: Row, seat: int) -> None:
    """Let a seat's action parts send what they were asked for."""
    look_from(row, seat)
    if row[seat + Seat.IS_JOINT]:
        unfold(row, seat)
    run_all(row, kernels, seat, row[seat + Seat.ACTIONS], row[seat + Seat.ACTION_COUNT])
    row[seat + Seat.STARTED] = 1
    dispatch(row, seat)


@kernel
def unfold(row: Row, seat: int) -> None:
    """Write down the numbers that a seat's joint number stands for, the last running fastest. Modifies `row`."""
    reals, window, size = row.view(float64), row[seat + Seat.ACTION], row[seat + Seat.ACTION_SIZE]
    left = int(reals[row[seat + Seat.JOINT]])
    for k in range(size - 1, -1, -1):
        options = int(reals[row[seat + Seat.BOUNDS] + k * Bound.WORDS + Bound.HIGH]) + 1
        reals[window + k] = left % options
        left //= options


@kernel
def _is_possible(row: Row, seat: int) -> bool:
    """Return whether each number that a seat was asked for lies in its range; write down the first that does not."""
    reals, bounds = row.view(float64), row[seat + Seat.BOUNDS]
    if row[seat + Seat.IS_JOINT]:
        asked = reals[row[seat + Seat.JOINT]]
        most = reals[row[seat + Seat.JOINT] + 1]
        if not 0.0 <= asked <= most or asked != int(asked):
            row[Market.FAULT], row[Market.FAULT_AT] = seat, 0
            return False
        return True
    for k in range(row[seat + Seat.ACTION_SIZE]):
        bound = bounds + k * Bound.WORDS
        asked = reals[row[seat + Seat.ACTION] + k]
        is_in = reals[bound + Bound.LOW] <= asked <= reals[bound + Bound.HIGH]
        if not is_in or (row[bound + Bound.IS_WHOLE] != 0 and asked != int(asked)):
            row[Market.FAULT], row[Market.FAULT_AT] = seat, k
            return False
    return True
