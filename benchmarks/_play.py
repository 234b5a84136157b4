"""One side of a duel of `benchmarks.framework`: `_play.py MODULE NAME [ARGUMENT ...]`, by the Python of its library.

`NAME`, a function of `MODULE`, a file beside this one, prepares a loop. A number of steps a line is played, and
answered with the CPU seconds that this process and its children took, and the loop's remark on the round, if any.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

Remark = Callable[[], object]
Loop = Callable[[int], Remark | None]


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and of its children that live."""
    ticks = 0
    for child in multiprocessing.active_children():
        fields = Path(f"/proc/{child.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def main(module: str, name: str, *arguments: str) -> None:
    """Play as `name` as long as steps are asked for."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    sys.stdout = sys.stderr  # libraries talk
    loop: Loop = getattr(import_module(module), name)(*arguments)
    loop(200)
    for line in sys.stdin:
        begin = cpu_seconds()
        remark = loop(int(line))
        seconds = cpu_seconds() - begin
        print(seconds, remark() if remark else "", file=answers, flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
