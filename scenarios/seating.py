"""Who plays which seat: compiled policies sit inside the engine, Python ones and learners outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sekai.agents import policy as named_policy
from sekai.agents.base import CompiledAgent, PlayedPolicy, PythonAgent
from sekai.error import SekaiError, did_you_mean

if TYPE_CHECKING:
    from sekai.markets.envs import MarketEnv
    from sekai.scenarios.schema import Scenario

__all__ = ["PolicyChoice", "players", "seat", "seat_policies"]

PolicyChoice = str | CompiledAgent | PythonAgent


def seat_policies(scenario: Scenario, choices: Mapping[str, PolicyChoice]) -> dict[str, CompiledAgent | PythonAgent]:
    """Return who plays each seat: the scenario's own policies, but for those chosen, by name or as an object.

    Raises `SekaiError` for a seat or a policy that there is not.
    """
    policies = scenario.policies
    for name, choice in choices.items():
        if name not in policies:
            hint = did_you_mean(name, policies)
            raise SekaiError(f"policies must be for seats out of {', '.join(policies)}, got {name!r}.{hint}")
        policies[name] = named_policy(choice) if isinstance(choice, str) else choice
    return policies


def seat(
    scenario: Scenario,
    policies: Mapping[str, CompiledAgent | PythonAgent],
    *,
    record: bool = False,
) -> MarketEnv:
    """Return the market with the compiled ones of these policies in their seats; all other seats are its agents."""
    from sekai.markets.envs import MarketEnv

    inside = {name: policy for name, policy in policies.items() if isinstance(policy, CompiledAgent)}
    return MarketEnv(scenario.as_market(inside), record=record, content_hash=scenario.content_hash)


def players(env: MarketEnv, policies: Mapping[str, Any]) -> dict[str, PlayedPolicy]:
    """Return the players of the Python ones of these policies, fitted to the seats that they play in `env`."""
    found: dict[str, PlayedPolicy] = {}
    for name, policy in policies.items():
        if isinstance(policy, CompiledAgent):
            continue
        if isinstance(policy, PythonAgent):
            found[name] = policy.player(env.observation_space(name), env.action_space(name))
        elif callable(policy) or hasattr(policy, "act"):
            found[name] = policy  # plays as it stands
        else:
            raise SekaiError(f"policy of {name!r} must have a kernel, make a player, or act, got {policy!r}")
    return found
