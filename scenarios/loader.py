"""From a file to a scenario: every fault of a bad one at once, each with its path and what was probably meant.

A scenario is named by the file's stem (`maker-duel`), with or without `scenarios/` before it, or by a path that ends in
`.toml`. The files of this package are found wherever it is installed. A file that names code, `kind = "module:Class"`,
is read only by who trusts it.
"""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args, get_type_hints

from sekai.error import SekaiError, did_you_mean
from sekai.utils import InvalidValue
from sekai.utils.kinds import Kinds, Reading

if TYPE_CHECKING:
    from sekai.scenarios.schema import Scenario

_DOOMED = object()
_TOO_DEEP = "nested too deeply: tables lie four deep at most"
_STAND_INS: Final[dict[str, Any]] = {
    "title": "untitled",
    "seats": [
        {
            "name": "-",
            "role": {"kind": "taker"},
            "clock": {"kind": "periodic"},
            "policy": {"kind": "hold"},
        }
    ],
}  # what a file must have is put in where it is missing, so that the rest can be looked at

__all__ = ["ScenarioError", "UnknownScenario", "heading", "load", "names", "parse"]


class ScenarioError(SekaiError, ValueError):
    """Raised for a file that is no scenario; `faults` says of each fault where it is and what would be right."""

    def __init__(self, source: str, faults: Sequence[str]) -> None:
        super().__init__(source, faults)
        self.source, self.faults = source, tuple(faults)

    def __str__(self) -> str:
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        return "\n".join([f"{self.source} has {count}:", *(f"  {fault}" for fault in self.faults)])


class UnknownScenario(SekaiError, LookupError):
    """Raised when no scenario has the name that was asked for."""


def names() -> list[str]:
    """Return the names of the scenarios that come with the package, sorted."""
    found = (entry.name for entry in files("sekai.scenarios").iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def load(name_or_path: str | Path, *, trust: bool = False) -> Scenario:
    """Return the scenario of that name, or in that file.

    With `trust` the file may name code, `module:Class`; a module is looked for beside the file first. Raises
    `UnknownScenario` where there is no scenario, and `ScenarioError` with all faults of one that is wrong.
    """
    source, folder, text = _text(name_or_path)
    return parse(text, source=source, name=_stem(source), trust=trust, folder=folder)


def heading(name_or_path: str | Path) -> tuple[str, str]:
    """Return the name of a scenario and a line about it, without looking at the rest; raises as `load` does."""
    source, _, text = _text(name_or_path)
    values = _values(text, source)
    name = values.get("name") or _stem(source)
    return str(name), str(values.get("description") or values.get("title") or "")


def _stem(source: str) -> str:
    return Path(source).name.removesuffix(".toml")


def _text(name_or_path: str | Path) -> tuple[str, str, str]:
    """Return what a scenario is called, the folder in which its file lies, empty for ours, and its text."""
    source = str(name_or_path)
    if source.endswith(".toml"):
        path = Path(source)
        if not path.is_file():
            raise UnknownScenario(f"no scenario file {source!r}; scenarios by name: {', '.join(names())}")
        try:
            return source, str(path.parent), path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ScenarioError(source, [f"cannot be read as text in UTF-8: {error}"]) from None
    name = source.removeprefix("scenarios/")
    if name not in names():
        near = did_you_mean(name, names())
        raise UnknownScenario(f"no scenario {source!r}.{near} There are {', '.join(names())}; a path must end in .toml")
    return name, "", files("sekai.scenarios").joinpath(f"{name}.toml").read_text(encoding="utf-8")


def parse(text: str, *, source: str = "scenario", name: str = "", trust: bool = False, folder: str = "") -> Scenario:
    """Return the scenario that TOML text describes; raises `ScenarioError`, naming `source`, with all its faults.

    `trust` is as for `load`; files and modules are looked for in `folder`.
    """
    values = _values(text, source)
    stray = values.pop("folder", None)
    try:
        faults, scenario = _validate(values, Reading(trust, folder))
    except RecursionError:
        raise ScenarioError(source, [_TOO_DEEP]) from None
    faults += [] if stray is None else ["folder: unknown key: it is where the file lies"]
    if scenario is None or faults:
        raise ScenarioError(source, faults)
    return replace(scenario, name=scenario.name or name, folder=folder)


def _values(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(source, [f"not TOML: {error}"]) from None
    except RecursionError:
        raise ScenarioError(source, [_TOO_DEEP]) from None


def _validate(values: Any, reading: Reading) -> tuple[list[str], Scenario | None]:
    """Return all faults of a file, and the scenario if it has none.

    What lies between the fields of a table is only looked at once each of them is right. So what was found wrong is
    taken out, and the rest looked at again, until nothing new is found.
    """
    from pydantic import ValidationError

    from sekai.scenarios.schema import adapter

    faults: list[str] = []
    while True:
        try:
            scenario = adapter().validate_json(json.dumps(values, default=str), strict=True, context=reading)
        except ValidationError as error:
            entries = error.errors(include_url=False)
            kept = entries if not faults else [e for e in entries if e["type"] == "value_error"]
            faults += _faults(kept, values, reading)
            smaller = _without(values, [(e["loc"], e["type"]) for e in entries])
            if smaller == values:
                return faults, None
            values = smaller
        else:
            return faults, scenario


def _without(values: Any, faults: Sequence[tuple[tuple[int | str, ...], str]]) -> Any:
    """Return a copy of `values` without what is at fault: an entry, or the table in which one is missing."""
    left = copy.deepcopy(values)
    doomed: list[list[tuple[Any, int | str]]] = []
    for location, kind in faults:
        if len(location) == 1 and location[0] in _STAND_INS and location[0] not in left:
            left[location[0]] = _STAND_INS[str(location[0])]
            continue
        steps: list[tuple[Any, int | str]] = []
        here = left
        for part in location:
            if not (isinstance(here, dict) and part in here) and not (isinstance(here, list) and part < len(here)):  # type: ignore[operator]
                break
            steps.append((here, part))
            here = here[part]  # type: ignore[index]
        if kind == "too_short" and here:
            continue  # its entries are at fault, and they go
        if steps:
            doomed.append(steps)
    for steps in doomed:
        holder, part = steps.pop()
        holder[part] = _DOOMED
        while steps and isinstance(holder, list) and all(entry is _DOOMED for entry in holder):
            holder, part = steps[-2:][0]  # the table with the list that is empty now
            holder[part] = _DOOMED
            steps = steps[:-2]
    return _purged(left)


def _purged(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _purged(entry) for key, entry in value.items() if entry is not _DOOMED}
    if isinstance(value, list):
        left = [(place, entry) for place, entry in zip(_places(value), value, strict=True) if entry is not _DOOMED]
        return _Entries([_purged(entry) for _, entry in left], [place for place, _ in left])
    return value


class _Entries(list[Any]):
    """What is left of a list, and the places that its entries had in the file."""

    def __init__(self, entries: list[Any], places: list[int]) -> None:
        super().__init__(entries)
        self.places = places

    def __deepcopy__(self, memo: dict[int, Any]) -> _Entries:
        return _Entries(copy.deepcopy(list(self), memo), list(self.places))


def _places(value: list[Any]) -> Sequence[int]:
    return value.places if isinstance(value, _Entries) else range(len(value))


# --- what a fault reads like ------------------------------------------------------------------------------------------
def _faults(entries: Sequence[Any], values: dict[str, Any], reading: Reading) -> list[str]:
    """Return each fault once; a list is not too short because its entries are wrong."""
    wrong = [entry["loc"] for entry in entries]
    real = [
        entry
        for entry in entries
        if entry["type"] != "too_short" or not any(loc[: len(entry["loc"])] == entry["loc"] != loc for loc in wrong)
    ]
    return list(dict.fromkeys(fault for entry in real for fault in _faults_of(entry, values, reading)))


def _faults_of(entry: Any, values: dict[str, Any], reading: Reading) -> list[str]:
    """Return the faults of one entry: each fault of a table's own check is one, the file's say themselves where."""
    error = entry.get("ctx", {}).get("error")
    if not isinstance(error, InvalidValue):
        return [_fault(entry, values, reading)]
    where, table = _path(entry["loc"], values)
    faults = [_renumbered(fault, table) for fault in error.faults]
    return [f"{where}: {fault}" if where else fault for fault in faults]


def _renumbered(fault: str, table: Any) -> str:
    """Return a fault that begins with a path in a table with the indices that stand in the file."""
    path = re.match(r"\w+(?:\.\w+|\[\d+\])*", fault)
    location = [int(part) if part.isdigit() else part for part in re.findall(r"\w+", path[0])] if path else []
    return _path(location, table)[0] + fault[len(path[0]) :] if path else fault


def _fault(entry: Any, values: dict[str, Any], reading: Reading) -> str:
    path, found = _path(entry["loc"], values)
    kind, where = entry["type"], path or "the file"
    if kind == "unexpected_keyword_argument" or kind == "extra_forbidden":
        table = _table_at(entry["loc"][:-1], values, reading)
        known = [f.name for f in fields(table)] if table else []
        return f"{where}: unknown key.{_suggest(str(entry['loc'][-1]), known)}"
    if kind in ("missing", "missing_argument", "missing_keyword_only_argument"):
        return f"{where}: missing, it must be given"
    if kind in ("no_table", "no_kind", "bad_kind"):
        return f"{where}{'.kind' if kind == 'bad_kind' else ''}: {entry['msg']}"
    if kind == "predicate_failed":
        what = entry["msg"].split()[1].strip("'").replace("_", " ")
        return f"{where}: must be a {what}, got {found!r}"
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", entry["ctx"]["expected"])
        return f"{where}: must be {entry['ctx']['expected']}, got {found!r}.{_suggest(str(found), known, listed=True)}"
    message = entry["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    return f"{where}: {message}" + ("" if kind == "value_error" or found is _ABSENT else f", got {found!r}")


_ABSENT = object()


def _path(location: Sequence[int | str], values: Any) -> tuple[str, Any]:
    """Return a location as it would be written, and the value that is there."""
    text, here = "", values
    for part in location:
        if isinstance(part, int):
            text += f"[{_places(here)[part] if isinstance(here, list) and part < len(here) else part}]"
        else:
            text += f".{part}" if text else part
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            here = _ABSENT
    return text, here


def _suggest(word: str, known: Sequence[str], *, listed: bool = False) -> str:
    return did_you_mean(word, known) or ("" if listed or not known else f" There are {', '.join(known)}")


def _table_at(location: Sequence[int | str], values: Any, reading: Reading) -> Any:
    """Return the class of the table at a location, which is there; None where it has none."""
    from sekai.scenarios.schema import Scenario

    table: Any = Scenario
    hint, here = None, values
    for part in location:
        here = here[part]
        if isinstance(part, str):
            hint = get_type_hints(table, include_extras=True).get(part) if table else None
        table = _table_of(hint, here, reading)
    return table


def _table_of(hint: Any, value: Any, reading: Reading) -> Any:
    """Return the class that a hint, or something in it, means for a table."""
    if is_dataclass(hint):
        return hint
    for kinds in getattr(hint, "__metadata__", ()):
        if isinstance(kinds, Kinds):
            return kinds.find(value["kind"], reading.folder) if isinstance(value, dict) else None
    return next((table for part in get_args(hint) if (table := _table_of(part, value, reading))), None)
