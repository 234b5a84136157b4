"""The policies by name: what a scenario's `kind`, `--policy SEAT=NAME` and `policy(name)` may say.

A distribution adds its own by an entry point of group `sekai.agents`. The entry point's name is the policy's; its value
is a frozen dataclass of the policy's parameters, derived from `sekai.utils.Checked`, with a field
`kind: Literal[name] = name`. It is a `CompiledPolicy` (`kernel` and `parameters`), or a `Policy` with `seated`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final, get_args, get_type_hints

from sekai.agents.compiled.avellaneda_stoikov import AvellanedaStoikov
from sekai.agents.compiled.momentum import Momentum
from sekai.agents.compiled.noise import NoiseTrader
from sekai.agents.python.constant_spread import ConstantSpread
from sekai.agents.python.hold import Hold
from sekai.agents.python.uniform import Uniform
from sekai.core import Policy
from sekai.error import LoaderError, SekaiError, did_you_mean
from sekai.markets.sdk import CompiledPolicy
from sekai.utils import Checked

__all__ = ["GROUP", "is_compiled", "left_out", "policies", "policy"]

GROUP: Final = "sekai.agents"
_OURS: Final[dict[str, type[Any]]] = {
    "avellaneda_stoikov": AvellanedaStoikov,
    "constant_spread": ConstantSpread,
    "hold": Hold,
    "momentum": Momentum,
    "noise": NoiseTrader,
    "uniform": Uniform,
}


def policies() -> Mapping[str, type[Any]]:
    """Return the classes of all policies by name: ours, and those of installed entry points. They are read once."""
    return _table()[0]


def left_out() -> Mapping[str, str]:
    """Return, by name, the entry points that cannot be used, and why."""
    return _table()[1]


def policy(name: str, **parameters: Any) -> Policy | CompiledPolicy:
    """Return the policy of that name with these parameters, the rest at their defaults.

    Raises `SekaiError` for a name that no policy has, naming those that there are, and `LoaderError` for an entry point
    that cannot be used.

    >>> policy("avellaneda_stoikov", risk_aversion=0.2).kind
    'avellaneda_stoikov'
    """
    if name in left_out():
        raise LoaderError(f"policy {name!r} cannot be used: {left_out()[name]}")
    known = policies()
    if name not in known:
        raise SekaiError(f"policy must be one of {', '.join(known)}, got {name!r}.{did_you_mean(name, known)}")
    made: Policy | CompiledPolicy = known[name](**parameters)
    return made


def is_compiled(cls: type[Any]) -> bool:
    """Say whether the policies of a class decide inside the engine."""
    return hasattr(cls, "kernel") and hasattr(cls, "parameters")


@cache
def _table() -> tuple[Mapping[str, type[Any]], Mapping[str, str]]:
    from importlib.metadata import entry_points

    found, faults = dict(_OURS), {}
    for point in entry_points(group=GROUP):
        try:
            cls = point.load()
            fault = "the name is taken" if point.name in found else _fault(cls, point.name)
        except Exception as error:  # whatever a stranger's module does when it is imported
            fault = f"{type(error).__name__}: {error}"
        if not fault:
            found[point.name] = cls
        elif point.name not in found:
            faults[point.name] = f"entry point {point.value}: {fault}"
    return MappingProxyType(dict(sorted(found.items()))), MappingProxyType(faults)


def _fault(cls: Any, name: str) -> str:
    """Return what keeps a class from being the policy `name` of a scenario file; nothing where it can be."""
    from pydantic import TypeAdapter

    if not (isinstance(cls, type) and issubclass(cls, Checked) and is_dataclass(cls)):
        return f"it must be a dataclass derived from sekai.utils.Checked, got {cls!r}"
    if not cls.__dataclass_params__.frozen:
        return "it must be frozen: @dataclass(frozen=True)"
    if get_args(get_type_hints(cls).get("kind")) != (name,):
        return f"it must have a field kind: Literal[{name!r}] = {name!r}"
    if not is_compiled(cls) and not hasattr(cls, "seated"):
        return "it must have kernel and parameters, or seated(observation_space, action_space)"
    TypeAdapter(cls)
    return ""
