"""Every mistake a user can make has a type here, and its message says what would have been right.

All derive from `SekaiError`; those that a plain Python program would expect as a `ValueError`, a `LookupError` or an
`AttributeError` are that too.
"""

from collections.abc import Iterable

__all__ = [
    "ClosedEnvironment",
    "InvalidAction",
    "InvalidAgents",
    "InvalidMask",
    "LoaderError",
    "MissingPolicy",
    "NameNotFound",
    "NamespaceNotFound",
    "RegistrationError",
    "ResetRequired",
    "SekaiError",
    "SpaceMismatch",
    "UndefinedAttribute",
    "UnreadableFile",
    "UnregisteredEnv",
    "UnsupportedWrapper",
    "UnwritableFile",
    "VersionNotFound",
    "WorkerDied",
    "WorkerTimeout",
    "did_you_mean",
    "install_hint",
    "nearest",
]


class SekaiError(Exception):
    """The base of all errors that a user of the library can cause."""


class ResetRequired(SekaiError):
    """Raised when `step` is called before the first `reset`, or after an episode's end."""


class ClosedEnvironment(SekaiError):
    """Raised when `reset` or `step` is called after `close`."""


class InvalidAction(SekaiError, ValueError, TypeError):
    """Raised for an action outside its space, or for a wrong number of actions."""


class InvalidAgents(InvalidAction):
    """Raised when `step` gets an action too few or too many; it names the missing and the extra agents."""


class InvalidMask(SekaiError, ValueError, TypeError):
    """Raised for a mask of a vector env's rows that is not one boolean a row."""


class SpaceMismatch(SekaiError, ValueError):
    """Raised when a value does not belong to a space, or when two spaces that must be equal are not."""


class UndefinedAttribute(SekaiError, AttributeError):
    """Raised when an environment did not define something that it was asked for (its spaces, its agents)."""


class MissingPolicy(SekaiError, LookupError):
    """Raised when a view meets an agent that nobody plays."""


class UnsupportedWrapper(SekaiError, TypeError):
    """Raised when a wrapper cannot serve many agents as it is written; it says which hook to use instead."""


class RegistrationError(SekaiError, ValueError):
    """Raised for an id or an entry point that cannot be registered."""


class UnregisteredEnv(SekaiError, LookupError):
    """Raised when no environment has the id that was asked for."""


class NamespaceNotFound(UnregisteredEnv):
    """Raised when the namespace of an id is not known."""


class NameNotFound(UnregisteredEnv):
    """Raised when a namespace has no environment of that name."""


class VersionNotFound(UnregisteredEnv):
    """Raised when a name exists, but not in the version that was asked for."""


class LoaderError(SekaiError, ImportError):
    """Raised when a namespace's loader or an entry point cannot be imported; asking again tries again."""


class UnreadableFile(SekaiError, ValueError):
    """Raised for a file that is damaged, or of another kind than it should be; it names the file."""


class UnwritableFile(SekaiError, OSError):
    """Raised where a file cannot be written, the disk is full, say; it names the file, which is as it was before."""


class WorkerDied(SekaiError, RuntimeError):
    """Raised when the process of some environments is gone; it says which environments, and how it ended."""


class WorkerTimeout(SekaiError, TimeoutError):
    """Raised when the process of some environments does not answer in time."""


def install_hint(extra: str) -> str:
    """Return the words that say how to install what `extra` needs; on the package index `sekai` is another project.

    >>> install_hint("render")
    "in the checkout, run pip install -e '.[render]'"
    """
    return f"in the checkout, run pip install -e '.[{extra}]'"


def did_you_mean(word: object, words: Iterable[str]) -> str:
    """Return `" Did you mean 'x'?"` for the nearest of `words`, or an empty string where none is near.

    >>> did_you_mean("makr", ["maker", "taker"])
    " Did you mean 'maker'?"
    """
    near = nearest(word, words)
    return f" Did you mean {near!r}?" if near else ""


def nearest(word: object, words: Iterable[str]) -> str | None:
    """Return the one of `words` that is written most like `word`, or None where none is near or `word` is no string.

    >>> nearest("makr", ["maker", "taker"])
    'maker'
    """
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, list(words), n=1)), None) if isinstance(word, str) else None
