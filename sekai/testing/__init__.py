"""For people who write environments, wrappers and policies: environments to test them with, and tests to inherit.

Strategies for hypothesis are in `sekai.testing.strategies`, which needs that library.
"""

from typing import TYPE_CHECKING

from sekai.later import later
from sekai.testing.doubles import ClockworkEnv, CountingEnv, EchoEnv

if TYPE_CHECKING:
    from sekai.testing.conformance import EnvConformance

__all__ = ["ClockworkEnv", "CountingEnv", "EchoEnv", "EnvConformance"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = later(__name__, ".conformance")
