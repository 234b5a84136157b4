"""What a run will take is told before it, and is about what it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from sekai.cli import main
from sekai.scenarios import load, names
from sekai.scenarios.budget import OverBudget, check_memory, expected
from sekai.scenarios.record import play


@pytest.mark.parametrize("name", names())
def test_a_session_has_about_the_messages_that_are_expected(name: str) -> None:
    scenario = load(name)
    record = play(scenario, episodes=1, seed=3)[0]
    open_share = scenario.session.length_s / (scenario.session.length_s + scenario.session.warmup_s)
    about = expected(scenario.as_market({}))
    assert record.total_messages == pytest.approx(about.messages * open_share, rel=0.25)
    assert record.total_trades < 2.0 * about.trades


def test_records_fit_in_what_is_expected_of_them() -> None:
    """All arrays of all episodes, but for the one picture of the depth."""
    scenario = load("maker-duel")
    market, records = scenario.as_market({}), play(scenario, episodes=3, seed=0)
    arrays = [getattr(record, name) for record in records for name in type(record).__slots__ if name != "depth_lots"]
    gigabytes = sum(getattr(array, "nbytes", 0) for array in arrays) / 1e9
    check_memory(market, seats=3, episodes=3, most_gb=2.0 * gigabytes)
    with pytest.raises(OverBudget, match="raise --max-gb"):
        check_memory(market, seats=3, episodes=3, most_gb=0.5 * gigabytes)


def test_a_run_that_would_fill_the_memory_is_refused_before_it_is_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "maker-duel", "--episodes", "1000000", "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr()
    assert told.err.startswith("sekai: 1,000,000 episodes of 600 s would keep about ") and not told.out
    assert "more than --max-gb 4" in told.err and list(tmp_path.iterdir()) == []
    assert main(["run", "calm", "--episodes", "1", "--max-gb", "0.00001"]) == 2
