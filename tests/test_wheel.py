"""What is shipped is whole: from a wheel alone, the scenarios are found and play, and the page has its template.

The installed copy compiles into an empty cache, so that this is also the test that a cold cache and a warm one, and two
places on the disk, give the same `run.json`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sekai.cli import main

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ("agents", "markets", "scenarios", "sekai")

PROBE = """
import json, sys
from pathlib import Path
import sekai, scenarios, scenarios.report
print(json.dumps({
    "where": [str(Path(module.__file__).parent.parent) for module in (sekai, scenarios)],
    "ids": [spec.id for spec in sekai.all_specs()],
    "template": (Path(scenarios.report.__file__).parent / scenarios.report.TEMPLATE).is_file(),
}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of what belongs to it, so that a build folder in the checkout cannot lend a file."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, source / name)
    for name in SHIPPED:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    built = subprocess.run(command, cwd=source, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (found,) = target.glob("sekai-*.whl")
    return found


def test_every_file_of_the_packages_is_in_it(wheel: Path) -> None:
    expected = {
        file.relative_to(ROOT).as_posix()
        for name in SHIPPED
        for file in (ROOT / name).rglob("*")
        if file.is_file() and file.suffix in {".py", ".toml", ".jinja", ".typed"}
    }
    names = zipfile.ZipFile(wheel).namelist()
    assert expected <= set(names)
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == set(SHIPPED)
    assert any(name.endswith("licenses/LICENSE") for name in names)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's contents and nothing else, to be put ahead of everything on the path."""
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*pip, "--target", str(target), str(wheel)], check=True, capture_output=True, text=True)
    return target


def python(installed: Path, code: str, **environment: str) -> str:
    """Run ``code`` with the installed packages, away from the checkout; return what it printed."""
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=installed.parent,
        env={**os.environ, "PYTHONPATH": str(installed), **environment},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_scenarios_are_found_from_it(installed: Path) -> None:
    found = json.loads(python(installed, PROBE))
    assert found["where"] == [str(installed)] * 2
    assert {"scenarios/maker-duel", "markets/MakerTaker-v0"} <= set(found["ids"])
    assert found["template"]


def test_a_run_from_it_with_a_cold_cache_gives_the_same_bytes(
    installed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "maker-duel", "--episodes", "1", "--seed", "11", "--json"]
    code = f"from sekai.cli import main; main({words!r})"
    cold = python(installed, code, SEKAI_CACHE_DIR=str(tmp_path))
    assert any(tmp_path.rglob("*.nbi")), "nothing was compiled, so that the cache was not cold"
    warm = python(installed, code, SEKAI_CACHE_DIR=str(tmp_path))
    assert main(words) == 0
    assert cold == warm == capsys.readouterr().out
