"""Whole processes: what somebody waits for at the prompt. CPU time of the child."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.registry import Side, Trial, benchmark, children_time

__all__ = ["compile_everything", "first_run", "import_sekai", "warm_process", "warm_run"]

ROOT = Path(__file__).resolve().parents[1]
RUN = ("-m", "sekai", "run", "maker-duel", "--episodes", "20")


def _child(*arguments: str, runs: int, cold: bool = False, tells: bool = False) -> Side:
    """Return a child process as a side: all of it is counted, or, if it `tells`, the seconds that it prints."""
    told = [0.0]

    def prepare() -> Callable[[], None]:
        folder = tempfile.TemporaryDirectory()
        environment = os.environ | ({"SEKAI_CACHE_DIR": folder.name} if cold else {})
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # of a user, modules are compiled once

        def run() -> None:
            command = [sys.executable, *arguments]
            done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
            told[0] += float(done.stdout) if tells else 0.0
            folder.cleanup()

        return run

    return Side("child process", prepare, 1, runs=runs, clock=(lambda: told[0]) if tells else children_time)


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


@benchmark(
    workload="a plain book, a day of orders, one step of markets/MarketMaking-v0, compiled before",
    unit="s",
    counts="CPU time after importing numba",
    target=0.5,
)
def warm_process() -> Trial:
    """Load compiled code and be ready."""
    return Trial(_child("-m", "benchmarks._everything", "--little", runs=9, tells=True))


@benchmark(
    workload="every kernel of the engine and of the compiled agents, with an empty compiled cache",
    unit="s",
    counts="CPU time after importing numba, once",
    target=60.0,
)
def compile_everything() -> Trial:
    """Compile all that users meet."""
    return Trial(_child("-m", "benchmarks._everything", runs=1, cold=True, tells=True))
