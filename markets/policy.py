"""What a compiled policy is: the kernel that decides for a seat inside the engine, and the numbers that it reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

__all__ = ["CompiledPolicy"]


@runtime_checkable
class CompiledPolicy(Protocol):
    """Whoever decides inside the engine: a kernel with the one signature `(row, me) -> next wake-up`, and its reals."""

    @property
    def kernel(self) -> Callable[[Any, int], int]:
        """The kernel, an `@sekai.markets.sdk.kernel` function."""
        ...

    @property
    def parameters(self) -> tuple[float, ...]:
        """The reals that the kernel reads with `parameter(row, me, k)`."""
        ...
