"""Episode records that were not played: a random walk quoted by two made-up makers, for tests that need no market."""

from __future__ import annotations

import numpy as np

from sekai.scenarios.record import TRADE, EpisodeRecord

SEATS = ("maker_0", "maker_1", "taker")
TICK_SIZE = 0.01
WINDOW_TICKS = 60


def synthetic_record(seed: int = 0, samples: int = 600, session_s: float = 600.0, depth: bool = True) -> EpisodeRecord:
    """Return a record whose mid is a random walk, with a book around it, positions, and trades at the best prices."""
    rng = np.random.default_rng(seed)
    mid = 10_000 + np.cumsum(rng.integers(-2, 3, samples))
    half = rng.integers(1, 4, samples)
    bid, ask = mid - half, mid + half
    window = np.arange(mid.min() - WINDOW_TICKS // 2, mid.max() + WINDOW_TICKS // 2)
    distance = window[None, :] - mid[:, None]
    size = rng.poisson(8.0 * np.exp(-np.abs(distance) / 25.0)).astype(np.int32)
    lots = np.where(window <= bid[:, None], size, np.where(window >= ask[:, None], -size, 0)).astype(np.int32)
    n_trades = 2_000
    trades = np.zeros(n_trades, TRADE)
    at = np.sort(rng.integers(0, samples, n_trades))
    trades["time_ns"] = (at * session_s / samples * 1e9).astype(np.int64)
    trades["side"] = rng.integers(0, 2, n_trades)
    trades["price_ticks"] = np.where(trades["side"] == 0, ask[at], bid[at])
    trades["size"] = rng.integers(1, 6, n_trades)
    trades["maker"] = rng.choice([0, 1, -1], n_trades, p=[0.2, 0.1, 0.7])
    trades["taker"] = rng.choice([2, -1], n_trades, p=[0.05, 0.95])
    position = np.cumsum(rng.integers(-3, 4, (samples, len(SEATS))), axis=0)
    drift = np.linspace(0.0, 1.0, samples)[:, None] * np.array([4.0, 2.0, -5.0])
    wealth = drift + np.cumsum(rng.normal(0, 0.12, (samples, len(SEATS))), axis=0)
    wealth[0] = 0.0
    fills = np.array([np.sum((trades["maker"] == seat) | (trades["taker"] == seat)) for seat in range(len(SEATS))])
    return EpisodeRecord(
        seed=seed,
        content_hash="synthetic",
        episode=0,
        seats=SEATS,
        time_s=np.linspace(0.0, session_s, samples),
        bid_ticks=bid,
        ask_ticks=ask,
        bid_lots=rng.integers(1, 30, samples),
        ask_lots=rng.integers(1, 30, samples),
        is_trading=np.ones(samples, np.bool_),
        mark=mid * TICK_SIZE,
        depth_lots=lots if depth else None,
        window_ticks=window if depth else None,
        position_lots=position,
        wealth=wealth,
        trades=trades,
        fills=fills,
        volume_lots=fills * 3,
        spread_earned=np.array([3.0, 1.5, -2.0]),
        messages=np.array([4_000, 3_000, 200]),
        total_messages=25_000,
        total_trades=n_trades,
        rejects=3,
        tick_size=TICK_SIZE,
    )
