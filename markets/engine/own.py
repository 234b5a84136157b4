"""What a seat's kernel knows of itself: account, orders, fills, rejects; what it reads, remembers, shows, is asked.

A seat knows what is its own at once, whatever its market-data lag. Parameters, memory and the window of numbers are the
kernel's own; client order slots are the part's, or the whole seat's where the part has none. Whatever number is given,
nothing outside is read or written: what there is not reads 0.
"""

from __future__ import annotations

from numpy import float32, float64, int8, int32

from . import rng
from .book import find, side_index_of
from .extras import flags_of, named_price, open_size
from .jit import inlined, kernel, verb
from .layout import Account, Book, Fill, Level, Market, Order, Part, Rejection, Row, Seat, Side, Snapshot
from .ledger import account_of, seat_number
from .ledger import wealth as wealth_at_marks
from .limits import position_room as room_of
from .packing import pending
from .terms import HALF_TICK, MAX_SIZE, NO_PRICE, Flag, PartKind

__all__ = [
    "asked",
    "below",
    "cash",
    "currency",
    "edge",
    "exponential",
    "exposure",
    "fees",
    "fill_count",
    "fill_is_maker",
    "fill_price",
    "fill_size",
    "forbid",
    "free_slot",
    "lots_ahead",
    "normal",
    "own_price",
    "own_side",
    "own_size",
    "parameter",
    "pay",
    "position",
    "position_room",
    "recall",
    "recall_real",
    "reject_count",
    "reject_reason",
    "reject_slot",
    "remember",
    "remember_real",
    "show",
    "uniform",
    "wealth",
]


# --- the account ------------------------------------------------------------------------------------------------------
@inlined
def _account(row: Row, me: int) -> int:
    return account_of(row, seat_number(row, me))


@inlined
def position(row: Row, me: int) -> int:
    """Return the seat's position in lots."""
    return int(row[_account(row, me) + Account.POSITION + row[row[me + Seat.BOOK] + Book.INDEX]])


@inlined
def cash(row: Row, me: int) -> int:
    """Return the seat's cash in money units: what it was paid less what it paid, fees included."""
    return int(row[_account(row, me) + Account.CASH])


@inlined
def fees(row: Row, me: int) -> int:
    """Return the fees that the seat has paid, in money units; rebates count against them."""
    return int(row[_account(row, me) + Account.FEES])


@inlined
def edge(row: Row, me: int) -> int:
    """Return what all fills together were better than the mark at their moment, in money units."""
    return int(row[_account(row, me) + Account.EDGE])


@kernel
def wealth(row: Row, me: int) -> int:
    """Return cash and position at the mark, in money units; at the late mark where the seat sees that."""
    snap = row[me + Seat.SNAPSHOT]
    if snap == 0:
        return wealth_at_marks(row, seat_number(row, me))
    known, book = row[snap + Snapshot.MARK], row[me + Seat.BOOK]
    value = position(row, me) * (known + 2 * row[book + Book.BASE]) * HALF_TICK if known >= 0 else 0
    return int(cash(row, me) + value)


@inlined
def exposure(row: Row, me: int) -> float:
    """Return the lots squared times seconds that the seat has held since the open."""
    return float(row.view(float64)[me + Seat.EXPOSURE])


@inlined
def currency(row: Row, me: int) -> float:
    """Return what one money unit is worth in the currency."""
    return float(row.view(float64)[Market.UNIT_VALUE])


@kernel
def position_room(row: Row, me: int, side: int) -> int:
    """Return how many lots more the seat may ask for on a side within its position limit; MAX_SIZE where none binds.

    Its orders of that side that are open, or wait, count; what is on its way does not.
    """
    return int(min(max(room_of(row, row[me + Seat.BOOK], seat_number(row, me), side), 0), MAX_SIZE))


# --- orders -----------------------------------------------------------------------------------------------------------
@kernel
def _order(row: Row, me: int, slot: int) -> int:
    """Return the handle of the live order that a client order slot of the running part names, 0 if there is none."""
    part = row[me + Seat.ACTIVE]
    if not 0 <= slot < row[part + Part.SLOT_COUNT]:
        return 0
    return find(row, row[me + Seat.BOOK], row[row[me + Seat.SLOTS] + 2 * (row[part + Part.SLOT] + slot)])


@kernel
def own_price(row: Row, me: int, slot: int) -> int:
    """Return the price of the live order of a client order slot, a stop's trigger; NO_PRICE when none is live."""
    order = _order(row, me, slot)
    return named_price(row, row[me + Seat.BOOK], order) if order else NO_PRICE


@kernel
def own_size(row: Row, me: int, slot: int) -> int:
    """Return the open lots of the live order of a client order slot, an iceberg's whole; 0 when none is live."""
    order = _order(row, me, slot)
    return open_size(row, row[me + Seat.BOOK], order) if order else 0


@kernel
def own_side(row: Row, me: int, slot: int) -> int:
    """Return the side of the live order of a client order slot, BUY when none is live."""
    order = _order(row, me, slot)
    return side_index_of(row[me + Seat.BOOK], int(row.view(int32)[order + Order.SIDE])) if order else 0


@kernel
def lots_ahead(row: Row, me: int, slot: int) -> int:
    """Return the lots shown before the live order of a client order slot at its price; 0 for a stop, or none."""
    order, i32 = _order(row, me, slot), row.view(int32)
    if not order or flags_of(row, row[me + Seat.BOOK], order) & Flag.STOP:
        return 0
    side = i32[order + Order.SIDE]
    level = row[side + Side.LEVELS] + Level.WORDS * (i32[order + Order.PRICE] ^ row[side + Side.FLIP])
    ahead, other = 0, i32[order + Order.PREV]
    while other != level:
        ahead += i32[other + Order.QTY]
        other = i32[other + Order.PREV]
    return int(ahead)


@kernel
def free_slot(row: Row, me: int) -> int:
    """Return the first client order slot of the running part with no live order and no message on its way, else -1."""
    part = row[me + Seat.ACTIVE]
    for slot in range(row[part + Part.SLOT_COUNT]):
        at = row[part + Part.SLOT] + slot
        if pending(row, me, at) == 0 and _order(row, me, slot) == 0:
            return slot
    return -1


# --- news: fills and rejects since the seat last looked ---------------------------------------------------------------
@inlined
def fill_count(row: Row, me: int) -> int:
    """Return how many fills the seat has had since it last looked: the latest, as many as are kept."""
    return int(min(row[me + Seat.FILLS_LOGGED] - row[me + Seat.FILLS_KNOWN], row[me + Seat.FILL_CAPACITY]))


@kernel
def _fill(row: Row, me: int, k: int) -> int:
    if not 0 <= k < fill_count(row, me):
        return 0
    number = (row[me + Seat.FILLS_LOGGED] - 1 - k) % row[me + Seat.FILL_CAPACITY]
    return int(row[me + Seat.FILLS] + number * Fill.WORDS)


@kernel
def fill_price(row: Row, me: int, k: int) -> int:
    """Return the price of the k-th last fill since the seat last looked; NO_PRICE where there is none."""
    fill = _fill(row, me, k)
    return int(row[fill + Fill.PRICE]) if fill else NO_PRICE


@kernel
def fill_size(row: Row, me: int, k: int) -> int:
    """Return the lots of the k-th last fill, positive where the seat bought; 0 where there is none."""
    fill = _fill(row, me, k)
    return int(row[fill + Fill.SIZE]) if fill else 0


@kernel
def fill_is_maker(row: Row, me: int, k: int) -> int:
    """Return 1 where the seat was the maker of the k-th last fill, else 0."""
    fill = _fill(row, me, k)
    return int(row[fill + Fill.IS_MAKER]) if fill else 0


@inlined
def reject_count(row: Row, me: int) -> int:
    """Return how many messages of the seat were rejected since it last looked: the latest, as many as are kept."""
    return int(min(row[me + Seat.REJECTS_LOGGED] - row[me + Seat.REJECTS_KNOWN], row[me + Seat.REJECT_CAPACITY]))


@kernel
def _rejection(row: Row, me: int, k: int) -> int:
    if not 0 <= k < reject_count(row, me):
        return 0
    number = (row[me + Seat.REJECTS_LOGGED] - 1 - k) % row[me + Seat.REJECT_CAPACITY]
    return int(row[me + Seat.REJECTS] + number * Rejection.WORDS)


@kernel
def reject_reason(row: Row, me: int, k: int) -> int:
    """Return why the k-th last rejected message was rejected, a number of `Reason`; 0 where there is none."""
    rejection = _rejection(row, me, k)
    return int(row[rejection + Rejection.REASON]) if rejection else 0


@kernel
def reject_slot(row: Row, me: int, k: int) -> int:
    """Return the client order slot, of the whole seat, that the k-th last rejected message named; -1 for none."""
    rejection = _rejection(row, me, k)
    return int(row[rejection + Rejection.SLOT]) if rejection else -1


# --- what the kernel reads and remembers ------------------------------------------------------------------------------
@inlined
def parameter(row: Row, me: int, k: int) -> float:
    """Return the k-th parameter of the kernel that runs; 0.0 where it has none."""
    part = row[me + Seat.ACTIVE]
    if not 0 <= k < row[part + Part.PARAMETER_COUNT]:
        return 0.0
    return float(row.view(float64)[row[part + Part.PARAMETERS] + k])


@inlined
def remember(row: Row, me: int, k: int, value: int) -> None:
    """Keep an integer until the kernel runs again, in its k-th word; nothing is kept where it has no such word."""
    part = row[me + Seat.ACTIVE]
    if 0 <= k < row[part + Part.MEMORY_COUNT]:
        row[row[part + Part.MEMORY] + k] = value


@inlined
def recall(row: Row, me: int, k: int) -> int:
    """Return the integer in the kernel's k-th word, 0 before the first."""
    part = row[me + Seat.ACTIVE]
    return int(row[row[part + Part.MEMORY] + k]) if 0 <= k < row[part + Part.MEMORY_COUNT] else 0


@verb(reals=(3,))
def remember_real(row: Row, me: int, k: int, value: float) -> None:
    """Keep a real until the kernel runs again, in its k-th word, which an integer may share."""
    part = row[me + Seat.ACTIVE]
    if 0 <= k < row[part + Part.MEMORY_COUNT]:
        row.view(float64)[row[part + Part.MEMORY] + k] = value


@inlined
def recall_real(row: Row, me: int, k: int) -> float:
    """Return the real in the kernel's k-th word, 0.0 before the first."""
    part = row[me + Seat.ACTIVE]
    return float(row.view(float64)[row[part + Part.MEMORY] + k]) if 0 <= k < row[part + Part.MEMORY_COUNT] else 0.0


# --- what a part shows, is asked, pays and forbids --------------------------------------------------------------------
@verb(reals=(3,))
def show(row: Row, me: int, k: int, value: float) -> None:
    """In an observation: show the k-th number. One beyond the part's size is written down as its fault."""
    part = row[me + Seat.ACTIVE]
    if row[part + Part.KIND] != PartKind.OBSERVATION:
        return
    if 0 <= k < row[part + Part.SIZE]:
        row.view(float32)[row[part + Part.WINDOW] + k] = value
    else:
        row[part + Part.BEYOND] = 1


@inlined
def asked(row: Row, me: int, k: int) -> float:
    """In an action: return the k-th number that was asked for, 0.0 where there is none."""
    part = row[me + Seat.ACTIVE]
    is_there = row[part + Part.KIND] == PartKind.ACTION and 0 <= k < row[part + Part.SIZE]
    return float(row.view(float64)[row[part + Part.WINDOW] + k]) if is_there else 0.0


@verb(reals=(2,))
def pay(row: Row, me: int, amount: float) -> None:
    """In a reward: pay an amount; several add up."""
    part = row[me + Seat.ACTIVE]
    if row[part + Part.KIND] == PartKind.REWARD:
        row.view(float64)[row[part + Part.WINDOW]] += amount


@inlined
def forbid(row: Row, me: int, option: int) -> None:
    """In an action's mask: forbid an option; they are numbered through all choices of the part."""
    part = row[me + Seat.ACTIVE]
    if 0 <= option < row[part + Part.OPTION_COUNT]:
        row.view(int8)[row[part + Part.OPTION] + option] = 0


# --- draws ------------------------------------------------------------------------------------------------------------
@kernel
def uniform(row: Row, me: int) -> float:
    """Draw a real in [0, 1) from the seat's own stream."""
    return rng.uniform(row, me + Seat.STREAM)


@kernel
def below(row: Row, me: int, n: int) -> int:
    """Draw an integer in [0, n) from the seat's own stream; 0 where n is below 1."""
    return rng.below(row, me + Seat.STREAM, max(n, 1))


@kernel
def exponential(row: Row, me: int) -> float:
    """Draw an exponential variate of mean 1 from the seat's own stream."""
    return rng.exponential(row, me + Seat.STREAM)


@kernel
def normal(row: Row, me: int) -> float:
    """Draw a standard normal variate from the seat's own stream."""
    return rng.normal(row, me + Seat.STREAM)
