"""Agents that live inside the engine: one kernel a file, over the verbs of `sekai.markets.sdk`."""

from sekai.agents.compiled.avellaneda_stoikov import AvellanedaStoikov
from sekai.agents.compiled.momentum import Momentum
from sekai.agents.compiled.noise import NoiseTrader

__all__ = ["AvellanedaStoikov", "Momentum", "NoiseTrader"]
