"""Infos of rows: a dict for each row here, a dict of columns there, each beside a mask of the rows that have it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["info_columns", "info_rows"]

_NUMBERS = (bool, int, float, np.number, np.bool_)


def info_columns(infos: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the infos of rows as columns, each of a dtype that holds all its values.

    >>> info_columns([{"filled": 0}, {"filled": 0.75}, {}])
    {'filled': array([0.  , 0.75, 0.  ]), '_filled': array([ True,  True, False])}
    """
    columns: dict[str, Any] = {}
    for name in dict.fromkeys(name for info in infos for name in info):
        values = {row: info[name] for row, info in enumerate(infos) if name in info}
        there = np.zeros(len(infos), dtype=bool)
        there[list(values)] = True
        columns[name], columns[f"_{name}"] = _column(values, len(infos), name), there
    return columns


def _column(values: Mapping[int, Any], count: int, name: str) -> Any:
    """Return values by row as a column: dicts as columns of their own, numbers and arrays in an array, else objects."""
    if name != "final_obs":  # which stays apart in rows
        if all(isinstance(value, dict) for value in values.values()):
            return info_columns([values.get(row, {}) for row in range(count)])
        column = _array(list(values.values()), count)
        if column is not None:
            for row, value in values.items():
                column[row] = value
            return column
    objects = np.full(count, None, dtype=object)
    for row, value in values.items():
        objects[row] = value
    return objects


def _array(values: list[Any], count: int) -> NDArray[Any] | None:
    """Return zeros that hold numbers, or arrays of one shape, for `count` rows; None where they are neither."""
    numbers = all(isinstance(value, _NUMBERS) for value in values)
    if not numbers and not all(isinstance(value, np.ndarray) for value in values):
        return None
    arrays = [np.asarray(value) for value in values]
    dtypes = {array.dtype for array in arrays}
    if len({array.shape for array in arrays}) > 1 or (len(dtypes) > 1 and any(d.kind not in "biufc" for d in dtypes)):
        return None
    return np.zeros((count, *arrays[0].shape), np.result_type(*dtypes))


def info_rows(columns: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """Return the infos of `count` rows from columns."""
    rows: list[dict[str, Any]] = [{} for _ in range(count)]
    for name, column in columns.items():
        if name.startswith("_") and name[1:] in columns:
            continue
        values = info_rows(column, count) if isinstance(column, Mapping) else column
        there = columns.get(f"_{name}", np.ones(count, dtype=bool))
        for row in np.flatnonzero(there).tolist():
            rows[row][name] = values[row]
    return rows
