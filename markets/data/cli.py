"""The command `sekai replay`: a recorded day through the engine, and how much of it the engine's book agrees with."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sekai.utils.terminal import console, plain_table, progress

if TYPE_CHECKING:
    from rich.table import Table

    from sekai.markets.data.replay import ReplayResult

__all__ = ["replay"]


def replay(
    file: Annotated[
        Path, typer.Argument(help="LOBSTER's zip or message file, or a saved tape with a book.", show_default=False)
    ],
    tick_size: Annotated[float, typer.Option(help="What a tick is worth in the currency.")] = 0.01,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")] = False,
) -> None:
    """Replay a recorded day; report how many rows, and takers, the engine's book agrees with.

    In the JSON, windowed_match is the share of rows whose every level is the same, and taker_match is how many of the
    taker_runs traded as recorded. Exit with 1 if a row differs.
    """
    from sekai.markets.data.replay import replay_file

    with progress(file.name) as show:
        result = replay_file(file, tick_size=tick_size, progress=show)
    if json:
        print(json_format.dumps(result.to_json(), indent=2))
    else:
        console().print(_table(file.name, result))
    if result.windowed_match < 1.0:
        raise SystemExit(1)


def _table(title: str, result: ReplayResult) -> Table:
    table = plain_table(title, show_header=False, style="bold")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    share = result.taker_match / result.taker_runs if result.taker_runs else 1.0
    wrong = [] if result.first_mismatch < 0 else [("first difference", f"{result.first_mismatch:,}", "row, from 0")]
    for name, value, note in (
        ("rows", f"{result.rows:,}", f"{result.levels} levels a side"),
        ("trades", f"{result.trades:,}", f"and {result.hidden_trades:,} prints of hidden orders"),
        ("windowed replay", f"{result.windowed_match:.3%}", "of the rows equal at every level"),
        ("taker replay", f"{share:.3%}", f"{result.taker_match:,} of {result.taker_runs:,} runs trade as recorded"),
        *wrong,
    ):
        table.add_row(name, value, note)
    return table
