"""The hunt: random orders through the engine and through the reference, which must never disagree.

The engine's book starts as small as one can be made, so that it grows under the hunters' feet.
"""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from sekai import markets
from sekai.markets.book.messages import KEEP, LIMIT, MASS_CANCEL, MODIFY
from sekai.markets.book.order_book import OrderBook
from sekai.markets.referee.conformance import Story, rules_of
from sekai.markets.referee.fuzz import differences
from sekai.markets.referee.reference import ReferenceBook
from tests.markets.referee.compare import assert_same, assert_sound, events_of, plain, settled

near = st.integers(96, 104)
prices = st.one_of(near, near, near, st.integers(-2, 60_000))
small = st.integers(1, 9).map(lambda count: 2 * count)  # a multiple of every lot that is drawn
sizes = st.one_of(small, small, small, st.integers(-1, 2**30))
owners = st.one_of(st.integers(0, 3), st.integers(0, 3), st.integers(-1, 40))
sides = st.sampled_from("BS")
configs = st.fixed_dictionaries(
    {},
    optional={
        "tick": st.sampled_from([1, 2, 5]),
        "lot": st.sampled_from([1, 2]),
        "max_qty": st.sampled_from([14, 200]),
        "price_band": st.sampled_from([[98, 102], [50, 40_000]]),
        "halt_band": st.booleans(),
        "stp": st.sampled_from(["none", "cancel_newest", "cancel_oldest", "cancel_both", "decrement"]),
        "allocation": st.sampled_from(["fifo", "pro_rata"]),
        "top_order": st.booleans(),
        "min_fill": st.integers(1, 4),
        "maker_fee_bps": st.sampled_from([-0.5, 2, 33.3333]),
        "taker_fee_bps": st.sampled_from([-1, 0.25, 10]),
        "maker_fee_per_lot": st.integers(-3, 3),
        "taker_fee_per_lot": st.integers(-3, 3),
        "position_limit": st.sampled_from([10, 60]),
        "open_order_limit": st.integers(1, 6),
        "order_rate_limit": st.just(3),
        "last_trade": st.just(100),
    },
)


class Books(RuleBasedStateMachine):
    """One book of each kind, told the same: each step is one of a conformance case, so that a failure reads as one."""

    ids = Bundle("ids")

    @initialize(config=configs)
    def open(self, config: dict[str, Any]) -> None:
        rules = rules_of(config)
        self.number = 0
        book = OrderBook(rules=rules, ticks=64, orders=1, owners=1, events=True)
        self.stories = [Story(ReferenceBook(rules=rules), config), Story(book, config)]

    def tell(self, op: str, **step: Any) -> Any:
        """Tell both; they must answer the same, or refuse for the same reason. Return the order's name."""
        said = {name: value for name, value in step.items() if value is not None} | {"op": op}
        answers = [story.tell(self.number, said) for story in self.stories]
        assert answers[0] == answers[-1]
        self.number += 1
        return step.get("id")

    @rule(
        target=ids, side=sides, price=prices, qty=sizes, owner=owners,
        tif=st.sampled_from([None, None, "IOC", "FOK", "AON"]),
        kind=st.sampled_from([None, None, "post_only", "hidden", "display"]), display=small,
    )  # fmt: skip
    def limit(self, kind: str | None, display: int, **step: Any) -> Any:
        flag = {} if kind is None else {kind: display if kind == "display" else True}
        if kind == "display":
            step["qty"] = min(step["qty"], 300)  # a million tranches would be a million trades
        return self.tell("limit", id=self.number, **(step | flag))

    @rule(id=ids, side=sides, price=near, qty=sizes, owner=owners)
    def limit_again(self, **step: Any) -> None:
        self.tell("limit", **step)

    @rule(target=ids, side=sides, qty=sizes, owner=owners)
    def market(self, **step: Any) -> Any:
        return self.tell("market", id=self.number, **step)

    @rule(target=ids, side=sides, stop=prices, price=st.one_of(st.none(), prices), qty=sizes, owner=owners)
    def stop(self, price: int | None, **step: Any) -> Any:
        return self.tell("stop" if price is None else "stop_limit", id=self.number, price=price, **step)

    @rule(target=ids, side=sides, offset=st.integers(-1, 12), qty=sizes, owner=owners)
    def trailing_stop(self, **step: Any) -> Any:
        return self.tell("trailing_stop", id=self.number, **step)

    @rule(id=ids, owner=st.one_of(st.none(), owners))
    def cancel(self, **step: Any) -> None:
        self.tell("cancel", **step)

    @rule(id=ids, by=sizes, owner=st.one_of(st.none(), owners))
    def reduce(self, **step: Any) -> None:
        self.tell("reduce", **step)

    @rule(id=ids, price=st.one_of(st.none(), prices), qty=st.one_of(st.none(), small, st.integers(-1, 300)))
    def modify(self, **step: Any) -> None:
        self.tell("modify", **step)

    @rule(owner=owners)
    def mass_cancel(self, **step: Any) -> None:
        self.tell("mass_cancel", **step)

    @rule(to=st.sampled_from(["auction", "auction", "halt", "continuous"]))
    def phase(self, **step: Any) -> None:
        self.tell("phase", **step)

    @rule(reference=st.one_of(st.none(), prices))
    def uncross(self, **step: Any) -> None:
        self.tell("uncross", **step)

    @rule(after=st.integers(1, 10**9))
    def wait(self, after: int) -> None:
        for story in self.stories:
            story.book.time_ns += after

    @rule(is_pickle=st.booleans())
    def go_on_with_a_copy(self, is_pickle: bool) -> None:
        for story in self.stories[1:]:
            story.book = pickle.loads(pickle.dumps(story.book)) if is_pickle else story.book.copy()

    @invariant()
    def the_reference_is_sound(self) -> None:
        assert_sound(self.stories[0].book)

    @invariant()
    def they_agree(self) -> None:
        for story in self.stories[1:]:
            assert differences(story.book, self.stories[0].book) == []


Books.TestCase.settings = settings(max_examples=60, stateful_step_count=50)
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
