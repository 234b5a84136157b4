"""A process that uses the engine, and prints the CPU seconds that it took since numba was imported.

`python -m benchmarks._everything` uses all of it, with `--little` a plain book and one environment.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numba  # noqa: F401  # imported so that it is not on the clock

__all__ = ["main", "use_everything", "use_little"]


def use_little() -> None:
    """Send a book an order and then many; take a step of a market maker's environment."""
    import sekai
    from sekai.markets import OrderBook, messages

    book = OrderBook()
    book.limit("buy", price=99, size=1)
    assert len(book.apply(messages(op=[0, 2], order_id=[5, 6], side=[1, 0], price_ticks=[101, 102], size=1, owner=0)))
    env: Any = sekai.make("markets/MarketMaking-v0")
    env.reset(seed=1)
    env.step(env.action_space.sample())


def use_everything() -> None:
    """Compile every kernel that users meet: special orders, calls, growth, delayed feeds, recorded days, agents."""
    import numpy as np

    from sekai.agents import AvellanedaStoikov, Momentum, NoiseTrader
    from sekai.markets import OrderBook, messages, sdk
    from sekai.markets.config import CompiledPolicy, EveryTrades, Market, Poisson, Seat
    from sekai.markets.data.replay import replay
    from sekai.markets.data.tape import L3, Tape, TapeKind
    from sekai.markets.engine.check import books_of
    from sekai.markets.engine.jit import address_of
    from sekai.markets.engine.many import replay_each, rows_of
    from sekai.markets.engine.rows import new_row
    from sekai.markets.engine.special import special
    from sekai.markets.envs import MarketEnv
    from sekai.markets.parts import Maker, Taker
    from sekai.markets.rules import VenueRules

    use_little()
    day = messages(op=[0, 2], order_id=[0, 1], side=[1, 0], price_ticks=[101, 102], size=1, owner=0)
    book = OrderBook(rules=VenueRules(stp="decrement", allocation="pro_rata", taker_fee_bps=1.0))
    assert len(book.apply(day)) == 0
    book.limit("buy", price=99, size=5, display=1)
    book.stop("sell", stop=98, size=1)
    columns: dict[str, Any] = {"op": 0, "order_id": range(99), "side": 0, "price_ticks": range(1, 100), "size": 1}
    for extras in ({}, {"display": 1}):
        grows = OrderBook(ticks=64, orders=16)
        grows.apply(messages(**columns, **extras, owner=0))
        assert grows.order(98)
    policies: tuple[CompiledPolicy, ...] = (AvellanedaStoikov(), Momentum(), NoiseTrader())
    seats = [
        Seat(name=f"seat {k}", policy=policy, clock=EveryTrades() if k else Poisson(), market_data_lag_s=0.1 * k)
        for k, policy in enumerate(policies)
    ]
    outside = (Seat(name="maker", role=Maker(), latency_s=0.01), Seat(name="taker", role=Taker()))
    env = MarketEnv(Market(seats=(*seats, *outside), session_s=5.0))
    env.reset(seed=1)
    env.step({agent: env.action_spaces[agent].sample() for agent in env.acting})
    address_of(_with_every_other_verb(sdk))
    row = new_row(special=True)
    nothing, handles = np.zeros((1, 2, 6), np.int32), np.zeros((2, 1), np.int32)
    replay_each(rows_of(row, 2), nothing, handles, books_of(row)[0], address_of(special))
    rows = np.zeros(1, L3)
    rows["kind"], rows["price_ticks"], rows["size"], rows["side"] = TapeKind.ADD, 100, 1, 1
    assert replay(Tape(rows, np.array([[[[100, 1]], [[0, 0]]]]))).rows == 1


def _with_every_other_verb(sdk: Any) -> Any:
    """Return an agent with the verbs that no policy of ours uses."""

    def dabbles(row: Any, me: int) -> int:
        if sdk.phase(row, me) == sdk.HALT or sdk.exponential(row, me) < sdk.normal(row, me):
            sdk.cancel_all(row, me)
            return int(sdk.now(row, me) + sdk.phase_left(row, me))
        if sdk.own_size(row, me, 0) > 1:
            sdk.cancel(row, me, 0)
        sdk.limit(row, me, 1, sdk.SELL, sdk.own_price(row, me, 0), 1)
        sdk.take(row, me, sdk.BUY, 99, 1)
        return int(sdk.BY_CLOCK)

    return sdk.agent(dabbles)


def main() -> None:
    """Use what the command line asks for and print the seconds."""
    start = time.process_time()
    if "--little" in sys.argv[1:]:
        use_little()
    else:
        use_everything()
    print(time.process_time() - start)


if __name__ == "__main__":
    main()
