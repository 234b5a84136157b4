"""The market as an environment: steps from Python, and events without anybody outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import sekai
from benchmarks.registry import Side, Trial, benchmark
from sekai.markets.config import Market, ZeroIntelligence
from sekai.markets.engine import layout as at
from sekai.markets.engine import terms
from sekai.markets.engine.simulate import advance, start
from sekai.markets.population import populate

__all__ = ["background_flow", "maker_taker_step", "market_making_step"]

STEPS = 5_000


@benchmark(
    workload="markets/MarketMaking-v0 as sekai.make gives it, quotes of one lot, ten background messages a step",
    unit="k/s",
    counts="steps per CPU-second",
    target=60.0,
)
def market_making_step() -> Trial:
    """Step one market maker's view; a policy plays the taker inside the engine."""

    def prepare() -> Callable[[], None]:
        env = sekai.make("markets/MarketMaking-v0", session_s=1e6)
        env.reset(seed=0)
        action = np.array([1, 1, 1, 1])

        def run() -> None:
            for _ in range(STEPS):
                env.step(action)

        return run

    return Trial(Side("sekai", prepare, STEPS))


@benchmark(
    workload="markets/MakerTaker-v0, two makers and a taker played from outside, about 57 background messages a step",
    unit="k/s",
    counts="agent steps per CPU-second",
)
def maker_taker_step() -> Trial:
    """Step the world itself, with dictionaries of three agents."""
    rounds = 2_000

    def prepare() -> Callable[[], None]:
        env = sekai.make("markets/MakerTaker-v0", session_s=1e6)
        env.reset(seed=0)
        quotes, buys, sells = np.array([1, 1, 1, 1]), np.array([1, 0]), np.array([2, 0])
        actions: list[dict[str, Any]] = [{"maker_0": quotes, "maker_1": quotes, "taker_0": t} for t in (buys, sells)]

        def run() -> None:
            for k in range(rounds):
                env.step(actions[k & 1])

        return run

    return Trial(Side("sekai", prepare, 3 * rounds))


@benchmark(
    workload="one market of zero-intelligence flow, about 55 live orders: draws, matching, accounts, tape",
    unit="M/s",
    counts="messages per CPU-second",
)
def background_flow() -> Trial:
    """Run the flow alone, in one kernel call."""
    population = populate(Market(seats=(), flow=ZeroIntelligence(pace=60.0), session_s=1e6))
    until = 20_000 * 1_000_000_000
    counted = population.row.copy()
    start(counted, 0, 0)
    advance(counted, population.addresses, until, terms.FOREVER)

    def prepare() -> Callable[[], None]:
        row = population.row.copy()
        start(row, 0, 0)

        def run() -> None:
            assert advance(row, population.addresses, until, terms.FOREVER) == terms.Answer.DONE

        return run

    return Trial(Side("engine", prepare, int(counted[at.Market.MESSAGES])))
