"""`sekai run`: play a scenario, tell what happened, and write it down.

What is for people goes to the terminal: progress and notes to standard error, tables to standard output. With `--json`
standard output is one JSON document and nothing else.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sekai.error import SekaiError
from sekai.scenarios import document, tables
from sekai.scenarios.statistics import market_statistics, seat_statistics
from sekai.utils.files import check_writable, write_whole
from sekai.utils.terminal import console, plain, plain_table, progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from sekai.scenarios.record import EpisodeRecord
    from sekai.scenarios.schema import Scenario

__all__ = ["CommandError", "run"]

_DEFAULT_EPISODES = 20
_RECORD, _TIMING, _REPORT = "run.json", "timing.json", "report.html"
_COMPILING = "Compiling the market for this machine: once, about half a minute. The next run starts at once."
_INTERRUPTED = 130  # as shells say it of Ctrl-C


class CommandError(SekaiError):
    """What was asked for on the command line cannot be done."""


@dataclass(slots=True)
class _Run:
    """What was asked, who sits where, and, as it is played, what was recorded and what that took."""

    asked: str
    scenario: Scenario
    seed: int
    policies: Mapping[str, str]
    seated: Mapping[str, str]
    trust: bool = False
    records: list[EpisodeRecord] = field(default_factory=list)
    wall_s: float = 0.0
    cpu_s: float = 0.0
    compiled_before: bool = True


def run(
    scenario: Annotated[str, typer.Argument(help="A scenario's name (see `sekai list`), or the path of a TOML file.")],
    episodes: Annotated[int, typer.Option(min=1, help="How many independent sessions to play.")] = _DEFAULT_EPISODES,
    seed: Annotated[int, typer.Option(min=0, help="The same seed plays the same sessions.")] = 0,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SEAT=NAME", help="Who plays a seat, by name or module:Class; may be given several times."
        ),
    ] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Let the file import the code that it names.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write run.json, timing.json and report.html here.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")] = False,
    max_gb: Annotated[float, typer.Option(min=0.0, help="How much memory the records may take.")] = 4.0,
) -> None:
    """Play a scenario and report on every seat and on the market.

    After Ctrl-C the episodes that are finished are reported.
    """
    from sekai.scenarios.budget import check_memory

    notes = console(stderr=True)
    asked = _asked(scenario, seed, policy or [], trust=trust)
    check_memory(asked.scenario.as_market({}), seats=len(asked.seated), episodes=episodes, most_gb=max_gb)
    if out is not None:
        _check_folder(out)
    finished = _play(asked, episodes, notes)
    if not asked.records:
        notes.print("Interrupted before an episode was finished: there is nothing to report, and nothing is written.")
        raise SystemExit(_INTERRUPTED)
    if not finished:
        notes.print(
            f"Interrupted: this is the report of the {len(asked.records)} of {episodes} episodes that are over."
        )
    _tell(asked, out, notes, json=json)
    if not finished:
        raise SystemExit(_INTERRUPTED)


def _asked(name: str, seed: int, choices: Sequence[str], *, trust: bool) -> _Run:
    """Load the scenario and say who sits where; raise `SekaiError` for a seat or a policy that there is not."""
    from sekai.agents.named import POLICIES
    from sekai.scenarios.loader import load
    from sekai.scenarios.seating import seat_policies

    if "" not in sys.path:
        sys.path.append("")  # a module that is typed may lie where it is typed
    scenario, policies = load(name, trust=trust), _parse_policies(choices)
    seated = {seat: POLICIES.name_of(type(one)) for seat, one in seat_policies(scenario, policies).items()}
    return _Run(name, scenario, seed, policies, seated, trust)


def _parse_policies(choices: Sequence[str]) -> dict[str, str]:
    """Return ``SEAT=NAME`` words as a dict; raise CommandError for another form, or a seat twice."""
    policies: dict[str, str] = {}
    for choice in choices:
        seat, equals, name = choice.rpartition("=")
        if not (seat and equals and name):
            raise CommandError(f"--policy must be SEAT=NAME, got {choice!r}")
        if seat in policies:
            raise CommandError(f"--policy must name a seat once, got {seat!r} twice")
        policies[seat] = name
    return policies


def _check_folder(folder: Path) -> None:
    """Raise CommandError where it is plain before the run that its files could not be written."""
    try:
        for name in (_RECORD, _TIMING, _REPORT):
            check_writable(folder / name)
    except OSError as error:
        raise CommandError(f"--out must be a folder that can be written: {error}") from error


def _play(run: _Run, episodes: int, notes: Console) -> bool:
    """Play, with a progress bar, until all is played or the user interrupts; return whether all was."""
    from sekai.scenarios import record

    run.compiled_before = record.compiled_cache_is_warm()
    if not run.compiled_before:
        notes.print(_COMPILING)
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        with progress(run.scenario.title) as show:
            show(0, episodes)
            for one in record.sessions(run.scenario, episodes=episodes, seed=run.seed, others=run.policies):
                run.records.append(one)
                show(len(run.records), episodes)
    except KeyboardInterrupt:
        pass
    run.wall_s, run.cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    return len(run.records) == episodes


def _tell(run: _Run, out: Path | None, notes: Console, *, json: bool) -> None:
    """Write the record, then print, then draw: whatever fails later takes nothing away from what is there."""
    written = document.strict_json(document.run_document(run.scenario, run.records, seed=run.seed, others=run.policies))
    try:
        if out is not None:
            _write_record(out, run, written)
    finally:
        if json:
            sys.stdout.write(written)
        else:
            _print_tables(run, console())
    if out is not None:
        with notes.status("Drawing the report"):
            write_whole(out / _REPORT, _page(run))
        notes.print(plain(f"Wrote {out / _REPORT}, {_RECORD} and {_TIMING}"), soft_wrap=True)


def _write_record(folder: Path, run: _Run, written: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"--out must be a folder that can be written, got {folder}: {error.strerror}") from error
    timing = document.timing_document(
        run.records, wall_s=run.wall_s, cpu_s=run.cpu_s, compiled_before=run.compiled_before
    )
    write_whole(folder / _RECORD, written)
    write_whole(folder / _TIMING, document.strict_json(timing))


def _page(run: _Run) -> str:
    from sekai.scenarios.report import report_html

    return report_html(
        run.records,
        title=run.scenario.title,
        description=run.scenario.description,
        seed=run.seed,
        policies=run.seated,
        command=document.repeat_command(run.asked, len(run.records), run.seed, run.policies, trust=run.trust),
        facts={**document.versions("sekai"), "scenario hash": run.scenario.content_hash},
    )


# --- tables -----------------------------------------------------------------------------------------------------------
def _print_tables(run: _Run, out: Console) -> None:
    count = len(run.records)
    session = tables.duration(float(run.scenario.session_s))
    out.print(plain(f"{run.scenario.title}: {count} x {session}, seed {run.seed}"), style="bold")
    for table in _seat_tables(run, out.width):
        out.print(table)
    out.print(_market_table(run))
    if count > 1:
        out.print("± is a 95% confidence interval of the mean over episodes (Student's t).", style="dim")
    rate = sum(record.total_messages for record in run.records) / max(run.cpu_s, 1e-9)
    compiling = "" if run.compiled_before else ", compilation included"
    out.print(f"{run.wall_s:.1f} s, {rate:,.0f} messages per CPU-second{compiling}.", style="dim")


def _seat_tables(run: _Run, width: int) -> Iterator[Table]:
    """Yield tables with a column per seat, as many seats in each as fit into ``width`` characters."""
    lines = seat_statistics(run.records)
    columns = [[plain(line.seat), plain(run.seated[line.seat]), *map(plain, tables.seat_cells(line))] for line in lines]
    names = ["policy", *tables.SEAT_COLUMNS]
    seat_width = 2 + max(cell.cell_len for column in columns for cell in column[1:])
    fit = max(1, (width - 2 - max(map(len, names))) // seat_width)
    for start in range(0, len(lines), fit):
        table = plain_table("Seats, means per episode", show_header=True)
        table.add_column(style="bold", no_wrap=True)
        shown = columns[start : start + fit]
        for seat, *_ in shown:
            table.add_column(seat, justify="right", no_wrap=True)
        for name, *cells in zip(names, *(cells for _, *cells in shown), strict=True):
            table.add_row(name, *cells)
        yield table


def _market_table(run: _Run) -> Table:
    table = plain_table("Market", show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for fact in tables.market_facts(market_statistics(run.records)):
        table.add_row(fact.name, fact.value, fact.unit)
    return table
