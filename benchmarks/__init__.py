"""Benchmarks: how fast it is, on which workload, beside the simplest correct competitor. Run `python -m benchmarks`.

Every module here may register workloads with `benchmarks.registry.benchmark`. Times are CPU seconds of this process on
one core; each figure is the median of several runs after a warm-up, and the machine is named with them.
"""

__all__: list[str] = []
