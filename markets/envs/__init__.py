"""Market environments. Each is a `MultiAgentEnv` that is handed its population."""

from .market import MarketEnv, MarketView, TopOfBook

__all__ = ["MarketEnv", "MarketView", "TopOfBook"]
