"""The rules of a venue in its row, and the gate: what a message must look out for before it may take the plain road."""

from __future__ import annotations

from .jit import inlined
from .layout import Book, Row
from .terms import MAX_PRICE, NO_LIMIT, Gate, Phase, SelfTrade

__all__ = ["DEFAULTS", "lay_rules", "regate"]

# what each rule is on a plain venue
DEFAULTS = {
    Book.TICK: 1,
    Book.LOT: 1,
    Book.BAND_LOW: 1,
    Book.BAND_HIGH: MAX_PRICE,
    Book.SELF_TRADE: SelfTrade.ALLOW,
    Book.PRO_RATA: 0,
    Book.TOP_ORDER: 0,
    Book.MIN_FILL: 1,
    Book.HALT_LOW: 0,
    Book.HALT_HIGH: NO_LIMIT,
    Book.MOST_POSITION: NO_LIMIT,
    Book.MOST_ORDERS: NO_LIMIT,
    Book.MOST_RATE: NO_LIMIT,
    Book.RATE_WINDOW: 1,
    Book.MAKER_FEE: 0,
    Book.TAKER_FEE: 0,
    Book.MAKER_FEE_PER_LOT: 0,
    Book.TAKER_FEE_PER_LOT: 0,
}
_CHECKS = (Book.TICK, Book.LOT, Book.BAND_LOW, Book.BAND_HIGH)
_LIMITS = (Book.MOST_POSITION, Book.MOST_ORDERS, Book.MOST_RATE)
_HARMLESS = (Book.TOP_ORDER, Book.MIN_FILL, Book.RATE_WINDOW)  # they do nothing by themselves


def lay_rules(row: Row, book: int, rules: dict[int, int]) -> None:
    """Give a book rules, by their words in the layout; those that are not named are a plain venue's.

    Raises ValueError where the row was not laid out for them.
    """
    words = DEFAULTS | rules
    for word, value in words.items():
        row[book + word] = value
    changed = {word for word, value in words.items() if value != DEFAULTS[word]}
    for_trades = changed.difference(_CHECKS, _LIMITS, _HARMLESS)
    if (for_trades or changed.intersection(_LIMITS)) and row[book + Book.EXTRAS] == 0:
        raise ValueError("a row for a venue with such rules must be made with special=True")
    row[book + Book.RULES] = Gate.CHECKED * bool(changed.intersection(_CHECKS))
    row[book + Book.RULES] |= Gate.SPECIAL_TRADES * bool(for_trades) | Gate.SPECIAL_ARRIVALS * bool(
        changed.intersection(_LIMITS)
    )
    regate(row, book)


@inlined
def regate(row: Row, book: int) -> None:
    """Set the gate by the book's rules, its phase, and what is in it.

    Orders that are not plain matter to whoever trades; hidden ones, and a phase in which nothing trades, to everybody.
    """
    gate = row[book + Book.RULES]
    if row[book + Book.PHASE] != Phase.CONTINUOUS or row[book + Book.HIDDENS] != 0:
        gate |= Gate.SPECIAL_ALL
    if row[book + Book.SPECIALS] != 0:
        gate |= Gate.SPECIAL_TRADES
    else:
        row[book + Book.RESERVED] = 0
    row[book + Book.GATE] = gate
