"""What is installed is one name, `sekai`, and whole: from a wheel, from an sdist, in place, and without links.

The installed copy compiles into an empty cache, so that this is also the test that a cold cache and a warm one, and two
places on the disk, give the same `run.json`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sekai.cli import main
from tests.shipped import FOLDERS, ROOT

LINKS = [name for name in FOLDERS if name != "sekai"]

PROBE = """
import json
from pathlib import Path
import sekai, sekai.agents, sekai.markets, sekai.scenarios, sekai.scenarios.report as report
print(json.dumps({
    "where": [str(Path(module.__file__)) for module in (sekai, sekai.agents, sekai.markets, sekai.scenarios)],
    "ids": [spec.id for spec in sekai.all_specs()],
    "policies": sorted(sekai.agents.policies()),
    "template": (Path(report.__file__).parent / report.TEMPLATE).is_file(),
}))
"""

# A project of a user's with folders of the same names as ours, beside a distribution that is imported as `agents`.
USER = """
import agents, agents.tools, markets, scenarios
print(agents.NAME, agents.tools.NAME, markets.NAME, scenarios.NAME)
"""


def checkout(target: Path, *, links: bool) -> Path:
    """Copy what a build needs to `target`; without `links` as git does where there are none: files that name them."""
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"):
        shutil.copy2(ROOT / name, target / name)
    for name in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__", *(LINKS if name == "sekai" else ()))
        shutil.copytree(ROOT / name, target / name, ignore=ignored)
    (target / "src").mkdir()
    for link in (Path("src", "sekai"), *(Path("sekai", name) for name in LINKS)):
        if links:
            (target / link).symlink_to(Path("..", link.name))
        else:
            (target / link).write_text(f"../{link.name}", encoding="utf-8")
    return target


def build(source: Path, kind: str, target: Path) -> Path:
    """Build a wheel or an sdist of the project in `source`."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    built = subprocess.run(command, cwd=source, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (found,) = target.glob("sekai-*.whl" if kind == "wheel" else "sekai-*.tar.gz")
    return found


def wheel_of_links(target: Path) -> Path:
    source = target / "source"
    source.mkdir()
    return build(checkout(source, links=True), "wheel", target)


def wheel_without_links(target: Path) -> Path:
    source = target / "source"
    source.mkdir()
    return build(checkout(source, links=False), "wheel", target)


def wheel_of_sdist(target: Path) -> Path:
    source = target / "source"
    source.mkdir()
    archive = build(checkout(source, links=True), "sdist", target)
    with tarfile.open(archive) as opened:
        opened.extractall(target / "unpacked", filter="data")
    (unpacked,) = (target / "unpacked").iterdir()
    return build(unpacked, "wheel", target)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel_of_links(tmp_path_factory.mktemp("wheel"))


@pytest.mark.parametrize("made", [wheel_of_links, wheel_without_links, wheel_of_sdist], ids=lambda made: made.__name__)
def test_every_file_is_in_a_wheel_once_and_below_one_name(made: Callable[[Path], Path], tmp_path: Path) -> None:
    expected = {
        "/".join([*package.split("."), *file.relative_to(ROOT / folder).parts])
        for folder, package in FOLDERS.items()
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and file.suffix in {".py", ".toml", ".jinja", ".typed"}
    }
    names = [name for name in zipfile.ZipFile(made(tmp_path)).namelist() if ".dist-info/" not in name]
    assert set(names) == expected and len(names) == len(expected)


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
    assert all(Path(where).is_relative_to(installed / "sekai") for where in found["where"])
    assert {"scenarios/maker-duel", "markets/MakerTaker-v0"} <= set(found["ids"])
    assert found["template"] and "avellaneda_stoikov" in found["policies"]


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


# --- a user's own folders, and somebody else's distribution -----------------------------------------------------------
def foreign_wheel(target: Path) -> Path:
    """Write a wheel, as anybody may publish one, that is imported as `agents`."""
    path, info = target / "foreign_agents-1.0-py3-none-any.whl", "foreign_agents-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("agents/__init__.py", 'NAME = "foreign agents"\n')
        wheel.writestr("agents/tools.py", 'NAME = "foreign tools"\n')
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: foreign-agents\nVersion: 1.0\n")
        words = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(f"{info}/WHEEL", words)
        wheel.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture(scope="module", params=["wheel", "in place"])
def environment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a virtual environment with sekai and the foreign distribution; what sekai needs is lent to it."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home / "env", with_pip=False)
    python = home / "env" / "bin" / "python"
    (site,) = (home / "env" / "lib").glob("python*/site-packages")
    lent = [path for path in sys.path if path.endswith("-packages")]
    (site / "zz_lent.pth").write_text("\n".join(lent) + "\n", encoding="utf-8")  # behind all that is installed here
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    if request.param == "wheel":
        what = [str(request.getfixturevalue("wheel"))]
    else:
        source = home / "source"
        source.mkdir()
        what = ["--no-build-isolation", "-e", str(checkout(source, links=True))]
    for words in (what, [str(foreign_wheel(home))]):
        run = subprocess.run([*pip, *words], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""})
        assert run.returncode == 0, run.stderr
    return python


def say(python: Path, folder: Path, code: str) -> str:
    """Run a script of a user's in `folder`; return what it printed."""
    (folder / "main.py").write_text(code, encoding="utf-8")
    left_out = ("PYTHONPATH", "VIRTUAL_ENV")
    clean = {name: value for name, value in os.environ.items() if name not in left_out}
    run = subprocess.run([python, "main.py"], cwd=folder, env=clean, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_folders_of_the_same_names_and_a_foreign_distribution_disturb_nothing(
    environment: Path, tmp_path: Path
) -> None:
    """Theirs are theirs, with an `__init__.py` or without one, and ours are found below our name."""
    for name in ("markets", "scenarios"):
        (tmp_path / name).mkdir()
    (tmp_path / "markets" / "__init__.py").write_text('NAME = "my markets"\n', encoding="utf-8")
    (tmp_path / "scenarios" / "mine.py").write_text('NAME = "my scenarios"\n', encoding="utf-8")
    printed = say(environment, tmp_path, USER.replace("markets, scenarios", "markets, scenarios.mine as scenarios"))
    assert printed == "foreign agents foreign tools my markets my scenarios\n"
    found = json.loads(say(environment, tmp_path, PROBE))
    assert {"scenarios/maker-duel", "markets/MakerTaker-v0"} <= set(found["ids"])
    assert not any(Path(where).is_relative_to(tmp_path) for where in found["where"])


def test_bare_names_are_gone(environment: Path, tmp_path: Path) -> None:
    """Nothing of ours answers to `markets` or `scenarios`; from a checkout's root an error says the right name."""
    code = "import importlib.util as util\nprint(util.find_spec('markets'), util.find_spec('scenarios'))"
    assert say(environment, tmp_path, code) == "None None\n"
    for name in LINKS:
        run = subprocess.run([sys.executable, "-c", f"import {name}"], cwd=ROOT, capture_output=True, text=True)
        assert f"this folder is imported as sekai.{name}" in run.stderr
