"""Records of episodes, with an entry for each reset and step.

In Parquet each field is a column, readable by any tool: arrays are lists, dicts are structs. What does not have one
form in all rows, infos above all, is written as JSON. Either comes back as it was: types, dtypes and shapes included.
"""

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Generic, TypeVar

from sekai.core.result import ByValue
from sekai.error import SekaiError, install_hint
from sekai.modular.columns import column_of, values_of
from sekai.utils.files import whole_file

__all__ = ["EnvRollout"]

_ObsT = TypeVar("_ObsT")
_ActT = TypeVar("_ActT")


@dataclass(kw_only=True, eq=False)
class EnvRollout(ByValue, Generic[_ObsT, _ActT]):
    """Lists with an entry for every reset and step; the action of a reset is None. Equal when they hold the same."""

    __reduce__ = object.__reduce__  # by what it holds: its constructor takes keywords only

    observations: list[_ObsT] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    actions: list[_ActT | None] = field(default_factory=list)
    infos: list[dict[str, Any]] = field(default_factory=list)
    terminated: list[bool] = field(default_factory=list)
    truncated: list[bool] = field(default_factory=list)

    def append_reset(
        self,
        observation: _ObsT,
        info: dict[str, Any],
        reward: float = 0.0,
        terminated: bool = False,
        truncated: bool = False,
    ) -> None:
        """Add the beginning of an episode."""
        self._append(None, observation, reward, terminated, truncated, info)

    def append_step(
        self,
        action: _ActT,
        observation: _ObsT,
        reward: float,
        terminated: bool,
        truncated: bool,
        info: dict[str, Any],
    ) -> None:
        """Add a step and what it led to."""
        self._append(action, observation, reward, terminated, truncated, info)

    def __len__(self) -> int:
        return len(self.observations)

    def to_parquet(self, path: str | Path) -> None:
        """Write the file whole, or not at all.

        Needs the extra `parquet`. Raises `SekaiError` for values that are not data, and for lists of unequal lengths.
        """
        arrow, columns, forms = _pyarrow(), {}, {}
        for f in fields(self):
            values = getattr(self, f.name)
            if len(values) != len(self):
                raise SekaiError(f"{f.name} must have an entry for each observation, {len(self)}, got {len(values)}")
            columns[f.name], forms[f.name] = column_of(values, arrow, f.name)
        table = arrow.table(columns).replace_schema_metadata({"sekai.rollout": json.dumps(forms)})
        with whole_file(path) as beside:
            arrow.parquet.write_table(table, beside)

    @classmethod
    def from_parquet(cls, path: str | Path) -> "EnvRollout[Any, Any]":
        """Read what `to_parquet` wrote; raises `SekaiError` for another file."""
        arrow = _pyarrow()
        try:
            table = arrow.parquet.read_table(path)
        except (arrow.ArrowException, OSError) as error:
            if isinstance(error, FileNotFoundError):
                raise
            raise SekaiError(f"{path} must be a Parquet file: {error}") from None
        told = (table.schema.metadata or {}).get(b"sekai.rollout")
        names = {f.name for f in fields(cls)}
        if told is None or set(table.column_names) != names:
            raise SekaiError(f"{path} must be from EnvRollout.to_parquet, got the columns {table.column_names}")
        columns = {}
        for name in names:
            try:
                columns[name] = values_of(table.column(name), json.loads(told)[name])
            except (LookupError, TypeError, ValueError) as error:
                raise SekaiError(f"{path} must be as it was written, column {name!r} is not: {error}") from None
        return cls(**columns)

    def _append(
        self, action: _ActT | None, observation: _ObsT, reward: float, terminated: bool, truncated: bool, info: Any
    ) -> None:
        self.observations.append(observation)
        self.rewards.append(reward)
        self.actions.append(action)
        self.infos.append(info)
        self.terminated.append(terminated)
        self.truncated.append(truncated)


def _pyarrow() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(f"Parquet needs pyarrow: {install_hint('parquet')}") from error
    return pyarrow
