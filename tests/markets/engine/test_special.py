"""What is not plain: the same tape whatever the ring holds and wherever the row is copied, and the edges as edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sekai import markets
from sekai.markets import OrderBook, OrderRejected
from sekai.markets.book.messages import EventKind, Reason
from sekai.markets.engine.check import accounts_of, books_of, check
from sekai.markets.engine.events import drain
from sekai.markets.engine.grow import grown
from sekai.markets.engine.layout import Account, Book, Market, Message, Row
from sekai.markets.engine.replay import ANYONE, note, send_special
from sekai.markets.engine.rows import new_row
from sekai.markets.engine.rules import lay_rules
from sekai.markets.engine.special import special
from sekai.markets.engine.terms import MAX_SIZE, Answer, Flag, Gate, Op, SelfTrade
from sekai.markets.rules import VenueRules

RULES: dict[str, dict[int, int]] = {
    "plain": {},
    "decrement, fees": {
        Book.SELF_TRADE: SelfTrade.DECREMENT,
        Book.MAKER_FEE: -2_000,
        Book.TAKER_FEE: 3_000,
        Book.TAKER_FEE_PER_LOT: 1,
    },
    "pro-rata, cancel both": {Book.PRO_RATA: 1, Book.TOP_ORDER: 1, Book.SELF_TRADE: SelfTrade.CANCEL_BOTH},
    "pro-rata, cancel oldest": {Book.PRO_RATA: 1, Book.SELF_TRADE: SelfTrade.CANCEL_OLDEST, Book.MOST_POSITION: 60},
    "halting": {Book.HALT_LOW: 92, Book.HALT_HIGH: 108},
}
_OPS = (Op.LIMIT, Op.IOC, Op.FOK, Op.AON, Op.MARKET, Op.STOP, Op.STOP_LIMIT, Op.TRAILING_STOP)
_CHANGES = (Op.CANCEL, Op.REDUCE, Op.MODIFY, Op.MASS_CANCEL)


def draw_message(rng: np.random.Generator, number: int) -> tuple[int, ...]:
    """Draw op, id, side, price, size, owner, stop, display, flags: orders of every kind close to 100, and changes."""
    side, price, size = int(rng.integers(2)), int(rng.integers(90, 111)), int(rng.integers(1, 13))
    if rng.random() < 0.04:
        return (Op.UNCROSS, 0, 0, price, 0, 0, 0, 0, 0) if rng.random() < 0.7 else (Op.PHASE, 0, 0, 0, 1, 0, 0, 0, 0)
    if rng.random() < 0.25:
        op = int(rng.choice(_CHANGES, p=[0.4, 0.2, 0.35, 0.05]))
        named = max(0, number - int(rng.integers(1, 30)))
        return op, named, 0, price, size, int(rng.integers(4)) if op == Op.MASS_CANCEL else ANYONE, 0, 0, 0
    op = int(rng.choice(_OPS, p=[0.5, 0.06, 0.06, 0.08, 0.08, 0.08, 0.06, 0.08]))
    stop, display, flags = (int(rng.integers(1, 6)) if op == Op.TRAILING_STOP else int(rng.integers(90, 111))), 0, 0
    if op == Op.LIMIT and rng.random() < 0.5:
        flags = Flag.HIDDEN if rng.random() < 0.4 else Flag.ICEBERG
        display = int(rng.integers(1, size + 1)) if flags == Flag.ICEBERG else 0
    return op, number, side, price, size, int(rng.integers(4)), stop, display, flags


def played(rules: dict[int, int], seed: int, *, ring: int, copies: bool) -> tuple[list[list[int]], Row]:
    """Play a drawn session; return all events and the row. With `copies` the row moves whenever it stops."""
    row = new_row(ticks=128, orders=512, accounts=4, events=ring, base=40, special=True)
    book, handles, rng = books_of(row)[0], np.zeros(2048, np.int32), np.random.default_rng(seed)
    lay_rules(row, book, rules)
    row[Market.EVENT_STOP] = 1
    log: list[list[int]] = []
    for number in range(400):
        code = send_special(row, handles, book, *draw_message(rng, number))
        while code in (Answer.SPECIAL, Answer.DRAIN):
            if code == Answer.DRAIN:
                if copies:
                    check(row)
                    row = row.copy()
                log += drain(row).tolist()
            code = special(row, 0)
        if code == Answer.DONE:
            note(row, handles)
        if number % 20 == 0:
            check(row)
    log += drain(row).tolist()
    return log, row


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_stopping_and_moving_anywhere_changes_nothing(rules: dict[int, int]) -> None:
    """A ring of 16 stops inside sweeps, shares, elections and calls; each time the row is checked and copied."""
    for seed in range(4):
        wide, at_ease = played(rules, seed, ring=4096, copies=False)
        narrow, in_haste = played(rules, seed, ring=16, copies=True)
        assert narrow == wide and len(wide) > 400
        assert {event[1] & 255 for event in wide} >= {EventKind.TRADED, EventKind.TRIGGERED, EventKind.PHASED}
        assert np.array_equal(accounts_of(in_haste), accounts_of(at_ease))
        check(in_haste)


def test_a_larger_row_goes_on_as_the_smaller_one_would() -> None:
    """Grown in the middle of a call, with stops, icebergs and hidden orders in it."""
    book = OrderBook(ticks=64, orders=4, owners=1, events=True, rules=VenueRules(last_trade=100, taker_fee_per_lot=2))
    for k in range(6):
        book.limit("sell", price=110 + k, size=10, display=3, owner=k)
        book.limit("buy", price=90 - k, size=10, hidden=True, owner=k)
    stops = [book.stop("buy", stop=111, size=2), book.trailing_stop("sell", offset=9, size=1)]
    limited = book.stop_limit("buy", stop=112, price=113, size=4)
    book.phase("auction")
    waiting = book.market("buy", size=12, owner=70)
    book.limit("buy", price=40_000, size=1, owner=71)
    book.check()
    assert book.pending_stops == [*stops, limited] and book.status(waiting) == "live" and book.visible(waiting) == 0
    assert book.depth().bids.tolist() == [(40_000, 1, 1)] and book.best_bid == 40_000
    assert book.uncross() == 111 and book.position(70) == 12 and book.position(71) == 1
    assert book.status(stops[0]) == "filled" and book.status(limited) == "pending"
    assert book.venue_cash == -book.accounts["cash"].sum() > 0
    book.check()


def test_a_trailing_stop_keeps_its_best_price_when_the_ladder_moves() -> None:
    book = OrderBook(ticks=64, events=True, rules=VenueRules(last_trade=1_000))
    stop = book.trailing_stop("sell", offset=50, size=1, owner=1)
    book.limit("buy", price=1_040, size=1)
    book.limit("sell", price=1_040, size=1)
    book.limit("buy", price=60, size=1)  # a ladder from 60 to 1,040
    book.limit("buy", price=990, size=2)
    assert book.pending_stops == [stop]
    book.limit("sell", price=990, size=1)
    assert book.pending_stops == [] and book.trades.tolist()[-1] == (4, stop, 990, 1)
    book.check()


# --- the gate ---------------------------------------------------------------------------------------------------------


def test_the_gate_opens_for_what_is_special_only() -> None:
    book = OrderBook(rules=VenueRules(tick=5))
    row, at = book._row, book._book + Book.GATE
    assert row[at] == Gate.CHECKED
    order = book.limit("buy", price=100, size=9, hidden=True)
    assert row[at] == Gate.CHECKED | Gate.SPECIAL_TRADES | Gate.SPECIAL_ALL and row[book._book + Book.HIDDENS] == 1
    book.limit("buy", price=100, size=9, display=2, id=7)
    book.cancel(order)
    assert row[at] == Gate.CHECKED | Gate.SPECIAL_TRADES
    book.market("sell", size=9)
    assert row[at] == Gate.CHECKED and book.trades["size"].tolist() == [2, 2, 2, 2, 1]
    book.phase("halt")
    assert row[at] == Gate.CHECKED | Gate.SPECIAL_ALL and book.halted
    book.phase("continuous")
    assert row[at] == Gate.CHECKED
    book.check()


def test_a_row_without_room_for_them_refuses_special_orders_and_rules() -> None:
    row = new_row(ticks=64)
    book, handles = books_of(row)[0], np.zeros(8, np.int32)
    with pytest.raises(ValueError, match="special=True"):
        lay_rules(row, book, {Book.SELF_TRADE: SelfTrade.CANCEL_BOTH})
    lay_rules(row, book, {})
    for op, flags in ((Op.STOP, 0), (Op.AON, 0), (Op.LIMIT, Flag.HIDDEN), (Op.LIMIT, Flag.ICEBERG)):
        assert send_special(row, handles, book, op, 1, 0, 10, 5, 0, 10, 2, flags) == Answer.SPECIAL
        assert special(row, 0) == Answer.REJECTED and row[Message.REASON] == Reason.BAD_OPERATION
    assert row[Market.REJECTS] == 4 and row[book + Book.LIVE] == 0
    check(row)


# --- edges ------------------------------------------------------------------------------------------------------------


def full_book() -> tuple[Row, int, NDArray[np.int32]]:
    """A row of four slots with bids at 50, 49 and 48, and an iceberg offered at 60."""
    row = new_row(ticks=64, orders=4, special=True)
    book, handles = books_of(row)[0], np.zeros(64, np.int32)
    for number, (side, price, flags) in enumerate(((0, 50, 0), (0, 49, 0), (0, 48, 0), (1, 60, Flag.ICEBERG))):
        assert deliver(row, handles, book, Op.LIMIT, number, side, price, 5, 0, 0, 2, flags) == Answer.DONE
    assert row[book + Book.LIVE] == row[book + Book.CAPACITY]
    return row, book, handles


def deliver(row: Row, handles: NDArray[np.int32], book: int, *message: int) -> int:
    assert send_special(row, handles, book, *message) == Answer.SPECIAL
    code = int(special(row, 0))
    if code == Answer.DONE:
        note(row, handles)
    check(row)
    return code


def test_a_full_book() -> None:
    """What needs a slot is refused, and nothing is lost; what frees one as it trades is not."""
    row, book, handles = full_book()
    for op, price in ((Op.LIMIT, 55), (Op.AON, 60), (Op.STOP, 70), (Op.TRAILING_STOP, 9)):
        size = 6 if op == Op.AON else 5  # more than is offered
        assert deliver(row, handles, book, op, 9, 0, price, size, 1, price, 0, 0) == Answer.REJECTED
        assert row[Message.REASON] == Reason.BOOK_FULL and row[book + Book.LIVE] == 4
    assert (
        deliver(row, handles, book, Op.LIMIT, 10, 0, 60, 7, 1, 0, 0, 0) == Answer.DONE
    )  # eats the iceberg, rests with 2
    assert row[book + Book.LIVE] == 4
    assert deliver(row, handles, book, Op.PHASE, 0, 0, 0, 1, 0, 0, 0, 0) == Answer.DONE
    assert deliver(row, handles, book, Op.MARKET, 11, 0, 0, 7, 1, 0, 0, 0) == Answer.REJECTED
    assert row[Message.REASON] == Reason.BOOK_FULL


def test_the_edges_of_the_ladder() -> None:
    row = new_row(ticks=64, base=100, special=True)
    book, handles = books_of(row)[0], np.zeros(64, np.int32)
    for op, price, stop in ((Op.AON, 99, 0), (Op.AON, 164, 0), (Op.STOP_LIMIT, 164, 120)):
        assert deliver(row, handles, book, op, 1, 0, price, 5, 0, stop, 0, 0) == Answer.REJECTED
        assert row[Message.REASON] == Reason.BEYOND_LADDER
    assert (
        deliver(row, handles, book, Op.STOP_LIMIT, 1, 0, 163, 5, 0, 10_000, 0, 0) == Answer.DONE
    )  # a trigger may be anywhere
    for op, number, price in ((Op.LIMIT, 2, 163), (Op.FOK, 3, 99), (Op.FOK, 4, 10_000)):
        assert (
            deliver(row, handles, book, op, number, 1 - (op == Op.FOK and price > 163), price, 5, 0, 0, 0, 0)
            == Answer.DONE
        )
    assert accounts_of(row)[:, Account.CASH].sum() == 0 and row[book + Book.LIVE] == 1  # the last bought at the top


def test_a_level_holds_no_more_than_a_number_can() -> None:
    """An iceberg's reserve counts, so that no tranche to come can overflow the level."""
    book = OrderBook()
    book.limit("buy", price=100, size=MAX_SIZE // 2, display=1)
    with pytest.raises(OrderRejected) as refused:
        book.limit("buy", price=100, size=MAX_SIZE // 2 + 2)
    assert refused.value.reason is Reason.LEVEL_FULL
    book.limit("buy", price=100, size=MAX_SIZE // 2 + 1)
    book.check()


def test_fees_are_exact_at_the_largest_value() -> None:
    """A value near 2**62 hundredths, at a rate of a hundred percent less one part."""
    fee = 99.9999
    book = OrderBook(rules=VenueRules(taker_fee_bps=fee * 100, maker_fee_bps=-0.0001))
    price, size = 2**31 - 1, 2**24
    book.limit("sell", price=price, size=size, owner=1)
    book.limit("buy", price=price, size=size, owner=2, tif="ioc")
    value = price * size * 100
    taker, maker = (2 * value * 999_999 + 10**6) // (2 * 10**6), (2 * value + 10**8) // (2 * 10**8)
    assert book.accounts["cash"].tolist()[1:3] == [value + maker, -value - taker]
    assert book.venue_cash == taker - maker
    book.check()


def test_stops_by_the_hundred_elect_each_other() -> None:
    """Each sale at a bid elects the next stop below it, a ring's worth of events from one message."""
    book = OrderBook(events=True, rules=VenueRules(last_trade=1_000))
    for k in range(300):
        book.stop("sell", stop=990 - k, size=1, owner=1)
        book.limit("buy", price=990 - k, size=1, owner=2)
    first = book.limit("sell", price=990, size=1, owner=3)
    assert len(book.trades) == 300 and book.trades["taker"].tolist()[0] == first
    assert book.last == 691 and len(book) == 0 and book.status(598) == "cancelled"  # the last stop found no bid
    book.check()


def test_a_day_of_special_messages_at_once_is_the_same_as_one_by_one() -> None:
    rng = np.random.default_rng(5)
    drawn: Any = np.array([draw_message(rng, k) for k in range(3_000)])
    drawn[drawn == ANYONE] = 0
    names = ("op", "order_id", "side", "price_ticks", "size", "owner", "stop_ticks", "display", "flags")
    stream = markets.messages(**{name: drawn[:, k] for k, name in enumerate(names)})
    whole, parts = OrderBook(ticks=64, orders=1, owners=1, events=True), OrderBook(events=True)
    trades = whole.apply(stream)
    for k in range(0, len(stream), 7):
        parts.apply(stream[k : k + 7])
        parts = parts.copy()
    assert np.array_equal(whole.events, parts.events) and len(trades) > 500
    whole.check()
    assert grown(whole._row, ticks=256, orders=4096, accounts=64, base=0).size > whole._row.size
    assert accounts_of(whole._row)[:, Account.FEES].sum() == 0


def test_a_trailing_stop_remembers_a_price_that_the_ladder_has_left() -> None:
    """The ladder moves up, away from the lowest price since entry, and the stop still counts from that price."""
    book = OrderBook(ticks=1024)

    def trade_at(price: int) -> None:
        book.limit("sell", price=price, size=1, owner=1)
        book.limit("buy", price=price, size=1, owner=2)

    trade_at(100)
    stop = book.trailing_stop("buy", offset=1_050, size=1, owner=2)
    for price in (1_000, 1_100, 1_149):
        trade_at(price)
        assert book.status(stop) == "pending"
    assert int(book._row[book._book + Book.BASE]) > 100
    book.limit("sell", price=1_170, size=1, owner=1)
    trade_at(1_150)
    assert stop not in book and book.last == 1_170
