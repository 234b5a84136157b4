"""An environment as one agent sees it, one of many agents, and the way from each to the other.

An `Env` is reset, then stepped until a result is done.

A `MultiAgentEnv` has turns. `agents` are alive. `acting`, a subset, must act now; it is everybody unless agents keep
clocks of their own. `step` takes actions for exactly `acting` and returns complete transitions only: of the agents that
act next and of those that have just finished, with all that each earned since its last action. Agents may die and join.
While somebody is alive somebody acts, so the episode is over when everyone in a result is done.

`multi_agent_env.view(agent)` is an `Env`, and `env.as_multi_agent()` a `MultiAgentEnv`. A view steps its environment
until the agent's turn comes, asking the other agents' policies meanwhile.

The async methods come for free. An environment that lives on awaiting, such as a live feed, may define only those; its
sync methods then run them.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from sekai.core.agents import Policy, policies_of, role, seated
from sekai.core.base import BaseEnv, Derived, Required, run_coroutine
from sekai.core.program import Program, Reset, Step, async_run, run
from sekai.core.recipe import Recipe
from sekai.core.result import AgentID, AgentT, MAResetResult, MAStepResult, ResetResult, StepResult
from sekai.core.seeding import policy_seed
from sekai.error import SekaiError, did_you_mean

if TYPE_CHECKING:
    from sekai.spaces.space import Space

__all__ = ["ActT", "AgentView", "Env", "MultiAgentEnv", "ObsT", "SoloEnv"]

if TYPE_CHECKING:
    from typing_extensions import TypeVar as _TypeVar

    ObsT = _TypeVar("ObsT", default=Any)
    ActT = _TypeVar("ActT", default=Any)
else:
    ObsT, ActT = TypeVar("ObsT"), TypeVar("ActT")


class Env(BaseEnv, Generic[ObsT, ActT]):
    """One agent's environment over observations `ObsT` and actions `ActT`."""

    if TYPE_CHECKING:
        observation_space: Space[ObsT]
        action_space: Space[ActT]
    else:
        observation_space = Required("set self.observation_space in __init__")
        action_space = Required("set self.action_space in __init__")

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> ResetResult[ObsT]:
        """Begin an episode; a seed fully determines it, and without one the current stream continues.

        An implementation calls `self._set_rng(seed)` first and draws from `self.rng` only.
        """
        if type(self).async_reset is Env.async_reset:
            raise NotImplementedError(f"{type(self).__name__} must define reset(self, *, seed=None, options=None)")
        return run_coroutine(self, "reset", self.async_reset(seed=seed, options=options))  # type: ignore[no-any-return]

    def step(self, action: ActT) -> StepResult[ObsT]:
        """Take one action and return the transition. After a result that is `done`, call `reset`."""
        if type(self).async_step is Env.async_step:
            raise NotImplementedError(f"{type(self).__name__} must define step(self, action)")
        return run_coroutine(self, "step", self.async_step(action))  # type: ignore[no-any-return]

    async def async_reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> ResetResult[ObsT]:
        """Begin an episode; the default calls `reset`."""
        return self.reset(seed=seed, options=options)

    async def async_step(self, action: ActT) -> StepResult[ObsT]:
        """Take one action; the default calls `step`."""
        return self.step(action)

    def action_mask(self) -> Any:
        """Return which actions are allowed now, as `action_space.sample(mask)` takes it; None where all are.

        An environment with masks also puts them into `info["action_mask"]`.
        """
        return None

    def as_multi_agent(self, agent: AgentID = "agent_0") -> "MultiAgentEnv":
        """Return this environment as a `MultiAgentEnv` with a single agent, called `agent`.

        The round trip is the identity: `env.as_multi_agent("a").view("a") is env`.
        """
        return SoloEnv(self, agent)


class _AllAlive:
    """The default of `acting`: everybody alive. An instance attribute or a property overrides it."""

    def __get__(self, env: "MultiAgentEnv[Any] | None", owner: type) -> Any:
        return self if env is None else env.agents


class MultiAgentEnv(BaseEnv, Generic[AgentT]):
    """An environment of many agents, whose names are of type `AgentT`; spaces and results are dicts by agent."""

    if TYPE_CHECKING:
        possible_agents: Sequence[AgentT]
        agents: Sequence[AgentT]
        observation_spaces: Mapping[AgentT, Space[Any]]
        action_spaces: Mapping[AgentT, Space[Any]]

        @property
        def acting(self) -> Sequence[AgentT]:
            """The agents that must act now, in a fixed order; everybody alive unless the env says otherwise."""
            ...
    else:
        possible_agents = Required("set self.possible_agents in __init__, all agents that may ever live")
        agents = Required("set self.agents, those alive now, in __init__ and in reset")
        observation_spaces = Required("set self.observation_spaces in __init__, a space by agent")
        action_spaces = Required("set self.action_spaces in __init__, a space by agent")
        acting = _AllAlive()

    @property
    def groups(self) -> dict[str, tuple[AgentT, ...]]:
        """The agents of each role, in the order of `possible_agents`: maker_0 and maker_1 form the group maker."""
        groups: dict[str, tuple[AgentT, ...]] = {}
        for agent in self.possible_agents:
            groups[role(agent)] = (*groups.get(role(agent), ()), agent)
        return groups

    def observation_space(self, agent: AgentT) -> "Space[Any]":
        """Return the agent's observation space; raises `SekaiError` for an unknown agent."""
        return _of_agent(self.observation_spaces, agent)

    def action_space(self, agent: AgentT) -> "Space[Any]":
        """Return the agent's action space; raises `SekaiError` for an unknown agent."""
        return _of_agent(self.action_spaces, agent)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> MAResetResult[AgentT]:
        """Begin an episode; return the first observations of the agents that act first.

        A seed fully determines the episode; without one the current stream continues.
        """
        if type(self).async_reset is MultiAgentEnv.async_reset:
            raise NotImplementedError(f"{type(self).__name__} must define reset(self, *, seed=None, options=None)")
        return run_coroutine(self, "reset", self.async_reset(seed=seed, options=options))  # type: ignore[no-any-return]

    def step(self, actions: Mapping[AgentT, Any]) -> MAStepResult[AgentT]:
        """Take the actions of exactly `acting`; return the complete transitions.

        They are those of the agents that act next and of those that have just finished. The episode is over when
        `result.all_done`.
        """
        if type(self).async_step is MultiAgentEnv.async_step:
            raise NotImplementedError(f"{type(self).__name__} must define step(self, actions)")
        return run_coroutine(self, "step", self.async_step(actions))  # type: ignore[no-any-return]

    def settle(self, agents: Sequence[AgentT]) -> MAStepResult[AgentT]:
        """Return the observation and the reward so far of `agents`, who are alive and wait for their turn.

        What is paid here is not paid again; nothing else changes, neither time nor turns. A time limit ends everybody
        in this way. The default is for environments in which all agents act at every step, so that nobody waits.
        """
        if agents:
            raise SekaiError(
                f"{type(self).__name__}.settle is not defined, but {list(agents)} wait for their turn: "
                "an environment whose agents keep different clocks must define settle(agents)"
            )
        return MAStepResult({}, {}, {}, {}, {})

    def action_masks(self) -> Mapping[AgentT, Any]:
        """Return by agent which actions are allowed now, as its space's `sample(mask)` takes it.

        Agents that are left out may do anything. An environment with masks also puts them into
        `info[agent]["action_mask"]`.
        """
        return {}

    async def async_reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> MAResetResult[AgentT]:
        """Begin an episode; the default calls `reset`."""
        return self.reset(seed=seed, options=options)

    async def async_step(self, actions: Mapping[AgentT, Any]) -> MAStepResult[AgentT]:
        """Take the actions of `acting`; the default calls `step`."""
        return self.step(actions)

    def view(self, agent: AgentT, others: Mapping[str, Policy] | None = None) -> "Env[Any, Any]":
        """Return this environment as `agent` sees it: an `Env` whose `step` goes on until the agent's next turn.

        `others` has a policy for every other agent, by the name of the agent or of its role. A policy is a function of
        an observation, or an object with `act(observation)` and perhaps `reset(seed)`. Its seed depends on its name, so
        that another policy changes nothing for it, and on the environment's `session`, (seed, episode), if it has one.
        Raises `MissingPolicy` for an agent without a policy.
        """
        return AgentView(cast(MultiAgentEnv, self), agent, others)

    def wrap(
        self, wrapper: type[Env[Any, Any]], *args: Any, agents: Sequence[str] | None = None, **kwargs: Any
    ) -> "MultiAgentEnv[AgentT]":
        """Return this environment with `wrapper(env, *args, **kwargs)` around each agent, or around `agents` only.

        `wrapper` is a subclass of `Wrapper`, `agents` are names of agents or of roles. Each agent gets its own
        instance when it first appears. Raises `UnsupportedWrapper` for a wrapper with a `step` or `reset` of its own.
        """
        recipe = Recipe(wrapper, agents, args, kwargs)
        recipe.check(
            "agent only: use the hooks observation, reward, action, on_reset and on_step; EpisodeWrapper for what "
            "concerns the whole episode; ProgramWrapper for what takes several steps"
        )
        around: Any = wrapper
        return around.around_agents(self, recipe)  # type: ignore[no-any-return]


class AgentView(Derived, Env[Any, Any]):
    """The environment `multi` as `agent` sees it; made by `multi.view(agent, others)`."""

    below = "multi"

    def __init__(self, multi: MultiAgentEnv, agent: AgentID, others: Mapping[str, Policy] | None = None) -> None:
        self.multi = multi
        self.agent = agent
        self.observation_space = multi.observation_space(agent)
        self.action_space = multi.action_space(agent)
        others = seated(multi, [other for other in multi.possible_agents if other != agent], others)
        self._policies = policies_of(multi, agent, others)
        self._others = dict(others or {})
        self._alone = not self._policies
        self._step = multi.step
        self._step_alone = getattr(multi, "step_alone", None) if self._alone else None
        self._waiting: Mapping[AgentID, Any] = {}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> ResetResult[Any]:
        """Begin an episode and go on to this agent's first turn.

        Raises `SekaiError` if the episode ends before the agent appears.
        """
        return run(self.multi, self._begin(seed, options))

    def step(self, action: Any) -> StepResult[Any]:
        """Take this agent's action and go on to its next turn, or to its end."""
        if self._step_alone is not None:
            return self._step_alone(action)  # type: ignore[no-any-return]
        if not self._alone:
            return run(self.multi, self._advance(action))
        result = self._step({self.agent: action})
        agent = self.agent
        try:
            observation = result.observations[agent]
        except KeyError:
            return run(self.multi, self._until_turn(result))
        return StepResult(
            observation, result.rewards[agent], result.terminated[agent], result.truncated[agent], result.info[agent]
        )

    def observe_into(self, out: Any, flat: Any) -> bool:
        """Let `multi` write, if it can step this agent alone."""
        return self._step_alone is not None and self.multi.observe_into(out, flat)

    async def async_reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> ResetResult[Any]:
        """Begin an episode, awaiting `multi`."""
        return await async_run(self.multi, self._begin(seed, options))

    async def async_step(self, action: Any) -> StepResult[Any]:
        """Take this agent's action, awaiting `multi`."""
        return await async_run(self.multi, self._advance(action))

    def as_multi_agent(self, agent: AgentID = "agent_0") -> MultiAgentEnv:
        """Return `multi` itself where this agent is its only one, else this view as one of many agents."""
        if self._alone and list(self.multi.possible_agents) == [self.agent] and agent in (self.agent, "agent_0"):
            return self.multi
        return super().as_multi_agent(agent)

    def action_mask(self) -> Any:
        """Return which actions are allowed to this agent now; None where all are."""
        return self.multi.action_masks().get(self.agent)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.agent!r} of {self.multi!r})>"

    def _begin(self, seed: int | None, options: dict[str, Any] | None) -> Program[ResetResult[Any]]:
        begun = yield Reset(seed, options)
        session = getattr(self.multi.unwrapped, "session", None) or ((seed, 0) if seed is not None else None)
        for name, policy in self._others.items():
            restart = getattr(policy, "reset", None)
            if restart is not None:
                restart(None if session is None else policy_seed(session[0], name, session[1]))
        if self.agent in begun.observations:
            self._waiting = begun.observations
            return ResetResult(begun.observations[self.agent], begun.info[self.agent])
        first = yield from self._play_on(begun.observations)
        if self.agent not in first.observations:
            raise SekaiError(f"the episode ended before {self.agent!r} had a turn")
        return ResetResult(first.observations[self.agent], first.info[self.agent])

    def _advance(self, action: Any) -> Program[StepResult[Any]]:
        actions = self._others_act(self._waiting)
        actions[self.agent] = action
        result = yield Step(actions)
        return (yield from self._until_turn(result))

    def _until_turn(self, result: MAStepResult) -> Program[StepResult[Any]]:
        agent = self.agent
        if agent in result.observations:
            self._waiting = result.observations
        else:
            result = yield from self._play_on(result.observations)
        if agent not in result.observations:
            raise SekaiError(f"the episode ended without a last result for {agent!r}")
        return StepResult(
            result.observations[agent], result.rewards[agent], result.terminated[agent], result.truncated[agent],
            result.info[agent],
        )  # fmt: skip

    def _play_on(self, observations: Mapping[AgentID, Any]) -> Program[MAStepResult]:
        """Let the others play until this agent has an entry in the result, or the episode is over."""
        while True:
            if not self.multi.acting:
                raise SekaiError(f"nobody acts in {self.multi!r}, but the episode is not over for {self.agent!r}")
            result: MAStepResult = yield Step(self._others_act(observations))
            observations = result.observations
            if self.agent in observations or result.all_done:
                self._waiting = observations
                return result

    def _others_act(self, observations: Mapping[AgentID, Any]) -> dict[AgentID, Any]:
        policies = self._policies
        return {agent: policies[agent](observations[agent]) for agent in self.multi.acting if agent != self.agent}


class SoloEnv(Derived, MultiAgentEnv):
    """An `Env` as an environment of many agents with a single one; made by `env.as_multi_agent(agent)`."""

    def __init__(self, env: Env[Any, Any], agent: AgentID = "agent_0") -> None:
        self.env = env
        self.agent = agent
        self.possible_agents = [agent]
        self.agents: list[AgentID] = [agent]
        self.observation_spaces = {agent: env.observation_space}
        self.action_spaces = {agent: env.action_space}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> MAResetResult:
        """Begin an episode."""
        return self._begun(self.env.reset(seed=seed, options=options))

    def step(self, actions: Mapping[AgentID, Any]) -> MAStepResult:
        """Take the one agent's action."""
        return self._stepped(self.env.step(actions[self.agent]))

    async def async_reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> MAResetResult:
        """Begin an episode, awaiting `env`."""
        return self._begun(await self.env.async_reset(seed=seed, options=options))

    async def async_step(self, actions: Mapping[AgentID, Any]) -> MAStepResult:
        """Take the one agent's action, awaiting `env`."""
        return self._stepped(await self.env.async_step(actions[self.agent]))

    def view(self, agent: AgentID, others: Mapping[str, Policy] | None = None) -> Env[Any, Any]:
        """Return `env` itself."""
        return self.env if agent == self.agent and not others else super().view(agent, others)

    def action_masks(self) -> Mapping[AgentID, Any]:
        """Return the action mask of `env`, if it has one."""
        mask = self.env.action_mask()
        return {} if mask is None else {self.agent: mask}

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.env!r})>"

    def _begun(self, begun: ResetResult[Any]) -> MAResetResult:
        self.agents = [self.agent]
        return MAResetResult({self.agent: begun.observation}, {self.agent: begun.info})

    def _stepped(self, result: StepResult[Any]) -> MAStepResult:
        agent = self.agent
        if result.terminated or result.truncated:
            self.agents = []
        return MAStepResult(
            {agent: result.observation},
            {agent: result.reward},
            {agent: result.terminated},
            {agent: result.truncated},
            {agent: result.info},
        )


def _of_agent(spaces: "Mapping[AgentT, Space[Any]]", agent: AgentT) -> "Space[Any]":
    try:
        return spaces[agent]
    except KeyError:
        raise SekaiError(f"agent must be one of {list(spaces)}, got {agent!r}.{did_you_mean(agent, spaces)}") from None
