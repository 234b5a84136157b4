"""The policies by name: what a scenario's `kind`, and `--policy SEAT=NAME`, may say."""

from __future__ import annotations

from typing import Any, Final

from sekai.agents.base import CompiledAgent, PythonAgent
from sekai.agents.compiled.avellaneda_stoikov import AvellanedaStoikov
from sekai.agents.compiled.momentum import Momentum
from sekai.agents.compiled.noise import NoiseTrader
from sekai.agents.python.constant_spread import ConstantSpread
from sekai.agents.python.hold import Hold
from sekai.agents.python.uniform import Uniform
from sekai.error import SekaiError, did_you_mean

__all__ = ["POLICIES", "policy"]

POLICIES: Final[dict[str, type[Any]]] = {
    "avellaneda_stoikov": AvellanedaStoikov,
    "constant_spread": ConstantSpread,
    "hold": Hold,
    "momentum": Momentum,
    "noise": NoiseTrader,
    "uniform": Uniform,
}


def policy(name: str, **parameters: Any) -> CompiledAgent | PythonAgent:
    """Return the policy of that name with these parameters, the rest at their defaults.

    Raises `SekaiError` for a name that no policy has, naming those that there are.

    >>> policy("avellaneda_stoikov", risk_aversion=0.2).kind
    'avellaneda_stoikov'
    """
    if name not in POLICIES:
        raise SekaiError(f"policy must be one of {', '.join(POLICIES)}, got {name!r}.{did_you_mean(name, POLICIES)}")
    made: CompiledAgent | PythonAgent = POLICIES[name](**parameters)
    return made
