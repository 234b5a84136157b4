"""Policies in plain Python, to read and to start from: they stand outside the market and act on observations."""

from sekai.agents.python.constant_spread import ConstantSpread
from sekai.agents.python.hold import Hold
from sekai.agents.python.uniform import Uniform

__all__ = ["ConstantSpread", "Hold", "Uniform"]
