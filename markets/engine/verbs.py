"""What an agent's kernel may do: look, send, draw, remember. Each verb takes the row and `me`, the agent's seat.

An agent sends to its outbox, and the engine delivers after the seat's latency; so nothing that it sends is in the
book when its kernel returns. It names its own orders by *place*, 0 to 15: what it last sent there.
Prices are ladder ticks, sizes lots, times ns.
"""

from __future__ import annotations

import numpy as np

from . import rng
from .book import find
from .feed import public_best, public_mark, public_phase
from .jit import kernel
from .layout import Account, Book, Market, Order, Outbox, Row, Seat
from .ledger import account_of, seat_number
from .packing import MOST_PENDING, count_pending, pack_message, pair, pending
from .terms import BUY, BY_CLOCK, NO_SLOT, SELL, Op

_LARGEST = (1 << 31) - 1  # what half a word holds

__all__ = [
    "BY_CLOCK",
    "below",
    "best_ask",
    "best_bid",
    "cancel",
    "cancel_all",
    "exponential",
    "limit",
    "mark",
    "market",
    "normal",
    "now",
    "own_price",
    "own_size",
    "parameter",
    "phase",
    "phase_left",
    "position",
    "quote",
    "recall",
    "recall_real",
    "remember",
    "remember_real",
    "take",
    "time_left",
    "uniform",
]


# --- look -------------------------------------------------------------------------------------------------------------
@kernel
def now(row: Row, me: int) -> int:
    """Return the time."""
    return int(row[Market.NOW])


@kernel
def time_left(row: Row, me: int) -> int:
    """Return the time until the session closes."""
    return int(row[Market.CLOSE] - row[Market.NOW])


@kernel
def phase(row: Row, me: int) -> int:
    """Return the market's phase: CONTINUOUS, AUCTION (a call) or HALT."""
    return public_phase(row, me)[0]


@kernel
def phase_left(row: Row, me: int) -> int:
    """Return the time until the present call or halt ends, 0 in continuous trading."""
    return public_phase(row, me)[1]


@kernel
def best_bid(row: Row, me: int) -> int:
    """Return the best bid price, -1 when there is none."""
    return public_best(row, me, BUY)


@kernel
def best_ask(row: Row, me: int) -> int:
    """Return the best ask price, -1 when there is none."""
    return public_best(row, me, SELL)


@kernel
def mark(row: Row, me: int) -> int:
    """Return the common mark in half ticks: bid plus ask, the last that there was."""
    return public_mark(row, me)


@kernel
def position(row: Row, me: int) -> int:
    """Return the agent's own position in lots."""
    account = account_of(row, seat_number(row, me))
    return int(row[account + Account.POSITION + row[row[me + Seat.BOOK] + Book.INDEX]])


@kernel
def own_price(row: Row, me: int, place: int) -> int:
    """Return the price of the agent's live order in a place, -1 when none is live."""
    order = _own(row, me, place)
    return row.view(np.int32)[order + Order.PRICE] if order else -1


@kernel
def own_size(row: Row, me: int, place: int) -> int:
    """Return the open size of the agent's live order in a place, 0 when none is live."""
    order = _own(row, me, place)
    return row.view(np.int32)[order + Order.QTY] if order else 0


@kernel
def _own(row: Row, me: int, place: int) -> int:
    if not 0 <= place < Seat.SLOT_COUNT:
        return 0
    return find(row, row[me + Seat.BOOK], row[me + Seat.SLOTS + place])


@kernel
def parameter(row: Row, me: int, k: int) -> float:
    """Return the k-th parameter of the agent's policy, a real; k is 0 to 15."""
    return float(row.view(np.float64)[me + Seat.PARAMETERS + (k & (Seat.PARAMETER_WORDS - 1))])


# --- send -------------------------------------------------------------------------------------------------------------
@kernel
def quote(row: Row, me: int, place: int, side: int, price: int, size: int) -> None:
    """Ask for `size` lots open at `price` in a place, whatever is there now; size 0 asks for nothing there.

    At the same price with no more size the order keeps its queue place; if nothing would change, nothing is sent.
    An order of the other side in that place is cancelled, and the quote waits for the next time.
    """
    if 0 <= place < Seat.SLOT_COUNT and pending(row, me, place) == 0:
        i32, order = row.view(np.int32), _own(row, me, place)
        if not order:
            if size == 0:
                return
        elif (
            i32[order + Order.QTY] == size
            and i32[order + Order.PRICE] == price
            and i32[order + Order.SIDE] == row[me + Seat.BOOK] + (Book.BID if side == BUY else Book.ASK)
        ):
            return
    _send(row, me, Op.QUOTE, side, place, price, size)


@kernel
def limit(row: Row, me: int, place: int, side: int, price: int, size: int) -> None:
    """Send a limit order; the place, which must be empty, will name it."""
    _send(row, me, Op.LIMIT, side, place, price, size)


@kernel
def take(row: Row, me: int, side: int, price: int, size: int) -> None:
    """Send an immediate-or-cancel order."""
    _send(row, me, Op.IOC, side, NO_SLOT, price, size)


@kernel
def market(row: Row, me: int, side: int, size: int) -> None:
    """Send a market order."""
    _send(row, me, Op.MARKET, side, NO_SLOT, 0, size)


@kernel
def cancel(row: Row, me: int, place: int) -> None:
    """Cancel the order in a place."""
    _send(row, me, Op.CANCEL, BUY, place, 0, 0)


@kernel
def cancel_all(row: Row, me: int) -> None:
    """Cancel all of the agent's orders."""
    _send(row, me, Op.MASS_CANCEL, BUY, NO_SLOT, 0, 0)


@kernel
def _send(row: Row, me: int, op: int, side: int, place: int, price: int, size: int) -> None:
    if abs(price) > _LARGEST or abs(size) > _LARGEST or not (0 <= place < Seat.SLOT_COUNT or place == NO_SLOT):
        size, place = -1, NO_SLOT  # no such price, size or place: what the book will refuse
    price = min(max(price, -_LARGEST), _LARGEST)
    if row[Market.SENT] == row[Market.OUTBOX_CAPACITY] or pending(row, me, place) == MOST_PENDING:
        row[Market.LOST] += 1
        return
    count_pending(row, me, place, 1)
    slot = row[Market.OUTBOX] + row[Market.SENT] * Outbox.WORDS
    row[slot + Outbox.WHAT] = pack_message(op, side, place, row[row[me + Seat.BOOK] + Book.INDEX], seat_number(row, me))
    row[slot + Outbox.ARG] = pair(price, size)
    row[Market.SENT] += 1


# --- draw -------------------------------------------------------------------------------------------------------------
@kernel
def uniform(row: Row, me: int) -> float:
    """Draw a real in [0, 1) from the agent's own stream."""
    return rng.uniform(row, me + Seat.STREAM)


@kernel
def below(row: Row, me: int, n: int) -> int:
    """Draw an integer in [0, n) from the agent's own stream."""
    return rng.below(row, me + Seat.STREAM, n)


@kernel
def exponential(row: Row, me: int) -> float:
    """Draw an exponential variate of mean 1 from the agent's own stream."""
    return rng.exponential(row, me + Seat.STREAM)


@kernel
def normal(row: Row, me: int) -> float:
    """Draw a standard normal variate from the agent's own stream."""
    return rng.normal(row, me + Seat.STREAM)


# --- remember ---------------------------------------------------------------------------------------------------------
@kernel
def remember(row: Row, me: int, k: int, value: int) -> None:
    """Keep an integer until the next wake-up; k is 0 to 7."""
    row[me + Seat.MEMORY + (k & (Seat.MEMORY_WORDS - 1))] = value


@kernel
def recall(row: Row, me: int, k: int) -> int:
    """Return the integer kept under k, 0 before the first."""
    return int(row[me + Seat.MEMORY + (k & (Seat.MEMORY_WORDS - 1))])


@kernel
def remember_real(row: Row, me: int, k: int, value: float) -> None:
    """Keep a real until the next wake-up; it shares its place with the integer k."""
    row.view(np.float64)[me + Seat.MEMORY + (k & (Seat.MEMORY_WORDS - 1))] = value


@kernel
def recall_real(row: Row, me: int, k: int) -> float:
    """Return the real kept under k, 0.0 before the first."""
    return float(row.view(np.float64)[me + Seat.MEMORY + (k & (Seat.MEMORY_WORDS - 1))])
