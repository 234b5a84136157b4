"""`sekai run` from end to end: what it prints, what it writes, and that it can be repeated to the byte."""

from __future__ import annotations

import errno
import html
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from sekai.cli import main
from sekai.scenarios import document, record, report
from sekai.scenarios.loader import load
from sekai.scenarios.schema import adapter
from tests.scenarios.synthetic import synthetic_record
from tests.shipped import ROOT

EPISODES = 2


def strictly(text: str) -> Any:
    """Parse JSON, refusing NaN and infinities, which Python would let pass."""

    def refuse(constant: str) -> NoReturn:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that `sekai run maker-duel` wrote."""
    folder = tmp_path_factory.mktemp("run") / "a" / "new folder"
    assert main(["run", "maker-duel", "--episodes", str(EPISODES), "--seed", "5", "--out", str(folder)]) == 0
    return folder


def test_three_files(written: Path) -> None:
    assert sorted(path.name for path in written.iterdir()) == ["report.html", "run.json", "timing.json"]
    assert (written / "report.html").read_text(encoding="utf-8").count("<svg") == 5
    timing = strictly((written / "timing.json").read_text(encoding="utf-8"))
    assert timing["wall_s"] > 0 and timing["messages"] > 0


def test_the_run_says_what_was_played(written: Path) -> None:
    run = strictly((written / "run.json").read_text(encoding="utf-8"))
    scenario = load("maker-duel")
    assert run["scenario"]["name"] == "maker-duel"
    assert run["scenario"]["content_hash"] == scenario.content_hash
    assert (run["seed"], run["episodes"], len(run["each_episode"])) == (5, EPISODES, EPISODES)
    assert {seat: policy["kind"] for seat, policy in run["policies"].items()} == {
        seat.name: seat.policy.kind for seat in scenario.seats
    }
    assert list(run["seats"]) == [seat.name for seat in scenario.seats]
    assert [(one["seed"], one["episode"]) for one in run["each_episode"]] == [(5, 0), (5, 1)]
    assert len({json.dumps(one["seats"]) for one in run["each_episode"]}) == EPISODES


def test_the_scenario_can_be_made_again_from_the_run(written: Path) -> None:
    """Even one that came from a file which is gone: what it said is in the run."""
    run = strictly((written / "run.json").read_text(encoding="utf-8"))
    again = adapter().validate_python(run["scenario"]["content"])
    assert again.content_hash == run["scenario"]["content_hash"]


def test_an_episode_is_a_market_worth_the_name(written: Path) -> None:
    """The duel has at least 20,000 messages an episode, and every seat trades."""
    run = strictly((written / "run.json").read_text(encoding="utf-8"))
    assert all(episode["messages"] >= 20_000 for episode in run["each_episode"])
    assert all(seat["fills"] > 0 for seat in run["seats"].values())
    assert run["market"]["spread_ticks"]["mean"] >= 1.0 and run["market"]["two_sided_share"] > 0.9


def test_the_run_holds_nothing_of_this_machine_or_hour(written: Path) -> None:
    text = (written / "run.json").read_text(encoding="utf-8")
    assert str(written) not in text and str(Path.cwd()) not in text
    assert not re.search(r"20\d\d-\d\d-\d\d|wall|cpu|time", text)


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_another_process_writes_the_same_bytes(written: Path, tmp_path: Path, hash_seed: str) -> None:
    words = ["run", "maker-duel", "--episodes", str(EPISODES), "--seed", "5", "--out", str(tmp_path)]
    code = f"import sys; from sekai.cli import main; sys.exit(main({words!r}))"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": hash_seed}, check=True)
    assert (tmp_path / "run.json").read_bytes() == (written / "run.json").read_bytes()


def test_json_is_alone_on_standard_output_and_the_page_tells_how_to_repeat_it(
    written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (written / "report.html").read_text(encoding="utf-8")
    told = re.search(r"<pre><code>sekai ([^<]+)</code></pre>", page)
    assert told is not None
    capsys.readouterr()
    assert main([*shlex.split(told[1]), "--json"]) == 0
    assert capsys.readouterr().out == (written / "run.json").read_text(encoding="utf-8")


def test_another_seed_is_another_market(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "maker-duel", "--episodes", "1", "--seed", "6", "--json"]) == 0
    other = strictly(capsys.readouterr().out)
    run = strictly((written / "run.json").read_text(encoding="utf-8"))
    assert other["each_episode"][0] != run["each_episode"][0]
    assert other["seats"]["maker_0"]["sharpe"] is None  # one episode has no deviation


def test_a_file_is_a_scenario_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from sekai.scenarios import loader

    copy = tmp_path / "mine.toml"
    copy.write_bytes(Path(loader.__file__).with_name("maker-duel.toml").read_bytes())
    assert main(["run", str(copy), "--episodes", "1", "--json"]) == 0
    assert strictly(capsys.readouterr().out)["scenario"]["content_hash"] == load("maker-duel").content_hash


def test_tables_name_every_seat_and_measure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "maker-duel", "--episodes", "2"]) == 0
    shown = capsys.readouterr()
    for words in ("maker_0", "maker_1", "P&L", "Sharpe", "mean |inventory|", "fills", "spread earned", "Spread", "±"):
        assert words in shown.out
    for words in ("Depth at the best", "Volatility", "Excess kurtosis", "Trades"):
        assert words in shown.out
    assert max(len(line.rstrip()) for line in shown.out.splitlines()) <= 80
    assert "nan" not in shown.out


def test_another_policy_takes_a_seat(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--policy", "maker_1=constant_spread", "--policy", "taker=hold"]
    assert main(["run", "maker-duel", "--episodes", "1", "--seed", "5", "--json", *words]) == 0
    run = strictly(capsys.readouterr().out)
    usual = strictly((written / "run.json").read_text(encoding="utf-8"))
    assert {seat: policy["kind"] for seat, policy in run["policies"].items()} == {
        "maker_0": "avellaneda_stoikov",
        "maker_1": "constant_spread",
        "taker": "hold",
    }
    assert run["policies"]["maker_0"] == usual["policies"]["maker_0"]
    assert run["seats"]["taker"]["fills"] == 0 < usual["seats"]["taker"]["fills"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["maker-dual"], "maker-duel"),
        (["nowhere/to-be-found.toml"], "to-be-found.toml"),
        (["maker-duel", "--policy", "maker_0"], "--policy must be SEAT=NAME, got 'maker_0'"),
        (["maker-duel", "--policy", "maker_9=noise"], "maker_9"),
        (["maker-duel", "--policy", "maker_0=nobody-known"], "nobody-known"),
        (["maker-duel", "--policy", "maker_0=a", "--policy", "maker_0=b"], "'maker_0' twice"),
        (["maker-duel", "--episodes", "0"], "--episodes"),
        (["maker-duel", "--seed", "-1"], "--seed"),
    ],
)
def test_a_mistake_is_told_before_anything_is_played(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *words]) == 2
    shown = capsys.readouterr()
    assert told in shown.err and "Traceback" not in shown.err and not shown.out


def test_out_must_be_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken").write_text("")
    assert main(["run", "maker-duel", "--episodes", "1", "--out", str(tmp_path / "taken")]) == 2
    told = capsys.readouterr()
    assert "--out must be a folder" in told.err and told.out == ""


@pytest.mark.parametrize("words", [["calm", "--policy", "maker=nobody"], ["calm", "--policy", "x=hold"], ["clam"]])
def test_a_typo_leaves_nothing_behind(words: list[str], tmp_path: Path) -> None:
    assert main(["run", *words, "--out", str(tmp_path / "out")]) == 2
    assert list(tmp_path.iterdir()) == []


def interrupt_after(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C once so many episodes are over."""
    sessions = record.sessions

    def interrupted(*args: Any, **kwargs: Any) -> Iterator[record.EpisodeRecord]:
        for number, one in enumerate(sessions(*args, **kwargs)):
            if number == count:
                signal.raise_signal(signal.SIGINT)
            yield one

    monkeypatch.setattr(record, "sessions", interrupted)


def test_finished_episodes_survive_ctrl_c(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is written then is what a run of so many episodes writes."""
    assert main(["run", "calm", "--episodes", "2", "--out", str(tmp_path / "whole")]) == 0
    capsys.readouterr()
    interrupt_after(2, monkeypatch)
    assert main(["run", "calm", "--episodes", "5", "--out", str(tmp_path / "cut")]) == 130
    told = capsys.readouterr()
    assert "Interrupted: this is the report of the 2 of 5 episodes that are over." in " ".join(told.err.split())
    assert ": 2 x " in told.out and "P&L" in told.out
    assert (tmp_path / "cut" / "run.json").read_bytes() == (tmp_path / "whole" / "run.json").read_bytes()
    assert "--episodes 2" in (tmp_path / "cut" / "report.html").read_text(encoding="utf-8")


def test_ctrl_c_before_an_episode_is_over_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupt_after(0, monkeypatch)
    assert main(["run", "calm", "--out", str(tmp_path / "out")]) == 130
    told = capsys.readouterr()
    assert "nothing is written" in " ".join(told.err.split()) and "Traceback" not in told.err and not told.out
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_a_sentence_and_takes_nothing_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The earlier record stays, and the results are on the screen."""

    def full(*_: Any) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for name in ("run.json", "timing.json", "report.html"):
        (tmp_path / name).write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    assert main(["run", "calm", "--episodes", "1", "--out", str(tmp_path)]) == 2
    told = capsys.readouterr()
    assert told.err.splitlines()[-1] == f"sekai: cannot write '{tmp_path / 'run.json'}': No space left on device"
    assert "P&L" in told.out and "Traceback" not in told.err
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"] * 3


def test_a_full_disk_behind_standard_output_is_a_sentence() -> None:
    code = "import sys; from sekai.cli import main; sys.exit(main(['run', 'calm', '--episodes', '1', '--json']))"
    with open("/dev/full", "w") as full:
        run = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True)
    assert run.returncode == 2
    assert run.stderr.splitlines()[-1] == "sekai: what was printed is not complete: No space left on device"
    assert "Traceback" not in run.stderr and "Exception ignored" not in run.stderr


def test_the_record_is_written_before_anything_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> NoReturn:
        raise RuntimeError("no picture today")

    monkeypatch.setattr(report, "report_html", fails)
    with pytest.raises(RuntimeError, match="no picture today"):
        main(["run", "calm", "--episodes", "1", "--out", str(tmp_path)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.json", "timing.json"]
    assert strictly((tmp_path / "run.json").read_text(encoding="utf-8"))["episodes"] == 1


STRANGE = [
    "Fast {v2}",
    "[/]",
    "[bold red]x",
    r"$\frac{$",
    "$x$ 5$",
    ":smile:",
    "_hidden",
    "#009e73",
    'id="a',
    "<b>&amp;",
    "%s",
]


@pytest.mark.parametrize("text", STRANGE)
def test_text_is_data(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the table, in the pictures and on the page a title and a seat are what they are called, letter by letter."""
    scenario = (ROOT / "scenarios" / "calm.toml").read_text(encoding="utf-8")
    assert scenario.count('name = "maker"') == 1
    scenario = re.sub("^title = .*$", lambda _: f"title = {json.dumps(text)}", scenario, flags=re.M)
    file = tmp_path / f"{text.replace('/', '')}.toml"
    file.write_text(scenario.replace('name = "maker"', f"name = {json.dumps(text)}"), encoding="utf-8")
    words = ["--episodes", "1", "--policy", f"{text}=hold", "--out", str(tmp_path / text[:1])]
    assert main(["run", str(file), *words]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith(f"{text}: 1 x ")
    assert any(line.strip() == text for line in shown)
    page = (tmp_path / text[:1] / "report.html").read_text(encoding="utf-8")
    assert f"<h1>{html.escape(text).replace('&#x27;', '&#39;').replace('&quot;', '&#34;')}</h1>" in page
    drawn = re.findall(r"<text [^>]*>([^<]*)</text>", page)
    assert sum(html.unescape(one).strip("\u200b") == text for one in drawn) >= 2


def test_the_run_holds_what_went_in_in_full_and_the_page_tells_the_line_that_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        (ROOT / "scenarios" / "calm.toml")
        .read_text(encoding="utf-8")
        .replace("pace = 10.0", "pace = 3.3333333333333335")
    )
    (tmp_path / "odd.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert main(["run", "odd.toml", "--episodes", "1", "--out", "out"]) == 0
    run = strictly((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    again = adapter().validate_json(json.dumps(run["scenario"]["content"]), strict=True)
    assert again.content_hash == run["scenario"]["content_hash"] and again.flow.pace == 3.3333333333333335
    assert "sekai run odd.toml --episodes 1 --seed 0" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_file_that_cannot_be_written_is_told_before_anything_is_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.html").mkdir()
    assert main(["run", "calm", "--episodes", "1", "--out", str(tmp_path)]) == 2
    told = capsys.readouterr()
    assert "--out must be a folder that can be written" in told.err and told.out == ""


def test_documents_are_strict_json() -> None:
    records = [synthetic_record(seed, samples=20) for seed in range(2)]
    text = document.strict_json(document.run_document(load("maker-duel"), records, seed=0, others={}))
    assert strictly(text)["seats"]["maker_0"]["pnl"]["half_width"] > 0
    timing = document.timing_document(records, wall_s=1.0, cpu_s=0.0, compiled_before=True)
    assert strictly(document.strict_json(timing))["messages_per_cpu_s"] is None
    plain = strictly(document.strict_json({"a": [float("inf"), (1, True)], 2: 0.25}))
    assert plain == {"a": [None, [1, True]], "2": 0.25}
