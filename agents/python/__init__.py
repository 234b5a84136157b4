"""Policies in plain Python, to read and to start from: they stand outside the market and act on observations."""

from .constant_spread import ConstantSpread
from .hold import Hold
from .uniform import Uniform

__all__ = ["ConstantSpread", "Hold", "Uniform"]
