"""What README.md and the pages in docs/ show is true: every Python block runs, every command line works.

The blocks of a page run in order in one namespace, as a reader would type them, in an empty folder.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sekai.cli import main

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.M | re.S)


def blocks(page: Path, language: str) -> list[tuple[int, str]]:
    """Return the first line number and the text of every block of ``language`` on ``page``."""
    text = page.read_text(encoding="utf-8")
    return [(text[: m.start(2)].count("\n") + 1, m[2]) for m in BLOCK.finditer(text) if m[1] == language]


def command_lines() -> list[str]:
    """Return every line that a page's console blocks show after a dollar."""
    return [
        line.removeprefix("$ ")
        for page in PAGES
        for _, text in blocks(page, "console")
        for line in text.splitlines()
        if line.startswith("$ ")
    ]


def write_files(folder: Path) -> None:
    """Write every file that a page shows: its name stands in the block's first line, a comment."""
    for page in PAGES:
        for language, ending in (("toml", "toml"), ("python", "py")):
            for _, text in blocks(page, language):
                named = re.match(rf"# (\S+\.{ending})\n", text)
                if named:
                    (folder / named[1]).write_text(text, encoding="utf-8")


@pytest.mark.usefixtures("own_modules")
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name)
def test_python_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    write_files(tmp_path)
    namespace: dict[str, object] = {"__name__": "readme"}
    for line, text in blocks(page, "python"):
        source = "\n" * (line - 1) + text  # so that a traceback names the line
        exec(compile(source, str(page), "exec", dont_inherit=True), namespace)


def test_toml_blocks_are_toml() -> None:
    for page in PAGES:
        for _, text in blocks(page, "toml"):
            tomllib.loads(text)


@pytest.mark.usefixtures("own_modules")
@pytest.mark.parametrize("line", [line for line in command_lines() if "sekai " in line])
def test_commands_of_sekai_work(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What follows the name of the command, run in this process."""
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path)
    words = shlex.split(re.split(r"(?:^|/)sekai ", line)[-1])
    assert main(words) == 0, capsys.readouterr().err
    if "--out" in words:
        folder = tmp_path / words[words.index("--out") + 1]
        assert sorted(path.name for path in folder.iterdir()) == ["report.html", "run.json", "timing.json"]


@pytest.mark.parametrize("page", ["own-agent.md", "own-parts.md"])
def test_an_example_of_one_s_own_is_short(page: str) -> None:
    examples = [text for language in ("python", "toml") for _, text in blocks(ROOT / "docs" / page, language)]
    assert len(examples) >= 3 and all(len(text.splitlines()) < 30 for text in examples)


def test_the_two_lines_install_from_the_checkout() -> None:
    """Each makes its own environment, and names extras that there are."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    installs = [line for line in command_lines() if "pip install" in line]
    assert len(installs) == 2
    for line in installs:
        made = re.search(r"-m venv (\S+)", line)
        asked = re.search(r"\"\.\[(\w+)\]\"", line)
        assert made and line.count(f"{made[1]}/bin/") == 2
        assert asked and asked[1] in extras
    assert len({line.split("&&")[0] for line in installs}) == 2


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)\)|src=\"([^\"]+)\"", page.read_text(encoding="utf-8")):
            name = target[0] or target[1]
            assert name.startswith("https://") or (page.parent / name).exists(), f"{page.name} links to {name}"


@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.py")), ids=lambda script: script.stem)
def test_examples_run(script: Path, tmp_path: Path) -> None:
    run = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0 and run.stdout, run.stderr
