"""Words that hold several numbers: one way in and one way out of each, and there is room for all that may come.

Compiled, these take numbers. `plain` of one takes arrays too, and imports nothing that compiles.
"""

from __future__ import annotations

from typing import Final

from .jit import inlined
from .layout import Row, Seat
from .terms import MAX_BOOKS, MAX_OWNERS, MAX_SIZE, NO_SLOT, Change, Due, Kind, Op, Phase, Reason

__all__ = [
    "KEPT",
    "MOST_PENDING",
    "change_of",
    "count_pending",
    "due_of",
    "event_of",
    "lower",
    "message_of",
    "pack_change",
    "pack_event",
    "pack_message",
    "pack_phase",
    "pack_recorded",
    "pair",
    "pending",
    "phase_of",
    "recorded_of",
    "upper",
]

KEPT: Final = -(1 << 31)  # in a message on its way: KEEP
MOST_PENDING: Final = 255  # messages on their way about one order of a client

_LOWER, _SIGN = (1 << 32) - 1, 1 << 31
# bits of each number, beside those of `Due`, in what is pending
_DUE, _OP, _SIDE, _SLOT, _BOOK = 4, 8, 2, 10, 10
_SIDE_AT = _DUE + _OP
_SLOT_AT = _SIDE_AT + _SIDE
_BOOK_AT = _SLOT_AT + _SLOT
_SEAT_AT = _BOOK_AT + _BOOK
_KINDS, _REASONS, _PHASES = 8, 8, 2
assert max(Due) < 1 << _DUE and max(Change) < 1 << _DUE and max(Op) < 1 << _OP and NO_SLOT < 1 << _SLOT
assert MAX_BOOKS <= 1 << _BOOK and MAX_OWNERS <= 1 << 63 - _SEAT_AT
assert max(Kind) < 1 << _KINDS and max(Reason) < 1 << _REASONS and max(Phase) < 1 << _PHASES
assert MAX_OWNERS <= _SIGN and MAX_SIZE < _SIGN


# --- two numbers: an order's id (tag, handle), price and lots, the owners of a trade (taker, maker) -------------------
@inlined
def pair(upper: int, lower: int) -> int:
    """Return two signed numbers of 32 bits as one word."""
    return upper << 32 | (lower & _LOWER)


@inlined
def upper(word: int) -> int:
    """Return the first number of a pair."""
    return word >> 32


@inlined
def lower(word: int) -> int:
    """Return the second number of a pair."""
    return ((word & _LOWER) ^ _SIGN) - _SIGN


# --- what is pending --------------------------------------------------------------------------------------------------
@inlined
def due_of(what: int) -> int:
    """Return what a pending thing is (`Due`)."""
    return what & ((1 << _DUE) - 1)


@inlined
def pack_message(op: int, side_index: int, slot: int, book: int, seat: int) -> int:
    """Return a seat's message on its way: operation, side, client order slot, the numbers of its book and seat.

    A side of 2 is none.
    """
    return Due.ARRIVAL | op << _DUE | side_index << _SIDE_AT | slot << _SLOT_AT | book << _BOOK_AT | seat << _SEAT_AT


@inlined
def message_of(what: int) -> tuple[int, int, int, int, int]:
    """Return what `pack_message` was given."""
    op, side_index, slot = (
        what >> _DUE & ((1 << _OP) - 1),
        what >> _SIDE_AT & ((1 << _SIDE) - 1),
        what >> _SLOT_AT & ((1 << _SLOT) - 1),
    )
    return op, side_index, slot, what >> _BOOK_AT & ((1 << _BOOK) - 1), what >> _SEAT_AT


@inlined
def pack_change(how: int, book: int) -> int:
    """Return a change of phase to come: how (`Change`), and the number of the book."""
    return Due.PHASE_CHANGE | how << _DUE | book << 2 * _DUE


@inlined
def change_of(what: int) -> tuple[int, int]:
    """Return what `pack_change` was given."""
    return what >> _DUE & ((1 << _DUE) - 1), what >> 2 * _DUE


# --- what has happened ------------------------------------------------------------------------------------------------
@inlined
def pack_event(kind: int, reason: int, side_index: int, book: int) -> int:
    """Return what an event is: kind, reason, side, and the number of the book."""
    return kind | reason << _KINDS | side_index << _KINDS + _REASONS | book << _KINDS + _REASONS + 8


@inlined
def event_of(what: int) -> tuple[int, int, int, int]:
    """Return what `pack_event` was given."""
    kind, reason = what & ((1 << _KINDS) - 1), what >> _KINDS & ((1 << _REASONS) - 1)
    return kind, reason, what >> _KINDS + _REASONS & 1, what >> _KINDS + _REASONS + 8


@inlined
def pack_phase(phase: int, ends_ns: int) -> int:
    """Return a book's phase, and when it ends, as one word."""
    return ends_ns << _PHASES | phase


@inlined
def phase_of(word: int) -> tuple[int, int]:
    """Return what `pack_phase` was given."""
    return word & ((1 << _PHASES) - 1), word >> _PHASES


# --- a recorded message -----------------------------------------------------------------------------------------------
@inlined
def pack_recorded(op: int, side_index: int, order: int) -> int:
    """Return a recorded operation, its side, and its order's number as one word."""
    return op | side_index << 4 | order << 8


@inlined
def recorded_of(word: int) -> tuple[int, int, int]:
    """Return what `pack_recorded` was given."""
    return word & 15, word >> 4 & 1, word >> 8


# --- how many messages of a seat are on their way, a byte for each client order slot ----------------------------------
@inlined
def pending(row: Row, seat: int, slot: int) -> int:
    """Return how many messages about a slot are on their way; 0 of NO_SLOT."""
    return (
        int(row[row[seat + Seat.PENDING] + (slot >> 3)] >> ((slot & 7) << 3) & MOST_PENDING) if slot != NO_SLOT else 0
    )


@inlined
def count_pending(row: Row, seat: int, slot: int, more: int) -> None:
    """Count `more` messages about a slot, or fewer. Modifies `row` in place."""
    if slot != NO_SLOT:
        row[row[seat + Seat.PENDING] + (slot >> 3)] += more << ((slot & 7) << 3)
