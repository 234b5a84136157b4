"""The rules of matching as stories, the edges as edges, and the same tape whatever the ring holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sekai.markets.engine.book import best, find, price_of
from sekai.markets.engine.check import accounts_of, books_of, check
from sekai.markets.engine.events import drain
from sekai.markets.engine.layout import Account, Book, Event, Market, Message, Row
from sekai.markets.engine.ledger import wealth
from sekai.markets.engine.matching import handle, submit
from sekai.markets.engine.rows import new_row
from sekai.markets.engine.terms import (
    ALL_KINDS,
    BUY,
    KEEP,
    MAX_PRICE,
    MAX_SIZE,
    MAX_TAG,
    MAX_TICKS,
    SELL,
    Answer,
    Kind,
    Op,
    Reason,
)

ANNA, BEN, CARL = 0, 1, 2


class Venue:
    """One row, told in words; every message is checked for what it must leave behind."""

    def __init__(self, book: int = 0, **capacity: int) -> None:
        self.row: Row = new_row(**({"ticks": 256, "orders": 16, "events": 64} | capacity))
        self.book = books_of(self.row)[book]
        self.tag = -1
        self.log: list[list[int]] = []

    def send(
        self, op: int, owner: int, side: int = 0, price: int = 0, size: int = 0, order: int = 0, **more: int
    ) -> int:
        """Send a message through to its end; return the id of the order that rests, or minus the reason."""
        self.tag += op in (Op.LIMIT, Op.IOC, Op.MARKET)
        tag = more.get("tag", self.tag)
        code = submit(self.row, self.book, op, side, owner, price, size, tag, order)
        while code == Answer.DRAIN:
            self.log += drain(self.row).tolist()
            code = handle(self.row)
        assert code == (Answer.DONE if self.row[Message.REASON] == Reason.OK else Answer.REJECTED)
        check(self.row)
        self.log += drain(self.row).tolist()
        return int(self.row[Message.ORDER]) if code == Answer.DONE else -int(self.row[Message.REASON])

    def buy(self, owner: int, price: int, size: int) -> int:
        return self.send(Op.LIMIT, owner, BUY, price, size)

    def sell(self, owner: int, price: int, size: int) -> int:
        return self.send(Op.LIMIT, owner, SELL, price, size)

    @property
    def best(self) -> tuple[int, int]:
        return best(self.row, self.book + Book.BID), best(self.row, self.book + Book.ASK)

    @property
    def filled(self) -> int:
        return int(self.row[Message.FILLED])

    @property
    def trades(self) -> list[tuple[int, int, int, int]]:
        """The trades so far: maker, taker, price, size."""
        fields = (Event.ORDER, Event.OTHER, Event.PRICE, Event.SIZE)
        return [tuple(e[f] for f in fields) for e in self.log if e[Event.WHAT] & 255 == Kind.TRADED]  # type: ignore[misc]

    @property
    def kinds(self) -> list[int]:
        return [event[Event.WHAT] & 255 for event in self.log]


def test_a_morning() -> None:
    """One event a line."""
    v = Venue()
    first = v.sell(ANNA, 101, 5)
    v.sell(BEN, 101, 5)
    v.sell(BEN, 103, 5)
    v.buy(CARL, 99, 4)
    assert v.best == (99, 101) and v.trades == []
    v.buy(CARL, 101, 7)  # Anna was first
    assert v.trades == [(0, 4, 101, 5), (1, 4, 101, 2)] and v.filled == 7
    assert v.send(Op.CANCEL, ANNA, order=first) == -Reason.UNKNOWN_ORDER  # it has traded
    v.buy(CARL, 102, 9)  # three trade, six rest: the price is Ben's, not Carl's
    assert v.trades[2:] == [(1, 5, 101, 3)] and v.best == (102, 103)
    v.send(Op.MARKET, ANNA, SELL, size=8)  # walks down, best first
    assert v.trades[3:] == [(5, 6, 102, 6), (3, 6, 99, 2)] and v.best == (99, 103)
    v.send(Op.IOC, ANNA, BUY, 103, 9)  # takes what is there and goes
    assert v.trades[5:] == [(2, 7, 103, 5)] and v.filled == 5 and v.row[Message.TAKEN] == 4 and v.best == (99, -1)
    assert v.send(Op.MARKET, BEN, BUY, size=1) == 0 and v.filled == 0  # nobody sells: cancelled, not refused
    a = accounts_of(v.row)
    assert a[:, Account.POSITION].tolist() == [-8 + 5 - 5, -5 - 5, 7 + 3 + 6 + 2, 0]
    assert a[ANNA, Account.CASH] == 100 * (5 * 101 + 6 * 102 + 2 * 99 - 5 * 103)


def test_edge_is_earned_against_the_mark_that_the_message_found() -> None:
    v = Venue()
    v.sell(ANNA, 102, 5)
    v.sell(ANNA, 104, 5)
    v.send(Op.MARKET, BEN, BUY, size=1)
    assert accounts_of(v.row)[:, Account.EDGE].tolist() == [0, 0, 0, 0]  # there is no mark yet
    v.buy(CARL, 100, 5)
    assert v.row[v.book + Book.MARK] == 202
    v.send(Op.MARKET, BEN, BUY, size=6)  # four at 102, two at 104: the mark stays at 101 all the while
    assert accounts_of(v.row)[:, Account.EDGE].tolist() == [100 * (4 * 1 + 2 * 3), -100 * (4 * 1 + 2 * 3), 0, 0]
    assert v.row[v.book + Book.MARK] == 204
    assert [wealth(v.row, owner) for owner in range(3)] == [100 * (5 * 102 + 2 * 104 - 7 * 102), 400 - 100 * 4 - 400, 0]


def test_modify_keeps_its_place_or_loses_it() -> None:
    v = Venue()
    a, b = v.buy(ANNA, 100, 5), v.buy(BEN, 100, 5)
    assert v.send(Op.MODIFY, ANNA, price=KEEP, size=4, order=a) == a  # smaller: still first
    assert v.send(Op.MODIFY, ANNA, price=100, size=KEEP, order=a) == a  # nothing changed: still first
    v.send(Op.MARKET, CARL, SELL, size=1)
    assert v.trades == [(0, 2, 100, 1)]
    assert v.send(Op.MODIFY, ANNA, price=KEEP, size=6, order=a) == a  # larger: last, and the same id
    v.send(Op.MARKET, CARL, SELL, size=1)
    assert v.trades[1:] == [(1, 3, 100, 1)]
    v.sell(CARL, 103, 2)
    assert v.send(Op.MODIFY, BEN, price=104, size=KEEP, order=b) == b  # crosses: trades as taker, then rests
    assert v.trades[2:] == [(4, 1, 103, 2)] and v.filled == 2 and v.best == (104, -1)
    for price, size, reason in (
        (KEEP, -1, Reason.BAD_SIZE),
        (0, KEEP, Reason.BAD_PRICE),
        (256, 1, Reason.BEYOND_LADDER),
    ):
        assert v.send(Op.MODIFY, ANNA, price=price, size=size, order=a) == -reason  # and it stays where it was
        assert find(v.row, v.book, a) and v.best == (104, -1)
    assert v.send(Op.MODIFY, ANNA, price=KEEP, size=0, order=a) == 0 and not find(v.row, v.book, a)
    v.sell(CARL, 104, 1)
    v.sell(CARL, 105, 9)
    assert v.send(Op.MODIFY, BEN, price=105, size=9, order=b) == 0  # trades whole: its slot is free again
    assert v.row[v.book + Book.LIVE] == 0 and v.kinds.count(Kind.REPLACED) == 3


def test_reduce_and_cancel() -> None:
    v = Venue()
    a, b = v.buy(ANNA, 100, 5), v.buy(BEN, 100, 5)
    assert v.send(Op.REDUCE, ANNA, size=2, order=a) == a and v.row[Message.TAKEN] == 2
    assert v.send(Op.REDUCE, ANNA, size=0, order=a) == -Reason.BAD_SIZE
    assert v.send(Op.REDUCE, BEN, size=1, order=a) == -Reason.NOT_OWNER
    assert v.send(Op.CANCEL, BEN, order=a) == -Reason.NOT_OWNER
    assert v.send(Op.REDUCE, ANNA, size=MAX_SIZE + 9, order=a) == 0 and v.row[Message.TAKEN] == 3
    assert v.send(Op.CANCEL, BEN, order=b) == 0 and v.row[Message.TAKEN] == 5
    assert v.kinds == [
        Kind.ACCEPTED,
        Kind.ACCEPTED,
        Kind.REDUCED,
        Kind.REJECTED,
        Kind.REJECTED,
        Kind.REJECTED,
        Kind.CANCELLED,
        Kind.CANCELLED,
    ]
    assert accounts_of(v.row)[BEN, [Account.SENT, Account.REJECTED]].tolist() == [4, 2]


def test_mass_cancel_takes_one_owner_and_one_book() -> None:
    v = Venue(books=2)
    v.buy(ANNA, 90, 1)
    v.book = books_of(v.row)[1]
    for k in range(6):
        v.buy((ANNA, BEN)[k % 2], 100 + k // 2, 1)
        v.sell((ANNA, BEN)[k % 2], 110 + k // 2, 1)
    v.send(Op.MASS_CANCEL, ANNA)
    assert v.row[Message.TAKEN] == 6 and v.row[v.book + Book.LIVE] == 6 and v.row[books_of(v.row)[0] + Book.LIVE] == 1
    v.send(Op.MASS_CANCEL, CARL)
    assert v.row[Message.TAKEN] == 0


def test_stale_and_made_up_ids_are_no_orders() -> None:
    v = Venue(books=2)
    a = v.buy(ANNA, 100, 5)
    v.send(Op.CANCEL, ANNA, order=a)
    b = v.buy(ANNA, 100, 5)
    assert a & 0xFFFFFFFF == b & 0xFFFFFFFF  # the same slot
    for order in (a, 0, -1, b + 1, b + 8, b - 8, b & 0xFFFFFFFF, b | 1 << 62, int(np.iinfo(np.int64).min), -b):
        assert v.send(Op.CANCEL, ANNA, order=order) == -Reason.UNKNOWN_ORDER
    v.book = books_of(v.row)[1]
    assert v.send(Op.CANCEL, ANNA, order=b) == -Reason.UNKNOWN_ORDER  # it lives in the other book


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"size": 0}, Reason.BAD_SIZE),
        ({"size": -1}, Reason.BAD_SIZE),
        ({"size": MAX_SIZE + 1}, Reason.BAD_SIZE),
        ({"price": 0}, Reason.BAD_PRICE),
        ({"price": -5}, Reason.BAD_PRICE),
        ({"price": MAX_PRICE + 1}, Reason.BAD_PRICE),
        ({"price": 256}, Reason.BEYOND_LADDER),
        ({"owner": -1}, Reason.BAD_OWNER),
        ({"owner": 4}, Reason.BAD_OWNER),
        ({"side": 2}, Reason.BAD_SIDE),
        ({"op": 77}, Reason.UNKNOWN_ORDER),
        ({"op": 77, "order": 1}, Reason.BAD_OPERATION),
        ({"tag": -1}, Reason.TAGS_EXHAUSTED),
        ({"tag": MAX_TAG + 1}, Reason.TAGS_EXHAUSTED),
        ({"order": 1}, Reason.DUPLICATE_TAG),
    ],
)
def test_what_is_refused(message: dict[str, int], reason: int) -> None:
    """The book does not change, and the refusal is counted, told, and written down."""
    v = Venue()
    live = v.buy(ANNA, 100, 5)
    before = v.row.copy()
    order = live if message.get("order") else 0
    sent: dict[str, Any] = (
        {"op": Op.LIMIT, "owner": ANNA, "side": BUY, "price": 99, "size": 1} | message | {"order": order}
    )
    assert v.send(**sent) == -reason
    assert v.row[Market.REJECTS] == 1 and v.log[-1][Event.WHAT] >> 8 & 255 == reason and v.kinds[-1] == Kind.REJECTED
    assert np.array_equal(v.row[v.book : v.book + Book.WORDS], before[v.book : v.book + Book.WORDS])


def test_a_full_book_refuses_what_would_rest_and_trades_what_crosses() -> None:
    v = Venue(orders=3)
    v.sell(ANNA, 105, 1)
    v.sell(ANNA, 106, 1)
    a = v.buy(ANNA, 100, 1)
    assert v.buy(BEN, 99, 1) == -Reason.BOOK_FULL and v.trades == []
    assert v.buy(BEN, 105, 3) > 0  # the slot that it frees is the one that it takes
    assert v.trades == [(0, 4, 105, 1)] and v.best == (105, 106) and v.row[v.book + Book.LIVE] == 3
    assert v.send(Op.MODIFY, ANNA, price=106, size=2, order=a) == a  # a modify has its slot
    assert v.send(Op.IOC, BEN, BUY, 104, 1) == 0  # and an immediate order needs none


def test_a_full_level_refuses_what_would_not_fit() -> None:
    v = Venue()
    a, b = v.buy(ANNA, 100, MAX_SIZE - 5), v.buy(BEN, 99, 7)
    assert v.buy(ANNA, 100, 6) == -Reason.LEVEL_FULL
    assert v.send(Op.MODIFY, BEN, price=100, size=KEEP, order=b) == -Reason.LEVEL_FULL and find(v.row, v.book, b)
    assert v.send(Op.MODIFY, ANNA, price=100, size=MAX_SIZE, order=a) == a  # its own size makes way
    assert v.send(Op.MARKET, CARL, SELL, size=MAX_SIZE) == 0 and v.filled == MAX_SIZE
    assert accounts_of(v.row)[CARL, Account.CASH] == MAX_SIZE * 100 * 100


def test_the_ladders_edges() -> None:
    """Base 100, 64 ticks: prices 100 to 163 can rest; an immediate order may name any price, and means it."""
    v = Venue(ticks=64, base=100)
    assert v.row[v.book + Book.BASE] == 100
    assert v.buy(ANNA, -1, 1) == -Reason.BEYOND_LADDER and v.sell(ANNA, 64, 1) == -Reason.BEYOND_LADDER
    v.buy(ANNA, 0, 1)
    v.sell(ANNA, 63, 1)
    assert v.best == (0, 63)
    assert v.send(Op.IOC, BEN, BUY, -1, 1) == 0 and v.send(Op.IOC, BEN, SELL, 64, 1) == 0 and v.trades == []
    assert v.send(Op.IOC, BEN, BUY, -100, 1) == -Reason.BAD_PRICE
    assert v.send(Op.IOC, BEN, SELL, -99, 1) == 0 and v.send(Op.IOC, BEN, BUY, MAX_PRICE - 100, 1) == 0
    assert [trade[2] for trade in v.trades] == [100, 163] and v.best == (-1, -1)


@pytest.mark.parametrize("ticks", [64, 4096, 1 << 15, MAX_TICKS])
def test_every_height_of_the_bitmap(ticks: int) -> None:
    """The best price after each cancel, where words, groups and the top run out."""
    rng = np.random.default_rng(ticks)
    row = new_row(ticks=ticks, orders=300)
    book = books_of(row)[0]
    prices = np.unique(np.concatenate([[1, 62, 63, ticks - 1], rng.integers(1, ticks, 150)]))
    for side, name, first in ((BUY, Book.BID, max), (SELL, Book.ASK, min)):
        ids = {}
        for tag, price in enumerate(rng.permutation(prices).tolist()):
            assert submit(row, book, Op.LIMIT, side, 0, price, 1, tag, 0) == Answer.DONE
            ids[price] = int(row[Message.ORDER])
        check(row)
        for price in rng.permutation(prices).tolist():
            assert best(row, book + name) == first(ids)
            assert submit(row, book, Op.CANCEL, 0, 0, 0, 0, 0, ids.pop(price)) == Answer.DONE
        assert best(row, book + name) == -1
    assert price_of(row, book + Book.BID, 0) == ticks - 1


def stream(seed: int, count: int) -> list[tuple[int, ...]]:
    """Return messages (op, side, owner, price, size, named) of all operations; `named` picks among the ids so far."""
    rng = np.random.default_rng(seed)
    ops = rng.choice(
        [Op.LIMIT, Op.CANCEL, Op.IOC, Op.REDUCE, Op.MARKET, Op.MODIFY, Op.MASS_CANCEL],
        count,
        p=[0.5, 0.1, 0.1, 0.1, 0.1, 0.09, 0.01],
    )
    columns = (ops, rng.integers(0, 2, count), rng.integers(0, 3, count), rng.integers(90, 110, count))
    return list(
        zip(*(c.tolist() for c in (*columns, rng.integers(1, 60, count), rng.integers(1, 30, count))), strict=True)
    )


def play(events: int, *, stop: int = 1, kinds: int = ALL_KINDS, book: int = 0, books: int = 1) -> tuple[Venue, int]:
    """Play one stream on a ring of `events`; return the venue and how often the ring was full in the middle."""
    v = Venue(ticks=128, orders=400, events=events, book=book, books=books)
    v.row[Market.EVENT_STOP], v.row[Market.EVENT_KINDS] = stop, kinds
    ids, drains = [0], 0
    for tag, (op, side, owner, price, size, named) in enumerate(stream(1, 3_000)):
        order = 0 if op in (Op.LIMIT, Op.IOC, Op.MARKET) else ids[max(-named, -len(ids))]
        code = submit(v.row, v.book, op, side, owner, price, size, tag, order)
        while code == Answer.DRAIN:
            v.row = v.row.copy()  # a snapshot in the middle of a message is as good as the row
            check(v.row)
            v.log += drain(v.row).tolist()
            drains += 1
            code = handle(v.row)
        if op == Op.LIMIT and code == Answer.DONE and v.row[Message.ORDER]:
            ids.append(int(v.row[Message.ORDER]))
    check(v.row)
    v.log += drain(v.row).tolist()
    return v, drains


def test_the_size_of_the_ring_changes_nothing() -> None:
    """Sixteen events, which stop kernels in the middle of sweeps and of mass cancels, or 65,536, which never do."""
    (small, drains), (large, none) = play(16), play(1 << 16)
    assert none == 0 and drains > 300
    assert small.log == large.log and len(small.trades) > 1_000
    assert max(event[Event.CAUSE] for event in small.log) == 3_000
    assert np.array_equal(accounts_of(small.row), accounts_of(large.row))
    assert small.best == large.best and small.row[small.book + Book.LIVE] == large.row[large.book + Book.LIVE]


def test_a_ring_that_may_forget_never_stops() -> None:
    (forgetful, drains), (large, _) = play(16, stop=0), play(1 << 16)
    assert drains == 0 and forgetful.log == large.log[-16:]
    assert np.array_equal(accounts_of(forgetful.row), accounts_of(large.row))


def test_only_wanted_kinds_are_written() -> None:
    (trades, _), (everything, _) = play(16, kinds=1 << Kind.TRADED), play(1 << 16)
    assert trades.log == [event for event in everything.log if event[Event.WHAT] & 255 == Kind.TRADED]


def test_any_book_of_a_row_is_as_good_as_the_first() -> None:
    (first, _), (third, _) = play(1 << 12), play(1 << 12, book=2, books=3)
    assert [e[:1] + e[2:] for e in third.log] == [e[:1] + e[2:] for e in first.log]
    assert {event[Event.WHAT] >> 24 for event in third.log} == {2}
    assert np.array_equal(accounts_of(first.row)[:, Account.POSITION], accounts_of(third.row)[:, Account.POSITION + 2])
    assert not accounts_of(third.row)[:, Account.POSITION : Account.POSITION + 2].any()


def test_mirrored_orders_make_the_mirrored_tape() -> None:
    """Swap buy and sell, and turn prices around 100: the same trades at the mirrored prices."""
    tapes = []
    for is_mirrored in (False, True):
        v, ids = Venue(ticks=256, orders=400, events=1 << 16), [0]
        for tag, (op, side, owner, price, size, named) in enumerate(stream(2, 2_000)):
            order = 0 if op in (Op.LIMIT, Op.IOC, Op.MARKET) else ids[max(-named, -len(ids))]
            side, price = (1 - side, 200 - price) if is_mirrored else (side, price)
            code = submit(v.row, v.book, op, side, owner, price, size, tag, order)
            if op == Op.LIMIT and code == Answer.DONE and v.row[Message.ORDER]:
                ids.append(int(v.row[Message.ORDER]))
        v.log += drain(v.row).tolist()
        tapes.append([(m, t, 200 - p if is_mirrored else p, q) for m, t, p, q in v.trades])
    assert tapes[0] == tapes[1] and len(tapes[0]) > 500
