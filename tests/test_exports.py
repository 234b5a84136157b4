"""What is public is listed, in order, and documented.

In every public module of the four packages `__all__` is sorted, names all that the module defines without an
underscore, and each of these, with each public method, says in a docstring what it does.
"""

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.shipped import modules


def public_modules() -> Iterator[str]:
    """Yield the names of all modules without an underscore in front of any part."""
    yield from (name for name, _ in modules() if not any(part.startswith("_") for part in name.split(".")))


def defined(module: ModuleType) -> set[str]:
    """Return the public names that the module's own top level defines, under `if` and `try` too."""
    assert module.__file__ is not None
    names: set[str] = set()
    pending = list(ast.parse(Path(module.__file__).read_text(encoding="utf-8")).body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.For):
            pending += [*node.body, *getattr(node, "orelse", []), *getattr(node, "finalbody", [])]
    return {name for name in names if not name.startswith("_")}


def place(name: str) -> tuple[int, str]:
    """Return where a name goes: CONSTANTS first, then Classes, then functions, as `ruff --select RUF022` has it."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def undocumented(module: ModuleType, name: str) -> Iterator[str]:
    """Yield what lacks a docstring of its own: a function or class of this module, or a public method of it."""
    thing = getattr(module, name)
    if getattr(thing, "__module__", None) != module.__name__ or not (inspect.isclass(thing) or callable(thing)):
        return
    if not (getattr(thing, "__doc__", None) or "").strip():
        yield name
    if inspect.isclass(thing):
        for method, value in vars(thing).items():
            function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            if not method.startswith("_") and inspect.isfunction(function) and not (function.__doc__ or "").strip():
                yield f"{name}.{method}"


@pytest.mark.parametrize("name", list(public_modules()))
def test_what_is_public_is_listed_in_order_and_documented(name: str) -> None:
    module = importlib.import_module(name)
    listed: Any = getattr(module, "__all__", None)
    assert listed is not None, f"{name} has no __all__"
    assert list(listed) == sorted(set(listed), key=place), f"{name}.__all__ is not sorted"
    assert [entry for entry in listed if not hasattr(module, entry)] == [], "listed, but not there"
    assert sorted(defined(module) - set(listed)) == [], f"defined in {name}, but not listed"
    assert (module.__doc__ or "").strip(), f"{name} does not say the rule of its world"
    assert [gap for entry in listed for gap in undocumented(module, entry)] == [], "not documented"
