"""Calls and halts on the market's clock: they begin and end when they should, and clear as a book by hand would."""

from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sekai.agents import AvellanedaStoikov, NoiseTrader
from sekai.markets.book.feeds import Feeds, opening
from sekai.markets.book.messages import LIMIT, MARKET, EventKind, Reason
from sekai.markets.config import EveryTrades, Flow, Market, Periodic, Poisson, Seat, Venue, ZeroIntelligence
from sekai.markets.data.tape import TapeKind
from sekai.markets.engine import layout as at
from sekai.markets.engine import terms
from sekai.markets.engine.check import check
from sekai.markets.envs import MarketEnv
from sekai.markets.parts import Maker, Taker
from sekai.markets.referee.reference import ReferenceBook
from sekai.markets.rules import VenueRules
from sekai.markets.schedule import Call, Schedule
from sekai.markets.sdk import (
    AUCTION,
    BUY,
    BY_CLOCK,
    CONTINUOUS,
    HALT,
    immediate,
    kernel,
    limit,
    mark,
    now,
    phase,
    phase_left,
    recall,
    remember,
)
from sekai.utils import InvalidValue
from tests.shipped import ROOT

S = 1_000_000_000
FLOW = ZeroIntelligence(pace=60.0)
NAMES = ("continuous", "auction", "halt")
CROWD = (
    Seat(name="maker", policy=AvellanedaStoikov(size_lots=3), clock=Periodic(every_s=0.2), latency_s=0.001),
    Seat(name="noise", policy=NoiseTrader(market_share=0.5), clock=Poisson(every_s=0.1)),
    Seat(name="trend", policy=NoiseTrader(market_share=0.9), clock=EveryTrades(trades=5)),
)
TAKER = Seat(name="taker", role=Taker(), clock=Periodic(every_s=0.5))
THREE_CALLS = Schedule(opening_call_s=3.0, intraday_calls=(Call(at_s=8.0, length_s=2.0),), closing_call_s=4.0)
BOTH = replace(THREE_CALLS, halt_s=0.7, reopening_call_s=0.3)
HALTING = VenueRules(halt_band=True, band=(9_990, 10_010))


def market(
    *seats: Seat,
    schedule: Schedule | None = None,
    rules: VenueRules | None = None,
    flow: Flow | None = FLOW,
    session_s: float = 20.0,
    warmup_s: float = 0.0,
) -> Market:
    venue = Venue(
        ladder_ticks=512, order_capacity=512, rules=rules or VenueRules(), schedule=schedule or Schedule(halt_s=2.0)
    )
    return Market(seats=(*seats, *CROWD), venue=venue, flow=flow, session_s=session_s, warmup_s=warmup_s)


def played(which: Market, action: tuple[int, int] = (1, 2), *, seed: int = 1) -> tuple[MarketEnv, NDArray[Any]]:
    """Return a market after a session in which a taker does the same each time, and its events."""
    env = MarketEnv(which, record=True)
    env.reset(seed=seed)
    finish(env, action)
    assert sum(env.wealth().values()) == 0
    return env, env.events()


def finish(env: MarketEnv, action: tuple[int, int] = (1, 2)) -> None:
    while env.acting:
        env.step({"taker": np.array(action)})
        check(env.row)


def phases(env: MarketEnv, events: NDArray[Any]) -> list[tuple[float, str]]:
    """Return when each phase began, in seconds since the open."""
    changes = events[events["kind"] == EventKind.PHASED]
    return [((e["time_ns"].item() - int(env.row[at.Market.OPEN])) / S, NAMES[e["size"]]) for e in changes]


def of(events: NDArray[Any], kind: EventKind) -> NDArray[Any]:
    found: NDArray[Any] = events[events["kind"] == kind]
    return found


def by_hand(which: Market, events: NDArray[Any]) -> list[tuple[int, int, int, int]]:
    """Send a book by hand all that a market was sent, and return its trades: order, other, price, lots.

    A message's first event says what it was: a new order, a cancel, a change of phase; an uncross trades first.
    """
    rules, reference = which.venue.rules, which.venue.units.ticks(which.venue.opening_price)
    book = ReferenceBook(rules=rules)
    for order in opening(MarketEnv(which).opening_row):
        book.limit(
            ("buy", "sell")[order["side"]], price=order["price_ticks"], size=order["size"], owner=99, id=order["order"]
        )
    for message in np.split(events, np.flatnonzero(np.diff(events["message"])) + 1):
        first, last = message[0], message[-1]
        side: Any = ("buy", "sell")[first["side"]]
        price, size, owner, number = (first[f].item() for f in ("price_ticks", "size", "owner", "order"))
        if first["kind"] == EventKind.ACCEPTED and first["other"] == LIMIT:
            book.limit(side, price=price, size=size, owner=owner, id=number)
        elif first["kind"] == EventKind.ACCEPTED and first["other"] == MARKET:
            book.market(side, size=size, owner=owner, id=number)
        elif first["kind"] == EventKind.REPLACED:
            book.modify(number, price=price, size=size)
        elif last["kind"] == EventKind.PHASED and last["size"] == 1:
            book.phase("auction")
        elif (message["kind"] == EventKind.PHASED).any():
            cleared = book.uncross(reference if book.last is None else None)
            on_show = [depth[0][0] for depth in map(book.depth, (0, 1)) if depth]
            assert cleared == (message[message["kind"] == EventKind.PHASED]["price_ticks"][0] or None)
            if cleared is None and len(on_show) == 2:
                cleared = sum(on_show) // 2
            if cleared and rules.halt_band:  # the band moves with the price of the call
                low, high = (price + cleared - reference for price in book.rules.band)
                book.rules, reference = replace(rules, band=(low, high)), cleared
        elif first["kind"] == EventKind.REDUCED:
            book.reduce(number, size)
        elif first["kind"] == EventKind.CANCELLED:
            book.cancel(number)
        else:
            assert first["kind"] == EventKind.REJECTED
        assert (book.trading_phase != "halt") or not (message["kind"] == EventKind.TRADED).any()
    return book.trades


def trades_of(events: NDArray[Any]) -> list[tuple[int, int, int, int]]:
    return [tuple(e) for e in of(events, EventKind.TRADED)[["order", "other", "price_ticks", "size"]].tolist()]


# --- calls ------------------------------------------------------------------------------------------------------------
def test_a_session_opens_and_closes_with_a_call_and_has_one_in_between() -> None:
    env, events = played(market(TAKER, schedule=THREE_CALLS, warmup_s=5.0))
    assert phases(env, events) == [
        (0.0, "auction"), (3.0, "continuous"), (8.0, "auction"), (10.0, "continuous"), (16.0, "auction"),
        (20.0, "continuous"),
    ]  # fmt: skip
    trades = of(events, EventKind.TRADED)
    since_open = (trades["time_ns"] - env.row[at.Market.OPEN]) / S
    for begin, end in ((0, 3), (8, 10), (16, 20)):
        assert not ((begin <= since_open) & (since_open < end)).any()
    for resumed in of(events, EventKind.PHASED)[1::2]:
        cleared = trades[trades["message"] == resumed["message"]]
        assert len(cleared) > 3 and set(cleared["price_ticks"].tolist()) == {resumed["price_ticks"]}
    assert len(trades) > 100 and since_open[-1] == 20.0 and since_open[0] < 0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rules", [VenueRules(), HALTING])
def test_a_market_with_phases_trades_as_a_book_by_hand(seed: int, rules: VenueRules) -> None:
    """The reference book is told the same orders and the same phases, and trades the same lots at the same prices."""
    schedule = replace(THREE_CALLS, halt_s=0.4, reopening_call_s=0.3)
    which = market(TAKER, schedule=schedule, rules=rules)
    _, events = played(which, (1, 9), seed=seed)
    assert by_hand(which, events) == trades_of(events)
    assert (of(events, EventKind.PHASED)["size"] == terms.Phase.HALT).sum() >= 5 * rules.halt_band


def test_an_opening_call_without_a_trade_before_it_goes_by_the_opening_price() -> None:
    """A buyer at 20 ticks above and a seller at 20 below: every price in between would do."""

    @kernel
    def crosses(row: Any, me: int) -> int:
        if phase(row, me) == AUCTION and now(row, me) == 0:
            limit(row, me, 0, BUY, (mark(row, me) - 1) // 2 + 20, 1)
            limit(row, me, 1, 1 - BUY, (mark(row, me) - 1) // 2 - 20, 1)
        return BY_CLOCK

    seat = Seat(name="crosses", policy=Policy(crosses))
    _, events = played(replace(market(TAKER, schedule=THREE_CALLS, flow=None), seats=(TAKER, seat)), (0, 0))
    assert of(events, EventKind.TRADED)["price_ticks"].tolist() == [10_000]


def test_what_comes_at_the_instant_of_an_uncross_comes_after_it() -> None:
    """The taker decides every half second: at 3 s it finds the market open, and its order trades at once."""
    env = MarketEnv(market(TAKER, schedule=THREE_CALLS), record=True)
    result: Any = env.reset(seed=0)
    seen = {}
    while env.acting:
        seen[env.look.time_s] = env.trading_phase, tuple(result.observations["taker"]["phase"].tolist())
        result = env.step({"taker": np.array([1, 0])})
    assert seen[0.0] == ("auction", (1.0, 0.0, 3.0)) and seen[2.5] == ("auction", (1.0, 0.0, 0.5))
    assert seen[3.0] == seen[7.5] == seen[10.0] == ("continuous", (0.0, 0.0, 0.0))
    assert seen[16.0] == ("auction", (1.0, 0.0, 4.0)) and result.observations["taker"]["phase"].sum() == 0
    events = env.events()
    mine = of(events, EventKind.TRADED)
    assert ((mine["time_ns"] == 3 * S) & (mine["other_owner"] == 0) & (mine["side"] == 0)).any()


class Policy:
    """A policy of one kernel."""

    def __init__(self, kernel: Any) -> None:
        self.kernel, self.parameters = kernel, ()


def test_an_immediate_order_is_refused_in_a_call_and_counted() -> None:
    @kernel
    def takes(row: Any, me: int) -> int:
        if phase(row, me) != CONTINUOUS:
            immediate(row, me, BUY, (mark(row, me) + 1) // 2, 1)
        return BY_CLOCK

    seat = Seat(name="takes", policy=Policy(takes), clock=Periodic(every_s=1.0))
    env, events = played(replace(market(TAKER, schedule=THREE_CALLS), seats=(TAKER, seat)), (0, 0))
    refused = of(events, EventKind.REJECTED)
    assert [Reason(r) for r in refused["reason"]] == [Reason.NOT_IN_CALL] * 9 and set(refused["owner"]) == {1}
    assert env.totals()["rejects"] == 9 == env.look.accounts()[1, at.Account.REJECTED]
    assert (refused["time_ns"] // S).tolist() == [0, 1, 2, 8, 9, 16, 17, 18, 19]


def test_the_flow_goes_on_in_a_call_and_finds_a_full_book() -> None:
    """Orders collect: a book with too little room refuses what does not fit, and the flow outlives it."""
    long = market(schedule=Schedule(opening_call_s=60.0), session_s=80.0)
    env = MarketEnv(replace(long, seats=()), record=True)
    env.reset(seed=0)
    events = env.events()
    waiting = of(events, EventKind.ACCEPTED)
    assert (waiting["other"] == MARKET).sum() > 50 and (waiting["other"] == LIMIT).sum() > 500
    cancelled = of(events, EventKind.CANCELLED)
    waited = set(waiting[waiting["other"] == MARKET]["order"].tolist())
    assert sum(order in waited for order in cancelled["order"].tolist()) > 10  # who waits may lose patience
    assert len(of(events, EventKind.REJECTED)) == 0 and (of(events, EventKind.TRADED)["time_ns"] > 61 * S).sum() > 10
    assert (of(events, EventKind.TRADED)["time_ns"] == 60 * S).any()
    live = int(env.row[int(env.row[at.Market.BOOKS]) + at.Book.LIVE])
    narrow = replace(long, seats=(), venue=replace(long.venue, order_capacity=live + 4))
    env = MarketEnv(narrow, record=True)
    env.reset(seed=0)
    events = env.events()
    refused = of(events, EventKind.REJECTED)
    assert set(refused["reason"]) == {Reason.BOOK_FULL} and env.totals()["rejects"] == len(refused) > 10
    assert (of(events, EventKind.TRADED)["time_ns"] > 61 * S).sum() > 10


# --- halts ------------------------------------------------------------------------------------------------------------
def test_a_market_that_halts_reopens_and_trades_again() -> None:
    which = market(TAKER, schedule=Schedule(halt_s=1.5, reopening_call_s=0.25), rules=HALTING)
    env, events = played(which, (1, 9))
    changes = phases(env, events)
    halts = [when for when, name in changes if name == "halt"]
    assert len(halts) > 3
    for k, when in enumerate(halts):
        after = [(round(then - when, 6), name) for then, name in changes[3 * k + 1 : 3 * k + 3]]
        assert after == [(1.5, "auction"), (1.75, "continuous")][: len(after)]
    times = of(events, EventKind.TRADED)["time_ns"]
    resumed = of(events, EventKind.PHASED)[2]["time_ns"]
    assert (times < halts[0] * S).sum() > 10 < (times > resumed).sum()


def test_the_band_moves_with_the_price_of_each_call() -> None:
    """No trade outside a call is further than ten ticks from the price of the last one, however far the market went."""
    _, events = played(market(TAKER, schedule=Schedule(halt_s=0.5), rules=HALTING), (1, 9))
    reference, prices, furthest = 10_000, [], 0
    for message in np.split(events, np.flatnonzero(np.diff(events["message"])) + 1):
        changes = message[(message["kind"] == EventKind.PHASED) & (message["size"] == terms.Phase.CONTINUOUS)]
        traded = message[message["kind"] == EventKind.TRADED]["price_ticks"]
        if len(changes):
            assert changes["price_ticks"][0]
            reference = int(changes["price_ticks"][0])
            prices.append(reference)
        elif len(traded):
            furthest = max(furthest, int(abs(traded - reference).max()))
    assert prices[-1] > 10_030 and furthest == 10


def test_the_band_moves_to_the_mid_where_a_call_clears_nothing() -> None:
    @kernel
    def quotes(row: Any, me: int) -> int:
        if phase(row, me) == AUCTION and now(row, me) == 0:
            limit(row, me, 0, BUY, (mark(row, me) - 1) // 2 + 16, 1)
            limit(row, me, 1, 1 - BUY, (mark(row, me) - 1) // 2 + 26, 1)
        return BY_CLOCK

    which = market(TAKER, schedule=THREE_CALLS, flow=None, rules=HALTING)
    env, events = played(replace(which, seats=(TAKER, Seat(name="quotes", policy=Policy(quotes)))), (0, 0))
    book = int(env.row[at.Market.BOOKS])
    asks = of(events, EventKind.ACCEPTED)["price_ticks"]
    mid = int(asks.sum()) // 2
    assert not len(of(events, EventKind.TRADED)) and mid > 10_010
    assert env.row[book + at.Book.REFERENCE] == mid
    assert env.row[book + at.Book.HALT_HIGH] - env.row[book + at.Book.HALT_LOW] == 20


def test_nothing_said_a_halt_is_a_pause_of_five_minutes_that_ends_in_an_auction() -> None:
    env, events = played(market(TAKER, schedule=Schedule(), rules=HALTING, session_s=400.0), (1, 9))
    (first, halted), (second, resumed), *_ = phases(env, events)
    assert (halted, resumed) == ("halt", "continuous") and second == pytest.approx(first + 300.0)


def test_a_scheduled_call_ends_when_it_is_due_though_a_halt_would_have_ended_then() -> None:
    """The call after the halt, which it took over from, does not happen, whichever end the heap has first."""
    schedule = Schedule(halt_s=5.0, reopening_call_s=1.0)
    env, events = played(market(TAKER, schedule=schedule, rules=HALTING), (1, 9))
    halted = phases(env, events)[0][0]
    schedule = replace(schedule, intraday_calls=(Call(at_s=halted + 2.0, length_s=3.0),))
    env, events = played(market(TAKER, schedule=schedule, rules=HALTING), (1, 9))
    assert phases(env, events)[:3] == [(halted, "halt"), (halted + 2.0, "auction"), (halted + 5.0, "continuous")]


def test_a_scheduled_call_takes_over_from_a_halt() -> None:
    """The closing call comes into the halt; what the halt would have done at its end does not happen."""
    schedule = Schedule(halt_s=8.0, closing_call_s=15.0)
    env, events = played(market(TAKER, schedule=schedule, rules=HALTING), (1, 9))
    (first, _), *rest = phases(env, events)
    assert first < 5.0 and rest == [(5.0, "auction"), (20.0, "continuous")]


def test_agents_see_the_phase_as_late_as_the_rest() -> None:
    @kernel
    def watches(row: Any, me: int) -> int:
        if phase(row, me) == HALT and recall(row, me, 0) == 0:
            remember(row, me, 0, phase_left(row, me))
        if phase(row, me) == AUCTION and recall(row, me, 1) == 0:
            remember(row, me, 1, phase_left(row, me))
        return BY_CLOCK

    def memory(lag_s: float) -> list[int]:
        seat = Seat(name="watches", policy=Policy(watches), clock=Periodic(every_s=0.25), market_data_lag_s=lag_s)
        schedule = Schedule(halt_s=3.0, reopening_call_s=1.0)
        which = market(TAKER, schedule=schedule, rules=HALTING, session_s=20.0)
        env, _ = played(replace(which, seats=(TAKER, *CROWD, seat)), (1, 9))
        number = len(CROWD) + 1
        part = env.row[env.row[at.Market.SEATS] + number * at.Seat.WORDS + at.Seat.POLICY]
        first = int(env.row[part + at.Part.MEMORY])
        return env.row[first : first + 2].tolist()  # type: ignore[no-any-return]

    halt, call = memory(0.0)
    assert 2.75 * S <= halt < 3 * S and 0.75 * S <= call <= S and memory(0.25) == memory(1.0) == [halt, call]


def test_what_a_maker_with_a_lag_observes_is_the_phase_of_then() -> None:
    def seen(lag_s: float) -> dict[float, list[float]]:
        maker = Seat(name="late", role=Maker(), clock=Periodic(every_s=0.5), market_data_lag_s=lag_s)
        env = MarketEnv(replace(market(schedule=THREE_CALLS), seats=(maker, *CROWD)))
        result: Any = env.reset(seed=0)
        out = {}
        while env.acting:
            out[round(env.look.time_s - lag_s, 6)] = result.observations["late"]["phase"].tolist()
            result = env.step({"late": np.array([1, 1, 0, 0])})
        return out

    undelayed, late = seen(0.0), seen(1.0)
    common = [time for time in undelayed if time in late]
    assert len(common) == 38 and all(undelayed[time] == late[time] for time in common)


def test_the_feeds_tell_of_halts_and_know_the_book_after_them() -> None:
    env, events = played(market(TAKER, schedule=BOTH, rules=HALTING), (1, 9))
    feeds = Feeds(levels=3, opening=opening(env.opening_row))
    feeds.publish(events)
    told, changes = feeds.l3(terms.FOREVER), of(events, EventKind.PHASED)
    assert (told["kind"] == TapeKind.HALT).sum() == len(changes) > 10
    lots, base = env.look.ladder_lots(), env.market.venue.base_ticks
    bids, asks = np.flatnonzero(lots > 0)[::-1][:3], np.flatnonzero(lots < 0)[:3]
    shown = [[level for level in side if level[1]] for side in feeds.l2(terms.FOREVER).tolist()]
    assert shown == [[[base + k, abs(lots[k])] for k in side] for side in (bids, asks)]


# --- what must not matter ---------------------------------------------------------------------------------------------
def test_it_is_copied_in_the_middle_of_a_halt_and_goes_on() -> None:
    env = MarketEnv(market(TAKER, schedule=BOTH, rules=HALTING))
    env.reset(seed=0)
    while env.trading_phase != "halt":
        env.step({"taker": np.array([1, 9])})
    twins = (env.clone(), pickle.loads(pickle.dumps(env)))
    for each in (env, *twins):
        finish(each, (1, 9))
    assert env.totals()["trades"] > 50 and all(np.array_equal(env.row, twin.row) for twin in twins)


def test_a_small_ring_of_events_changes_nothing() -> None:
    """An uncross of many trades is stopped in its middle, and goes on once the events are read."""
    tapes = []
    for capacity in (1024, 16):
        env = MarketEnv(market(TAKER, schedule=BOTH, rules=HALTING), record=True)
        env._session.population.row[at.Market.EVENT_CAPACITY] = capacity
        env.reset(seed=0)
        finish(env, (1, 9))
        tapes.append(env.events())
    events = tapes[0]
    _, counts = np.unique(of(events, EventKind.TRADED)["message"], return_counts=True)
    assert counts.max() > 16 and np.array_equal(tapes[0], tapes[1])


def test_recorded_or_not_it_is_the_same_session() -> None:
    envs = [MarketEnv(market(TAKER, schedule=BOTH, rules=HALTING), record=record) for record in (False, True)]
    for env in envs:
        env.reset(seed=3)
        finish(env)
    assert envs[0].wealth() == envs[1].wealth() and envs[0].totals() == envs[1].totals()


def test_messages_leave_room_for_phases() -> None:
    """Three calls: six changes, three ends that they may overtake, one halt."""
    which = market(TAKER, schedule=BOTH, rules=HALTING)
    row = MarketEnv(which).opening_row
    assert which.pending_phases == 10 and row[at.Market.QUEUED] == 6
    assert row[at.Market.QUEUE_KEPT] == len(which.seats) + 1 + 10 < row[at.Market.QUEUE_CAPACITY]


SCRIPT = "from tests.markets.envs.test_phases import digest\nprint(digest())"


def digest() -> str:
    """Return a hash of all that happens in a market with calls and halts."""
    env = MarketEnv(market(TAKER, schedule=BOTH, rules=HALTING, session_s=20.0), record=True)
    env.reset(seed=7)
    while env.acting:
        env.step({"taker": np.array([1, 9])})
    return hashlib.sha256(repr(env.events().tolist()).encode()).hexdigest()


def test_jit_on_and_off() -> None:
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == digest()


def test_a_plain_market_knows_nothing_of_it() -> None:
    env = MarketEnv(market(TAKER))
    assert not env.market.venue.has_phases and env.market.pending_phases == 0
    assert "phase" not in env.reset(seed=0).observations["taker"] and env.trading_phase == "continuous"
    assert env.opening_row[at.Market.QUEUED] == 0 and env.row[int(env.row[at.Market.BOOKS]) + at.Book.GATE] == 0


# --- bad data ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("schedule", "fault"),
    [
        (
            {"opening_call_s": 3.0, "intraday_calls": (Call(at_s=2.0, length_s=1.0),)},
            r"venue\.schedule\.intraday_calls\[0\] must begin at 3 s or later, where opening_call_s ends, got 2 s",
        ),
        (
            {"intraday_calls": (Call(at_s=5.0, length_s=2.0), Call(at_s=4.0, length_s=1.5))},
            r"venue\.schedule\.intraday_calls\[0\] must begin at 5\.5 s or later, where intraday_calls\[1\] ends",
        ),
        ({"opening_call_s": 21.0}, r"venue\.schedule\.opening_call_s must end within the session of 20 s, got 21 s"),
        ({"closing_call_s": 21.0}, r"venue\.schedule\.closing_call_s must begin at the open or later, got -1 s"),
        (
            {"opening_call_s": 15.0, "closing_call_s": 6.0},
            r"venue\.schedule\.closing_call_s must begin at 15 s or later, where opening_call_s ends, got 14 s",
        ),
    ],
)
def test_calls_that_cannot_be(schedule: dict[str, Any], fault: str) -> None:
    with pytest.raises(InvalidValue, match=fault):
        market(TAKER, schedule=Schedule(**schedule))


def test_numbers_that_cannot_be() -> None:
    with pytest.raises(InvalidValue, match=r"halt_s must be >= 1e-06, got 0\.0"):
        Schedule(halt_s=0.0)
    with pytest.raises(InvalidValue, match=r"opening_call_s must be >= 0, got -1"):
        Schedule(opening_call_s=-1)
    with pytest.raises(InvalidValue, match=r"reopening_call_s must be 0 or >= 1e-06, got 1e-10"):
        Schedule(reopening_call_s=1e-10)
    with pytest.raises(InvalidValue, match=r"length_s must be >= 1e-06, got 0"):
        Call(at_s=1.0, length_s=0)
    with pytest.raises(InvalidValue, match=r"rules\.band must hold the opening price, 10000 ticks, got 1 to 9000"):
        Venue(rules=VenueRules(halt_band=True, band=(1, 9_000)))
