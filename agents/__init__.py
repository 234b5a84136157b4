"""Whoever decides: compiled kernels that live inside a market, and policies in plain Python that stand outside."""

if __name__ != "sekai.agents":
    raise ImportError("this folder is imported as sekai.agents, not as agents")

from sekai.agents.compiled.avellaneda_stoikov import AvellanedaStoikov
from sekai.agents.compiled.momentum import Momentum
from sekai.agents.compiled.noise import NoiseTrader
from sekai.agents.named import policies, policy
from sekai.agents.python.constant_spread import ConstantSpread
from sekai.agents.python.hold import Hold
from sekai.agents.python.uniform import Uniform
from sekai.core import Policy
from sekai.markets.sdk import CompiledPolicy

__all__ = [
    "AvellanedaStoikov",
    "CompiledPolicy",
    "ConstantSpread",
    "Hold",
    "Momentum",
    "NoiseTrader",
    "Policy",
    "Uniform",
    "policies",
    "policy",
]
