"""An adapter's library is an extra: `import sekai` does without it, and whoever lacks it is told what to do."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("library", ["dm_env", "gymnasium", "pettingzoo"])
def test_the_library_is_imported_by_its_adapter_only(library: str) -> None:
    code = f"import sys, sekai, sekai.adapters; print({library!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize("library", ["dm_env", "gymnasium", "pettingzoo"])
def test_without_the_library_the_adapter_says_what_to_do(library: str) -> None:
    code = f"import sys; sys.modules[{library!r}] = None; import sekai.adapters.{library}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode and f"pip install -e '.[{library}]'" in run.stderr.splitlines()[-1]
