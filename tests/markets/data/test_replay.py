"""A recorded day played through the engine: what matches, what does not, and that the comparison can fail."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from sekai.markets.data.cli import replay as command
from sekai.markets.data.files import save
from sekai.markets.data.recording import RecordedOp, windowed
from sekai.markets.data.replay import replay as play
from sekai.markets.data.replay import taker_runs
from sekai.markets.data.tape import BadTape, Tape, TapeKind
from tests.markets.data.days import GOOG, a_day, needs_goog_day

APP = typer.Typer()
APP.command()(command)


@pytest.mark.parametrize("seed", range(12))
def test_a_day_replays_whole(seed: int) -> None:
    tape = a_day(seed, levels=2 + seed % 4)
    told: list[tuple[int, int]] = []
    result = play(tape, progress=lambda done, rows: told.append((done, rows)))
    assert (result.rows, result.windowed_match, result.first_mismatch) == (len(tape), 1.0, -1)
    assert result.taker_runs > 20
    assert result.taker_match >= 0.9 * result.taker_runs  # some reach beyond so narrow a window
    assert told[-1] == (len(tape), len(tape))
    assert result.trades == int((tape.messages["kind"] == TapeKind.EXECUTE).sum())


def test_a_row_that_is_wrong_is_found() -> None:
    tape = a_day(4)
    assert tape.book is not None
    book = tape.book.copy()
    book[300, 1, 1, 1] += 1
    result = play(Tape(tape.messages, book, tape.tick_size))
    assert result.first_mismatch == 300
    assert result.windowed_match == (len(tape) - 1) / len(tape)


def test_an_order_that_jumps_its_queue_is_found() -> None:
    """Swap who traded in one run of executions: the rows still fit, the taker does not."""
    tape = a_day(7, levels=4)
    whole = play(tape)
    recording = windowed(tape)
    messages = tape.messages.copy()
    executes = np.flatnonzero(messages["kind"] == TapeKind.EXECUTE)
    for k in executes:
        price, side, size = (messages[name][k] for name in ("price_ticks", "side", "size"))
        added = messages[(messages["kind"] == TapeKind.ADD) & (np.arange(len(messages)) < k)]
        waiting = added[
            (added["price_ticks"] == price) & (added["side"] == side) & (added["order"] != messages["order"][k])
        ]
        gone = messages["order"][:k][np.isin(messages["kind"][:k], (3, 4))]
        behind = waiting[~np.isin(waiting["order"], gone) & (waiting["size"] > size)]
        if len(behind):
            messages["order"][k] = behind["order"][-1]
            break
    else:
        pytest.fail("the day has no run to disturb")
    disturbed = play(Tape(messages, tape.book, tape.tick_size))
    assert disturbed.taker_runs == len(taker_runs(recording)) == whole.taker_runs
    assert disturbed.taker_match < whole.taker_match


def test_what_a_recording_says() -> None:
    tape = a_day(2)
    recording = windowed(tape)
    messages = recording.messages
    assert recording.short_lots == 0
    seeds = messages[messages["row"] == 0]
    assert (seeds["op"] == RecordedOp.ADOPT).all() and len(seeds) == 2 * tape.levels
    open_lots = np.zeros(recording.orders, np.int64)
    for message in messages:
        sign = 1 if message["op"] in (RecordedOp.ADD, RecordedOp.ADOPT) else -1
        open_lots[message["order"]] += sign * message["size"]
        assert open_lots[message["order"]] >= 0
    part = windowed(tape, first=100, last=200)
    assert part.messages["row"].max() < 100 and part.tape == tape[100:200]


def test_what_cannot_be_recorded_is_refused() -> None:
    tape = a_day(2, rows=20)
    with pytest.raises(BadTape, match="needs the book beside"):
        windowed(replace(tape, book=None))
    with pytest.raises(BadTape, match="first must be a row from 0 to 19, got 20"):
        windowed(tape, first=20)
    with pytest.raises(BadTape, match="at least one message"):
        play(tape[:0])


def test_the_command(tmp_path: Path) -> None:
    tape = a_day(9)
    save(tape, tmp_path / "day.zip")
    done = CliRunner().invoke(APP, [str(tmp_path / "day.zip"), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert {"rows", "windowed_match", "taker_runs", "taker_match"} <= set(told)
    assert (told["rows"], told["windowed_match"]) == (600, 1.0)
    words = CliRunner().invoke(APP, [str(tmp_path / "day.zip")])
    assert "100.000%" in words.stdout and f"of {told['taker_runs']}" in words.stdout
    assert tape.book is not None
    tape.book[10, 0, 0, 1] += 1
    save(tape, tmp_path / "wrong.npz")
    wrong = CliRunner().invoke(APP, [str(tmp_path / "wrong.npz")])
    assert wrong.exit_code == 1 and "first difference" in wrong.stdout


@needs_goog_day
def test_the_real_day_replays() -> None:
    """Every level of every row; and all but three of the day's takers."""
    from sekai.markets.data.replay import replay_file

    result = replay_file(GOOG)
    assert (result.rows, result.levels, result.windowed_match) == (147_916, 10, 1.0)
    assert result.taker_runs == 5_930 and result.taker_match >= 5_926
