"""Whole processes: what somebody waits for at the prompt. CPU time of the child."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.registry import Side, Trial, benchmark, children_time

__all__ = ["first_run", "import_sekai", "warm_run"]

ROOT = Path(__file__).resolve().parents[1]
RUN = ("-m", "sekai", "run", "maker-duel", "--episodes", "20")


def _child(*arguments: str, runs: int, cold: bool = False) -> Side:
    def prepare() -> Callable[[], None]:
        folder = tempfile.TemporaryDirectory()
        environment = os.environ | ({"SEKAI_CACHE_DIR": folder.name} if cold else {})

        def run() -> None:
            command = [sys.executable, *arguments]
            subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
            folder.cleanup()

        return run

    return Side("child process", prepare, 1, runs=runs, clock=children_time)


@benchmark(workload="python -c 'import sekai'", unit="s", counts="CPU time", target=0.25)
def import_sekai() -> Trial:
    """Import the framework, numpy included."""
    return Trial(_child("-c", "import sekai", runs=9))


@benchmark(workload="sekai run maker-duel --episodes 20, compiled before", unit="s", counts="CPU time", target=3.0)
def warm_run() -> Trial:
    """Play twenty sessions and print the tables."""
    return Trial(_child(*RUN, runs=5))


@benchmark(workload="the same with an empty compiled cache", unit="s", counts="CPU time, once", target=40.0)
def first_run() -> Trial:
    """Play twenty sessions on a machine that has never compiled the engine."""
    return Trial(_child(*RUN, runs=1, cold=True))
