"""What is shipped is whole: from a wheel alone, the scenarios are found and play, and the page has its template."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ("agents", "markets", "scenarios", "sekai")

PROBE = """
import json, sys
from pathlib import Path
import sekai, scenarios, scenarios.report
env = sekai.make("scenarios/maker-duel")
first = env.reset(seed=0)
print(json.dumps({
    "where": [str(Path(module.__file__).parent.parent) for module in (sekai, scenarios)],
    "ids": [spec.id for spec in sekai.all_specs()],
    "agents": sorted(first.observations),
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


def test_scenarios_are_found_from_it(wheel: Path, tmp_path: Path) -> None:
    """Unpacked ahead of everything else, with no trace of the checkout on the path."""
    target = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*pip, "--target", str(target), str(wheel)], check=True, capture_output=True, text=True)
    environment = {**os.environ, "PYTHONPATH": str(target)}
    run = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["where"] == [str(target)] * 2
    assert "scenarios/maker-duel" in found["ids"]
    assert {"maker_0", "maker_1"} <= set(found["agents"])
    assert found["template"]
