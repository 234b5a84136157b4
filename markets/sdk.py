"""What a compiled policy is written with: the decorator, the verbs that its kernel may call, and what holds the kernel.

A kernel is `(row, me) -> int`: it looks, sends, draws and remembers through these verbs only, and returns the time in
ns at which it wants to be woken next, or `BY_CLOCK`. It never touches the row itself.

>>> @agent
... def lifts_the_offer(row, me):
...     if best_ask(row, me) >= 0:
...         market(row, me, BUY, 1)
...     return BY_CLOCK
"""

from __future__ import annotations

from sekai.markets.config import CompiledPolicy
from sekai.markets.engine.jit import kernel as agent
from sekai.markets.engine.terms import BUY, SELL, Phase
from sekai.markets.engine.verbs import (
    BY_CLOCK,
    below,
    best_ask,
    best_bid,
    cancel,
    cancel_all,
    exponential,
    limit,
    mark,
    market,
    normal,
    now,
    own_price,
    own_size,
    parameter,
    phase,
    phase_left,
    position,
    quote,
    recall,
    recall_real,
    remember,
    remember_real,
    take,
    time_left,
    uniform,
)

__all__ = [
    "AUCTION",
    "BUY",
    "BY_CLOCK",
    "CONTINUOUS",
    "HALT",
    "SELL",
    "CompiledPolicy",
    "agent",
    "below",
    "best_ask",
    "best_bid",
    "cancel",
    "cancel_all",
    "exponential",
    "limit",
    "mark",
    "market",
    "normal",
    "now",
    "own_price",
    "own_size",
    "parameter",
    "phase",
    "phase_left",
    "position",
    "quote",
    "recall",
    "recall_real",
    "remember",
    "remember_real",
    "take",
    "time_left",
    "uniform",
]

(CONTINUOUS, AUCTION, HALT) = (Phase.CONTINUOUS, Phase.AUCTION, Phase.HALT)
