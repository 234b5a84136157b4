"""A market with many agents: the seats without a policy are played from outside, everybody else inside the engine.

An agent observes the book's best levels, the last trades, its own account and, if it is a maker, its own orders. It
acts when its clock says so, and what it sends reaches the book after its latency. Its reward is the change of its
wealth, all positions of everybody valued at one common mark, less an inventory penalty; before that penalty the
rewards of all accounts, the background's and the venue's included, sum to zero to the last money unit.

The session's close ends the episode: the clock is observed, so that is a true end, `terminated`.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sekai.core.agents import Policy, role, wrong_agents
from sekai.core.env import AgentView, Env, MultiAgentEnv
from sekai.core.result import AgentID, MAResetResult, MAStepResult, StepResult
from sekai.core.seeding import check_seed, fresh_seed
from sekai.error import InvalidAction, ResetRequired, SekaiError, did_you_mean
from sekai.markets import config
from sekai.markets.book.messages import events_of
from sekai.markets.book.order_book import PHASES, Phase
from sekai.markets.data import recorded_flow
from sekai.markets.engine import layout as at
from sekai.markets.engine import terms
from sekai.markets.engine import turn as turns
from sekai.markets.engine.events import drain
from sekai.markets.engine.jit import entry_of
from sekai.markets.engine.ledger import wealth
from sekai.markets.engine.simulate import advance, start
from sekai.markets.population import populate
from sekai.markets.units import NS_PER_S, Units, nanoseconds
from sekai.registry import EnvSpec
from sekai.spaces import Box, Dict, MultiDiscrete, Space

__all__ = ["MarketEnv", "Record", "SeatView", "TopOfBook"]


class TopOfBook(NamedTuple):
    """The best of both sides of a book."""

    bid_ticks: int
    ask_ticks: int
    bid_lots: int
    ask_lots: int
    mark_ticks: float


_COUNTERS = {"messages": at.Market.MESSAGES, "trades": at.Market.TRADES, "rejects": at.Market.REJECTS}
_STATE = frozenset(
    ("_row", "_seed", "_episode", "_events", "agents", "acting", "_before_open", "_rng", "_rng_seed", "_spec")
)  # what differs between two envs of the same market
_WORDS = {"maker": 4, "taker": 2}
Record: TypeAlias = bool | Literal["trades"]
"""Which events a market keeps until they are read: all, none, or the trades."""
_Observer = Callable[["MarketEnv"], None]


class MarketEnv(MultiAgentEnv):
    """The market of a `sekai.markets.config.Market`, for the agents whose seats have no policy.

    A maker observes a Dict of `account` (2,): position in lots and wealth in currency since the open; `clock` (1,): the
    share of the session that is left; `orders` (2, 3): of its bid and its ask, distance, open lots, lots ahead in the
    queue; `book` (2, levels, 2): distance and lots of bids, then asks, best first; `trades` (n, 3): distance, lots
    (positive where the taker bought) and age in seconds, latest first. Distances are in ticks from the mark, counted
    away from the other side (a trade's: upwards). What is not there reads zero. A taker has no `orders`. With calls or
    halts there is `phase` (3,): 1 in a call, 1 in a halt, and the seconds until that ends.

    A maker acts by MultiDiscrete (bid offset, ask offset, bid lots, ask lots): offset k is the k-th price below
    (above) the mark, 0 lots is no quote on that side; a quote that asks for the same price and no more size keeps its
    queue place. A taker acts by MultiDiscrete (side, lots): -1 sells, 1 buys at the market, 0 holds.

    `elapsed` is in seconds. `content_hash` is that of the scenario that the market came from. With `record=True` every
    event of the market is kept for `events()`, with `record="trades"` the trades.
    """

    metadata = {"description": "Makers and takers on one limit order book, over live background flow."}

    def __init__(self, market: config.Market, *, record: Record = False, content_hash: str | None = None) -> None:
        self.market = market
        self.content_hash = content_hash
        self._record = record
        self._population = populate(market, record=record)
        self._units: Units = market.venue.units
        self._numbers = {seat.name: k for k, seat in enumerate(market.seats) if seat.policy is None}
        outside = [seat for seat in market.seats if seat.policy is None]
        self.possible_agents: tuple[AgentID, ...] = tuple(self._numbers)
        self.agents: tuple[AgentID, ...] = ()
        self.acting: tuple[AgentID, ...] = ()
        parts = {seat.name: _parts(seat.role, market.venue.has_phases) for seat in outside}
        self.observation_spaces = {name: _observation_space(sizes) for name, sizes in parts.items()}
        self.action_spaces = {seat.name: _action_space(seat.role) for seat in outside}
        self._words = {seat.name: _WORDS[seat.role.kind] for seat in outside if seat.role}
        self._split = {name: _Splitter(sizes) for name, sizes in parts.items()}
        seats, width = len(market.seats), max((_width(sizes) for sizes in parts.values()), default=1)
        self._intents = np.zeros((seats, turns.INTENT_WORDS), np.int64)
        self._seen = np.zeros((seats, width), np.float32)
        self._told = np.zeros((seats, turns.OUTCOME_REALS), np.float64)
        self._by_handle = {
            int(self.row[at.Market.SEATS]) + k * at.Seat.WORDS: name for name, k in self._numbers.items()
        }
        self._seed: int | None = None
        self._episode = 0
        self._events: list[NDArray[np.int64]] = []
        self._watching: tuple[float, _Observer] | None = None
        self._watch_next: tuple[float, _Observer] | None = None
        self._before_open = dict.fromkeys(_COUNTERS, 0)
        self._turn: Callable[..., int] = turns.turn  # from the first reset on its quicker way in

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
        """The market's memory. Before the first reset, as it stands at the opening."""
        return self._row if self._row is not None else self._population.row

    _row: NDArray[np.int64] | None = None

    @property
    def opening_row(self) -> NDArray[np.int64]:
        """The memory with which every session starts: the opening book, and nothing that has happened. Do not write."""
        return self._population.row

    def clone(self) -> MarketEnv:
        """Return an independent copy in the same state: it goes on exactly as this one would."""
        return copy.deepcopy(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> MarketEnv:
        """Copy the memory; what stays as it was laid out is shared."""
        twin = object.__new__(type(self))
        shared = {name: value for name, value in vars(self).items() if name not in _STATE}
        vars(twin).update(shared)
        for name in ("_intents", "_seen", "_told"):
            setattr(twin, name, getattr(self, name).copy())
        vars(twin).update({name: copy.deepcopy(value, memo) for name, value in vars(self).items() if name in _STATE})
        twin._watching = twin._watch_next = None
        return twin

    def warm_up(self) -> None:
        """Compile what a session needs, on a market of its own: processes that begin later find it compiled."""
        twin = MarketEnv(self.market, record=self._record)
        twin.reset(seed=0)
        if twin.acting:
            twin.step({agent: self.action_spaces[agent].sample() for agent in twin.acting})

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as the market and its memory: addresses of compiled kernels are found anew where it is loaded."""
        state = {name: value for name, value in vars(self).items() if name in _STATE}
        return _restored, (type(self), self.market, self._record, self.content_hash, state)

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
        if self._row is None:
            self._row = self._population.row.copy()
            memory = (self._row, self._population.addresses, self._intents, self._seen, self._told)
            self._turn = entry_of(turns.turn, *memory)
        else:
            np.copyto(self._row, self._population.row)
        self._events.clear()
        self.agents = self.possible_agents
        start(self._row, _fold(self._seed), self._episode)
        self._watching = self._watch_next
        if self._watching:
            self._row[at.Market.UNTIL] = self._row[at.Market.OPEN] + max(1, nanoseconds(self._watching[0]))
        self._warm_up()
        code = self._settle_code(turns.go_on(self._row, self._population.addresses, self._seen, self._told))
        if code == terms.Answer.DONE:
            self.agents = self.acting = ()
            return MAResetResult({}, {})
        self.acting = self._due()
        return MAResetResult({a: self._split[a](self._seen[self._numbers[a]].copy()) for a in self.acting},
                             {a: {"pnl": 0.0, "inventory_penalty": 0.0} for a in self.acting})  # fmt: skip

    def step(self, actions: Mapping[AgentID, Any]) -> MAStepResult:
        """Take the actions of `acting`; go on to the next decision of somebody played from outside, or to the close.

        Raises `InvalidAction` for an action outside its space, or of others than `acting`, before anything has
        happened, and `ResetRequired` before the first reset or after the close.
        """
        row = self._row
        if row is None or not self.acting:
            raise ResetRequired(
                "step() needs a session that is open: call reset() first"
                if self.possible_agents
                else "nobody is played from outside in this market: the session was over with reset()"
            )
        if not isinstance(actions, Mapping) or len(actions) != len(self.acting):
            raise wrong_agents(self, actions)
        for agent in self.acting:
            try:
                action = actions[agent]
            except KeyError:
                raise wrong_agents(self, actions) from None
            if getattr(action, "dtype", None) is None:
                action = np.asarray(action)
            if not _fits(action.dtype) or action.shape != (self._words[agent],):
                raise self._invalid(agent, action)
            self._intents[self._numbers[agent], : self._words[agent]] = action
        code = self._turn(row, self._population.addresses, self._intents, self._seen, self._told)
        if code != terms.Answer.DECIDE:
            code = self._settle_code(code, actions)
        done = code == terms.Answer.DONE
        told = self.agents if done else self._due()
        self.acting = () if done else told
        if done:
            self.agents = ()
        return self._result(told, done)

    def settle(self, agents: Sequence[AgentID]) -> MAStepResult:
        """Hand out, and consume, observation and reward so far of agents that wait for their turn."""
        row = self._row
        for agent in agents:
            if row is None or agent not in self.agents or agent in self.acting:
                raise SekaiError(f"settle needs agents that are alive and wait for their turn, got {agent!r}")
            seat = int(row[at.Market.SEATS]) + self._numbers[agent] * at.Seat.WORDS
            turns.tell(row, seat, self._seen, self._told)
        return self._result(tuple(agents), False)

    def view(self, agent: AgentID, others: Mapping[str, Policy | config.CompiledPolicy] | None = None) -> Env[Any, Any]:
        """Return the market as `agent` sees it. Compiled policies among `others` take their seats in the engine."""
        self.observation_space(agent)  # an unknown agent is an error
        chosen = dict(others or {})
        inside: dict[AgentID, config.CompiledPolicy] = {}
        outside: dict[str, Policy] = {}
        for other in self.possible_agents:
            name = other if other in chosen else role(other)
            if other != agent and name in chosen:
                policy = chosen[name]
                if isinstance(policy, config.CompiledPolicy):
                    inside[other] = policy
                else:
                    outside[other] = policy
        meant = {a for a in self.possible_agents if a != agent} | {role(a) for a in self.possible_agents if a != agent}
        for name in chosen:
            if name not in meant:
                raise SekaiError(
                    f"others must name agents out of {sorted(meant)}, got {name!r}.{did_you_mean(name, meant)}"
                )
        env = self.with_policies(inside) if inside else self
        return SeatView(env, agent, outside) if len(env.possible_agents) == 1 else AgentView(env, agent, outside)

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
        return {name: int(wealth(self.row, k)) for k, name in enumerate(self.accounts)}

    @property
    def time_s(self) -> float:
        """Seconds since the open; negative during the warm-up."""
        return float(self.row[at.Market.NOW] - self.row[at.Market.OPEN]) / NS_PER_S

    def events(self) -> NDArray[Any]:
        """Return, and forget, the session's events since the last call, oldest first, as `messages.EVENT`.

        Owners are numbers into `accounts`. Raises `SekaiError` unless the market was made with `record`.
        """
        if not self._record:
            raise SekaiError("events() needs MarketEnv(market, record=True)")
        self._events.append(drain(self.row))
        events = events_of(np.concatenate(self._events))
        self._events.clear()
        return events

    def totals(self) -> dict[str, int]:
        """Return how many `messages`, `trades` and `rejects` there were since the open."""
        return {name: int(self.row[word]) - self._before_open[name] for name, word in _COUNTERS.items()}

    def recorded(self) -> dict[str, int]:
        """Return what has become of a recorded background (`recorded_flow.counts`); empty without one."""
        return recorded_flow.counts(self.row)

    @property
    def trading_phase(self) -> Phase:
        """What the venue does at present: "continuous" trading, a call ("auction"), or a "halt"."""
        return PHASES[int(self.row[int(self.row[at.Market.BOOKS]) + at.Book.PHASE])]

    def top_of_book(self) -> TopOfBook:
        """Return the best prices, what waits there, and the mark, in ticks and lots; -1 and 0 where a side is empty."""
        row, i32, book = self.row, self.row.view(np.int32), int(self.row[at.Market.BOOKS])
        base = int(row[book + at.Book.BASE])
        prices, lots = [], []
        for side in (book + at.Book.BID, book + at.Book.ASK):
            key = int(row[side + at.Side.BEST])
            empty = key == terms.NONE
            prices.append(-1 if empty else (key ^ int(row[side + at.Side.FLIP])) + base)
            lots.append(0 if empty else int(i32[int(row[side + at.Side.LEVELS]) + at.Level.WORDS * key + at.Level.QTY]))
        return TopOfBook(prices[0], prices[1], lots[0], lots[1], float(row[book + at.Book.MARK]) / 2 + base)

    def ladder_lots(self) -> NDArray[np.int32]:
        """Return the lots at each price of the ladder, `(ladder_ticks,)`, from `market.venue.base_ticks` up.

        Bids are positive, asks negative; in a call both may wait at a price, and this is how many more want to buy.
        """
        row, i32, book = self.row, self.row.view(np.int32), int(self.row[at.Market.BOOKS])
        ticks = int(row[book + at.Book.TICKS])

        def by_key(side: int) -> NDArray[np.int32]:
            first = int(row[side + at.Side.LEVELS]) + at.Level.QTY
            return i32[first : first + at.Level.WORDS * ticks : at.Level.WORDS]

        return by_key(book + at.Book.BID)[::-1] - by_key(book + at.Book.ASK)

    def account_table(self) -> NDArray[np.int64]:
        """Return a copy of all accounts, `(len(accounts), 8)`: the columns of the engine's layout, CASH first."""
        row = self.row
        first, n, stride = (
            int(row[at.Market.ACCOUNTS]),
            int(row[at.Market.ACCOUNT_COUNT]),
            int(row[at.Market.ACCOUNT_STRIDE]),
        )
        return row[first : first + n * stride].reshape(n, stride).copy()

    def watch(self, every_s: float, observer: _Observer | None) -> None:
        """Call `observer(env)` every so many seconds of the session, from the next reset on; None stops that.

        Nothing in the market changes by being watched.
        """
        if observer is not None and not every_s >= 1e-9:
            raise SekaiError(f"every_s must be >= 1e-9, got {every_s}")
        self._watch_next = (every_s, observer) if observer else None

    # --- inside -------------------------------------------------------------------------------------------------------
    def _settle_code(self, code: int, actions: Mapping[AgentID, Any] | None = None) -> int:
        """See to whatever stopped the kernel before a decision or the close, and let it go on."""
        row = self.row
        while True:
            if code == terms.Answer.DECIDE or code == terms.Answer.DONE:
                break
            if code == terms.Answer.REJECTED:
                self._check_feed()
                raise self._out_of_range(actions or {})
            if code == terms.Answer.FLOODED:
                raise self._flooded()
            if code == terms.Answer.DRAIN:
                self._events.append(drain(row))
            elif code == terms.Answer.PAUSED:
                self._look()
            else:
                raise AssertionError(f"the engine answered {code}")
            code = turns.go_on(row, self._population.addresses, self._seen, self._told)
        self._check_feed()
        return code

    def _look(self) -> None:
        """Let the observer look, and set the time of its next look: multiples of its period, from the open."""
        row = self.row
        if self._watching is None:
            row[at.Market.UNTIL] = terms.FOREVER  # a copy of a market that was watched
            return
        every_s, observer = self._watching
        looks = round(float(row[at.Market.UNTIL] - row[at.Market.OPEN]) / NS_PER_S / every_s)
        row[at.Market.UNTIL] = row[at.Market.OPEN] + max(
            nanoseconds((looks + 1) * every_s), nanoseconds(looks * every_s) + 1
        )
        observer(self)

    def _flooded(self) -> SekaiError:
        lost, most = int(self.row[at.Market.LOST]), int(self.row[at.Market.QUEUE_CAPACITY])
        return SekaiError(
            f"{lost} messages found no room at {self.time_s} s: an agent may send 64 in one decision, and {most} may "
            "be on their way at once in this market; let agents send less, or raise the venue's gateway_capacity"
        )

    def _check_feed(self) -> None:
        """Raise SekaiError if a delayed feed did not reach back as far as somebody looked."""
        feed = int(self.row[int(self.row[at.Market.BOOKS]) + at.Book.FEED])
        if feed and self.row[feed + at.Feed.SHORT]:
            kept = self.market.venue.feed_capacity
            raise SekaiError(f"feed_capacity must hold all messages of the longest feed_lag_s; {kept} were too few")

    def _warm_up(self) -> None:
        """Let the flow run alone until just before the open, and note what it has done by then."""
        row = self.row
        if row[at.Market.OPEN] > 0:
            while (
                advance(row, self._population.addresses, int(row[at.Market.OPEN]) - 1, terms.FOREVER)
                == terms.Answer.DRAIN
            ):
                self._events.append(drain(row))
        self._before_open = {name: int(row[word]) for name, word in _COUNTERS.items()}

    def _due(self) -> tuple[AgentID, ...]:
        row = self.row
        if len(self._by_handle) == 1:
            return self.possible_agents
        first = int(row[at.Market.DUE])
        due = {self._by_handle[h] for h in row[first : first + int(row[at.Market.DUE_COUNT])].tolist()}
        return tuple(a for a in self.possible_agents if a in due)

    def _result(self, agents: tuple[AgentID, ...], done: bool) -> MAStepResult:
        observations: dict[AgentID, Any] = {}
        rewards: dict[AgentID, float] = {}
        info: dict[AgentID, dict[str, Any]] = {}
        elapsed: dict[AgentID, float] = {}
        first = None
        for agent in agents:
            k = self._numbers[agent]
            change, penalty, waited, is_first = self._told[k].tolist()
            observations[agent] = self._split[agent](self._seen[k].copy())
            rewards[agent] = change - penalty
            info[agent] = {"pnl": change, "inventory_penalty": penalty}
            elapsed[agent] = waited / NS_PER_S
            if is_first:
                first = {agent} if first is None else first | {agent}
        ended = dict.fromkeys(agents, done)
        return MAStepResult(
            observations, rewards, ended, dict.fromkeys(agents, False), info, frozenset(first or ()), elapsed
        )

    def _invalid(self, agent: AgentID, action: NDArray[Any]) -> InvalidAction:
        return InvalidAction(
            f"action of {agent!r} must be {self._words[agent]} integers in {self.action_spaces[agent]}, got {action!r}"
        )

    def _out_of_range(self, actions: Mapping[AgentID, Any]) -> InvalidAction:
        for agent in self.acting:
            action = np.asarray(actions[agent])
            if not self.action_spaces[agent].contains(action):
                return self._invalid(agent, action)
        raise AssertionError("the engine refused actions that lie in their spaces")


class SeatView(AgentView):
    """A market in which one seat alone is played from outside, as that seat sees it: no dictionaries on the way."""

    multi: MarketEnv

    def __init__(self, multi: MarketEnv, agent: AgentID, others: Mapping[str, Policy] | None = None) -> None:
        super().__init__(multi, agent, others)
        self._number, self._cut, self._length = multi._numbers[agent], multi._split[agent], multi._words[agent]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_cut"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._cut = self.multi._split[self.agent]

    def step(self, action: Any) -> StepResult[Any]:
        """Take the action; go on to this agent's next decision, or to the close. Raises as `MarketEnv.step`."""
        env, k = self.multi, self._number
        row = env._row
        if (
            type(action) is not np.ndarray
            or not _fits(action.dtype)
            or action.shape != (self._length,)
            or row is None
            or not env.acting
        ):
            return super().step(action)
        env._intents[k, : self._length] = action
        code = env._turn(row, env._population.addresses, env._intents, env._seen, env._told)
        if code != terms.Answer.DECIDE:
            code = env._settle_code(code, {self.agent: action})
        done = code == terms.Answer.DONE
        if done:
            env.agents = env.acting = ()
        change, penalty, _, _ = env._told[k].tolist()
        info = {"pnl": change, "inventory_penalty": penalty}
        return StepResult(self._cut(env._seen[k].copy()), change - penalty, done, False, info)


def _restored(
    cls: type[MarketEnv],
    market: config.Market,
    record: Record,
    content_hash: str | None,
    state: dict[str, Any],
) -> MarketEnv:
    env = cls(market, record=record, content_hash=content_hash)
    vars(env).update(state)
    return env


def _fits(dtype: np.dtype[Any]) -> bool:
    """Say whether integers of this type are int64 without a loss; uint64 is not."""
    kind = dtype.kind
    return kind == "i" or (kind == "u" and dtype.itemsize < 8)


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


def _fold(seed: int) -> int:
    """Return a seed of any size as 63 bits; numpy's SeedSequence mixes what does not fit."""
    return int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] >> np.uint64(1))


_Parts = list[tuple[str, tuple[int, ...]]]  # of a flat observation: name and shape


def _parts(role: config.Role | None, has_phases: bool) -> _Parts:
    assert role is not None
    orders = [("orders", (2, 3))] if role.kind == "maker" else []
    phase = [("phase", (3,))] if has_phases else []
    public = [("book", (2, role.levels, 2)), ("trades", (role.trades, 3)), *phase]
    return [("account", (2,)), ("clock", (1,)), *orders, *public]


def _width(parts: _Parts) -> int:
    return sum(int(np.prod(shape)) for _, shape in parts)


class _Splitter:
    """Cuts a flat observation, which becomes the caller's, into its named parts."""

    __slots__ = ("_parts",)

    def __init__(self, parts: _Parts) -> None:
        self._parts: list[tuple[str, slice, tuple[int, ...] | None]] = []
        start = 0
        for name, shape in parts:
            end = start + int(np.prod(shape))
            self._parts.append((name, slice(start, end), shape if len(shape) > 1 else None))
            start = end

    def __call__(self, flat: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        return {name: flat[cut] if shape is None else flat[cut].reshape(shape) for name, cut, shape in self._parts}


def _observation_space(parts: _Parts) -> Space[Any]:
    spaces: dict[str, Space[Any]] = {name: Box(-np.inf, np.inf, shape=shape, dtype=np.float32) for name, shape in parts}
    spaces["clock"] = Box(0.0, 1.0, shape=(1,), dtype=np.float32)
    return Dict(spaces)


def _action_space(role: config.Role | None) -> MultiDiscrete:
    assert role is not None
    if isinstance(role, config.Maker):
        offsets, lots = role.max_offset_ticks, role.max_size_lots + 1
        return MultiDiscrete([offsets, offsets, lots, lots], start=[1, 1, 0, 0])
    return MultiDiscrete([3, role.max_size_lots], start=[-1, 1])
