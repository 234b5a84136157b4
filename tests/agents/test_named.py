"""Policies of other distributions: an installed entry point is a policy wherever one is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = """
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from annotated_types import Ge
from sekai.markets.sdk import BUY, BY_CLOCK, kernel, market, parameter
from sekai.utils import Checked

@kernel
def buys(row, me):
    market(row, me, BUY, int(parameter(row, me, 0)))
    return BY_CLOCK

@dataclass(frozen=True, kw_only=True)
class Buyer(Checked):
    kind: Literal["buyer"] = "buyer"
    lots: Annotated[int, Ge(1)] = 1
    kernel = staticmethod(buys)

    @property
    def parameters(self) -> tuple[float, ...]:
        return (float(self.lots),)

@dataclass(frozen=True, kw_only=True)
class Still(Checked):
    kind: Literal["still"] = "still"

    def seated(self, observation_space: Any, action_space: Any) -> Any:
        return lambda seen: [1, 1, 0, 0]

@dataclass(kw_only=True)
class Loose(Checked):
    kind: Literal["loose"] = "loose"

@dataclass(frozen=True, kw_only=True)
class Idle(Checked):
    kind: Literal["idle"] = "idle"
"""
POINTS = """[sekai.agents]
buyer = my_policies:Buyer
still = my_policies:Still
hold = my_policies:Still
loose = my_policies:Loose
idle = my_policies:Idle
other = my_policies:Buyer
lost = nowhere_at_all:Policy
plain = json:dumps
"""
TOML = """title = "Theirs"
[session]
length_s = 5.0
[flow]
kind = "zero_intelligence"
[[seats]]
name = "a"
role = { kind = "maker" }
clock = { kind = "periodic" }
policy = { kind = "still" }
[[seats]]
name = "b"
role = { kind = "taker" }
clock = { kind = "periodic" }
policy = { kind = "buyer", lots = 2 }
[[traders]]
name = "c"
count = 2
clock = { kind = "periodic" }
policy = { kind = "buyer" }
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a distribution of a stranger's, as it lies there once it is installed."""
    folder = tmp_path_factory.mktemp("site")
    info = folder / "my_policies-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-policies\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    (folder / "my_policies.py").write_text(MODULE)
    (folder / "theirs.toml").write_text(TOML)
    return folder


def run(site: Path, code: str) -> str:
    """Run a program where that distribution is installed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, "-c", code], cwd=site, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_entry_point_is_in_the_table_the_schema_and_the_command_line(site: Path) -> None:
    code = """
from sekai.agents import policies, policy
from sekai.scenarios import load
from sekai.cli import main
assert list(policies()) == sorted(policies()) and {"buyer", "still", "hold"} <= set(policies())
assert type(load("theirs.toml").seats[1].policy) is policies()["buyer"]
assert policy("buyer", lots=3) == policies()["buyer"](lots=3)
assert main(["run", "theirs.toml", "--episodes", "1", "--json", "--policy", "a=buyer"]) == 0
"""
    seen = json.loads(run(site, code))
    assert {seat: policy["kind"] for seat, policy in seen["policies"].items()} == {"a": "buyer", "b": "buyer"}
    assert seen["seats"]["b"]["volume_lots"] == 2 * seen["seats"]["a"]["volume_lots"] > 0


def test_a_parameter_of_theirs_is_checked_as_ours_are(site: Path) -> None:
    code = """
from sekai.scenarios import ScenarioError, parse
text = open("theirs.toml").read()
for change in (("lots = 2", "lots = 0"), ("lots = 2", "lotts = 2"), ('"buyer" }', '"still" }')):
    try:
        parse(text.replace(*change))
    except ScenarioError as error:
        print(error.faults)
"""
    many, unknown, outside = run(site, code).splitlines()
    assert "seats[1].policy.lots: input should be greater than or equal to 1, got 0" in many
    assert "seats[1].policy.lotts: unknown key. Did you mean 'lots'?" in unknown
    assert "traders[0].policy.kind: must be one of" in outside and "'buyer'" in outside


def test_one_that_cannot_be_used_is_left_out_and_says_why_where_it_is_asked_for(site: Path) -> None:
    code = """
import json
from sekai.agents import Hold, policies, policy
from sekai.agents.named import POLICIES
from sekai.error import LoaderError
from sekai.scenarios import ScenarioError, parse
assert policies()["hold"] is Hold
try:
    policy("lost")
except LoaderError as error:
    lost = str(error)
try:
    parse(open("theirs.toml").read().replace('"still"', '"lost"'))
except ScenarioError as error:
    fault, = error.faults
print(json.dumps({"left_out": dict(POLICIES.left_out), "lost": lost, "fault": fault}))
"""
    told = json.loads(run(site, code))
    assert set(told["left_out"]) == {"loose", "idle", "other", "lost", "plain"}
    for name, reason in (
        ("loose", "frozen"),
        ("idle", "seated"),
        ("other", "Literal['other']"),
        ("plain", "sekai.utils.Checked"),
        ("lost", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
    ):
        assert reason in told["left_out"][name]
    assert "nowhere_at_all" in told["lost"]
    assert told["fault"].startswith("seats[0].policy.kind: must be one of") and "nowhere_at_all" in told["fault"]
