"""Arguments as strict JSON and back: what comes back equals what went in.

JSON's own values stand as they are. What JSON lacks is an object with one name that begins with a dollar: tuples,
floats that are not finite, arrays, spaces, and functions and classes by where they can be imported from.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import reduce
from importlib import import_module
from math import isfinite
from typing import Any

import numpy as np

from sekai.error import RegistrationError
from sekai.spaces.space import Space, decode_array, encode_array

__all__ = ["decode", "encode", "imported", "place_of"]


def place_of(thing: Callable[..., Any]) -> str:
    """Return `"module:name"` of what can be imported by it; raises `RegistrationError` for what cannot."""
    place = f"{getattr(thing, '__module__', None)}:{getattr(thing, '__qualname__', '<')}"
    with suppress(ImportError, AttributeError):
        if imported(place) is thing:
            return place
    raise RegistrationError(f"{thing!r} cannot be written as text: register it as 'module:name'")


def imported(place: str) -> Any:
    """Import what `"module:name"` names; raises `ImportError` or `AttributeError` where there is none."""
    module, _, name = place.partition(":")
    return reduce(getattr, name.split("."), import_module(module))


def encode(value: Any, path: str = "value") -> Any:
    """Return `value` as strict JSON; raises `RegistrationError`, with the path, for what cannot be written.

    >>> encode({"low": float("-inf"), "shape": (2, 3)})
    {'low': {'$float': '-inf'}, 'shape': {'$tuple': [2, 3]}}
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else {"$float": str(value)}
    if isinstance(value, list | tuple):
        parts = [encode(part, f"{path}[{index}]") for index, part in enumerate(value)]
        return {"$tuple": parts} if isinstance(value, tuple) else parts
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: encode(part, f"{path}[{key!r}]") for key, part in value.items()}
        return {"$dict": [[encode(key, path), encode(part, f"{path}[{key!r}]")] for key, part in value.items()]}
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        return {"$array": {"dtype": value.dtype.name, "shape": list(value.shape), "values": encode_array(value)}}
    if isinstance(value, np.generic) and value.dtype.kind in "fiub":
        return {"$scalar": {"dtype": value.dtype.name, "value": encode_array(np.asarray(value))}}
    if isinstance(value, Space):
        return {"$space": value.to_jsonable()}
    if callable(value):
        try:
            return {"$callable": place_of(value)}
        except RegistrationError as error:
            raise RegistrationError(f"{path}: {error}") from None
    raise RegistrationError(f"{path} must be something that JSON, or this module, can write, got {value!r}")


def decode(value: Any) -> Any:
    """Return what `encode` wrote; raises `RegistrationError` for a callable that is not there."""
    if isinstance(value, list):
        return [decode(part) for part in value]
    if not isinstance(value, Mapping):
        return value
    if len(value) == 1:
        (tag, held), *_ = value.items()
        if tag in _READERS:
            return _READERS[tag](held)
    return {key: decode(part) for key, part in value.items()}


def _callable(place: str) -> Any:
    try:
        return imported(place)
    except (ImportError, AttributeError) as error:
        raise RegistrationError(f"{place!r} cannot be imported: {error}") from error


_READERS: dict[str, Callable[[Any], Any]] = {
    "$float": float,
    "$tuple": lambda held: tuple(decode(part) for part in held),
    "$dict": lambda held: {decode(key): decode(part) for key, part in held},
    "$array": lambda held: decode_array(held["values"], held["dtype"]).reshape(held["shape"]),
    "$scalar": lambda held: decode_array(held["value"], held["dtype"])[()],
    "$space": Space.from_jsonable,
    "$callable": _callable,
}
