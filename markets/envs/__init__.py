"""Market environments. Each is a `MultiAgentEnv` that is handed its population."""

from .market import MarketEnv, MarketView

__all__ = ["MarketEnv", "MarketView"]
