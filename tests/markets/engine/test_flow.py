"""Background flow against the paper that it comes from (Cont, Stoikov, Talreja, Oper. Res. 2010)."""

import math

import numpy as np
import pytest

from sekai.markets.config import Market, Venue, ZeroIntelligence
from sekai.markets.engine import layout as at
from sekai.markets.engine import terms
from sekai.markets.engine.book import best
from sekai.markets.engine.matching import submit
from sekai.markets.engine.packing import pair
from sekai.markets.engine.simulate import advance, start
from sekai.markets.population import populate

REPEATS = 12_000
TABLE_3 = {
    (1, 1): 0.500, (1, 2): 0.336, (1, 3): 0.259, (1, 4): 0.216, (1, 5): 0.188,
    (2, 1): 0.664, (2, 2): 0.500, (2, 3): 0.407, (2, 4): 0.348, (2, 5): 0.307,
}  # fmt: skip


def _market_with_best_queues(bids: int, asks: int):
    """Return a market at a spread of one tick with so many unit orders at the best, and 4 at each price behind."""
    flow = ZeroIntelligence(pace=60.0, depth_ticks=5)
    population = populate(Market(seats=(), flow=flow, venue=Venue(ladder_ticks=128), session_s=1e6))
    row = population.row
    book = int(row[at.Market.BOOKS])
    while row[book + at.Book.LIVE]:
        _cancel_first(row, book)
    middle = 64
    for distance in range(8):
        for side, price, queue in ((terms.BUY, middle - distance, bids), (terms.SELL, middle + 1 + distance, asks)):
            for _ in range(queue if distance == 0 else 4):
                row[at.Market.SERIAL] += 1
                assert (
                    submit(
                        row, book, terms.Op.LIMIT, side, row[at.Market.BACKGROUND], price, 1, row[at.Market.SERIAL], 0
                    )
                    == terms.Answer.DONE
                )
    return population, book


def _cancel_first(row, book):
    i32 = row.view(np.int32)
    order = int(i32[row[book + at.Book.SLOTS]])
    order_id = pair(int(i32[order + at.Order.TAG]), order)
    submit(row, book, terms.Op.CANCEL, 0, row[at.Market.BACKGROUND], 0, 0, 0, order_id)


@pytest.mark.parametrize(("bids", "asks"), TABLE_3)
def test_the_mid_moves_up_next_as_often_as_in_table_3(bids, asks):
    population, book = _market_with_best_queues(bids, asks)
    row, mark = population.row.copy(), int(population.row[book + at.Book.MARK])
    ups = 0
    for repeat in range(REPEATS):
        np.copyto(row, population.row)
        start(row, 3, repeat)
        while row[book + at.Book.MARK] == mark:
            advance(row, population.addresses, terms.FOREVER, 1)
        ups += int(row[book + at.Book.MARK] > mark)
    chance = TABLE_3[bids, asks]
    assert abs(ups / REPEATS - chance) < 3 * math.sqrt(chance * (1 - chance) / REPEATS)


def test_orders_arrive_and_leave_at_the_rates_that_were_asked_for():
    """Counts over ten simulated hours, at distances that the market's own state says, within four standard errors."""
    flow = ZeroIntelligence(depth_ticks=20)
    population = populate(Market(seats=(), flow=flow, session_s=1e6), record=True)
    row, minutes = population.row, 600.0
    start(row, 1, 0)
    limits, markets, cancels = 0, 0, 0
    while True:
        code = advance(row, population.addresses, int(minutes * 60e9), 1 << 60)
        first, capacity = int(row[at.Market.EVENTS]), int(row[at.Market.EVENT_CAPACITY])
        ring = row[first : first + 8 * capacity].reshape(capacity, 8)
        for k in range(int(row[at.Market.EVENT_TAIL]), int(row[at.Market.EVENT_HEAD])):
            event = ring[k % capacity]
            kind, op = int(event[at.Event.WHAT]) & 255, int(event[at.Event.OTHER])
            limits += kind == terms.Kind.ACCEPTED and op == terms.Op.LIMIT
            markets += kind == terms.Kind.ACCEPTED and op == terms.Op.MARKET
            cancels += kind == terms.Kind.CANCELLED
        row[at.Market.EVENT_TAIL] = row[at.Market.EVENT_HEAD]
        if code == terms.Answer.DONE:
            break
    expected = 2 * minutes * sum(flow.limit_rate_per_min(i) for i in range(1, 21))
    assert abs(limits - expected) < 4 * math.sqrt(expected)
    expected = 2 * minutes * flow.market_per_min
    assert abs(markets - expected) < 4 * math.sqrt(expected)
    assert abs(limits - markets - cancels) < 4 * math.sqrt(limits)  # what comes goes: nothing piles up


def test_a_pace_is_a_change_of_clock_and_of_nothing_else():
    def tape(pace):
        population = populate(Market(seats=(), flow=ZeroIntelligence(pace=pace), session_s=1e8))
        row, book, prices = population.row, int(population.row[at.Market.BOOKS]), []
        start(row, 5, 0)
        for _ in range(2000):
            advance(row, population.addresses, terms.FOREVER, 1)
            prices.append((best(row, book + at.Book.BID), best(row, book + at.Book.ASK)))
        return prices, int(row[at.Market.NOW])

    (slow, slow_ns), (fast, fast_ns) = tape(1.0), tape(1000.0)
    assert slow == fast
    assert slow_ns / fast_ns == pytest.approx(1000.0, rel=1e-5)
