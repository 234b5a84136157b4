"""Classes by name: ours, and a user's own by `module:Class`, whose mistakes are a sentence each."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge
from pydantic import TypeAdapter, ValidationError

from sekai.error import LoaderError, SekaiError
from sekai.utils import Checked
from sekai.utils.kinds import Kinds, Reading

pytestmark = pytest.mark.usefixtures("own_modules")


@dataclass(frozen=True, kw_only=True)
class Circle(Checked):
    """One of ours."""

    kind: Literal["circle"] = "circle"
    radius: Annotated[float, Ge(0)] = 1.0


@dataclass(frozen=True, kw_only=True)
class Dot(Checked):
    """Another."""

    kind: Literal["dot"] = "dot"


SHAPES = Kinds(
    "shape", Checked, (Circle, Dot), group="sekai.nobody_has_this", check=lambda cls: getattr(cls, "is_ill", "")
)
CLOSED = Kinds("shape", Checked, (Dot, Circle))


@dataclass(frozen=True, kw_only=True)
class Drawing(Checked):
    """A table with shapes in it."""

    shapes: tuple[Annotated[Checked, SHAPES], ...]


ADAPTER = TypeAdapter(Drawing)
HEAD = """from dataclasses import dataclass
from typing import ClassVar
from sekai.utils import Checked
"""
SQUARE = (
    HEAD
    + """
@dataclass(frozen=True, kw_only=True)
class Square(Checked):
    sides: ClassVar[int] = 4
    side: int = 2
class Same(Square):
    pass
class Outer:
    Inner = Square
"""
)


def write(folder: Path, name: str, text: str) -> str:
    (folder / f"{name}.py").write_text(text)
    return name


def faults(shapes: list[Any], reading: Reading | None = None) -> list[tuple[Any, str]]:
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python({"shapes": shapes}, context=reading)
    return [(entry["loc"], entry["msg"]) for entry in caught.value.errors()]


def test_ours_have_names_and_a_near_miss_is_told() -> None:
    assert list(CLOSED.classes) == ["dot", "circle"] and SHAPES.find("dot") is Dot
    assert SHAPES.name_of(Circle) == "circle" and SHAPES.name_of(Drawing) == f"{__name__}:Drawing"
    with pytest.raises(SekaiError, match=r"^shape must be one of 'circle', 'dot', got 'dott'\. Did you mean 'dot'\?$"):
        SHAPES.find("dott")
    with pytest.raises(SekaiError, match="One of your own is 'module:Class'"):
        SHAPES.find("hexagon")
    with pytest.raises(SekaiError, match=r"'dot', 'circle', got 'os:path'\.$"):
        CLOSED.find("os:path")


def test_a_table_is_read_by_its_kind_and_written_with_it() -> None:
    read = ADAPTER.validate_python({"shapes": ["dot", {"kind": "circle", "radius": 2}]})
    assert read == Drawing(shapes=(Dot(), Circle(radius=2.0)))
    written = ADAPTER.dump_python(read, mode="json")
    assert written == {"shapes": [{"kind": "dot"}, {"kind": "circle", "radius": 2.0}]}
    assert list(written["shapes"][1]) == ["kind", "radius"] and ADAPTER.validate_python(written) == read


def test_every_fault_of_a_table_has_its_place() -> None:
    told = faults([3, {"radius": 1.0}, {"kind": "dott"}, {"kind": "circle", "radius": -1.0, "raduis": 2.0}])
    assert told == [
        (("shapes", 0), "must be a table with a kind, or a kind alone, got 3"),
        (("shapes", 1), "needs a kind, one of 'circle', 'dot'"),
        (("shapes", 2), "must be one of 'circle', 'dot', got 'dott'. Did you mean 'dot'?"),
        (("shapes", 3, "radius"), "Input should be greater than or equal to 0"),
        (("shapes", 3, "raduis"), "Unexpected keyword argument"),
    ]


def test_code_is_imported_only_where_it_is_trusted(tmp_path: Path) -> None:
    name = write(tmp_path, "own_trap", f"open({str(tmp_path / 'sprung')!r}, 'w').close()\n" + SQUARE)
    for reading in (None, Reading(), Reading(folder=str(tmp_path))):
        ((where, words),) = faults([f"{name}:Square"], reading)
        assert where == ("shapes", 0) and "'own_trap:Square' is code" in words and "trust=True" in words
    assert not (tmp_path / "sprung").exists() and name not in sys.modules
    trusted = Reading(trust=True, folder=str(tmp_path))
    read = ADAPTER.validate_python({"shapes": [{"kind": f"{name}:Square", "side": 3}]}, context=trusted)
    assert (tmp_path / "sprung").exists() and read.shapes[0].side == 3
    written = ADAPTER.dump_python(read, mode="json")
    assert written == {"shapes": [{"kind": "own_trap:Square", "side": 3}]}
    assert ADAPTER.validate_python(written, context=trusted) == read
    assert faults([{"kind": f"{name}:Square", "side": "two"}], trusted)[0][0] == ("shapes", 0, "side")


def test_a_module_is_looked_for_in_the_folder_and_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder comes first while a module is imported, and last afterwards."""
    before = list(sys.path)
    write(tmp_path, "own_helper", "SIDE = 7\n")
    name = write(tmp_path, "own_square", "from own_helper import SIDE\n" + SQUARE)
    square = SHAPES.find(f"{name}:Square", str(tmp_path))
    assert square().side == 2 and sys.path == [*before, str(tmp_path)]
    assert SHAPES.find(f"{name}:Outer.Inner") is square is SHAPES.find(f"{name}:Square", str(tmp_path))
    assert SHAPES.find(f"{name}:Same")().side == 2
    (tmp_path / "deep").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "deep")
    write(tmp_path / "deep", "own_other", SQUARE)
    assert SHAPES.find("own_other:Square") is not square


def test_two_modules_of_one_name_are_never_taken_for_each_other(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, "own_twin", SQUARE)
    SHAPES.find("own_twin:Square", str(tmp_path / "one"))
    with pytest.raises(LoaderError) as caught:
        SHAPES.find("own_twin:Square", str(tmp_path / "two"))
    one, two = tmp_path / "one" / "own_twin.py", tmp_path / "two" / "own_twin.py"
    told = f"module 'own_twin' is imported already, from {one}: {two} must have another name"
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SQUARE, "there is no 'Sqaure' in {file}. Did you mean 'Square'?"),
        ("def broken(:\n", "SyntaxError: invalid syntax ({file}, line 1)"),
        ("\nprint(unknown)\n", "NameError: name 'unknown' is not defined ({file}, line 2)"),
        ("import json\njson.loads('{')\n", "({file}, line 2)"),
        ("import not_there_at_all\n", "ModuleNotFoundError: No module named 'not_there_at_all' ({file}, line 1)"),
        ("import sys\n\nsys.exit()\n", "SystemExit: it ended the program ({file}, line 3)"),
        (
            "from dataclasses import dataclass\n@dataclass\nclass Sqaure:\n    a: int = 1\n",
            "derived from sekai.utils.Checked",
        ),
        ("Sqaure = 3\n", "derived from sekai.utils.Checked, got 3"),
        (HEAD + "@dataclass\nclass Sqaure(Checked):\n    a: int = 1\n", "it must be frozen: @dataclass(frozen=True)"),
        (
            SQUARE + "class Sqaure(Square):\n    b: int = 1\n",
            "must be decorated with @dataclass(frozen=True, kw_only=True), or 'b'",
        ),
        (HEAD + "@dataclass(frozen=True)\nclass Sqaure(Checked):\n    a: 'Nobody' = 1\n", "NameError: name 'Nobody'"),
        (SQUARE + "class Sqaure(Square):\n    is_ill = 'it is ill'\n", "cannot be used: it is ill"),
    ],
)
def test_a_mistake_in_a_user_s_module_is_one_sentence(text: str, told: str, tmp_path: Path) -> None:
    name = write(tmp_path, "own_mistake", text)
    with pytest.raises(LoaderError) as caught:
        SHAPES.find(f"{name}:Sqaure", str(tmp_path))
    words = str(caught.value)
    assert words.startswith("shape 'own_mistake:Sqaure' cannot be used: ") and "\n" not in words
    assert told.format(file=tmp_path / "own_mistake.py") in words
    ((where, fault),) = faults([f"{name}:Sqaure"], Reading(trust=True, folder=str(tmp_path)))
    assert where == ("shapes", 0) and f"shape {fault}" == words


@pytest.mark.parametrize("name", ["own_nothing:Square", ":Square", "own_nothing.deep:Square"])
def test_a_module_that_is_not_there(name: str, tmp_path: Path) -> None:
    with pytest.raises(LoaderError, match=f"^shape '{name}' cannot be used: "):
        SHAPES.find(name, str(tmp_path))
    with pytest.raises(LoaderError, match=f"^shape '{name}' cannot be used: "):
        SHAPES.find(name)
