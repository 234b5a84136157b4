"""Does leaning against inventory pay? One maker's seat, two ways to quote, the same sessions for both.

Random streams belong to identities, so both quoters meet the same crowd, and the difference within a session is due to
the quotes alone. Run it with `python examples/inventory_skew.py`.

The textbook says that it pays. Here it costs, and the market tells why: this crowd has no opinion of what the price
should be, so a maker who always quotes the same holds the mid where it is, and what is held there carries no risk. One
who leans lets the mid walk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sekai
from sekai.scenarios.statistics import mean_interval
from sekai.scenarios.tables import interval

SESSIONS = 20
SIZE_LOTS = 3
LOTS_PER_TICK = 6  # so much inventory moves the quote that would add to it one tick away

Quotes = tuple[int, int, int, int]  # distance of bid and ask, in ticks from the one nearest to the mark; their lots


def steady(position_lots: int) -> Quotes:
    """Quote as near to the mark as there is a tick, on both sides, whatever is held."""
    return 0, 0, SIZE_LOTS, SIZE_LOTS


def leaning(position_lots: int) -> Quotes:
    """Quote further away on the side that would add to what is held."""
    bid = max(position_lots, 0) // LOTS_PER_TICK
    ask = max(-position_lots, 0) // LOTS_PER_TICK
    return min(bid, 10), min(ask, 10), SIZE_LOTS, SIZE_LOTS


def play(env: Any, quote: Callable[[int], Quotes], session: int) -> tuple[float, float]:
    """Return the P&L of a session, and its mean absolute inventory in lots."""
    result = env.reset(seed=session)
    held: list[int] = []
    while True:
        position_lots = int(result.observation["account"][0])
        held.append(abs(position_lots))
        result = env.step(quote(position_lots))
        if result.done:
            return float(result.observation["account"][1]), sum(held) / len(held)


def main() -> None:
    """Play both on the same sessions and print means with 95% intervals."""
    env = sekai.make("scenarios/maker-duel", agent="maker_0")
    results = {quote.__name__: [play(env, quote, s) for s in range(SESSIONS)] for quote in (steady, leaning)}
    for name, sessions in results.items():
        pnl, inventory = (mean_interval(values) for values in zip(*sessions, strict=True))
        print(f"{name:<8} P&L {interval(pnl, signed=True):>16}   mean |inventory| {interval(inventory):>14} lots")
    paired = zip(results["leaning"], results["steady"], strict=True)
    gain = mean_interval([leant[0] - stood[0] for leant, stood in paired])
    print(f"leaning earned {interval(gain, signed=True)} more a session than standing still, on the same {SESSIONS}")


if __name__ == "__main__":
    main()
