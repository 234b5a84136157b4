"""Every environment id of ours. Loaded when somebody asks for an id of the namespaces `markets` or `scenarios`."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import TYPE_CHECKING, Any

from sekai import EnvSpec, register
from sekai.error import SekaiError, did_you_mean
from sekai.scenarios.loader import heading, load, names

if TYPE_CHECKING:
    from sekai.agents import CompiledPolicy, Policy
    from sekai.core.env import Env
    from sekai.markets.config import Market
    from sekai.markets.envs import MarketEnv
    from sekai.scenarios.seating import Others

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
    *, agent: str | None = None, others: Others | None = None, record: bool = False, **market: Any
) -> MarketEnv | Env[Any, Any]:
    """Return a market of makers and takers over live background flow; with `agent`, that agent's view.

    Agents are maker_0, maker_1, ..., taker_0, ...; all decide every `step_s` seconds, at the same instants. `others`
    says who plays other seats, by agent or role: a policy, or the name of one. `market` may have `makers` (2), `takers`
    (1), `session_s` (600), `step_s` (1), `latency_s` (0), `inventory_penalty` (0.01) and `pace` (60).
    """
    from sekai.markets.envs import MarketEnv
    from sekai.scenarios.seating import named

    known = signature(_maker_taker).parameters
    for name in market:
        if name not in known:
            raise SekaiError(f"no argument {name!r} here; there are {', '.join(known)}.{did_you_mean(name, known)}")
    env, policies = MarketEnv(_maker_taker(**market), record=record), named(others)
    if agent is not None:
        return env.view(agent, others=policies)
    return env.with_policies(_inside(policies)) if policies else env


def _maker_taker(
    *,
    makers: int = 2,
    takers: int = 1,
    session_s: float = 600.0,
    step_s: float = 1.0,
    latency_s: float = 0.0,
    inventory_penalty: float = 0.01,
    pace: float = PACE,
) -> Market:
    from sekai.markets.config import Market, Periodic, Seat, ZeroIntelligence
    from sekai.markets.parts import Maker, Taker

    for name, count in (("makers", makers), ("takers", takers)):
        if not isinstance(count, int) or count < 1:
            raise SekaiError(f"{name} must be an integer >= 1, got {count!r}")
    clock = Periodic(every_s=step_s)
    roles = [(f"maker_{k}", Maker(inventory_penalty=inventory_penalty)) for k in range(makers)]
    roles += [(f"taker_{k}", Taker(inventory_penalty=inventory_penalty)) for k in range(takers)]  # type: ignore[misc]
    seats = tuple(Seat(name=name, role=role, clock=clock, latency_s=latency_s) for name, role in roles)
    return Market(seats=seats, flow=ZeroIntelligence(pace=pace), session_s=session_s, warmup_s=30.0)


def _inside(policies: Mapping[str, Policy | CompiledPolicy]) -> dict[str, CompiledPolicy]:
    """Return policies that are all compiled; raise `SekaiError` for one that needs somebody to step the market."""
    from sekai.agents import CompiledPolicy

    inside = {name: policy for name, policy in policies.items() if isinstance(policy, CompiledPolicy)}
    if len(inside) < len(policies):
        outside = sorted(set(policies) - set(inside))
        raise SekaiError(f"others {outside} act outside the market: say also which seat is yours, agent=...")
    return inside


def market_making(
    *,
    others: Others | None = None,
    session_s: float = 200.0,
    step_s: float = EVENTS_PER_STEP / EVENTS_PER_S,
    **market: Any,
) -> Any:
    """Return `markets/MakerTaker-v0` as its one maker sees it; without `others`, `noise` is taker_0.

    In a step there are ten background messages on average. `market` is as in `maker_taker`.
    """
    _check_counts("maker_0", market)
    sizes: dict[str, Any] = {"makers": 1, "takers": 1, "session_s": session_s, "step_s": step_s}
    return maker_taker(agent="maker_0", others=others or {"taker_0": "noise"}, **sizes, **market)


def trading(
    *,
    others: Others | None = None,
    session_s: float = 200.0,
    step_s: float = EVENTS_PER_STEP / EVENTS_PER_S,
    **market: Any,
) -> Any:
    """Return `markets/MakerTaker-v0` as its one taker sees it; without `others`, `avellaneda_stoikov` is maker_0.

    `market` is as in `maker_taker`.
    """
    _check_counts("taker_0", market)
    sizes: dict[str, Any] = {"makers": 1, "takers": 1, "session_s": session_s, "step_s": step_s}
    return maker_taker(agent="taker_0", others=others or {"maker_0": "avellaneda_stoikov"}, **sizes, **market)


def _check_counts(agent: str, market: Mapping[str, Any]) -> None:
    for name in ("makers", "takers"):
        if name in market:
            raise SekaiError(f"{name} is 1 in this view; make 'markets/MakerTaker-v0' with agent={agent!r} for more")


def scenario_env(
    *,
    scenario: str,
    agent: str | None = None,
    others: Others | None = None,
    record: bool = False,
    content_hash: str | None = None,
    trust: bool = False,
) -> Any:
    """Return the market of a scenario, by name or path, with every seat played from outside.

    With `agent` it is that seat's view, an `Env`: the scenario's own policies play the others. `others` says who plays
    a seat instead, by name or as an object, and with it only the rest is played from outside. With `trust` the file may
    name code, `module:Class`. A spec of such an environment carries the scenario's `content_hash`; making it again from
    a file with another content is an error.
    """
    from sekai.scenarios.seating import seat, seat_policies

    loaded = load(scenario, trust=trust)
    if content_hash is not None and loaded.content_hash != content_hash:
        raise SekaiError(f"scenario {scenario!r} is not what it was: its content hash is {loaded.content_hash}")
    everybody = seat_policies(loaded, others)
    if agent is None:
        return seat(loaded, _inside({name: everybody[name] for name in others or {}}), record=record)
    if agent not in everybody:
        raise SekaiError(f"agent must be one of {', '.join(everybody)}, got {agent!r}")
    rest = {name: policy for name, policy in everybody.items() if name != agent}
    env = seat(loaded, rest, record=record)
    return env.view(agent, others={name: rest[name] for name in env.possible_agents if name != agent})


def spec_of_file(path: str) -> EnvSpec:
    """Return the spec of a scenario file, which is checked when it is made; raises as `load` does where it is none."""
    name, line = heading(path)
    return EnvSpec(
        id=f"scenarios/{name}",
        entry_point="sekai.scenarios.registration:scenario_env",
        kwargs={"scenario": path},
        description=line,
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
        description=heading(_name)[1],
    )
