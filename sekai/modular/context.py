"""Contexts: sets of environments. A context generates them, and knows which environments and contexts belong to it.

A context has a source (the id of a registered environment, or a class or function that makes one) and says what the
source's parameters may be: a value, `Between(1, 3)`, `Among("calm", "busy")`. Those that it does not name are free.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from sekai.core.agents import Policy
from sekai.core.env import MultiAgentEnv
from sekai.core.result import same
from sekai.core.seeding import child_seed
from sekai.error import SekaiError
from sekai.registry import EnvSpec, make_multi_agent, spec

__all__ = [
    "Among",
    "Between",
    "Choice",
    "FixedContext",
    "GeneralContext",
    "Generated",
    "LimitedContext",
    "Source",
    "WorldContext",
    "WrongContext",
]

Source: TypeAlias = str | Callable[..., MultiAgentEnv]
"""What generates: the id of a registered environment, or a class or function that takes the parameters by name."""


class WrongContext(SekaiError, ValueError):
    """Raised for an environment or a manager that does not fit a context; it names the parameter."""


class Choice(ABC):
    """What a parameter may be."""

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Any:
        """Draw a value uniformly."""

    @abstractmethod
    def __contains__(self, value: object) -> bool: ...

    @abstractmethod
    def covers(self, other: "Choice") -> bool:
        """Say whether every value of `other` is one of these."""


@dataclass(frozen=True)
class Between(Choice):
    """A number from `low` to `high`, both included; a whole one where both are whole.

    >>> 2 in Between(1, 3), 2.5 in Between(1, 3), 2.5 in Between(1.0, 3.0)
    (True, False, True)
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not all(map(_is_number, (self.low, self.high))) or not self.low <= self.high:
            raise SekaiError(f"low and high must be numbers, low <= high, got {self.low!r} and {self.high!r}")

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are meant."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def draw(self, rng: np.random.Generator) -> float:
        """Draw a number."""
        if self.whole:
            return int(rng.integers(int(self.low), int(self.high), endpoint=True))
        return float(rng.uniform(self.low, self.high))

    def __contains__(self, value: object) -> bool:
        if not _is_number(value) or (self.whole and value != int(value)):  # type: ignore[call-overload]
            return False
        return bool(self.low <= value <= self.high)  # type: ignore[operator]

    def covers(self, other: Choice) -> bool:
        """Say whether every value of `other` is one of these."""
        if isinstance(other, Among):
            return all(value in self for value in other.values)
        if not isinstance(other, Between):
            return False
        return self.low <= other.low and other.high <= self.high and (other.whole or not self.whole)


@dataclass(frozen=True, init=False)
class Among(Choice):
    """One of `values`."""

    values: tuple[Any, ...]

    def __init__(self, *values: Any) -> None:
        if not values:
            raise SekaiError("values must be at least one, got none")
        object.__setattr__(self, "values", values)

    def draw(self, rng: np.random.Generator) -> Any:
        """Draw a value."""
        return self.values[int(rng.integers(len(self.values)))]

    def __contains__(self, value: object) -> bool:
        return any(same(value, one) for one in self.values)

    def covers(self, other: Choice) -> bool:
        """Say whether every value of `other` is one of these."""
        if isinstance(other, Between):
            few = other.whole and other.high - other.low < len(self.values)
            return bool(few) and all(value in self for value in range(int(other.low), int(other.high) + 1))
        return isinstance(other, Among) and all(value in self for value in other.values)

    def __repr__(self) -> str:
        return f"Among{self.values!r}" if len(self.values) > 1 else repr(self.values[0])


class _HasContext(Protocol):
    @property
    def context(self) -> "WorldContext": ...


class Generated(NamedTuple):
    """An environment that a context has generated, and the policies of its agents, by agent or by role."""

    multi_agent_env: MultiAgentEnv
    others: Mapping[str, Policy]


class WorldContext:
    """The environments that `source` makes of certain `parameters`, by name: a value, `Between` two or `Among` several.

    `others` has the policies of the agents, by agent or by role: each a policy, or `Among` several. `describe(env)`
    returns an environment's parameters by name. By default they are the arguments of its spec; every environment that
    is generated has one.
    """

    def __init__(
        self,
        source: Source,
        parameters: Mapping[str, Any] | None = None,
        *,
        others: Mapping[str, Policy | Choice] | None = None,
        describe: Callable[[MultiAgentEnv], Mapping[str, Any]] | None = None,
    ) -> None:
        if not isinstance(source, str) and not callable(source):
            raise SekaiError(f"source must be an environment's id, or make one, got {source!r}")
        self.source = source
        self.parameters = {name: _choice(value) for name, value in (parameters or {}).items()}
        self.others = {name: _choice(policy) for name, policy in (others or {}).items()}
        self.describe = describe

    def generate(self, seed: int) -> Generated:
        """Return an environment of this context, and its policies. Each draw depends on its name and `seed` only."""
        players = {name: choice.draw(_stream(seed, "policy", name)) for name, choice in self.others.items()}
        return Generated(self._made(self.draw_parameters(seed)), players)

    def draw_parameters(self, seed: int) -> dict[str, Any]:
        """Return the parameters of the environment that `seed` generates."""
        return {name: choice.draw(_stream(seed, "parameter", name)) for name, choice in self.parameters.items()}

    def misfit(self, other: "MultiAgentEnv | WorldContext") -> str | None:
        """Return why `other` does not belong to this context, or None if it does.

        `other` is an environment, or a context, all of whose environments must belong to this one.

        >>> def source(): ...
        >>> FixedContext(source, {"makers": 2}).misfit(LimitedContext(source, {"makers": Between(1, 3)}))
        'makers must be 2, got Between(low=1, high=3)'
        """
        if isinstance(other, WorldContext):
            return self._misfit_of_context(other)
        return self._misfit_of_env(other)

    def is_valid_world(self, env: MultiAgentEnv) -> bool:
        """Say whether this context might have generated `env`."""
        return self._misfit_of_env(env) is None

    def contains_context(self, context: "WorldContext") -> bool:
        """Say whether this context might have generated all that `context` generates."""
        return self._misfit_of_context(context) is None

    def __contains__(self, other: "MultiAgentEnv | WorldContext") -> bool:
        return self.misfit(other) is None

    def check(self, **managers: _HasContext) -> None:
        """Raise `WrongContext` for a manager that cannot serve every environment that this context generates."""
        for name, manager in managers.items():
            why = manager.context.misfit(self)
            if why is not None:
                raise WrongContext(f"{name} must serve every environment that its context generates: {why}")

    def _made(self, parameters: Mapping[str, Any]) -> MultiAgentEnv:
        if isinstance(self.source, str):
            return make_multi_agent(self.source, **parameters)
        env = self.source(**parameters)
        if env.spec is None:
            name = getattr(self.source, "__name__", "").strip("<>") or type(self.source).__name__
            env.spec = EnvSpec(name, self.source, kwargs=parameters)
        return env

    def _misfit_of_context(self, other: "WorldContext") -> str | None:
        if self.source != other.source and not self._makes_kind_of(other):
            return f"source must be {self.source!r}, got {other.source!r}"
        for name, choice in self.parameters.items():
            theirs = other.parameters.get(name)
            if theirs is None or not choice.covers(theirs):
                return f"{name} must be {choice!r}, got {'anything' if theirs is None else repr(theirs)}"
        return None

    def _misfit_of_env(self, env: MultiAgentEnv) -> str | None:
        if not isinstance(env, MultiAgentEnv):
            return f"a MultiAgentEnv is wanted, got {env!r}"
        id = spec(self.source).id if isinstance(self.source, str) else None
        is_other_kind = isinstance(self.source, type) and not isinstance(env.unwrapped, self.source)
        if is_other_kind or (id is not None and (env.spec is None or env.spec.id != id)):
            return f"source must be {self.source!r}, got {env!r}"
        told = self.describe(env) if self.describe else {} if env.spec is None else env.spec.kwargs
        for name, choice in self.parameters.items():
            if name not in told or told[name] not in choice:
                return f"{name} must be {choice!r}, got {repr(told[name]) if name in told else 'no word of it'}"
        return None

    def _makes_kind_of(self, other: "WorldContext") -> bool:
        """Say whether the source is a class and `other` generates instances of it, one of which is made to see."""
        if not isinstance(self.source, type):
            return False
        kind = other.source if isinstance(other.source, type) else type(other.generate(0).multi_agent_env.unwrapped)
        return issubclass(kind, self.source)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.source!r}, {self.parameters})"


class FixedContext(WorldContext):
    """Environments whose `parameters` all have one value."""

    def __init__(self, source: Source, parameters: Mapping[str, Any] | None = None, **more: Any) -> None:
        super().__init__(source, parameters, **more)
        for name, choice in self.parameters.items():
            if not isinstance(choice, Among) or len(choice.values) > 1:
                raise SekaiError(f"{name} must have one value in a FixedContext, got {choice!r}: use a LimitedContext")


class LimitedContext(WorldContext):
    """Environments whose `parameters` lie within limits: each a value, `Between` two or `Among` several."""


class GeneralContext(WorldContext):
    """All environments of a source; `draw(rng)`, where there is one, draws the parameters of those it generates.

    >>> def source(): ...
    >>> FixedContext(source, {"makers": 2}) in GeneralContext(source)
    True
    """

    def __init__(
        self, source: Source, draw: Callable[[np.random.Generator], Mapping[str, Any]] | None = None, **more: Any
    ) -> None:
        super().__init__(source, **more)
        self._draw = draw

    def draw_parameters(self, seed: int) -> dict[str, Any]:
        """Return the parameters of the environment that `seed` generates."""
        return {} if self._draw is None else dict(self._draw(_stream(seed, "parameters")))


def _choice(value: Any) -> Choice:
    return value if isinstance(value, Choice) else Among(value)


def _stream(seed: int, *path: str) -> np.random.Generator:
    return np.random.default_rng(child_seed(seed, *path))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)
