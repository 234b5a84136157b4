"""Environments by id: versions, namespaces, and what is said when there is none."""

import json
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import sekai
from sekai.error import (
    LoaderError,
    NameNotFound,
    NamespaceNotFound,
    RegistrationError,
    ResetRequired,
    SekaiError,
    VersionNotFound,
)
from sekai.registry import EnvSpec, Registry, WrapperSpec, parse_id, registry
from sekai.testing import ClockworkEnv, CountingEnv, EchoEnv


@pytest.fixture(autouse=True)
def own_ids() -> Iterator[None]:
    """Give each test a registry of its own to fill."""
    kept = dict(registry.__dict__)
    registry.__dict__.update(Registry().__dict__)
    yield
    registry.__dict__.clear()
    registry.__dict__.update(kept)


def test_ids_have_three_parts() -> None:
    assert parse_id("qc/PortfolioEnv-v1") == ("qc", "PortfolioEnv", 1)
    assert parse_id("scenarios/maker-duel") == ("scenarios", "maker-duel", None)
    assert parse_id("CartPole-v12") == (None, "CartPole", 12) and parse_id("a-vb") == (None, "a-vb", None)
    spec = EnvSpec("qc/PortfolioEnv-v1", CountingEnv)
    assert (spec.namespace, spec.name, spec.version) == ("qc", "PortfolioEnv", 1)
    for bad in ("", "a/b/c", "a b", "/x", None):
        with pytest.raises(RegistrationError, match="id must read"):
            parse_id(bad)  # type: ignore[arg-type]


def test_the_example_of_the_documentation() -> None:
    sekai.register(
        id="qc/PortfolioEnv-v1",
        entry_point="sekai.testing:CountingEnv",
        max_episode_steps=3,
        kwargs={"length": 50},
        reward_threshold=0.25,
    )
    env = sekai.make("qc/PortfolioEnv-v1")
    assert env.unwrapped.length == 50 and sekai.make("qc/PortfolioEnv-v1", length=100).unwrapped.length == 100
    spec = sekai.spec("qc/PortfolioEnv-v1")
    assert (spec.id, spec.max_episode_steps, spec.reward_threshold) == ("qc/PortfolioEnv-v1", 3, 0.25)
    assert repr(env) == "<TimeLimit(<OrderEnforcing(<CountingEnv>)>)>"
    with pytest.raises(ResetRequired):
        env.step(0.0)
    env.reset(seed=0)
    assert [env.step(0.0).truncated for _ in range(3)] == [False, False, True]


def test_a_made_environment_says_how_to_make_it_again() -> None:
    sekai.register("count-v0", "sekai.testing:CountingEnv", kwargs={"length": 7})
    env = sekai.make("count-v0", length=9)
    assert env.spec.kwargs == {"length": 9} and env.unwrapped.spec == env.spec
    text = json.dumps(env.spec.to_json(), allow_nan=False)
    again = sekai.make(EnvSpec.from_json(json.loads(text)))
    assert again.unwrapped.length == 9 and again.spec == env.spec


def test_an_id_without_a_version_is_the_newest() -> None:
    for version in (0, 2, 10):
        sekai.register(f"x/count-v{version}", CountingEnv, kwargs={"length": version + 1})
    assert sekai.spec("x/count").version == 10 and sekai.make("x/count-v2").unwrapped.length == 3
    with pytest.raises(VersionNotFound, match=r"no 'x/count-v3'; 'count' has x/count-v0, x/count-v2, x/count-v10"):
        sekai.make("x/count-v3")
    with pytest.raises(RegistrationError, match="give all a version, or none"):
        sekai.register("x/count", CountingEnv)


def test_what_is_not_there_is_said_with_what_is_near() -> None:
    sekai.register("markets/MakerTaker-v0", CountingEnv)
    with pytest.raises(NamespaceNotFound, match=r"no namespace 'market' .* Did you mean 'markets'"):
        sekai.make("market/MakerTaker-v0")
    with pytest.raises(NameNotFound, match=r"Did you mean 'markets/MakerTaker-v0'"):
        sekai.make("markets/MakrTaker-v0")
    with pytest.raises(NameNotFound, match=r"no environment 'zzz' is registered\.$"):
        sekai.spec("zzz")


def test_a_name_without_its_namespace_is_looked_for_in_all() -> None:
    sekai.register_namespace("scenarios", lambda: sekai.register("scenarios/maker-duel", CountingEnv))
    sekai.register_namespace("markets", lambda: sekai.register("markets/MakerTaker-v0", CountingEnv))
    sekai.register_namespace("broken", lambda: 1 / 0)
    for asked, meant in [
        ("maker-duel", "scenarios/maker-duel"),
        ("maker-dule", "scenarios/maker-duel"),
        ("MakerTaker", "markets/MakerTaker-v0"),
        ("MakrTaker-v0", "markets/MakerTaker-v0"),
        ("markets/maker-duel", "scenarios/maker-duel"),
    ]:
        with pytest.raises(NameNotFound, match=f"no environment '{asked}' is registered. Did you mean '{meant}'"):
            sekai.make(asked)


def test_a_namespace_and_a_version_in_common_are_no_likeness() -> None:
    sekai.register("markets/Trading-v0", CountingEnv)
    for asked in ("markets/Nope-v0", "Ab-v0"):
        with pytest.raises(NameNotFound, match=f"no environment '{asked}' is registered.$"):
            sekai.make(asked)


def test_arguments_that_an_entry_point_does_not_take_are_said_with_those_that_it_does() -> None:
    sekai.register("count-v0", CountingEnv)
    with pytest.raises(
        SekaiError, match=r"'count-v0' has no argument 'lenght'; it takes length. Did you mean 'length'"
    ):
        sekai.make("count-v0", lenght=3)

    def needs(*, feed: str, speed: float = 1.0) -> sekai.Env:
        return CountingEnv()

    sekai.register("feed-v0", needs)
    with pytest.raises(SekaiError, match="'feed-v0' lacks the argument 'feed'; it takes feed, speed"):
        sekai.make("feed-v0")

    def inside(**anything: Any) -> sekai.Env:
        return CountingEnv(*anything)  # a TypeError of its own stays one

    sekai.register("any-v0", inside)
    with pytest.raises(TypeError):
        sekai.make("any-v0", one=1, two=2)
    sekai.register("none-v0", lambda: CountingEnv())
    with pytest.raises(SekaiError, match="'none-v0' has no argument 'length'; it takes none"):
        sekai.make("none-v0", length=2)


def test_a_namespace_is_loaded_once_when_it_is_first_needed_and_again_if_it_failed() -> None:
    calls = []

    def loader() -> None:
        calls.append(len(calls))
        if len(calls) == 1:
            raise OSError("no network")
        sekai.register("qc/CryptoOrderBook-v2", CountingEnv)

    sekai.register_namespace("qc", loader)
    assert calls == []
    with pytest.raises(LoaderError, match=r"namespace 'qc' failed: OSError: no network"):
        sekai.make("qc/CryptoOrderBook-v2")
    assert isinstance(sekai.make("qc/CryptoOrderBook-v2").unwrapped, CountingEnv)
    sekai.make("qc/CryptoOrderBook")
    assert calls == [0, 1]
    with pytest.raises(RegistrationError, match="loader must be callable"):
        sekai.register_namespace("qc", 3)  # type: ignore[arg-type]


def test_plugins_register_by_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        name = "plug"

        def load(self) -> Any:
            return lambda: registry.add(EnvSpec("plug/count-v0", CountingEnv))

    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Point()] if group == "ours" else [])
    registry.__dict__.update(Registry("ours").__dict__)
    assert [spec.id for spec in sekai.all_specs()] == ["plug/count-v0"]
    assert isinstance(sekai.make("plug/count").unwrapped, CountingEnv)


def test_all_specs_are_in_order_and_leave_out_what_cannot_be_loaded() -> None:
    sekai.register("b/two-v10", CountingEnv)
    sekai.register("b/two-v9", CountingEnv)
    sekai.register("alone", CountingEnv)
    sekai.register_namespace("a", lambda: sekai.register("a/one-v0", CountingEnv))
    sekai.register_namespace("broken", lambda: 1 / 0)
    with pytest.warns(UserWarning, match=r"'broken' is left out: .*ZeroDivisionError"):
        specs = sekai.all_specs()
    assert [spec.id for spec in specs] == ["alone", "a/one-v0", "b/two-v9", "b/two-v10"]


def test_many_agents_and_their_views() -> None:
    sekai.register("echo-v0", EchoEnv, max_episode_steps=2)
    env = sekai.make("echo-v0", length=9)
    assert isinstance(env, sekai.MultiAgentEnv) and env.unwrapped.length == 9
    view = sekai.make("echo-v0", agent="taker", others={"maker": lambda o: [0.5]})
    assert isinstance(view, sekai.Env) and view.spec.kwargs["agent"] == "taker"
    view.reset(seed=0)
    assert view.step([0.1]).observation["heard"] == 0.5 and view.step([0.1]).truncated
    with pytest.raises(SekaiError, match="others without an agent"):
        sekai.make("echo-v0", others={})
    sekai.register("count-v0", CountingEnv)
    with pytest.raises(SekaiError, match="'count-v0' has one agent: make it without agent"):
        sekai.make("count-v0", agent="a")


def test_a_view_that_make_gives_is_in_order_too() -> None:
    sekai.register("echo-v0", EchoEnv)
    view = sekai.make("echo-v0", agent="taker", others={"maker": lambda o: [0.5]})
    assert type(view).__name__ == "OrderEnforcing", "around the view, not below it"
    with pytest.raises(ResetRequired):
        view.step([0.0])


def test_an_entry_point_that_takes_the_agent_itself_gets_it() -> None:
    def build(agent: str = "nobody") -> sekai.Env:
        env = CountingEnv()
        env.name = agent  # type: ignore[attr-defined]
        return env

    sekai.register("own-v0", build)
    assert sekai.make("own-v0", agent="me").unwrapped.name == "me"
    with pytest.raises(RegistrationError, match="cannot be written as text"):
        sekai.spec("own-v0").to_json()


def test_additional_wrappers() -> None:
    spec = WrapperSpec("normalise", "sekai.wrappers:NormalizeObservation", {"epsilon": 0.5})
    sekai.register("clock-v0", ClockworkEnv, kwargs={"periods": {"a": 1}}, additional_wrappers=[spec])
    env = sekai.make("clock-v0")
    assert repr(env) == "<NormalizeObservation(<OrderEnforcing(<ClockworkEnv>)>)>"
    assert env.spec.additional_wrappers == (spec,) and WrapperSpec.from_json(spec.to_json()) == spec
    assert env.instance("a").epsilon == 0.5


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("{}", "value must be a mapping, .* got '{}'"),
        ({}, "EnvSpec lacks 'id'"),
        ({"id": "a-v0"}, "EnvSpec lacks 'entry_point'"),
        ({"id": "a-v0", "entry_point": "a:b", "kwarg": {}}, "EnvSpec takes id, .* got 'kwarg'. Did you mean 'kwargs'"),
        ({"id": "a-v0", "entry_point": "a:b", "kwargs": 3}, "kwargs must be a mapping of arguments by name, got 3"),
        ({"id": "a-v0", "entry_point": "a:b", "additional_wrappers": 3}, "additional_wrappers must be a list, got 3"),
        (
            {"id": "a-v0", "entry_point": "a:b", "additional_wrappers": [{"name": "x"}]},
            "WrapperSpec lacks 'entry_point'",
        ),
    ],
)
def test_what_is_no_spec_is_refused(value: Any, why: str) -> None:
    with pytest.raises(RegistrationError, match=why):
        EnvSpec.from_json(value)


def test_a_spec_may_leave_out_what_has_a_default() -> None:
    assert EnvSpec.from_json({"id": "a-v0", "entry_point": "a:b"}) == EnvSpec("a-v0", "a:b")


@pytest.mark.parametrize(
    ("entry_point", "why"),
    [("nowhere.at.all:Env", "nowhere"), ("sekai.testing:Nothing", "no attribute 'Nothing'")],
)
def test_entry_points_that_are_not_there(entry_point: str, why: str) -> None:
    sekai.register("x-v0", entry_point)
    with pytest.raises(LoaderError, match=why):
        sekai.make("x-v0")


def test_specs_that_cannot_be() -> None:
    for bad in ("no-colon", 3):
        with pytest.raises(RegistrationError, match="entry_point must be a callable or 'module:name'"):
            sekai.register("x-v0", bad)  # type: ignore[arg-type]
    with pytest.raises(RegistrationError, match="max_episode_steps must be an integer >= 1 or None, got 0"):
        sekai.register("x-v0", CountingEnv, max_episode_steps=0)


def test_a_module_may_be_a_namespaces_loader() -> None:
    module = ModuleType("a_plugin_of_the_test")
    sys.modules[module.__name__] = module
    sekai.register_namespace("m", lambda: __import__(module.__name__))
    with pytest.raises(NameNotFound):
        sekai.make("m/x-v0")
    del sys.modules[module.__name__]


def test_specs_come_back_from_strict_json() -> None:
    kwargs = {
        "length": 3, "none": None, "bounds": (float("-inf"), 2.5, float("inf")), "space": sekai.Box(-np.inf, 1.0, (2,)),
        "table": np.array([[1.0, np.nan], [np.inf, 0.0]]), "fn": json.dumps, "kind": CountingEnv,
        "number": np.float32(3), "nested": [{"a": (1, [2])}, {3: "x"}, {"$tuple": 1}], "flag": True,
    }  # fmt: skip
    wrappers = (WrapperSpec("clip", "sekai.wrappers:ClipReward", {"min": -1.0, "max": float("inf")}),)
    spec = EnvSpec("qc/All-v3", CountingEnv, 9, kwargs, 1.5, wrappers, "Everything.")
    text = json.dumps(spec.to_json(), allow_nan=False)
    again = EnvSpec.from_json(json.loads(text))
    assert again == spec.from_json(spec.to_json()) and again.entry_point == "sekai.testing.doubles:CountingEnv"
    assert sekai.core.result.same(again.kwargs, kwargs) and again.kwargs["fn"] is json.dumps
    assert again.additional_wrappers == wrappers and WrapperSpec.from_json(wrappers[0].to_json()) == wrappers[0]
    assert json.dumps(again.to_json(), allow_nan=False) == text


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"policy": [lambda o: o]}, r"kwargs of 'a-v0'\['policy'\]\[0\]: .*cannot be written as text"),
        ({"policy": CountingEnv().reset}, r"\['policy'\]: .*cannot be written as text"),
        ({"deep": {"x": object()}}, r"kwargs of 'a-v0'\['deep'\]\['x'\] must be something that JSON"),
    ],
)
def test_what_cannot_be_written_is_named(value: Any, why: str) -> None:
    with pytest.raises(RegistrationError, match=why):
        EnvSpec("a-v0", CountingEnv, kwargs=value).to_json()
    with pytest.raises(RegistrationError, match="cannot be imported"):
        EnvSpec.from_json({**EnvSpec("a-v0", CountingEnv).to_json(), "kwargs": {"f": {"$callable": "no.where:x"}}})


def test_one_agent_or_many_by_type() -> None:
    sekai.register("x/one-v0", CountingEnv)
    sekai.register("x/many-v0", EchoEnv)
    assert isinstance(sekai.make_env("x/one"), sekai.Env)
    assert isinstance(sekai.make_multi_agent("x/many"), sekai.MultiAgentEnv)
    world = sekai.make_multi_agent("x/one")
    assert list(world.possible_agents) == ["agent_0"] and world.spec is not None and world.spec.id == "x/one-v0"
    others = {"maker_1": np.zeros_like, "taker": np.zeros_like}
    assert isinstance(sekai.make_env("x/many", agent="maker_0", others=others), sekai.Env)
    with pytest.raises(SekaiError, match="has many agents: say whose view it is"):
        sekai.make_env("x/many")


def test_a_spec_may_wrap_some_of_many_agents() -> None:
    clip = WrapperSpec("clip", "sekai.wrappers:ClipReward", {"max": 0.5, "agents": ["taker"]})
    sekai.register("x/clipped-v0", EchoEnv, additional_wrappers=(clip,))
    env = sekai.make("x/clipped")
    env.reset(seed=0)
    assert env.step({a: np.ones(1) for a in env.agents}).rewards == {"maker_0": 1.0, "maker_1": 1.0, "taker": 0.5}
    assert EnvSpec.from_json(env.spec.to_json()) == EnvSpec.from_json(sekai.spec("x/clipped").to_json())


def test_what_is_registered_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    clip = WrapperSpec("clip", "sekai.wrappers:ClipReward", {"max": 0.5})
    sekai.register("x/count-v0", CountingEnv, 2000, {"length": 7}, 0.25, (clip,), "Counts.")
    sekai.register("y/echo", EchoEnv)
    sekai.spec("x/count").pprint()
    assert capsys.readouterr().out.splitlines() == [
        "x/count-v0",
        "  Counts.",
        "  made by     CountingEnv(length=7)",
        "  time limit  2,000 steps",
        "  solved at   0.25",
        "  inside      clip(max=0.5)",
    ]
    sekai.pprint()
    assert capsys.readouterr().out == "x:\n  x/count-v0\n\ny:\n  y/echo\n"
    sekai.pprint("y")
    assert capsys.readouterr().out == "y:\n  y/echo\n"
    with pytest.raises(NamespaceNotFound, match="no namespace 'z'"):
        sekai.pprint("z")


def test_a_limit_of_ones_own() -> None:
    """It stands in for the registered one, and the spec says so; an entry point with such an argument gets it."""
    sekai.register("x/limited-v0", CountingEnv, max_episode_steps=9, kwargs={"length": 50})
    env: Any = sekai.make("x/limited", max_episode_steps=2)
    assert env.max_episode_steps == env.spec.max_episode_steps == 2
    env.reset(seed=0)
    assert [env.step(1.0).truncated for _ in range(2)] == [False, True]
    assert sekai.make(env.spec).max_episode_steps == 2 and sekai.make("x/limited").max_episode_steps == 9  # type: ignore[union-attr]

    class Own(CountingEnv):
        def __init__(self, max_episode_steps: int = 4) -> None:
            super().__init__(max_episode_steps)

    sekai.register("x/own-v0", Own)
    own: Any = sekai.make("x/own", max_episode_steps=3)
    assert own.unwrapped.length == 3 and not hasattr(own, "max_episode_steps")
    with pytest.raises(RegistrationError, match="max_episode_steps must be an integer >= 1 or None, got 0"):
        sekai.make("x/limited", max_episode_steps=0)
