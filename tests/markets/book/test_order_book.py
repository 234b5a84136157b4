"""OrderBook as a person meets it: what it says, what it refuses and in which words, how it grows."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sekai import SekaiError, markets
from sekai.markets import OrderBook, OrderRejected
from sekai.markets.book.messages import KEEP, LIMIT, MARKET, MODIFY, BadMessage, EventKind, Reason
from sekai.markets.book.order_book import Order
from sekai.markets.book.rejection import BadCapacity
from sekai.markets.rules import VenueRules
from tests.markets.data.goog import goog, needs_goog


def small_book() -> tuple[OrderBook, list[int]]:
    """Two asks at 101, one at 103, a bid at 99."""
    book = OrderBook()
    ids = [
        book.limit("sell", price=101, size=5, owner=1),
        book.limit("sell", price=101, size=3, owner=2),
        book.limit("ask", price=103, size=7, owner=1),
        book.limit("buy", price=99, size=4, owner=3),
    ]
    return book, ids


def test_what_one_may_ask() -> None:
    book, ids = small_book()
    assert ids == [0, 1, 2, 3] and len(book) == 4 and 2 in book and np.int64(2) in book and 9 not in book
    assert (book.best_bid, book.best_ask, book.mid, book.spread, book.last) == (99, 101, 100.0, 2, None)
    assert book.queue("ask", 101) == [Order(0, "sell", 101, 5, 1), Order(1, "sell", 101, 3, 2)]
    assert book.queue("bid", 101) == [] and book.queue("bid", 10**9) == []
    assert book.depth().asks.tolist() == [(101, 8, 2), (103, 7, 1)] and book.depth(1).asks["size"].tolist() == [8]
    assert book.depth(0).bids.size == 0
    assert book.order(3) == Order(3, "buy", 99, 4, 3) and book.order(4) is None and book.order(-1) is None
    assert "4 orders" in repr(book) and "101" in repr(book)


def test_a_trade_and_who_owns_what_then() -> None:
    book, _ = small_book()
    taker = book.market("buy", size=6, owner=3)
    assert book.trades.tolist() == [(0, taker, 101, 5), (1, taker, 101, 1)] and book.last == 101
    assert [book.position(owner) for owner in range(4)] == [0, -5, -1, 6] and book.position(10_000) == 0
    assert book.cash(3) == -606.0 and book.accounts["cash"][3] == -60_600
    assert book.accounts["edge"].tolist()[1:4] == [500, 100, -600]  # the mid was 100
    assert book.mark == 100.0 and book.wealth(3) == -6.0
    for column in ("cash", "position", "edge"):
        assert book.accounts[column].sum() == 0


def test_empty_book() -> None:
    book = OrderBook()
    assert (book.best_bid, book.mid, book.spread, book.last, book.mark, len(book)) == (None, None, None, None, None, 0)
    assert book.trades.size == book.events.size == book.rejects.size == 0
    assert book.market("sell", size=3) == 0 and book.trades.size == 0
    assert book.mass_cancel(5) == 0 and book.wealth(0) == 0.0
    book.check()


def test_cancel_reduce_modify_say_what_they_did() -> None:
    book, (a, b, c, d) = small_book()
    assert book.reduce(a, 2) == 2 and book.modify(b, size=1) == 0 and book.cancel(c) == 7
    assert book.modify(d, price=102, size=9, owner=3) == 4  # takes 3 and 1 at 101, rests with 5
    assert book.queue("bid", 102) == [Order(d, "buy", 102, 5, 3)]
    assert book.mass_cancel(3) == 1 and len(book) == 0
    book.check()


def refusals() -> list[Any]:
    def of(what: str, reason: Reason, call: Any) -> Any:
        return pytest.param(call, reason, what, id=f"{reason.name.lower()}-{what[:12]}")

    return [
        of(
            "price must be from 1 to 2147483647 ticks, got 0",
            Reason.BAD_PRICE,
            lambda b: b.limit("buy", price=0, size=1),
        ),
        of(
            "size must be from 1 to 1073741823 lots, got -2",
            Reason.BAD_SIZE,
            lambda b: b.limit("buy", price=9, size=-2),
        ),
        of("size must be from 1", Reason.BAD_SIZE, lambda b: b.market("buy", size=0)),
        of("by must be from 1", Reason.BAD_SIZE, lambda b: b.reduce(0, 0)),
        of("price must lie within 262144", Reason.BEYOND_LADDER, lambda b: b.modify(0, price=2**31 - 1)),
        of("price must lie within 262144", Reason.BEYOND_LADDER, lambda b: b.limit("sell", price=300_000, size=1)),
        of("id must be that of a live order; 9", Reason.UNKNOWN_ORDER, lambda b: b.cancel(9)),
        of("2 does not own order 0", Reason.NOT_OWNER, lambda b: b.cancel(0, owner=2)),
        of("got 0; the next free one is 4", Reason.DUPLICATE_ID, lambda b: b.limit("buy", price=9, size=1, id=0)),
        of("id must be from 0 to", Reason.IDS_EXHAUSTED, lambda b: b.limit("buy", price=9, size=1, id=-1)),
        of("ids are dense", Reason.IDS_EXHAUSTED, lambda b: b.market("buy", size=1, id=2**31 - 1)),
        of(
            "owner must be from 0 to 1048575, got -1",
            Reason.BAD_OWNER,
            lambda b: b.limit("buy", price=9, size=1, owner=-1),
        ),
        of("owner must be from 0", Reason.BAD_OWNER, lambda b: b.limit("buy", price=9, size=1, owner=2**20)),
        of("price must be an integer, got 100.5", Reason.BAD_PRICE, lambda b: b.limit("buy", price=100.5, size=1)),
        of("size must be an integer, got '5'", Reason.BAD_SIZE, lambda b: b.limit("buy", price=9, size="5")),
        of("price must fit 64 bits", Reason.BAD_PRICE, lambda b: b.limit("buy", price=1 << 64, size=1)),
        of("size must fit 64 bits", Reason.BAD_SIZE, lambda b: b.market("buy", size=1 << 64)),
        of(
            "or 'sell' ('ask'), got 'by'",
            Reason.BAD_SIDE,
            lambda b: b.limit("by", price=9, size=1),
        ),
        of("side must be", Reason.BAD_SIDE, lambda b: b.market(0, size=1)),
        of("side must be", Reason.BAD_SIDE, lambda b: b.limit([], price=9, size=1)),
        of(
            "tif must be 'gtc', 'ioc', 'fok' or 'aon', got 'day'",
            Reason.BAD_OPERATION,
            lambda b: b.limit("buy", price=9, size=1, tif="day"),
        ),
    ]


@pytest.mark.parametrize(("call", "reason", "words"), refusals())
def test_what_is_refused_and_in_which_words(call: Any, reason: Reason, words: str) -> None:
    book, _ = small_book()
    with pytest.raises(OrderRejected) as refused:
        call(book)
    assert refused.value.reason is reason and words in str(refused.value)
    assert isinstance(refused.value, SekaiError)
    assert pickle.loads(pickle.dumps(refused.value)).reason is reason
    assert len(book) == 4 and book.trades.size == 0
    assert book.limit("buy", price=98, size=1) == 4  # and the next id is what it was
    book.check()


def test_numpys_integers_are_integers() -> None:
    book = OrderBook()
    assert book.limit("buy", price=np.int32(100), size=np.int64(5), owner=np.uint8(2)) == 0
    assert book.order(np.int64(0)) == Order(0, "buy", 100, 5, 2)


def test_rules_of_the_venue() -> None:
    book = OrderBook(rules=VenueRules(tick=5, lot=10, max_size=100, band=(50, 200)))
    for price, size, reason in (
        (51, 10, "OFF_TICK"),
        (50, 11, "OFF_LOT"),
        (45, 10, "OUTSIDE_BAND"),
        (50, 110, "BAD_SIZE"),
    ):
        with pytest.raises(OrderRejected) as refused:
            book.limit("buy", price=price, size=size)
        assert refused.value.reason.name == reason
    book.limit("buy", price=50, size=10)
    for wrong in ({"ticks": 99}, {"orders": 0}, {"owners": 0}):
        with pytest.raises(BadCapacity, match=next(iter(wrong))):
            OrderBook(**wrong)  # type: ignore[arg-type]


# --- growing -------------------------------------------------------------------------------------------------------


def test_it_grows_under_a_crowd() -> None:
    """A thousand orders of a hundred owners in a book made for one, far apart and then elsewhere; nothing is lost."""
    book = OrderBook(ticks=64, orders=1, owners=1)
    for k in range(1_000):
        book.limit("buy", price=1_000 + 37 * (k % 50), size=1 + k, owner=k % 100)
    book.check()
    assert len(book) == 1_000 and [order.id for order in book.queue("bid", 1_000)] == list(range(0, 1_000, 50))
    book.limit("sell", price=1_000, size=10**6, owner=100)
    book.check()
    assert len(book.trades) == 1_000 and book.trades["size"].sum() == 500_500 and book.best_ask == 1_000
    assert book.trades["maker"].tolist()[:2] == [49, 99]
    book.mass_cancel(100)
    book.limit("buy", price=250_000, size=1)  # the ladder still holds the last price
    assert book.last == 1_000 and book.best_bid == 250_000
    with pytest.raises(OrderRejected, match="within 262144"):
        book.limit("buy", price=10**6, size=1)
    book.check()


def test_growing_in_the_middle_of_a_stream() -> None:
    stream = markets.messages(
        op=LIMIT, order_id=np.arange(5_000), side=0, price_ticks=1 + np.arange(5_000) * 50, size=1
    )
    book = OrderBook(ticks=64, orders=1, owners=1)
    book.apply(stream)
    assert len(book) == 5_000 and book.rejects.size == 0 and book.best_bid == 249_951
    book.apply(markets.messages(op=MARKET, order_id=5_000, side=1, size=4_999, owner=70))
    assert book.trades["maker"].tolist() == list(range(4_999, 0, -1)) and book.position(70) == -4_999
    book.check()


def test_what_no_ladder_can_hold_is_refused_and_the_rest_goes_on() -> None:
    prices = [100, 300_000, 101, 10**9, 102]
    book = OrderBook()
    book.apply(markets.messages(op=LIMIT, order_id=[0, 1, 2, 3, 4], price_ticks=prices, size=1))
    assert book.rejects[["message", "order_id", "reason"]].tolist() == [(1, 1, 5), (3, 3, 5)] and len(book) == 3
    book.apply(markets.messages(op=LIMIT, order_id=[5, 2**31 - 1, 6], price_ticks=50, size=1, owner=[0, 0, 2**30]))
    assert [Reason(r).name for r in book.rejects["reason"][2:]] == ["IDS_EXHAUSTED", "BAD_OWNER"]
    assert book.limit("buy", price=100, size=1) == 7
    book.check()


# --- what happened -------------------------------------------------------------------------------------------------


def test_apply_returns_its_own_trades_and_the_book_keeps_all() -> None:
    book = OrderBook()
    stream = markets.messages(
        op=0, order_id=[0, 1, 2, 3], side=[1, 0, 1, 0], price_ticks=100, size=5, owner=[1, 2, 1, 2]
    )
    first, second = book.apply(stream[:2]), book.apply(stream[2:])
    assert first.tolist() == [(0, 1, 100, 5)] and second.tolist() == [(2, 3, 100, 5)]
    assert book.trades.tolist() == first.tolist() + second.tolist() and book.messages == 4
    book.clear()
    assert book.trades.size == 0 and book.position(2) == 10
    assert book.limit("buy", price=100, size=5) == 4  # ids go on


def test_events_tell_everything_if_they_are_kept() -> None:
    book, quiet = OrderBook(events=np.True_), OrderBook()  # type: ignore[arg-type]
    for one in (book, quiet):
        one.limit("sell", price=100, size=5, owner=1)
        one.modify(0, price=101, size=7)
        one.limit("buy", price=101, size=9, owner=2, tif="ioc")
        with pytest.raises(OrderRejected):
            one.modify(0, size=3)
    K = EventKind
    assert book.events["kind"].tolist() == [K.ACCEPTED, K.REPLACED, K.ACCEPTED, K.TRADED, K.CANCELLED, K.REJECTED]
    assert quiet.events["kind"].tolist() == [K.TRADED, K.REJECTED]
    trade = quiet.events[0]
    assert (trade["order"], trade["other"], trade["owner"], trade["other_owner"], trade["side"]) == (0, 1, 1, 2, 0)
    assert quiet.rejects.tolist() == [(3, MODIFY, 0, 0, KEEP, 3, 0, Reason.UNKNOWN_ORDER)]


def test_more_trades_than_any_ring_holds() -> None:
    book = OrderBook()
    for _ in range(3):
        first = book.messages
        book.apply(
            markets.messages(op=LIMIT, order_id=np.arange(first, first + 2_000), side=1, price_ticks=100, size=1)
        )
        book.limit("buy", price=100, size=2_000)
    assert len(book.trades) == 6_000 and len(set(book.trades["maker"].tolist())) == 6_000
    book.check()


def test_copies_go_their_own_way() -> None:
    book, _ = small_book()
    book.market("buy", size=1)
    for other in (book.copy(), pickle.loads(pickle.dumps(book))):
        assert other.market("buy", size=2) == 5 and len(other.trades) == 2 and len(book.trades) == 1
        other.check()
    assert book.queue("ask", 101)[0].size == 4


def test_apply_takes_messages_only() -> None:
    for wrong in ([1, 2], np.zeros(3), np.zeros((2, 2), markets.messages(op=0).dtype)):
        with pytest.raises(BadMessage, match="apply needs"):
            OrderBook().apply(wrong)  # type: ignore[arg-type]


def test_messages_may_lie_in_memory_as_they_like() -> None:
    """Every second one, read only, or askew: no kernel is compiled for another kind of array."""
    from sekai.markets.engine.replay import replay

    stream = markets.messages(op=0, order_id=np.arange(10), side=0, price_ticks=100, size=1)
    frozen, askew = stream.copy(), np.frombuffer(b"\0" + stream.tobytes(), np.uint8)[1:].view(stream.dtype)
    frozen.flags.writeable = False
    for some in (stream[::2], frozen[::2], frozen[:5], askew[:5]):
        book = OrderBook()
        book.apply(some)
        assert [order.id for order in book.queue("bid", 100)] == some["order_id"].tolist()
    assert len(getattr(replay, "signatures", [1])) == 1


def test_numba_is_imported_with_the_first_book() -> None:
    code = """
import sys
from sekai import markets
before = "numba" in sys.modules
markets.OrderBook()
print(before, "numba" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False True\n"


@needs_goog
def test_the_real_day() -> None:
    """All trades, same order, same numbers, in a book that knows neither prices nor counts before."""
    stream, trades = goog()
    book = OrderBook()
    made = book.apply(stream)
    assert np.array_equal(made.view(np.int64).reshape(-1, 4), trades) and book.rejects.size == 0
    book.check()


def test_a_fresh_book_counts_ids_from_zero_also_after_no_messages() -> None:
    book = OrderBook()
    book.apply(markets.messages(op=[], order_id=[], side=[], price_ticks=[], size=[], owner=[]))
    assert [book.limit("buy", price=9, size=1), book.limit("buy", price=8, size=1)] == [0, 1]
    assert book.status(7) is book.status(-1) is None  # nobody sent them, whatever the book keeps


@pytest.mark.parametrize("levels", ["a", -1, 1.5, True, None])
def test_a_depth_of_no_number_of_levels_is_an_error(levels: object) -> None:
    with pytest.raises(ValueError, match=rf"levels must be an integer >= 0, got {levels!r}"):
        OrderBook().depth(levels)  # type: ignore[arg-type]


def test_a_bad_reduction_is_called_what_its_sender_calls_it() -> None:
    book = OrderBook(rules=VenueRules(lot=5))
    order = book.limit("buy", price=9, size=10)
    for by, words in ((0, "by must be from 1 to .* lots, got 0"), (3, "by must be a multiple of 5 lots, got 3")):
        with pytest.raises(OrderRejected, match=words):
            book.reduce(order, by)


def test_a_bad_trigger_is_called_what_its_sender_calls_it() -> None:
    book = OrderBook(rules=VenueRules(tick=5))
    for send, words in (
        (lambda: book.stop("buy", stop=0, size=1), "stop must be from 1 to .* ticks, got 0"),
        (lambda: book.stop("buy", stop=7, size=1), "stop must be a multiple of 5 ticks, got 7"),
        (lambda: book.stop_limit("buy", stop=7, price=10, size=1), "stop must be a multiple of 5 ticks, got 7"),
        (lambda: book.stop_limit("buy", stop=10, price=7, size=1), "price must be a multiple of 5 ticks, got 7"),
        (lambda: book.trailing_stop("buy", offset=0, size=1), "offset must be from 1 to .* ticks, got 0"),
        (lambda: book.limit("buy", price=0, size=1), "price must be from 1 to .* ticks, got 0"),
    ):
        with pytest.raises(OrderRejected, match=words):
            send()


def test_money_that_need_not_be_exact_any_more_is_not_told() -> None:
    book, most = OrderBook(), (1 << 30) - 1
    for cash in (0, -40_000_000 * most):
        assert book.cash(2) == cash and book.venue_cash == 0
        book.limit("sell", price=40_000_000, size=most, owner=1)
        book.limit("buy", price=40_000_000, size=most, owner=2)
    for ask in (lambda: book.cash(2), lambda: book.accounts, lambda: book.venue_cash):
        with pytest.raises(SekaiError, match="an account has held more than 2\\*\\*62 hundredths"):
            ask()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda b: b.limit("buy", price=True, size=1), "price must be an integer, got True"),
        (lambda b: b.limit("buy", price=9, size=1, post_only="no"), "post_only must be True or False, got 'no'"),
        (lambda b: b.limit("buy", price=9, size=1, hidden=1), "hidden must be True or False, got 1"),
        (lambda b: b.market(["buy"], size=1), r"side must be 'buy' .*, got \['buy'\]"),
        (lambda b: b.queue(["buy"], 1), r"side must be 'buy' .*, got \['buy'\]"),
    ],
)
def test_a_word_of_the_wrong_kind_is_refused(call: Callable[[OrderBook], object], words: str) -> None:
    book = OrderBook()
    with pytest.raises(OrderRejected, match=words):
        call(book)
    assert len(book) == 0 == book.messages


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"rules": 3}, r"rules must be VenueRules\(...\) or None, got 3"),
        ({"rules": {}}, r"rules must be VenueRules\(...\) or None, got {}"),
        ({"events": "yes"}, "events must be True or False, got 'yes'"),
        ({"orders": 1.5}, "orders must be an integer from 1 to .*, got 1.5"),
        ({"owners": True}, "owners must be an integer from 1 to .*, got True"),
        ({"ticks": "64"}, "ticks must be a power of two from 64 to .*, got '64'"),
    ],
)
def test_a_book_is_made_of_what_it_can_be(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        OrderBook(**arguments)


def test_time_does_not_go_back() -> None:
    book = OrderBook(events=True)
    book.time_ns = np.int64(5)  # type: ignore[assignment]
    book.time_ns = 5
    for wrong in (4, -1, 2**70, "x", 5.5, True):
        with pytest.raises(ValueError, match=rf"time_ns must be an integer from 5 to {2**62}, got {wrong!r}"):
            book.time_ns = wrong  # type: ignore[assignment]
    book.limit("buy", price=9, size=1)
    assert book.events["time_ns"].tolist() == [5]


@pytest.mark.parametrize("events", [True, False])
def test_a_refused_id_is_written_down_as_it_was_sent(events: bool) -> None:
    """One by one and many at once, however large it is; `status` knows what became of it."""
    book = OrderBook(events=events)
    book.limit("buy", price=9, size=1)
    ids = [2**31 - 1, 7, 5_000_000]
    book.apply(markets.messages(op=LIMIT, order_id=ids, price_ticks=[9, 0, 9], size=1))
    with pytest.raises(OrderRejected, match="id must be from 0 to .*, got 6000000"):
        book.limit("buy", price=9, size=1, id=6_000_000)
    assert book.rejects["order_id"].tolist() == [*ids, 6_000_000] and book.rejects["message"].tolist() == [1, 2, 3, 4]
    assert [Reason(r).name for r in book.rejects["reason"]] == ["IDS_EXHAUSTED", "BAD_PRICE", *["IDS_EXHAUSTED"] * 2]
    assert book.status(5_000_000) == book.status(6_000_000) == "rejected"
    assert book.copy().rejects.tolist() == book.rejects.tolist()


def test_messages_without_extras_may_mean_any_operation() -> None:
    """A FOK, a phase, an uncross have no field that a limit order has not: they too come in the shorter array."""
    book = OrderBook(events=True)
    fok, phase, uncross = 8, 13, 14
    day = markets.messages(
        op=[0, fok, fok, phase, 0, uncross, 0, 1],
        order_id=[0, 1, 2, 0, 3, 0, 4, 4],
        side=[1, 0, 0, 0, 0, 0, 0, 0],
        price_ticks=[100, 100, 100, 0, 101, 100, 99, 0],
        size=[5, 6, 2, 1, 1, 0, 1, 0],
    )
    assert book.apply(day).tolist() == [(0, 2, 100, 2), (3, 0, 100, 1)]
    assert not book.rejects.size and book.trading_phase == "continuous" and len(book) == 1


def test_what_is_the_engines_own_is_refused_from_outside() -> None:
    book, quote = OrderBook(), markets.messages(op=0, price_ticks=100, size=1)
    quote["op"] = 7
    book.apply(quote)
    assert book.rejects["reason"].tolist() == [Reason.BAD_OPERATION] and len(book) == 0
