"""Playing a scenario and writing down what happened: what statistics and reports are made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sekai.core.agents import seated
from sekai.core.seeding import policy_seed
from sekai.error import SekaiError
from sekai.markets.engine import terms
from sekai.markets.engine.jit import cache_is_warm
from sekai.markets.view import EDGE, FILLS, MESSAGES, POSITION_LOTS, VOLUME_LOTS, MarketView
from sekai.scenarios.budget import SAMPLES
from sekai.scenarios.seating import Others, seat, seat_policies

if TYPE_CHECKING:
    from sekai.markets.envs import MarketEnv
    from sekai.scenarios.schema import Scenario

__all__ = ["TRADE", "EpisodeRecord", "compiled_cache_is_warm", "play", "sessions"]

TRADE = np.dtype(
    [
        ("time_ns", np.int64),
        ("price_ticks", np.int64),
        ("size", np.int64),
        ("side", np.int8),
        ("maker", np.int32),
        ("taker", np.int32),
    ]
)
_MARGIN_TICKS = 24  # of the depth picture, beyond the best prices' extremes


@dataclass(frozen=True, slots=True)
class EpisodeRecord:
    """One session (`seed`, `episode`) of the scenario with this `content_hash`: T samples of S seats, trades, totals.

    `time_s` (T,) seconds since the open; `bid_ticks`, `ask_ticks` (T,) best prices, -1 where a side is empty, and
    `bid_lots`, `ask_lots` what waits there; `is_trading` (T,) False in calls and halts; `mark` (T,) the common mark in
    currency; `position_lots` and `wealth` (T, S), the latter in currency since the open. `depth_lots` (T, W), of the
    first episode only, is the size at prices `window_ticks` (W,), bids positive and asks negative. `trades` has fields
    time_ns (since the open), price_ticks, size, side (the taker's: 0 bought, 1 sold), maker and taker (a seat's number,
    -1 for everybody else); in a call the maker is who bought. `fills`, `volume_lots`, `spread_earned` (currency,
    against the mark before each trade) and `messages` are (S,). `recorded` says what has become of a recorded day
    (`MarketEnv.recorded`); it is empty without one.
    """

    seed: int
    episode: int
    content_hash: str
    seats: tuple[str, ...]
    time_s: NDArray[np.float64]
    bid_ticks: NDArray[np.int64]
    ask_ticks: NDArray[np.int64]
    bid_lots: NDArray[np.int64]
    ask_lots: NDArray[np.int64]
    is_trading: NDArray[np.bool_]
    mark: NDArray[np.float64]
    depth_lots: NDArray[np.int32] | None
    window_ticks: NDArray[np.int64] | None
    position_lots: NDArray[np.int64]
    wealth: NDArray[np.float64]
    trades: NDArray[np.void]
    fills: NDArray[np.int64]
    volume_lots: NDArray[np.int64]
    spread_earned: NDArray[np.float64]
    messages: NDArray[np.int64]
    total_messages: int
    total_trades: int
    rejects: int
    tick_size: float
    recorded: Mapping[str, int] = field(default_factory=dict)


def compiled_cache_is_warm() -> bool:
    """Return whether this engine's machine code is on this machine already."""
    return cache_is_warm()


def play(
    scenario: Scenario, *, episodes: int, seed: int, others: Others | None = None, samples: int = SAMPLES
) -> list[EpisodeRecord]:
    """Return the records of `sessions`, all of them played."""
    return list(sessions(scenario, episodes=episodes, seed=seed, others=others, samples=samples))


def sessions(
    scenario: Scenario, *, episodes: int, seed: int, others: Others | None = None, samples: int = SAMPLES
) -> Iterator[EpisodeRecord]:
    """Play sessions (seed, 0), (seed, 1), ... with every seat taken, and yield the record of each.

    `others` says who plays a seat instead of the scenario's own policy.
    """
    for name, value in (("episodes", episodes), ("samples", samples)):
        if value < 1:
            raise SekaiError(f"{name} must be >= 1, got {value}")
    chosen = seat_policies(scenario, others)
    env = seat(scenario, chosen, record="trades")
    outside = seated(env, env.possible_agents, {name: chosen[name] for name in env.possible_agents}) or {}
    for episode in range(episodes):
        yield _play_one(env, scenario, outside, seed, episode, samples)
    env.close()


def _play_one(
    env: MarketEnv, scenario: Scenario, outside: Mapping[str, Any], seed: int, episode: int, samples: int
) -> EpisodeRecord:
    seats = tuple(s.name for s in scenario.seats)
    sampler = _Sampler(env, len(seats), with_depth=episode == 0)
    env.watch(scenario.session_s / samples, sampler)
    for name, policy in outside.items():
        if hasattr(policy, "reset"):
            policy.reset(policy_seed(seed, name, episode))
    act = {name: getattr(policy, "act", policy) for name, policy in outside.items()}
    result: Any = env.reset(seed=seed, options={"episode": episode})
    while env.acting:
        seen = result.observations
        result = env.step({agent: act[agent](seen[agent]) for agent in env.acting})
    sampler(env.look)
    return sampler.record(env, scenario.content_hash, seats, seed, episode)


class _Sampler:
    """Looks at a market when it is called, and remembers."""

    def __init__(self, env: MarketEnv, seats: int, *, with_depth: bool) -> None:
        self._env, self._seats, self._with_depth = env, seats, with_depth
        self._rows: list[tuple[float, ...]] = []
        self._is_trading: list[bool] = []
        self._positions: list[NDArray[np.int64]] = []
        self._wealth: list[NDArray[np.int64]] = []
        self._trades: list[NDArray[np.void]] = []
        self._depth: list[tuple[NDArray[np.intp], NDArray[np.int32]]] = []

    def __call__(self, view: MarketView) -> None:
        top = view.top_of_book()
        self._rows.append((view.time_s, top.bid_ticks, top.ask_ticks, top.bid_lots, top.ask_lots, top.mark_ticks))
        self._is_trading.append(view.trading_phase == terms.Phase.CONTINUOUS)
        self._positions.append(view.accounts()[: self._seats, POSITION_LOTS])
        self._wealth.append(view.wealth()[: self._seats])
        self._trades.append(_trades(self._env, self._seats))
        if self._with_depth:
            lots = view.ladder_lots()
            held = np.flatnonzero(lots)  # of a wide ladder, nearly all is empty
            self._depth.append((held, lots[held]))

    def record(
        self, env: MarketEnv, content_hash: str, seats: tuple[str, ...], seed: int, episode: int
    ) -> EpisodeRecord:
        """Return all that was seen."""
        time_s, bid, ask, bid_lots, ask_lots, mark = np.array(self._rows).T
        units, base = env.market.venue.units, env.market.venue.base_ticks
        accounts = env.look.accounts()[: len(seats)]
        totals = env.totals()
        depth, window = _window(self._depth, bid, ask, base, env.market.venue.ladder_ticks)
        return EpisodeRecord(
            seed=seed,
            episode=episode,
            content_hash=content_hash,
            seats=seats,
            time_s=time_s,
            bid_ticks=bid.astype(np.int64),
            ask_ticks=ask.astype(np.int64),
            bid_lots=bid_lots.astype(np.int64),
            ask_lots=ask_lots.astype(np.int64),
            is_trading=np.array(self._is_trading),
            mark=mark * units.tick_size,
            depth_lots=depth,
            window_ticks=window,
            position_lots=np.array(self._positions),
            wealth=np.asarray(np.array(self._wealth) * units.money_unit, np.float64),
            trades=np.concatenate(self._trades),
            fills=accounts[:, FILLS],
            volume_lots=accounts[:, VOLUME_LOTS],
            spread_earned=np.asarray(accounts[:, EDGE] * units.money_unit, np.float64),
            messages=accounts[:, MESSAGES],
            total_messages=totals["messages"],
            total_trades=totals["trades"],
            rejects=totals["rejects"],
            tick_size=units.tick_size,
            recorded=env.recorded(),
        )


def _window(
    depth: list[tuple[NDArray[np.intp], NDArray[np.int32]]],
    bid: NDArray[np.float64],
    ask: NDArray[np.float64],
    base: int,
    ladder_ticks: int,
) -> tuple[NDArray[np.int32] | None, NDArray[np.int64] | None]:
    """Cut the ladder's pictures, each as places and lots, to where the market was."""
    if not depth:
        return None, None
    best = np.concatenate([bid[bid >= 0], ask[ask >= 0]])
    if best.size == 0:
        best = np.array([base, base + ladder_ticks - 1])
    low = max(0, int(best.min()) - base - _MARGIN_TICKS)
    high = min(ladder_ticks, int(best.max()) - base + _MARGIN_TICKS + 1)
    window = np.zeros((len(depth), high - low), np.int32)
    for seen, (places, lots) in zip(window, depth, strict=True):
        inside = (places >= low) & (places < high)
        seen[places[inside] - low] = lots[inside]
    return window, np.arange(base + low, base + high)


def _trades(env: MarketEnv, seats: int) -> NDArray[np.void]:
    events = env.events()
    events = events[(events["kind"] == terms.Kind.TRADED) & (events["time_ns"] >= env.look.open_ns)]
    trades = np.zeros(len(events), TRADE)
    trades["time_ns"] = events["time_ns"] - env.look.open_ns
    for name in ("price_ticks", "size", "side"):
        trades[name] = events[name]
    for name, owner in (("maker", events["owner"]), ("taker", events["other_owner"])):
        trades[name] = np.where(owner < seats, owner, -1)
    return trades
