"""`sekai run`: play a scenario, tell what happened, and write it down.

What is for people goes to the terminal: progress and notes to standard error, tables to standard output. With `--json`
standard output is one JSON document and nothing else.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from sekai.error import SekaiError
from sekai.scenarios import document, tables
from sekai.scenarios.statistics import market_statistics, seat_statistics

if TYPE_CHECKING:
    from rich.table import Table

    from sekai.scenarios.record import EpisodeRecord
    from sekai.scenarios.schema import Scenario

__all__ = ["CommandError", "run"]

_DEFAULT_EPISODES = 20
_FILES = ("run.json", "timing.json", "report.html")
_COMPILING = "Compiling the market for this machine: once, about half a minute. The next run starts at once."


class CommandError(SekaiError):
    """What was asked for on the command line cannot be done."""


@dataclass(frozen=True, slots=True)
class _Played:
    """A finished run: what was asked, who sat where, what was recorded, and what it took."""

    asked: str
    scenario: Scenario
    seed: int
    policies: Mapping[str, str]
    seated: Mapping[str, str]
    records: Sequence[EpisodeRecord]
    wall_s: float
    cpu_s: float
    compiled_before: bool


def run(
    scenario: Annotated[str, typer.Argument(help="A scenario's name (see `sekai list`), or the path of a TOML file.")],
    episodes: Annotated[int, typer.Option(min=1, help="How many independent sessions to play.")] = _DEFAULT_EPISODES,
    seed: Annotated[int, typer.Option(min=0, help="The same seed plays the same sessions.")] = 0,
    policy: Annotated[
        list[str] | None, typer.Option(metavar="SEAT=NAME", help="Who plays a seat; may be given several times.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write run.json, timing.json and report.html here.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")] = False,
) -> None:
    """Play a scenario and report on every seat and on the market."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a sign shows a question mark
    notes = Console(stderr=True)
    if out is not None:
        _make_folder(out)
    played = _play(scenario, episodes, seed, policy or [], notes)
    written = document.strict_json(
        document.run_document(played.scenario, played.records, seed=seed, others=played.policies)
    )
    if json:
        sys.stdout.write(written)
    else:
        _print_tables(played, Console())
    if out is not None:
        with notes.status("Drawing the report"):
            _write(out, played, written)
        notes.print(f"Wrote {out / 'report.html'}, run.json and timing.json", highlight=False, soft_wrap=True)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in _FILES:
            with (folder / name).open("a", encoding="utf-8"):
                pass
    except OSError as error:
        raise CommandError(f"--out must be a folder that can be written, got {folder}: {error.strerror}") from error


def _play(name: str, episodes: int, seed: int, choices: Sequence[str], notes: Console) -> _Played:
    """Load the scenario, seat the policies and play, with a progress bar among the ``notes``."""
    from sekai.scenarios import record
    from sekai.scenarios.loader import load
    from sekai.scenarios.seating import seat_policies

    scenario = load(name)
    policies = _parse_policies(choices)
    seated = {seat: policy.kind for seat, policy in seat_policies(scenario, policies).items()}
    compiled_before = record.compiled_cache_is_warm()
    if not compiled_before:
        notes.print(_COMPILING)
    wall, cpu = time.perf_counter(), time.process_time()
    records = []
    with _progress(scenario.title, episodes, notes) as advance:
        for one in record.sessions(scenario, episodes=episodes, seed=seed, others=policies):
            records.append(one)
            advance()
    wall_s, cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    return _Played(name, scenario, seed, policies, seated, records, wall_s, cpu_s, compiled_before)


def _parse_policies(choices: Sequence[str]) -> dict[str, str]:
    """Return ``SEAT=NAME`` words as a dict; raise CommandError for another form, or a seat twice."""
    policies: dict[str, str] = {}
    for choice in choices:
        seat, equals, name = choice.partition("=")
        if not (seat and equals and name):
            raise CommandError(f"--policy must be SEAT=NAME, got {choice!r}")
        if seat in policies:
            raise CommandError(f"--policy must name a seat once, got {seat!r} twice")
        policies[seat] = name
    return policies


@contextmanager
def _progress(title: str, episodes: int, notes: Console) -> Iterator[Callable[[], None]]:
    """Show a bar that moves by one for each call of what is yielded, and is gone at the end."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn(title, markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=notes, transient=True) as bar:
        task = bar.add_task("episodes", total=episodes)
        yield lambda: bar.advance(task)


def _print_tables(played: _Played, console: Console) -> None:
    count = len(played.records)
    session = tables.duration(float(played.scenario.session_s))
    heading = f"{played.scenario.title}: {count} x {session}, seed {played.seed}"
    console.print(heading, style="bold", highlight=False, markup=False)
    for table in _seat_tables(played, console.width):
        console.print(table)
    console.print(_market_table(played))
    if count > 1:
        console.print("± is a 95% confidence interval of the mean over episodes (Student's t).", style="dim")
    rate = sum(record.total_messages for record in played.records) / max(played.cpu_s, 1e-9)
    compiling = "" if played.compiled_before else ", compilation included"
    console.print(
        f"{played.wall_s:.1f} s, {rate:,.0f} messages per CPU-second{compiling}.", style="dim", highlight=False
    )


def _seat_tables(played: _Played, width: int) -> Iterator[Table]:
    """Yield tables with a column per seat, as many seats in each as fit into ``width`` characters."""
    from rich import box
    from rich.table import Table

    lines = seat_statistics(played.records)
    columns = [[played.seated[line.seat], *tables.seat_cells(line)] for line in lines]
    names = ["policy", *tables.SEAT_COLUMNS]
    seat_width = 2 + max(len(cell) for column in columns for cell in column)
    fit = max(1, (width - 2 - max(map(len, names))) // seat_width)
    for start in range(0, len(lines), fit):
        table = Table(box=box.SIMPLE_HEAD, title="Seats, means per episode", title_justify="left", title_style="")
        table.add_column(style="bold", no_wrap=True)
        for line in lines[start : start + fit]:
            table.add_column(line.seat, justify="right", no_wrap=True)
        for name, *cells in zip(names, *columns[start : start + fit], strict=True):
            table.add_row(name, *cells)
        yield table


def _market_table(played: _Played) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title="Market", title_justify="left", title_style="", show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for fact in tables.market_facts(market_statistics(played.records)):
        table.add_row(fact.name, fact.value, fact.unit)
    return table


def _write(folder: Path, played: _Played, written: str) -> None:
    """Write the three files of a run into ``folder``."""
    from sekai.scenarios.report import report_html

    timing = document.timing_document(
        played.records, wall_s=played.wall_s, cpu_s=played.cpu_s, compiled_before=played.compiled_before
    )
    page = report_html(
        played.records,
        title=played.scenario.title,
        description=played.scenario.description,
        seed=played.seed,
        policies=played.seated,
        command=document.repeat_command(played.asked, len(played.records), played.seed, played.policies),
        facts={**document.versions("sekai"), "scenario hash": played.scenario.content_hash},
    )
    for name, text in zip(_FILES, (written, document.strict_json(timing), page), strict=True):
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
