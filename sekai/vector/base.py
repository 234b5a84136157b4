"""Many environments as one: their spaces, their seeds, and access to each of them.

Row i is one environment, of one agent or of many, and what happens in it is what would happen to it alone. What follows
an episode's end is said by `autoreset`: `"same_step"` begins the next episode in the step that ends one, `"next_step"`
in the step after, whose action for that row is ignored, `"disabled"` leaves it to `reset(mask=result.dones)`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, get_args

import numpy as np

from sekai.backend.base import NUMPY, BackendOps
from sekai.core.env import Env, MultiAgentEnv
from sekai.core.result import AgentID
from sekai.core.seeding import child_seed
from sekai.error import (
    ClosedEnvironment,
    InvalidMask,
    ResetRequired,
    SekaiError,
    SpaceMismatch,
    UndefinedAttribute,
    UnsupportedWrapper,
    did_you_mean,
)
from sekai.spaces.space import Space
from sekai.spaces.utils import batch_space
from sekai.wrappers.episode import AutoReset

if TYPE_CHECKING:
    from sekai.core.recipe import Recipe
    from sekai.core.wrapper import Wrapper
    from sekai.registry.spec import EnvSpec

__all__ = [
    "Autoreset",
    "BatchPolicy",
    "Phases",
    "Seeds",
    "VecEnv",
    "check_alike",
    "form_of",
    "made",
    "rows_in",
    "seeds_of",
]

Autoreset: TypeAlias = Literal["same_step", "next_step", "disabled"]
"""What follows an episode's end."""

Seeds: TypeAlias = int | Sequence[int | None] | None
"""One seed for all rows, whose children they get, or one for each."""

BatchPolicy: TypeAlias = Callable[[Any], Any] | Any
"""A callable on N observations, or an object with `act(observations)` and perhaps `reset(seed)`."""


class VecEnv(ABC):
    """N environments, of one agent each or of many; spaces are those of one of them.

    A single-agent vector env has `observation_space` and `action_space`; one of many agents has
    `possible_agents`, `groups`, `observation_spaces` and `action_spaces`.
    """

    num_envs: int
    many: bool
    autoreset: Autoreset
    backend: BackendOps = NUMPY
    _first: Any
    _closed: bool = False

    def __init__(self, first: Env[Any, Any] | MultiAgentEnv, num_envs: int, autoreset: Autoreset) -> None:
        if autoreset not in get_args(Autoreset):
            near = did_you_mean(str(autoreset), get_args(Autoreset))
            raise SekaiError(f"autoreset must be one of {list(get_args(Autoreset))}, got {autoreset!r}.{near}")
        self.num_envs = num_envs
        self.many = isinstance(first, MultiAgentEnv)
        self.autoreset = autoreset
        self._first = first

    @abstractmethod
    def reset(self, *, seed: Seeds = None, options: dict[str, Any] | None = None, mask: Any = None) -> Any:
        """Begin an episode in every row, or where `mask`, `(N,) bool`, is true.

        Returns a `VecResetResult`, of many agents a `MAVecResetResult`. Row i gets the i-th child of `seed`, or the
        i-th of a sequence of seeds.
        """

    @abstractmethod
    def step(self, actions: Any, *, mask: Any = None) -> Any:
        """Step every row, or those where `mask`, `(N,) bool`, is true; the others stay as they are.

        Returns a `VecStepResult`, of many agents a `MAVecStepResult`. `actions` are N, as an array `(N, ...)`, a list,
        or a dict or tuple of these for such a space; of many agents, such columns by agent, or `(N, k, ...)` by group.
        Rows where an agent does not act ignore its action. Raises `InvalidAction` for another number of actions,
        `InvalidAgents` for unknown or missing agents, `ResetRequired` where an episode has not begun or is over.
        """

    async def async_reset(self, *, seed: Seeds = None, options: dict[str, Any] | None = None, mask: Any = None) -> Any:
        """Begin episodes, awaiting the environments; the default calls `reset`."""
        return self.reset(seed=seed, options=options, mask=mask)

    async def async_step(self, actions: Any, *, mask: Any = None) -> Any:
        """Step, awaiting the environments; the default calls `step`."""
        return self.step(actions, mask=mask)

    def call(self, method: str, *args: Any, **kwargs: Any) -> list[Any]:
        """Call `method` of each environment, of the outermost layer that has it; return what each returned."""
        self._check_open("call")
        return self._call(range(self.num_envs), method, args, kwargs)

    def get_attr(self, name: str) -> list[Any]:
        """Return the attribute `name` of each environment, of the outermost layer that has it."""
        self._check_open("get_attr")
        return self._get(range(self.num_envs), name)

    def set_attr(self, name: str, value: Any) -> None:
        """Set the attribute `name` of each environment, on the outermost layer that has it.

        A list or a tuple is handed out, a value for each environment; raises `SekaiError` where it has another length.
        Any other value, an array too, is the same for all: for the same list everywhere pass `[the_list] * num_envs`.
        """
        self._check_open("set_attr")
        if not isinstance(value, list | tuple):
            self._set(range(self.num_envs), name, value)
            return
        if len(value) != self.num_envs:
            raise SekaiError(f"value must be one, or a list or tuple of {self.num_envs}, got {len(value)}")
        for row, own in enumerate(value):
            self._set([row], name, own)

    @abstractmethod
    def _call(self, rows: Sequence[int], method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """Call a method in these rows."""

    @abstractmethod
    def _get(self, rows: Sequence[int], name: str) -> list[Any]:
        """Return an attribute in these rows."""

    @abstractmethod
    def _set(self, rows: Sequence[int], name: str, value: Any) -> None:
        """Set an attribute in these rows."""

    def view(self, agent: AgentID, others: Mapping[str, BatchPolicy] | None = None) -> "VecEnv":
        """Return a vector env of the one agent: rows are stepped on until it is that agent's turn in each.

        `others` names who plays the rest, by agent or by role. A policy gets the N observations of an agent in one
        call, rows where it does not act included, and returns N actions; `sekai.vector.by_row` makes one of a policy
        for single observations. Its seed belongs to its name. Raises `MissingPolicy` if somebody is played by nobody.
        """
        from sekai.vector.view import VecView

        return VecView(self, agent, others)

    def wrap(
        self, wrapper: "type[Wrapper[Any, Any]]", *args: Any, agents: Sequence[str] | None = None, **kwargs: Any
    ) -> "VecEnv":
        """Return this with `wrapper(env, *args, **kwargs)` around every row, of many agents around `agents` or all.

        A wrapper that is `over_rows` is one instance (one an agent) for all rows, any other is one instance a row.
        """
        from sekai.core.recipe import Recipe

        return self._wrapped_in(Recipe(wrapper, agents, args, kwargs))

    def _wrapped_in(self, recipe: "Recipe") -> "VecEnv":
        from sekai.vector.layers import wrap_rows

        return wrap_rows(self, recipe)

    @property
    def observation_space(self) -> Space[Any]:
        """One row's observation space; raises `UndefinedAttribute` for many agents, who have one each."""
        if self.many:
            raise UndefinedAttribute("many agents have a space each: use observation_spaces[agent]")
        return self._first.observation_space  # type: ignore[no-any-return]

    @property
    def action_space(self) -> Space[Any]:
        """One row's action space; raises `UndefinedAttribute` for many agents, who have one each."""
        if self.many:
            raise UndefinedAttribute("many agents have a space each: use action_spaces[agent]")
        return self._first.action_space  # type: ignore[no-any-return]

    @property
    def batch_observation_space(self) -> Space[Any]:
        """The space of N observations."""
        return batch_space(self.observation_space, self.num_envs)

    @property
    def batch_action_space(self) -> Space[Any]:
        """The space of N actions."""
        return batch_space(self.action_space, self.num_envs)

    @property
    def possible_agents(self) -> Sequence[AgentID]:
        """All agents that may ever live in a row."""
        return self._many_only().possible_agents  # type: ignore[no-any-return]

    @property
    def groups(self) -> dict[str, tuple[AgentID, ...]]:
        """The agents of each role."""
        return self._many_only().groups  # type: ignore[no-any-return]

    @property
    def observation_spaces(self) -> dict[AgentID, Space[Any]]:
        """One row's observation space by agent."""
        return dict(self._many_only().observation_spaces)

    @property
    def action_spaces(self) -> dict[AgentID, Space[Any]]:
        """One row's action space by agent."""
        return dict(self._many_only().action_spaces)

    @property
    def batch_observation_spaces(self) -> dict[AgentID, Space[Any]]:
        """The space of N observations by agent."""
        return {agent: batch_space(space, self.num_envs) for agent, space in self.observation_spaces.items()}

    @property
    def batch_action_spaces(self) -> dict[AgentID, Space[Any]]:
        """The space of N actions by agent."""
        return {agent: batch_space(space, self.num_envs) for agent, space in self.action_spaces.items()}

    @property
    def spec(self) -> "EnvSpec | None":
        """How to make one of the environments again; None unless `sekai.make` made them."""
        return self._first.spec  # type: ignore[no-any-return]

    @property
    def metadata(self) -> dict[str, Any]:
        """What the environments say of themselves."""
        return self._first.metadata  # type: ignore[no-any-return]

    @property
    def unwrapped(self) -> "VecEnv":
        """The vector env underneath all vector wrappers."""
        return self

    def close(self) -> None:
        """Close all environments; closing twice does nothing."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> "Iterator[VecEnv]":
        """Yield the vector wrappers, outermost first, and the vector env that they are around."""
        yield self

    def __len__(self) -> int:
        return self.num_envs

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.num_envs} x {self._first!r})>"

    def _many_only(self) -> Any:
        if not self.many:
            raise UndefinedAttribute("this vector env has one agent: use observation_space and action_space")
        return self._first

    def _check_open(self, method: str) -> None:
        if self._closed:
            raise ClosedEnvironment(f"{method} after close: make a new vector env")


class Phases:
    """Which rows have no episode that could go on: those never reset, and those whose episode is over."""

    def __init__(self, rows: int, autoreset: Autoreset) -> None:
        self.rows, self.autoreset = rows, autoreset
        self.new = set(range(rows))
        self.over: set[int] = set()

    def due(self, rows: Sequence[int]) -> tuple[Sequence[int], list[int]]:
        """Return which of `rows` to step, and in which the next episode begins instead; `ResetRequired` for others."""
        if not self.new and not self.over:
            return rows, []
        new = [row for row in rows if row in self.new]
        if new:
            raise ResetRequired(f"step before the first reset of environments {new}: call reset() first")
        over = [row for row in rows if row in self.over]
        if over and self.autoreset != "next_step":
            raise ResetRequired(f"step after the episode's end in environments {over}: call reset(mask=...) first")
        return ([row for row in rows if row not in self.over], over) if over else (rows, [])

    def begun(self, rows: Sequence[int]) -> None:
        """Learn that these rows were reset."""
        self.new.difference_update(rows)
        self.over.difference_update(rows)

    def broken(self) -> None:
        """Learn of an error in the middle: no row goes with the others any more."""
        self.new.update(range(self.rows))


def made(env_fns: Iterable[Callable[[], Any]], begin: int = 0) -> list[Any]:
    """Call each function for an environment of its own; they are numbered from `begin`."""
    envs: list[Any] = []
    for index, make in enumerate(env_fns, begin):
        if not callable(make):
            raise SekaiError(f"env_fns[{index}] must be callable and make an environment, got {make!r}")
        try:
            env = make()
        except Exception as error:
            error.add_note(f"in env_fns[{index}]")
            raise
        if not isinstance(env, Env | MultiAgentEnv):
            raise SekaiError(f"env_fns[{index}] must make an Env or a MultiAgentEnv, got {env!r}")
        if any(env is other for other in envs):
            raise SekaiError(f"env_fns[{index}] gave an environment that is there already: make a new one each time")
        if any(isinstance(part, AutoReset) for layer in env for part in (layer, getattr(layer, "layer", None))):
            raise UnsupportedWrapper(f"env_fns[{index}]: a vector env resets by itself, leave AutoReset out of {env!r}")
        envs.append(env)
    if not envs:
        raise SekaiError("env_fns must be at least one function that makes an environment, got none")
    return envs


def form_of(env: Env[Any, Any] | MultiAgentEnv) -> dict[str, Any]:
    """Return what all environments of a vector env must have in common: their spaces."""
    if isinstance(env, MultiAgentEnv):
        spaces, actions = env.observation_spaces, env.action_spaces
        return {"observation_spaces": dict(spaces), "action_spaces": dict(actions)}
    return {"observation_space": env.observation_space, "action_space": env.action_space}


def check_alike(forms: Sequence[Mapping[str, Any]], first: Mapping[str, Any], begin: int = 0) -> None:
    """Raise `SpaceMismatch` unless each of `forms`, numbered from `begin`, is the `first`."""
    for index, form in enumerate(forms, begin):
        if form.keys() != first.keys():
            raise SpaceMismatch(f"environment {index} must have one agent as environment 0 has, or many as it has")
        for name, ours in form.items():
            if ours != first[name]:
                raise SpaceMismatch(
                    f"all environments must have the same {name}: {index} has {ours}, 0 has {first[name]}"
                )


def seeds_of(seed: Seeds, count: int) -> list[int | None]:
    """Return `count` seeds: children of `seed` by their index, or the seeds given one by one."""
    if seed is None:
        return [None] * count
    if isinstance(seed, int | np.integer):
        return [child_seed(int(seed), index) for index in range(count)]
    if len(seed) != count:
        raise SekaiError(f"seed must be an integer, None, or {count} of them, got {len(seed)}")
    return list(seed)


def rows_in(mask: Any, count: int) -> Sequence[int]:
    """Return the rows where `mask` is true, all where it is None; raises `InvalidMask` unless it is `(count,) bool`."""
    if mask is None:
        return range(count)
    mask = np.asarray(mask)
    if mask.shape != (count,) or mask.dtype != np.bool_:
        raise InvalidMask(f"mask must have shape ({count},) and dtype bool, got {mask.shape} and {mask.dtype}")
    return np.flatnonzero(mask).tolist()
