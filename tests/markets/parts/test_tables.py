"""The tables of all parts are made from the classes, and the page shows what they say today."""

from __future__ import annotations

import subprocess
import sys
from math import prod
from pathlib import Path

import pytest

from sekai.markets.parts import ACTIONS, ENDS, OBSERVATIONS, REWARDS, ROLES, Observation
from sekai.markets.parts.tables import aligned, markdown, numbers, rewritten
from tests.shipped import ROOT

PAGE = ROOT / "docs" / "parts.md"


def test_the_page_is_as_the_code_is() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert rewritten(page) == page, "run python -m sekai.markets.parts docs/parts.md"


def test_the_command_prints_the_tables_and_renews_a_page(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "sekai.markets.parts"]
    shown = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    assert shown == markdown() + "\n"
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text(encoding="utf-8").replace("| `book` |", "| `old` |"), encoding="utf-8")
    subprocess.run([*words, str(page)], check=True)
    assert page.read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8")


def test_every_part_has_its_row_with_meaning_shape_and_unit() -> None:
    rows = {line.split("|")[1].strip(" `"): line for line in markdown().splitlines() if line.startswith("| `")}
    for kinds in (OBSERVATIONS, ACTIONS, REWARDS, ENDS):
        for kind, cls in kinds.ours.items():
            part = cls()
            assert part.meaning and part.meaning in rows[kind].replace("\\|", "|")
            if isinstance(part, Observation):
                assert f"| {part.shape} | {part.unit} |" in rows[kind]
    assert rows.keys() == {k for kinds in (OBSERVATIONS, ACTIONS, REWARDS, ENDS, ROLES) for k in kinds.ours} - {"parts"}
    assert "`within_ticks = [0, 4, 9]`" in rows["depth"] and '`kinds = ["limit"]`' in rows["limit_order"]


@pytest.mark.parametrize("kinds", [OBSERVATIONS, ACTIONS], ids=["observations", "actions"])
def test_units_are_one_for_all_numbers_or_one_for_each(kinds: object) -> None:
    for cls in kinds.ours.values():  # type: ignore[attr-defined]
        part = cls()
        count = part.shape[-1] if isinstance(part, Observation) else part.size
        assert len(part.unit.split(", ")) in (1, count), part.name
        assert isinstance(part, Observation) or len(numbers(part).split(", ")) == part.size == prod(
            part.space.shape or (1,)
        )


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert [*aligned([("a", "bb", "c"), ("aaa", "b", "")], 2)] == ["  a    bb  c", "  aaa  b"]
