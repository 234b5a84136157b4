"""Agents that live inside the engine: one kernel a file, over the verbs of `markets.sdk`."""

from .avellaneda_stoikov import AvellanedaStoikov
from .momentum import Momentum
from .noise import NoiseTrader

__all__ = ["AvellanedaStoikov", "Momentum", "NoiseTrader"]
