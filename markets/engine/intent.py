"""What an accepted order may do now: walk, or be laid down as it is."""

from __future__ import annotations

from .book import side_of
from .jit import kernel
from .layout import Book, Message, Probe, Row, Side
from .phases import change_phase
from .probe import lots_left, probe
from .terms import NO_LIMIT, Flag, Op, Phase, Stage

__all__ = ["carry_out", "set_reach"]


@kernel
def set_reach(row: Row, book: int) -> None:
    """Write down how far the order in hand reaches: the worst key of the other side that it may trade at."""
    other, reach = side_of(book, row[Message.SIDE]) ^ Side.SWAP, row[book + Book.TICKS] - 1
    if row[Message.OP] != Op.MARKET:  # an order may be priced beyond the ladder if it never rests
        price = row[Message.PRICE]
        reach = min(reach, price if row[other + Side.FLIP] == 0 else reach - price)
    row[Message.REACH] = reach


@kernel
def carry_out(row: Row, book: int) -> None:
    """Send the order in hand on its walk, if there is continuous trading and it would do there what it must.

    One that must fill whole and cannot is laid down as it is. One that would trade outside a halting band halts the
    market first, and is laid down too. Writes one event at most.
    """
    row[Message.STAGE] = Stage.LEAVING
    if row[book + Book.PHASE] != Phase.CONTINUOUS:
        return
    set_reach(row, book)
    is_whole, is_halting = (
        row[Message.OP] == Op.FOK or row[Message.FLAGS] & Flag.AON,
        row[book + Book.HALT_HIGH] != NO_LIMIT,
    )
    if is_whole or is_halting:
        probe(row)
        if is_whole and row[Probe.FILL] < lots_left(row):
            return
        if row[Probe.OUTSIDE]:
            change_phase(row, book, Phase.HALT, -row[book + Book.BASE])
            return
    row[Message.STAGE] = Stage.WALKING
