"""How a kernel of a seat runs: as a part of the seat, or as its policy, with parameters and memory of its own.

A seat's kernels share the verbs. What is one kernel's own (parameters, words to remember, its window of numbers, the
client order slots that it names) lies in its `Part` record, and the seat's ACTIVE says whose turn it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .feed import snapshot
from .jit import call, inlined, kernel
from .layout import Part, Row, Seat

__all__ = ["forget_news", "has_gone_beyond", "look_from", "run", "run_all", "run_python", "tell_news"]


@inlined
def look_from(row: Row, seat: int) -> None:
    """Fix which snapshot of the market a seat with a lag sees until it looks again. Modifies `row` in place."""
    row[seat + Seat.SNAPSHOT] = snapshot(row, seat) if row[seat + Seat.LAG] else 0


@inlined
def run(row: Row, kernels: Row, seat: int, part: int) -> int:
    """Run the kernel of a part, and return what it returns. Modifies `row` in place."""
    row[seat + Seat.ACTIVE] = part
    return call(kernels[row[part + Part.KERNEL]], row, seat)


@kernel
def run_all(row: Row, kernels: Row, seat: int, first: int, count: int) -> None:
    """Run the kernels of `count` parts that lie one behind the other. Modifies `row` in place."""
    for k in range(count):
        run(row, kernels, seat, first + k * Part.WORDS)


@inlined
def forget_news(row: Row, seat: int) -> None:
    """Let a seat forget the fills and rejects of which it was told; later ones are news. Modifies `row` in place."""
    row[seat + Seat.FILLS_KNOWN] = row[seat + Seat.FILLS_TOLD]
    row[seat + Seat.REJECTS_KNOWN] = row[seat + Seat.REJECTS_TOLD]


@inlined
def tell_news(row: Row, seat: int) -> None:
    """Count the fills and rejects so far as told; they stay news until it looks again. Modifies `row` in place."""
    row[seat + Seat.FILLS_TOLD] = row[seat + Seat.FILLS_LOGGED]
    row[seat + Seat.REJECTS_TOLD] = row[seat + Seat.REJECTS_LOGGED]


def run_python(row: Row, seat: int, part: int, function: Callable[[Any, int], int], *, is_true: bool = False) -> int:
    """Run a part's function in plain Python, over the same verbs; `is_true`: on the market as it is, without the lag.

    Modifies `row` in place.
    """
    if is_true or not row[seat + Seat.LAG]:
        row[seat + Seat.SNAPSHOT] = 0
    else:
        row[seat + Seat.SNAPSHOT] = snapshot(row, seat)
    row[seat + Seat.ACTIVE] = part
    return int(function(row, seat))


def has_gone_beyond(row: Row, part: int) -> bool:
    """Return whether a part has shown a number that it has not."""
    return bool(row[part + Part.BEYOND])
