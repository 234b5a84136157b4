"""The framework beside its competitors, each in an environment of its own: they are never dependencies.

A competitor lives in a virtual environment, `$SEKAI_COMPETITORS/NAME` or `~/.cache/sekai/competitors/NAME`; a benchmark
whose competitor is not there is skipped, and says how to make it. Both sides are processes. Rounds take turns, one of
ours and one of theirs, and the best round of each counts, so that what else runs on the machine disturbs both alike.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.registry import Side, Skipped, Trial, benchmark

__all__ = [
    "Duel",
    "home",
    "layered_step",
    "process_vector",
    "sync_vector",
    "ten_agents_layers",
    "ten_agents_rllib",
    "ten_agents_step",
    "ten_agents_supersuit",
]

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = Path(__file__).with_name("_contenders.py")
ROUNDS = 7
PACKAGES = {
    "gymnasium": "gymnasium",
    "supersuit": "pettingzoo supersuit",
    "rllib": '"ray[rllib]"',
}


def home(library: str) -> str:
    """Return the Python of a competitor's environment; raises `Skipped`, with the command that makes it."""
    folder = Path(os.environ.get("SEKAI_COMPETITORS", Path.home() / ".cache" / "sekai" / "competitors")) / library
    python = folder / "bin" / "python"
    if not python.exists():
        raise Skipped(f"no {library}: python -m venv {folder} && {folder}/bin/pip install {PACKAGES[library]}")
    return str(python)


class Duel:
    """Two contenders, who play `ROUNDS` rounds of `steps` steps in turn; each side's time is its best round's."""

    def __init__(self, ours: str, theirs: str, python: str, steps: int) -> None:
        self.commands = {ours: sys.executable, theirs: python}
        self.steps = steps
        self.best = dict.fromkeys(self.commands, 0.0)

    def play(self) -> None:
        """Play all rounds."""
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        sides = {
            name: subprocess.Popen(
                [python, str(SCRIPT), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True, env=environment,
            )
            for name, python in self.commands.items()
        }  # fmt: skip
        seconds: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(ROUNDS):
            for name, side in sides.items():
                assert side.stdin is not None and side.stdout is not None
                side.stdin.write(f"{self.steps}\n")
                side.stdin.flush()
                answer = side.stdout.readline()
                if not answer:
                    raise RuntimeError(f"{name} ended: run {self.commands[name]} {SCRIPT} {name} to see why")
                seconds[name].append(float(answer))
        for side in sides.values():
            side.communicate()
        self.best = {name: min(rounds) for name, rounds in seconds.items()}

    def side(self, name: str, label: str, things: int) -> Side:
        """Return one side, which does `things` things a step; the first to run plays for both."""
        clock = _Clock()

        def run() -> None:
            if not any(self.best.values()):
                self.play()
            clock.seconds += self.best[name]

        return Side(label, lambda: run, self.steps * things, runs=1, clock=clock)


class _Clock:
    """Reads the seconds that a contender has reported."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def _trial(ours: str, theirs: str, python: str, steps: int, things: int, label: str) -> Trial:
    duel = Duel(ours, theirs, python, steps)
    return Trial(duel.side(ours, "sekai", things), duel.side(theirs, label, things))


@benchmark(
    workload="a trivial environment inside TimeLimit, RecordEpisodeStatistics and OrderEnforcing; wanted: 0.7 times",
    unit="k/s",
    counts="steps per CPU-second",
)
def layered_step() -> Trial:
    """One step through three layers."""
    return _trial("sekai_layers", "gymnasium_layers", home("gymnasium"), 60_000, 1, "gymnasium")


@benchmark(
    workload="sixteen trivial environments in a sync vector env; wanted: 1.0 times",
    unit="k/s",
    counts="steps of one environment per CPU-second",
)
def sync_vector() -> Trial:
    """One after the other."""
    return _trial("sekai_sync", "gymnasium_sync", home("gymnasium"), 10_000, 16, "gymnasium's SyncVectorEnv")


@benchmark(
    workload="four trivial environments in processes, CPU time of all processes; wanted: 1.0 times",
    unit="k/s",
    counts="steps of one environment per CPU-second",
)
def process_vector() -> Trial:
    """In processes: what a step costs is what it takes to tell each other."""
    return _trial("sekai_proc", "gymnasium_proc", home("gymnasium"), 4_000, 4, "gymnasium's AsyncVectorEnv")


@benchmark(
    workload="ten agents in one trivial world, dictionaries in and out; wanted: 0.8 times",
    unit="k/s",
    counts="agent steps per CPU-second",
)
def ten_agents_step() -> Trial:
    """The bare world."""
    return _trial("sekai_ten", "pettingzoo_ten", home("supersuit"), 40_000, 10, "PettingZoo's parallel env")


@benchmark(
    workload="four worlds of ten agents in a sync vector env, columns by agent; wanted: 5 times",
    unit="k/s",
    counts="agent steps per CPU-second",
)
def ten_agents_supersuit() -> Trial:
    """Beside forty environments that step as four worlds."""
    return _trial("sekai_ten_sync", "supersuit_ten", home("supersuit"), 4_000, 40, "SuperSuit's concatenation")


@benchmark(
    workload="four worlds of ten agents in a sync vector env, columns by agent; wanted: 1.0 times",
    unit="k/s",
    counts="agent steps per CPU-second",
)
def ten_agents_rllib() -> Trial:
    """Beside lists of dictionaries."""
    return _trial("sekai_ten_sync", "rllib_ten", home("rllib"), 4_000, 40, "RLlib's sync vector")


@benchmark(
    workload="ten agents in one trivial world, two layers around each; wanted: at least 0.4 times the bare world",
    unit="k/s",
    counts="agent steps per CPU-second",
)
def ten_agents_layers() -> Trial:
    """What layers cost."""
    return _trial("sekai_ten_layers", "sekai_ten_bare", sys.executable, 40_000, 10, "the bare world")
