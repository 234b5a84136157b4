"""Who may know whom. Arrows point down only, and this file is where the arrows are drawn.

The imports are read from the source, those inside functions included, so that a cycle cannot hide in a lazy import.
Whatever must be found upwards (environments, commands) is found by entry points and so appears in no import.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
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


def test_import_sekai_is_light() -> None:
    """`import sekai` loads nothing that takes long to load, and none of our other packages."""
    code = "import json, sys, sekai; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)
    assert not set(loaded) & HEAVY
