"""From functional environments to an `Env` or a `MultiAgentEnv`, which keep the state, and back.

`to_env(from_env(env))` is `env`. `reset(seed=s)` on one side is `reset(Key(s))` on the other.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from sekai.core.agents import wrong_agents
from sekai.core.env import Env, MultiAgentEnv, ObsT
from sekai.core.result import AgentID, MAResetResult, MAStepResult, ResetResult, StepResult, joined, of_agent
from sekai.error import ResetRequired, SekaiError
from sekai.functional.compare import same_state
from sekai.functional.environment import Environment, MultiAgentEnvironment
from sekai.functional.keys import Key
from sekai.functional.specs import Array, DictSpec, Spec, TupleSpec, from_space, part_of
from sekai.functional.timestep import TimeStep, restart, termination, transition, truncation
from sekai.spaces.discrete import Discrete

__all__ = [
    "EnvState",
    "FromEnv",
    "FromMultiAgentEnv",
    "ToEnv",
    "ToMultiAgentEnv",
    "from_env",
    "to_env",
]


@overload
def to_env(environment: Environment[Any, Any, ObsT]) -> Env[ObsT, Any]: ...
@overload
def to_env(environment: MultiAgentEnvironment[Any]) -> MultiAgentEnv: ...
def to_env(environment: Any) -> Any:
    """Return a functional environment as an `Env`, or as a `MultiAgentEnv`."""
    if isinstance(environment, FromEnv | FromMultiAgentEnv):
        return environment.env
    if isinstance(environment, Environment):
        return ToEnv(environment)
    if isinstance(environment, MultiAgentEnvironment):
        return ToMultiAgentEnv(environment)
    raise SekaiError(f"environment must be a functional one, got {environment!r}")


@overload
def from_env(env: Env[ObsT, Any], renderer: Any = None) -> Environment["EnvState", Any, ObsT]: ...
@overload
def from_env(env: MultiAgentEnv, renderer: Any = None) -> MultiAgentEnvironment["EnvState"]: ...
def from_env(env: Any, renderer: Any = None) -> Any:
    """Return an `Env` or a `MultiAgentEnv`, which must have `clone`, as a functional environment.

    Each step costs a clone. `renderer.render(env)` draws states.
    """
    if isinstance(env, ToEnv | ToMultiAgentEnv):
        return env.environment
    if isinstance(env, Env):
        return FromEnv(env, renderer)
    if isinstance(env, MultiAgentEnv):
        return FromMultiAgentEnv(env, renderer)
    raise SekaiError(f"env must be an Env or a MultiAgentEnv, got {env!r}")


@dataclass(frozen=True, eq=False)
class EnvState:
    """An environment as a state: it is never stepped, only its copies are. Equal to a state that holds the same."""

    env: Any
    is_over: bool = False

    def stepped(self) -> Any:
        """Return a copy of the environment to step; raises `ResetRequired` where the episode is over."""
        if self.is_over:
            raise ResetRequired("step after the episode's end: call reset(key)")
        return self.env.clone()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EnvState):
            return NotImplemented
        return self.is_over == other.is_over and same_state(self.env, other.env)

    __hash__ = None  # type: ignore[assignment]


class FromEnv(Environment[EnvState, Any, ObsT]):
    """The `Env` `env` as a functional environment; made by `from_env`."""

    def __init__(self, env: Env[ObsT, Any], renderer: Any = None) -> None:
        self.env = env
        self.renderer = renderer
        self._blank = env.clone()
        self.observation_spec = from_space(env.observation_space, "observation")
        self.action_spec = from_space(env.action_space, "action")

    def reset(self, key: Key) -> tuple[EnvState, TimeStep[ObsT]]:
        """Reset a copy with the key's seed."""
        env = self._blank.clone()
        begun = env.reset(seed=key.seed)
        return EnvState(env), restart(begun.observation, begun.info)

    def step(self, state: EnvState, action: Any) -> tuple[EnvState, TimeStep[ObsT]]:
        """Step a copy of the state's environment."""
        env = state.stepped()
        result = env.step(action)
        return EnvState(env, result.done), _timestep(result)

    def render(self, state: EnvState) -> Any:
        """Return what the renderer draws of the state's environment."""
        return super().render(state) if self.renderer is None else self.renderer.render(state.env)

    def close(self) -> None:
        """Close `env`."""
        self.env.close()


class FromMultiAgentEnv(MultiAgentEnvironment[EnvState]):
    """The `MultiAgentEnv` `env` as a functional environment; made by `from_env`.

    `extras` is the agent's info, with the result's `elapsed` under that name.
    """

    def __init__(self, env: MultiAgentEnv, renderer: Any = None) -> None:
        self.env = env
        self.renderer = renderer
        self._blank = env.clone()
        self.observation_spec = _by_agent(env.observation_spaces, "observation")
        self.action_spec = _by_agent(env.action_spaces, "action")

    def reset(self, key: Key) -> tuple[EnvState, dict[AgentID, TimeStep[Any]]]:
        """Reset a copy with the key's seed."""
        env = self._blank.clone()
        begun = env.reset(seed=key.seed)
        return EnvState(env), {agent: restart(seen, begun.info[agent]) for agent, seen in begun.observations.items()}

    def step(self, state: EnvState, actions: Mapping[AgentID, Any]) -> tuple[EnvState, dict[AgentID, TimeStep[Any]]]:
        """Step a copy of the state's environment."""
        env = state.stepped()
        result = env.step(actions)
        return EnvState(env, result.all_done), {agent: _told(result, agent) for agent in result.observations}

    def settle(self, state: EnvState, agents: Sequence[AgentID]) -> tuple[EnvState, dict[AgentID, TimeStep[Any]]]:
        """Hand out the observation and the reward so far of these agents, who wait."""
        env = state.stepped()
        result = env.settle(agents)
        return EnvState(env), {agent: _told(result, agent) for agent in result.observations}

    def render(self, state: EnvState) -> Any:
        """Return what the renderer draws of the state's environment."""
        return super().render(state) if self.renderer is None else self.renderer.render(state.env)

    def close(self) -> None:
        """Close `env`."""
        self.env.close()


class ToEnv(Env[ObsT, Any]):
    """The functional `environment` as an `Env` that keeps its `state`; made by `to_env`.

    A discount that is neither 0 at the end nor 1 before it is told in `info["discount"]`.
    """

    def __init__(self, environment: Environment[Any, Any, ObsT]) -> None:
        self.environment = environment
        self.observation_space = environment.observation_spec.to_space()
        self.action_space = environment.action_spec.to_space()
        self._state: Any = None

    @property
    def state(self) -> Any:
        """The state that the episode is in; raises `ResetRequired` where none goes on."""
        if self._state is None:
            raise ResetRequired("no episode goes on: call reset() first")
        return self._state

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> ResetResult[ObsT]:
        """Begin an episode with the key of the seed, or with one that the stream draws."""
        self._set_rng(seed)
        self._state, first = self.environment.reset(_key(seed, self.rng))
        return ResetResult(_value(self.environment.observation_spec, first.observation), dict(first.extras))

    def step(self, action: Any) -> StepResult[ObsT]:
        """Go on to the next state. Raises `SpaceMismatch` for an action that violates its spec."""
        state, timestep = self.environment.step(self.state, self.environment.action_spec.validate(action))
        self._state = None if timestep.last() else state
        return _result(timestep, self.environment.observation_spec)

    def close(self) -> None:
        """Close the environment, and forget the episode."""
        self._state = None
        self.environment.close()


class ToMultiAgentEnv(MultiAgentEnv):
    """The functional `environment` of many agents as a `MultiAgentEnv`; made by `to_env`.

    An agent is alive from its first time step on to its last.
    """

    def __init__(self, environment: MultiAgentEnvironment[Any]) -> None:
        self.environment = environment
        self.possible_agents = list(environment.action_spec)
        self.observation_spaces = {agent: spec.to_space() for agent, spec in environment.observation_spec.specs.items()}
        self.action_spaces = {agent: spec.to_space() for agent, spec in environment.action_spec.specs.items()}
        self.agents: list[AgentID] = []
        self.acting: list[AgentID] = []
        self._state: Any = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> MAResetResult:
        """Begin an episode with the key of the seed, or with one that the stream draws."""
        self._set_rng(seed)
        self._state, told = self.environment.reset(_key(seed, self.rng))
        self.agents = self.acting = list(told)
        return MAResetResult(
            {agent: self._seen(agent, timestep) for agent, timestep in told.items()},
            {agent: dict(timestep.extras) for agent, timestep in told.items()},
        )

    def step(self, actions: Mapping[AgentID, Any]) -> MAStepResult:
        """Go on to the next state. Raises `InvalidAgents` unless the actions are for exactly `acting`."""
        if not self.acting:
            raise ResetRequired("no episode goes on: call reset() first")
        if not isinstance(actions, Mapping) or actions.keys() != set(self.acting):
            raise wrong_agents(self, actions)
        specs = self.environment.action_spec
        valid = {agent: specs[agent].validate(action) for agent, action in actions.items()}
        self._state, told = self.environment.step(self._state, valid)
        gone = {agent for agent, timestep in told.items() if timestep.last()}
        new = [agent for agent in told if agent not in self.agents]
        self.agents = [agent for agent in [*self.agents, *new] if agent not in gone]
        self.acting = [agent for agent in told if agent not in gone]
        return self._results(told)

    def settle(self, agents: Sequence[AgentID]) -> MAStepResult:
        """Hand out the observation and the reward so far of agents who wait; the environment must define `settle`."""
        self._state, told = self.environment.settle(self._state, agents)
        return self._results(told)

    def close(self) -> None:
        """Close the environment, and forget the episode."""
        self.agents, self.acting = [], []
        self.environment.close()

    def _results(self, told: Mapping[AgentID, TimeStep[Any]]) -> MAStepResult:
        specs = self.environment.observation_spec
        results = {agent: _result(timestep, specs[agent]) for agent, timestep in told.items()}
        first = frozenset(agent for agent, step in told.items() if step.first())
        elapsed = {agent: step.extras["elapsed"] for agent, step in told.items() if "elapsed" in step.extras}
        return joined(results, first, elapsed)

    def _seen(self, agent: AgentID, timestep: TimeStep[Any]) -> Any:
        return _value(self.environment.observation_spec[agent], timestep.observation)


def _key(seed: int | None, rng: np.random.Generator) -> Key:
    return Key(int(rng.integers(2**63)) if seed is None else seed)


def _value(spec: Spec[Any], value: Any) -> Any:
    """Return a copy of a spec's value as a value of its space: dicts for named parts, numbers for choices."""
    if isinstance(spec, DictSpec):
        return {name: _value(part, part_of(value, name)) for name, part in spec.specs.items()}
    if isinstance(spec, TupleSpec):
        return tuple(_value(part, inside) for part, inside in zip(spec, value, strict=True))
    if not isinstance(spec, Array):
        return deepcopy(value)
    array = np.array(value, spec.dtype)
    return array[()] if isinstance(spec.to_space(), Discrete) else array


def _result(timestep: TimeStep[Any], spec: Spec[Any]) -> StepResult[Any]:
    ended, discount = timestep.last(), float(timestep.discount)
    terminated = ended and discount == 0.0
    told = {} if discount == (0.0 if terminated else 1.0) else {"discount": discount}
    seen = _value(spec, timestep.observation)
    return StepResult(seen, float(timestep.reward), terminated, ended and not terminated, {**timestep.extras, **told})


def _timestep(result: StepResult[Any]) -> TimeStep[Any]:
    if result.terminated:
        return termination(result.reward, result.observation, result.info)
    verb = truncation if result.truncated else transition
    return verb(result.reward, result.observation, result.info.get("discount", 1.0), result.info)


def _told(result: MAStepResult, agent: AgentID) -> TimeStep[Any]:
    mine = of_agent(result, agent)
    told = restart(mine.observation, mine.info) if agent in result.first else _timestep(mine)
    if agent not in result.elapsed:
        return told
    return told.replace(extras={**told.extras, "elapsed": result.elapsed[agent]})


def _by_agent(spaces: Mapping[AgentID, Any], name: str) -> DictSpec:
    return DictSpec({agent: from_space(space, f"{name}.{agent}") for agent, space in spaces.items()}, name=name)
