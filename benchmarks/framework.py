"""The framework beside its competitors, each in an environment of its own: they are never dependencies.

A competitor lives in a virtual environment, `$SEKAI_COMPETITORS/NAME` or `~/.cache/sekai/competitors/NAME`; a benchmark
whose competitor is not there is skipped, and says how to make it. Both sides are processes. Rounds take turns, one of
ours and one of theirs, and the best round of each counts, so that what else runs on the machine disturbs both alike.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.registry import Side, Skipped, Trial, benchmark

__all__ = [
    "Contender",
    "Duel",
    "eight_markets",
    "home",
    "layered_step",
    "process_vector",
    "sync_vector",
    "ten_agents_columns",
    "ten_agents_layers",
    "ten_agents_rllib",
    "ten_agents_step",
    "ten_agents_supersuit",
]

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = Path(__file__).with_name("_play.py")
ROUNDS = 7
PACKAGES = {
    "gymnasium": "gymnasium",
    "supersuit": "pettingzoo supersuit",
    "rllib": '"ray[rllib]"',
}


def home(library: str, packages: str | None = None) -> str:
    """Return the Python of a competitor's environment; raises `Skipped`, with the command that makes it."""
    folder = Path(os.environ.get("SEKAI_COMPETITORS", Path.home() / ".cache" / "sekai" / "competitors")) / library
    python = folder / "bin" / "python"
    if not python.exists():
        wanted = packages or PACKAGES[library]
        raise Skipped(f"no {library}: python -m venv {folder} && {folder}/bin/pip install {wanted}")
    return str(python)


@dataclass(frozen=True, slots=True)
class Contender:
    """Who plays: a function `name(*arguments)` of a file beside this one, run by `python`.

    `remark` is what it must have to say of each round: one that does other work is not compared.
    """

    name: str
    python: str = sys.executable
    module: str = "_contenders"
    arguments: tuple[str, ...] = ()
    remark: str = ""

    @property
    def command(self) -> list[str]:
        """The command that lets it play."""
        return [self.python, str(SCRIPT), self.module, self.name, *self.arguments]

    def start(self) -> subprocess.Popen[str]:
        """Start it; only our own Python finds our packages, since others may have one of the same name."""
        path = str(ROOT) if self.python == sys.executable else ""
        return subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=os.environ | {"PYTHONPATH": path},
        )  # fmt: skip

    def play(self, process: subprocess.Popen[str], steps: int) -> float:
        """Play a round in its process; return its CPU seconds."""
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(f"{steps}\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.name} ended: run {' '.join(self.command)} to see why")
        seconds, _, remark = answer.strip().partition(" ")
        if remark != self.remark:
            raise RuntimeError(f"{self.name} must end with {self.remark!r}, got {remark!r}")
        return float(seconds)


class Duel:
    """Two contenders, who play `ROUNDS` rounds of `steps` steps in turn; each side's time is its best round's."""

    def __init__(self, ours: Contender, theirs: Contender, steps: int) -> None:
        self.contenders = (ours, theirs)
        self.steps = steps
        self.best = {ours.name: 0.0, theirs.name: 0.0}

    def play(self) -> None:
        """Play all rounds."""
        sides = {contender: contender.start() for contender in self.contenders}
        seconds: dict[str, list[float]] = {name: [] for name in self.best}
        try:
            for _ in range(ROUNDS):
                for contender, process in sides.items():
                    seconds[contender.name].append(contender.play(process, self.steps))
        finally:
            for process in sides.values():
                process.communicate()
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
    duel = Duel(Contender(ours), Contender(theirs, python), steps)
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
    workload="ten agents in columns, four environments in a sync vector env; wanted: 0.5 times the bare parallel env",
    unit="k/s",
    counts="agent steps per CPU-second",
)
def ten_agents_columns() -> Trial:
    """What columns cost, beside dictionaries."""
    duel = Duel(Contender("sekai_ten_sync"), Contender("pettingzoo_ten", home("supersuit")), 20_000)
    theirs = duel.side("pettingzoo_ten", "PettingZoo's parallel env", 10)
    return Trial(duel.side("sekai_ten_sync", "sekai", 40), theirs)


@benchmark(
    workload="eight market-making environments as rows of a sync vector env; wanted: 1.0 times the same in a loop",
    unit="k/s",
    counts="steps of one environment per CPU-second",
)
def eight_markets() -> Trial:
    """What rows cost where an environment does its work."""
    return _trial("sekai_markets_sync", "sekai_markets_loop", sys.executable, 1_500, 8, "a loop")


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
