"""The duels with competitors: both sides play, the best round counts, and who is not there is told how to come."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import framework
from benchmarks.framework import Contender
from benchmarks.registry import Skipped


def test_a_duel_is_played_once_and_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framework, "ROUNDS", 2)
    duel = framework.Duel(Contender("sekai_ten"), Contender("sekai_ten_layers"), 400)
    sides = [duel.side(name, name, 10) for name in ("sekai_ten", "sekai_ten_layers")]
    seconds = []
    for side in sides:
        begin = side.clock()
        side.prepare()()
        seconds.append(side.clock() - begin)
    assert 0 < seconds[0] < seconds[1] < 10 and [side.count for side in sides] == [4000, 4000]


def test_a_competitor_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEKAI_COMPETITORS", str(tmp_path))
    with pytest.raises(Skipped, match=r"no rllib: python -m venv .*rllib && .*rllib/bin/pip install \"ray\[rllib\]\""):
        framework.home("rllib")


def test_a_side_that_fails_says_how_to_see_why() -> None:
    with pytest.raises(RuntimeError, match=r"no_such ended: run .*_play.py _contenders no_such to see why"):
        framework.Duel(Contender("no_such"), Contender("sekai_ten"), 1).play()
