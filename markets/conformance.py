"""Conformance: small stories with known ends, told to the venue in a format that other engines can be told too.

A file is JSON with a list `cases`; a case has an `id`, a `config` of the venue, `steps`, and what to `expect` after the
last one (MATCHING rules in words, `format` in the file itself). Prices are ticks and sizes lots, both integers; `cash`
is in hundredths of tick x lot. A case that needs what the venue cannot do yet fails, and says what that is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markets.book import OrderBook, Side
from markets.messages import EventKind
from markets.rejection import OrderRejected
from sekai.error import SekaiError

__all__ = ["BadCases", "Case", "Failure", "Result", "run_case", "run_file"]

Case = Mapping[str, Any]


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


def run_file(path: Path | str) -> Result:
    """Run all cases of a file. Raises BadCases, naming the file, where it cannot be read as one."""
    try:
        cases = json.loads(Path(path).read_text(encoding="utf-8"))
        cases = cases["cases"] if isinstance(cases, dict) else cases
        named = [(str(case["id"]), str(case.get("desc", "")), case) for case in cases]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadCases(f"{path} must be a JSON file with a list of cases: {error!r}") from error
    outcomes = [Failure(id, description, tuple(run_case(case))) for id, description, case in named]
    return Result(tuple(o.id for o in outcomes if not o.problems), tuple(o for o in outcomes if o.problems))


def run_case(case: Case) -> list[str]:
    """Run one case on a fresh book; return what differed from what it expects, nothing if all is well."""
    missing = sorted(set(_unbuilt(case)))
    if missing:
        return [f"not built yet: {feature}" for feature in missing]
    try:
        story = _Story(_book(case.get("config", {})))
        for number, step in enumerate(case["steps"]):
            story.tell(number, step)
        return list(_differences(story, case.get("expect", {})))
    except (KeyError, TypeError, ValueError) as error:
        return [f"the case cannot be run: {error!r}"]


# --- what is not built -----------------------------------------------------------------------------------------

_OPERATIONS = {"limit", "market", "cancel", "mass_cancel", "reduce", "modify"}
_OPERATION_NAMES = {"stop_limit": "stop-limit", "trailing_stop": "trailing stop", "phase": "call auction"}
_PLAIN_CONFIG: dict[str, Callable[[Any], bool]] = {
    "tick": lambda value: True,
    "lot": lambda value: True,
    "max_qty": lambda value: True,
    "price_band": lambda value: True,
    "last_trade": lambda value: True,  # only stops and auctions ask for it
    "stp": lambda value: value in (None, "none"),
    "allocation": lambda value: value in (None, "fifo"),
    "maker_fee_bps": lambda value: not value,
    "taker_fee_bps": lambda value: not value,
    "top_order": lambda value: not value,
    "halt_band": lambda value: value is None,
    "position_limit": lambda value: value is None,
}
_CONFIG_NAMES = {"stp": "self-trade prevention", "allocation": "allocation"}


def _unbuilt(case: Case) -> Iterator[str]:
    """Yield the features that a case needs and the venue lacks."""
    for key, value in case.get("config", {}).items():
        if not _PLAIN_CONFIG.get(key, lambda value: False)(value):
            yield f"{_CONFIG_NAMES.get(key, key)} {value!r}"
    for step in case.get("steps", ()):
        operation = str(step.get("op"))
        if operation not in _OPERATIONS:
            yield _OPERATION_NAMES.get(operation, "call auction" if operation == "uncross" else operation)
            continue
        tif = str(step.get("tif", "GTC")).upper()
        if tif not in ("GTC", "IOC"):
            yield tif
        for flag, name in (("post_only", "post-only"), ("display", "iceberg"), ("hidden", "hidden order")):
            if step.get(flag):
                yield name


# --- telling ---------------------------------------------------------------------------------------------------


def _book(config: Case) -> OrderBook:
    """Return the empty book that a case asks for."""
    rules: dict[str, Any] = {
        "tick": config.get("tick"),
        "lot": config.get("lot"),
        "max_size": config.get("max_qty"),
        "band": tuple(config["price_band"]) if config.get("price_band") else None,
    }
    return OrderBook(events=True, **{name: value for name, value in rules.items() if value is not None})


@dataclass
class _Story:
    """A case under way: its book, and the numbers that the book knows its orders and owners by."""

    book: OrderBook
    ids: dict[str, int] = field(default_factory=dict)
    owners: dict[Any, int] = field(default_factory=dict)
    rejects: list[int] = field(default_factory=list)

    def tell(self, number: int, step: Case) -> None:
        """Do one step; note it where it is refused."""
        try:
            getattr(self, f"_{step['op']}")(step)
        except OrderRejected:
            self.rejects.append(number)

    def owner(self, name: Any) -> int:
        """Return the number of an owner; orders without one share an owner of their own."""
        return self.owners.setdefault(name, len(self.owners))

    def id(self, name: Any) -> int:
        """Return the number of an order, new or not; JSON's keys are text, so 1 and "1" are one order."""
        return self.ids.setdefault(str(name), len(self.ids))

    def _limit(self, step: Case) -> None:
        tif: Any = str(step.get("tif", "GTC")).lower()
        owner, number = self.owner(step.get("owner")), self.id(step["id"])
        self.book.limit(_side(step), price=step["price"], size=step["qty"], owner=owner, tif=tif, id=number)

    def _market(self, step: Case) -> None:
        self.book.market(_side(step), size=step["qty"], owner=self.owner(step.get("owner")), id=self.id(step["id"]))

    def _cancel(self, step: Case) -> None:
        self.book.cancel(self.id(step["id"]), owner=self._named(step))

    def _mass_cancel(self, step: Case) -> None:
        self.book.mass_cancel(self.owner(step.get("owner")))

    def _reduce(self, step: Case) -> None:
        self.book.reduce(self.id(step["id"]), step["by"], owner=self._named(step))

    def _modify(self, step: Case) -> None:
        self.book.modify(self.id(step["id"]), price=step.get("price"), size=step.get("qty"), owner=self._named(step))

    def _named(self, step: Case) -> int | None:
        return self.owner(step["owner"]) if step.get("owner") is not None else None

    def name(self, number: int) -> str:
        """Return the case's name, as text, of an order that the book knows by `number`."""
        return next(name for name, known in self.ids.items() if known == number)


def _side(step: Case) -> Side:
    side = str(step["side"]).lower()
    sides: dict[str, Side] = {"b": "buy", "s": "sell", "buy": "buy", "sell": "sell"}
    if side not in sides:
        raise ValueError(f"side must be B or S, got {step['side']!r}")
    return sides[side]


# --- comparing -------------------------------------------------------------------------------------------------


def _differences(story: _Story, expect: Case) -> Iterator[str]:
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
    """Return expected data with every order's id as text, wherever ids stand: as keys, or in lists of orders."""
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else value


def _levels(story: _Story, side: str, expected: Sequence[Any]) -> list[Any]:
    named: Any = side
    depth = story.book.depth(1 << 20)
    prices = (depth.bids if side == "bid" else depth.asks)["price_ticks"].tolist()
    given = {str(order[0]): order[0] for _, orders in expected for order in orders}
    return [
        [price, [[_as_given(story, order.id, given), order.size] for order in story.book.queue(named, price)]]
        for price in prices
    ]


def _trades(story: _Story, expected: Sequence[Any]) -> list[Any]:
    given = {str(id): id for trade in expected for id in trade[:2]}
    return [
        [_as_given(story, maker, given), _as_given(story, taker, given), price, size]
        for maker, taker, price, size in story.book.trades.tolist()
    ]


def _as_given(story: _Story, number: int, given: Mapping[str, Any]) -> Any:
    """Return an order's name as the case writes it, a number where it is one."""
    name = story.name(number)
    return given.get(name, int(name) if name.lstrip("-").isdigit() else name)


def _done(story: _Story, expected: Case) -> dict[str, str | None]:
    return {str(name): _status(story, story.ids.get(str(name))) for name in expected}


def _status(story: _Story, number: int | None) -> str | None:
    """Return how an order ended: "filled", "cancelled" or "rejected"; "open", or None if nobody sent it."""
    if number is None:
        return None
    if number in story.book:
        return "open"
    kinds = [kind for kind, order in story.book.events[["kind", "order"]].tolist() if order == number]
    if EventKind.ACCEPTED not in kinds:
        return "rejected"
    last_life = kinds[len(kinds) - 1 - kinds[::-1].index(EventKind.ACCEPTED) :]
    return "cancelled" if EventKind.CANCELLED in last_life else "filled"


def _visible(story: _Story, expected: Case) -> dict[str, int | None]:
    orders = {name: story.book.order(story.ids[str(name)]) if str(name) in story.ids else None for name in expected}
    return {str(name): order.size if order else None for name, order in orders.items()}


def _fills(story: _Story, expected: Case) -> dict[str, int]:
    trades = story.book.trades
    numbers = {str(name): story.ids.get(str(name), -1) for name in expected}
    return {
        name: int(trades["size"][(trades["maker"] == number) | (trades["taker"] == number)].sum())
        for name, number in numbers.items()
    }


def _account(column: str) -> Callable[[_Story, Case], dict[str, int]]:
    def read(story: _Story, expected: Case) -> dict[str, int]:
        accounts = story.book.accounts[column].tolist()
        numbers = {str(name): story.owners.get(name, len(accounts)) for name in expected}
        return {name: accounts[number] if number < len(accounts) else 0 for name, number in numbers.items()}

    return read


_READERS: dict[str, Callable[[_Story, Any], Any]] = {
    "trades": _trades,
    "bids": lambda story, expected: _levels(story, "bid", expected),
    "asks": lambda story, expected: _levels(story, "ask", expected),
    "done": _done,
    "rejects": lambda story, expected: story.rejects,
    "pending_stops": lambda story, expected: [],
    "visible": _visible,
    "fills": _fills,
    "clearing_price": lambda story, expected: None,
    "cash": _account("cash"),
    "position": _account("position"),
    "halted": lambda story, expected: False,
}
