"""The bulk path: a day of orders in one kernel, the trades exact, and stopping anywhere changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from sekai.markets.book.messages import MESSAGE, messages, trades_of
from sekai.markets.engine.check import books_of, check
from sekai.markets.engine.grow import grown
from sekai.markets.engine.layout import Book, Event, Market, Order, Row
from sekai.markets.engine.replay import GROW, MESSAGE_WORDS, demand, replay
from sekai.markets.engine.rows import new_row
from sekai.markets.engine.terms import ALL_KINDS, Answer
from tests.markets.data.goog import goog, needs_goog
from tests.markets.referee.test_reference import random_messages


def play(
    stream: np.ndarray, *, events: int, log_events: int, pieces: int = 1, **capacity: int
) -> tuple[Row, np.ndarray]:
    """Replay a stream through a ring and a log of those sizes, emptying a full log; return the row and all events."""
    row = new_row(**({"ticks": 4096, "orders": 1024, "accounts": 8} | capacity), events=events)
    row[Market.EVENT_STOP], row[Market.EVENT_KINDS] = 1, ALL_KINDS
    handles, log, kept = np.zeros(len(stream) + 1, np.int32), np.zeros(log_events * Event.WORDS, np.int64), []
    for piece in np.array_split(stream, pieces):
        words, done, code = piece.view(np.int32), 0, Answer.DRAIN
        while code != Answer.DONE:
            done, logged, code = replay(row, words, handles, log, books_of(row)[0], done, 0)
            check(row)
            kept.append(log[: logged * Event.WORDS].reshape(-1, Event.WORDS).copy())
    return row, np.concatenate(kept)


def test_the_message_is_what_the_kernel_reads() -> None:
    assert MESSAGE.itemsize == 4 * MESSAGE_WORDS
    stream = messages(op=[0, 5, 2], order_id=[3, 1, 9], side=1, price_ticks=[7, 8, 900], size=1, owner=[0, 4, 1])
    assert demand(stream.view(np.int32)) == (9, 4, 7, 8)  # an immediate order needs no place on the ladder
    assert demand(stream[2:].view(np.int32)) == (9, 1, 1 << 31, -1)


def test_stopping_anywhere_changes_nothing() -> None:
    stream = random_messages(7, 4_000)
    plain, events = play(stream, events=1 << 16, log_events=1 << 16)
    assert plain[Market.TRADES] > 500 and plain[Market.REJECTS] > 300
    for ring, log, pieces in ((16, 1 << 16, 1), (16, 7, 1), (64, 1 << 16, 50), (1 << 16, 10, 3)):
        row, same = play(stream, events=ring, log_events=log, pieces=pieces)
        assert np.array_equal(same, events), (ring, log, pieces)
        assert row[books_of(row)[0] + Book.LIVE] == plain[books_of(plain)[0] + Book.LIVE]


def test_an_elastic_row_stops_before_what_it_has_no_room_for() -> None:
    stream = messages(op=0, order_id=[0, 1, 2], side=0, price_ticks=[10, 70, 10], size=1, owner=[0, 0, 9])
    row, handles, log = new_row(ticks=64, orders=2), np.zeros(2, np.int32), np.zeros(800, np.int64)
    row[Market.ELASTIC] = 1
    book, words = books_of(row)[0], stream.view(np.int32)
    assert replay(row, words, handles, log, book, 0, 0)[::2] == (1, GROW)  # price 70
    row = grown(row, ticks=128, orders=2, accounts=4, base=0)
    book = books_of(row)[0]
    assert replay(row, words, handles, log, book, 1, 0)[::2] == (2, GROW)  # owner 9, id 2, and the third order
    row[Market.ELASTIC] = 0
    assert replay(row, words, handles, log, book, 2, 0)[::2] == (3, Answer.DONE) and row[Market.REJECTS] == 1
    check(row)


@pytest.mark.parametrize(("ticks", "base"), [(4096, 0), (2048, 300), (1 << 16, 17)])
def test_a_grown_row_goes_on_as_the_old_one(ticks: int, base: int) -> None:
    """Same queues and places: the orders to come make the same events, on a wider ladder or a shifted one."""
    stream = random_messages(9, 3_000, far=0.0)
    row, _ = play(stream[:1500], events=1 << 14, log_events=1 << 14, ticks=2048, orders=1000)
    new = grown(row, ticks=ticks, orders=1100, accounts=9, base=base)
    check(new)
    book, new_book = books_of(row)[0], books_of(new)[0]
    assert new[new_book + Book.LIVE] == row[book + Book.LIVE] > 20 and new[new_book + Book.CAPACITY] == 1100
    assert new[new_book + Book.LAST] + new[new_book + Book.BASE] == row[book + Book.LAST]
    assert new[new_book + Book.MARK] + 2 * new[new_book + Book.BASE] == row[book + Book.MARK]
    logs = []
    for one in (row, new):
        one[Market.ELASTIC] = 0
        handles = np.zeros(len(stream), np.int32)
        i32, at = one.view(np.int32), books_of(one)[0]
        live = i32[int(one[at + Book.SLOTS]) : int(one[at + Book.SLOTS]) + int(one[at + Book.LIVE])]
        handles[i32[live + Order.TAG]] = live
        log = np.zeros(1 << 18, np.int64)
        done, logged, code = replay(one, stream[1500:].view(np.int32), handles, log, at, 0, 0)
        assert (done, code) == (1500, Answer.DONE)
        logs.append(log[: logged * Event.WORDS])
    assert np.array_equal(*logs)


@needs_goog
def test_the_real_day_makes_its_trades() -> None:
    """All 7,602 trades of GOOG on 2012-06-21, on which three independent engines agree: same order, same numbers."""
    stream, trades = goog()
    row, events = play(stream, events=64, log_events=1 << 19, base=55_600)
    assert np.array_equal(trades_of(events).view(np.int64).reshape(-1, 4), trades) and row[Market.REJECTS] == 0
