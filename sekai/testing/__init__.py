"""For people who write environments, layers and policies: worlds to test them with."""

from sekai.testing.doubles import ClockworkEnv, CountingEnv, EchoEnv

__all__ = ["ClockworkEnv", "CountingEnv", "EchoEnv"]
