"""A world with many agents, and turns.

`agents` are alive. `acting`, a subset, must act now; it is everybody where everybody keeps one clock. `step` takes
actions for exactly `acting`, and answers with complete transitions only: its agents are those that act next and those
that have just finished, and a reward is all that an agent earned since its last action. Agents may die and join.
While somebody is alive somebody acts, so the episode is over when everyone in a result is done.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, cast

from sekai.core.result import AgentID, AgentT, MAResetResult, MAStepResult
from sekai.core.world import Required, World, run_coroutine
from sekai.error import InvalidAgents, SekaiError, did_you_mean

if TYPE_CHECKING:
    from sekai.core.env import Env
    from sekai.core.wrapper import Wrapper
    from sekai.spaces.space import Space

__all__ = ["MultiAgentEnv", "Policy", "role", "wrong_agents"]


class _Acting(Protocol):
    """A policy that is an object; it may have `reset(seed)` too, called as each episode begins."""

    def act(self, observation: Any) -> Any:
        """Return the action for this observation."""
        ...


class _Seatable(Protocol):
    """A policy that must know the spaces of its agent before it can act."""

    def seated(self, observation_space: Any, action_space: Any) -> "Policy":
        """Return the policy, ready to act; raises `SekaiError` where it does not fit these spaces."""
        ...


Policy: TypeAlias = Callable[[Any], Any] | _Acting | _Seatable
"""Who decides: a function of the observation, an object with `act`, or one with `seated` that returns such."""


def role(agent: AgentID) -> str:
    """Return the agent's role: its name without a trailing number.

    >>> role("maker_0"), role("taker"), role("type_2_7")
    ('maker', 'taker', 'type_2')
    """
    stem, _, number = agent.rpartition("_")
    return stem if stem and number.isdecimal() else agent


class _AllAlive:
    """`acting` where nothing else is said: everybody alive. An instance attribute or a property overrides it."""

    def __get__(self, env: "MultiAgentEnv[Any] | None", owner: type) -> Any:
        return self if env is None else env.agents


class MultiAgentEnv(World, Generic[AgentT]):
    """Many agents' environment; spaces, observations, rewards and infos are dicts by agent, who are called `AgentT`."""

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
        """The agents of each role, in the order of `possible_agents`: maker_0 and maker_1 are of role maker."""
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

        With a seed the episode is fully determined; without one the current stream goes on.
        """
        if type(self).async_reset is MultiAgentEnv.async_reset:
            raise NotImplementedError(f"{type(self).__name__} must define reset(self, *, seed=None, options=None)")
        return run_coroutine(self, "reset", self.async_reset(seed=seed, options=options))  # type: ignore[no-any-return]

    def step(self, actions: Mapping[AgentT, Any]) -> MAStepResult[AgentT]:
        """Take the actions of exactly `acting`; return the transitions that are complete, of whoever acts next or died.

        The episode is over when `result.all_done`.
        """
        if type(self).async_step is MultiAgentEnv.async_step:
            raise NotImplementedError(f"{type(self).__name__} must define step(self, actions)")
        return run_coroutine(self, "step", self.async_step(actions))  # type: ignore[no-any-return]

    def settle(self, agents: Sequence[AgentT]) -> MAStepResult[AgentT]:
        """Hand out, and consume, observation and reward so far of these agents, who are alive and wait for their turn.

        Nothing else changes: time stands still and turns stay. A limit ends everybody in this way. The default serves
        environments where everybody keeps one clock, so that nobody ever waits.
        """
        if agents:
            raise SekaiError(
                f"{type(self).__name__}.settle is not defined, but {list(agents)} wait for their turn: "
                "an environment whose agents keep different clocks must define settle(agents)"
            )
        return MAStepResult({}, {}, {}, {}, {})

    def action_masks(self) -> Mapping[AgentT, Any]:
        """Return which actions are allowed now, by agent, as its space's `sample(mask)` takes it.

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
        """Return this world as `agent` sees it: an `Env` that steps on until that agent's turn.

        `others` names who plays the rest: by agent, or by role for all of that role. A policy is a callable on an
        observation, or has `act(observation)` and perhaps `reset(seed)`; its seed belongs to its name, so that
        adding a policy changes no other, and to the env's `session`, (seed, episode), where it has one.
        Raises `MissingPolicy` if somebody is played by nobody.
        """
        from sekai.core.view import AgentView

        return AgentView(cast(MultiAgentEnv, self), agent, others)

    def wrap(
        self, wrapper: "type[Wrapper[Any, Any]]", *args: Any, agents: Sequence[str] | None = None, **kwargs: Any
    ) -> "MultiAgentEnv[AgentT]":
        """Return this world with `wrapper(env, *args, **kwargs)` around each agent, or around `agents` only.

        `agents` are names of agents or of roles. Each agent gets its own instance, born when the agent first appears.
        """
        from sekai.core.wrapper import Recipe, wrap_many

        recipe = Recipe(wrapper, agents, args, kwargs)
        return cast(MultiAgentEnv[AgentT], wrap_many(cast(MultiAgentEnv, self), recipe))


def wrong_agents(env: MultiAgentEnv[Any], actions: Any) -> InvalidAgents:
    """Return the error that says why `actions` are not for exactly `env.acting`: who is missing, and who is extra."""
    acting = list(env.acting)
    if not isinstance(actions, Mapping):
        return InvalidAgents(f"actions must be a mapping by agent, for exactly {acting}, got {actions!r}")
    missing = [agent for agent in acting if agent not in actions]
    parts = [f"missing {missing}"] if missing else []
    for agent in actions:
        if agent in acting:
            continue
        if agent in env.agents:
            why = " (it waits for its turn)"
        else:
            why = " (it is not alive)" if agent in env.possible_agents else did_you_mean(agent, acting)
        parts.append(f"extra {agent!r}{why}")
    return InvalidAgents(f"actions must be for exactly {acting}: {', '.join(parts)}")


def _of_agent(spaces: "Mapping[AgentT, Space[Any]]", agent: AgentT) -> "Space[Any]":
    try:
        return spaces[agent]
    except KeyError:
        raise SekaiError(f"agent must be one of {list(spaces)}, got {agent!r}.{did_you_mean(agent, spaces)}") from None
