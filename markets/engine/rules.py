"""The rules of a venue in its row, and the gate: what a message must look out for before it may take the plain road."""

from __future__ import annotations

from numpy import uint64 as U

from .jit import inlined
from .layout import (
    BAND_HIGH,
    BAND_LOW,
    CHECKED,
    CONTINUOUS,
    EXTRAS,
    GATE,
    HALT_HIGH,
    HALT_LOW,
    HIDDENS,
    LOT,
    MAKER_FEE,
    MAKER_FEE_PER_LOT,
    MAX_PRICE,
    MIN_FILL,
    MOST_ORDERS,
    MOST_POSITION,
    MOST_RATE,
    NO_LIMIT,
    PHASE,
    PRO_RATA,
    RATE_WINDOW,
    RESERVED,
    RULES,
    SPECIAL_ALL,
    SPECIAL_ARRIVALS,
    SPECIAL_TRADES,
    SPECIALS,
    STP,
    STP_NONE,
    TAKER_FEE,
    TAKER_FEE_PER_LOT,
    TICK,
    TOP_ORDER,
    Row,
)

__all__ = ["DEFAULTS", "lay_rules", "regate"]

# what each rule is on a plain venue
DEFAULTS = {
    TICK: 1,
    LOT: 1,
    BAND_LOW: 1,
    BAND_HIGH: MAX_PRICE,
    STP: STP_NONE,
    PRO_RATA: 0,
    TOP_ORDER: 0,
    MIN_FILL: 1,
    HALT_LOW: 0,
    HALT_HIGH: NO_LIMIT,
    MOST_POSITION: NO_LIMIT,
    MOST_ORDERS: NO_LIMIT,
    MOST_RATE: NO_LIMIT,
    RATE_WINDOW: 1,
    MAKER_FEE: 0,
    TAKER_FEE: 0,
    MAKER_FEE_PER_LOT: 0,
    TAKER_FEE_PER_LOT: 0,
}
_CHECKS = (TICK, LOT, BAND_LOW, BAND_HIGH)
_LIMITS = (MOST_POSITION, MOST_ORDERS, MOST_RATE)
_HARMLESS = (TOP_ORDER, MIN_FILL, RATE_WINDOW)  # they do nothing by themselves


def lay_rules(row: Row, book: int, rules: dict[int, int]) -> None:
    """Give a book rules, by their words in the layout; those that are not named are a plain venue's.

    Raises ValueError where the row was not laid out for them.
    """
    words = DEFAULTS | rules
    for word, value in words.items():
        row[book + word] = value
    changed = {word for word, value in words.items() if value != DEFAULTS[word]}
    for_trades = changed.difference(_CHECKS, _LIMITS, _HARMLESS)
    if (for_trades or changed.intersection(_LIMITS)) and row[book + EXTRAS] == 0:
        raise ValueError("a row for a venue with such rules must be made with special=True")
    row[book + RULES] = CHECKED * bool(changed.intersection(_CHECKS))
    row[book + RULES] |= SPECIAL_TRADES * bool(for_trades) | SPECIAL_ARRIVALS * bool(changed.intersection(_LIMITS))
    regate(row, book)


@inlined
def regate(row: Row, book: int) -> None:
    """Set the gate by the book's rules, its phase, and what is in it.

    Orders that are not plain matter to whoever trades; hidden ones, and a phase in which nothing trades, to everybody.
    """
    gate = row[U(book + RULES)]
    if row[U(book + PHASE)] != CONTINUOUS or row[U(book + HIDDENS)] != 0:
        gate |= SPECIAL_ALL
    if row[U(book + SPECIALS)] != 0:
        gate |= SPECIAL_TRADES
    else:
        row[U(book + RESERVED)] = 0
    row[U(book + GATE)] = gate
