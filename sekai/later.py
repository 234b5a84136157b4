"""Parts of a package that are imported when they are first asked for, so that importing the package stays quick."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["later"]


def later(package: str, *modules: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` for a package, some of whose `modules` are imported when they are needed.

    `modules` are relative to the package, ".view" for instance. What its `__all__` names and it does not have yet is
    looked for in each of them in turn.
    """

    def __getattr__(name: str) -> Any:
        home: Any = sys.modules[package]
        if f".{name}" in modules:
            return import_module(f".{name}", package)
        for module in modules if name in home.__all__ else ():
            found = getattr(import_module(module, package), name, home)
            if found is not home:
                setattr(home, name, found)
                return found
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        home: Any = sys.modules[package]
        return sorted({*vars(home), *home.__all__})

    return __getattr__, __dir__
