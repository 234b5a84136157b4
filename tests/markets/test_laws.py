"""The laws of the venue, bit for bit, over all features: what must not matter does not.

Bid and ask, the height of prices, the numbers of owners, being copied in the middle, the JIT: markets with every mix of
rules are told everything that the hunt tells them, and told it again in another guise.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekai.markets.book.messages import EVENT, EventKind
from sekai.markets.book.order_book import OrderBook
from sekai.markets.referee.conformance import Story, rules_of
from sekai.markets.referee.fuzz import episode, events_of, plain
from sekai.markets.referee.reference import BUY, SELL, ReferenceBook
from tests.shipped import ROOT

Step = dict[str, Any]
FIELDS = [name for name in EVENT.names or () if name not in ("time_ns", "book")]
KIND, ORDER, OTHER, OWNER, OTHER_OWNER, PRICE, SIZE, SIDE, MESSAGE = (
    FIELDS.index(name)
    for name in ("kind", "order", "other", "owner", "other_owner", "price_ticks", "size", "side", "message")
)
BOOKS = ["reference", "engine"]
MIRROR = 2_000  # prices p and MIRROR - p are each other's image; a multiple of every tick
seeds = st.integers(0, 10**9).map(lambda seed: f"law.{seed}")


def tame(seed: str, messages: int = 150) -> tuple[Step, list[Step]]:
    """Return an episode whose prices have an image, with references on which nothing ties, and no fees by value."""
    config, steps = episode(seed, messages)
    config = {key: value for key, value in config.items() if key not in ("maker_fee_bps", "taker_fee_bps")}
    kept = []
    for number, step in enumerate(steps):
        if step["op"] == "uncross" or step.get("to") == "continuous":
            step = {"op": "uncross", "reference": (1, MIRROR - 1)[number % 2]}
        if all(0 < step.get(name, 1) < MIRROR for name in ("price", "stop", "reference")):
            kept.append(step)
    return config, kept


def told(
    on: str,
    config: Step,
    steps: list[Step],
    owners: Sequence[int] = range(9),
    at: Callable[[int, Any], Any] = lambda number, book: book,
) -> Story:
    """Tell a fresh book the steps, owner k by the number `owners[k]`; `at` may put another book in place after each."""
    rules = rules_of(config)
    engine = OrderBook(rules=rules, ticks=64, orders=1, events=True)
    book = ReferenceBook(rules=rules) if on == "reference" else engine
    story = Story(book, config, owners=dict(enumerate(owners)))
    for number, step in enumerate(steps):
        story.tell(number, step)
        story.book = at(number, story.book)
    return story


def events(story: Story) -> list[tuple[int, ...]]:
    book = story.book
    return [plain(event) for event in book.events] if isinstance(book, ReferenceBook) else events_of(book)


def trades(story: Story) -> Iterator[tuple[int, int, int, int, bool]]:
    """Yield resting order, taking order, price, size and whether it was an auction's, of every trade."""
    seen = events(story)
    call_ends = {e[MESSAGE]: n for n, e in enumerate(seen) if e[KIND] == EventKind.PHASED and e[SIZE] == 0}
    for number, event in enumerate(seen):
        if event[KIND] == EventKind.TRADED:
            is_auction = number < call_ends.get(event[MESSAGE], -1)
            yield event[ORDER], event[OTHER], event[PRICE], event[SIZE], is_auction


def levels(story: Story, side: int) -> list[Any]:
    if isinstance(story.book, ReferenceBook):
        return story.book.levels(side)
    word: Any = ("bid", "ask")[side]
    prices = sorted(story.prices, reverse=side == BUY)
    queues = ((price, [(order.id, order.size) for order in story.book.queue(word, price)]) for price in prices)
    return [(price, queue) for price, queue in queues if queue]


def accounts(story: Story) -> dict[Any, tuple[int, ...]]:
    """Return name to cash, position, edge, fills, volume, of those who ever did something."""
    book, columns = story.book, ("cash", "position", "edge", "fills", "volume")
    found = {}
    for name, number in story.owners.items():
        if isinstance(book, ReferenceBook):
            found[name] = tuple(getattr(book.accounts[number], column) for column in columns)
        else:
            found[name] = book.accounts[number].item() if number < len(book.accounts) else (0,) * 5
    return found


def ends(story: Story) -> dict[str, Any]:
    """Return what became of every order, and of every step."""
    facts = {name: (story.book.status(n), story.book.visible(n)) for name, n in story.ids.items()}
    return facts | {"rejects": story.rejects, "phase": story.book.trading_phase}


def flipped(steps: list[Step]) -> list[Step]:
    images = []
    for step in steps:
        image = step | {name: MIRROR - step[name] for name in ("price", "stop", "reference") if name in step}
        images.append(image | ({"side": {"B": "S", "S": "B"}[step["side"]]} if "side" in step else {}))
    return images


@pytest.mark.parametrize("on", BOOKS)
@settings(max_examples=40)
@given(seed=seeds)
def test_mirrored_sides(on: str, seed: str) -> None:
    """Buyers for sellers and high for low: the same orders trade the same lots, at mirrored prices."""
    config, steps = tame(seed)
    image = config | {name: MIRROR - config[name] for name in ("last_trade",) if name in config}
    if "price_band" in config:
        image["price_band"] = [MIRROR - price for price in config["price_band"][::-1]]
    one, other = told(on, config, steps), told(on, image, flipped(steps))
    mirrored = [
        (taker, maker, MIRROR - price, size, is_auction) if is_auction else (maker, taker, MIRROR - price, size, False)
        for maker, taker, price, size, is_auction in trades(one)
    ]
    assert mirrored == list(trades(other))
    for side in (BUY, SELL):
        assert [(MIRROR - price, queue) for price, queue in levels(one, side)] == levels(other, 1 - side)
    assert ends(one) == ends(other)
    for (name, mine), theirs in zip(accounts(one).items(), accounts(other).values(), strict=True):
        assert (-mine[1], *mine[2:]) == theirs[1:], name


@pytest.mark.parametrize("on", BOOKS)
@settings(max_examples=40)
@given(seed=seeds, by=st.sampled_from([10, 3_000, 50_000]))
def test_shifted_prices(on: str, seed: str, by: int) -> None:
    """All prices higher: the same tape, higher."""
    config, steps = tame(seed)
    image = config | {name: by + config[name] for name in ("last_trade",) if name in config}
    # a band at the door stands at 1 by itself: shifted too
    image["price_band"] = [price + by for price in config.get("price_band", (1, 2**31 - 1 - by))]
    higher = [
        step | {name: step[name] + by for name in ("price", "stop", "reference") if name in step} for step in steps
    ]
    one, other = told(on, config, steps), told(on, image, higher)
    assert [(m, t, price + by, size, a) for m, t, price, size, a in trades(one)] == list(trades(other))
    for side in (BUY, SELL):
        assert [(price + by, queue) for price, queue in levels(one, side)] == levels(other, side)
    assert ends(one) == ends(other) and one.book.venue_cash == other.book.venue_cash
    for mine, theirs in zip(accounts(one).values(), accounts(other).values(), strict=True):
        assert (mine[0] - 100 * by * mine[1], *mine[1:]) == theirs


@pytest.mark.parametrize("on", BOOKS)
@settings(max_examples=40)
@given(seed=seeds, order=st.permutations(range(9)))
def test_relabelled_owners(on: str, seed: str, order: list[int]) -> None:
    """Who has which number does not matter."""
    config, steps = episode(seed, 150)
    one, other = told(on, config, steps), told(on, config, steps, owners=order)
    assert [relabelled(event, order) for event in events(one)] == [relabelled(event) for event in events(other)]
    assert ends(one) == ends(other) and one.book.venue_cash == other.book.venue_cash
    assert accounts(one) == accounts(other)


def relabelled(event: tuple[int, ...], order: list[int] | None = None) -> tuple[int, ...]:
    """Return an event with its owners' other numbers; one that names nobody, or whom it refuses, without."""
    names_nobody = event[KIND] in (EventKind.PHASED, EventKind.REJECTED)
    image = list(event)
    for field in (OWNER, OTHER_OWNER):
        image[field] = (
            -1 if names_nobody or event[field] < 0 else event[field] if order is None else order[event[field]]
        )
    return tuple(image)


@pytest.mark.parametrize("on", BOOKS)
@settings(max_examples=30)
@given(seed=seeds, every=st.integers(1, 40))
def test_snapshot_and_resume(on: str, seed: str, every: int) -> None:
    """Put away and taken up again, now and then, a book goes on as if nothing had been."""
    config, steps = episode(seed, 150)
    kept: list[tuple[Any, bytes]] = []

    def put_away(number: int, book: Any) -> Any:
        if number % every:
            return book
        kept.append((book, pickle.dumps(book)))
        return pickle.loads(kept[-1][1])

    one, other = told(on, config, steps), told(on, config, steps, at=put_away)
    assert events(one) == events(other) and ends(one) == ends(other) and accounts(one) == accounts(other)
    assert all(pickle.dumps(book) == before for book, before in kept)


SCRIPT = """
from tests.markets.test_laws import digest
print(digest())
"""


def digest() -> str:
    """Return a hash of all that happens in a few markets with every rule between them."""
    tapes = [events(told("engine", *episode(f"jit.{seed}", 100))) for seed in range(8)]
    return hashlib.sha256(repr(tapes).encode()).hexdigest()


def test_jit_on_and_off() -> None:
    root = ROOT
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(root)}
    run = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, cwd=root, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == digest()
