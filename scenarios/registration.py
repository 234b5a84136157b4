"""Every environment id of ours. Loaded when somebody asks for an id of the namespaces `markets` or `scenarios`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from inspect import signature
from typing import TYPE_CHECKING, Any

from sekai import EnvSpec, register
from sekai.error import SekaiError, did_you_mean
from sekai.scenarios.loader import load, names

if TYPE_CHECKING:
    from sekai.core.env import Env
    from sekai.markets.envs import MarketEnv
    from sekai.scenarios.seating import PolicyChoice

__all__ = [
    "EVENTS_PER_S",
    "EVENTS_PER_STEP",
    "PACE",
    "maker_taker",
    "market_making",
    "scenario_env",
    "spec_of_file",
    "trading",
]

PACE = 60.0  # how much faster than the measured rates the background flow of the market envs is
EVENTS_PER_S = 57.0  # what that makes of messages in a second: measured, and held to by a test
EVENTS_PER_STEP = 10.0


def maker_taker(
    *,
    makers: int = 2,
    takers: int = 1,
    session_s: float = 600.0,
    step_s: float = 1.0,
    latency_s: float = 0.0,
    inventory_penalty: float = 0.001,
    pace: float = PACE,
    record: bool = False,
) -> MarketEnv:
    """Return a market of makers and takers, all played from outside, over live background flow.

    Agents are maker_0, maker_1, ..., taker_0, ...; all decide every `step_s` seconds, at the same instants.
    """
    from sekai.markets.config import Maker, Market, Periodic, Seat, Taker, ZeroIntelligence
    from sekai.markets.envs import MarketEnv

    for name, count in (("makers", makers), ("takers", takers)):
        if not isinstance(count, int) or count < 1:
            raise SekaiError(f"{name} must be an integer >= 1, got {count!r}")
    clock = Periodic(every_s=step_s)
    roles = [(f"maker_{k}", Maker(inventory_penalty=inventory_penalty)) for k in range(makers)]
    roles += [(f"taker_{k}", Taker(inventory_penalty=inventory_penalty)) for k in range(takers)]  # type: ignore[misc]
    seats = tuple(Seat(name=name, role=role, clock=clock, latency_s=latency_s) for name, role in roles)
    market = Market(seats=seats, flow=ZeroIntelligence(pace=pace), session_s=session_s, warmup_s=30.0)
    return MarketEnv(market, record=record)


def market_making(
    *,
    taker: PolicyChoice = "noise",
    session_s: float = 200.0,
    step_s: float = EVENTS_PER_STEP / EVENTS_PER_S,
    **kwargs: Any,
) -> Env[Any, Any]:
    """Return `markets/MakerTaker-v0` as its one maker sees it; a policy plays the taker.

    In a step there are ten background messages on average. `kwargs` are those of `maker_taker`.
    """
    return _one_of_two("maker_0", {"taker_0": taker}, session_s=session_s, step_s=step_s, **kwargs)


def trading(
    *,
    maker: PolicyChoice = "avellaneda_stoikov",
    session_s: float = 200.0,
    step_s: float = EVENTS_PER_STEP / EVENTS_PER_S,
    **kwargs: Any,
) -> Env[Any, Any]:
    """Return `markets/MakerTaker-v0` as its one taker sees it; a policy plays the maker, `kwargs` as above."""
    return _one_of_two("taker_0", {"maker_0": maker}, session_s=session_s, step_s=step_s, **kwargs)


def _one_of_two(agent: str, others: Mapping[str, PolicyChoice], **kwargs: Any) -> Env[Any, Any]:
    from sekai.agents import policy as named_policy
    from sekai.agents.base import PythonAgent

    for name in ("makers", "takers"):
        if name in kwargs:
            raise SekaiError(f"{name} is 1 in this view; make 'markets/MakerTaker-v0' with agent={agent!r} for more")
    known = signature(maker_taker).parameters
    for name in kwargs:
        if name not in known:
            raise SekaiError(f"no argument {name!r} here; there are {', '.join(known)}.{did_you_mean(name, known)}")
    env = maker_taker(makers=1, takers=1, **kwargs)
    seated: dict[str, Any] = {}
    for name, choice in others.items():
        policy = named_policy(choice) if isinstance(choice, str) else choice
        seated[name] = policy
        if isinstance(policy, PythonAgent):
            seated[name] = policy.player(env.observation_space(name), env.action_space(name))
    return env.view(agent, others=seated)


def scenario_env(
    *,
    scenario: str,
    agent: str | None = None,
    policies: Mapping[str, PolicyChoice] | None = None,
    record: bool = False,
    content_hash: str | None = None,
) -> Any:
    """Return the market of a scenario, by name or path, with every seat played from outside.

    With `agent` it is that seat's view, an `Env`: the scenario's own policies play the others. `policies` says who
    plays a seat instead, by name or as an object, and with it only the rest is played from outside. A spec of such an
    environment carries the scenario's `content_hash`; making it again from a file with another content is an error.
    """
    from sekai.scenarios.seating import players, seat, seat_policies

    if policies is not None and not isinstance(policies, Mapping):
        raise SekaiError(f"policies must say who plays which seat, {{seat: policy}}, got {policies!r}")
    loaded = load(scenario)
    if content_hash is not None and loaded.content_hash != content_hash:
        raise SekaiError(f"scenario {scenario!r} is not what it was: its content hash is {loaded.content_hash}")
    everybody = seat_policies(loaded, policies or {})
    if agent is None:
        chosen = {name: everybody[name] for name in policies or {}}
        env = seat(loaded, chosen, record=record)
        python = players(env, chosen)
        if python:
            raise SekaiError(
                f"policies {sorted(python)} stand outside the market: give them to env.view(agent, others=...), "
                "or make the scenario with agent=..."
            )
        return env
    if agent not in everybody:
        raise SekaiError(f"agent must be one of {', '.join(everybody)}, got {agent!r}")
    others = {name: policy for name, policy in everybody.items() if name != agent}
    env = seat(loaded, others, record=record)
    return env.view(agent, others=players(env, others))


def _description(name: str) -> str:
    """Return a scenario's own line about itself, without checking the rest of its file."""
    text = files("sekai.scenarios").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text).get("description", ""))


def spec_of_file(path: str) -> EnvSpec:
    """Return the spec of a scenario file; raises `UnknownScenario` or `ScenarioError` where it is none."""
    loaded = load(path)
    return EnvSpec(
        id=f"scenarios/{loaded.name}",
        entry_point="sekai.scenarios.registration:scenario_env",
        kwargs={"scenario": path},
        description=loaded.title,
    )


for _id, _maker, _line in (
    ("MakerTaker-v0", "maker_taker", "Makers and takers in one market, each an agent, over live background flow."),
    ("MarketMaking-v0", "market_making", "One maker and one taker, as the maker sees them; a policy plays the taker."),
    ("Trading-v0", "trading", "One maker and one taker, as the taker sees them; a policy plays the maker."),
):
    register(f"markets/{_id}", f"sekai.scenarios.registration:{_maker}", description=_line)
for _name in names():
    register(
        f"scenarios/{_name}",
        "sekai.scenarios.registration:scenario_env",
        kwargs={"scenario": _name},
        description=_description(_name),
    )
