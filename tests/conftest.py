"""How the tests run: deterministic examples, and no silent skips.

Hypothesis draws the same examples on every run, so that a green run stays green. To hunt for new ones, set
``HYPOTHESIS_PROFILE=hunt``; a failure prints the ``@reproduce_failure`` line that replays it.
``--strict-skips`` makes a skipped test that ``tests/skips.txt`` does not name fail the run.
"""

from __future__ import annotations

import fnmatch
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

SKIPS_FILE = Path(__file__).parent / "skips.txt"

# A deadline would fail on the first example of a kernel that compiles.
settings.register_profile(
    "steady", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("hunt", deadline=None, print_blob=True, max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

_skipped: set[str] = set()


def allowed_skips() -> list[str]:
    """Return the patterns of ``tests/skips.txt``, comments removed."""
    lines = (line.split("  #")[0].strip() for line in SKIPS_FILE.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def unexpected_skips(skipped: set[str]) -> list[str]:
    """Return the node ids in ``skipped`` that no pattern of ``tests/skips.txt`` matches, sorted."""
    patterns = [pattern.replace("[", "[[]") for pattern in allowed_skips()]  # parametrised ids hold brackets
    return sorted(node for node in skipped if not any(fnmatch.fnmatchcase(node, pattern) for pattern in patterns))


@pytest.fixture
def own_modules() -> Iterator[None]:
    """Forget afterwards which modules a test has imported, and where it looked for them: a user's own, say."""
    path, before = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if name.startswith(("own_", "my_")):
            del sys.modules[name]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--strict-skips``."""
    parser.addoption("--strict-skips", action="store_true", help="fail on a skipped test that tests/skips.txt omits")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember every test that was skipped, in whatever phase."""
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped.add(report.nodeid)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Remember every module that skipped itself while it was collected."""
    if report.skipped:
        _skipped.add(report.nodeid)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Turn unexpected skips into a failed run."""
    if exitstatus == pytest.ExitCode.OK and session.config.getoption("--strict-skips") and unexpected_skips(_skipped):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the tests that were skipped without leave."""
    if config.getoption("--strict-skips"):
        for node in unexpected_skips(_skipped):
            terminalreporter.write_line(f"SKIPPED WITHOUT LEAVE {node}: add it to tests/skips.txt with a reason")
