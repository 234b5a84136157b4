"""The venue's commands."""

from __future__ import annotations

import json as json_format
import secrets
from pathlib import Path
from typing import Annotated, cast

import typer

from sekai.utils.terminal import progress

__all__ = ["conformance", "fuzz"]


def conformance(
    file: Annotated[Path, typer.Argument(help="A JSON file of cases, or a folder of such.", show_default=False)],
    on: Annotated[str, typer.Option("--on", help="Whom to ask: engine or reference.")] = "engine",
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")] = False,
) -> None:
    """Run matching cases; print each that fails, with what differed. Exit with 1 if any did."""
    from sekai.markets.referee.conformance import Target, run_file

    result = run_file(file, cast(Target, on))
    print(json_format.dumps(result.to_json(), indent=2) if json else result)
    if result.failed:
        raise SystemExit(1)


def fuzz(
    seed: Annotated[
        int | None, typer.Option(help="Repeats a hunt; a new one otherwise.", show_default=False, min=0)
    ] = None,
    messages: Annotated[int, typer.Option(help="How many to send.", min=1)] = 200_000,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")] = False,
) -> None:
    """Send random orders to the engine and to the reference; print where they differ, as a case. Exit with 1 then."""
    from sekai.markets.referee.fuzz import hunt

    chosen = secrets.randbelow(1_000_000_000) if seed is None else seed
    with progress(f"seed {chosen}", remaining=True) as show:
        seen = hunt(chosen, messages, on_episode=lambda seen: show(seen.messages, messages))
    print(json_format.dumps({"seed": chosen} | seen.to_json(), indent=2) if json else f"seed {chosen}: {seen}")
    if seen.difference:
        raise SystemExit(1)
