"""Who may know whom. Arrows point down only, and this file is where the arrows are drawn.

The imports are read from the source, those inside functions and under TYPE_CHECKING included, so that a cycle cannot
hide in a lazy import.
Whatever must be found upwards (environments, commands) is found by entry points and so appears in no import.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from tests.shipped import PACKAGES, ROOT, modules, package_of

NOT_SHIPPED = ("benchmarks", "docs", "examples", "tests")


@dataclass(frozen=True)
class May:
    """What the modules below one name may import of ours, and, where that is a rule too, of others."""

    ours: tuple[str, ...]
    others: tuple[str, ...] | None = None  # None: any library that pyproject.toml names


# The longest name that fits a module decides; a name stands for all below it but for what lies in another package.
RULES: dict[str, May] = {
    "sekai": May(ours=("sekai",)),
    "sekai.markets": May(ours=("sekai.markets", "sekai")),
    "sekai.markets.engine": May(ours=("sekai.markets.engine",), others=("numba", "numpy")),
    "sekai.agents": May(ours=("sekai.agents", "sekai.markets.book.messages", "sekai.markets.sdk", "sekai")),
    "sekai.scenarios": May(ours=PACKAGES),
}

# Where cycles of files are still to be removed. The list may only shrink: a name without a cycle is a fault.
CYCLES: tuple[str, ...] = ()

# `import sekai` is the framework alone: whoever only wants its classes does not wait for these.
HEAVY = {
    "jinja2",
    "matplotlib",
    "numba",
    "pydantic",
    "rich",
    "sekai.agents",
    "sekai.markets",
    "sekai.scenarios",
    "typer",
}


def is_below(module: str, name: str) -> bool:
    """Say whether ``module`` is ``name`` or lies inside it."""
    return module == name or module.startswith(name + ".")


def is_within(module: str, name: str) -> bool:
    """Say whether ``module`` lies below ``name`` and in the same package."""
    return is_below(module, name) and package_of(module) == package_of(name)


def rule_for(module: str) -> May:
    """Return the rule of the longest name in ``RULES`` that ``module`` lies below."""
    return RULES[max((name for name in RULES if is_below(module, name)), key=len)]


def imports_of(source: str, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """Yield the line and the full name of every import in ``source``, wherever it stands.

    ``from a import b`` yields ``a.b``, which is the module if ``b`` is one, and below ``a`` in any case.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            base = parts[: len(parts) - node.level + is_package] if node.level else []
            prefix = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{prefix}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__"):
            yield from ((node.lineno, str(name.value)) for name in node.args[:1] if isinstance(name, ast.Constant))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).lstrip("_") == "later":
            yield from ((node.lineno, module + str(part.value)) for part in node.args if isinstance(part, ast.Constant))


def cycles_in(imports: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the cycles: each a list of modules that all import each other, directly or by way of others."""

    def reached_from(module: str) -> set[str]:
        reached, ahead = set[str](), [module]
        while ahead:
            new = imports[ahead.pop()] - reached
            reached |= new
            ahead += new
        return reached

    reached = {module: reached_from(module) for module in imports}
    cycles = {frozenset(o for o in reached[m] if m in reached[o]) for m in imports if m in reached[m]}
    return sorted(map(sorted, cycles))


def imported_modules(sources: Mapping[str, tuple[str, bool]]) -> dict[str, set[str]]:
    """Return which of the modules each of them imports; ``sources`` has their text, and whether it is a package's."""

    def nearest(name: str) -> str:
        while name not in sources and "." in name:
            name = name.rpartition(".")[0]
        return name

    return {
        module: {nearest(name) for _, name in imports_of(source, module, is_package)} & sources.keys() - {module}
        for module, (source, is_package) in sources.items()
    }


def faults_in(source: str, module: str, is_package: bool = False) -> list[str]:
    """Return one sentence for every import in ``source`` that the rule of ``module`` does not allow."""
    rule = rule_for(module)
    faults = []
    for line, name in imports_of(source, module, is_package):
        top = name.split(".")[0]
        if top == "sekai" or top in NOT_SHIPPED:
            # `from sekai.markets import sdk` is `sekai.markets.sdk`; with OrderBook it is `sekai.markets` itself.
            if not any(is_within(name, allowed) for allowed in rule.ours):
                faults.append(f"{module}:{line} imports {name}; it may import {', '.join(rule.ours)}")
        elif rule.others is not None and top not in sys.stdlib_module_names and top not in rule.others:
            faults.append(f"{module}:{line} imports {name}; of other libraries it may import {', '.join(rule.others)}")
    return faults


def test_every_name_of_the_rules_is_there() -> None:
    """No rule speaks of a module that does not exist, and the package is typed."""
    there = {name for name, _ in modules()}
    assert {name for rule in RULES.values() for name in rule.ours} | set(RULES) <= there
    assert (ROOT / "sekai" / "py.typed").is_file()


@pytest.mark.parametrize("package", PACKAGES)
def test_arrows_point_down_only(package: str) -> None:
    """No module of the package imports what its rule does not name."""
    ours = [(name, file) for name, file in modules() if package_of(name) == package]
    faults = [
        fault
        for name, file in ours
        for fault in faults_in(file.read_text(encoding="utf-8"), name, file.name == "__init__.py")
    ]
    assert ours and not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("module", "source", "is_allowed"),
    [
        ("sekai.core.env", "from sekai.spaces import Box", True),
        ("sekai.core.env", "from sekai import markets", False),
        ("sekai.core.env", "def f():\n    from sekai.scenarios import load", False),
        ("sekai.core.env", "from tests import conftest", False),
        ("sekai.registry", "import importlib\nimportlib.import_module('sekai.markets.envs')", False),
        ("sekai.markets.units", "from .engine import layout", True),
        ("sekai.markets.units", "from sekai.agents.named import policy", False),
        ("sekai.markets.engine.book", "from numba import njit\nimport numpy as np\nimport math", True),
        ("sekai.markets.engine.book", "from sekai.error import SekaiError", False),
        ("sekai.markets.engine.book", "from ..units import to_ticks", False),
        ("sekai.markets.engine.book", "import sortedcontainers", False),
        ("sekai.agents.compiled.maker", "from sekai.markets import sdk", True),
        ("sekai.agents.compiled.maker", "from sekai.markets.sdk import look", True),
        ("sekai.agents.compiled.maker", "from sekai.markets.engine import layout", False),
        ("sekai.agents.compiled.maker", "from sekai.markets import OrderBook", False),
        ("sekai.scenarios.loader", "from sekai.markets.engine import layout\nimport sekai.agents, sekai", True),
    ],
)
def test_the_test_can_fail(module: str, source: str, is_allowed: bool) -> None:
    """The reader of imports sees relative, nested and dynamic ones."""
    assert (not faults_in(source, module)) is is_allowed


def test_files_form_no_cycles() -> None:
    """No two files need each other, apart from those in ``CYCLES``, each of which still has one."""
    sources = {name: (file.read_text(encoding="utf-8"), file.name == "__init__.py") for name, file in modules()}
    cycles = cycles_in(imported_modules(sources))
    excused = {name for name in CYCLES if any(all(is_below(m, name) for m in cycle) for cycle in cycles)}
    others = [cycle for cycle in cycles if not any(all(is_below(m, name) for m in cycle) for name in CYCLES)]
    assert not others, "\n".join(" and ".join(cycle) for cycle in others)
    assert excused == set(CYCLES), f"without a cycle, so not to be listed: {sorted(set(CYCLES) - excused)}"


@pytest.mark.parametrize(
    "imports",
    [
        "from a import two",
        "def f():\n    from a.two import g",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .two import G",
        "import importlib\nimportlib.import_module('a.two')",
    ],
)
def test_a_cycle_is_found(imports: str) -> None:
    """However it is written; a package that loads its parts later imports them."""
    sources = {"a": ("", True), "a.one": (imports, False), "a.two": ("import a.three", False)}
    sources["a.three"] = ("from a.one import f", False)
    assert cycles_in(imported_modules(sources)) == [["a.one", "a.three", "a.two"]]
    assert not cycles_in(imported_modules(sources | {"a.three": ("import b", False)}))
    lazy = {"a": ("later(__name__, '.one')", True), "a.one": ("from a import f", False)}
    assert cycles_in(imported_modules(lazy)) == [["a", "a.one"]]


def test_import_sekai_is_light() -> None:
    """`import sekai` loads nothing that takes long to load, and none of our other packages."""
    code = "import json, sys, sekai; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)
    assert not set(loaded) & HEAVY
