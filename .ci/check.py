"""Check the project the way a newcomer meets it; needs Python 3.11 or newer with pip, and nothing else.

Copy what git would publish (not ignored, committed or not) into a temporary folder, run there the very line that
README.md gives for the tests, a skipped test without leave counting as a failure, then ruff and mypy. All run even
when one fails; the exit status is 1 if any did, and pytest's closing line is the last but one that is printed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ".venv-test"  # the one that README's line makes
BESIDE = "shared"  # real data that must not be in the repository; tests that want it skip where it is not
CLOSING_LINE = re.compile(r"^(=+ )?(\d+ (passed|failed|errors?|skipped|deselected)|no tests ran)\b.* in [\d.]+s")


def readme_test_line(readme: str) -> str:
    """Return the one line of README.md's code blocks that makes ``VENV`` and runs pytest in it."""
    lines = [line.strip().removeprefix("$ ") for line in readme.splitlines() if f"{VENV}/bin/pytest" in line]
    if len(lines) != 1:
        sys.exit(f".ci/check.py: README.md must have exactly one line with {VENV}/bin/pytest, found {len(lines)}")
    return lines[0]


def publish(target: Path) -> None:
    """Copy the checkout, without what git ignores, to ``target``; without git, without what is hidden or cached."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True) if shutil.which("git") else None
    if listed is None or listed.returncode != 0:
        left_out = shutil.ignore_patterns(".git", ".venv*", "__pycache__", ".*_cache")
        shutil.copytree(ROOT, target, symlinks=True, ignore=left_out, dirs_exist_ok=True)
        return
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() or path.is_symlink():  # a file that was deleted but not yet committed is still listed
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target / name, follow_symlinks=False)


def run(title: str, command: str, folder: Path) -> tuple[bool, str]:
    """Run a shell command in ``folder``, passing its output on; return its success and pytest's closing line."""
    print(f"\n--- {title}: {command}", flush=True)
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment["PYTEST_ADDOPTS"] = "--strict-skips"
    closing = ""
    with subprocess.Popen(
        command, shell=True, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if CLOSING_LINE.match(line):
                closing = line.rstrip()
    return process.returncode == 0, closing


def main() -> int:
    """Run every check and say how each went."""
    with tempfile.TemporaryDirectory(prefix="sekai-ci-") as folder:
        checkout = Path(folder, ROOT.name)
        checkout.mkdir()
        publish(checkout)
        if (ROOT.parent / BESIDE).is_dir():
            (checkout.parent / BESIDE).symlink_to(ROOT.parent / BESIDE)
        line = readme_test_line((checkout / "README.md").read_text(encoding="utf-8"))
        tests, closing = run("tests", line, checkout)
        tools = f'{VENV}/bin/pip install -q -e ".[dev]"'
        results = {
            "tests": tests,
            "ruff": run("ruff", f"{tools} && {VENV}/bin/ruff check .", checkout)[0],
            "mypy": run("mypy", f"{VENV}/bin/mypy", checkout)[0],
        }
    print(f"\n{closing or 'pytest printed no closing line'}")
    print(", ".join(f"{name} {'passed' if passed else 'FAILED'}" for name, passed in results.items()))
    return 0 if all(results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
