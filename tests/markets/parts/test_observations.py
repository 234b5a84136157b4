"""What a seat sees: every built-in observation against a book made by hand, with and without a lag."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from sekai.markets.book.messages import Reason
from sekai.markets.config import EveryTrades, Market, Periodic, Poisson, Seat, Venue, ZeroIntelligence
from sekai.markets.config import Fundamental as Value
from sekai.markets.envs import MarketEnv
from sekai.markets.parts import (
    Account,
    Book,
    Cancel,
    Cash,
    Clock,
    Depth,
    Fills,
    Fundamental,
    Imbalance,
    LimitOrder,
    MarketOrder,
    Microprice,
    Orders,
    Phase,
    Rejects,
    SinceTrade,
    TradeFlow,
    Trades,
    Volatility,
)
from sekai.markets.rules import VenueRules
from sekai.markets.schedule import Call, Schedule
from sekai.utils import InvalidValue
from tests.markets.parts.stage import BOOK, BUY, SELL, Stage, asks, bids, buys, ice, parts, sells, takes

LIMIT = LimitOrder(kinds=("limit", "iceberg", "stop"), open_orders=3)
NO_ORDER = [0.0, 0.0, 0.0]


# --- the seat's own ---------------------------------------------------------------------------------------------------
def test_account_and_cash() -> None:
    """Two lots bought as a maker at 9998, one as a taker at 10002; money units are hundredths of a tick and lot."""
    rules = VenueRules(maker_fee_per_lot=-10, taker_fee_per_lot=30)
    stage = Stage(parts(Account(), Cash(), LIMIT, MarketOrder()), *BOOK, other=[sells(2.25, 9)], rules=rules)
    assert stage.seen("account") == [0, 0] == stage.seen("cash")
    stage.step()
    stage.step(limit_order=[1, 0, 2, 2])  # three lots at 9998, behind seven
    assert stage.seen("account") == [0, 0]
    stage.step(market_order=[1, 0])
    assert stage.position == 3 and stage.env.look.mark_ticks == 10_000
    assert stage.seen("account") == pytest.approx([3, 0.01 * (2 * 2 - 2 + 2 * 0.1 - 0.3)])
    assert stage.seen("cash") == pytest.approx([0.01 * (-2 * 9998 - 10_002 + 2 * 0.1 - 0.3), 0.01 * (0.3 - 0.2)])
    assert stage.seen("account")[1] == pytest.approx(stage.env.wealth()["me"] * stage.env.market.venue.units.money_unit)


def test_own_orders_and_their_queues() -> None:
    stage = Stage(parts(Orders(slots=3), LIMIT, Cancel(orders=3)), *BOOK, other=[sells(2.25, 6), sells(3.25, 3)])
    assert stage.seen("orders") == [NO_ORDER] * 3
    stage.step()
    stage.step(limit_order=[1, 0, 2, 2])  # a bid at 9998
    assert stage.seen("orders") == [[2, 3, 7], NO_ORDER, NO_ORDER]
    stage.step(limit_order=[2, 0, 3, 0])  # an ask at 10003
    assert stage.seen("orders") == [[2, 3, 1], [3, 1, 6], NO_ORDER]
    stage.step()
    assert stage.seen("orders") == [[2, 1, 0], [3, 1, 6], NO_ORDER]
    stage.step(cancel=1)
    assert stage.env.look.mark_ticks == 9999  # the best bid is 9996 now: everything is counted from there
    assert stage.seen("orders") == [NO_ORDER, [4, 1, 6], NO_ORDER]
    stage.step(limit_order=[1, 0, 3, 0])
    assert stage.seen("orders") == [[3, 1, 4], [4, 1, 6], NO_ORDER]


def test_an_iceberg_is_its_whole_and_a_stop_its_trigger_without_a_queue() -> None:
    stage = Stage(parts(Orders(slots=2), LIMIT, Book(levels=1)), *BOOK)
    stage.step()
    stage.step(limit_order=[1, 1, 1, 4])
    assert stage.seen("orders") == [[1.5, 5, 0], NO_ORDER] and stage.book()[9999] == 1
    assert stage.env.look.mark_ticks == 10_000.5
    stage.step(limit_order=[1, 2, 5, 1])  # a stop to buy at 10006, beyond all that is there
    assert stage.seen("orders") == [[1.5, 5, 0], [-5.5, 2, 0]]


def test_fills_since_the_last_decision_latest_first() -> None:
    stage = Stage(
        parts(Fills(fills=3), LIMIT, MarketOrder()), *BOOK, other=[sells(2.25, 8), sells(2.5, 1), sells(4.25, 1)]
    )
    stage.step()
    stage.step(limit_order=[1, 0, 2, 2])
    assert stage.seen("fills") == [[0] * 4] * 3
    stage.step(market_order=[1, 3])  # three lots at 10002, one at 10003; then two as maker at 9998
    mark = stage.env.look.mark_ticks
    assert mark == 10_000.5  # 9998 and 10003 are left
    last = [[1, 9998 - mark, 1, 1], [1, 9998 - mark, 1, 1], [1, 10_003 - mark, 1, 0]]
    assert stage.seen("fills") == last and stage.env.look.accounts()[0, 2] == 4
    stage.step()
    assert stage.seen("fills") == [[0] * 4] * 3, "what was shown is not news"
    stage.step()
    assert stage.seen("fills")[0] == [1, 9998 - stage.env.look.mark_ticks, 1, 1] and stage.seen("fills")[1] == [0] * 4


def test_rejects_since_the_last_decision_latest_first() -> None:
    stage = Stage(
        parts(Rejects(rejects=2), LIMIT, Cancel(orders=3), MarketOrder()), *BOOK, rules=VenueRules(position_limit=3)
    )
    stage.step()
    stage.step(cancel=2, market_order=[1, 4])
    limited, unknown = [Reason.POSITION_LIMIT, 0], [Reason.UNKNOWN_ORDER, 2]
    assert stage.rejected == [Reason.UNKNOWN_ORDER, Reason.POSITION_LIMIT]
    assert stage.seen("rejects") == [limited, unknown]
    stage.step(limit_order=[1, 0, 2, 9])
    assert stage.seen("rejects") == [[Reason.POSITION_LIMIT, 1], [0, 0]]
    stage.step()
    assert stage.seen("rejects") == [[0, 0], [0, 0]]


# --- the session ------------------------------------------------------------------------------------------------------
def test_the_clock_runs_from_one_to_nothing() -> None:
    stage = Stage(parts(Clock()), session_s=4.0)
    shown = [stage.seen("clock")[0]]
    while stage.env.acting:
        stage.step()
        shown.append(stage.seen("clock")[0])
    assert shown == [1.0, 0.75, 0.5, 0.25, 0.0]


def test_the_phase_and_how_long_it_lasts() -> None:
    schedule = Schedule(opening_call_s=2.5, intraday_calls=(Call(at_s=4.5, length_s=2.0),))
    stage = Stage(parts(Phase()), schedule=schedule)
    shown = [stage.seen("phase")]
    for _ in range(7):
        stage.step()
        shown.append(stage.seen("phase"))
    calm = [0.0, 0.0, 0.0]
    assert shown == [[1, 0, 2.5], [1, 0, 1.5], [1, 0, 0.5], calm, calm, [1, 0, 1.5], [1, 0, 0.5], calm]


def test_a_halt_is_seen() -> None:
    """A buyer reaches beyond the band of three ticks: the market halts for 1.25 s, then calls for half a second."""
    rules = VenueRules(halt_band=True, band=(9_997, 10_003))
    line = (*BOOK, asks(0.25, 5, 10_004, 5))
    stage = Stage(
        parts(Phase()),
        *line,
        other=[buys(1.25, 12)],
        rules=rules,
        schedule=Schedule(halt_s=1.25, reopening_call_s=0.75),
    )
    shown = [stage.seen("phase")]
    for _ in range(4):
        stage.step()
        shown.append(stage.seen("phase"))
    calm = [0.0, 0.0, 0.0]
    assert shown == [calm, calm, [0, 1, 0.5], [1, 0, 0.25], calm]


# --- the book ---------------------------------------------------------------------------------------------------------
def test_the_book_best_first_on_both_sides() -> None:
    stage = Stage(parts(Book(levels=3)), *BOOK)
    assert stage.seen("book") == [[[0.0, 0.0]] * 3] * 2
    stage.step()
    assert stage.seen("book") == [[[2, 7], [4, 4], [0, 0]], [[2, 3], [3, 6], [0, 0]]]
    assert stage.book() == {9996: 4, 9998: 7, 10_002: -3, 10_003: -6}


def test_the_book_shows_what_an_iceberg_shows() -> None:
    stage = Stage(
        parts(Book(levels=2), Depth(within_ticks=(0, 9)), Imbalance()),
        ice(0.25, 0, BUY, 9999, 7),
        asks(0.25, 1, 10_001, 4),
    )
    stage.step()
    assert stage.seen("book") == [[[1, 2], [0, 0]], [[1, 4], [0, 0]]]
    assert stage.seen("depth") == [[2, 2], [4, 4]]
    assert stage.seen("imbalance") == [pytest.approx(-2 / 6, abs=1e-5)]


def test_depth_counts_from_the_best_price_of_each_side() -> None:
    stage = Stage(parts(Depth(within_ticks=(0, 1, 2, 50))), *BOOK, bids(0.25, 5, 9950, 1), bids(0.25, 6, 9940, 1))
    assert stage.seen("depth") == [[0.0] * 4] * 2
    stage.step()
    assert stage.seen("depth") == [[7, 7, 11, 12], [3, 9, 9, 9]]


def test_imbalance_of_the_best_levels() -> None:
    role = parts(Imbalance(name="best"), Imbalance(name="two", levels=2), Imbalance(name="many", levels=256))
    stage = Stage(role, *BOOK, takes(1.25, 3), takes(1.25, 4))
    assert stage.seen("best") == stage.seen("many") == [0.0]
    stage.step()
    assert [stage.seen(name)[0] for name in ("best", "two", "many")] == [0.4, 0.1, 0.1]
    stage.step()
    assert [stage.seen(name)[0] for name in ("best", "two", "many")] == [1.0, 1.0, 1.0]


def test_the_microprice_leans_to_the_side_with_less() -> None:
    stage = Stage(parts(Microprice()), *BOOK, takes(1.25, 3), takes(1.25, 4))
    assert stage.seen("microprice") == [0.0]
    stage.step()
    assert stage.seen("microprice") == [pytest.approx((9998 * 3 + 10_002 * 7) / 10 - 10_000)]
    stage.step()
    assert stage.seen("microprice") == [0.0], "one side alone has none"


# --- trades -----------------------------------------------------------------------------------------------------------
TAKERS = (buys(1.25, 2), sells(1.5, 6), sells(2.75, 1))


def test_the_last_trades_latest_first() -> None:
    stage = Stage(parts(Trades(trades=4)), *BOOK, other=TAKERS)
    stage.step()
    assert stage.seen("trades") == [[0, 0, 0]] * 4
    stage.step()
    assert stage.env.look.mark_ticks == 10_000
    assert stage.seen("trades") == [[-2, -1, 0.5], [-2, -5, 0.5], [2, 2, 0.75], [0, 0, 0]]
    stage.step()
    assert stage.env.look.mark_ticks == 9999, "the bids at 9998 are gone"
    assert stage.seen("trades") == [[-1, -1, 0.25], [-1, -1, 1.5], [-1, -5, 1.5], [3, 2, 1.75]]
    view, open_ns = stage.env.look, stage.env.look.open_ns
    since = [[int(t - open_ns), int(p), int(q)] for t, p, q in view.trades(9)]
    assert since == [
        [2_750_000_000, 9998, -1],
        [1_500_000_000, 9998, -1],
        [1_500_000_000, 9998, -5],
        [1_250_000_000, 10_002, 2],
    ]


def test_trade_flow_is_the_signed_share_of_the_last_trades() -> None:
    role = parts(TradeFlow(name="last", trades=1), TradeFlow(name="two", trades=3), TradeFlow(name="all", trades=99))
    stage = Stage(role, *BOOK, other=TAKERS)
    stage.step()
    assert [stage.seen(name)[0] for name in ("last", "two", "all")] == [0, 0, 0]
    stage.step(2)
    assert [stage.seen(name)[0] for name in ("last", "two", "all")] == [-1, -1, round((2 - 7) / 9, 5)]


def test_time_since_the_last_trade() -> None:
    stage = Stage(parts(SinceTrade()), *BOOK, other=[buys(1.25, 1)])
    shown = [stage.seen("since_trade")[0]]
    for _ in range(4):
        stage.step()
        shown.append(stage.seen("since_trade")[0])
    assert shown == [0.0, 0.0, 0.75, 1.75, 2.75]


def test_volatility_forgets_half_in_its_half_life() -> None:
    """The plainest reference: squares of the moves of the mark a second, from decision to decision."""
    half_life = 2.0
    moves = (takes(2.25, 3), takes(3.25, 0), takes(3.25, 1), bids(6.25, 0, 10_001, 1))
    stage = Stage(parts(Volatility(half_life_s=half_life)), *BOOK, *moves, session_s=12.0)
    variance, last, kept = 0.0, stage.env.look.mark_ticks, 0.5 ** (1.0 / half_life)
    assert stage.seen("volatility") == [0.0]
    different = set()
    while stage.env.acting:
        stage.step()
        mark = stage.env.look.mark_ticks
        variance = kept * variance + (1.0 - kept) * (mark - last) ** 2
        different.add(mark - last)
        last = mark
        assert stage.seen("volatility")[0] == pytest.approx(math.sqrt(variance), abs=1e-4)
    assert len(different) >= 4 and stage.seen("volatility")[0] > 0.1


# --- the value --------------------------------------------------------------------------------------------------------
def test_a_value_that_never_moves_is_the_opening_mark() -> None:
    value = Value(volatility_ticks=0.0)
    stage = Stage(parts(Fundamental()), *BOOK, takes(1.25, 3), fundamental=value)
    assert stage.seen("fundamental") == [0.0]
    stage.step()
    assert stage.seen("fundamental") == [10_000.5 - 10_000]
    stage.step()
    assert stage.seen("fundamental") == [10_000.5 - 10_000.5]


def _values(stage: Stage, seconds: int) -> list[float]:
    found = []
    for _ in range(seconds):
        found.append(stage.seen("fundamental")[0] + stage.env.look.mark_ticks)
        stage.step()
    return found


def test_the_value_is_nobody_s_doing() -> None:
    """Whoever trades and however often it is looked at, it goes its way; another seed is another way."""
    value, role = Value(volatility_ticks=3.0, half_life_s=20.0, jumps_per_min=6.0, jump_ticks=5.0), parts(Fundamental())
    calm = _values(Stage(role, fundamental=value), 19)
    wild = _values(Stage(role, *BOOK, other=TAKERS, fundamental=value), 19)
    often = Seat(name="often", role=role, clock=Poisson(every_s=0.05))
    watched = Stage(role, fundamental=value, seats=[often])
    seen = []
    while "me" in watched.env.acting or watched.env.acting:
        if "me" in watched.env.acting:
            seen.append(watched.seen("fundamental")[0] + watched.env.look.mark_ticks)
        watched.result = watched.env.step(dict.fromkeys(watched.env.acting, 0))
    assert calm == wild == seen[:19] and len(set(calm)) == 19
    assert calm != _values(Stage(role, fundamental=value, seed=1), 19)


def test_the_value_reverts_as_fast_as_it_should() -> None:
    """Over 4,000 s: the spread of a reverting walk is s / sqrt(2 k), k = ln 2 / half-life; half is forgotten then."""
    half_life, sigma = 2.0, 3.0
    value = Value(volatility_ticks=sigma, half_life_s=half_life)
    market = Market(
        seats=(Seat(name="me", role=parts(Fundamental()), clock=Periodic(every_s=half_life)),),
        venue=Venue(ladder_ticks=256),
        flow=None,
        fundamental=value,
        session_s=8_000.0,
    )
    env = MarketEnv(market)
    result: Any = env.reset(seed=0)
    path = []
    while env.acting:
        path.append(result.observations["me"]["fundamental"][0])
        result = env.step({"me": 0})
    away = np.array(path)
    assert away.std() == pytest.approx(sigma / math.sqrt(2 * math.log(2) / half_life), rel=0.05)
    assert np.corrcoef(away[1:], away[:-1])[0, 1] == pytest.approx(0.5, abs=0.05)


def test_a_market_without_a_value_refuses_the_part() -> None:
    with pytest.raises(InvalidValue, match="fundamental must be given where a seat sees it, as 'me' does, got None"):
        Stage(parts(Fundamental()))


# --- late market data -------------------------------------------------------------------------------------------------
PUBLIC = (
    Book(levels=3),
    Depth(within_ticks=(0, 3, 40)),
    Imbalance(levels=4),
    Microprice(),
    Trades(trades=6),
    TradeFlow(),
    SinceTrade(),
    Phase(),
    Volatility(half_life_s=5.0),
)
CROWDED = ZeroIntelligence(pace=120.0, depth_ticks=60)


@pytest.mark.parametrize("lag_s", [0.5, 2.0])
def test_a_lag_shows_what_the_market_was(lag_s: float) -> None:
    """All that is public at t is what it would have been at t - lag, array for array."""
    schedule = Schedule(opening_call_s=3.0, intraday_calls=(Call(at_s=11.0, length_s=2.0),))
    venue = Venue(ladder_ticks=512, order_capacity=1024, feed_capacity=4096, schedule=schedule)
    role = parts(*PUBLIC)
    seats = tuple(
        Seat(name=name, role=role, clock=Periodic(every_s=0.5), market_data_lag_s=lag)
        for name, lag in (("now", 0.0), ("late", lag_s))
    )
    env = MarketEnv(Market(seats=seats, venue=venue, flow=CROWDED, session_s=30.0, warmup_s=5.0))
    seen: dict[str, dict[float, Any]] = {"now": {}, "late": {}}
    result: Any = env.reset(seed=0)
    while env.acting:
        for name, observation in result.observations.items():
            seen[name][env.look.time_s] = observation
        result = env.step(dict.fromkeys(env.acting, 0))
    compared, moved = 0, 0
    for time_s, late in seen["late"].items():
        then = seen["now"].get(time_s - lag_s)
        if then is None:
            continue
        compared += 1
        moved += not np.array_equal(late["book"], seen["now"][time_s]["book"])
        for part in PUBLIC:
            if part.name == "volatility":  # it has looked as often, but its first look was before the open
                continue
            assert np.array_equal(late[part.name], then[part.name]), (
                time_s,
                part.name,
                late[part.name],
                then[part.name],
            )
    assert compared >= 55 and moved > 0.8 * compared
    assert {tuple(o["phase"][:2].tolist()) for o in seen["late"].values()} == {(0, 0), (1, 0)}


def test_with_a_lag_what_is_one_s_own_is_known_at_once() -> None:
    """The book and the mark are those of 1.5 s ago; account, orders, fills and rejects are not."""
    seen = (Account(), Cash(), Orders(slots=2), Fills(fills=2), Rejects(rejects=2), Book(levels=2))
    stage = Stage(
        parts(*seen, LIMIT, MarketOrder(), Cancel(orders=2)), *BOOK, other=[sells(3.25, 8)], market_data_lag_s=1.5
    )
    stage.step()
    assert stage.seen("book") == [[[0, 0], [0, 0]]] * 2, "half a second before the open nothing was there"
    stage.step()
    assert stage.seen("book") == [[[2, 7], [4, 4]], [[2, 3], [3, 6]]]
    stage.step(limit_order=[1, 0, 2, 1], market_order=[1, 2], cancel=2)  # asks at 10002 go at once
    assert stage.env.look.mark_ticks == 10_000.5
    assert stage.seen("book") == [[[2, 7], [4, 4]], [[2, 3], [3, 6]]], "the seat does not see that yet"
    assert stage.seen("orders") == [[2, 2, 7], [0, 0, 0]]
    assert stage.seen("fills") == [[1, 2, 3, 0], [0, 0, 0, 0]]
    assert stage.seen("rejects") == [[Reason.UNKNOWN_ORDER, 2], [0, 0]]
    assert stage.seen("account") == [3, -0.06], "at the mark that it knows, 10,000"
    assert stage.seen("cash") == [-300.06, 0]
    stage.step()
    assert stage.seen("fills")[0] == [1, -2.5, 1, 1] and stage.seen("orders")[0] == [2.5, 1, 0]
    assert stage.seen("account") == [4, -0.02], "now it knows the mark of 10,000.5"


def test_a_lag_makes_the_value_no_older() -> None:
    """Who may know the value knows it now; it is counted from the late mark."""
    value = Value(volatility_ticks=2.0)
    now, late = (
        Stage(parts(Fundamental()), *BOOK, takes(2.25, 3), fundamental=value, market_data_lag_s=lag)
        for lag in (0.0, 1.0)
    )
    for stage in (now, late):
        stage.step(3)
    assert now.env.look.mark_ticks == 10_000.5 == late.env.look.mark_ticks
    assert late.seen("fundamental")[0] + 10_000 == pytest.approx(now.seen("fundamental")[0] + 10_000.5, abs=1e-4)


# --- as spaces and arrays ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("clock", [Periodic(every_s=0.3), EveryTrades(trades=3)])
def test_every_observation_lies_in_its_space(clock: Any) -> None:
    own = (Account(), Cash(), Orders(slots=2), Fills(), Rejects(), Clock(), Fundamental())
    role = parts(*own, *PUBLIC, LIMIT, MarketOrder(), Cancel(orders=3))
    seat = Seat(name="me", role=role, clock=clock)
    env = MarketEnv(Market(seats=(seat,), flow=ZeroIntelligence(pace=60.0), fundamental=Value(), session_s=30.0))
    space, draw = env.observation_spaces["me"], np.random.default_rng(0)
    result: Any = env.reset(seed=0)
    count = 0
    while env.acting:
        assert list(result.observations["me"]) == [part.name for part in role.observations]
        assert space.contains(result.observations["me"])
        for part in role.observations:
            assert result.observations["me"][part.name].shape == part.shape
            assert result.observations["me"][part.name].dtype == np.float32
        result = env.step({"me": draw.integers(env.action_spaces["me"].nvec)})
        count += 1
    assert count > 20


def test_asks_are_seen_as_bids_are() -> None:
    """Mirror the book at 10,000.5: bids and asks change places in what is seen."""
    seen = (
        Book(levels=2),
        Depth(within_ticks=(0, 5)),
        Imbalance(levels=2),
        Microprice(),
        Trades(trades=2),
        TradeFlow(),
    )
    one = Stage(parts(*seen), bids(0.25, 0, 9998, 5), asks(0.25, 1, 10_001, 4), other=[sells(0.5, 2)])
    two = Stage(parts(*seen), asks(0.25, 0, 10_003, 5), bids(0.25, 1, 10_000, 4), other=[buys(0.5, 2)])
    one.step()
    two.step()
    for name in ("book", "depth"):
        assert one.seen(name) == two.seen(name)[::-1]
    for name in ("imbalance", "microprice", "trade_flow"):
        assert one.seen(name)[0] == -two.seen(name)[0] != 0
    price, lots, age = one.seen("trades")[0]
    assert two.seen("trades")[0] == [-price, -lots, age] and (price, lots) == (-1.5, -2)
    assert SELL == 1 - BUY
