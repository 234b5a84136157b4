"""`python -m benchmarks [--only NAME ...] [--json]`: measure, and print a line a workload."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.registry import Figure, discover, measure

__all__ = ["machine", "main"]


def machine() -> dict[str, str]:
    """Return what the figures depend on: the processor and the versions of what runs."""
    import numba
    import numpy

    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "numba": numba.__version__,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks that are asked for; return 0, or 2 if one of the names is none."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure CPU time on one core.")
    parser.add_argument("--only", metavar="NAME", action="append", help="only this one; may be given several times")
    parser.add_argument("--json", action="store_true", help="print JSON, and nothing else")
    parser.add_argument("--list", action="store_true", help="print the names and workloads, and measure nothing")
    options = parser.parse_args(arguments)
    found = discover()
    unknown = set(options.only or ()) - {one.name for one in found}
    if unknown:
        print(
            f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(o.name for o in found)}", file=sys.stderr
        )
        return 2
    chosen = [one for one in found if not options.only or one.name in options.only]
    if options.list:
        print("\n".join(f"{one.name:<24} {one.workload}" for one in chosen))
        return 0
    if not options.json:
        print(", ".join(f"{name} {value}" for name, value in machine().items()), "\n")
    figures = []
    for one in chosen:
        figures.append(measure(one))
        if not options.json:
            print(line(figures[-1]), flush=True)
    if options.json:
        print(json.dumps({"machine": machine(), "benchmarks": [figure.to_json() for figure in figures]}, indent=2))
    return 0


def line(figure: Figure) -> str:
    """Return a figure as two lines of text."""
    one = figure.benchmark
    if figure.median is None:
        return f"{one.name:<20} skipped: {figure.skipped}"
    words = [f"{one.name:<20} {figure.median:8.3g} {one.unit:<4} {one.counts}, best {figure.best:.3g}"]
    if one.target is not None:
        relation = ">=" if one.unit.endswith("/s") else "<="
        words.append(f"target {relation} {one.target:g} {'met' if figure.is_met else 'MISSED'}")
    if figure.ratio is not None:
        words.append(f"{figure.ratio:.3g} times {figure.competitor} ({figure.competitor_median:.3g})")
    return f"{'; '.join(words)}\n{'':<20}   {one.workload}"


if __name__ == "__main__":
    sys.exit(main())
