"""What an environment promises, checked from outside: a tool for test suites.

It plays whole episodes several times: once while checking every result, again with the same seed, again while writing
over everything that was handed out, and on a clone. Each play must be the same as the first.
"""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from sekai.core.env import Env, MultiAgentEnv
from sekai.core.result import AgentID, MAResetResult, MAStepResult, ResetResult, StepResult, same
from sekai.core.seeding import child_seed
from sekai.error import UndefinedAttribute
from sekai.spaces.space import Space
from sekai.utils.values import outside, overwrite
from sekai.wrappers.normalize import frozen_statistics

__all__ = ["check_env"]

_SOLE = ""
"""How the one agent of an `Env` is called here."""
_CLONE_STEPS = 20


def check_env(
    env: Any,
    n_steps: int = 200,
    *,
    warn_on_anomaly: bool = True,
    check_obs_space: bool = True,
    check_action_space: bool = True,
    check_reset_seed: bool = True,
    seed: int = 0,
) -> list[str]:
    """Return what is wrong with an `Env` or a `MultiAgentEnv`, each "ERROR: ..." or "WARNING: ..."; empty when clean.

    Plays `n_steps` steps of random actions, episode after episode, and closes the environment. It checks the spaces and
    their samples; types, rewards and observations of every result; that one seed gives one trajectory, over several
    episodes; that nothing handed out is the environment's own memory; that a clone goes on in the same way; that
    closing twice does nothing; of many agents also their births, deaths, turns and `settle`. Values outside of their
    space are warnings, left out unless `warn_on_anomaly`. Running statistics of wrappers are frozen meanwhile.
    """
    if not isinstance(env, Env | MultiAgentEnv):
        return [f"ERROR: env must be an Env or a MultiAgentEnv, got {type(env).__name__}"]
    check = _Check(env, n_steps, seed, check_obs_space)
    try:
        check.spaces(check_action_space)
        with frozen_statistics(env):
            check.plays(check_reset_seed)
        check.closing()
    except _Hopeless:
        pass
    return [fault for fault in check.faults.values() if warn_on_anomaly or fault.startswith("ERROR")]


class _Hopeless(Exception):
    """Nothing more can be found out."""


class _Seen(NamedTuple):
    """What one agent was told by one result."""

    observation: Any
    reward: float
    terminated: bool
    truncated: bool
    info: Any


class _Moment(NamedTuple):
    """What one call of reset or step came to, copied."""

    call: str
    told: dict[AgentID, tuple[Any, ...]]


class _Check:
    """One environment under examination; `faults` in the order found, each once, with the first value it had."""

    def __init__(self, env: Any, n_steps: int, seed: int, in_space: bool) -> None:
        self.env, self.n_steps, self.seed, self.in_space = env, n_steps, seed, in_space
        self.many = isinstance(env, MultiAgentEnv)
        self.faults: dict[str, str] = {}
        self.observation_spaces: dict[AgentID, Any] = {}
        self.action_spaces: dict[AgentID, Any] = {}

    def error(self, text: str) -> None:
        self.faults.setdefault(text.partition(", got")[0], f"ERROR: {text}")

    def warning(self, text: str) -> None:
        self.faults.setdefault(text.partition(", got")[0], f"WARNING: {text}")

    def hopeless(self, text: str) -> _Hopeless:
        self.error(text)
        return _Hopeless()

    def call(self, what: str, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except Exception as error:
            raise self.hopeless(f"{what} raised {type(error).__name__}: {error}") from error

    # --- before anything happens --------------------------------------------------------------------------------------
    def spaces(self, sample: bool) -> None:
        """Find the spaces, and see that what they draw is in them."""
        for name, mine in (("observation_space", self.observation_spaces), ("action_space", self.action_spaces)):
            mine.update(self._find(name))
            for agent, space in mine.items():
                if not isinstance(space, Space):
                    raise self.hopeless(f"{name}{_of(agent)} must be a Space, got {space!r}")
        for agent, space in self.action_spaces.items() if sample else ():
            drawn = self.call(f"action_space{_of(agent)}.sample()", deepcopy(space).sample)
            if drawn not in space:
                self.error(f"action_space{_of(agent)}.sample() must be in the space {space}, got {drawn!r}")
        if not isinstance(self.env.metadata, Mapping):
            self.error(f"metadata must be a dict, got {self.env.metadata!r}")

    def _find(self, name: str) -> dict[AgentID, Any]:
        try:
            if not self.many:
                return {_SOLE: getattr(self.env, name)}
            found, possible = dict(getattr(self.env, f"{name}s")), list(self.env.possible_agents)
        except (UndefinedAttribute, NotImplementedError) as error:
            raise self.hopeless(str(error)) from error
        for agent in possible:
            if not isinstance(agent, str):
                raise self.hopeless(f"possible_agents must be strings, got {agent!r}")
            if agent not in found:
                raise self.hopeless(f"{name}s must have every possible agent, {agent!r} is missing")
        if len(set(possible)) < len(possible):
            self.error(f"possible_agents must be distinct, got {possible}")
        return found

    # --- plays --------------------------------------------------------------------------------------------------------
    def plays(self, again: bool) -> None:
        """Play while checking every result and, with `again`, in all the ways that must give the same."""
        first = self.play(closely=True)
        why = "two plays with the same seed differ: draw from self.rng only"
        if again and self.alike(first, self.play(), why):
            why = "writing over what was handed out changed the play: hand out copies"
            self.alike(first, self.play(scribble=True), why)
            self.clone()
        self.settling()

    def play(self, closely: bool = False, scribble: bool = False) -> list[_Moment]:
        """Play `n_steps` steps from the seed; return what happened, copied."""
        env, actors = self.env, self.actors()
        moments: list[_Moment] = []
        life = _Life(self) if closely else None
        begun = self.call(f"reset(seed={self.seed})", env.reset, seed=self.seed)
        live, step, held = self.note(begun, "reset(seed)", moments, life), 0, begun
        while step < self.n_steps:
            if scribble:
                _scribble(held)
            if not live:
                held = self.call("reset()", env.reset)
                live = self.note(held, f"reset() after step {step}", moments, life)
                step += not live
                continue
            step += 1
            actions = self.actions(actors)
            before = deepcopy(actions) if closely else None
            held_copy = moments[-1]
            result = self.call(f"step {step}", env.step, actions)
            if closely:
                if not same(before, actions):
                    self.error("step must not change the actions that it is given")
                if not same({a: s[0] for a, s in held_copy.told.items()}, _observations(held)):
                    self.error("an observation changed after it was handed out: hand out a copy")
            live, held = self.note(result, f"step {step}", moments, life), result
        return moments

    def actors(self) -> dict[AgentID, Space[Any]]:
        """Return a space to draw actions from for each agent, whose stream belongs to its name."""
        actors = deepcopy(self.action_spaces)
        for agent, space in actors.items():
            space.seed(child_seed(self.seed, "actions", agent))
        return actors

    def actions(self, actors: Mapping[AgentID, Space[Any]]) -> Any:
        if not self.many:
            return actors[_SOLE].sample(self.env.action_mask())
        masks = self.env.action_masks()
        for agent in self.env.acting:
            if agent not in actors:
                raise self.hopeless(f"acting must be out of possible_agents, got {agent!r}")
        return {agent: actors[agent].sample(masks.get(agent)) for agent in self.env.acting}

    def note(self, result: Any, call: str, moments: list[_Moment], life: "_Life | None") -> bool:
        """Note what `result` says, and check it where there is a `life`; return whether the episode goes on."""
        told = self.read(result, call)
        if life is not None:
            for agent, seen in told.items():
                self.look(agent, seen, call)
            life.follow(result, told, call)
        copied = {agent: deepcopy((s.observation, s.reward, s.terminated, s.truncated)) for agent, s in told.items()}
        moments.append(_Moment(call, copied))
        return not told or not all(s.terminated or s.truncated for s in told.values())

    def read(self, result: Any, call: str) -> dict[AgentID, _Seen]:
        """Return what `result` tells each agent; what cannot be read is an error."""
        starts = call.startswith("reset")
        wanted: Any = (MAResetResult if self.many else ResetResult) if starts else None
        wanted = wanted or (MAStepResult if self.many else StepResult)
        if not isinstance(result, wanted):
            raise self.hopeless(f"{call.split()[0]} must return a {wanted.__name__}, got {type(result).__name__}")
        if not self.many:
            return {_SOLE: _seen(result, starts)}
        names = ("observations", "info") if starts else ("observations", "rewards", "terminated", "truncated", "info")
        parts: dict[str, Any] = {name: getattr(result, name) for name in names}
        keys = {name: list(part) for name, part in parts.items()}
        if any(set(own) != set(keys["observations"]) for own in keys.values()):
            raise self.hopeless(f"{call}: all dicts of a result must have the same agents, got {keys}")
        for agent in keys["observations"]:
            if agent not in self.observation_spaces:
                raise self.hopeless(f"{call}: agents must be out of possible_agents, got {agent!r}")
        return {agent: _seen_of(parts, agent) for agent in keys["observations"]}

    def look(self, agent: AgentID, seen: _Seen, call: str) -> None:
        """Check the types of what one agent was told, and its observation against its space."""
        of, kind = _of(agent), call.split()[0].partition("(")[0]
        if self.in_space:
            for grave, text in outside(self.observation_spaces[agent], seen.observation, "observation"):
                (self.error if grave else self.warning)(f"{kind}: {text}{of}")
        if isinstance(seen.reward, bool | np.bool_) or not isinstance(seen.reward, Real):
            self.error(f"{kind}: reward{of} must be a float, got {type(seen.reward).__name__}")
        elif not np.isfinite(float(seen.reward)):
            self.error(f"{kind}: reward{of} must be finite, got {seen.reward}")
        for name, value in (("terminated", seen.terminated), ("truncated", seen.truncated)):
            if not isinstance(value, bool | np.bool_):
                self.error(f"{kind}: {name}{of} must be a bool, got {type(value).__name__}")
        if not isinstance(seen.info, dict):
            self.error(f"{kind}: info{of} must be a dict, got {type(seen.info).__name__}")

    def alike(self, first: list[_Moment], other: list[_Moment], why: str) -> bool:
        """Say whether two plays are the same; report the first moment in which they differ."""
        for one, two in zip(first, other, strict=False):
            if not same(one, two):
                who = [a for a in one.told if a not in two.told or not same(one.told[a], two.told[a])]
                self.error(f"{why} (first at {one.call}{f', agents {who}' if self.many else ''})")
                return False
        return True

    # --- the rest of life ---------------------------------------------------------------------------------------------
    def clone(self) -> None:
        """Play on with a clone and with the environment; what cannot be cloned is left alone."""
        env, actors = self.env, self.actors()
        moments: list[list[_Moment]] = []
        self.call("reset", env.reset, seed=self.seed)
        for _ in range(min(3, self.n_steps)):
            if self.note(self.call("step", env.step, self.actions(actors)), "step", [], None) is False:
                return
        try:
            twin = env.clone()
        except Exception:
            return
        for played in (twin, env):
            self.env = played
            moments.append(self._go_on(deepcopy(actors)))
        self.env = env
        self.alike(moments[1], moments[0], "a clone does not go on as the environment does: see clone()")

    def _go_on(self, actors: Mapping[AgentID, Space[Any]]) -> list[_Moment]:
        moments: list[_Moment] = []
        for step in range(min(_CLONE_STEPS, self.n_steps)):
            result = self.call(f"step {step}", self.env.step, self.actions(actors))
            if not self.note(result, f"step {step}", moments, None):
                break
        return moments

    def settling(self) -> None:
        """Settle with agents that wait, the first time that somebody does."""
        env = self.env
        if not self.many:
            return
        actors, spoken = self.actors(), set(self.call("reset", env.reset, seed=self.seed).observations)
        for _ in range(self.n_steps):
            waiting = [agent for agent in env.agents if agent not in env.acting and agent in spoken]
            if waiting:
                self._settle(waiting)
                return
            if not env.acting:
                return
            spoken |= set(self.call("step", env.step, self.actions(actors)).observations)

    def _settle(self, waiting: list[AgentID]) -> None:
        acting = list(self.env.acting)
        told = self.read(self.call(f"settle({waiting})", self.env.settle, waiting), "settle")
        if list(self.env.acting) != acting:
            self.error(f"settle must leave the turns as they are: {acting} became {list(self.env.acting)}")
        if set(told) != set(waiting):
            self.error(f"settle({waiting}) must be about exactly these agents, got {list(told)}")
        for agent, seen in told.items():
            self.look(agent, seen, "settle")
        again = self.read(self.call("settle", self.env.settle, waiting), "settle")
        if any(seen.reward for seen in again.values()):
            self.error("settle must consume what it pays: a second one in the same moment paid again")

    def closing(self) -> None:
        """Close twice."""
        self.call("close()", self.env.close)
        self.call("close() the second time", self.env.close)


class _Life:
    """Who lives, whose turn it is, and who has been spoken to, from one result to the next."""

    def __init__(self, check: _Check) -> None:
        self.check, self.env = check, check.env
        self.alive: set[AgentID] = set()
        self.begun: set[AgentID] = set()

    def follow(self, result: Any, told: Mapping[AgentID, _Seen], call: str) -> None:
        """Check a result of many agents against the one before."""
        if not self.check.many:
            return
        error, kind = self.check.error, call.split()[0].partition("(")[0]
        agents, acting = list(self.env.agents), list(self.env.acting)
        if kind == "reset":
            self.alive, self.begun, done, first = set(agents), set(told), set(), set()
        else:
            done = {agent for agent, seen in told.items() if seen.terminated or seen.truncated}
            first = set(result.first)
            self._transitions(told, first, result.elapsed, kind)
            gone = self.alive - set(agents) - done
            if gone:
                error(f"{kind}: {sorted(gone)} left agents without a last result that says terminated or truncated")
        for name, names in (("agents", agents), ("acting", acting)):
            if len(set(names)) < len(names):
                error(f"{kind}: {name} must be distinct, got {names}")
        for agent in sorted(done & set(agents)):
            error(f"{kind}: {agent!r} is done, so it must not be in agents")
        for agent in sorted(set(acting) - set(agents)):
            error(f"{kind}: {agent!r} acts, so it must be in agents")
        if set(acting) != told.keys() - done:
            wrong = sorted(set(acting) ^ (told.keys() - done))
            error(f"{kind}: a result must be about those that act next and those that are done, wrong for {wrong}")
        if agents and not acting:
            raise self.check.hopeless(f"{kind}: {agents} are alive, so somebody must act")
        self.alive = set(agents)
        self.begun = (self.begun | set(told)) - done

    def _transitions(
        self, told: Mapping[AgentID, _Seen], first: Iterable[AgentID], elapsed: Mapping[AgentID, float], kind: str
    ) -> None:
        error, first = self.check.error, set(first)
        for agent in sorted(first - told.keys()):
            error(f"{kind}: first names {agent!r}, about whom the result says nothing")
        for agent, seen in told.items():
            if agent in first and agent in self.begun:
                error(f"{kind}: {agent!r} is in first, but it has had an observation and acted on it")
            if agent in first and seen.reward != 0:
                error(f"{kind}: the reward of {agent!r}, who is in first, must be 0, got {seen.reward}")
            if agent not in first and agent not in self.begun:
                error(f"{kind}: a transition of {agent!r}, which has not acted yet: first must name it")
        for agent, time in elapsed.items():
            if agent not in told or not time >= 0:
                error(f"{kind}: elapsed must be >= 0 and of agents in the result, got {agent!r}: {time}")


def _of(agent: AgentID) -> str:
    return f" of {agent!r}" if agent else ""


def _seen(result: Any, starts: bool) -> _Seen:
    if starts:
        return _Seen(result.observation, 0.0, False, False, result.info)
    return _Seen(result.observation, result.reward, result.terminated, result.truncated, result.info)


def _seen_of(parts: Mapping[str, Any], agent: AgentID) -> _Seen:
    if "rewards" not in parts:
        return _Seen(parts["observations"][agent], 0.0, False, False, parts["info"][agent])
    return _Seen(*(parts[name][agent] for name in ("observations", "rewards", "terminated", "truncated", "info")))


def _observations(result: Any) -> dict[AgentID, Any]:
    return dict(result.observations) if hasattr(result, "observations") else {_SOLE: result.observation}


def _scribble(result: Any) -> None:
    """Write over the observations and the infos of a result, as a careless caller might."""
    for observation in _observations(result).values():
        overwrite(observation)
    infos = result.info.values() if hasattr(result, "observations") else (result.info,)
    for info in infos:
        if isinstance(info, dict):
            info.clear()
