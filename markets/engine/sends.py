"""What a seat's kernel may send. It goes to the outbox, and the engine delivers it after the seat's latency.

So nothing that a kernel sends is in the book when it returns. A kernel names its own orders by *client order slot*: the
order that it last sent there. A side, a price, a size or a slot that cannot be is a message all the same: the venue
rejects it, with its reason, when it arrives.
"""

from __future__ import annotations

from numpy import int32

from .book import find
from .jit import inlined, kernel
from .layout import Book, Market, Order, Outbox, Part, Row, Seat
from .ledger import seat_number
from .packing import KEPT, MOST_PENDING, count_pending, pack_message, pair, pending
from .terms import BUY, KEEP, NO_SLOT, SELL, Op, Reason

__all__ = [
    "all_or_none",
    "cancel",
    "cancel_all",
    "fill_or_kill",
    "iceberg",
    "immediate",
    "limit",
    "market",
    "modify",
    "post_only",
    "quote",
    "stop",
    "stop_limit",
]

_LARGEST = (1 << 31) - 1  # what half a word holds


@kernel
def quote(row: Row, me: int, slot: int, side: int, price: int, size: int) -> None:
    """Ask for `size` lots open at `price` in a client order slot, whatever is there now; size 0 asks for nothing there.

    At the same price with no more size the order keeps its queue place; if nothing would change, nothing is sent.
    An order of the other side in that slot is cancelled, and the quote waits for the next time.
    """
    at = _slot(row, me, slot)
    if at != NO_SLOT and pending(row, me, at) == 0:
        i32, order = row.view(int32), find(row, row[me + Seat.BOOK], row[row[me + Seat.SLOTS] + 2 * at])
        if not order:
            if size == 0:
                return
        elif (
            i32[order + Order.QTY] == size
            and i32[order + Order.PRICE] == price
            and i32[order + Order.SIDE] == row[me + Seat.BOOK] + (Book.BID if side == BUY else Book.ASK)
        ):
            return
    _send(row, me, Op.QUOTE, side, slot, price, size, 0)


@kernel
def limit(row: Row, me: int, slot: int, side: int, price: int, size: int) -> None:
    """Send a limit order; the slot, which must be empty, will name it."""
    _send(row, me, Op.LIMIT, side, slot, price, size, 0)


@kernel
def post_only(row: Row, me: int, slot: int, side: int, price: int, size: int) -> None:
    """Send a limit order that is rejected where it would trade at once."""
    _send(row, me, Op.POST_ONLY, side, slot, price, size, 0)


@kernel
def iceberg(row: Row, me: int, slot: int, side: int, price: int, size: int, display: int) -> None:
    """Send a limit order that shows `display` lots at a time."""
    _send(row, me, Op.ICEBERG, side, slot, price, size, display)


@kernel
def all_or_none(row: Row, me: int, slot: int, side: int, price: int, size: int) -> None:
    """Send a limit order that rests until one taker can fill it whole."""
    _send(row, me, Op.AON, side, slot, price, size, 0)


@kernel
def stop(row: Row, me: int, slot: int, side: int, trigger: int, size: int) -> None:
    """Send a stop order: a market order once a trade is at the trigger or beyond."""
    _send(row, me, Op.STOP, side, slot, trigger, size, 0)


@kernel
def stop_limit(row: Row, me: int, slot: int, side: int, trigger: int, price: int, size: int) -> None:
    """Send a stop-limit order: a limit order at `price` once a trade is at the trigger or beyond."""
    _send(row, me, Op.STOP_LIMIT, side, slot, price, size, trigger)


@kernel
def immediate(row: Row, me: int, side: int, price: int, size: int) -> None:
    """Send an immediate-or-cancel order."""
    _send(row, me, Op.IOC, side, NO_SLOT, price, size, 0)


@kernel
def fill_or_kill(row: Row, me: int, side: int, price: int, size: int) -> None:
    """Send a fill-or-kill order."""
    _send(row, me, Op.FOK, side, NO_SLOT, price, size, 0)


@kernel
def market(row: Row, me: int, side: int, size: int) -> None:
    """Send a market order."""
    _send(row, me, Op.MARKET, side, NO_SLOT, 0, size, 0)


@kernel
def modify(row: Row, me: int, slot: int, price: int, size: int) -> None:
    """Give the order of a slot another price and open size; KEEP leaves either as it is."""
    price = KEPT if price == KEEP else price
    size = KEPT if size == KEEP else size
    _send(row, me, Op.MODIFY, BUY, slot, price, size, 0)


@kernel
def cancel(row: Row, me: int, slot: int) -> None:
    """Cancel the order of a slot."""
    _send(row, me, Op.CANCEL, BUY, slot, 0, 0, 0)


@kernel
def cancel_all(row: Row, me: int) -> None:
    """Cancel all of the seat's orders."""
    _send(row, me, Op.MASS_CANCEL, BUY, NO_SLOT, 0, 0, 0)


@inlined
def _slot(row: Row, me: int, slot: int) -> int:
    """Return the number, in the whole seat, of a slot of the running part; NO_SLOT where it has no such slot."""
    part = row[me + Seat.ACTIVE]
    return int(row[part + Part.SLOT] + slot) if 0 <= slot < row[part + Part.SLOT_COUNT] else NO_SLOT


@kernel
def _send(row: Row, me: int, op: int, side: int, slot: int, price: int, size: int, detail: int) -> None:
    """Put a request into the outbox; one that cannot be becomes one that the venue rejects with its reason."""
    at = NO_SLOT if slot == NO_SLOT else _slot(row, me, slot)
    fault = Reason.OK
    if side != BUY and side != SELL:
        side, fault = 2, Reason.BAD_SIDE
    elif slot != NO_SLOT and at == NO_SLOT:
        fault = Reason.BAD_SLOT
    elif abs(price) > _LARGEST and price != KEPT:
        fault = Reason.BAD_PRICE
    elif abs(size) > _LARGEST and size != KEPT:
        fault = Reason.BAD_SIZE
    elif abs(detail) > _LARGEST:
        fault = Reason.BAD_DISPLAY if op == Op.ICEBERG else Reason.BAD_PRICE
    elif at != NO_SLOT and detail != 0 and pending(row, me, at) != 0:
        fault = Reason.SLOT_BUSY
    if row[Market.SENT] == row[Market.OUTBOX_CAPACITY] or (at != NO_SLOT and pending(row, me, at) == MOST_PENDING):
        row[Market.LOST] += 1
        return
    if fault != Reason.OK:
        op, at, price, size = Op.INVALID, NO_SLOT, 0, fault
    elif at != NO_SLOT:
        count_pending(row, me, at, 1)
        if detail != 0:
            row[row[me + Seat.SLOTS] + 2 * at + 1] = detail
    slot_word = row[Market.OUTBOX] + row[Market.SENT] * Outbox.WORDS
    row[slot_word + Outbox.WHAT] = pack_message(
        op, side, at, row[row[me + Seat.BOOK] + Book.INDEX], seat_number(row, me)
    )
    row[slot_word + Outbox.ARG] = pair(price, size)
    row[Market.SENT] += 1
