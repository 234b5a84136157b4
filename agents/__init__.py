"""Whoever decides: compiled kernels that live inside a market, and policies in plain Python that stand outside."""

if __name__ != "sekai.agents":
    raise ImportError("this folder is imported as sekai.agents, not as agents")

from sekai.agents.base import CompiledAgent, PlayedPolicy, Policy, PythonAgent
from sekai.agents.compiled.avellaneda_stoikov import AvellanedaStoikov
from sekai.agents.compiled.momentum import Momentum
from sekai.agents.compiled.noise import NoiseTrader
from sekai.agents.named import POLICIES, policy
from sekai.agents.python.constant_spread import ConstantSpread
from sekai.agents.python.hold import Hold
from sekai.agents.python.uniform import Uniform

__all__ = [
    "POLICIES",
    "AvellanedaStoikov",
    "CompiledAgent",
    "ConstantSpread",
    "Hold",
    "Momentum",
    "NoiseTrader",
    "PlayedPolicy",
    "Policy",
    "PythonAgent",
    "Uniform",
    "policy",
]
