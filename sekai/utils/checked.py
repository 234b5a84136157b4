"""Frozen dataclasses that check themselves: what a field may be stands in its annotation.

The bounds are those of `annotated_types`, so that pydantic reads the same ones when a file is loaded.
"""

from collections.abc import Hashable
from dataclasses import fields
from functools import cache
from operator import is_not
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, cast, get_args, get_origin, get_type_hints
from unicodedata import category

import numpy as np
from annotated_types import Ge, Gt, Le, Lt, MinLen, Predicate

from sekai.error import SekaiError

__all__ = ["Checked", "InvalidValue", "line_of_text", "power_of_two", "printable_text"]


class InvalidValue(SekaiError, ValueError):
    """Raised for arguments that cannot be: each of `faults` names one that is wrong and what would have been right."""

    def __init__(self, *faults: str) -> None:
        super().__init__(*faults)
        self.faults = faults

    def __str__(self) -> str:
        return "; ".join(self.faults)


_NAMES: dict[Any, str] = {NoneType: "None", bool: "True or False", str: "text", tuple: "a tuple"}


def power_of_two(value: int) -> bool:
    """Say whether `value` is one; as `Annotated[int, Predicate(power_of_two)]` it is required to be."""
    return value > 0 and value & (value - 1) == 0


def printable_text(value: str) -> bool:
    """Say whether text has no control characters but ends of lines and tabs; for `Predicate`, as above."""
    return all(sign in "\n\t" or category(sign) not in ("Cc", "Cs", "Cn", "Zl", "Zp") for sign in value)


def line_of_text(value: str) -> bool:
    """Say whether text is printable and all in one line; for `Predicate`, as above."""
    return printable_text(value) and not {"\n", "\t"} & set(value)


class Checked:
    """Base of a dataclass whose fields are checked against their annotations, all faults in one error.

    A field is checked for its type where that is a number, text, a flag, a Literal, another such dataclass or a tuple
    of one of these, and for its bounds. NumPy's numbers and flags become Python's, a list becomes a tuple.

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
        faults = []
        for name, bounds in _bounds(cast(Hashable, type(self))):
            given = getattr(self, name)
            value = _plain(given, bounds)
            if value is not given:
                object.__setattr__(self, name, value)
            faults += _faults(name, value, bounds)
        faults += [] if faults else self._more_faults()
        if faults:
            raise InvalidValue(*faults)

    def _more_faults(self) -> list[str]:
        """Return what is wrong between fields, each of which is right by itself."""
        return []


@cache
def _bounds(cls: Any) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    """Return each field's name and bounds: of its entries, after an Ellipsis, where it is a tuple."""
    hints = get_type_hints(cls, include_extras=True)
    found = []
    for f in fields(cls):
        hint, bounds = _own_bounds(hints[f.name])
        if get_origin(hint) is tuple:
            entry, *others = get_args(hint) or (Any,)
            is_of_one = all(other in (entry, ...) for other in others)
            bounds = (tuple, *bounds, ..., *(_own_bounds(entry)[1] if is_of_one else ()))
        if any(bound is not None for bound in bounds):
            found.append((f.name, bounds))
    return tuple(found)


def _own_bounds(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return a hint without its annotations, and what they and its type ask for."""
    hint, *own = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    members = [member for member in get_args(hint) if member is not NoneType]
    if get_origin(hint) in (Union, UnionType) and len(members) == 1 and not _is_of_tables(hint):
        inner, bounds = _own_bounds(members[0])
        return inner, (None, *bounds, *own)
    is_kind = hint in (bool, float, int, str) or get_origin(hint) is Literal or _is_of_tables(hint)
    return hint, ((hint, *own) if is_kind else tuple(own))


def _is_of_tables(hint: Any) -> bool:
    """Say whether a hint is a class of ours, or several; None may be one of them."""
    members = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return all(isinstance(member, type) and issubclass(member, Checked | NoneType) for member in members)


def _plain(value: Any, bounds: tuple[Any, ...]) -> Any:
    """Return Python's own number for one of NumPy's, and a tuple for a list where a tuple is asked for."""
    if ... in bounds and isinstance(value, tuple | list):
        plain = tuple(_plain(entry, ()) for entry in value)
        return plain if isinstance(value, list) or any(map(is_not, plain, value)) else value
    return value.item() if isinstance(value, np.number | np.bool_) else value


def _faults(name: str, value: Any, bounds: tuple[Any, ...]) -> list[str]:
    cut = bounds.index(...) if ... in bounds else len(bounds)
    if value is None and None in bounds[:cut]:
        return []
    if cut < len(bounds):
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
    if isinstance(bound, Gt | Ge | Lt | Le) and not _is_number(value):
        return "be a number"
    if isinstance(bound, Gt):
        return None if value > bound.gt else f"be > {bound.gt}"
    if isinstance(bound, Ge):
        return None if value >= bound.ge else f"be >= {bound.ge}"
    if isinstance(bound, Lt):
        return None if value < bound.lt else f"be < {bound.lt}"
    if isinstance(bound, Le):
        return None if value <= bound.le else f"be <= {bound.le}"
    return _fault_of_kind(value, bound)


def _fault_of_kind(value: Any, kind: Any) -> str | None:
    if kind is int or kind is float:
        if not _is_number(value):
            return "be a number"
        return "be an integer" if kind is int and not isinstance(value, int) else None
    if get_origin(kind) is Literal:
        return None if value in get_args(kind) else f"be one of {', '.join(map(str, get_args(kind)))}"
    if not isinstance(kind, type | UnionType) or isinstance(value, kind):
        return None  # as it should be, or somebody else's annotation
    return f"be {' or '.join(_NAMES.get(one) or str(one.__name__) for one in get_args(kind) or (kind,))}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
