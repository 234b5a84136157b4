"""Experiments as data: TOML files that say who is in a market, what reads them, and every environment id of ours."""

if __name__ != "sekai.scenarios":
    raise ImportError("this folder is imported as sekai.scenarios, not as scenarios")

from sekai.scenarios.loader import ScenarioError, UnknownScenario, load, names, parse

__all__ = ["ScenarioError", "UnknownScenario", "load", "names", "parse"]
