"""How a session begins: a fresh copy of the market, its streams seeded, the flow alone until the open."""

from __future__ import annotations

from .jit import kernel
from .layout import Market, Row
from .simulate import advance, start
from .terms import FOREVER

__all__ = ["open_row", "warm_up"]


@kernel
def open_row(row: Row, template: Row, seed: int, episode: int) -> None:
    """Make `row` a copy of `template`, a market that has not begun, and begin session (seed, episode)."""
    for k in range(template.size):
        row[k] = template[k]
    start(row, seed, episode)


@kernel
def warm_up(row: Row, kernels: Row) -> int:
    """Let the flow run alone until just before the open; answers as `advance` does. Modifies `row` in place."""
    return advance(row, kernels, row[Market.OPEN] - 1, FOREVER)
