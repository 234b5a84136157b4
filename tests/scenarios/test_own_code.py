"""A user's own parts, roles and policies, in one file beside a scenario: named wherever ours can be, where trusted."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sekai
from sekai.cli import main
from sekai.error import LoaderError, SekaiError
from sekai.scenarios import ScenarioError, load
from sekai.scenarios.schema import adapter
from sekai.utils.kinds import Reading

pytestmark = pytest.mark.usefixtures("own_modules")

CODE = '''
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge
from sekai.markets.parts import Account, Action, End, Observation, Quotes, Reward, Role, WealthChange
from sekai.markets.sdk import (
    BUY, BY_CLOCK, asked, best_ask, best_bid, fill_count, kernel, market, now, parameter, pay, show,
)
from sekai.spaces import Discrete
from sekai.utils import Checked


@kernel
def see_spread(row, me):
    show(row, me, 0, best_ask(row, me) - best_bid(row, me))
    return 0


class Spread(Observation, kernel=see_spread, meaning="best ask less best bid", unit="ticks"):
    """The spread."""


@kernel
def pay_fills(row, me):
    pay(row, me, parameter(row, me, 0) * fill_count(row, me))
    return 0


@dataclass(frozen=True, kw_only=True)
class Activity(Reward, kernel=pay_fills, meaning="so much for each fill", unit="points"):
    bonus: Annotated[float, Ge(0)] = 1.0


@kernel
def buys_if_asked(row, me):
    if asked(row, me, 0) > 0:
        market(row, me, BUY, 1)
    return 0


class Lift(Action, kernel=buys_if_asked, meaning="1 buys a lot"):
    @property
    def space(self):
        return Discrete(2)


@kernel
def ends_at_ten(row, me):
    return 1 if now(row, me) >= 10_000_000_000 else 0


class Ten(End, kernel=ends_at_ten, meaning="ten seconds have passed"):
    pass


@dataclass(frozen=True, kw_only=True)
class Lifter(Role):
    """A role of one's own."""

    bonus: float = 1.0

    @property
    def observations(self):
        return (Account(), Spread())

    @property
    def actions(self):
        return (Lift(),)

    @property
    def rewards(self):
        return (WealthChange(), Activity(bonus=self.bonus))


@dataclass(frozen=True)
class Lifts(Checked):
    """Buys whenever the spread is at most so wide."""

    most_ticks: Annotated[int, Ge(1)] = 1

    def act(self, seen):
        return int(seen["spread"][0] <= self.most_ticks)


@kernel
def buys(row, me):
    market(row, me, BUY, int(parameter(row, me, 0)))
    return BY_CLOCK


@dataclass(frozen=True)
class Buyer(Checked):
    """Buys whenever its clock says so."""

    size_lots: Annotated[int, Ge(1)] = 1
    kernel = buys

    @property
    def parameters(self):
        return (float(self.size_lots),)
'''
TOML = """title = "Mine"
[session]
length_s = 20.0
[flow]
kind = "zero_intelligence"
pace = 60.0
[[seats]]
name = "anna"
clock = "periodic"
policy = { kind = "my_market:Lifts", most_ticks = 2 }
[seats.role]
kind = "parts"
name = "lifter"
observations = ["account", { kind = "book", levels = 3 }, "my_market:Spread"]
actions = ["my_market:Lift"]
rewards = ["wealth_change", { kind = "my_market:Activity", bonus = 0.25, weight = 2.0 }]
ends = ["my_market:Ten"]
[[seats]]
name = "bob"
role = { kind = "my_market:Lifter", bonus = 3.0 }
clock = { kind = "poisson", every_s = 2.0 }
policy = "my_market:Lifts"
[[traders]]
name = "crowd"
count = 2
clock = "periodic"
policy = { kind = "my_market:Buyer", size_lots = 2 }
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A scenario, and beside it the one file that it names."""
    (tmp_path / "my_market.py").write_text(CODE)
    path = tmp_path / "mine.toml"
    path.write_text(TOML)
    return path


def faults(path: Path, text: str, **trusted: bool) -> tuple[str, ...]:
    path.write_text(text)
    with pytest.raises(ScenarioError) as caught:
        load(path, **trusted)
    return caught.value.faults


def test_one_file_adds_parts_roles_and_policies(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file is all that there is: it is written here, and played."""
    assert main(["run", str(mine), "--trust", "--episodes", "2", "--json", "--out", str(mine.parent / "out")]) == 0
    run = json.loads(capsys.readouterr().out)
    assert run["policies"] == {
        "anna": {"kind": "my_market:Lifts", "most_ticks": 2},
        "bob": {"kind": "my_market:Lifts", "most_ticks": 1},
    }
    assert all(run["seats"][seat]["volume_lots"] > 0 for seat in ("anna", "bob"))
    seats = run["scenario"]["content"]["seats"]
    assert seats[0]["role"]["observations"][2] == {"kind": "my_market:Spread", "name": "spread"}
    assert seats[1]["role"] == {"kind": "my_market:Lifter", "bonus": 3.0}
    assert list(run["code"]) == ["my_market"] and str(mine.parent) not in json.dumps(run)
    assert "--trust" in (mine.parent / "out" / "report.html").read_text(encoding="utf-8")
    again = adapter().validate_python(run["scenario"]["content"], context=Reading(trust=True, folder=str(mine.parent)))
    assert again.content_hash == run["scenario"]["content_hash"]


def test_what_they_show_send_and_pay_is_what_they_say(mine: Path) -> None:
    market: Any = sekai.make(str(mine), trust=True)
    assert market.groups == {"lifter": ("anna", "bob")}
    result, fills, time_s = market.reset(seed=3), 0.0, 0.0
    while "anna" in market.agents:
        acting = market.acting
        for agent in acting:
            assert result.observations[agent]["spread"][0] >= 1.0
        result = market.step(dict.fromkeys(acting, 1))
        time_s += result.elapsed.get("anna", 0.0)
        if "anna" in result.info and not result.terminated["anna"]:
            told = result.info["anna"]
            fills += told["activity"] / (2.0 * 0.25)
            assert result.rewards["anna"] == pytest.approx(told["wealth_change"] + told["activity"])
    assert fills == int(fills) > 0
    assert result.terminated["anna"] and time_s == pytest.approx(10.0)


def test_without_trust_nothing_is_imported_and_every_place_is_told(mine: Path) -> None:
    code = "is code: a file may import it only with --trust on the command line, or trust=True in Python"
    told = faults(mine, TOML)
    assert told == tuple(
        f"{place}.kind: 'my_market:{name}' {code}"
        for place, name in (
            ("seats[0].role.observations[2]", "Spread"),
            ("seats[0].role.actions[0]", "Lift"),
            ("seats[0].role.rewards[1]", "Activity"),
            ("seats[0].role.ends[0]", "Ten"),
            ("seats[0].policy", "Lifts"),
            ("seats[1].role", "Lifter"),
            ("seats[1].policy", "Lifts"),
            ("traders[0].policy", "Buyer"),
        )
    )
    assert "my_market" not in sys.modules
    for make in (lambda: sekai.make(str(mine)), lambda: sekai.make_vec(str(mine), 2)):
        with pytest.raises(ScenarioError, match="is code"):
            make()
    assert main(["run", str(mine)]) == main(["info", str(mine)]) == 2


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            ("bonus = 0.25", "bonus = -1"),
            "seats[0].role.rewards[1].bonus: input should be greater than or equal to 0, got -1",
        ),
        (("bonus = 0.25", "bonsu = 1"), "seats[0].role.rewards[1].bonsu: unknown key. Did you mean 'bonus'?"),
        (("bonus = 3.0", "bonsu = 1"), "seats[1].role.bonsu: unknown key. Did you mean 'bonus'?"),
        (("most_ticks = 2", "ticks = 2"), "seats[0].policy.ticks: unknown key. Did you mean 'most_ticks'?"),
        (
            ("levels = 3", "levels = 0"),
            "seats[0].role.observations[1].levels: input should be greater than or equal to 1",
        ),
        (('"book"', '"boook"'), "seats[0].role.observations[1].kind: must be one of 'account', 'book',"),
        (('"my_market:Spread"', '"wealth_change"'), "seats[0].role.observations[2].kind: must be one of"),
        (
            ("my_market:Spread", "my_market:Spraed"),
            "observations[2].kind: 'my_market:Spraed' cannot be used: there is no",
        ),
        (("my_market:Spread", "my_market:Lift"), "it must be a dataclass derived from sekai.markets.parts.Observation"),
        (
            ("my_market:Buyer", "my_market:Lifts"),
            "traders[0].policy.kind: 'my_market:Lifts' cannot be used: it must have ker",
        ),
        (("size_lots = 2", "size_lots = 0"), "traders[0].policy.size_lots: input should be greater than or equal to 1"),
        (('"my_market:Spread"]', '"account"]'), "seats[0].role: observations: names must differ, got 'account'"),
        (('actions = ["my_market:Lift"]', "actions = []"), "seats[0].role: actions must have at least one part"),
        (('name = "lifter"', 'name = "a\\u0007b"'), "seats[0].role.name: must be a line of text"),
    ],
)
def test_a_fault_of_theirs_has_its_path_as_ours_have(change: tuple[str, str], fault: str, mine: Path) -> None:
    assert change[0] in TOML
    told = faults(mine, TOML.replace(*change, 1), trust=True)
    assert any(fault in one for one in told) and len(told) == 1, told


def test_a_mistake_in_a_kernel_of_theirs_is_one_sentence(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = mine.with_name("my_market.py")
    code.write_text(CODE.replace("best_ask(row, me) - best_bid(row, me)", "best_ask(row, me) - best_bit(row, me)"))
    assert main(["run", str(mine), "--trust", "--episodes", "1"]) == 2
    told = capsys.readouterr().err.splitlines()[-1]
    line = 1 + code.read_text().splitlines().index("    show(row, me, 0, best_ask(row, me) - best_bit(row, me))")
    assert told.startswith("sekai: ") and f"{code}, line {line}" in told and "best_bit" in told


def test_what_is_typed_is_trusted(
    mine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the command line a module lies where it is typed, or beside the file; in Python on the path, or beside it."""
    monkeypatch.chdir(mine.parent)
    assert main(["run", "calm", "--episodes", "1", "--json", "--policy", "maker=my_market:Buyer"]) == 0
    assert json.loads(capsys.readouterr().out)["policies"] == {"maker": {"kind": "my_market:Buyer", "size_lots": 1}}
    monkeypatch.chdir("/")
    plain = mine.with_name("plain.toml")
    plain.write_text(
        TOML[: TOML.index("[[seats]]")] + '[[seats]]\nname = "a"\nrole = "maker"\nclock = "periodic"\npolicy = "hold"\n'
    )
    assert main(["run", str(plain), "--episodes", "1", "--json", "--policy", "a=my_market:Buyer"]) == 0
    assert json.loads(capsys.readouterr().out)["policies"]["a"]["kind"] == "my_market:Buyer"
    env = sekai.make(str(plain), others={"a": "my_market:Buyer"})
    assert type(env.unwrapped.market.seats[0].policy).__name__ == "Buyer"
    assert main(["run", "calm", "--policy", "maker=my_nothing:Buyer"]) == 2
    assert "policy 'my_nothing:Buyer' cannot be used: there is no module" in capsys.readouterr().err
    with pytest.raises(LoaderError, match="there is no 'Byer' in .* Did you mean 'Buyer'"):
        sekai.make("scenarios/calm", others={"maker": "my_market:Byer"})


def test_the_hash_tells_the_code_too(mine: Path) -> None:
    first = load(mine, trust=True).content_hash
    assert first == load(mine, trust=True).content_hash
    env = sekai.make(str(mine), trust=True)
    assert env.spec is not None and env.spec.kwargs["content_hash"] == first
    assert sekai.make(env.spec).possible_agents == env.possible_agents
    assert type(env.spec).from_json(env.spec.to_json()) == env.spec
    mine.with_name("my_market.py").write_text(CODE + "\n# another\n")
    assert load(mine, trust=True).content_hash != first
    with pytest.raises(SekaiError, match="is not what it was"):
        sekai.make(env.spec)


def test_pickles_and_clones_go_on_alike(mine: Path) -> None:
    scenario = load(mine, trust=True)
    assert pickle.loads(pickle.dumps(scenario)) == scenario
    market: Any = sekai.make(str(mine), trust=True)
    market.reset(seed=1)
    market.step(dict.fromkeys(market.acting, 1))
    twins = [market.clone(), pickle.loads(pickle.dumps(market))]
    for one in (market, *twins):
        for _ in range(5):
            one.step(dict.fromkeys(one.acting, 1))
    assert all(np.array_equal(market.unwrapped.row, one.unwrapped.row) for one in twins)


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_processes_play_them(mine: Path, context: str) -> None:
    """A worker that begins anew imports the module for itself."""
    code = f"""
import numpy as np, sekai

def play(kind, **more):
    others = {{"bob": "my_market:Buyer"}}
    vec = sekai.make_vec({str(mine)!r}, 2, kind=kind, agent="anna", trust=True, others=others, **more)
    seen = [vec.reset(seed=[1, 2]).observations["spread"].copy()]
    seen += [vec.step(np.array([1, 0])).observations["spread"].copy() for _ in range(4)]
    vec.close()
    return np.array(seen)

if __name__ == "__main__":
    here = play("sync")
    assert here.min() >= 1.0 and (here == play("proc", vec_kwargs={{"workers": 2, "context": {context!r}}})).all()
"""
    script = mine.with_name("play.py")
    script.write_text(code)
    done = subprocess.run([sys.executable, str(script)], cwd="/", env=os.environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_fundamental_value_is_a_table_and_only_a_market_with_one_shows_it(tmp_path: Path) -> None:
    head, text = (
        TOML[: TOML.index("[[seats]]")],
        (
            '[[seats]]\nname = "a"\nclock = "periodic"\npolicy = "hold"\n'
            'role = { kind = "parts", observations = ["fundamental"], actions = ["market_order"] }\n'
        ),
    )
    path = tmp_path / "value.toml"
    assert faults(path, head + text) == ("fundamental must be given where a seat sees it, as 'a' does, got None",)
    value = "[fundamental]\nvolatility_ticks = 3.0\n"
    assert faults(path, head + value.replace("volatility", "volatilty") + text) == (
        "fundamental.volatilty_ticks: unknown key. Did you mean 'volatility_ticks'?",
    )
    path.write_text(head + value + text)
    env: Any = sekai.make(str(path), agent="a")
    seen = [env.reset(seed=0).observation["fundamental"][0]] + [
        env.step(env.action_space.sample() * 0).observation["fundamental"][0] for _ in range(10)
    ]
    assert len(set(seen)) > 5
