"""Market environments. Each is a `MultiAgentEnv` that is handed its population."""

from sekai.markets.envs.market import MarketEnv

__all__ = ["MarketEnv"]
