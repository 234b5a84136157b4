"""What an accepted order may do now: walk, or be laid down as it is."""

from __future__ import annotations

from numpy import uint64 as U

from .book import side_of
from .jit import kernel
from .layout import (
    BASE,
    CONTINUOUS,
    FLIP,
    HALT,
    HALT_HIGH,
    IS_AON,
    LEAVING,
    M_FLAGS,
    M_OP,
    M_PRICE,
    M_REACH,
    M_SIDE,
    M_STAGE,
    NO_LIMIT,
    OP_FOK,
    OP_MARKET,
    PHASE,
    PROBE_FILL,
    PROBE_OUTSIDE,
    SIDE_FLIP,
    TICKS,
    WALKING,
    Row,
)
from .phases import change_phase
from .probe import lots_left, probe

__all__ = ["carry_out", "set_reach"]


@kernel
def set_reach(row: Row, book: int) -> None:
    """Write down how far the order in hand reaches: the worst key of the other side that it may trade at."""
    other, reach = side_of(book, row[U(M_SIDE)]) ^ SIDE_FLIP, row[U(book + TICKS)] - 1
    if row[U(M_OP)] != OP_MARKET:  # an order may be priced beyond the ladder if it never rests
        price = row[U(M_PRICE)]
        reach = min(reach, price if row[U(other + FLIP)] == 0 else reach - price)
    row[U(M_REACH)] = reach


@kernel
def carry_out(row: Row, book: int) -> None:
    """Send the order in hand on its walk, if there is continuous trading and it would do there what it must.

    One that must fill whole and cannot is laid down as it is. One that would trade outside a halting band halts the
    market first, and is laid down too. Writes one event at most.
    """
    row[U(M_STAGE)] = LEAVING
    if row[U(book + PHASE)] != CONTINUOUS:
        return
    set_reach(row, book)
    is_whole, is_halting = row[U(M_OP)] == OP_FOK or row[U(M_FLAGS)] & IS_AON, row[U(book + HALT_HIGH)] != NO_LIMIT
    if is_whole or is_halting:
        probe(row)
        if is_whole and row[U(PROBE_FILL)] < lots_left(row):
            return
        if row[U(PROBE_OUTSIDE)]:
            change_phase(row, book, HALT, -row[U(book + BASE)])
            return
    row[U(M_STAGE)] = WALKING
