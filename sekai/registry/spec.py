"""How to make an environment, as a value that can be printed, compared and sent."""

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeAlias

from sekai.core.result import ByValue
from sekai.error import RegistrationError, did_you_mean
from sekai.registry.encoding import decode, encode, place_of

__all__ = ["EntryPoint", "EnvSpec", "WrapperSpec", "parse_id"]

EntryPoint: TypeAlias = str | Callable[..., Any]
_ID = re.compile(r"^(?:(?P<namespace>[\w.:-]+)/)?(?P<name>[\w.:-]+?)(?:-v(?P<version>\d+))?$")


def parse_id(id: str) -> tuple[str | None, str, int | None]:
    """Split `namespace/name-vN` into its parts; namespace and version are optional.

    >>> parse_id("markets/MakerTaker-v0"), parse_id("scenarios/maker-duel")
    (('markets', 'MakerTaker', 0), ('scenarios', 'maker-duel', None))
    """
    match = _ID.match(id) if isinstance(id, str) else None
    if match is None:
        raise RegistrationError(f"id must read 'name', 'name-v0' or 'namespace/name-v0', got {id!r}")
    version = match["version"]
    return match["namespace"], match["name"], None if version is None else int(version)


def _arguments_of(cls: type[Any], value: Any) -> dict[str, Any]:
    """Return the arguments of a spec as read from JSON; raises `RegistrationError` unless these are those of `cls`."""
    if not isinstance(value, Mapping):
        raise RegistrationError(f"value must be a mapping, as {cls.__name__}.to_json() returns it, got {value!r}")
    named = {f.name: f for f in fields(cls)}
    for name in value:
        if name not in named:
            near = did_you_mean(name, named)
            raise RegistrationError(f"{cls.__name__} takes {', '.join(named)}, got {name!r}.{near}")
    for name, f in named.items():
        if name not in value and f.default is MISSING and f.default_factory is MISSING:
            raise RegistrationError(f"{cls.__name__} lacks {name!r}, got {dict(value)}")
    kwargs = decode(value.get("kwargs", {}))
    if not isinstance(kwargs, Mapping):
        raise RegistrationError(f"kwargs must be a mapping of arguments by name, got {kwargs!r}")
    return {**value, "kwargs": kwargs}


def _text_of(entry_point: EntryPoint) -> str:
    return entry_point if isinstance(entry_point, str) else place_of(entry_point)


@dataclass(frozen=True, eq=False)
class WrapperSpec(ByValue):
    """A wrapper that `make` puts around an environment: its name, where it is, and its arguments."""

    name: str
    entry_point: EntryPoint
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return this spec in strict JSON; raises `RegistrationError` for what cannot be written."""
        kwargs = encode(dict(self.kwargs), f"kwargs of {self.name!r}")
        return {"name": self.name, "entry_point": _text_of(self.entry_point), "kwargs": kwargs}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "WrapperSpec":
        """Build the spec that `to_json` wrote; else raises `RegistrationError`."""
        return cls(**_arguments_of(cls, value))


@dataclass(frozen=True, eq=False)
class EnvSpec(ByValue):
    """How to make an environment, under an id.

    `entry_point` is a callable, or `"module:name"`, imported when it is first needed. `max_episode_steps` puts a
    `TimeLimit` around it. `kwargs` go to the entry point; a spec found on an environment has those it was made with.
    `description` is a line for people.
    """

    id: str
    entry_point: EntryPoint
    max_episode_steps: int | None = None
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    reward_threshold: float | None = None
    additional_wrappers: tuple[WrapperSpec, ...] = ()
    description: str = ""

    def __post_init__(self) -> None:
        parse_id(self.id)
        if not callable(self.entry_point) and not (isinstance(self.entry_point, str) and ":" in self.entry_point):
            raise RegistrationError(f"entry_point must be a callable or 'module:name', got {self.entry_point!r}")
        limit = self.max_episode_steps
        if limit is not None and (not isinstance(limit, int) or limit < 1):
            raise RegistrationError(f"max_episode_steps must be an integer >= 1 or None, got {limit!r}")

    @property
    def namespace(self) -> str | None:
        """The part of the id before the slash, if any."""
        return parse_id(self.id)[0]

    @property
    def name(self) -> str:
        """The id without namespace and version."""
        return parse_id(self.id)[1]

    @property
    def version(self) -> int | None:
        """The number after `-v`, if any."""
        return parse_id(self.id)[2]

    def to_json(self) -> dict[str, Any]:
        """Return this spec in strict JSON; raises `RegistrationError` for what cannot be written, such as a lambda.

        Arguments may hold tuples, infinities, arrays, spaces and importable functions, see `sekai.registry.encoding`.
        """
        return {
            "id": self.id,
            "entry_point": _text_of(self.entry_point),
            "max_episode_steps": self.max_episode_steps,
            "kwargs": encode(dict(self.kwargs), f"kwargs of {self.id!r}"),
            "reward_threshold": self.reward_threshold,
            "additional_wrappers": [wrapper.to_json() for wrapper in self.additional_wrappers],
            "description": self.description,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "EnvSpec":
        """Build the spec that `to_json` wrote, or one with defaults left out; else raises `RegistrationError`."""
        arguments = _arguments_of(cls, value)
        wrappers = arguments.get("additional_wrappers", ())
        if not isinstance(wrappers, list | tuple):
            raise RegistrationError(f"additional_wrappers must be a list, got {wrappers!r}")
        return cls(**{**arguments, "additional_wrappers": tuple(map(WrapperSpec.from_json, wrappers))})

    def pprint(self) -> None:
        """Print this spec for people, a field a line."""
        print(self.pformat())

    def pformat(self) -> str:
        """Return what `pprint` prints; fields that say nothing are left out."""
        entry = self.entry_point if isinstance(self.entry_point, str) else self.entry_point.__qualname__
        lines = [self.id]
        if self.description:
            lines.append(f"  {self.description}")
        lines.append(f"  made by     {entry}({_arguments(self.kwargs)})")
        if self.max_episode_steps is not None:
            lines.append(f"  time limit  {self.max_episode_steps:,} steps")
        if self.reward_threshold is not None:
            lines.append(f"  solved at   {self.reward_threshold:g}")
        for wrapper in self.additional_wrappers:
            lines.append(f"  inside      {wrapper.name}({_arguments(wrapper.kwargs)})")
        return "\n".join(lines)

    def __deepcopy__(self, memo: dict[int, Any]) -> "EnvSpec":
        return self


def _arguments(kwargs: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in kwargs.items())
