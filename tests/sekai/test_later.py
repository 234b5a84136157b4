"""Importing the framework imports what everybody needs; the rest comes when it is asked for, under the same names."""

import importlib
import json
import subprocess
import sys

import pytest

import sekai

LATER = {"numpy.random", "sekai.spaces.utils", "sekai.stats", "sekai.vector", "sekai.wrappers"}


def test_importing_the_framework_leaves_out_what_is_not_needed_yet() -> None:
    program = "import json, sys, sekai; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert {"sekai.core.env", "sekai.registry", "sekai.spaces.box"} <= loaded and not loaded & LATER


@pytest.mark.parametrize(
    "name", ["sekai", "sekai.spaces", "sekai.stats", "sekai.testing", "sekai.utils", "sekai.vector"]
)
def test_everything_listed_is_there(name: str) -> None:
    package = importlib.import_module(name)
    assert set(package.__all__) <= set(dir(package))
    found = {entry: getattr(package, entry) for entry in package.__all__}
    assert all(getattr(package, entry) is value for entry, value in found.items())
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'Nothing'"):
        package.Nothing  # noqa: B018


def test_every_kind_of_space_is_read_where_only_space_was_imported() -> None:
    program = (
        "import json, sys\nfrom sekai import Space\nfor line in sys.stdin: print(Space.from_jsonable(json.loads(line)))"
    )
    spaces = [sekai.Text(3), sekai.Sequence(sekai.Discrete(2)), sekai.OneOf([sekai.Discrete(2)]), sekai.Box(0, 1, (1,))]
    spaces.append(sekai.Graph(sekai.Discrete(2)))
    lines = "\n".join(json.dumps(space.to_jsonable()) for space in reversed(spaces))
    done = subprocess.run([sys.executable, "-c", program], input=lines, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [repr(space) for space in reversed(spaces)]


def test_a_users_kind_of_space_is_read_in_place_of_ours_of_that_name() -> None:
    program = """
import sekai

class Text(sekai.Space[str]):
    contains = sample = encode_sample = decode_sample = _describe = None

    @classmethod
    def _rebuild(cls, description):
        return cls()

assert sekai.Text is not Text and type(sekai.Space.from_jsonable({"kind": "Text"})) is Text
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_part_is_there_after_one_import() -> None:
    program = """
import sekai
parts = "adapters backend error functional modular rendering spaces stats testing utils vector wrappers".split()
assert {*parts, "space_utils"} <= set(sekai.__all__)
assert all(getattr(sekai, part).__name__.startswith("sekai.") for part in parts)
assert sekai.space_utils is sekai.spaces.utils and sekai.rendering.Recorder and sekai.testing.EnvConformance
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_parts_are_found_by_their_own_name_too() -> None:
    assert sekai.wrappers.TimeLimit is sekai.TimeLimit and sekai.vector.SyncVecEnv is sekai.SyncVecEnv
    assert sekai.later.__name__ == "sekai.later"
