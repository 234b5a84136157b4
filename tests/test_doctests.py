"""Every example in a docstring runs and prints what it says."""

from __future__ import annotations

import doctest
import importlib

import pytest

from tests.shipped import modules

MODULES = [name for name, file in modules() if ">>> " in file.read_text(encoding="utf-8")]


@pytest.mark.parametrize("module", MODULES)
def test_examples(module: str) -> None:
    """No example of the module differs from its output."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testmod(importlib.import_module(module), optionflags=flags)
    assert result.attempted > 0 and result.failed == 0
