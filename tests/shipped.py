"""The modules that are shipped: their names as imported, and their files as they lie in the checkout."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {"sekai": "sekai", "markets": "sekai.markets", "agents": "sekai.agents", "scenarios": "sekai.scenarios"}
PACKAGES = tuple(FOLDERS.values())


def modules() -> list[tuple[str, Path]]:
    """Return the name and the file of every module that is shipped."""
    found = []
    for folder, package in FOLDERS.items():
        for file in sorted((ROOT / folder).rglob("*.py")):
            parts = file.relative_to(ROOT / folder).with_suffix("").parts
            if not (folder == "sekai" and parts[0] in FOLDERS):  # rglob follows no links; older checkouts may copy
                found.append((".".join([package, *parts]).removesuffix(".__init__"), file))
    return found


def package_of(module: str) -> str:
    """Return which of `PACKAGES` a module is of: the longest that fits."""
    return max((name for name in PACKAGES if module == name or module.startswith(name + ".")), key=len)
