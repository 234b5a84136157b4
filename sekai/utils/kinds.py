"""Classes by name: what `kind` says in a file, and what stands for a class on a command line or in Python.

A name is that of a class of ours, that of an installed entry point, or `module:Class` for one of the user's own. A file
may name code, `module:Class`, only where whoever reads the file trusts it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from importlib.machinery import PathFinder
from inspect import get_annotations
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, get_args, get_origin, get_type_hints

from sekai.error import LoaderError, SekaiError, did_you_mean
from sekai.registry.encoding import imported

__all__ = ["Kinds", "Reading", "import_beside"]

_ADAPTERS: dict[type[Any], Any] = {}  # pydantic's, made when they are first needed


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read: whether it may import code, and the folder in which its modules are looked for first."""

    trust: bool = False
    folder: str = ""


class Kinds:
    """The classes that one noun stands for, "policy" say, by name. All are frozen dataclasses derived from `base`.

    Ours are named by their field `kind`. With a `group`, those of that group's entry points are there too, by the entry
    point's name, and a user's own by `module:Class`; `check(cls)` says what keeps one of these from being used.

    As an annotation, `Annotated[Base, kinds]`, it lets pydantic read a table by its `kind`, or a kind written alone.
    The validation's context is a `Reading`; without one, nothing is imported.
    """

    def __init__(
        self,
        noun: str,
        base: type[Any],
        ours: Sequence[type[Any]],
        *,
        group: str = "",
        check: Callable[[type[Any]], str] = lambda cls: "",
    ) -> None:
        self.noun, self.base, self.ours = noun, base, {_kind_of(cls): cls for cls in ours}
        self._group, self._check = group, check

    @property
    def classes(self) -> Mapping[str, type[Any]]:
        """The classes by name: ours, and those of installed entry points, which are read once."""
        return self._table[0]

    @property
    def left_out(self) -> Mapping[str, str]:
        """The entry points of the group that cannot be used here, by name, and why."""
        return self._table[1]

    def find(self, name: str, folder: str = "") -> type[Any]:
        """Return the class of a name; a module is looked for in `folder` first.

        Raises `SekaiError` for a name that there is not, with the nearest that there is, and `LoaderError` for a class
        that cannot be imported or used.
        """
        try:
            return self._find(name, folder)
        except SekaiError as error:
            raise type(error)(f"{self.noun} {error}") from error.__cause__

    def name_of(self, cls: type[Any]) -> str:
        """Return the name of a class, `module:Class` where it has no other."""
        names = (name for name, known in self.classes.items() if known is cls)
        return next(names, f"{cls.__module__}:{cls.__qualname__}")

    def plain(self, value: Any) -> dict[str, Any]:
        """Return a value of one of the classes as JSON's: its kind, then its fields."""
        values = _adapter(type(value)).dump_python(value, mode="json")
        return {"kind": self.name_of(type(value)), **{key: one for key, one in values.items() if key != "kind"}}

    # --- finding ------------------------------------------------------------------------------------------------------
    def _find(self, name: str, folder: str) -> type[Any]:
        if name in self.ours:
            return self.ours[name]
        if ":" in name and self._group:
            cls = import_beside(name, folder)
            fault = self._fault(cls)
            if fault:
                raise LoaderError(f"{name!r} cannot be used: {fault}")
            return cls  # type: ignore[no-any-return]
        if name in self.classes:
            return self.classes[name]
        meant = did_you_mean(name, self.classes) or (" One of your own is 'module:Class'." if self._group else "")
        told = f"must be one of {', '.join(map(repr, self.classes))}, got {name!r}.{meant}"
        if name in self.left_out:
            raise LoaderError(f"{told} It is installed, but {self.left_out[name]}")
        raise SekaiError(told)

    @cached_property
    def _table(self) -> tuple[Mapping[str, type[Any]], Mapping[str, str]]:
        found, faults = dict(self.ours), {}
        for point in _entry_points(self._group):
            try:
                cls = point.load()
                fault = "the name is taken" if point.name in found else self._fault(cls, point.name)
            except Exception as error:  # whatever a stranger's module does when it is imported
                fault = f"{type(error).__name__}: {error}"
            if not fault:
                found[point.name] = cls
            elif point.name not in found:
                faults[point.name] = f"entry point {point.value}: {fault}"
        return MappingProxyType(dict(sorted(found.items())) if self._group else found), MappingProxyType(faults)

    def _fault(self, cls: Any, name: str = "") -> str:
        """Return what keeps a class from being used; nothing where it can be. An entry point's `name` is its kind."""
        if not (isinstance(cls, type) and issubclass(cls, self.base) and is_dataclass(cls)):
            public = f"{self.base.__module__.rpartition('.')[0]}.{self.base.__name__}"
            return f"it must be a dataclass derived from {public}, got {cls!r}"
        if not cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]
            return "it must be frozen: @dataclass(frozen=True)"
        forgotten = sorted(set(_annotated(cls)) - {field.name for field in fields(cls)})
        if forgotten:
            return f"it must be decorated with @dataclass(frozen=True, kw_only=True), or {forgotten[0]!r} is no field"
        try:
            hints = get_type_hints(cls)
            if name and "kind" in hints and get_args(hints["kind"]) != (name,):
                return f"it must have a field kind: Literal[{name!r}] = {name!r}"
            fault = self._check(cls)
            if not fault:
                _adapter(cls)
        except Exception as error:  # a hint that means nothing, say
            fault = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
        return fault

    # --- pydantic -----------------------------------------------------------------------------------------------------
    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Return how a value of these is read and written."""
        from pydantic_core import core_schema

        return core_schema.with_info_plain_validator_function(
            self._read, serialization=core_schema.plain_serializer_function_ser_schema(self.plain)
        )

    def _read(self, value: Any, info: Any) -> Any:
        """Return the object that a table describes; what is wrong with its fields is told with their paths."""
        from pydantic_core import PydanticCustomError

        def fault(kind: str, words: str) -> PydanticCustomError:
            return PydanticCustomError(kind, "{words}", {"words": words})

        reading: Reading = info.context or Reading()
        table = {"kind": value} if isinstance(value, str) else value
        if not isinstance(table, dict):
            raise fault("no_table", f"must be a table with a kind, or a kind alone, got {value!r}")
        if not isinstance(table.get("kind"), str):
            raise fault("no_kind", f"needs a kind, one of {', '.join(map(repr, self.classes))}")
        name = table["kind"]
        if self._group and ":" in name and not reading.trust:
            words = "is code: a file may import it only with --trust on the command line, or trust=True in Python"
            raise fault("bad_kind", f"{name!r} {words}")
        try:
            cls = self._find(name, reading.folder)
        except SekaiError as error:
            raise fault("bad_kind", str(error)) from error
        rest = {key: one for key, one in table.items() if key != "kind"}
        return _adapter(cls).validate_json(json.dumps(rest), strict=True, context=reading)


def _kind_of(cls: Any) -> str:
    return str(cls.__dataclass_fields__["kind"].default)


def _annotated(cls: type[Any]) -> Iterator[str]:
    """Yield the names that a class itself annotates, as a dataclass would take them for fields."""
    for name, hint in get_annotations(cls).items():
        is_of_class = "ClassVar" in hint if isinstance(hint, str) else ClassVar in (hint, get_origin(hint))
        if not is_of_class:
            yield name


def _adapter(cls: type[Any]) -> Any:
    if cls not in _ADAPTERS:
        from pydantic import TypeAdapter

        _ADAPTERS[cls] = TypeAdapter(cls)
    return _ADAPTERS[cls]


def _entry_points(group: str) -> Any:
    from importlib.metadata import entry_points

    return entry_points(group=group) if group else ()


# --- a user's own module ----------------------------------------------------------------------------------------------
def import_beside(name: str, folder: str = "") -> Any:
    """Return what `module:name` stands for; the module is looked for in `folder` first, then on the path.

    The folder stays at the end of the path, so that pickles and processes find the module again. Raises `LoaderError`,
    in one sentence, for a module that is not there or that fails, and for a name that it does not have.
    """
    module, _, attribute = name.partition(":")
    try:
        with _first_on_path(folder):
            _check_not_another(module, folder)
            importlib.import_module(module)
        return imported(name)
    except LoaderError:
        raise
    except (Exception, SystemExit) as error:  # whatever a user's module does
        found = vars(sys.modules[module]) if module in sys.modules else None
        if found is None or not isinstance(error, AttributeError):
            words = _in_a_sentence(error, module, folder)
        else:
            near = did_you_mean(attribute, [one for one in found if not one.startswith("_")])
            words = f"there is no {attribute!r} in {found.get('__file__') or module}.{near}"
        raise LoaderError(f"{name!r} cannot be used: {words}") from error


@contextmanager
def _first_on_path(folder: str) -> Iterator[None]:
    """Look for modules in a folder first, and afterwards last."""
    importlib.invalidate_caches()
    if not folder:
        yield
        return
    place = os.path.abspath(folder)
    sys.path.insert(0, place)
    try:
        yield
    finally:
        sys.path.remove(place)
        if place not in sys.path:
            sys.path.append(place)


def _check_not_another(module: str, folder: str) -> None:
    """Raise `LoaderError` where another module of that name is imported already than the one in the folder."""
    top = module.partition(".")[0]
    beside = PathFinder.find_spec(top, [os.path.abspath(folder)]) if folder and top.isidentifier() else None
    loaded = getattr(sys.modules.get(top), "__file__", None)
    if beside and beside.origin and loaded and not _is_same(beside.origin, loaded):
        raise LoaderError(
            f"module {top!r} is imported already, from {loaded}: {beside.origin} must have another name to be used too"
        )


def _is_same(one: str, other: str) -> bool:
    return Path(one).resolve() == Path(other).resolve()


def _in_a_sentence(error: BaseException, module: str, folder: str) -> str:
    """Return what went wrong in a module, with its file and line."""
    if isinstance(error, ModuleNotFoundError) and error.name and f"{module}.".startswith(f"{error.name}."):
        beside = f"neither in {os.path.abspath(folder)} nor " if folder else "not "
        return f"there is no module {error.name!r}, {beside}on the path"
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error.msg} ({error.filename}, line {error.lineno})"
    ours = (__file__, importlib.__file__)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename not in ours and f.filename[0] != "<"]
    own = [frame for frame in frames if Path(frame.filename).parent == Path(frames[0].filename).parent]
    place = f" ({own[-1].filename}, line {own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {str(error).strip() or 'it ended the program'}{place}"
