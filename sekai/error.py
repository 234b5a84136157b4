"""Every mistake a user can make has a type here, and its message says what would have been right.

All derive from `SekaiError`, and from `ValueError`, `LookupError` and the like where Python has a type for the mistake.
"""

from collections.abc import Iterable

__all__ = [
    "AsyncCallPending",
    "BackendMismatch",
    "ClosedEnvironment",
    "EnvAlreadyRegistered",
    "EnvNotFound",
    "InvalidAction",
    "InvalidAgents",
    "InvalidMask",
    "InvalidObservation",
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
    "UnsupportedWrapper",
    "UnwritableFile",
    "VersionNotFound",
    "WorkerDied",
    "WorkerTimeout",
    "did_you_mean",
    "install_hint",
    "nearest",
]

_HEAD, _TAIL = 480, 120  # characters of a long message that are kept: what is wrong, and the end of what was given


class SekaiError(Exception):
    """The base of all errors that a user of the library can cause."""


class ResetRequired(SekaiError):
    """Raised when `step` is called before the first `reset`, or after an episode's end."""


class AsyncCallPending(SekaiError):
    """Raised when an environment is asked for something while a call, awaited or in a thread, has not returned yet."""


class ClosedEnvironment(SekaiError):
    """Raised when `reset` or `step` is called after `close`."""


class _AboutValues(SekaiError, ValueError):
    """An error that prints values, which may be large: a long message is cut in the middle, and is one line."""

    def __str__(self) -> str:
        text = super().__str__()
        if len(text) <= _HEAD + _TAIL:
            return text
        line = " ".join(text.split())
        return f"{line[:_HEAD]} ... {line[-_TAIL:]}"


class InvalidAction(_AboutValues, TypeError):
    """Raised for an action outside its space, or for a wrong number of actions."""


class InvalidAgents(InvalidAction):
    """Raised when `step` gets an action too few or too many; it names the missing and the extra agents."""


class InvalidMask(SekaiError, ValueError, TypeError):
    """Raised for a mask of a vector env's rows that is not one boolean a row."""


class SpaceMismatch(_AboutValues):
    """Raised when a value does not belong to a space, or when two spaces that must be equal are not."""


class InvalidObservation(SpaceMismatch):
    """Raised when an environment returns an observation that its space cannot hold."""


class BackendMismatch(SekaiError, TypeError):
    """Raised for an array that a backend cannot read."""


class UndefinedAttribute(SekaiError, AttributeError):
    """Raised when an environment lacks something that it must define, such as its spaces."""


class MissingPolicy(SekaiError, LookupError):
    """Raised when a view meets an agent that no policy plays."""


class UnsupportedWrapper(SekaiError, TypeError):
    """Raised when a wrapper cannot go around an environment; it says what to use instead."""


class RegistrationError(SekaiError, ValueError):
    """Raised for an id, an entry point or a spec that cannot be registered, or cannot be written as JSON."""


class EnvAlreadyRegistered(RegistrationError):
    """Raised for an id that clashes with a registered one: one of them has a version, the other has none."""


class EnvNotFound(SekaiError, LookupError):
    """Raised when no environment has the id that was asked for."""


class NamespaceNotFound(EnvNotFound):
    """Raised when the namespace of an id is not known."""


class NameNotFound(EnvNotFound):
    """Raised when a namespace has no environment of that name."""


class VersionNotFound(EnvNotFound):
    """Raised when a name exists, but not in the version that was asked for."""


class LoaderError(SekaiError, ImportError):
    """Raised when a namespace's loader or an entry point cannot be imported; asking again tries again."""


class UnreadableFile(SekaiError, ValueError):
    """Raised for a file that is damaged, or of another kind than it should be; it names the file."""


class UnwritableFile(SekaiError, OSError):
    """Raised where a file cannot be written, as on a full disk; it names the file, which is as it was before."""


class WorkerDied(SekaiError, RuntimeError):
    """Raised when a worker process is gone; it says which environments it had, and how it ended."""


class WorkerTimeout(SekaiError, TimeoutError):
    """Raised when a worker process does not answer in time; it says which environments it has."""


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
