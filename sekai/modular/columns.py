"""Values as columns of Arrow and back: what has one form in all rows is typed, all else is JSON.

A form says what a value is made of, in JSON's own terms: `"float"`, `["array", "<f4", [2, 3]]`, `{"dict": {...}}`.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from sekai.error import RegistrationError, SekaiError
from sekai.registry.encoding import decode, encode

__all__ = ["column_of", "form_of", "values_of"]

_ATOMS = {kind.__name__: kind for kind in (bool, int, float, str)}


def form_of(value: Any) -> Any:
    """Return the form of a value; None where it has none that a column can hold.

    >>> form_of({"book": np.zeros((2, 3), np.float32), "calls": 2})
    {'dict': {'book': ['array', '<f4', [2, 3]], 'calls': 'int'}}
    """
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "fiub":
        return ["array" if isinstance(value, np.ndarray) else "scalar", value.dtype.str, list(value.shape)]
    if isinstance(value, dict | tuple) and value:
        parts = value if isinstance(value, dict) else {str(k): part for k, part in enumerate(value)}
        forms = {name: form_of(part) for name, part in parts.items()}
        named = all(isinstance(name, str) and form is not None for name, form in forms.items())
        return {type(value).__name__: forms} if named and type(value) in (dict, tuple) else None
    return type(value).__name__ if type(value) in _ATOMS.values() else None


def column_of(values: Sequence[Any], arrow: Any, name: str) -> tuple[Any, Any]:
    """Return a column of `values`, some of which may be None, and their form; None is the form of a column of JSON.

    Raises `SekaiError` for a value that cannot be written.
    """
    there = [value for value in values if value is not None]
    form = form_of(there[0]) if there else None
    if form is not None and all(form_of(value) == form for value in there):
        try:
            return arrow.array([None if v is None else _plain(v) for v in values], _type_of(form, arrow)), form
        except (arrow.ArrowException, OverflowError):
            pass  # a whole number of more than 64 bits, say
    return arrow.array([_text(value, f"{name}[{k}]") for k, value in enumerate(values)], arrow.string()), None


def values_of(column: Any, form: Any) -> list[Any]:
    """Return the values of a column that `column_of` made."""
    if form is None:
        return [decode(json.loads(text, object_hook=_reject_code)) for text in column.to_pylist()]
    return [None if plain is None else _restored(form, plain) for plain in column.to_pylist()]


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, tuple):
        return {str(k): _plain(part) for k, part in enumerate(value)}
    return {name: _plain(part) for name, part in value.items()} if isinstance(value, dict) else value


def _restored(form: Any, plain: Any) -> Any:
    if isinstance(form, str):
        return plain
    if isinstance(form, dict):
        ((kind, forms),) = form.items()
        parts = {name: _restored(part, plain[name]) for name, part in forms.items()}
        return parts if kind == "dict" else tuple(parts.values())
    kind, dtype, shape = form
    array = np.array(plain, dtype).reshape(shape)
    return array if kind == "array" else array[()]


def _type_of(form: Any, arrow: Any) -> Any:
    if isinstance(form, str):
        return {"bool": arrow.bool_(), "int": arrow.int64(), "float": arrow.float64(), "str": arrow.string()}[form]
    if isinstance(form, dict):
        ((_, forms),) = form.items()
        return arrow.struct([(name, _type_of(part, arrow)) for name, part in forms.items()])
    kind = arrow.from_numpy_dtype(np.dtype(form[1]))
    for _ in form[2]:
        kind = arrow.list_(kind)
    return kind


def _text(value: Any, path: str) -> str:
    try:
        text = json.dumps(encode(value, path), allow_nan=False)
    except RegistrationError as error:
        raise SekaiError(str(error)) from None
    if '"$callable"' in text:
        raise SekaiError(f"{path} must be data, got code in {value!r}")
    return text


def _reject_code(part: dict[str, Any]) -> dict[str, Any]:
    """Return `part`; raises `SekaiError` where it names code to import."""
    if "$callable" in part:
        raise SekaiError(f"a column must hold data, got the name of code: {part['$callable']!r}")
    return part
