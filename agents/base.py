"""What a policy is. Named policies are frozen dataclasses of parameters; `kind` is the name under which one is found.

A compiled one has a kernel and its reals, and decides inside the engine. A Python one is asked for a player, once it
is known which spaces it plays in; the player acts on observations, and may be told the seed of each episode.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, runtime_checkable

from sekai.spaces import Space

__all__ = ["CompiledAgent", "PlayedPolicy", "Policy", "PythonAgent"]


class PlayedPolicy(Protocol):
    """A policy with a state of its own."""

    def act(self, observation: Any) -> Any:
        """Return the action for an observation."""
        ...

    def reset(self, seed: int | None) -> None:
        """Begin an episode; with a seed all that the policy draws is determined."""
        ...


Policy: TypeAlias = Callable[[Any], Any] | PlayedPolicy


@runtime_checkable
class CompiledAgent(Protocol):
    """A policy that decides inside the engine, as `sekai.markets.config.CompiledPolicy` wants it, with a name."""

    @property
    def kind(self) -> str:
        """The policy's name."""
        ...

    @property
    def kernel(self) -> Callable[[Any, int], int]:
        """The kernel."""
        ...

    @property
    def parameters(self) -> tuple[float, ...]:
        """The reals that the kernel reads."""
        ...


@runtime_checkable
class PythonAgent(Protocol):
    """A policy that decides outside, on observations."""

    @property
    def kind(self) -> str:
        """The policy's name."""
        ...

    def player(self, observation_space: Space[Any], action_space: Space[Any]) -> PlayedPolicy:
        """Return what plays a seat with these spaces; raises `SekaiError` where the policy does not fit them."""
        ...
