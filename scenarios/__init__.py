"""Experiments as data: TOML files that say who is in a market, what reads them, and every environment id of ours."""

from scenarios.loader import ScenarioError, UnknownScenario, load, names, parse

__all__ = ["ScenarioError", "UnknownScenario", "load", "names", "parse"]
