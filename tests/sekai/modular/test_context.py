"""Contexts: what they generate, what belongs to them, and which managers they reject."""

from typing import Any

import numpy as np
import pytest

import sekai
from sekai import MultiAgentEnv
from sekai.error import SekaiError
from sekai.modular import Among, Between, FixedContext, GeneralContext, LimitedContext, WorldContext, WrongContext
from sekai.testing import ClockworkEnv, EchoEnv

sekai.register("toolkit-tests/Echo-v0", EchoEnv)


class Manager:
    """Whatever has a context."""

    def __init__(self, context: WorldContext) -> None:
        self.context = context


def test_a_fixed_context_generates_one_environment() -> None:
    env, others = FixedContext(EchoEnv, {"length": 3}).generate(1)
    assert isinstance(env, EchoEnv) and env.length == 3 and others == {}


def test_a_limited_context_draws_within_its_limits() -> None:
    context = LimitedContext(EchoEnv, {"length": Between(2, 4), "agents": Among(("a", "b"), ("a", "b", "c"))})
    made = [context.generate(seed).multi_agent_env for seed in range(40)]
    assert {env.length for env in made} == {2, 3, 4}
    assert {len(env.possible_agents) for env in made} == {2, 3}
    assert all(env in context for env in made)
    again = context.generate(7).multi_agent_env
    assert (again.length, again.possible_agents) == (made[7].length, made[7].possible_agents)


def test_what_is_drawn_belongs_to_its_name() -> None:
    """One parameter more changes no other's draw."""
    one = LimitedContext(EchoEnv, {"length": Between(1, 10**6)})
    two = LimitedContext(EchoEnv, {"agents": Among(("a",), ("b",)), "length": Between(1, 10**6)})
    assert [one.draw_parameters(s)["length"] for s in range(5)] == [two.draw_parameters(s)["length"] for s in range(5)]


def test_a_general_context_generates_whatever_it_draws() -> None:
    context = GeneralContext(EchoEnv, lambda rng: {"length": int(rng.integers(1, 100))})
    lengths = {context.generate(seed).multi_agent_env.length for seed in range(10)}
    assert len(lengths) > 5 and EchoEnv(length=10**6) in context and ClockworkEnv({"a": 1}) not in context
    assert GeneralContext(EchoEnv).generate(0).multi_agent_env.length == 5


def test_who_plays_is_drawn_too() -> None:
    quiet, loud = (lambda obs: 0.0), (lambda obs: 1.0)
    context = LimitedContext(EchoEnv, others={"maker": Among(quiet, loud), "taker": quiet})
    drawn = [context.generate(seed).others for seed in range(20)]
    assert {others["maker"] for others in drawn} == {quiet, loud}
    assert {others["taker"] for others in drawn} == {quiet}


def test_a_registered_environment_is_a_source() -> None:
    context = LimitedContext("toolkit-tests/Echo-v0", {"length": Between(2, 4)})
    env = context.generate(0).multi_agent_env
    assert env.spec is not None and env.spec.id == "toolkit-tests/Echo-v0" and env in context
    assert sekai.make("toolkit-tests/Echo-v0", length=4) in context
    assert sekai.make("toolkit-tests/Echo-v0", length=5) not in context
    assert EchoEnv(length=3) not in context  # nobody knows where it is from


def test_what_is_generated_has_a_spec() -> None:
    env = FixedContext(lambda length: sekai.TimeLimit(EchoEnv(length=length), 2), {"length": 3}).generate(0)[0]
    assert env.spec is not None and (env.spec.id, env.spec.kwargs) == ("lambda", {"length": 3})


def echo(length: int) -> Any:
    return FixedContext(EchoEnv, {"length": length}).generate(0).multi_agent_env


@pytest.mark.parametrize(
    ("env", "says"),
    [
        (echo(3), None),
        (echo(5), "length must be Between(low=2, high=4), got 5"),
        (sekai.TimeLimit(echo(4), 3), None),
        (EchoEnv(length=3), "length must be Between(low=2, high=4), got no word of it"),
        (ClockworkEnv({"a": 1}), "source must be <class"),
        (3, "a MultiAgentEnv is wanted, got 3"),
    ],
)
def test_it_knows_what_belongs_to_it(env: Any, says: str | None) -> None:
    context = LimitedContext(EchoEnv, {"length": Between(2, 4)})
    why = context.misfit(env)
    assert (why is None) is (says is None) and context.is_valid_world(env) is (says is None)
    assert says is None or (why or "").startswith(says)


def test_an_environment_may_be_described() -> None:
    context = LimitedContext(EchoEnv, {"seats": Between(2, 3)}, describe=lambda env: {"seats": len(env.agents)})
    assert EchoEnv() in context and EchoEnv(["a"]) not in context


TWO = FixedContext(EchoEnv, {"length": 2})
FEW = LimitedContext(EchoEnv, {"length": Between(2, 4)})
SOME = LimitedContext(EchoEnv, {"length": Among(2, 3, 4, 9)})
REAL = LimitedContext(EchoEnv, {"length": Between(2.0, 4.0)})
ALL = GeneralContext(EchoEnv)
OTHER = GeneralContext(ClockworkEnv)


@pytest.mark.parametrize(
    ("outer", "inside"),
    [
        (TWO, {TWO}),
        (FEW, {TWO, FEW}),
        (SOME, {TWO, FEW, SOME}),
        (REAL, {TWO, FEW, REAL}),
        (ALL, {TWO, FEW, SOME, REAL, ALL}),
        (OTHER, {OTHER}),
    ],
)
def test_one_context_in_another(outer: WorldContext, inside: set[WorldContext]) -> None:
    """It is in there if all that it generates is."""
    everything = {TWO, FEW, SOME, REAL, ALL, OTHER}
    assert {context for context in everything if context in outer} == inside
    assert {context for context in everything if outer.contains_context(context)} == inside


def test_a_class_stands_for_whatever_makes_it() -> None:
    """A manager for all of a kind serves what a registered name, or a function, makes of it."""
    registered, function = FixedContext("toolkit-tests/Echo-v0"), FixedContext(lambda: EchoEnv(length=2))
    assert registered in ALL and function in ALL and ALL not in registered
    assert registered not in OTHER and registered not in TWO
    assert ALL in GeneralContext(MultiAgentEnv)


def test_a_manager_that_cannot_serve_them_all_is_rejected() -> None:
    FEW.check(action_manager=Manager(FEW), observation_manager=Manager(ALL))
    with pytest.raises(WrongContext, match=r"action_manager must serve .*: length must be 2, got Between\(low=2"):
        FEW.check(observation_manager=Manager(ALL), action_manager=Manager(TWO))
    with pytest.raises(WrongContext, match="length must be .*, got anything"):
        ALL.check(observation_manager=Manager(FEW))


def test_choices() -> None:
    rng = np.random.default_rng(0)
    assert all(isinstance(Between(1, 2).draw(rng), int) for _ in range(5))
    drawn = [Between(1.0, 2.0).draw(rng) for _ in range(100)]
    assert all(1.0 <= x <= 2.0 for x in drawn) and len(set(drawn)) == 100
    assert True not in Between(0, 1) and "a" not in Between(0, 1) and np.int64(1) in Between(0, 1)
    assert np.arange(2) in Among(np.arange(2), None) and None in Among(np.arange(2), None)
    with pytest.raises(SekaiError, match="low <= high, got 3 and 1"):
        Between(3, 1)
    with pytest.raises(SekaiError, match="values must be at least one"):
        Among()


def test_what_makes_no_context() -> None:
    with pytest.raises(SekaiError, match=r"length must have one value in a FixedContext, got Between"):
        FixedContext(EchoEnv, {"length": Between(1, 2)})
    with pytest.raises(SekaiError, match="source must be an environment's id, or make one, got 3"):
        LimitedContext(3)  # type: ignore[arg-type]
