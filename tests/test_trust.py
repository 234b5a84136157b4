"""What is read from outside is data and never code: no file can make the project run something.

The calls are read from the source. Pickles travel between a process and its own workers, and nowhere else.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.shipped import modules

PICKLES = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
CODE = {"eval", "exec", "compile", "__import__", "execfile"}
MAY: dict[str, str] = {
    "sekai.vector.worker": "messages between a process and its own workers",
    "sekai.vector.process": "messages between a process and its own workers",
    "sekai.testing.conformance": "an environment is pickled and read again, in memory",
}


def dangers_in(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the words of every call that could run what it reads."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
            yield node.value.lineno, "allow_pickle"
        if not isinstance(node, ast.Call):
            continue
        words = ast.unparse(node.func)
        *owner, name = words.split(".")
        if (
            not owner
            and name in CODE
            or owner
            and owner[0] in PICKLES
            and name in ("load", "loads", "Unpickler", "open")
        ):
            yield node.lineno, words
        elif words in ("np.load", "numpy.load") and "allow_pickle=False" not in map(ast.unparse, node.keywords):
            yield node.lineno, f"{words} without allow_pickle=False"
        elif words in ("os.system", "yaml.load", "torch.load"):
            yield node.lineno, words


@pytest.mark.parametrize("module", [name for name, _ in modules()])
def test_nothing_that_is_read_can_run(module: str) -> None:
    (file,) = (file for name, file in modules() if name == module)
    found = list(dangers_in(file.read_text(encoding="utf-8")))
    assert bool(found) == (module in MAY), found


@pytest.mark.parametrize(
    "source",
    [
        "import pickle\npickle.load(open('x', 'rb'))",
        "cloudpickle.loads(data)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "numpy.savez(path, allow_pickle=flag)",
        "eval(text)",
        "exec(open(path).read())",
    ],
)
def test_the_test_can_fail(source: str) -> None:
    assert list(dangers_in(source))
    assert not list(dangers_in("np.load(path, allow_pickle=False)\nre.compile('a')\npickle.dumps(1)"))
