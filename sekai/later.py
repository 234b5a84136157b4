"""Parts of a package that are imported when they are first used.

`import sekai` takes 0.19 s of CPU time, 0.12 s of it numpy's; with everything that it names it would take 0.29 s.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["later"]


def later(package: str, *modules: str, **others: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` for a package that imports some of its `modules` when they are first used.

    `modules` are relative to the package, such as ".view". A name in the package's `__all__` that it does not have yet
    is looked for in each of them in turn. `others` are modules under another name: `space_utils=".spaces.utils"`.
    """
    named = {module.rpartition(".")[2]: module for module in modules} | others

    def __getattr__(name: str) -> Any:
        home: Any = sys.modules[package]
        if name in named:
            return import_module(named[name], package)
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
