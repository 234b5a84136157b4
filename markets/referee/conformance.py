"""Conformance: small stories with known ends, told to the venue in a format that other engines can be told too.

A file is JSON with a list `cases`; a case has an `id`, a `config` of the venue, `steps`, and what to `expect` after the
last one (docs/cases.md lists the words). Prices are ticks and sizes lots, both integers; `cash` is in hundredths of
tick x lot. Orders without an `owner` share one, except under self-trade prevention: there each is nobody else's.

The compiled book is told the cases, or the reference, which has to come to the same ends.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Literal, get_args

from sekai.error import SekaiError
from sekai.markets.book.messages import Reason
from sekai.markets.book.order_book import PHASES, OrderBook
from sekai.markets.book.rejection import OrderRejected
from sekai.markets.engine.operations import OPERATIONS
from sekai.markets.referee.reference import ReferenceBook, Refusal
from sekai.markets.rules import VenueRules

__all__ = ["BadCases", "Case", "Failure", "Result", "Story", "Target", "rules_of", "run_case", "run_file"]

Case = Mapping[str, Any]
Target = Literal["engine", "reference"]


class BadCases(SekaiError, ValueError):
    """Raised when a file is no list of cases."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that did not end as it should: one sentence for everything that differed."""

    id: str
    description: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a file's cases."""

    passed: tuple[str, ...]
    failed: tuple[Failure, ...]

    def __str__(self) -> str:
        lines = []
        for failure in self.failed:
            lines.append(f"{failure.id}: {failure.description}")
            lines += [f"    {problem}" for problem in failure.problems]
        return "\n".join([*lines, f"{len(self.passed)} passed, {len(self.failed)} failed"])

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain data: `passed`, a list of ids, and `failed`, id to problems."""
        return {"passed": list(self.passed), "failed": {f.id: list(f.problems) for f in self.failed}}


def run_file(path: Path | str, on: Target = "engine") -> Result:
    """Run all cases of a file, or of a folder's files. Raises BadCases, naming the file that cannot be read as one."""
    if on not in get_args(Target):
        raise BadCases(f"on must be one of {', '.join(get_args(Target))}, got {on!r}")
    root = Path(path)
    files = sorted(root.glob("**/*.json")) if root.is_dir() else [root]
    if not files:
        raise BadCases(f"{path} must hold a file of cases, *.json, got none")
    cases = [case for file in files for case in _read(file)]
    outcomes = [Failure(id, description, tuple(run_case(case, on))) for id, description, case in cases]
    return Result(tuple(o.id for o in outcomes if not o.problems), tuple(o for o in outcomes if o.problems))


def run_case(case: Case, on: Target = "engine") -> list[str]:
    """Run one case on a fresh book; return what differed from what it expects, nothing if all is well."""
    try:
        _check(case)
        config = case.get("config", {})
        rules = rules_of(config)
        book: Any = ReferenceBook(rules=rules) if on == "reference" else OrderBook(rules=rules, events=True)
        story = Story(book, config)
        for number, step in enumerate(case["steps"]):
            story.tell(number, step)
        return list(_differences(story, case["expect"]))
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        return [f"the case cannot be run: {error!r}"]
    except (OverflowError, ValueError) as error:
        return [f"the case cannot be run: {error}"]


def _read(path: Path) -> list[tuple[str, str, Case]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, RecursionError, ValueError) as error:
        raise BadCases(f"{path} must be a JSON file: {error}") from error
    cases = content.get("cases") if isinstance(content, dict) else content
    if not isinstance(cases, list) or not cases:
        raise BadCases(f"{path} must have a list of cases, at least one, alone or as 'cases'")
    for number, case in enumerate(cases):
        if not isinstance(case, dict) or "id" not in case:
            raise BadCases(f"{path}: case {number}, counted from 0, must be an object with an id")
    return [(str(case["id"]), str(case.get("desc", "")), case) for case in cases]


# --- telling ---------------------------------------------------------------------------------------------------

_RULES: Final = {"max_qty": "max_size", "price_band": "band"}  # where a case's word is not the field's
_SIDES: Final = {"b": "buy", "s": "sell", "buy": "buy", "sell": "sell"}
_NUMBERS: Final = ("price", "qty", "stop", "offset", "by", "display", "reference", "time")


def _steps() -> dict[str, tuple[set[str], set[str]]]:
    """Return what a step of each kind must have, and what it may have."""
    words, steps = {"size": "qty"}, dict[str, tuple[set[str], set[str]]]()
    for one in OPERATIONS.values():
        if one.is_public:
            must, may = ({words.get(word, word) for word in fields.values()} for fields in (one.needs, one.may_have))
            may |= ({"tif"} if one.tif else set()) | ({"post_only"} if "flags" in one.may_have else set())
            steps[one.method] = must, may
    return steps | {"halt": (set(), set())}


_STEPS: Final = _steps()


def _check(case: Case) -> None:
    """Raise ValueError unless a case has what every case has, of the kinds that it must be."""
    for name, kind, what in (("config", dict, "an object"), ("steps", list, "a list"), ("expect", dict, "an object")):
        if not isinstance(case.get(name, {} if name == "config" else None), kind):
            raise ValueError(f"{name} must be {what}, got {case.get(name)!r}")
    now = 0
    for number, step in enumerate(case["steps"]):
        for fault in _step_faults(step, now):
            raise ValueError(f"step {number}: {fault}")
        now = step.get("time") or now


def _step_faults(step: Any, now: int) -> Iterator[str]:
    """Yield what is wrong with a step by itself, `now` being the time before it: not what a venue would refuse."""
    if not isinstance(step, dict) or step.get("op") not in _STEPS:
        yield f"must have an op out of {', '.join(_STEPS)}, got {step!r}"
        return
    must, may = _STEPS[step["op"]]
    given = {name for name, value in step.items() if value is not None}
    for name in sorted(set(step) - must - may - {"op", "time", "note"}):
        yield f"{step['op']}: {name!r} is not known"
    for name in sorted(must - given):
        yield f"{step['op']}: {name!r} is missing"
    for name in _NUMBERS:
        if name in given and type(step[name]) not in ((int,) if name == "time" else (int, float)):
            yield f"{name} must be a number, got {step[name]!r}"
    for name, words in (("side", _SIDES), ("to", PHASES)):
        if name in given and str(step[name]).lower() not in words:
            yield f"{name} must be one of {', '.join(words)}, got {step[name]!r}"
    for name in ("post_only", "hidden"):
        if name in given and step[name] not in (True, False):
            yield f"{name} must be true or false, got {step[name]!r}"
    if type(step.get("time")) is int and step["time"] < now:
        yield f"time must be >= {now}, got {step['time']}"


def rules_of(config: Case) -> VenueRules:
    """Return the rules that a case's config asks for."""
    rules = {_RULES.get(key, key): value for key, value in config.items() if value is not None}
    unknown = sorted(set(rules) - {field.name for field in fields(VenueRules)})
    if unknown:
        raise ValueError(f"config.{unknown[0]} is not known")
    if isinstance(rules.get("halt_band"), list):  # the band itself, and it halts
        rules |= {"band": rules["halt_band"], "halt_band": True}
    if "band" in rules:
        rules["band"] = tuple(rules["band"])
    return VenueRules(**rules)


@dataclass
class Story:
    """A case under way: its book, and the numbers that the book knows its orders and owners by."""

    book: Any
    config: Case = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    owners: dict[Any, int] = field(default_factory=dict)
    rejects: dict[int, Reason] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    prices: set[int] = field(default_factory=set)
    clearing_price: int | None = None

    def tell(self, number: int, step: Case) -> Any:
        """Do one step; return the book's answer, or the reason where it is refused, which is noted."""
        operation = step["op"]
        if step.get("time") is not None:
            self.book.time_ns = step["time"]
        self.prices.add(int(step.get("price") or 0))
        try:
            return getattr(self, f"_{operation}")(step)
        except (OrderRejected, Refusal) as refused:
            self.rejects[number] = refused.reason
            return refused.reason

    def owner(self, name: Any) -> int:
        """Return the number of an owner; one below zero is nobody's name, and is asked for as it is."""
        if isinstance(name, int) and name < 0:
            return name
        if name is None and self.config.get("stp", "none") != "none":
            name = ("nobody", len(self.owners))
        return self.owners.setdefault(name, len(self.owners))

    def id(self, name: Any) -> int:
        """Return the number of an order, new or not; JSON's keys are text, so 1 and "1" are one order."""
        return self.ids.setdefault(str(name), len(self.ids))

    def name(self, number: int) -> str:
        """Return the case's name, as text, of an order that the book knows by `number`."""
        return next(name for name, known in self.ids.items() if known == number)

    def _new(self, step: Case) -> dict[str, Any]:
        return {"size": step["qty"], "owner": self.owner(step.get("owner")), "id": self.id(step["id"])}

    def _limit(self, step: Case) -> Any:
        new = self._new(step)
        flags = {name: bool(step[name]) for name in ("post_only", "hidden") if step.get(name) is not None}
        flags |= {"display": step["display"]} if step.get("display") is not None else {}
        if step.get("hidden"):
            self.hidden.add(new["id"])
        tif = str(step.get("tif") or "GTC").lower()
        return self.book.limit(_side(step), price=step["price"], tif=tif, **new, **flags)

    def _market(self, step: Case) -> Any:
        return self.book.market(_side(step), **self._new(step))

    def _stop(self, step: Case) -> Any:
        return self.book.stop(_side(step), stop=step["stop"], **self._new(step))

    def _stop_limit(self, step: Case) -> Any:
        return self.book.stop_limit(_side(step), stop=step["stop"], price=step["price"], **self._new(step))

    def _trailing_stop(self, step: Case) -> Any:
        return self.book.trailing_stop(_side(step), offset=step["offset"], **self._new(step))

    def _cancel(self, step: Case) -> Any:
        return self.book.cancel(self.id(step["id"]), owner=self._named(step))

    def _mass_cancel(self, step: Case) -> Any:
        return self.book.mass_cancel(self.owner(step.get("owner")))

    def _reduce(self, step: Case) -> Any:
        return self.book.reduce(self.id(step["id"]), step["by"], owner=self._named(step))

    def _modify(self, step: Case) -> Any:
        return self.book.modify(
            self.id(step["id"]), price=step.get("price"), size=step.get("qty"), owner=self._named(step)
        )

    def _phase(self, step: Case) -> Any:
        phase = step["to"].lower()
        cleared = self.book.phase(phase)
        if phase == "continuous":
            self.clearing_price = cleared
        return cleared

    def _halt(self, step: Case) -> Any:
        return self.book.phase("halt")

    def _uncross(self, step: Case) -> Any:
        self.clearing_price = self.book.uncross(step.get("reference"))
        return self.clearing_price

    def _named(self, step: Case) -> int | None:
        return self.owner(step["owner"]) if step.get("owner") is not None else None


def _side(step: Case) -> str:
    return _SIDES[str(step["side"]).lower()]


# --- comparing -------------------------------------------------------------------------------------------------


def _differences(story: Story, expect: Case) -> Iterator[str]:
    """Yield a sentence for everything that is not as expected."""
    for key, expected in expect.items():
        if key not in _READERS:
            yield f"expect.{key} is not known"
            continue
        actual = _READERS[key](story, expected)
        expected = _plain(expected)
        if actual != expected:
            yield f"{key}: expected {json.dumps(expected)}, got {json.dumps(actual)}"


def _plain(value: Any) -> Any:
    """Return expected data with every order's id as text, wherever ids stand as keys."""
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else value


def _levels(story: Story, side: int, expected: Sequence[Any]) -> list[Any]:
    """Return a side's queues; a hidden order is in them only if the case names it there."""
    given = {str(order[0]): order[0] for _, orders in expected for order in orders}
    levels = []
    for price, queue in _queues(story, side):
        named = [(story.name(id), id, size) for id, size in queue]
        orders = [[_as_given(name, given), size] for name, id, size in named if id not in story.hidden or name in given]
        if orders:
            levels.append([price, orders])
    return levels


def _queues(story: Story, side: int) -> list[tuple[int, list[tuple[int, int]]]]:
    book = story.book
    if isinstance(book, ReferenceBook):
        return book.levels(side)
    word: Any = ("buy", "sell")[side]
    prices = sorted(story.prices, reverse=side == 0)
    return [(price, [(order.id, order.size) for order in book.queue(word, price)]) for price in prices]


def _fill_list(story: Story) -> list[tuple[int, int, int, int]]:
    trades = story.book.trades
    return list(trades) if isinstance(trades, list) else trades.tolist()


def _trades(story: Story, expected: Sequence[Any]) -> list[Any]:
    given = {str(id): id for trade in expected for id in trade[:2]}
    return [
        [_as_given(story.name(maker), given), _as_given(story.name(taker), given), price, size]
        for maker, taker, price, size in _fill_list(story)
    ]


def _as_given(name: str, given: Mapping[str, Any]) -> Any:
    """Return an order's name as the case writes it, a number where it is one."""
    return given.get(name, int(name) if name.lstrip("-").isdigit() else name)


def _by_id(ask: Callable[[Any, int], Any]) -> Callable[[Story, Case], dict[str, Any]]:
    def read(story: Story, expected: Case) -> dict[str, Any]:
        numbers = {str(name): story.ids.get(str(name)) for name in expected}
        return {name: None if number is None else ask(story.book, number) for name, number in numbers.items()}

    return read


def _by_owner(column: str) -> Callable[[Story, Case], dict[str, int]]:
    def read(story: Story, expected: Case) -> dict[str, int]:
        numbers = {str(name): number for name, number in story.owners.items()}
        return {str(name): _account(story.book, numbers.get(str(name)), column) for name in expected}

    return read


def _account(book: Any, owner: int | None, column: str) -> int:
    if owner is None:
        return 0
    if isinstance(book, ReferenceBook):
        return int(getattr(book.accounts[owner], column))
    accounts = book.accounts[column].tolist()
    return int(accounts[owner]) if owner < len(accounts) else 0


def _fills(story: Story, expected: Case) -> dict[str, int]:
    numbers = {str(name): story.ids.get(str(name), -1) for name in expected}
    trades = _fill_list(story)
    return {name: sum(trade[3] for trade in trades if number in trade[:2]) for name, number in numbers.items()}


def _pending(story: Story, expected: Sequence[Any]) -> list[Any]:
    """Return the stops that wait: in the order of the case where they are the same."""
    given = {str(id): id for id in expected}
    found = [_as_given(story.name(int(number)), given) for number in story.book.pending_stops]
    return list(expected) if sorted(map(str, found)) == sorted(map(str, expected)) else found


_READERS: Final[dict[str, Callable[[Story, Any], Any]]] = {
    "trades": _trades,
    "bids": lambda story, expected: _levels(story, 0, expected),
    "asks": lambda story, expected: _levels(story, 1, expected),
    "done": _by_id(lambda book, number: book.status(number)),
    "rejects": lambda story, expected: sorted(story.rejects),
    "reasons": lambda story, expected: {str(n): r.name for n, r in story.rejects.items() if str(n) in _plain(expected)},
    "pending_stops": _pending,
    "visible": _by_id(lambda book, number: book.visible(number)),
    "fills": _fills,
    "clearing_price": lambda story, expected: story.clearing_price,
    "cash": _by_owner("cash"),
    "position": _by_owner("position"),
    "venue_cash": lambda story, expected: story.book.venue_cash,
    "halted": lambda story, expected: story.book.halted,
    "last": lambda story, expected: story.book.last,
}
