"""A scenario over a recorded day, with seats whose market data is late."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import sekai
from sekai.cli import main
from sekai.markets.config import Replay
from sekai.markets.data.files import save
from sekai.markets.data.tape import BadTape
from sekai.scenarios import ScenarioError, load, parse
from sekai.scenarios.record import play
from sekai.scenarios.tables import count
from tests.markets.data.days import a_day

TEXT = """
title = "A day again"
[market]
opening_price = 10.0
ladder_ticks = 256
order_capacity = 256
feed_capacity = 256
[session]
length_s = 1.0
[flow]
kind = "replay"
file = "{file}"
[[seats]]
name = "maker"
role = {{ kind = "maker", max_distance_ticks = 10 }}
clock = {{ kind = "periodic", every_s = 0.01 }}
policy = {{ kind = "avellaneda_stoikov", size_lots = 5 }}
latency_us = 150.0
market_data_lag_us = 2500.0
[[traders]]
name = "noise"
clock = {{ kind = "periodic", every_s = 0.02 }}
policy = {{ kind = "noise", market_share = 1.0 }}
market_data_lag_us = 1000.0
"""


@pytest.fixture
def text(tmp_path: Path) -> str:
    save(a_day(1, rows=500, levels=4), tmp_path / "day.zip")
    return TEXT.format(file=(tmp_path / "day.zip").as_posix())


def test_it_is_read(text: str) -> None:
    market = parse(text).as_market({})
    assert isinstance(market.flow, Replay) and market.flow.start_s == 0.0
    assert [seat.market_data_lag_s for seat in market.seats] == pytest.approx([0.0025, 0.001])


def test_it_is_played(text: str) -> None:
    scenario = parse(text)
    first, again = (play(scenario, episodes=1, seed=4)[0] for _ in range(2))
    assert first.total_trades > 20 and first.fills.sum() > 0
    assert np.array_equal(first.trades, again.trades)


def test_a_run_tells_what_could_not_be_applied(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On the screen, on the page and in the record; the noise trader takes what the day's own takers took."""
    (tmp_path / "again.toml").write_text(text)
    words = ["run", str(tmp_path / "again.toml"), "--episodes", "2", "--out", str(tmp_path / "out")]
    assert main(words) == 0
    run = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    each = [episode["recorded"] for episode in run["each_episode"]]
    assert all(one["played"] > 300 for one in each) and each[0] != each[1]
    mean = run["market"]["recorded"]
    assert mean == {name: (each[0][name] + each[1][name]) / 2 for name in each[0]}
    assert mean["missed"] > 0 and mean["shrunk_lots"] > 0 and mean["displaced_lots"] > 0
    lines = {line.split("  ")[1]: line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")}
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    for name, key in (("Recorded day", "played"), ("not applied", "missed"), ("displaced", "displaced_lots")):
        assert count(mean[key]) in lines[name] and f"<dt>{name}</dt><dd>{count(mean[key])} " in page


def test_other_runs_have_no_record_to_tell_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "calm", "--episodes", "1", "--json"]) == 0
    run = json.loads(capsys.readouterr().out)
    assert run["market"]["recorded"] is None and "recorded" not in run["each_episode"][0]


def test_its_file_is_looked_for_beside_the_scenario_s(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From wherever one is; the content stays what is written in the file, whatever folder it lies in."""
    beside = TEXT.format(file="day.zip")
    (tmp_path / "again.toml").write_text(beside)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    scenario = load("../again.toml")
    assert scenario.content_hash == parse(beside).content_hash
    assert scenario.flow == Replay(file="day.zip") and scenario == parse(beside, name="again")
    assert sekai.make("../again.toml").reset(seed=0).observations
    assert np.array_equal(play(scenario, episodes=1, seed=4)[0].trades, play(parse(text), episodes=1, seed=4)[0].trades)
    with pytest.raises(BadTape, match="flow.file must be .*, got 'day.zip': there is none at .*elsewhere/day.zip"):
        play(parse(beside), episodes=1, seed=4)
    with pytest.raises(ScenarioError, match="folder: unknown key"):
        parse('folder = "/"' + text)


def test_its_faults_are_named(text: str) -> None:
    for wrong, words in (
        (text.replace('kind = "replay"', 'kind = "repaly"'), "flow.kind: must be one of 'zero_intelligence', 'replay'"),
        (text.replace("file =", "files ="), "flow.files: unknown key. Did you mean 'file'?"),
        (
            text.replace("market_data_lag_us = 2500.0", "market_data_lag_us = -1.0"),
            "seats[0].market_data_lag_us: input should be greater",
        ),
        (text.replace("feed_capacity = 256", "feed_capacity = 250"), "market.feed_capacity: must be a power of two"),
    ):
        with pytest.raises(ScenarioError) as caught:
            parse(wrong)
        assert any(words in fault for fault in caught.value.faults), caught.value.faults
