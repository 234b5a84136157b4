"""What a benchmark is, which ones there are, and how one is measured."""

from __future__ import annotations

import importlib
import os
import pkgutil
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

__all__ = [
    "BENCHMARKS",
    "Benchmark",
    "Figure",
    "Side",
    "Skipped",
    "Trial",
    "benchmark",
    "children_time",
    "discover",
    "measure",
]

Unit = Literal["M/s", "k/s", "us", "s"]
_PER: Final[dict[str, float]] = {"M/s": 1e-6, "k/s": 1e-3, "us": 1e6, "s": 1.0}


class Skipped(Exception):
    """Raised by a benchmark that cannot run here; its argument says why."""


@dataclass(frozen=True, slots=True)
class Side:
    """One contender. `prepare()` makes a fresh run, untimed; the run it returns is timed, and does `count` things.

    `clock` reads the seconds that are counted: CPU time of this process, or of the processes that it has waited for.
    A side of one run is not warmed up.
    """

    name: str
    prepare: Callable[[], Callable[[], Any]]
    count: int
    runs: int = 9
    clock: Callable[[], float] = time.process_time


@dataclass(frozen=True, slots=True)
class Trial:
    """Ours, and the simplest correct competitor, on the same workload."""

    ours: Side
    competitor: Side | None = None


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A workload in words, what is counted (`unit`), what we hold ourselves to (`target`) and how to set it up."""

    name: str
    workload: str
    unit: Unit
    counts: str
    target: float | None
    trial: Callable[[], Trial]


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured: the median and the best run in the benchmark's unit, the competitor's median, or why not."""

    benchmark: Benchmark
    median: float | None = None
    best: float | None = None
    runs: int = 0
    competitor: str | None = None
    competitor_median: float | None = None
    skipped: str | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None without a target, or without a figure."""
        if self.median is None or self.benchmark.target is None:
            return None
        is_rate = self.benchmark.unit.endswith("/s")
        return self.median >= self.benchmark.target if is_rate else self.median <= self.benchmark.target

    @property
    def ratio(self) -> float | None:
        """How many times as fast as the competitor ours is."""
        if self.median is None or self.competitor_median is None:
            return None
        times = self.median / self.competitor_median
        return times if self.benchmark.unit.endswith("/s") else 1 / times

    def to_json(self) -> dict[str, Any]:
        """Return the figure as plain data."""
        b = self.benchmark
        return {
            "name": b.name,
            "workload": b.workload,
            "unit": f"{b.unit} ({b.counts})",
            "target": b.target,
            "is_met": self.is_met,
            "median": self.median,
            "best": self.best,
            "runs": self.runs,
            "competitor": self.competitor,
            "competitor_median": self.competitor_median,
            "ratio": self.ratio,
            "skipped": self.skipped,
        }


BENCHMARKS: Final[dict[str, Benchmark]] = {}


def benchmark(
    *, workload: str, unit: Unit, counts: str, target: float | None = None
) -> Callable[[Callable[[], Trial]], Callable[[], Trial]]:
    """Register the decorated function, which sets a trial up, as the benchmark of its name."""

    def register(trial: Callable[[], Trial]) -> Callable[[], Trial]:
        name = trial.__name__
        BENCHMARKS[name] = Benchmark(name, workload, unit, counts, target, trial)
        return trial

    return register


def discover() -> list[Benchmark]:
    """Import every module of this package and return what they have registered, by name."""
    import benchmarks

    for info in pkgutil.iter_modules(benchmarks.__path__):
        if not info.name.startswith("_"):
            importlib.import_module(f"benchmarks.{info.name}")
    return [BENCHMARKS[name] for name in sorted(BENCHMARKS)]


def measure(one: Benchmark) -> Figure:
    """Set a benchmark up, warm it up, and measure it."""
    try:
        trial = one.trial()
    except Skipped as skipped:
        return Figure(one, skipped=str(skipped))
    ours = list(_figures(one, trial.ours))
    is_rate = one.unit.endswith("/s")
    figure = {"median": statistics.median(ours), "best": max(ours) if is_rate else min(ours), "runs": len(ours)}
    if trial.competitor is None:
        return Figure(one, **figure)  # type: ignore[arg-type]
    theirs = statistics.median(_figures(one, trial.competitor))
    return Figure(one, **figure, competitor=trial.competitor.name, competitor_median=theirs)  # type: ignore[arg-type]


def children_time() -> float:
    """Return the CPU seconds of all child processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def _figures(one: Benchmark, side: Side) -> Iterator[float]:
    """Yield one figure a run, in the benchmark's unit."""
    if side.runs > 1:
        side.prepare()()  # compiles, and fills caches
    for _ in range(side.runs):
        run = side.prepare()
        start = side.clock()
        run()
        seconds = side.clock() - start
        rate = side.count / max(seconds, 1e-9)
        yield rate * _PER[one.unit] if one.unit.endswith("/s") else _PER[one.unit] / rate
