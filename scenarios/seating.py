"""Who plays which seat: compiled policies sit inside the engine, others and learners outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sekai.agents import CompiledPolicy, Policy
from sekai.agents.named import POLICIES
from sekai.error import SekaiError, did_you_mean

if TYPE_CHECKING:
    from sekai.markets.envs import MarketEnv
    from sekai.markets.envs.market import Record
    from sekai.scenarios.schema import Scenario

__all__ = ["Others", "named", "seat", "seat_policies"]

Others = Mapping[str, str | Policy | CompiledPolicy]


def named(others: Others | None, folder: str = "") -> dict[str, Policy | CompiledPolicy]:
    """Return `others` with each name of a policy replaced by that policy. Raises `SekaiError` for what is neither.

    A module of the user's own, `module:Class`, is looked for in `folder` first.
    """
    if others is not None and not isinstance(others, Mapping):
        raise SekaiError(f"others must say who plays which seat, {{seat: policy}}, got {others!r}")
    found = {
        name: POLICIES.find(one, folder)() if isinstance(one, str) else one for name, one in (others or {}).items()
    }
    for name, policy in found.items():
        is_policy = callable(policy) or hasattr(policy, "act") or hasattr(policy, "seated")
        if not (is_policy or isinstance(policy, CompiledPolicy)):
            raise SekaiError(f"policy of {name!r} must be a name, have a kernel, be callable or act, got {policy!r}")
    return found


def seat_policies(scenario: Scenario, others: Others | None) -> dict[str, Any]:
    """Return who plays each seat: the scenario's own policies but for `others`.

    Raises `SekaiError` for a seat or a policy that there is not.
    """
    policies = scenario.policies
    for name in others or {}:
        if name not in policies:
            hint = did_you_mean(name, policies)
            raise SekaiError(f"others must be for seats out of {', '.join(policies)}, got {name!r}.{hint}")
    return policies | named(others, scenario.folder)


def seat(scenario: Scenario, policies: Mapping[str, Policy | CompiledPolicy], *, record: Record = False) -> MarketEnv:
    """Return the market with the compiled ones of these policies in their seats; all other seats are its agents."""
    from sekai.markets.envs import MarketEnv

    inside = {name: policy for name, policy in policies.items() if isinstance(policy, CompiledPolicy)}
    return MarketEnv(scenario.as_market(inside), record=record, content_hash=scenario.content_hash)
