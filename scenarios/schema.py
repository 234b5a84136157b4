"""What a scenario file may say: who is in the market, as frozen dataclasses.

A file has the tables of `Scenario`. Every choice among kinds is a table with a `kind`, or the kind alone; every number
wears its unit in its name. A seat is somebody whom a learner may become; a group of traders always belongs to the
market.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from annotated_types import Ge, Le, MinLen, Predicate
from pydantic import Field, TypeAdapter

from sekai.agents import AvellanedaStoikov, CompiledPolicy
from sekai.agents.named import COMPILED, POLICIES
from sekai.markets.config import (
    Clock,
    EveryTrades,
    Flow,
    Fundamental,
    Market,
    OwnFills,
    Periodic,
    Poisson,
    Replay,
    Seat,
    Venue,
    ZeroIntelligence,
)
from sekai.markets.parts import ROLES, Role
from sekai.scenarios.budget import expected
from sekai.utils import Checked, InvalidValue, line_of_text, printable_text
from sekai.utils.kinds import Kinds

__all__ = [
    "ClockTable",
    "CompiledTable",
    "FlowTable",
    "PolicyTable",
    "RoleTable",
    "Scenario",
    "SeatTable",
    "Session",
    "TraderTable",
    "adapter",
    "code_of",
]


def _compiled_policy(value: Any) -> bool:
    return isinstance(value, CompiledPolicy) and is_dataclass(value)


def _policy_dataclass(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


_CLOCKS = Kinds("clock", Checked, (Periodic, Poisson, EveryTrades, OwnFills))
_FLOWS = Kinds("flow", Checked, (ZeroIntelligence, Replay))
ClockTable: TypeAlias = Annotated[Clock, _CLOCKS]
FlowTable: TypeAlias = Annotated[Flow, _FLOWS]
RoleTable: TypeAlias = Annotated[Role, ROLES]
CompiledTable: TypeAlias = Annotated[Any, Predicate(_compiled_policy), COMPILED]
PolicyTable: TypeAlias = Annotated[Any, Predicate(_policy_dataclass), POLICIES]
_MICROSECOND = 1e-6
_Name: TypeAlias = Annotated[str, MinLen(1), Predicate(line_of_text)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(Checked):
    """How long a session is open, after how much background flow alone.

    A scenario whose sessions would take more messages than `max_messages`, by an estimate, is at fault: raise it where
    that many are meant.
    """

    length_s: Annotated[float, Ge(1e-6), Le(1e8)] = 600.0
    warmup_s: Annotated[float, Ge(0), Le(1e8)] = 0.0
    max_messages: Annotated[float, Ge(1)] = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatTable(Checked):
    """A seat that may be played from outside; `policy` plays it otherwise."""

    name: _Name
    role: RoleTable
    clock: ClockTable
    policy: PolicyTable
    latency_us: Annotated[float, Ge(0), Le(3.6e9)] = 0.0
    market_data_lag_us: Annotated[float, Ge(0), Le(3.6e9)] = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TraderTable(Checked):
    """So many traders alike, called name_0, name_1, ..., each with an account and a stream of its own."""

    name: _Name
    clock: ClockTable
    policy: CompiledTable
    count: Annotated[int, Ge(1), Le(60_000)] = 1
    latency_us: Annotated[float, Ge(0), Le(3.6e9)] = 0.0
    market_data_lag_us: Annotated[float, Ge(0), Le(3.6e9)] = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario(Checked):
    """A market experiment. `name` is the file's own unless it says otherwise.

    A relative `flow.file` is looked for from `folder`, where the scenario's file lies: that is not part of the content.
    """

    title: _Name
    description: Annotated[str, Predicate(printable_text)] = ""
    name: Annotated[str, Predicate(line_of_text)] = ""
    market: Venue = field(default_factory=Venue)
    session: Session = field(default_factory=Session)
    flow: FlowTable | None = None
    fundamental: Fundamental | None = None
    seats: Annotated[tuple[SeatTable, ...], MinLen(1)]
    traders: tuple[TraderTable, ...] = ()
    folder: Annotated[str, Field(exclude=True)] = field(default="", compare=False)

    def _more_faults(self) -> list[str]:
        names = [seat.name for seat in self.seats]
        names += [f"{group.name}_{k}" for group in self.traders for k in range(group.count)]
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        faults = [f"seats and traders: names must differ, got {name!r} more than once" for name in twice]
        faults += [f"market.{fault}" for fault in self.market.schedule.faults(self.session.length_s)]
        for k, seat in enumerate(self.seats):
            role = seat.role.name
            plays = getattr(seat.policy, "plays", (role,))
            if role not in plays:
                faults.append(
                    f"seats[{k}].policy: {POLICIES.name_of(type(seat.policy))!r} plays "
                    f"{' and '.join(f'{one}s' for one in plays)}, but seat {seat.name!r} is a {role}"
                )
        if not faults:
            try:
                market = self.as_market({seat.name: AvellanedaStoikov() for seat in self.seats})
            except InvalidValue as error:
                return list(error.faults)
            messages = expected(market).messages
            if messages > self.session.max_messages:
                faults.append(
                    f"session.max_messages: a session would take about {messages:.2g} messages, more than "
                    f"{self.session.max_messages:.2g}: lower session.length_s, session.warmup_s, flow.pace or the "
                    "rates at which seats decide, or raise session.max_messages"
                )
        return faults

    @property
    def session_s(self) -> float:
        """How long a session is open, in seconds."""
        return self.session.length_s

    @property
    def content_hash(self) -> str:
        """What tells this content from any other: of all values, defaults included, but not of the name or comments.

        Where a class is not ours, of its file too.
        """
        return _content_hash(self, tuple(code_of(self).items()))

    @property
    def policies(self) -> dict[str, PolicyTable]:
        """Who plays each seat where nobody else does."""
        return {seat.name: seat.policy for seat in self.seats}

    @property
    def _flow(self) -> ZeroIntelligence | Replay | None:
        """The flow, a recorded day's file with its folder before it where that is relative."""
        flow = self.flow
        return replace(flow, file=str(Path(self.folder, flow.file))) if isinstance(flow, Replay) else flow

    def as_market(self, inside: Mapping[str, CompiledPolicy]) -> Market:
        """Return the market with these seats played inside the engine, and all others from outside."""
        seats = [
            Seat(
                name=seat.name,
                role=seat.role,
                clock=seat.clock,
                latency_s=seat.latency_us * _MICROSECOND,
                market_data_lag_s=seat.market_data_lag_us * _MICROSECOND,
                policy=inside.get(seat.name),
            )
            for seat in self.seats
        ]
        seats += [
            Seat(
                name=f"{group.name}_{k}",
                clock=group.clock,
                latency_s=group.latency_us * _MICROSECOND,
                market_data_lag_s=group.market_data_lag_us * _MICROSECOND,
                policy=group.policy,
            )
            for group in self.traders
            for k in range(group.count)
        ]
        return Market(
            venue=self.market,
            flow=self._flow,
            fundamental=self.fundamental,
            seats=tuple(seats),
            session_s=self.session.length_s,
            warmup_s=self.session.warmup_s,
        )


@cache
def adapter() -> TypeAdapter[Scenario]:
    """Return what checks a `Scenario` against plain values, and writes it as JSON."""
    return TypeAdapter(Scenario)


def code_of(value: Any) -> dict[str, str]:
    """Return a hash of the file of each module, by its name, in which a class of `value` is that is not ours."""
    return {name: _file_hash(name) for name in sorted(_strange_modules(value))}


def _strange_modules(value: Any) -> set[str]:
    if isinstance(value, tuple | list):
        return {name for one in value for name in _strange_modules(one)}
    if not is_dataclass(value) or isinstance(value, type):
        return set()
    own = {cls.__module__ for cls in type(value).__mro__ if is_dataclass(cls)}
    inner = {name for one in fields(value) for name in _strange_modules(getattr(value, one.name))}
    return inner | {name for name in own if name.partition(".")[0] != "sekai"}


def _file_hash(module: str) -> str:
    file = getattr(sys.modules.get(module), "__file__", None)
    return _short_hash(Path(file).read_bytes()) if file and Path(file).is_file() else ""


def _short_hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


@cache
def _content_hash(scenario: Scenario, code: tuple[tuple[str, str], ...]) -> str:
    content = adapter().dump_python(scenario, mode="json", exclude={"name"})
    words = json.dumps([content, code] if code else content, sort_keys=True, separators=(",", ":"))
    return _short_hash(words.encode())
