"""The hunt: random orders through the engine and through the reference, which must never disagree.

The engine's book starts as small as one can be made, so that it grows under the hunters' feet.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

import markets
from markets.book import OrderBook, OrderRejected
from markets.messages import KEEP, LIMIT, MASS_CANCEL, MODIFY
from markets.reference import ReferenceBook, Refusal
from tests.markets.compare import assert_same, events_of, plain, settled

SIDES: tuple[Any, Any] = ("buy", "sell")
near = st.integers(95, 105)
prices = st.one_of(near, near, near, st.integers(-2, 60_000))
sizes = st.one_of(st.integers(1, 9), st.integers(1, 9), st.integers(-1, 2**30))
owners = st.one_of(st.integers(0, 3), st.integers(-1, 40))
sides = st.integers(0, 1)
maybe_owner = st.one_of(st.none(), owners)


class Books(RuleBasedStateMachine):
    """One book of each kind, told the same."""

    ids = Bundle("ids")

    @initialize(rules=st.sampled_from([{}, {}, {"tick": 5, "lot": 2, "max_size": 200, "band": (50, 40_000)}]))
    def open(self, rules: dict[str, Any]) -> None:
        self.book = OrderBook(ticks=64, orders=1, owners=1, events=True, **rules)
        self.reference = ReferenceBook(**rules)

    def both(self, tell: Callable[[], Any], tell_reference: Callable[[], Any]) -> None:
        """Tell both; they must answer the same, or refuse for the same reason."""
        try:
            answer: Any = tell()
        except OrderRejected as refused:
            answer = refused.reason
        try:
            expected: Any = tell_reference()
        except Refusal as refused:
            expected = refused.reason
        assert answer == expected

    @rule(target=ids, side=sides, price=prices, size=sizes, owner=owners, tif=st.sampled_from(["gtc", "gtc", "ioc"]))
    def limit(self, side: int, price: int, size: int, owner: int, tif: Any) -> Any:
        number = self.book.messages

        def tell() -> None:
            self.book.limit(SIDES[side], price=price, size=size, owner=owner, tif=tif, id=number)

        self.both(tell, lambda: self.reference.limit(number, side, price, size, owner, ioc=tif == "ioc"))
        return number

    @rule(id=ids, side=sides, price=near, size=sizes, owner=owners)
    def limit_again(self, id: int, side: int, price: int, size: int, owner: int) -> None:
        def tell() -> None:
            self.book.limit(SIDES[side], price=price, size=size, owner=owner, id=id)

        self.both(tell, lambda: self.reference.limit(id, side, price, size, owner))

    @rule(target=ids, side=sides, size=sizes, owner=owners)
    def market(self, side: int, size: int, owner: int) -> Any:
        number = self.book.messages

        def tell() -> None:
            self.book.market(SIDES[side], size=size, owner=owner, id=number)

        self.both(tell, lambda: self.reference.market(number, side, size, owner))
        return multiple()

    @rule(id=ids, owner=maybe_owner)
    def cancel(self, id: int, owner: int | None) -> None:
        self.both(lambda: self.book.cancel(id, owner=owner), lambda: self.reference.cancel(id, owner))

    @rule(id=ids, by=sizes, owner=maybe_owner)
    def reduce(self, id: int, by: int, owner: int | None) -> None:
        self.both(lambda: self.book.reduce(id, by, owner=owner), lambda: self.reference.reduce(id, by, owner))

    @rule(id=ids, price=st.one_of(st.none(), prices), size=st.one_of(st.none(), sizes), owner=maybe_owner)
    def modify(self, id: int, price: int | None, size: int | None, owner: int | None) -> None:
        self.both(
            lambda: self.book.modify(id, price=price, size=size, owner=owner),
            lambda: self.reference.modify(id, price, size, owner),
        )

    @rule(owner=owners)
    def mass_cancel(self, owner: int) -> None:
        self.both(lambda: self.book.mass_cancel(owner), lambda: self.reference.mass_cancel(owner))

    @rule()
    def go_on_with_a_copy(self) -> None:
        self.book = self.book.copy()

    @rule()
    def go_on_with_a_pickle(self) -> None:
        self.book = pickle.loads(pickle.dumps(self.book))

    @invariant()
    def they_agree(self) -> None:
        assert_same(self.book, self.reference)

    def teardown(self) -> None:
        assert settled(events_of(self.book)) == settled([plain(event) for event in self.reference.events])
        assert self.book.trades.tolist() == self.reference.trades


Books.TestCase.settings = settings(max_examples=40, stateful_step_count=50)
TestBooks = Books.TestCase


def random_messages(seed: int, count: int, far: float = 0.02) -> np.ndarray[Any, Any]:
    """Return messages of every operation around price 1,000, some of them wrong, some far off."""
    rng = np.random.default_rng(seed)
    op = rng.choice(7, count, p=[0.6, 0.12, 0.06, 0.08, 0.05, 0.0895, 0.0005])
    side = rng.integers(0, 2, count)
    price = 1_000 + (2 * side - 1) * rng.integers(-2, 14, count)
    price = np.where(rng.random(count) < far, rng.integers(-1, 3_000, count), price)
    size = rng.integers(0, 12, count)
    order_id = np.where(op == LIMIT, np.arange(count), np.maximum(np.arange(count) - rng.geometric(0.02, count), 0))
    order_id = np.where(np.isin(op, (2, 4)), np.arange(count), order_id)
    owner = rng.integers(0, 5, count)
    price = np.where((op == MODIFY) & (rng.random(count) < 0.3), KEEP, price)
    size = np.where((op == MODIFY) & (rng.random(count) < 0.3), KEEP, size)
    is_named = np.isin(op, (1, 3, 5, 6))
    owner = np.where(is_named & (op != MASS_CANCEL) & (rng.random(count) < 0.9), owner[order_id], owner)
    blank = np.isin(op, (1, 3, 6))
    return markets.messages(
        op=op,
        order_id=np.where(op == MASS_CANCEL, 0, order_id),
        side=np.where(is_named, 0, side),
        price_ticks=np.where(blank | (op == 4), 0, price),
        size=np.where(np.isin(op, (1, 6)), 0, size),
        owner=owner,
    )


@pytest.mark.parametrize("seed", range(4))
def test_a_stream_of_all_operations(seed: int) -> None:
    """Two thousand messages at a time through `apply`, and a look at both books after each batch."""
    book, reference = OrderBook(ticks=64, orders=1, owners=1, events=True), ReferenceBook()
    stream = random_messages(seed, 10_000)
    for batch in np.array_split(stream, 5):
        before = len(reference.trades)
        reference.apply(batch)
        assert book.apply(batch).tolist() == reference.trades[before:]
        assert_same(book, reference)
    expected = settled([plain(event) for event in reference.events])
    assert settled(events_of(book)) == expected, f"seed {seed}"
    assert len(book.trades) > 500 and len(book.rejects) > 100 and len(book) > 20
