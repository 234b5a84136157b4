"""What a seat may do: what reaches the book, and that masks say what the venue would reject."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sekai.error import InvalidAction
from sekai.markets.book.messages import EventKind, Reason
from sekai.markets.config import Market, Periodic, Seat, Venue, ZeroIntelligence
from sekai.markets.engine import layout as at
from sekai.markets.envs import MarketEnv
from sekai.markets.parts import (
    Account,
    Action,
    Cancel,
    ContinuousOrder,
    ContinuousQuotes,
    ContinuousTarget,
    LadderQuotes,
    LimitOrder,
    MarketOrder,
    Modify,
    NoAction,
    Orders,
    ParentShare,
    Quotes,
    TargetPosition,
)
from sekai.markets.rules import VenueRules
from sekai.markets.schedule import Call, Schedule
from sekai.spaces import Box, Dict, Discrete, MultiDiscrete, allows
from tests.markets.parts.stage import BOOK, BUY, SELL, Stage, asks, bids, parts, sells

ALL_KINDS = ("limit", "ioc", "fok", "post_only", "stop", "iceberg")
LIMIT, IOC, FOK, POST_ONLY, STOP, ICEBERG = range(6)
NOTHING, BUYS, SELLS = range(3)


# --- nothing, and quotes ----------------------------------------------------------------------------------------------
def test_no_action_sends_nothing() -> None:
    stage = Stage(parts(NoAction()), *BOOK)
    assert stage.env.action_spaces["me"] == Discrete(1)
    for _ in range(3):
        stage.step()
        assert stage.env.look.accounts()[0, 4] == 0


def test_a_quote_of_distance_0_is_the_best_in_a_spread_of_two_ticks() -> None:
    """The middle of the spread is one price: a maker can be the best there, alone, on the side that it chooses."""
    stage = Stage(parts(Quotes()), bids(0.25, 0, 9999, 5), asks(0.25, 1, 10_001, 5))
    stage.step()
    stage.step(quotes=[0, 0, 2, 0])
    assert stage.accepted == [(BUY, 10_000, 2)] and stage.env.look.top_of_book()[:4] == (10_000, 10_001, 2, 5)
    stage = Stage(parts(Quotes()), bids(0.25, 0, 9999, 5), asks(0.25, 1, 10_001, 5))
    stage.step()
    stage.step(quotes=[0, 0, 0, 2])
    assert stage.accepted == [(SELL, 10_000, 2)] and stage.env.look.top_of_book()[:4] == (9999, 10_000, 5, 2)
    stage = Stage(parts(Quotes()), bids(0.25, 0, 9999, 5), asks(0.25, 1, 10_001, 5))
    stage.step()
    stage.step(quotes=[0, 0, 2, 2])
    assert stage.accepted == [(BUY, 10_000, 2), (SELL, 10_001, 2)], "both at once may not meet: the ask stays above"


def test_quotes_lie_at_their_distances_from_a_mark_between_ticks() -> None:
    """The mark is 10,000.5 on an empty book: bids count down from 10,000, asks up from 10,001."""
    for distance in range(4):
        stage = Stage(parts(Quotes(max_distance_ticks=5)))
        stage.step(quotes=[distance, 3 - distance, 1, 4])
        assert stage.accepted == [(BUY, 10_000 - distance, 1), (SELL, 10_001 + 3 - distance, 4)]


def test_a_quote_keeps_its_place_where_it_asks_for_no_more() -> None:
    stage = Stage(parts(Quotes(), Orders(slots=2)), *BOOK, bids(2.25, 5, 9998, 3))
    stage.step()
    stage.step(quotes=[2, 3, 4, 4])
    assert stage.seen("orders") == [[2, 4, 7], [3, 4, 6]]
    stage.step(quotes=[2, 3, 2, 4])
    assert len(stage.of(EventKind.REDUCED)) == 1 and stage.seen("orders")[0] == [2, 2, 7]
    stage.step(quotes=[2, 3, 2, 4])
    assert len(stage.of(EventKind.REDUCED)) == len(stage.of(EventKind.REPLACED)) == 0
    stage.step(quotes=[2, 3, 5, 4])
    assert len(stage.of(EventKind.REPLACED)) == 1 and stage.seen("orders")[0] == [2, 5, 10], "more: behind the three"
    stage.step(quotes=[1, 3, 5, 0])
    assert len(stage.of(EventKind.CANCELLED)) == 1 and stage.book()[9999] == 5
    stage.step(quotes=[0, 0, 0, 0])
    assert stage.seen("orders") == [[0, 0, 0]] * 2


def test_a_ladder_of_quotes() -> None:
    stage = Stage(parts(LadderQuotes(levels=3), Orders(slots=6)), *BOOK)
    assert stage.env.action_spaces["me"] == MultiDiscrete([21, 21, 5, 11])
    stage.step()
    stage.step(ladder_quotes=[1, 0, 1, 2])  # two ticks between levels
    bought = [(BUY, 9999 - 2 * k, 2) for k in range(3)]
    sold = [(SELL, 10_000 + 2 * k, 2) for k in range(3)]
    assert sorted(stage.accepted) == sorted(bought + sold)
    mark = stage.env.look.mark_ticks
    assert mark == 9999.5
    assert [order[:2] for order in stage.seen("orders")] == [[0.5 + 2 * (k // 2), 2] for k in range(6)]
    stage.step(ladder_quotes=[0, 0, 4, 0])
    assert stage.seen("orders") == [[0, 0, 0]] * 6 and len(stage.of(EventKind.CANCELLED)) == 6


# --- single orders ----------------------------------------------------------------------------------------------------
def _ordering(kind: int, side: int, distance: int, lots: int, *more: Any) -> Stage:
    stage = Stage(parts(LimitOrder(kinds=ALL_KINDS), Orders(slots=4)), *BOOK, *more)
    stage.step()
    stage.step(limit_order=[side, kind, distance, lots - 1])
    return stage


@pytest.mark.parametrize("kind", [LIMIT, POST_ONLY])
def test_an_order_rests_on_its_own_side_of_the_mark(kind: int) -> None:
    assert _ordering(kind, BUYS, 1, 3).accepted == [(BUY, 9999, 3)]
    stage = _ordering(kind, SELLS, 4, 2)
    assert stage.accepted == [(SELL, 10_004, 2)] and stage.book()[10_004] == -2
    assert stage.seen("orders")[0][:2] == [4, 2]


def test_an_immediate_order_takes_what_it_reaches_and_leaves_nothing() -> None:
    stage = _ordering(IOC, BUYS, 2, 5)  # up to 10002, where there are three
    assert stage.position == 3 and stage.seen("orders") == [[0, 0, 0]] * 4
    assert [int(e["size"]) for e in stage.of(EventKind.CANCELLED)] == [2]
    assert _ordering(IOC, SELLS, 4, 9).position == -9
    assert _ordering(IOC, SELLS, 1, 9).position == 0


def test_fill_or_kill_is_all_or_nothing() -> None:
    assert _ordering(FOK, BUYS, 2, 3).position == 3
    stage = _ordering(FOK, BUYS, 2, 4)
    assert stage.position == 0 and stage.book()[10_002] == -3
    assert _ordering(FOK, BUYS, 3, 9).position == 9


def test_an_order_that_must_not_trade_is_rejected_where_it_would() -> None:
    """The bids are gone, so the mark stays where it was, though asks come below it."""
    stage = Stage(
        parts(LimitOrder(kinds=ALL_KINDS)),
        bids(0.25, 0, 9999, 1),
        asks(0.25, 1, 10_001, 1),
        asks(1.75, 2, 9998, 1),
        other=[sells(1.25, 1)],
    )
    stage.step(2)
    assert stage.env.look.mark_ticks == 10_000
    stage.step(limit_order=[BUYS, POST_ONLY, 1, 0])
    assert stage.rejected == [Reason.WOULD_TRADE] and stage.position == 0
    stage.step(limit_order=[BUYS, LIMIT, 1, 0])
    assert stage.position == 1


def test_a_stop_waits_for_its_trigger() -> None:
    stage = Stage(
        parts(LimitOrder(kinds=ALL_KINDS), Orders(slots=4)),
        *BOOK,
        bids(2.25, 5, 9995, 1),
        other=[sells(3.25, 8), sells(4.25, 1)],
    )
    stage.step()
    stage.step(limit_order=[SELLS, STOP, 4, 1])  # at 9996
    assert stage.seen("orders")[0] == [-4, 2, 0] and stage.position == 0
    stage.step()
    assert stage.position == 0
    stage.step()  # the eighth lot trades at 9996: the stop is elected and sells two there
    assert stage.position == -2 and stage.seen("orders")[0] == [0, 0, 0]
    assert (stage.new["kind"] == EventKind.TRIGGERED).sum() == 1


def test_an_iceberg_shows_one_lot() -> None:
    stage = _ordering(ICEBERG, BUYS, 1, 4)
    assert stage.accepted == [(BUY, 9999, 4)] and stage.book()[9999] == 1 and stage.seen("orders")[0][1] == 4


def test_orders_are_named_by_the_first_free_slot_and_none_is_sent_without_one() -> None:
    stage = Stage(parts(LimitOrder(open_orders=2), Orders(slots=2), Cancel(orders=2)), *BOOK)
    stage.step()
    stage.step(limit_order=[BUYS, 0, 1, 0])
    stage.step(limit_order=[BUYS, 0, 0, 0])
    assert [order[1] for order in stage.seen("orders")] == [1, 1]
    stage.step(limit_order=[BUYS, 0, 3, 0])
    assert stage.accepted == stage.rejected == [] and stage.info["action_mask"][:3].tolist() == [1, 0, 0]
    stage.step(cancel=1)
    stage.step(limit_order=[BUYS, 0, 9, 4])
    assert stage.seen("orders")[0][1] == 5 and stage.info["action_mask"][:3].tolist() == [1, 0, 0]


def test_a_slot_is_not_free_while_its_order_is_on_its_way() -> None:
    stage = Stage(parts(LimitOrder(open_orders=2), Orders(slots=2)), *BOOK, latency_s=1.5)
    for _ in range(5):
        stage.step(limit_order=[BUYS, 0, 5, 0])
    assert [order[1] for order in stage.seen("orders")] == [1, 1] and stage.env.totals()["rejects"] == 0
    assert stage.env.look.accounts()[0, 4] == 2


# --- orders that are there --------------------------------------------------------------------------------------------
def test_cancel_counts_through_all_slots_of_the_seat() -> None:
    role = parts(Quotes(), LimitOrder(open_orders=2), Cancel(orders=4), Orders(slots=4))
    stage = Stage(role, *BOOK)
    stage.step()
    keep = [5, 5, 1, 1]
    stage.step(quotes=keep, limit_order=[BUYS, 0, 3, 1])
    stage.step(quotes=keep, limit_order=[SELLS, 0, 4, 2])
    assert [order[1] for order in stage.seen("orders")] == [1, 1, 2, 3]
    stage.step(quotes=keep, cancel=4)
    assert [order[1] for order in stage.seen("orders")] == [1, 1, 2, 0]
    stage.step(quotes=keep, cancel=4)
    assert stage.rejected == [Reason.UNKNOWN_ORDER]
    stage.step(quotes=[5, 5, 1, 0], cancel=3)
    assert [order[1] for order in stage.seen("orders")] == [1, 0, 0, 0]
    stage.step(quotes=[5, 5, 1, 1], cancel=5)
    assert [order[1] for order in stage.seen("orders")] == [0, 0, 0, 0], "all, the quotes of this decision too"


def test_modify_changes_price_and_size() -> None:
    role = parts(LimitOrder(open_orders=2), Modify(orders=2), Orders(slots=2))
    stage = Stage(role, *BOOK)
    stage.step()
    stage.step(limit_order=[BUYS, 0, 2, 4])
    stage.step(modify=[1, 2, 2])  # the same price, three lots: it keeps its place
    assert len(stage.of(EventKind.REDUCED)) == 1 and stage.seen("orders")[0] == [2, 3, 7]
    stage.step(modify=[1, 4, 5])
    assert len(stage.of(EventKind.REPLACED)) == 1 and stage.seen("orders")[0] == [4, 6, 4]
    stage.step(modify=[2, 1, 1])
    assert stage.accepted == stage.rejected == [] and stage.seen("orders")[1] == [0, 0, 0]
    stage.step(limit_order=[SELLS, 0, 5, 0])
    stage.step(modify=[2, 1, 1])
    assert stage.book()[10_001] == -2, "an ask stays an ask"


# --- taking -----------------------------------------------------------------------------------------------------------
def test_a_market_order_by_lots() -> None:
    stage = Stage(parts(MarketOrder()), *BOOK)
    assert stage.env.action_spaces["me"] == MultiDiscrete([3, 10])
    stage.step()
    stage.step(market_order=[NOTHING, 9])
    assert stage.accepted == [] and stage.position == 0
    stage.step(market_order=[BUYS, 3])
    assert stage.position == 4 and [
        int(e["price_ticks"]) for e in stage.new[stage.new["kind"] == EventKind.TRADED]
    ] == [10_002, 10_003]
    stage.step(market_order=[SELLS, 9])
    assert stage.position == -6


@pytest.mark.parametrize(("parent", "sign"), [(10, 1), (-10, -1)])
def test_a_share_of_what_is_left_of_the_parent_order(parent: int, sign: int) -> None:
    """A quarter of ten, rounded up, is three; then of seven two; all of five; then there is nothing left."""
    deep = (bids(0.25, 0, 9998, 50), asks(0.25, 1, 10_002, 50))
    stage = Stage(parts(ParentShare(parent_lots=parent, shares=4)), *deep)
    stage.step()
    held = []
    for share in (1, 1, 0, 4, 4):
        stage.step(parent_share=share)
        held.append(sign * stage.position)
    assert held == [3, 5, 5, 10, 10]


def test_a_target_position() -> None:
    deep = (bids(0.25, 0, 9998, 50), asks(0.25, 1, 10_002, 50))
    stage = Stage(parts(TargetPosition(max_position_lots=5)), *deep)
    assert stage.env.action_spaces["me"] == Discrete(12)
    stage.step()
    held = []
    for option in (11, 0, 6, 1, 1, 4):
        stage.step(target_position=option)
        held.append(stage.position)
    assert held == [5, 5, 0, -5, -5, -2] and len(stage.accepted) == 1


# --- the same, continuous ---------------------------------------------------------------------------------------------
def _tape(stage: Stage, asked: list[dict[str, Any]], **first: Any) -> list[Any]:
    found = []
    stage.step(**first)
    for each in asked:
        stage.step(**each)
        found.append(stage.new[["time_ns", "kind", "side", "price_ticks", "size", "owner"]].tolist())
    return found


def test_continuous_quotes_are_quotes() -> None:
    draw = np.random.default_rng(0)
    whole = [draw.integers([9, 9, 6, 6]) for _ in range(12)]
    real = [np.clip(2.0 * each / [8, 8, 5, 5] - 1.0 + draw.uniform(-0.09, 0.09, 4), -1, 1) for each in whole]
    one = Stage(parts(Quotes(max_distance_ticks=8, max_size_lots=5)), *BOOK)
    two = Stage(parts(ContinuousQuotes(max_distance_ticks=8, max_size_lots=5)), *BOOK)
    assert two.env.action_spaces["me"] == Box(-1.0, 1.0, shape=(4,), dtype=np.float32)
    tape = _tape(one, [{"quotes": each} for each in whole])
    assert (
        tape == _tape(two, [{"continuous_quotes": each} for each in real], continuous_quotes=[-1] * 4)
        and sum(map(len, tape)) > 15
    )


def test_a_continuous_order_is_a_market_order() -> None:
    """Rounded to the nearest lot of ten; a twentieth and less is nothing."""
    lots = {-1.0: -10, -0.36: -4, -0.04: 0, 0.0: 0, 0.049: 0, 0.06: 1, 0.74: 7, 1.0: 10}
    deep = (bids(0.25, 0, 9998, 99), asks(0.25, 1, 10_002, 99))
    stage = Stage(parts(ContinuousOrder()), *deep)
    stage.step()
    for value, more in lots.items():
        before = stage.position
        stage.step(continuous_order=[value])
        assert stage.position - before == more, value


def test_a_continuous_target_is_a_target() -> None:
    deep = (bids(0.25, 0, 9998, 99), asks(0.25, 1, 10_002, 99))
    stage = Stage(parts(ContinuousTarget(max_position_lots=4)), *deep)
    stage.step()
    for value, position in ((1.0, 4), (0.3, 1), (0.3, 1), (0.0, 0), (-0.6, -2), (-1.0, -4)):
        stage.step(continuous_target=[value])
        assert stage.position == position, value


@pytest.mark.parametrize("value", [1.001, -1.001, np.nan, np.inf])
def test_what_is_beyond_one_is_no_continuous_action(value: float) -> None:
    stage = Stage(parts(ContinuousOrder()), *BOOK)
    with pytest.raises(InvalidAction, match="action of 'me' must be in Box.* number 0 of it"):
        stage.step(continuous_order=[value])
    stage.step(continuous_order=[0.0])


# --- several together -------------------------------------------------------------------------------------------------
def test_parts_of_one_decision_reach_the_book_in_their_order() -> None:
    stage = Stage(parts(Quotes(), MarketOrder()), *BOOK)
    assert stage.env.action_spaces["me"] == MultiDiscrete([21, 21, 11, 11, 3, 10])
    stage.step()
    stage.step(quotes=[3, 3, 1, 2], market_order=[BUYS, 3])
    assert stage.accepted == [(BUY, 9997, 1), (SELL, 10_003, 2), (BUY, 0, 4)]
    assert stage.position == 4 and stage.book()[9997] == 1


def test_choices_beside_real_numbers_are_asked_for_by_name() -> None:
    stage = Stage(parts(Quotes(), ContinuousOrder(max_size_lots=5)), *BOOK)
    space = stage.env.action_spaces["me"]
    assert isinstance(space, Dict) and list(space) == ["quotes", "continuous_order"]
    stage.step()
    stage.step(quotes=[3, 3, 1, 2], continuous_order=[-0.6])
    assert stage.position == -3 and stage.accepted[:2] == [(BUY, 9997, 1), (SELL, 10_003, 2)]
    assert set(stage.info["action_mask"]) == {"quotes"} and stage.info["action_mask"]["quotes"].all()
    for _ in range(20):
        stage.env.step({"me": space.sample(stage.env.action_masks()["me"])}) if stage.env.acting else None
    for wrong in ({"quotes": [0, 0, 0, 0]}, {"quotes": [0, 0, 0], "continuous_order": [0.0]}, [0, 0, 0, 0, 0.0, 1.0]):
        stage = Stage(parts(Quotes(), ContinuousOrder()), *BOOK)
        with pytest.raises(InvalidAction, match="action of 'me' must be in Dict"):
            stage.env.step({"me": wrong})


def test_real_numbers_together_are_one_box() -> None:
    stage = Stage(parts(ContinuousQuotes(), ContinuousOrder(max_size_lots=5)), *BOOK)
    assert stage.env.action_spaces["me"] == Box(-1.0, 1.0, shape=(5,), dtype=np.float32)
    stage.step()
    stage.env.step({"me": np.array([-1, -1, -1, -1, 0.4], np.float32)})
    assert stage.position == 2


def test_one_number_for_all_choices_is_the_same_market() -> None:
    """A learner that values each action: 3 x 4 x 3 x 2 options, the last number running fastest."""
    given = (MarketOrder(max_size_lots=4), TargetPosition(max_position_lots=1), NoAction())
    whole, joint = Stage(parts(*given), *BOOK), Stage(parts(*given, joint=True), *BOOK)
    assert whole.env.action_spaces["me"] == MultiDiscrete([3, 4, 4, 1])
    assert joint.env.action_spaces["me"] == Discrete(48)
    asked = [{"market_order": [k % 3, k % 4], "target_position": [k % 4]} for k in range(18)]
    tape = _tape(whole, asked)
    assert tape == _tape(joint, asked) and sum(map(len, tape)) > 20
    for stage in (whole, joint):
        assert (
            stage.env.row[stage.env._session.faces["me"].windows.action]
            == whole.env.row[whole.env._session.faces["me"].windows.action]
        ).all()
    for wrong in (48, -1, 1.5, [0, 0, 0, 0]):
        stage = Stage(parts(*given, joint=True), *BOOK)
        with pytest.raises(InvalidAction, match=r"action of 'me' must be in Discrete\(48\)"):
            stage.env.step({"me": wrong})


def test_the_mask_of_a_joint_action_has_an_entry_for_each_combination() -> None:
    given = (MarketOrder(max_size_lots=3), Cancel(orders=1))
    rules, book = VenueRules(position_limit=2), (bids(0.25, 0, 9998, 2), asks(0.25, 1, 10_002, 2))
    whole, joint = Stage(parts(*given), *book, rules=rules), Stage(parts(*given, joint=True), *book, rules=rules)
    for stage in (whole, joint):
        stage.step()
        stage.step(market_order=[BUYS, 1])
    flat, combined = whole.info["action_mask"], joint.info["action_mask"]
    assert flat.tolist() == [1, 0, 1, 1, 1, 1, 1, 0, 0] and combined.shape == (27,)
    for number, allowed in enumerate(combined):
        side, lots, slot = np.unravel_index(number, (3, 3, 3))
        assert allowed == (flat[side] and flat[3 + lots] and flat[6 + slot])
    space = joint.env.action_spaces["me"]
    assert all(combined[space.sample(joint.env.action_masks()["me"])] for _ in range(50))


# --- masks ------------------------------------------------------------------------------------------------------------
MASKABLE = {Reason.POSITION_LIMIT, Reason.UNKNOWN_ORDER, Reason.NOT_IN_CALL}
BY_SIDE = {"market_order": (0, 1), "limit_order": (0, 3)}  # which numbers are the side and the lots less one


def _open_lots(env: MarketEnv, side: int) -> int:
    """Return what the first seat has open on a side, what icebergs hold back included, by looking at every order."""
    row, i32 = env.row, env.row.view(np.int32)
    book = int(row[at.Market.BOOKS])
    extras, total = int(row[book + at.Book.EXTRAS]), 0
    for order in i32[int(row[book + at.Book.SLOTS]) :][: int(row[book + at.Book.LIVE])].tolist():
        if i32[order + at.Order.OWNER] == 0 and (i32[order + at.Order.SIDE] == book + at.Book.BID) == (side == BUY):
            total += int(i32[order + at.Order.QTY])
            if extras and i32[order + extras + at.Extra.FLAGS] & 4:
                total += int(i32[order + extras + at.Extra.RESERVE])
    return total


def _order_of(env: MarketEnv, slot: int) -> tuple[int, int]:
    """Return side and open lots of the order that a client order slot of the first seat names."""
    row, i32 = env.row, env.row.view(np.int32)
    me, book = int(row[at.Market.SEATS]), int(row[at.Market.BOOKS])
    tag, order = divmod(int(row[row[me + at.Seat.SLOTS] + 2 * slot]), 1 << 32)
    if not order or i32[order + at.Order.TAG] != tag:
        return BUY, 0
    extras, lots = int(row[book + at.Book.EXTRAS]), int(i32[order + at.Order.QTY])
    if i32[order + extras + at.Extra.FLAGS] & 4:
        lots += int(i32[order + extras + at.Extra.RESERVE])
    return (BUY if i32[order + at.Order.SIDE] == book + at.Book.BID else SELL), lots


def _events(env: MarketEnv, start_ns: int) -> Any:
    """Return what the first seat's messages of this instant have led to."""
    events = env.events()
    return events[(events["time_ns"] == start_ns) & (events["owner"] == 0)]


TRIED: dict[str, tuple[Action, tuple[Action, ...]]] = {
    "quotes": (Quotes(max_distance_ticks=4, max_size_lots=8), ()),
    "ladder": (LadderQuotes(levels=3, max_distance_ticks=3, max_spacing_ticks=2, max_size_lots=5), ()),
    "orders": (
        LimitOrder(kinds=("limit", "ioc", "iceberg", "fok"), max_distance_ticks=4, max_size_lots=8),
        (Cancel(orders=4),),
    ),
    "immediate": (LimitOrder(kinds=("fok", "ioc"), max_distance_ticks=4, max_size_lots=8), ()),
    "cancel": (Cancel(orders=3), (LimitOrder(open_orders=3, max_distance_ticks=3, max_size_lots=3),)),
    "modify": (
        Modify(orders=3, max_distance_ticks=4, max_size_lots=12),
        (
            LimitOrder(kinds=("limit", "iceberg"), open_orders=3, max_distance_ticks=3, max_size_lots=4),
            Cancel(orders=3),
        ),
    ),
    "market": (MarketOrder(max_size_lots=8), ()),
    "share": (ParentShare(parent_lots=20, shares=5), (MarketOrder(max_size_lots=3),)),
    "target": (TargetPosition(max_position_lots=9), (LimitOrder(max_distance_ticks=2, max_size_lots=3),)),
}


@pytest.mark.parametrize("name", TRIED)
def test_a_mask_is_what_the_venue_rejects(name: str) -> None:
    """At every decision of a session with calls, halts and a position limit, some action is tried on a copy.

    One that the mask forbids is rejected, or sends nothing; one that it allows is not rejected. Where a side and its
    lots are two numbers, lots for which the other side alone has room are allowed, and are the venue's to reject.
    """
    part, companions = TRIED[name]
    role = parts(part, *companions, Account(), Orders(slots=4))
    rules = VenueRules(position_limit=7, halt_band=True, band=(9_994, 10_006))
    schedule = Schedule(
        opening_call_s=4.0, intraday_calls=(Call(at_s=30.0, length_s=8.0),), halt_s=3.0, reopening_call_s=3.0
    )
    venue = Venue(ladder_ticks=256, order_capacity=512, rules=rules, schedule=schedule)
    seat = Seat(name="me", role=role, clock=Periodic(every_s=0.5))
    env = MarketEnv(
        Market(seats=(seat,), venue=venue, flow=ZeroIntelligence(pace=120.0), session_s=150.0, warmup_s=5.0),
        record=True,
    )
    space, draw = env.action_spaces["me"], np.random.default_rng(0)
    assert isinstance(space, MultiDiscrete)
    tried, phases = {"forbidden": 0, "allowed": 0, "limited": 0}, set()
    result: Any = env.reset(seed=1)
    while env.acting:
        phases.add(env.trading_phase)
        env.events()
        mask, start_ns = result.info["me"]["action_mask"], int(env.row[at.Market.NOW])
        assert np.array_equal(mask, env.action_masks()["me"])
        asked = draw.integers(space.nvec)
        asked[part.size :] = 0  # the part alone
        own, options = asked[: part.size], mask[: sum(part.choices)]
        is_allowed = allows(MultiDiscrete(part.choices), options, own)
        rooms = [7 - _open_lots(env, side) - (1, -1)[side] * env.look.position_lots(0) for side in (BUY, SELL)]
        twin = env.clone()
        twin.step({"me": asked})
        events = _events(twin, start_ns)
        reasons = {Reason(e["reason"]) for e in events[events["kind"] == EventKind.REJECTED]} & MASKABLE
        beyond = False
        if part.name in BY_SIDE:
            which, lots = (int(own[k]) for k in BY_SIDE[part.name])
            beyond = which > 0 and lots + 1 > rooms[which - 1]
        elif isinstance(part, Modify) and own[0] > 0:
            side, size = _order_of(env, int(own[0]) - 1)
            beyond = int(own[2]) + 1 > size + max(rooms[side], 0)
        if not is_allowed:
            tried["forbidden"] += 1
            assert reasons or not len(events), (own, options, events)
            assert len(events) or _is_silent(part, own, result.observations["me"]), (own, options)
        elif beyond:
            tried["limited"] += 1
            assert reasons == {Reason.POSITION_LIMIT}, (own, options, rooms, events)
        else:
            tried["allowed"] += 1
            assert not reasons, (own, options, rooms, events)
        result = env.step({"me": space.sample(mask)})
    assert phases == {"continuous", "auction", "halt"}
    assert min(tried["forbidden"], tried["allowed"]) >= 20, tried


def _is_silent(part: Action, own: Any, seen: Any) -> bool:
    """Say whether a part has nothing to send: nothing is asked for, or there is no order, or no slot, for it."""
    live = seen["orders"][:, 1] > 0
    if isinstance(part, Cancel):
        return bool(own[0] == part.orders + 1 and not live.any())
    if isinstance(part, Modify):
        return bool(own[0] == 0 or not live[own[0] - 1])
    if isinstance(part, LimitOrder):
        return bool(own[0] == 0 or live[: part.open_orders].all())
    return bool(isinstance(part, MarketOrder) and own[0] == 0)


def test_masks_are_told_at_reset_and_to_those_who_act() -> None:
    stage = Stage(parts(MarketOrder(max_size_lots=3)), rules=VenueRules(position_limit=2))
    assert stage.info["action_mask"].tolist() == [1, 1, 1, 1, 1, 0]
    assert stage.info["action_mask"].dtype == np.int8
    stage.info["action_mask"][:] = 0
    assert stage.env.action_masks()["me"].tolist() == [1, 1, 1, 1, 1, 0], "what was handed out is the caller's"
    assert "action_mask" not in Stage(parts(NoAction())).info
    assert Stage(parts(NoAction())).env.action_masks() == {}
