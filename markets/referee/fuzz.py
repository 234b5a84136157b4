"""The hunt: random orders, of every kind and under every mix of rules, to the engine's book and to the reference.

The two share no line and must never disagree: not in an answer or a refusal's reason, not in a queue, an account or an
event. An episode is one market under one set of rules; its orders are steps of a conformance case, so that a
difference, made as short as it goes, is printed as a case that anybody can run. The engine's books start as small as
they come, and are copied now and then, so that growing and resuming are hunted too.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sekai.markets.book.messages import EVENT, EventKind, Reason
from sekai.markets.book.order_book import OrderBook, Side
from sekai.markets.engine.operations import TIFS
from sekai.markets.referee.conformance import Story, rules_of
from sekai.markets.referee.reference import BUY, SELL, Event, ReferenceBook

__all__ = [
    "Difference",
    "Hunt",
    "case_of",
    "differences",
    "episode",
    "events_of",
    "hunt",
    "plain",
    "settled",
    "shortest",
    "told_apart",
]

_Step = dict[str, Any]

_EPISODE: Final = 500  # messages
_LOOK: Final = 50  # messages between two looks at everything
_FIELDS: Final = [name for name in EVENT.names or () if name not in ("time_ns", "book")]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the two books disagree: the market's config, the steps that lead there, and in what."""

    seed: str
    config: _Step
    steps: list[_Step]
    problems: list[str]

    def __str__(self) -> str:
        case = _written(case_of(self.config, self.steps, f"F-{self.seed}"))
        return "\n".join([f"market {self.seed}: the books differ after {len(self.steps)} steps", *self.problems, case])


@dataclass(slots=True)
class Hunt:
    """What a hunt has seen."""

    messages: int = 0
    trades: int = 0
    refusals: int = 0
    episodes: int = 0
    difference: Difference | None = None

    def __str__(self) -> str:
        seen = (
            f"{self.messages:,} messages, {self.trades:,} trades, {self.refusals:,} refusals, {self.episodes:,} markets"
        )
        return f"{seen}, 1 difference\n{self.difference}" if self.difference else f"{seen}, no difference"

    def to_json(self) -> _Step:
        """Return what was seen as plain data; `difference` is None, or a conformance case."""
        counts = {name: getattr(self, name) for name in ("messages", "trades", "refusals", "episodes")}
        found = self.difference
        return counts | {"difference": found and case_of(found.config, found.steps, f"F-{found.seed}")}


def hunt(seed: int, messages: int, *, on_episode: Callable[[Hunt], None] = lambda seen: None) -> Hunt:
    """Send `messages` random messages to both books, market after market, until they differ."""
    seen = Hunt()
    while seen.messages < messages:
        name = f"{seed}.{seen.episodes}"
        config, steps = episode(name, min(_EPISODE, messages - seen.messages))
        problems = told_apart(config, steps, seen=seen)
        seen.episodes += 1
        if problems:
            steps, problems = shortest(config, steps)
            seen.difference = Difference(name, config, steps, problems)
            return seen
        on_episode(seen)
    return seen


# --- telling both -------------------------------------------------------------------------------------------------


def told_apart(config: _Step, steps: Sequence[_Step], *, every: int = _LOOK, seen: Hunt | None = None) -> list[str]:
    """Tell both books the steps; return in what they differ, nothing if in nothing."""
    rules = rules_of(config)
    book = OrderBook(rules=rules, ticks=64, orders=1, owners=1, events=True)
    first, second = Story(book, config), Story(ReferenceBook(rules=rules), config)
    for number, step in enumerate(steps):
        answers = first.tell(number, step), second.tell(number, step)
        if answers[0] != answers[1]:
            return [f"step {number}: the engine answers {answers[0]}, the reference {answers[1]}"]
        is_last = number + 1 == len(steps)
        if is_last or (number + 1) % every == 0:
            problems = differences(first.book, second.book, and_past=is_last or every == 1)
            if problems:
                return [f"step {number}: {problem}" for problem in problems]
            first.book = first.book.copy() if number % (2 * every) < every else first.book
    if seen is not None:
        seen.messages += len(steps)
        seen.trades += len(second.book.trades)
        seen.refusals += len(second.rejects)
    return []


def differences(book: OrderBook, reference: ReferenceBook, *, and_past: bool = True) -> list[str]:
    """Return a sentence for everything in which the books differ; the engine's must also be sound in itself.

    With `and_past` all that has happened is compared too: trades, events, and what became of every order.
    """
    try:
        book.check()
    except AssertionError as error:
        return [f"the engine's book is not sound: {error}"]
    facts = [*_facts(book, reference), *(_past(book, reference) if and_past else ())]
    found = ((what, mine, theirs) for what, mine, theirs in facts if mine != theirs)
    return [f"{what}: the engine has {mine}, the reference {theirs}" for what, mine, theirs in found]


def _facts(book: OrderBook, reference: ReferenceBook) -> Iterator[tuple[str, Any, Any]]:
    """Yield what is there now in both books, by name."""
    yield "messages", book.messages, reference.messages
    yield "last", book.last, reference.last
    yield "mark", book.mark, None if reference.mark_half_ticks is None else reference.mark_half_ticks / 2
    yield "best", (book.best_bid, book.best_ask), (reference.best(BUY), reference.best(SELL))
    yield "phase", book.trading_phase, reference.trading_phase
    yield "pending stops", [int(id) for id in book.pending_stops], reference.pending_stops
    yield "venue cash", book.venue_cash, reference.venue_cash
    depth = book.depth(1 << 20)
    words: tuple[Side, Side] = ("buy", "sell")
    for side, word in zip((BUY, SELL), words, strict=True):
        yield f"{word} depth", depth[side].tolist(), reference.depth(side)
        for price, queue in reference.levels(side):
            mine = [(order.id, order.size) for order in book.queue(word, price)]
            yield f"{word} queue at {price}", mine, queue
    for owner, account in reference.accounts.items():
        expected = (account.cash, account.position, account.edge, account.fills, account.volume)
        yield f"account {owner}", book.accounts[owner].item() if owner < len(book.accounts) else (0,) * 5, expected


def _past(book: OrderBook, reference: ReferenceBook) -> Iterator[tuple[str, Any, Any]]:
    """Yield what has happened in both books, by name."""
    for id in list(reference.outcome)[:: 1 + len(reference.outcome) // 50]:  # the rest is in the events
        yield f"order {id}", (book.status(id), book.visible(id)), (reference.status(id), reference.visible(id))
    yield "trades", [tuple(trade) for trade in book.trades.tolist()], reference.trades
    yield "events", settled(events_of(book)), settled([plain(event) for event in reference.events])


def events_of(book: OrderBook) -> list[tuple[int, ...]]:
    """Return what an OrderBook has written down, without time and book, one tuple an event."""
    return [tuple(event) for event in book.events[_FIELDS].tolist()]


def plain(event: Event) -> tuple[int, ...]:
    """Return an event of the reference as `events_of` gives it."""
    return tuple(int(getattr(event, name)) for name in _FIELDS)


def settled(events: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Return events with one message's cancels by their owner in one order: a mass cancel's has no meaning."""
    kind, reason, message, order = (_FIELDS.index(name) for name in ("kind", "reason", "message", "order"))
    is_cancel = [event[kind] == EventKind.CANCELLED and event[reason] == Reason.BY_OWNER for event in events]
    cancels = sorted(
        (e for e, is_one in zip(events, is_cancel, strict=True) if is_one), key=lambda e: (e[message], e[order])
    )
    rest = iter(cancels)
    return [next(rest) if is_one else e for e, is_one in zip(events, is_cancel, strict=True)]


# --- making it short ----------------------------------------------------------------------------------------------


def shortest(config: _Step, steps: Sequence[_Step]) -> tuple[list[_Step], list[str]]:
    """Return fewer steps that still tell the books apart, none of which can be left out, and in what they differ."""
    kept, problems = list(steps), told_apart(config, steps, every=1)
    if not problems:
        return kept, told_apart(config, steps)
    kept = kept[: int(problems[0].split()[1].rstrip(":")) + 1]
    size = max(1, len(kept) // 2)
    while True:
        start, is_shorter = 0, False
        while start < len(kept):
            fewer = kept[:start] + kept[start + size :]
            found = told_apart(config, fewer, every=1)
            if found:
                kept, problems, is_shorter = fewer, found, True
            else:
                start += size
        if size == 1 and not is_shorter:
            return kept, problems
        size = max(1, size // 2)


def _written(case: _Step) -> str:
    """Return a case as JSON, a step a line."""
    steps = ",\n".join(f"    {json.dumps(step)}" for step in case["steps"])
    head = json.dumps({name: case[name] for name in ("id", "area", "desc", "config")})[1:-1]
    return f'{{"cases": [\n{{{head},\n  "steps": [\n{steps}],\n  "expect": {json.dumps(case["expect"])}}}]}}'


def case_of(config: _Step, steps: Sequence[_Step], id: str = "F-1") -> _Step:
    """Return a conformance case of these steps that expects what the reference comes to."""
    book = ReferenceBook(rules=rules_of(config))
    story = Story(book, config)
    for number, step in enumerate(steps):
        story.tell(number, step)
    names = {number: json.loads(name) if name.isdigit() else name for name, number in story.ids.items()}
    expect = {
        "trades": [[names[maker], names[taker], price, size] for maker, taker, price, size in book.trades],
        "bids": [[price, [[names[id], size] for id, size in queue]] for price, queue in book.levels(BUY)],
        "asks": [[price, [[names[id], size] for id, size in queue]] for price, queue in book.levels(SELL)],
        "reasons": {str(number): reason.name for number, reason in story.rejects.items()},
        "done": {str(names[id]): outcome for id, outcome in book.outcome.items() if id in names},
        "cash": {str(name): book.accounts[number].cash for name, number in story.owners.items()},
        "pending_stops": [names[id] for id in book.pending_stops],
        "halted": book.halted,
    }
    return {
        "id": id,
        "area": "fuzz",
        "desc": "found by the hunt",
        "config": config,
        "steps": list(steps),
        "expect": expect,
    }


# --- what is sent -------------------------------------------------------------------------------------------------


def episode(seed: str, messages: int) -> tuple[_Step, list[_Step]]:
    """Return a random market's config and `messages` steps for it, the same for the same seed."""
    rng = random.Random(seed)
    config = _config(rng)
    return config, list(_steps(rng, config, messages))


def _config(rng: random.Random) -> _Step:
    """Return rules of a venue: each is as plain as can be in most markets."""
    choices: dict[str, Sequence[Any]] = {
        "tick": (None, None, None, 2, 5),
        "lot": (None, None, None, 2, 10),
        "stp": (None, None, "cancel_newest", "cancel_oldest", "cancel_both", "decrement"),
        "allocation": (None, None, "pro_rata"),
        "top_order": (None, True),
        "min_fill": (None, None, 2, 5),
        "maker_fee_bps": (None, None, -0.25, 1.5, 30),
        "taker_fee_bps": (None, None, 0.3, -2, 100),
        "maker_fee_per_lot": (None, None, None, -7, 3),
        "taker_fee_per_lot": (None, None, None, 11, -5),
        "price_band": (None, None, [980, 1020], [970, 1100]),
        "halt_band": (None, True),
        "max_qty": (None, None, 60),
        "position_limit": (*[None] * 6, 60, 400),
        "open_order_limit": (*[None] * 8, 4, 15),
        "order_rate_limit": (*[None] * 6, 4),
        "order_rate_window_ns": (10,),
        "last_trade": (None, 1000),
    }
    return {key: value for key, values in choices.items() if (value := rng.choice(values)) is not None}


def _steps(rng: random.Random, config: _Step, messages: int) -> Iterator[_Step]:
    """Yield random steps around a price of 1,000; few are wrong in themselves, many meet one another."""
    weights = [rng.random() ** 2 * weight for weight, _ in _VERBS]
    weights[0] += 2.0
    tick, lot = config.get("tick", 1), config.get("lot", 1)
    width, owners, time = rng.choice((3, 8, 30)), rng.choice((2, 4, 9)), 0
    for number in range(messages):
        make = rng.choices(_VERBS, weights)[0][1]
        step = make(_Draw(rng, number, tick, lot, width, owners))
        if "order_rate_limit" in config:
            time += rng.randrange(4)
            step["time"] = time
        yield step


@dataclass(frozen=True, slots=True)
class _Draw:
    """Where one step's numbers come from."""

    rng: random.Random
    number: int
    tick: int
    lot: int
    width: int
    owners: int

    def one_in(self, count: int) -> bool:
        return self.rng.randrange(count) == 0

    def price(self) -> int:
        if self.one_in(60):
            return self.rng.choice((0, -5, 1, 1_001, 1_500, 4_000, 20_000, 2**31))
        return (1_000 // self.tick + self.rng.randint(-self.width, self.width)) * self.tick

    def qty(self, *, is_small: bool = False) -> int:
        if self.one_in(50):
            odd = (0, -1, 3, 61, 200)
            return self.rng.choice(odd if is_small else (*odd, 2**20, 2**30 - 1, 2**30))
        return self.lot * self.rng.choice((1, 1, 2, 3, 5, 8, 13, 40))

    def side(self) -> str:
        return "BS"[self.rng.randrange(2)]

    def owner(self) -> int:
        return -1 if self.one_in(300) else self.rng.randrange(self.owners)

    def known(self) -> int:
        """Return the id of a step gone by, a late one more often: it may be no order, or a finished one."""
        return max(0, self.number - 1 - int(self.rng.expovariate(1 / 15)))

    def new(self, op: str, **more: Any) -> _Step:
        id = self.known() if self.one_in(40) else self.number
        return {"op": op, "id": id, "side": self.side(), "qty": self.qty(), "owner": self.owner()} | more

    def maybe_owner(self) -> _Step:
        return {"owner": self.owner()} if self.one_in(8) else {}


def _limit(draw: _Draw) -> _Step:
    step = draw.new("limit", price=draw.price())
    tif = draw.rng.choice(_TIFS)
    step |= {} if tif == "GTC" else {"tif": tif}
    kind = draw.rng.randrange(10)
    if kind == 0:
        step["post_only"] = True
    elif kind == 1:
        step["hidden"] = True
    elif kind < 4:
        step["display"] = draw.lot * draw.rng.choice((1, 1, 2, 3)) if not draw.one_in(20) else draw.qty(is_small=True)
        step["qty"] = draw.qty(is_small=True)  # a million tranches would be a million trades
    return step


def _plain_limit(draw: _Draw) -> _Step:
    return draw.new("limit", price=draw.price())


def _stop_limit(draw: _Draw) -> _Step:
    return draw.new("stop_limit", stop=draw.price(), price=draw.price())


def _trailing(draw: _Draw) -> _Step:
    offset = draw.tick * draw.rng.randint(1, draw.width) if not draw.one_in(20) else draw.price()
    return draw.new("trailing_stop", offset=offset)


def _modify(draw: _Draw) -> _Step:
    step: _Step = {"op": "modify", "id": draw.known()} | draw.maybe_owner()
    step |= {"price": draw.price()} if draw.one_in(2) else {}
    return step | ({"qty": draw.qty(is_small=True)} if draw.one_in(2) else {})


def _uncross(draw: _Draw) -> _Step:
    return {"op": "uncross"} | ({"reference": draw.price()} if draw.one_in(2) else {})


_TIFS: Final = ("GTC", "GTC", "GTC", *(tif.upper() for tif in TIFS))  # mostly the plain one
_VERBS: Final[list[tuple[float, Callable[[_Draw], _Step]]]] = [
    (1.0, _plain_limit),
    (4.0, _limit),
    (0.6, lambda draw: draw.new("market")),
    (0.6, lambda draw: draw.new("stop", stop=draw.price())),
    (0.6, _stop_limit),
    (0.6, _trailing),
    (0.8, lambda draw: {"op": "cancel", "id": draw.known()} | draw.maybe_owner()),
    (0.6, lambda draw: {"op": "reduce", "id": draw.known(), "by": draw.qty()} | draw.maybe_owner()),
    (1.0, _modify),
    (0.05, lambda draw: {"op": "mass_cancel", "owner": draw.owner()}),
    (0.15, lambda draw: {"op": "phase", "to": draw.rng.choice(("auction", "auction", "halt", "continuous"))}),
    (0.3, _uncross),
]
