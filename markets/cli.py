"""The venue's commands."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["conformance"]


def conformance(
    file: Annotated[Path, typer.Argument(help="A JSON file of cases.", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")] = False,
) -> None:
    """Run matching cases; print each that fails, with what differed. Exit with 1 if any did."""
    from markets.conformance import run_file

    result = run_file(file)
    print(json_format.dumps(result.to_json(), indent=2) if json else result)
    if result.failed:
        raise SystemExit(1)
