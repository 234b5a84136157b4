"""What type checkers see: mypy --strict and pyright, over users' files outside the checkout and over README's code.

The files in `tests/typing` have the expected type behind each `reveal_type`, and `error` behind what must be rejected.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.test_readme import ROOT, blocks

USERS = sorted((Path(__file__).parent / "typing").glob("*.py"))
EXPECTED = re.compile(r" *(?:reveal_type\(.*\)  # (?:\((?P<by>\w+)\) )?(?P<type>.+)|.*  # (?P<error>error))$")
Seen = dict[int, str]  # by line: the revealed type, or "error"


def plain(revealed: str) -> str:
    """Return a type without modules, and an array's without what it holds.

    >>> plain("builtins.dict[str, numpy.ndarray[tuple[Any, ...], numpy.dtype[numpy.floating[_32Bit]]]]")
    'dict[str, ndarray]'
    """
    text = re.sub(r"\b(\w+\.)+(?=\w)", "", revealed).replace("def ", "")
    while "ndarray[" in text:
        begin = text.index("ndarray[") + len("ndarray")
        end, depth = begin + 1, 1
        while depth:
            depth += {"[": 1, "]": -1}.get(text[end], 0)
            end += 1
        text = text[:begin] + text[end:]
    return text


def expected(user: Path, checker: str) -> Seen:
    """Return what the comments of a file expect of a checker."""
    lines = {n: EXPECTED.match(line) for n, line in enumerate(user.read_text(encoding="utf-8").splitlines(), 1)}
    return {n: found["type"] or "error" for n, found in lines.items() if found and found["by"] in (None, checker)}


def by_mypy(files: list[Path]) -> dict[Path, Seen]:
    """Return what mypy --strict says."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir=cache", "--output=json"]
    done = subprocess.run([*command, *map(str, files)], cwd=files[0].parent, capture_output=True, text=True)
    seen: dict[Path, Seen] = {file: {} for file in files}
    for line in done.stdout.splitlines():
        said = json.loads(line)
        revealed = re.match(r'Revealed type is "(.*)"', said["message"])
        note = plain(revealed[1]) if revealed else "error"
        seen[files[0].parent / said["file"]][said["line"]] = note
    assert not done.stderr, done.stderr
    return seen


def by_pyright(files: list[Path]) -> dict[Path, Seen]:
    """Return what pyright says, in its standard mode."""
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson"]
    done = subprocess.run([*command, *map(str, files)], cwd=files[0].parent, capture_output=True, text=True)
    seen: dict[Path, Seen] = {file: {} for file in files}
    for said in json.loads(done.stdout)["generalDiagnostics"]:
        revealed = re.match(r'Type of ".*" is "(.*)"', said["message"], flags=re.S)
        line = said["range"]["start"]["line"] + 1
        seen[Path(said["file"])][line] = plain(revealed[1]) if revealed else "error"
    return seen


CHECKERS: dict[str, Callable[[list[Path]], dict[Path, Seen]]] = {"mypy": by_mypy, "pyright": by_pyright}


@pytest.mark.parametrize("checker", CHECKERS)
def test_users_see_types(checker: str, tmp_path: Path) -> None:
    users, readme = [tmp_path / user.name for user in USERS], tmp_path / "readme.py"
    for user, mine in zip(users, USERS, strict=True):
        user.write_text(mine.read_text(encoding="utf-8"), encoding="utf-8")
    readme.write_text("\n".join(text for _, text in blocks(ROOT / "README.md", "python")), encoding="utf-8")
    seen = CHECKERS[checker]([*users, readme])
    assert {user.name: seen[user] for user in users} == {user.name: expected(user, checker) for user in users}
    assert sum(map(len, seen.values())) > 60 and seen[readme] == {}
