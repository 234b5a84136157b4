"""Agents by name: their roles, the policies that play them, and what is wrong with names and actions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from sekai.core.result import AgentID
from sekai.error import InvalidAgents, MissingPolicy, SekaiError, did_you_mean

__all__ = ["Policy", "agents_named", "policies_of", "role", "roles_of", "seated", "wrong_agents"]


class _Acting(Protocol):
    """A policy that is an object; it may also have `reset(seed)`, which is called when an episode begins."""

    def act(self, observation: Any) -> Any:
        """Return the action for this observation."""
        ...


class _Seatable(Protocol):
    """A policy that must know the spaces of its agent before it can act."""

    def seated(self, observation_space: Any, action_space: Any) -> "Policy":
        """Return the policy, ready to act; raises `SekaiError` where it does not fit these spaces."""
        ...


Policy: TypeAlias = Callable[[Any], Any] | _Acting | _Seatable
"""Who decides: a function of the observation, an object with `act`, or one whose `seated` returns either."""


def role(agent: AgentID) -> str:
    """Return the agent's role: its name without a trailing number.

    >>> role("maker_0"), role("taker"), role("type_2_7")
    ('maker', 'taker', 'type_2')
    """
    stem, _, number = agent.rpartition("_")
    return stem if stem and number.isdecimal() else agent


def roles_of(env: Any) -> dict[AgentID, str]:
    """Return the role of each agent of a `MultiAgentEnv`, or of rows of one: the group that it is in."""
    return {agent: group for group, agents in env.groups.items() for agent in agents}


def policies_of(env: Any, agent: AgentID, others: Mapping[str, Any] | None) -> dict[AgentID, Callable[[Any], Any]]:
    """Return a function from observation to action for each agent of `env` but `agent`.

    It is the agent's own policy in `others`, or else its role's. Raises `MissingPolicy` for an agent without one, and
    `SekaiError` for a name that fits no agent and for a value that is neither callable nor has a method `act`.
    """
    if others is not None and not isinstance(others, Mapping):
        raise SekaiError(f"others must be a mapping of agents or roles to policies, got {others!r}")
    named = others or {}
    roles = roles_of(env)
    rest = [other for other in env.possible_agents if other != agent]
    policies: dict[AgentID, Callable[[Any], Any]] = {}
    for other in rest:
        policy = named.get(other, named.get(roles[other]))
        if policy is None:
            raise MissingPolicy(f"view({agent!r}) needs a policy for {other!r}: others={{{other!r}: policy}}")
        act = getattr(policy, "act", policy)
        if not callable(act):
            raise SekaiError(f"others must be policies, callable or with a method act: {other!r} has {policy!r}")
        policies[other] = act
    for name in named:
        if name not in rest and name not in (roles[other] for other in rest):
            raise SekaiError(f"others must name agents out of {rest}, got {name!r}.{did_you_mean(name, rest)}")
    return policies


def seated(env: Any, agents: Sequence[AgentID], policies: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return `policies`, of agents or roles, ready to act for `agents` of the `MultiAgentEnv` `env`.

    A policy with a method `seated` is given its agent's spaces, and what it returns stands under the agent's name.
    Raises `SekaiError` for a policy that does not fit the spaces of one of its agents.
    """
    if not isinstance(policies, Mapping):
        return policies
    found, roles = dict(policies), roles_of(env)
    for agent in agents:
        fit = getattr(policies.get(agent, policies.get(roles[agent])), "seated", None)
        if fit is not None:
            found[agent] = fit(env.observation_space(agent), env.action_space(agent))
    return found


def agents_named(env: Any, names: Iterable[str] | str) -> frozenset[AgentID]:
    """Return the agents of a `MultiAgentEnv` that `names`, of agents or of roles, stand for.

    Raises `SekaiError` for a name that is neither.
    """
    wanted = [names] if isinstance(names, str) else list(names)
    roles = roles_of(env)
    known = [*roles, *roles.values()]
    for name in wanted:
        if name not in known:
            raise SekaiError(
                f"agents must name agents or roles, {[*roles]} or {[*env.groups]}, got {name!r}."
                f"{did_you_mean(name, known)}"
            )
    return frozenset(agent for agent, group in roles.items() if agent in wanted or group in wanted)


def wrong_agents(env: Any, actions: Any) -> InvalidAgents:
    """Return the error for `actions` that are not for exactly `env.acting`: it names missing and extra agents."""
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
