"""What a seat sees, may do, is paid for, and what ends its episode: each a part, each part one kernel.

A part is a frozen dataclass: its fields are what the kernel reads with `parameter(row, me, k)`, in their order. The
kernel is `(row, me) -> int`, compiled by `sekai.markets.sdk.kernel`, and given where the class is made:

>>> from sekai.markets import sdk
>>> @sdk.kernel
... def spread(row, me):
...     sdk.show(row, me, 0, sdk.best_ask(row, me) - sdk.best_bid(row, me))
...     return 0
>>> class Spread(Observation, kernel=spread, meaning="best ask less best bid", unit="ticks"):
...     pass
>>> Spread().name, Spread().shape
('spread', (1,))

Four kinds: an `Observation` shows numbers, an `Action` reads what was asked and sends messages, a `Reward` pays, an
`End` says that the seat's episode is over. A kernel remembers between its runs in words of its own (`memory`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from math import prod
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from sekai.spaces import Box, Discrete, MultiDiscrete, Space
from sekai.utils import Checked, InvalidValue

__all__ = ["Action", "End", "Kernel", "Observation", "Part", "Reward", "snake_case"]

Kernel = Callable[[Any, int], int]
_NAMED: Final = ("kind", "name", "weight")  # fields that are for people, not for the kernel


def snake_case(name: str) -> str:
    """Return the name of a class as `kind` spells it: `InventoryPenalty` is `inventory_penalty`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@dataclass(frozen=True, kw_only=True)
class Part(Checked):
    """Base of all parts. `name` is the part's key in a Dict observation, in `info` or in an action; empty: its kind.

    Class keywords: `kernel`, the compiled function; `meaning`, one line for people; `unit`, that of the part's numbers,
    or of each in turn, "-" where there is none; `memory`, how many words the kernel remembers between runs.
    """

    kernel_function: ClassVar[Kernel | None] = None
    meaning: ClassVar[str] = ""
    unit: ClassVar[str] = "-"
    memory: ClassVar[int] = 0

    name: str = ""

    def __init_subclass__(
        cls, *, kernel: Kernel | None = None, meaning: str = "", unit: str = "", memory: int = 0, **more: Any
    ) -> None:
        super().__init_subclass__(**more)
        if kernel is not None:
            cls.kernel_function = staticmethod(kernel)
        if meaning:
            cls.meaning = meaning
        if unit:
            cls.unit = unit
        if memory:
            cls.memory = memory

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.name:
            object.__setattr__(self, "name", getattr(self, "kind", snake_case(type(self).__name__)))
        if not self.name.isidentifier():
            raise InvalidValue(f"name must be an identifier, got {self.name!r}")

    @property
    def kernel(self) -> Kernel | None:
        """The kernel, or None where the part is written in plain Python."""
        return type(self).kernel_function

    @property
    def parameters(self) -> tuple[float, ...]:
        """What the kernel reads: the fields, in their order, a tuple's entries one after the other."""
        values: list[float] = []
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in _NAMED:
                values += [float(entry) for entry in (value if isinstance(value, tuple) else (value,))]
        return tuple(values)


class Observation(Part):
    """Something that a seat sees: numbers of one `shape`, float32. The kernel calls `show` once for each of them."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of what is shown."""
        return (1,)

    @property
    def size(self) -> int:
        """How many numbers are shown."""
        return prod(self.shape)

    @property
    def space(self) -> Space[NDArray[np.float32]]:
        """The space of what is shown: without bounds unless the part says otherwise."""
        return Box(-np.inf, np.inf, shape=self.shape, dtype=np.float32)


class Action(Part):
    """Something that a seat may do. `space` is Discrete, MultiDiscrete or Box of one dimension, and starts at 0.

    The kernel reads `asked(row, me, k)`, the k-th number of the action, and sends messages. `slots` is how many client
    order slots it names, counted from 0 within the part. Class keyword `mask`: a kernel that calls
    `forbid(row, me, j)` for each option that would be rejected now; options are numbered through all choices. One that
    would be taken beside some other choice stays allowed.
    """

    mask_function: ClassVar[Kernel | None] = None

    def __init_subclass__(cls, *, mask: Kernel | None = None, **more: Any) -> None:
        super().__init_subclass__(**more)
        if mask is not None:
            cls.mask_function = staticmethod(mask)

    @property
    def space(self) -> Space[Any]:
        """What may be asked."""
        raise NotImplementedError(f"{type(self).__name__} must say its space")

    @property
    def slots(self) -> int:
        """How many client order slots the kernel names."""
        return 0

    @property
    def choices(self) -> tuple[int, ...]:
        """How many options each number of the action has; empty where the action is continuous."""
        space = self.space
        if isinstance(space, Discrete):
            return (int(space.n),)
        return tuple(space.nvec.tolist()) if isinstance(space, MultiDiscrete) else ()

    @property
    def size(self) -> int:
        """How many numbers an action has."""
        return len(self.choices) or prod(self.space.shape or (1,))


@dataclass(frozen=True, kw_only=True)
class Reward(Part):
    """Something that a seat is paid for, in ticks x lots unless `unit` says otherwise.

    The kernel calls `pay(row, me, amount)` with what was earned since it ran last; `weight` multiplies that.
    """

    unit: ClassVar[str] = "ticks x lots"

    weight: float = 1.0


class End(Part):
    """Something that ends a seat's episode: the kernel returns 1 when it is over, else 0."""
