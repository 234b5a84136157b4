"""A market with many agents: the seats without a policy are played from outside, everybody else inside the engine.

What an agent sees, may do, is paid for, and what ends its episode are the parts of its seat's role
(`sekai.markets.parts`). It acts when its clock says so, and what it sends reaches the book after its latency. The
market is a session of one row (`sekai.markets.session`): nothing about its state is anywhere else.

The session's close ends the episode: the clock is observed, so that is a true end, `terminated`.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sekai.core.agents import Policy, wrong_agents
from sekai.core.env import AgentView, Env, MultiAgentEnv
from sekai.core.result import AgentID, MAResetResult, MAStepResult, StepResult
from sekai.core.seeding import check_seed, fresh_seed
from sekai.error import ResetRequired, SekaiError, did_you_mean
from sekai.markets import config
from sekai.markets.book.messages import events_of
from sekai.markets.book.order_book import PHASES, Phase
from sekai.markets.data import recorded_flow
from sekai.markets.engine.terms import Answer
from sekai.markets.explain import seat_lines
from sekai.markets.population import Record
from sekai.markets.session import ELAPSED, ENDED, FIRST, REWARD, BoundSeat, Session, fold
from sekai.markets.view import MarketView
from sekai.registry import EnvSpec

__all__ = ["MarketEnv", "Record"]

_NOBODY: frozenset[AgentID] = frozenset()
_STATE = ("_seed", "_episode", "_is_open", "agents", "acting", "_before_open", "_rng", "_rng_seed", "_spec")


class MarketEnv(MultiAgentEnv):
    """The market of a `sekai.markets.config.Market`, for the agents whose seats have no policy.

    An observation is a Dict by the names of the seat's observation parts, an action is in the space of its action
    parts; `sekai info ID` prints what each part means. The reward is the weighted sum of the reward parts, in ticks x
    lots unless a part says otherwise; `info` has each term by its part's name, `pnl` (the change of wealth in currency)
    and, where action parts have masks, `action_mask`. `elapsed` is in seconds.

    `content_hash` is that of the scenario that the market came from. With `record=True` every event of the market is
    kept for `events()`, with `record="trades"` the trades.
    """

    metadata = {"description": "Makers and takers on one limit order book, over live background flow."}

    def __init__(self, market: config.Market, *, record: Record = False, content_hash: str | None = None) -> None:
        self.market, self.content_hash, self._record = market, content_hash, record
        self._session = Session(market, record=record)
        faces = self._session.faces
        self.possible_agents: tuple[AgentID, ...] = tuple(faces)
        self.observation_spaces = {name: face.observation_space for name, face in faces.items()}
        self.action_spaces = {name: face.action_space for name, face in faces.items()}
        self.agents: tuple[AgentID, ...] = ()
        self.acting: tuple[AgentID, ...] = ()
        self._is_open = False
        self._seed: int | None = None
        self._episode = 0
        self._watching: tuple[float, Callable[[MarketView], None]] | None = None
        self._before_open: dict[str, int] = dict.fromkeys(self.look.counters, 0)
        self._bind()

    def _bind(self) -> None:
        """Shape the windows of the seats in this row."""
        row = self._session.rows[0]
        self._seats = {name: BoundSeat(face, row) for name, face in self._session.faces.items()}
        self._by_number = {face.number: name for name, face in self._session.faces.items()}

    @property
    def groups(self) -> dict[str, tuple[AgentID, ...]]:
        """The agents of each role, by the role's name, in the order of `possible_agents`."""
        groups: dict[str, tuple[AgentID, ...]] = {}
        for name, face in self._session.faces.items():
            groups[face.role.name] = (*groups.get(face.role.name, ()), name)
        return groups

    @property
    def spec(self) -> EnvSpec | None:
        """How to make this market again; with the hash of the scenario's content where it came from one."""
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        if spec is not None and self.content_hash is not None:
            spec = replace(spec, kwargs={**spec.kwargs, "content_hash": self.content_hash})
        self._spec = spec

    # --- the memory ---------------------------------------------------------------------------------------------------
    @property
    def row(self) -> NDArray[np.int64]:
        """The market's memory, `(words,)`: all of its state."""
        row: NDArray[np.int64] = self._session.rows[0]
        return row

    @property
    def opening_row(self) -> NDArray[np.int64]:
        """The memory with which every session starts: the opening book, and nothing that has happened. Do not write."""
        return self._session.population.row

    @property
    def look(self) -> MarketView:
        """What there is to see in the market now, for people, pictures and records."""
        return MarketView(self.row)

    def clone(self) -> MarketEnv:
        """Return an independent copy in the same state: it goes on exactly as this one would."""
        return copy.deepcopy(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> MarketEnv:
        """Copy the memory; what stays as it was laid out is shared."""
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        vars(twin).update({name: copy.deepcopy(vars(self)[name], memo) for name in _STATE if name in vars(self)})
        twin._session, twin._watching = self._session.copy(), None
        twin._bind()
        return twin

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as the market and its row: addresses of compiled kernels are found anew where it is loaded."""
        state = {name: vars(self)[name] for name in _STATE if name in vars(self)}
        memory = self.row.copy(), self._session.logs[0]
        return _restored, (type(self), self.market, self._record, self.content_hash, state, memory)

    def warm_up(self) -> None:
        """Compile what a session needs, on a market of its own: processes that begin later find it compiled."""
        twin = MarketEnv(self.market, record=self._record)
        twin.reset(seed=0)
        if twin.acting:
            twin.step({agent: self.action_spaces[agent].sample() for agent in twin.acting})

    # --- the episode --------------------------------------------------------------------------------------------------
    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> MAResetResult:
        """Open a session; return what the agents see that decide first.

        Seed s is session (s, 0); each reset without a seed is the next session of the same seed. The option `episode`
        asks for session (s, episode) directly; others are not known, and warned of.
        """
        asked = _episode_option(options)
        self._set_rng(seed)
        if seed is not None:
            self._seed, self._episode = check_seed(seed), 0
        elif self._seed is None:
            self._seed, self._episode = fresh_seed(), 0
        else:
            self._episode += 1
        self._episode = self._episode if asked is None else asked
        self._session.watchers[0] = self._watching
        code = self._session.open(0, fold(self._seed), self._episode)
        self._before_open = self._session.counters_at_open[0]
        self._is_open = True
        self.agents = self.possible_agents
        self._take_turns(code)
        return MAResetResult(
            {agent: self._seats[agent].observation() for agent in self.acting},
            {agent: self._seats[agent].opening_info() for agent in self.acting},
        )

    def step(self, actions: Mapping[AgentID, Any]) -> MAStepResult:
        """Take the actions of `acting`; go on to the next decision of somebody played from outside, or to the close.

        Raises `InvalidAction` for an action outside its space, or of others than `acting`, before anything has
        happened, and `ResetRequired` before the first reset or after the close.
        """
        acting = self.acting
        if not acting:
            raise self._not_open()
        if not isinstance(actions, Mapping) or len(actions) != len(acting):
            raise wrong_agents(self, actions)
        for agent in acting:
            if agent not in actions:
                raise wrong_agents(self, actions)
            self._seats[agent].ask(actions[agent])
        code = self._session.turn(0)
        return self._result(self._take_turns(code))

    def step_alone(self, action: Any) -> StepResult[Any]:
        """Step the only agent of this market: its part of what `step` returns, 2 us sooner."""
        if not self.acting:
            raise self._not_open()
        seat = self._seats[self.possible_agents[0]]
        seat.ask(action)
        if self._session.turn(0) != Answer.DECIDE:
            self.agents = self.acting = ()
        outcome = seat.outcome.tolist()
        return StepResult(seat.observation(), outcome[REWARD], not self.agents, False, seat.info(outcome))

    def observe_into(self, out: Any, flat: Any) -> bool:
        """Write the observations of this market's only agent into `out`."""
        return len(self.possible_agents) == 1 and self._seats[self.possible_agents[0]].lend(out, flat)

    def settle(self, agents: Sequence[AgentID]) -> MAStepResult:
        """Hand out, and consume, observation and reward so far of agents that wait for their turn."""
        for agent in agents:
            if agent not in self.agents or agent in self.acting:
                raise SekaiError(f"settle needs agents that are alive and wait for their turn, got {agent!r}")
            self._session.tell(0, self._seats[agent].me)
        result = self._result(tuple(agents))
        self.agents = tuple(agent for agent in self.agents if not result.terminated.get(agent, False))
        return result

    def view(self, agent: AgentID, others: Mapping[str, Policy | config.CompiledPolicy] | None = None) -> Env[Any, Any]:
        """Return the market as `agent` sees it. Compiled policies among `others` take their seats in the engine."""
        self.observation_space(agent)  # an unknown agent is an error
        chosen = dict(others or {})
        inside: dict[AgentID, config.CompiledPolicy] = {}
        outside: dict[str, Policy] = {}
        roles = {name: group for group, names in self.groups.items() for name in names}
        for other in self.possible_agents:
            name = other if other in chosen else roles[other]
            if other != agent and name in chosen:
                policy = chosen[name]
                if isinstance(policy, config.CompiledPolicy):
                    inside[other] = policy
                else:
                    outside[other] = policy
        rest = [other for other in self.possible_agents if other != agent]
        meant = {*rest, *(roles[other] for other in rest)}
        for name in chosen:
            if name not in meant:
                raise SekaiError(
                    f"others must name agents or roles out of {sorted(meant)}, got {name!r}.{did_you_mean(name, meant)}"
                )
        env = self.with_policies(inside) if inside else self
        return AgentView(env, agent, outside)

    def with_policies(self, policies: Mapping[AgentID, config.CompiledPolicy]) -> MarketEnv:
        """Return a market, not yet open, in which these seats are played inside the engine."""
        for name in policies:
            self.observation_space(name)  # an unknown agent is an error
        seats = tuple(replace(s, policy=policies[s.name]) if s.name in policies else s for s in self.market.seats)
        return type(self)(replace(self.market, seats=seats), record=self._record, content_hash=self.content_hash)

    # --- what can be asked --------------------------------------------------------------------------------------------
    @property
    def session(self) -> tuple[int, int] | None:
        """What determines the session that is open: its seed, and its number among that seed's; None before a reset."""
        return None if self._seed is None else (self._seed, self._episode)

    @property
    def accounts(self) -> tuple[str, ...]:
        """The names of all accounts: the seats', then `background` and `venue`."""
        return (*(seat.name for seat in self.market.seats), "background", "venue")

    def wealth(self) -> dict[str, int]:
        """Return what each account is worth at the common mark, in exact money units; they sum to zero."""
        return dict(zip(self.accounts, self.look.wealth().tolist(), strict=True))

    def action_masks(self) -> dict[AgentID, Any]:
        """Return which options are allowed, 1, or would be rejected, 0, of the agents that act and have masks."""
        masks = {agent: self._seats[agent].allowed() for agent in self.acting}
        return {agent: mask for agent, mask in masks.items() if mask is not None}

    def events(self) -> NDArray[Any]:
        """Return, and forget, the session's events since the last call, oldest first, as `messages.EVENT`.

        Owners are numbers into `accounts`. Raises `SekaiError` unless the market was made with `record`.
        """
        if not self._record:
            raise SekaiError("events() needs MarketEnv(market, record=True)")
        return events_of(self._session.events(0))

    def totals(self) -> dict[str, int]:
        """Return how many `messages`, `trades` and `rejects` there were since the open."""
        return {name: count - self._before_open[name] for name, count in self.look.counters.items()}

    def recorded(self) -> dict[str, int]:
        """Return what has become of a recorded background (`recorded_flow.counts`); empty without one."""
        return recorded_flow.counts(self.row)

    @property
    def trading_phase(self) -> Phase:
        """What the venue does at present: "continuous" trading, a call ("auction"), or a "halt"."""
        return PHASES[self.look.trading_phase]

    def explain(self, agents: Sequence[AgentID]) -> Iterator[str]:
        """Yield lines for people: of each agent's seat, and how much memory the market takes."""
        seats = {seat.name: seat for seat in self.market.seats}
        for agent in agents:
            yield from seat_lines(seats[agent], self._session.faces[agent].observations)
            yield ""
        inside = [name for name in seats if name not in self.possible_agents]
        if inside:
            yield f"inside      {', '.join(inside[:8])}{', ...' if len(inside) > 8 else ''}: compiled policies"
        yield f"one row     {self.row.nbytes:,} bytes: all of a market's state"

    def watch(self, every_s: float, watcher: Callable[[MarketView], None] | None) -> None:
        """Call `watcher(view)` every so many seconds of the session, from the next reset on; None stops that then.

        Nothing in the market changes by being watched.
        """
        if watcher is not None and not every_s >= 1e-9:
            raise SekaiError(f"every_s must be >= 1e-9, got {every_s}")
        self._watching = (every_s, watcher) if watcher else None

    # --- inside -------------------------------------------------------------------------------------------------------
    def _take_turns(self, code: int) -> tuple[AgentID, ...]:
        """Set who is alive and who acts next; return who was told something."""
        if len(self.possible_agents) == 1 and code == Answer.DECIDE:
            self.acting = self.possible_agents
            return self.possible_agents
        view = self.look
        told = tuple(agent for agent in self.agents if view.was_told(self._seats[agent].me))
        if code == Answer.DONE:
            self.agents = self.acting = ()
            return told
        due = {self._by_number[number] for number in view.due()}
        self.agents = tuple(agent for agent in self.agents if view.is_alive(self._seats[agent].me))
        self.acting = tuple(agent for agent in self.agents if agent in due)
        return told

    def _result(self, told: tuple[AgentID, ...]) -> MAStepResult:
        observations, rewards, ended, info, elapsed = {}, {}, {}, {}, {}
        first: list[AgentID] = []
        is_over = not self.agents
        for agent in told:
            seat = self._seats[agent]
            outcome = seat.outcome.tolist()
            observations[agent], rewards[agent], elapsed[agent] = seat.observation(), outcome[REWARD], outcome[ELAPSED]
            ended[agent] = is_over or outcome[ENDED] > 0.0
            info[agent] = seat.info(outcome)
            if outcome[FIRST]:
                first.append(agent)
        begun = frozenset(first) if first else _NOBODY
        return MAStepResult(observations, rewards, ended, dict.fromkeys(told, False), info, begun, elapsed)

    def _not_open(self) -> ResetRequired:
        return ResetRequired(
            "step() needs a session that is open: call reset() first"
            if self.possible_agents
            else "nobody is played from outside in this market: the session was over with reset()"
        )


def _restored(
    cls: type[MarketEnv],
    market: config.Market,
    record: Record,
    content_hash: str | None,
    state: dict[str, Any],
    memory: tuple[NDArray[np.int64], list[NDArray[np.int64]]],
) -> MarketEnv:
    env = cls(market, record=record, content_hash=content_hash)
    vars(env).update(state)
    env._session.rows[0][:] = memory[0]
    env._session.logs[0][:] = memory[1]
    return env


def _episode_option(options: dict[str, Any] | None) -> int | None:
    if options is None:
        return None
    if not isinstance(options, Mapping):
        raise SekaiError(f"options must be a dict of options by name, got {options!r}")
    unknown = [name for name in options if name != "episode"]
    if unknown:
        warnings.warn(f"a market knows the option 'episode' alone, and leaves out {unknown}", stacklevel=3)
    if "episode" not in options:
        return None
    asked = options["episode"]
    if isinstance(asked, bool) or not isinstance(asked, int | np.integer) or not 0 <= asked < 1 << 62:
        raise SekaiError(f"options['episode'] must be an integer from 0 to 2**62 - 1, got {asked!r}")
    return int(asked)
