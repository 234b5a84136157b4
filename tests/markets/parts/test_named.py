"""Parts and roles by name: ours, and those of installed distributions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sekai.markets import parts
from sekai.markets.parts import ACTIONS, ENDS, OBSERVATIONS, REWARDS, ROLES
from sekai.utils.kinds import Kinds

BASES: list[tuple[Kinds, type[Any]]] = [
    (OBSERVATIONS, parts.Observation),
    (ACTIONS, parts.Action),
    (REWARDS, parts.Reward),
    (ENDS, parts.End),
    (ROLES, parts.Role),
]


def test_every_class_of_ours_is_in_the_table_of_its_base() -> None:
    for kinds, base in BASES:
        shipped = {getattr(parts, name) for name in parts.__all__ if isinstance(getattr(parts, name), type)}
        ours = {cls for cls in shipped if issubclass(cls, base) and cls is not base}
        assert set(kinds.ours.values()) == ours
        assert all(cls.__dataclass_fields__["kind"].default == name for name, cls in kinds.ours.items())
    names = [name for kinds, _ in BASES for name in kinds.ours]
    assert len(names) == len(set(names))


MODULE = """
from dataclasses import dataclass
from typing import Literal
from sekai.markets.parts import NoAction, Observation, Reward, Role
from sekai.markets.sdk import kernel, pay, show

@kernel
def seven(row, me):
    show(row, me, 0, 7)
    return 0

@dataclass(frozen=True, kw_only=True)
class Seven(Observation, kernel=seven, meaning="seven"):
    kind: Literal["seven"] = "seven"

class Eight(Seven):
    pass

@kernel
def one(row, me):
    pay(row, me, 1)
    return 0

class One(Reward, kernel=one, unit="points"):
    pass

class Watcher(Role):
    @property
    def observations(self):
        return (Seven(),)
"""
POINTS = """[sekai.parts]
seven = my_installed:Seven
eight = my_installed:Eight
one = my_installed:One
watcher = my_installed:Watcher
book = my_installed:Seven
lost = nowhere_at_all:Part
"""
TOML = """title = "Theirs"
[session]
length_s = 5.0
[[seats]]
name = "a"
clock = "periodic"
policy = "hold"
role = { kind = "parts", observations = ["seven"], rewards = [{ kind = "one", weight = 3.0 }] }
[[seats]]
name = "b"
clock = "periodic"
policy = "hold"
role = "watcher"
"""


def test_an_installed_part_is_named_like_ours_and_needs_no_trust(tmp_path: Path) -> None:
    info = tmp_path / "my_installed-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-installed\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    (tmp_path / "my_installed.py").write_text(MODULE)
    (tmp_path / "theirs.toml").write_text(TOML)
    code = """
import json, sekai
from sekai.markets.parts import OBSERVATIONS, ROLES, Book
from sekai.scenarios import ScenarioError, load, parse
env = sekai.make("theirs.toml")
seen = env.reset(seed=0).observations
paid = env.step(dict.fromkeys(env.acting, 0)).rewards
faults = []
for change in (("seven", "eight"), ('"one"', '"lost"'), ("seven", "one"), ('"watcher"', '"watchr"')):
    try:
        parse(TOML.replace(*change))
    except ScenarioError as error:
        faults += error.faults
assert OBSERVATIONS.classes["book"] is Book
content = load("theirs.toml")
print(json.dumps({
    "seen": [float(seen[seat]["seven"][0]) for seat in "ab"], "paid": paid["a"], "faults": faults,
    "groups": {name: list(agents) for name, agents in env.groups.items()},
    "left_out": sorted(OBSERVATIONS.left_out),
}))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    words = [sys.executable, "-c", f"TOML = {TOML!r}\n{code}"]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["seen"] == [7.0, 7.0] and told["paid"] == 3.0
    assert told["groups"] == {"parts": ["a"], "watcher": ["b"]}
    assert told["left_out"] == ["eight", "lost", "one", "watcher"]
    kind, lost, base, near = told["faults"]
    assert "seats[0].role.observations[0].kind: must be one of" in kind and "Literal['eight']" in kind
    assert "seats[0].role.rewards[0].kind: must be one of" in lost and "nowhere_at_all" in lost
    assert "it must be a dataclass derived from sekai.markets.parts.Observation" in base
    assert near.startswith("seats[1].role.kind: must be one of") and "Did you mean 'watcher'?" in near


@pytest.mark.parametrize("name", ["", "a\nb"])
def test_a_role_s_name_is_a_line_of_text(name: str) -> None:
    with pytest.raises(ValueError, match="name must"):
        parts.Parts(name=name, observations=(parts.Account(),))
