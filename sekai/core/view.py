"""One agent of many, and many that are one: the two faces of a world, and the way between them.

A view steps its world until its agent's turn comes round, asking the others' policies meanwhile. Since a result holds
complete transitions only, the agent's own entry of it is its `StepResult` as it stands.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sekai.core.env import Env
from sekai.core.flow import Program, Reset, Step, async_run, run
from sekai.core.multi_agent import MultiAgentEnv, Policy, role
from sekai.core.result import AgentID, MAResetResult, MAStepResult, ResetResult, StepResult
from sekai.core.seeding import policy_seed
from sekai.error import MissingPolicy, SekaiError, did_you_mean

if TYPE_CHECKING:
    import numpy as np

    from sekai.registry.spec import EnvSpec

__all__ = ["AgentView", "SoloEnv", "assigned", "seated"]


def assigned(
    agent: AgentID, possible: Sequence[AgentID], others: Mapping[str, Any] | None
) -> dict[AgentID, Callable[[Any], Any]]:
    """Return how each of the `possible` agents but `agent` acts: by its own policy in `others`, or by its role's.

    Raises `MissingPolicy` for an agent that nobody plays, and `SekaiError` for a name that is nobody's and for what is
    no policy: neither callable nor with a method `act`.
    """
    if others is not None and not isinstance(others, Mapping):
        raise SekaiError(f"others must be a mapping of agents or roles to policies, got {others!r}")
    named = others or {}
    rest = [other for other in possible if other != agent]
    policies: dict[AgentID, Callable[[Any], Any]] = {}
    for other in rest:
        policy = named.get(other, named.get(role(other)))
        if policy is None:
            raise MissingPolicy(f"view({agent!r}) needs a policy for {other!r}: others={{{other!r}: policy}}")
        act = getattr(policy, "act", policy)
        if not callable(act):
            raise SekaiError(f"others must be policies, callable or with a method act: {other!r} has {policy!r}")
        policies[other] = act
    for name in named:
        if name not in rest and name not in map(role, rest):
            raise SekaiError(f"others must name agents out of {rest}, got {name!r}.{did_you_mean(name, rest)}")
    return policies


def seated(
    multi: MultiAgentEnv, agents: Sequence[AgentID], policies: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    """Return `policies` of agents or roles; one that must know its spaces (`policy.seated`) now stands by each agent.

    Raises `SekaiError` for a policy that does not fit the spaces of one of its `agents`.
    """
    if not isinstance(policies, Mapping):
        return policies
    found = dict(policies)
    for agent in agents:
        fit = getattr(policies.get(agent, policies.get(role(agent))), "seated", None)
        if fit is not None:
            found[agent] = fit(multi.observation_space(agent), multi.action_space(agent))
    return found


class AgentView(Env[Any, Any]):
    """The world `multi` as `agent` sees it; made by `multi.view(agent, others)`."""

    def __init__(self, multi: MultiAgentEnv, agent: AgentID, others: Mapping[str, Policy] | None = None) -> None:
        self.multi = multi
        self.agent = agent
        self.observation_space = multi.observation_space(agent)
        self.action_space = multi.action_space(agent)
        others = seated(multi, [other for other in multi.possible_agents if other != agent], others)
        self._policies = assigned(agent, multi.possible_agents, others)
        self._others = dict(others or {})
        self._alone = not self._policies
        self._step = multi.step
        self._waiting: Mapping[AgentID, Any] = {}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> ResetResult[Any]:
        """Begin an episode and play on to this agent's first turn.

        Raises `SekaiError` if the episode ends before the agent appears.
        """
        return run(self.multi, self._begin(seed, options))

    def step(self, action: Any) -> StepResult[Any]:
        """Take this agent's action, then play on to its next turn, or to its end."""
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

    async def async_reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> ResetResult[Any]:
        """Begin an episode, awaiting the world."""
        return await async_run(self.multi, self._begin(seed, options))

    async def async_step(self, action: Any) -> StepResult[Any]:
        """Take this agent's action, awaiting the world."""
        return await async_run(self.multi, self._advance(action))

    def as_multi_agent(self, agent: AgentID = "agent_0") -> MultiAgentEnv:
        """Return the world itself where this agent is the only one in it, else this view with a single seat."""
        if self._alone and list(self.multi.possible_agents) == [self.agent] and agent in (self.agent, "agent_0"):
            return self.multi
        return super().as_multi_agent(agent)

    def action_mask(self) -> Any:
        """Return which actions are allowed to this agent now; None where all are."""
        return self.multi.action_masks().get(self.agent)

    def close(self) -> None:
        """Close the world."""
        self.multi.close()

    @property
    def rng(self) -> "np.random.Generator":
        """The world's random stream."""
        return self.multi.rng

    @property
    def spec(self) -> "EnvSpec | None":
        """The world's spec."""
        return self.multi.spec

    @spec.setter
    def spec(self, spec: "EnvSpec | None") -> None:
        self.multi.spec = spec

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


class SoloEnv(MultiAgentEnv):
    """An `Env` as a world with one seat; made by `env.as_multi_agent(agent)`."""

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
        """Begin an episode, awaiting the environment."""
        return self._begun(await self.env.async_reset(seed=seed, options=options))

    async def async_step(self, actions: Mapping[AgentID, Any]) -> MAStepResult:
        """Take the one agent's action, awaiting the environment."""
        return self._stepped(await self.env.async_step(actions[self.agent]))

    def view(self, agent: AgentID, others: Mapping[str, Policy] | None = None) -> Env[Any, Any]:
        """Return the environment itself."""
        return self.env if agent == self.agent and not others else super().view(agent, others)

    def action_masks(self) -> Mapping[AgentID, Any]:
        """Return the environment's action mask for its one agent, if it has one."""
        mask = self.env.action_mask()
        return {} if mask is None else {self.agent: mask}

    def close(self) -> None:
        """Close the environment."""
        self.env.close()

    @property
    def rng(self) -> "np.random.Generator":
        """The environment's random stream."""
        return self.env.rng

    @property
    def spec(self) -> "EnvSpec | None":
        """The environment's spec."""
        return self.env.spec

    @spec.setter
    def spec(self, spec: "EnvSpec | None") -> None:
        self.env.spec = spec

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
