"""Frozen dataclasses that check themselves: what a field may be stands in its annotation.

The bounds are those of `annotated_types`, so that pydantic reads the same ones when a file is loaded.
"""

from collections.abc import Hashable
from dataclasses import fields
from functools import cache
from types import NoneType
from typing import Annotated, Any, ClassVar, cast, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt, MinLen, Predicate

from sekai.error import SekaiError

__all__ = ["Checked", "InvalidValue", "power_of_two"]


class InvalidValue(SekaiError, ValueError):
    """Raised for arguments that cannot be: each of `faults` names one that is wrong and what would have been right."""

    def __init__(self, *faults: str) -> None:
        super().__init__(*faults)
        self.faults = faults

    def __str__(self) -> str:
        return "; ".join(self.faults)


def power_of_two(value: int) -> bool:
    """Say whether `value` is one; as `Annotated[int, Predicate(power_of_two)]` it is required to be."""
    return value > 0 and value & (value - 1) == 0


class Checked:
    """Base of a dataclass whose fields are checked against their annotations' bounds, all faults in one error.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Clock(Checked):
    ...     every_s: Annotated[float, Gt(0)] = 1.0
    >>> Clock(every_s=-1.0)
    Traceback (most recent call last):
    sekai.utils.checked.InvalidValue: every_s must be > 0, got -1.0
    """

    __slots__ = ()
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        bounded = _bounds(cast(Hashable, type(self)))
        faults = [fault for name, bounds in bounded for fault in _faults(name, getattr(self, name), bounds)]
        faults += [] if faults else self._more_faults()
        if faults:
            raise InvalidValue(*faults)

    def _more_faults(self) -> list[str]:
        """Return what is wrong between fields, each of which is right by itself."""
        return []


@cache
def _bounds(cls: Any) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    """Return each bounded field's name and bounds: of its entries, after an Ellipsis, where it is a tuple of such."""
    hints = get_type_hints(cls, include_extras=True)
    found = []
    for f in fields(cls):
        bounds: tuple[Any, ...] = ()
        hint = hints[f.name]
        if get_origin(hint) is Annotated:
            hint, *own = get_args(hint)
            bounds = (int, *own) if hint is int else tuple(own)
        if get_origin(hint) is tuple and get_origin(get_args(hint)[0]) is Annotated:
            entry, *own = get_args(get_args(hint)[0])
            bounds = (*bounds, ..., *((int,) if entry is int else ()), *own)
        elif get_origin(hint) is not None and get_args(hint)[-1] is NoneType:
            continue
        if bounds:
            found.append((f.name, bounds))
    return tuple(found)


def _faults(name: str, value: Any, bounds: tuple[Any, ...]) -> list[str]:
    if ... in bounds:
        cut = bounds.index(...)
        own = _faults(name, value, bounds[:cut])
        return own or [fault for k, v in enumerate(value) for fault in _faults(f"{name}[{k}]", v, bounds[cut + 1 :])]
    for bound in bounds:
        fault = _fault(value, bound)
        if fault:
            return [f"{name} must {fault}, got {value!r}"]
    return []


def _fault(value: Any, bound: Any) -> str | None:
    if isinstance(bound, MinLen):
        short = len(value) < bound.min_length
        return f"have at least {bound.min_length} entries" if short else None
    if isinstance(bound, Predicate):
        return None if bound.func(value) else f"be a {bound.func.__name__.replace('_', ' ')}"
    if bound is not int and not isinstance(bound, Gt | Ge | Lt | Le):
        return None  # somebody else's annotation
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "be a number"
    if bound is int:
        return None if isinstance(value, int) else "be an integer"
    if isinstance(bound, Gt):
        return None if value > bound.gt else f"be > {bound.gt}"  # type: ignore[operator]
    if isinstance(bound, Ge):
        return None if value >= bound.ge else f"be >= {bound.ge}"  # type: ignore[operator]
    if isinstance(bound, Lt):
        return None if value < bound.lt else f"be < {bound.lt}"  # type: ignore[operator]
    return None if value <= bound.le else f"be <= {bound.le}"  # type: ignore[operator,union-attr]
