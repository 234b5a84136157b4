"""A program is a generator that asks an environment for steps and resets, and is sent the results.

It yields `Step(action)` or `Reset()`, receives the result, and returns what its caller gets. The program does not know
whether it is driven by `run` or by `async_run`, so what takes several steps is written once.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

__all__ = ["Program", "Reset", "Step", "async_run", "run"]


@dataclass(frozen=True, slots=True)
class Step:
    """Ask for one step with this action (of one agent) or these actions (by agent)."""

    action: Any


@dataclass(frozen=True, slots=True)
class Reset:
    """Ask for a new episode."""

    seed: int | None = None
    options: dict[str, Any] | None = None


_T = TypeVar("_T")
Program: TypeAlias = Generator[Step | Reset, Any, _T]


def run(env: Any, program: "Program[_T]") -> _T:
    """Drive `program` with the sync methods of `env`; return what it returns."""
    answer: Any = None
    while True:
        try:
            request = program.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        if type(request) is Step:
            answer = env.step(request.action)
        elif type(request) is Reset:
            answer = env.reset(seed=request.seed, options=request.options)
        else:
            raise TypeError(f"a program yields Step(action) or Reset(), got {request!r}")


async def async_run(env: Any, program: "Program[_T]") -> _T:
    """Drive `program` with the async methods of `env`; return what it returns."""
    answer: Any = None
    while True:
        try:
            request = program.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        if type(request) is Step:
            answer = await env.async_step(request.action)
        elif type(request) is Reset:
            answer = await env.async_reset(seed=request.seed, options=request.options)
        else:
            raise TypeError(f"a program yields Step(action) or Reset(), got {request!r}")
