"""The runner of cases: it passes what is right, says what is not, and takes nothing unbuilt for passed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from markets.cli import conformance
from markets.conformance import BadCases, run_case, run_file

EXAMPLES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "matching_examples.json"
UNBUILT = {
    "FK-01",
    "AO-01",
    "PO-01",
    "ST-01",
    "ST-05",
    "ST-08",
    "IB-01",
    "IB-05",
    "SP-04",
    "SP-07",
    "AU-01",
    "AU-05",
    "AU-09",
}


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
    "done": {"1": "filled", "x": "filled", "4": "cancelled", "5": "cancelled", "6": "rejected", "3": "open"},
    "rejects": [6, 7, 8],
    "visible": {"3": 2},
    "fills": {"3": 6, "x": 3, "5": 0},
    "position": {"a": -5, "b": -3, "c": 6, "nobody": 0},
    "cash": {"a": 50_500, "c": -60_600},
    "pending_stops": [],
    "clearing_price": None,
    "halted": False,
}


def test_a_story_with_everything_in_it() -> None:
    assert run_case({"id": "A", "config": {}, "steps": STEPS, "expect": EXPECT}) == []


@pytest.mark.parametrize("key", EXPECT)
def test_whatever_differs_is_told(key: str) -> None:
    wrong = [["no", "such", 1, 1]] if isinstance(EXPECT[key], list) else {"4": "no such"}
    problems = run_case({"id": "A", "config": {}, "steps": STEPS, "expect": EXPECT | {key: wrong}})
    assert len(problems) == 1 and (problems[0].startswith(f"{key}: expected") or "cannot be run" in problems[0])


def test_an_expectation_that_nobody_knows_fails() -> None:
    assert run_case({"id": "A", "steps": [], "expect": {"weather": "fine"}}) == ["expect.weather is not known"]


@pytest.mark.parametrize(
    ("config", "step", "feature"),
    [
        ({"stp": "cancel_both"}, limit(1, "B", 5, 1), "self-trade prevention 'cancel_both'"),
        ({"allocation": "pro_rata"}, limit(1, "B", 5, 1), "allocation 'pro_rata'"),
        ({"maker_fee_bps": -1}, limit(1, "B", 5, 1), "maker_fee_bps -1"),
        ({"unheard_of": 1}, limit(1, "B", 5, 1), "unheard_of 1"),
        ({}, limit(1, "B", 5, 1, tif="FOK"), "FOK"),
        ({}, limit(1, "B", 5, 1, post_only=True), "post-only"),
        ({}, limit(1, "B", 5, 3, display=1), "iceberg"),
        ({}, limit(1, "B", 5, 3, hidden=True), "hidden order"),
        ({}, {"op": "uncross"}, "call auction"),
        ({}, {"op": "dance"}, "dance"),
    ],
)
def test_what_is_not_built_fails_and_is_named(config: Any, step: Any, feature: str) -> None:
    assert run_case({"id": "A", "config": config, "steps": [step], "expect": {}}) == [f"not built yet: {feature}"]


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
def test_the_venues_rules(config: Any, steps: Any, rejects: list[int]) -> None:
    assert run_case({"id": "A", "config": config, "steps": steps, "expect": {"rejects": rejects}}) == []


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = (
        {"id": "G", "steps": STEPS, "expect": EXPECT},
        {"id": "W", "desc": "is wrong", "steps": [], "expect": {"asks": [1]}},
    )
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"format": {}, "cases": [good, bad]}))
    with pytest.raises(SystemExit) as end:
        conformance(path)
    out = capsys.readouterr().out.splitlines()
    assert end.value.code == 1 and out[0] == "W: is wrong" and out[-1] == "1 passed, 1 failed"
    with pytest.raises(SystemExit):
        conformance(path, json=True)
    assert json.loads(capsys.readouterr().out)["passed"] == ["G"]
    path.write_text(json.dumps([good]))
    conformance(path)
    assert capsys.readouterr().out == "1 passed, 0 failed\n"
    path.write_text("{}")
    with pytest.raises(BadCases, match="list of cases"):
        run_file(path)


@pytest.mark.skipif(not EXAMPLES.is_file(), reason=f"the example cases are not at {EXAMPLES}")
def test_the_example_cases() -> None:
    """All pass that need only what is built."""
    result = run_file(EXAMPLES)
    assert {failure.id for failure in result.failed} == UNBUILT and len(result.passed) == 16
    assert all(problem.startswith("not built yet: ") for failure in result.failed for problem in failure.problems)
