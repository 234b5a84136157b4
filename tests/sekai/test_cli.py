"""The command line: what it imports, what it says, and how it ends."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import version

import pytest

from sekai.cli import main


def loaded_by(*words: str) -> set[str]:
    """Return the top names and the names of our modules that are loaded after `sekai *words`, in a fresh process."""
    code = (
        "import contextlib, io, json, sys\n"
        "from sekai.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):\n"
        f"    main({list(words)!r})\n"
        "print(json.dumps(list(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(json.loads(run.stdout))


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"sekai {version('sekai')}\n"


def test_help_has_a_line_for_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for command in ("conformance", "info", "list", "run"):
        assert re.search(rf"^\s+{command}\s+\S.+$", shown, flags=re.M), shown
    assert "cannot be imported" not in shown


def test_a_command_imports_no_other() -> None:
    assert not {"numba", "matplotlib", "sekai.scenarios.cli", "sekai.markets.referee.cli"} & loaded_by("--version")
    assert not {"numba", "matplotlib", "sekai.markets.referee.cli"} & loaded_by("run", "--help")


def test_list_shows_every_environment(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    for id in ("markets/MakerTaker-v0", "markets/MarketMaking-v0", "markets/Trading-v0", "scenarios/maker-duel"):
        assert re.search(rf"^  {re.escape(id)}\s+\S.+$", shown, flags=re.M), shown


def test_info_of_many_agents_and_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "scenarios/maker-duel"]) == 0
    many = capsys.readouterr().out
    for words in ("scenarios/maker-duel", "maker_0", "maker_1", "taker", "observes", "acts", "made by"):
        assert words in many
    assert main(["info", "markets/MarketMaking-v0"]) == 0
    assert capsys.readouterr().out.count("observes") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["info", "scenarios/maker-dual"], "maker-duel"),
        (["info", "nowhere/at-all"], "nowhere"),
        (["rum"], "rum"),
        (["run"], "scenario"),
        (["list", "--loud"], "--loud"),
    ],
)
def test_a_mistake_is_a_sentence_and_exit_2(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    error = capsys.readouterr().err
    assert told in error and "Traceback" not in error


def test_without_the_app_extra_it_says_what_to_install() -> None:
    code = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'typer':\n"
        "            raise ModuleNotFoundError(\"No module named 'typer'\", name='typer')\n"
        "sys.meta_path.insert(0, Missing())\n"
        "from sekai.cli import main\n"
        "sys.exit(main(['list']))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1 and "pip install -e '.[app]'" in run.stderr
