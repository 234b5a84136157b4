"""For people who write environments, layers and policies: worlds to test them with, and tests to inherit.

Strategies for hypothesis are in `sekai.testing.strategies`, which needs that library.
"""

from typing import TYPE_CHECKING, Any

from sekai.testing.doubles import ClockworkEnv, CountingEnv, EchoEnv

if TYPE_CHECKING:
    from sekai.testing.conformance import EnvConformance

__all__ = ["ClockworkEnv", "CountingEnv", "EchoEnv", "EnvConformance"]


def __getattr__(name: str) -> Any:
    if name == "EnvConformance":
        from sekai.testing.conformance import EnvConformance

        return EnvConformance
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
