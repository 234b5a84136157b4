"""A recorded day as background: undisturbed it is the day, disturbed it differs by what others took, to the lot."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sekai.markets.book.messages import EventKind
from sekai.markets.config import Market, Periodic, Replay, Seat, Venue
from sekai.markets.data.files import load, save
from sekai.markets.data.recording import RecordedOp, windowed
from sekai.markets.data.tape import BadTape, Tape
from sekai.markets.engine import layout as at
from sekai.markets.engine.check import check
from sekai.markets.envs import MarketEnv
from sekai.markets.parts import Maker, Taker
from sekai.markets.rules import VenueRules
from sekai.markets.schedule import Schedule
from sekai.utils import InvalidValue
from tests.markets.data.days import GOOG, a_day, needs_goog_day
from tests.shipped import ROOT

HOLD = np.array([0, 0])
VENUE = Venue(opening_price=10.0, ladder_ticks=256, order_capacity=256)


def levels(env: MarketEnv, side: int) -> list[tuple[int, int]]:
    lots, base = env.look.ladder_lots(), env.market.venue.base_ticks
    ticks = np.flatnonzero(lots > 0)[::-1] if side == 0 else np.flatnonzero(lots < 0)
    return [(int(k) + base, abs(int(lots[k]))) for k in ticks]


def shown(tape: Tape, row: int, side: int) -> list[tuple[int, int]]:
    assert tape.book is not None
    return [(price, size) for price, size in tape.book[row, side].tolist() if size]


def a_market(tmp_path: Path, seed: int, **changes: Any) -> tuple[Tape, Market]:
    tape = a_day(seed, rows=500, levels=4)
    save(tape, tmp_path / "day.npz")
    seconds = float(tape.messages["time_ns"][-1] - tape.messages["time_ns"][0]) / 1e9
    seats = (Seat(name="taker", role=Taker(max_size_lots=60), clock=Periodic(every_s=seconds / 400)),)
    values: dict[str, Any] = {"seats": seats, "session_s": seconds + 0.001, "venue": VENUE}
    return tape, Market(**values | {"flow": Replay(file=str(tmp_path / "day.npz"))} | changes)


def messages_of(tape: Tape) -> Any:
    """Return what a market plays of a tape: from the last row of its first nanosecond on."""
    times = tape.messages["time_ns"]
    return windowed(tape, first=int(np.searchsorted(times, times[0], "right")) - 1).messages


@pytest.mark.parametrize("seed", range(4))
def test_undisturbed_it_is_the_day(tmp_path: Path, seed: int) -> None:
    tape, market = a_market(tmp_path, seed)
    env = MarketEnv(market)
    env.reset(seed=0)
    times = tape.messages["time_ns"] - tape.messages["time_ns"][0]
    seen = 0
    while env.acting:
        row = int(np.searchsorted(times, env.row[at.Market.NOW], "right")) - 1
        assert [levels(env, side) for side in (0, 1)] == [shown(tape, row, side) for side in (0, 1)]
        seen += 1
        env.step({"taker": HOLD})
    counted = env.recorded()
    assert seen >= 400 and counted["played"] == len(messages_of(tape))
    assert (counted["shrunk_lots"], counted["displaced_lots"], counted["missed"]) == (0, 0, 0)


def test_in_a_call_what_was_executed_is_taken_away_without_a_trade(tmp_path: Path) -> None:
    """So the book is still the day's, and its executions are counted as out of turn."""
    _, plain = a_market(tmp_path, 0)
    i32 = round(plain.session_s / 2, 3)
    tape, market = a_market(tmp_path, 0, venue=replace(VENUE, schedule=Schedule(opening_call_s=i32)))
    env = MarketEnv(market, record=True)
    env.reset(seed=0)
    times = tape.messages["time_ns"] - tape.messages["time_ns"][0]
    while env.acting:
        row = int(np.searchsorted(times, env.row[at.Market.NOW], "right")) - 1
        assert [levels(env, side) for side in (0, 1)] == [shown(tape, row, side) for side in (0, 1)]
        check(env.row)
        env.step({"taker": HOLD})
    recorded, events = messages_of(tape), env.events()
    in_call = (recorded["op"] == RecordedOp.EXECUTE) & (recorded["time_ns"] < tape.messages["time_ns"][0] + i32 * 1e9)
    counted = env.recorded()
    assert counted["out_of_turn_lots"] >= recorded["size"][in_call].sum() > 0 == counted["missed"]
    assert (events["time_ns"][events["kind"] == EventKind.TRADED] > i32 * 1e9).all()
    assert env.totals()["rejects"] == 0 < env.totals()["trades"]


@pytest.mark.parametrize("seed", range(6))
def test_disturbed_it_differs_by_what_others_took(tmp_path: Path, seed: int) -> None:
    """Takers and makers trade at random: every lot that the day is short of, one of them has traded with it."""
    tape, market = a_market(tmp_path, seed)
    clock = market.seats[0].clock
    maker = Seat(name="maker", role=Maker(max_distance_ticks=6, max_size_lots=40), clock=clock, latency_s=0.0001)
    _, market = a_market(tmp_path, seed, seats=(market.seats[0], maker))
    env, rng = MarketEnv(market, record=True), np.random.default_rng(seed)
    env.reset(seed=seed)
    while env.acting:
        actions: dict[str, Any] = {}
        if "taker" in env.acting:
            actions["taker"] = np.array([rng.choice([2, 0, 0, 0, 1]), rng.integers(0, 60)])
        if "maker" in env.acting:
            actions["maker"] = np.array([*rng.integers(0, 4, 2), *rng.integers(0, 41, 2)])
        env.step(actions)
        check(env.row)
    events, background = env.events(), env.accounts.index("background")
    trades = events[events["kind"] == EventKind.TRADED]
    ours = (trades["owner"] == background) != (trades["other_owner"] == background)
    with_others = int(trades["size"][ours].sum())
    counted = env.recorded()
    recorded = messages_of(tape)
    comes = np.isin(recorded["op"], (RecordedOp.ADD, RecordedOp.ADOPT))
    recorded_open = int(recorded["size"][comes].sum() - recorded["size"][~comes].sum())
    still_open = _open_of(env, background)
    assert with_others > 500 and counted["shrunk_lots"] > 0
    assert with_others == counted["shrunk_lots"] + counted["displaced_lots"] + recorded_open - still_open
    assert counted["played"] == len(recorded) and counted["missed"] > 0
    assert sum(env.wealth().values()) == 0


def _open_of(env: MarketEnv, account: int) -> int:
    row, i32 = env.row, env.row.view(np.int32)
    book = int(row[at.Market.BOOKS])
    slots = i32[int(row[book + at.Book.SLOTS]) :][: int(row[book + at.Book.LIVE])]
    return sum(int(i32[h + at.Order.QTY]) for h in slots.tolist() if i32[h + at.Order.OWNER] == account)


def test_an_agent_that_quotes_first_is_filled_first(tmp_path: Path) -> None:
    """A better bid takes the day's next sellers, and the order that they came for shrinks without a trade."""
    tape, market = a_market(tmp_path, 1)
    maker = Seat(name="maker", role=Maker(max_distance_ticks=6, max_size_lots=1000), clock=market.seats[0].clock)
    _, market = a_market(tmp_path, 1, seats=(maker,))
    env = MarketEnv(market)
    env.reset(seed=0)
    while env.acting:
        env.step({"maker": np.array([0, 0, 1000, 1000])})
    counted = env.recorded()
    recorded = messages_of(tape)
    executed = int(recorded["size"][recorded["op"] == RecordedOp.EXECUTE].sum())
    assert counted["displaced_lots"] > 0.5 * executed


def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    _, market = a_market(tmp_path, 2)
    env = MarketEnv(market)
    env.reset(seed=0)
    for _ in range(100):
        env.step({"taker": np.array([1, 2])})
    twins = (env.clone(), pickle.loads(pickle.dumps(env)))
    for each in (env, *twins):
        while each.acting:
            each.step({"taker": np.array([2, 1])})
    assert all(np.array_equal(env.row, twin.row) for twin in twins)


def test_it_starts_when_it_is_told_to(tmp_path: Path) -> None:
    tape, market = a_market(tmp_path, 3)
    at_row = 250
    start_s = float(tape.messages["time_ns"][at_row]) / 1e9
    env = MarketEnv(a_market(tmp_path, 3, flow=Replay(file=str(tmp_path / "day.npz"), start_s=start_s))[1])
    times = tape.messages["time_ns"]
    last = int(np.searchsorted(times, times[at_row], "right")) - 1
    assert [levels(env, side) for side in (0, 1)] == [shown(tape, last, side) for side in (0, 1)]


def test_what_cannot_be_played_is_refused(tmp_path: Path) -> None:
    _, market = a_market(tmp_path, 0)
    with pytest.raises(InvalidValue, match=r"the recording opens at .* set opening_price \(now 100.0\) near it"):
        MarketEnv(a_market(tmp_path, 0, venue=Venue(opening_price=100.0, ladder_ticks=256))[1])
    with pytest.raises(BadTape, match=r"flow.file must be a recorded day's file, got '.*none.npz': there is none at /"):
        MarketEnv(a_market(tmp_path, 0, flow=Replay(file=str(tmp_path / "none.npz")))[1])
    with pytest.raises(InvalidValue, match="start_s must be a time of day at which day.npz has messages"):
        MarketEnv(a_market(tmp_path, 0, flow=Replay(file=str(tmp_path / "day.npz"), start_s=80_000.0))[1])
    with pytest.raises(InvalidValue, match="lot_size must divide every size"):
        lots = Venue(opening_price=10.0, ladder_ticks=256, lot_size=100.0)
        MarketEnv(a_market(tmp_path, 0, venue=lots)[1])
    for rules, words in (
        ({"lot": 7}, "rules.lot must divide every size in day.npz, got 7"),
        ({"max_size": 3}, "rules.max_size must be >= every size in day.npz, .*, got 3"),
        ({"tick": 7, "band": (7, 1400)}, "rules.tick must divide every price in day.npz, got 7"),
        (
            {"band": (1000, 1000), "halt_band": True},
            r"rules.band must hold the best prices at which .*, got 1000 to 1000",
        ),
    ):
        with pytest.raises(InvalidValue, match=words):
            MarketEnv(a_market(tmp_path, 0, venue=replace(VENUE, rules=VenueRules(**rules)))[1])
    with pytest.raises(InvalidValue, match="file must have at least 1 entries"):
        Replay(file="")


@needs_goog_day
def test_half_an_hour_of_the_real_day() -> None:
    """Looked at every second, the market's whole book is the record's."""
    start_s = 12 * 3600.0
    venue = Venue(opening_price=570.0, ladder_ticks=8192, order_capacity=256)
    seats = (Seat(name="taker", role=Taker(), clock=Periodic(every_s=1.0)),)
    env = MarketEnv(Market(seats=seats, venue=venue, flow=Replay(file=str(GOOG), start_s=start_s), session_s=1800.0))
    tape = load(GOOG).in_ticks(0.01)
    env.reset(seed=0)
    while env.acting:
        now = int(start_s * 1e9) + int(env.row[at.Market.NOW])
        row = int(np.searchsorted(tape.messages["time_ns"], now, "right")) - 1
        assert [levels(env, side) for side in (0, 1)] == [shown(tape, row, side) for side in (0, 1)]
        env.step({"taker": HOLD})
    assert env.recorded()["played"] > 5_000 and env.recorded()["shrunk_lots"] == 0


PLAY = """
import hashlib, sys
import numpy as np
from sekai.agents import NoiseTrader
from sekai.markets.config import Market, Periodic, Replay, Seat, Venue
from sekai.markets.parts import Taker
from sekai.markets.envs import MarketEnv
seats = (
    Seat(name="taker", role=Taker(), clock=Periodic(every_s=0.05), market_data_lag_s=0.02),
    Seat(name="noise", policy=NoiseTrader(market_share=0.5), clock=Periodic(every_s=0.03), market_data_lag_s=0.07),
)
venue = Venue(opening_price=10.0, ladder_ticks=256, order_capacity=256, feed_capacity=256)
env = MarketEnv(Market(seats=seats, venue=venue, flow=Replay(file=sys.argv[1]), session_s=0.4))
seen = env.reset(seed=1).observations
digest = hashlib.sha256()
while env.acting:
    result = env.step({"taker": np.array([1, 1])})
    for part in result.observations["taker"].values():
        digest.update(part.tobytes())
digest.update(env.row.tobytes())
print(env.recorded()["shrunk_lots"] > 0, digest.hexdigest())
"""


def test_compiled_and_interpreted_it_is_the_same(tmp_path: Path) -> None:
    save(a_day(1, rows=200, levels=4), tmp_path / "day.npz")
    told = []
    for environment in ({}, {"NUMBA_DISABLE_JIT": "1"}):
        command = [sys.executable, "-c", PLAY, str(tmp_path / "day.npz")]
        done = subprocess.run(command, env=os.environ | environment, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        told.append(done.stdout)
    assert told[0] == told[1] and told[0].startswith("True ")
