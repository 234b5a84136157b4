"""The policies by name: what a scenario's `kind`, `--policy SEAT=NAME` and `policy(name)` may say.

One of your own is `module:Class`, or an entry point of group `sekai.agents` in an installed distribution. The class is
a frozen dataclass of the policy's parameters, derived from `sekai.utils.Checked`. It is a `CompiledPolicy` (`kernel`
and `parameters`), or a `Policy` with `act` or `seated`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sekai.agents.compiled.avellaneda_stoikov import AvellanedaStoikov
from sekai.agents.compiled.momentum import Momentum
from sekai.agents.compiled.noise import NoiseTrader
from sekai.agents.python.constant_spread import ConstantSpread
from sekai.agents.python.hold import Hold
from sekai.agents.python.uniform import Uniform
from sekai.core import Policy
from sekai.markets.sdk import CompiledPolicy
from sekai.utils import Checked
from sekai.utils.kinds import Kinds

__all__ = ["COMPILED", "POLICIES", "policies", "policy"]

_GROUP: Final = "sekai.agents"
_COMPILED = (AvellanedaStoikov, Momentum, NoiseTrader)


def _lacks_kernel(cls: type[Any]) -> str:
    is_compiled = hasattr(cls, "kernel") and hasattr(cls, "parameters")
    return "" if is_compiled else "it must have kernel and parameters"


def _lacks_all(cls: type[Any]) -> str:
    decides = hasattr(cls, "act") or hasattr(cls, "seated") or not _lacks_kernel(cls)
    return "" if decides else "it must have kernel and parameters, or act(observation), or seated(...)"


POLICIES: Final = Kinds("policy", Checked, (*_COMPILED, ConstantSpread, Hold, Uniform), group=_GROUP, check=_lacks_all)
COMPILED: Final = Kinds("compiled policy", Checked, _COMPILED, group=_GROUP, check=_lacks_kernel)


def policies() -> Mapping[str, type[Any]]:
    """Return the classes of all policies by name: ours, and those of installed entry points. They are read once."""
    return POLICIES.classes


def policy(name: str, **parameters: Any) -> Policy | CompiledPolicy:
    """Return the policy of that name with these parameters, the rest at their defaults.

    Raises `SekaiError` for a name that no policy has, naming those that there are, and `LoaderError` for a class that
    cannot be imported or used.

    >>> policy("avellaneda_stoikov", risk_aversion=0.2).kind
    'avellaneda_stoikov'
    """
    made: Policy | CompiledPolicy = POLICIES.find(name)(**parameters)
    return made
