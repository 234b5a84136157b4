"""Markets in lock-step do what each does alone."""

import numpy as np
import pytest

from benchmarks.book import deep_stream
from sekai.markets.engine.check import books_of, check
from sekai.markets.engine.jit import address_of
from sekai.markets.engine.layout import Book, Market
from sekai.markets.engine.many import LINE_WORDS, replay_each, rows_of
from sekai.markets.engine.replay import replay_special
from sekai.markets.engine.rows import new_row
from sekai.markets.engine.rules import lay_rules
from sekai.markets.engine.special import special
from sekai.markets.engine.terms import SelfTrade

MARKETS, ROUNDS = 7, 300


def a_row(*, has_rules: bool):
    row = new_row(ticks=256, orders=64, accounts=3, events=16, base=9_872, special=True)
    if has_rules:
        lay_rules(
            row,
            books_of(row)[0],
            {Book.SELF_TRADE: SelfTrade.CANCEL_OLDEST, Book.BAND_LOW: 9_980, Book.BAND_HIGH: 10_020},
        )
    return row


@pytest.mark.parametrize("has_rules", [False, True])
def test_many_markets_in_lock_step_end_as_each_does_alone(has_rules: bool) -> None:
    row, address = a_row(has_rules=has_rules), address_of(special)
    book = books_of(row)[0]
    streams = [deep_stream(seed, orders=ROUNDS, live=50)[:ROUNDS] for seed in range(MARKETS)]
    for seed, stream in enumerate(streams):
        stream["owner"] = np.random.default_rng(seed).integers(0, 3, len(stream))
    messages = np.stack([stream.view(np.int32).reshape(ROUNDS, -1) for stream in streams], axis=1)
    rows, handles = rows_of(row, MARKETS), np.zeros((MARKETS, ROUNDS), np.int32)
    replay_each(rows, messages, handles, book, address)
    assert rows[:, Market.MESSAGES].tolist() == [ROUNDS] * MARKETS
    assert (rows[:, Market.TRADES] > 0).all() and (rows[:, Market.REJECTS] > 0).all()
    for k, stream in enumerate(streams):
        alone, seen, log = row.copy(), np.zeros(ROUNDS, np.int32), np.zeros(0, np.int64)
        words = stream.view(np.int32)
        assert alone[Market.EVENT_STOP] == 0
        replay_special(alone, words, words.size // ROUNDS, seen, log, book, 0, 0, address)
        np.testing.assert_array_equal(rows[k, : row.size], alone)
        np.testing.assert_array_equal(handles[k], seen)
        check(rows[k])


def test_every_row_starts_a_cache_line() -> None:
    rows = rows_of(new_row(ticks=64, orders=17), 5)
    assert {row.ctypes.data % (8 * LINE_WORDS) for row in rows} == {0}
    assert rows.flags.c_contiguous


def test_an_id_beyond_the_handles_is_refused_and_hurts_nobody() -> None:
    row = a_row(has_rules=False)
    messages = np.array([[[0, -5, 0, 9_990, 1, 0]] * 5, [[1, 2**31 - 1, 0, 0, 0, 0]] * 5], np.int32)
    rows, handles = rows_of(row, 5), np.zeros((5, 4), np.int32)
    replay_each(rows, messages, handles, books_of(row)[0], address_of(special))
    assert rows[:, Market.REJECTS].tolist() == [2] * 5
