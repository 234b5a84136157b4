"""Market environments. Each is a `MultiAgentEnv` that is handed its population."""

from sekai.markets.envs.market import MarketEnv, SeatView, TopOfBook

__all__ = ["MarketEnv", "SeatView", "TopOfBook"]
