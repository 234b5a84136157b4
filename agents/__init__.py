"""Whoever decides: compiled kernels that live inside a market, and policies in plain Python that stand outside."""

from .base import CompiledAgent, PlayedPolicy, Policy, PythonAgent
from .compiled.avellaneda_stoikov import AvellanedaStoikov
from .compiled.momentum import Momentum
from .compiled.noise import NoiseTrader
from .named import POLICIES, policy
from .python.constant_spread import ConstantSpread
from .python.hold import Hold
from .python.uniform import Uniform

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
