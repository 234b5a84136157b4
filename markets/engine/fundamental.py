"""What the asset is worth: an exogenous value that reverts to a mean and may jump, on a time grid of its own.

It is drawn from a stream of its own, the same number of words at each step of the grid, whoever looks and whenever: so
nobody's trading, and nobody's presence, changes it.
"""

from __future__ import annotations

from numpy import float64

from . import rng
from .jit import kernel
from .layout import Book, Fundamental, Market, Row

__all__ = ["fundamental_value", "start_fundamental"]


@kernel
def start_fundamental(row: Row, book: int, stream_state: int) -> None:
    """Begin the value's path at its mean, at time 0. Modifies `row` in place."""
    value, reals = row[book + Book.FUNDAMENTAL], row.view(float64)
    row[value + Fundamental.STREAM], row[value + Fundamental.TIME] = stream_state, 0
    reals[value + Fundamental.VALUE] = reals[value + Fundamental.MEAN]


@kernel
def fundamental_value(row: Row, book: int) -> float:
    """Return the value now, in ladder ticks. Modifies `row`: the path is drawn up to now."""
    value, reals = row[book + Book.FUNDAMENTAL], row.view(float64)
    while row[value + Fundamental.TIME] + row[value + Fundamental.STEP] <= row[Market.NOW]:
        row[value + Fundamental.TIME] += row[value + Fundamental.STEP]
        away = reals[value + Fundamental.VALUE] - reals[value + Fundamental.MEAN]
        away = away * reals[value + Fundamental.KEPT] + reals[value + Fundamental.SHOCK] * rng.normal(
            row, value + Fundamental.STREAM
        )
        chance = rng.uniform(row, value + Fundamental.STREAM)
        jump = rng.exponential(row, value + Fundamental.STREAM) * reals[value + Fundamental.JUMP]
        half = 0.5 * reals[value + Fundamental.JUMP_CHANCE]
        if chance < half:
            away += jump
        elif chance < 2.0 * half:
            away -= jump
        reals[value + Fundamental.VALUE] = reals[value + Fundamental.MEAN] + away
    return float(reals[value + Fundamental.VALUE])
