"""The hunt itself: it is repeatable, reaches every corner, finds what is wrong, and prints it as a case."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from typing import Any

import pytest

from sekai.cli import main
from sekai.markets.book.messages import EventKind, Reason
from sekai.markets.referee import fuzz
from sekai.markets.referee.cli import fuzz as command
from sekai.markets.referee.conformance import Story, rules_of, run_case
from sekai.markets.referee.fuzz import case_of, episode, hunt, shortest, told_apart
from sekai.markets.referee.reference import ReferenceBook


def test_the_same_seed_is_the_same_market() -> None:
    assert episode("7.3", 200) == episode("7.3", 200) != episode("7.4", 200)


def test_the_hunt_goes_everywhere() -> None:
    """In sixty markets everything happens that can: every event, every end of an order, every reason but full books."""
    kinds: Counter[EventKind] = Counter()
    reasons: Counter[Reason] = Counter()
    outcomes: Counter[str] = Counter()
    for number in range(60):
        config, steps = episode(f"everywhere.{number}", 400)
        story = Story(ReferenceBook(rules=rules_of(config)), config)
        for place, step in enumerate(steps):
            story.tell(place, step)
        kinds.update(event.kind for event in story.book.events)
        reasons.update(event.reason for event in story.book.events)
        outcomes.update(story.book.outcome.values())
    assert set(kinds) == set(EventKind)
    never = {"BEYOND_LADDER", "BOOK_FULL", "CLOSED", "BAD_SIDE", "IDS_EXHAUSTED"}
    assert {reason.name for reason in Reason} - {reason.name for reason in reasons} == never
    assert set(outcomes) == {"live", "pending", "filled", "cancelled", "rejected"}


def test_a_case_of_the_hunt_holds_for_the_reference() -> None:
    config, steps = episode("case.1", 120)
    case = json.loads(json.dumps(case_of(config, steps)))
    assert len(case["steps"]) == 120 and run_case(case, "reference") == []


def test_a_fault_is_found_made_short_and_printed_as_a_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference that trades at the worst of the prices it may, and the hunt against it."""
    from sekai.markets.referee.reference import matching

    honest = matching._reach
    monkeypatch.setattr(matching, "_reach", lambda book, taker: honest(book, taker)[::-1])
    seen = hunt(1, 20_000)
    assert seen.difference is not None and len(seen.difference.steps) <= 4
    assert told_apart(seen.difference.config, seen.difference.steps) != []
    for left_out in range(len(seen.difference.steps)):
        fewer = [step for number, step in enumerate(seen.difference.steps) if number != left_out]
        assert told_apart(seen.difference.config, fewer, every=1) == []
    (case,) = json.loads(str(seen.difference)[str(seen.difference).index('{"cases"') :])["cases"]
    assert run_case(case, "reference") == [] != run_case(case, "engine")
    assert shortest(seen.difference.config, seen.difference.steps)[0] == seen.difference.steps


def test_a_stop_is_elected_at_the_foot_of_a_ladder_that_grew() -> None:
    """Found by hunt(4002), after four million messages: a grown row took the ladder's first price for one looked at."""
    limits = [(0, "S", 40, 0, 1026), (2, "S", 5, 1, 1030), (3, "S", 1, 3, 984), (4, "S", 1, 0, 998)]
    limits += [(5, "S", 13, 1, 990), (6, "S", 2, 0, 944)]
    steps: list[dict[str, Any]] = [
        {"op": "limit", "id": id, "side": side, "qty": qty, "owner": owner, "price": price}
        for id, side, qty, owner, price in limits
    ]
    buy_stop = {"op": "stop_limit", "id": 1, "side": "B", "qty": 13, "owner": 1, "stop": 1020, "price": 1006}
    sell_stop = {"op": "stop_limit", "id": 7, "side": "S", "qty": 13, "owner": 3, "stop": 956, "price": 1012}
    taker = {"op": "limit", "id": 9, "side": "B", "qty": 1, "owner": 3, "price": 946}
    steps = [steps[0], buy_stop, *steps[1:], sell_stop, taker]
    assert told_apart({"tick": 2}, steps, every=1) == []


def test_fresh_seeds() -> None:
    """Two hundred thousand messages that nobody has seen before; a failure prints the seed and the case."""
    seen = hunt(secrets.randbelow(10**9), 200_000)
    assert seen.difference is None, str(seen)
    assert seen.messages == 200_000 and seen.trades > 20_000 and seen.refusals > 20_000


def test_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    command(seed=3, messages=1_200)
    assert capsys.readouterr().out.startswith("seed 3: 1,200 messages, ")
    command(seed=3, messages=700, json=True)
    assert json.loads(capsys.readouterr().out)["difference"] is None

    def other(book: Any, reference: Any, and_past: bool = True) -> list[str]:
        return ["they differ"]

    monkeypatch.setattr(fuzz, "differences", other)
    with pytest.raises(SystemExit):
        command(seed=3, messages=100)
    assert "they differ" in capsys.readouterr().out


def test_a_seed_below_zero_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fuzz", "--seed", "-1", "--messages", "10"]) == 2
    assert "Invalid value for '--seed'" in capsys.readouterr().err
