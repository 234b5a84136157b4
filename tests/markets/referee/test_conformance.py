"""The runner of cases: it passes what is right, says what is not, and takes nothing unbuilt for passed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sekai.markets.referee.cli import conformance
from sekai.markets.referee.conformance import BadCases, run_case, run_file
from tests.shipped import ROOT

EXAMPLES = ROOT.parent / "shared" / "cases" / "matching_examples.json"
CASES = ROOT / "cases"
ON = ["reference", "engine"]


def limit(id: Any, side: str, price: int, qty: int, **more: Any) -> dict[str, Any]:
    return {"op": "limit", "id": id, "side": side, "price": price, "qty": qty} | more


STEPS = [
    limit(1, "S", 101, 5, owner="a"),
    limit("x", "S", 101, 3, owner="b"),
    limit(3, "B", 101, 6, owner="c"),
    limit(3, "B", 99, 2, owner="c"),  # 3 was filled: its id is free
    {"op": "market", "id": 4, "side": "B", "qty": 9},
    limit(5, "B", 98, 1, tif="IOC"),
    {"op": "cancel", "id": 3, "owner": "a"},
    {"op": "cancel", "id": 77},
    limit(6, "B", 0, 1),
]
EXPECT = {
    "trades": [[1, 3, 101, 5], ["x", 3, 101, 1], ["x", 4, 101, 2]],
    "bids": [[99, [[3, 2]]]],
    "asks": [],
    "done": {"1": "filled", "x": "filled", "4": "cancelled", "5": "cancelled", "6": "rejected", "3": "live"},
    "rejects": [6, 7, 8],
    "visible": {"3": 2},
    "fills": {"3": 6, "x": 3, "5": 0},
    "position": {"a": -5, "b": -3, "c": 6, "nobody": 0},
    "cash": {"a": 50_500, "c": -60_600},
    "pending_stops": [],
    "clearing_price": None,
    "halted": False,
    "venue_cash": 0,
    "last": 101,
    "reasons": {"6": "NOT_OWNER", "7": "UNKNOWN_ORDER", "8": "BAD_PRICE"},
}


@pytest.mark.parametrize("on", ON)
def test_a_story_with_everything_in_it(on: Any) -> None:
    assert run_case({"id": "A", "config": {}, "steps": STEPS, "expect": EXPECT}, on) == []


@pytest.mark.parametrize("key", EXPECT)
def test_whatever_differs_is_told(key: str) -> None:
    wrong = [["no", "such", 1, 1]] if isinstance(EXPECT[key], list) else {"4": "no such"}
    problems = run_case({"id": "A", "config": {}, "steps": STEPS, "expect": EXPECT | {key: wrong}}, "reference")
    assert len(problems) == 1 and (problems[0].startswith(f"{key}: expected") or "cannot be run" in problems[0])


def test_an_expectation_that_nobody_knows_fails() -> None:
    case = {"id": "A", "steps": [], "expect": {"weather": "fine"}}
    assert run_case(case, "reference") == ["expect.weather is not known"]


@pytest.mark.parametrize(
    ("config", "step", "what"),
    [
        ({"unheard_of": 1}, limit(1, "B", 5, 1), "config.unheard_of is not known"),
        ({"stp": "sometimes"}, limit(1, "B", 5, 1), "stp must be one of"),
        ({}, {"op": "dance"}, "step 0: must have an op out of limit, market, stop"),
        ({}, limit(1, "B", 5, 1, colour="red"), "step 0: limit: 'colour' is not known"),
        ({}, limit(1, "left", 5, 1), "side must be one of b, s, buy, sell, got 'left'"),
        ({}, {"op": "cancel"}, "cancel: 'id' is missing"),
        ({}, {"op": "cancel", "id": None}, "cancel: 'id' is missing"),
        ({}, limit(1, "B", "101", 1), "price must be a number, got '101'"),  # type: ignore[arg-type]
        ({}, limit(1, "B", float("inf"), 1), "cannot convert float infinity to integer"),  # type: ignore[arg-type]
        ({}, limit(1, "B", 100, True), "qty must be a number, got True"),
        ({}, limit(1, "B", 100, 1, post_only="no"), "post_only must be true or false, got 'no'"),
        ({}, limit(1, "B", 100, 1, time=-1), "time must be >= 0, got -1"),
        ({}, {"op": "phase", "to": "lunch"}, "to must be one of continuous, auction, halt, got 'lunch'"),
        ([], limit(1, "B", 100, 1), "config must be an object, got []"),
    ],
)
def test_what_cannot_be_run_fails_and_says_why(config: Any, step: Any, what: str) -> None:
    (problem,) = run_case({"id": "A", "config": config, "steps": [step], "expect": {}}, "reference")
    assert problem.startswith("the case cannot be run: ") and what in problem


@pytest.mark.parametrize("on", ["engine", "reference"])
@pytest.mark.parametrize(
    "step",
    [
        limit(1, "B", 100.5, 1),  # type: ignore[arg-type]
        limit(1, "B", 100, 1.5),  # type: ignore[arg-type]
        limit(1, "B", 100, 1, tif="day"),
        limit(1, "B", 0, 1),
    ],
)
def test_what_no_venue_would_take_is_refused(step: Any, on: Any) -> None:
    assert run_case({"id": "A", "steps": [step], "expect": {"rejects": [0], "bids": []}}, on) == []


def test_a_case_must_expect_something_of_steps_in_order_of_time() -> None:
    case = {"id": "A", "steps": [limit(1, "B", 9, 1, time=5), limit(2, "B", 9, 1), limit(3, "B", 9, 1, time=4)]}
    assert run_case(case) == ["the case cannot be run: expect must be an object, got None"]
    assert run_case(case | {"expect": {}}) == ["the case cannot be run: step 2: time must be >= 5, got 4"]
    assert run_case({"id": "A", "expect": {}}) == ["the case cannot be run: steps must be a list, got None"]


def test_what_may_be_left_out_may_be_null() -> None:
    nothing = dict.fromkeys(("tif", "post_only", "display", "hidden", "owner", "time", "note"))
    steps = [limit(1, "B", 9, 5, **nothing), {"op": "modify", "id": 1, "price": None, "qty": 3}]
    assert run_case({"id": "A", "steps": steps, "expect": {"bids": [[9, [[1, 3]]]], "rejects": []}}) == []


def test_a_hidden_order_is_compared_where_the_case_names_it() -> None:
    steps = [limit(1, "B", 100, 5, hidden=True), limit(2, "B", 100, 3)]
    for bids, differs in (([[100, [[2, 3]]]], 0), ([[100, [[2, 3], [1, 5]]]], 0), ([[100, [[1, 5], [2, 3]]]], 1)):
        assert len(run_case({"id": "A", "steps": steps, "expect": {"bids": bids}}, "reference")) == differs


def test_orders_without_owner_are_nobody_elses_under_prevention() -> None:
    steps = [limit(1, "S", 100, 5), limit(2, "B", 100, 5)]
    expect = {"trades": [[1, 2, 100, 5]]}
    assert run_case({"id": "A", "config": {"stp": "cancel_both"}, "steps": steps, "expect": expect}, "reference") == []


@pytest.mark.parametrize(
    ("config", "steps", "rejects"),
    [
        ({"tick": 5}, [limit(1, "B", 103, 1), limit(2, "B", 105, 1), limit(3, "B", 103, 1, tif="IOC")], [0, 2]),
        ({"lot": 10}, [limit(1, "B", 9, 15), limit(2, "B", 9, 20), {"op": "reduce", "id": 2, "by": 5}], [0, 2]),
        ({"lot": 10}, [limit(2, "B", 9, 20), {"op": "modify", "id": 2, "qty": 15}], [1]),
        ({"max_qty": 10}, [limit(1, "B", 9, 11), limit(2, "B", 9, 10), {"op": "modify", "id": 2, "qty": 11}], [0, 2]),
        ({"price_band": [90, 110]}, [limit(1, "B", 89, 1), limit(2, "B", 90, 1), limit(3, "S", 111, 1)], [0, 2]),
        ({"price_band": [90, 110]}, [limit(2, "B", 90, 1), {"op": "modify", "id": 2, "price": 80}], [1]),
        ({"last_trade": 100, "stp": "none"}, [limit(1, "B", -3, 1)], [0]),
    ],
)
@pytest.mark.parametrize("on", ON)
def test_the_venues_rules(config: Any, steps: Any, rejects: list[int], on: Any) -> None:
    assert run_case({"id": "A", "config": config, "steps": steps, "expect": {"rejects": rejects}}, on) == []


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = (
        {"id": "G", "steps": STEPS, "expect": EXPECT},
        {"id": "W", "desc": "is wrong", "steps": [], "expect": {"asks": [1]}},
    )
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"format": {}, "cases": [good, bad]}))
    with pytest.raises(SystemExit) as end:
        conformance(path, on="reference")
    out = capsys.readouterr().out.splitlines()
    assert end.value.code == 1 and out[0] == "W: is wrong" and out[-1] == "1 passed, 1 failed"
    with pytest.raises(SystemExit):
        conformance(path, on="reference", json=True)
    assert json.loads(capsys.readouterr().out)["passed"] == ["G"]
    path.write_text(json.dumps([good]))
    conformance(path, on="reference")
    assert capsys.readouterr().out == "1 passed, 0 failed\n"
    for text, words in (
        ("{}", "must have a list of cases, at least one"),
        ('{"cases": []}', "must have a list of cases, at least one"),
        ("[]", "must have a list of cases, at least one"),
        ("7", "must have a list of cases, at least one"),
        ("{", "must be a JSON file"),
        ('[{"id": 1}, 3]', "case 1, counted from 0, must be an object with an id"),
    ):
        path.write_text(text)
        with pytest.raises(BadCases, match=f"cases.json:? {words}"):
            run_file(path)
    (tmp_path / "none").mkdir()
    with pytest.raises(BadCases, match="none must hold a file of cases"):
        run_file(tmp_path / "none")
    with pytest.raises(BadCases, match="on must be one of engine, reference, got 'paper'"):
        run_file(path, "paper")  # type: ignore[arg-type]


@pytest.mark.skipif(not EXAMPLES.is_file(), reason=f"the example cases are not at {EXAMPLES}")
@pytest.mark.parametrize("on", ON)
def test_the_example_cases(on: Any) -> None:
    result = run_file(EXAMPLES, on)
    assert result.failed == () and len(result.passed) == 29


@pytest.mark.parametrize("on", ON)
def test_our_own_cases(on: Any) -> None:
    """At least 150, for every rule and for where rules meet, no two of one name."""
    result = run_file(CASES, on)
    assert result.failed == (), str(result)
    assert len(result.passed) == len(set(result.passed)) >= 150
