"""A skipped test that `tests/skips.txt` does not name fails a run with `--strict-skips`, and no other."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SKIPS = """
import pytest

def test_runs():
    assert True

@pytest.mark.parametrize("size", [1, 2])
def test_skips(size):
    pytest.skip("no data")
"""


@pytest.mark.parametrize(
    ("listed", "options", "status"),
    [
        ("test_it.py::test_skips*  # no data", ["--strict-skips"], 0),
        ("test_it.py::test_skips[1]  # no data\ntest_it.py::test_skips[2]", ["--strict-skips"], 0),
        ("test_it.py::test_skips[1]  # no data", ["--strict-skips"], 1),
        ("# nothing", ["--strict-skips"], 1),
        ("# nothing", [], 0),
    ],
)
def test_a_skip_needs_leave(listed: str, options: list[str], status: int, tmp_path: Path) -> None:
    shutil.copy2(HERE / "conftest.py", tmp_path)
    (tmp_path / "skips.txt").write_text(listed, encoding="utf-8")
    (tmp_path / "test_it.py").write_text(SKIPS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", str(tmp_path), *options, "."]
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}  # not the check's own
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == status, run.stdout + run.stderr
    assert ("WITHOUT LEAVE" in run.stdout) is (status == 1)
