"""The benchmarks run, count what they say they count, and own up to what was missed or skipped."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.__main__ import line, main
from benchmarks.book import deep_stream
from benchmarks.registry import BENCHMARKS, Benchmark, Side, Skipped, Trial, discover, measure
from sekai.markets import OrderBook


def busy(count: int) -> Callable[[], Callable[[], object]]:
    """Return a workload of `count` small things."""
    return lambda: lambda: [math.sqrt(k) for k in range(count)]


def made_up(unit: str, target: float | None, competitor: bool = True) -> Benchmark:
    def trial() -> Trial:
        slow = Side("slow", busy(400_000), 1_000, runs=3) if competitor else None
        return Trial(Side("fast", busy(100_000), 1_000, runs=3), slow)

    return Benchmark("made_up", "square roots", unit, "roots", target, trial)  # type: ignore[arg-type]


@pytest.mark.parametrize(("unit", "target", "is_met"), [("k/s", 1e-9, True), ("k/s", 1e9, False), ("us", 1e9, True)])
def test_targets_and_ratios_know_which_way_is_up(unit: str, target: float, is_met: bool) -> None:
    figure = measure(made_up(unit, target))
    assert figure.is_met is is_met and figure.ratio is not None and 2 < figure.ratio < 8
    assert ("MISSED" in line(figure)) is not is_met and "slow" in line(figure)
    assert json.loads(json.dumps(figure.to_json()))["is_met"] is is_met


def test_a_benchmark_alone_and_one_that_cannot_run() -> None:
    figure = measure(made_up("s", None, competitor=False))
    assert figure.is_met is None and figure.ratio is None and figure.runs == 3

    def trial() -> Trial:
        raise Skipped("no data here")

    skipped = measure(Benchmark("none", "", "s", "", 1.0, trial))
    assert skipped.median is None and "no data here" in line(skipped)


def test_the_registry_and_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    names = [one.name for one in discover()]
    assert {"engine_goog", "engine_synthetic", "orderbook_apply", "orderbook_call"} <= set(names) == set(BENCHMARKS)
    assert main(["--list"]) == 0 and all(name in capsys.readouterr().out for name in ("engine_goog",))
    assert main(["--only", "no_such"]) == 2 and "engine_goog" in capsys.readouterr().err
    assert main(["--only", "orderbook_call", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["machine"]["python"] and [b["name"] for b in report["benchmarks"]] == ["orderbook_call"]


def test_the_made_up_day_is_what_its_words_say() -> None:
    stream = deep_stream(orders=20_000)
    assert np.array_equal(stream, deep_stream(orders=20_000)) and not np.array_equal(stream, deep_stream(2, 20_000))
    book = OrderBook()
    book.apply(stream[: len(stream) // 2])
    assert 1_200 < len(book) < 2_000 and len(book.trades) > 1_000
