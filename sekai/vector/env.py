"""Many environments as one: their spaces, their episodes, and access to each of them.

Row i is one environment, of one agent or of many, and what happens in it is what would happen to it alone. What follows
an episode's end is said by `autoreset`, see `sekai.vector.restarts`. How rows are stepped is a backend's business, see
`sekai.vector.rows`; wrappers and views of a vector env are backends that stand on it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from sekai.backend.base import NUMPY, BackendOps
from sekai.core.recipe import Recipe
from sekai.core.result import AgentID
from sekai.core.wrapper import Wrapper
from sekai.error import AsyncCallPending, ClosedEnvironment, SekaiError, UndefinedAttribute
from sekai.spaces.space import Space
from sekai.spaces.utils import batch_space
from sekai.vector.form import SOLE
from sekai.vector.over_rows import OverRows, takes_rows
from sekai.vector.restarts import Autoreset, Restarts, Seeds, Turn
from sekai.vector.result import VecResetResult, VecStepResult, converted, in_numpy
from sekai.vector.rows import Program, Rows
from sekai.vector.view import BatchPolicy, ViewRows
from sekai.vector.wrapped import WrappedRows, check_wrapper

if TYPE_CHECKING:
    from typing_extensions import TypeVar as _TypeVar

    from sekai.registry.spec import EnvSpec

    ResetT = _TypeVar("ResetT", default=Any)
    StepT = _TypeVar("StepT", default=Any)
else:
    ResetT, StepT = TypeVar("ResetT"), TypeVar("StepT")

__all__ = ["ResetT", "StepT", "VecEnv"]


class VecEnv(Generic[ResetT, StepT]):
    """N environments, of one agent each or of many; spaces are those of one of them.

    A single-agent vector env has `observation_space` and `action_space`, and is typed
    `VecEnv[VecResetResult, VecStepResult]`; one of many agents has `possible_agents`, `groups`, `observation_spaces`
    and `action_spaces`, and is typed `VecEnv[MAVecResetResult, MAVecStepResult]`. One thread or task uses it at a time:
    a second one gets `AsyncCallPending`.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows, self._owner = rows, Lock()
        self._restarts = Restarts(rows.count, rows.autoreset)

    @property
    def num_envs(self) -> int:
        """How many rows there are."""
        return self._rows.count

    @property
    def many(self) -> bool:
        """Whether the environments have many agents."""
        return self._rows.form.many

    @property
    def autoreset(self) -> Autoreset:
        """What follows an episode's end."""
        return self._rows.autoreset

    @property
    def backend(self) -> BackendOps:
        """Whose arrays are handed out."""
        return self._rows.backend

    def reset(self, *, seed: Seeds = None, options: dict[str, Any] | None = None, mask: Any = None) -> ResetT:
        """Begin an episode in every row, or where `mask`, `(N,) bool`, is true.

        Returns a `VecResetResult`, of many agents a `MAVecResetResult`. Row i gets the i-th child of `seed`, or the
        i-th of a sequence of seeds.
        """
        return self._shown(self._asked("reset", seed, options, mask))  # type: ignore[no-any-return]

    def step(self, actions: Any, *, mask: Any = None) -> StepT:
        """Step every row, or those where `mask`, `(N,) bool`, is true; the others stay as they are.

        Returns a `VecStepResult`, of many agents a `MAVecStepResult`. `actions` are N, as an array `(N, ...)`, a list,
        or a dict or tuple of these for such a space; of many agents, such columns by agent, or `(N, k, ...)` by group.
        Rows where an agent does not act ignore its action. Raises `InvalidAction` for another number of actions and for
        an action outside its space, `InvalidAgents` for unknown or missing agents, `ResetRequired` where an episode has
        not begun or is over; then no row has moved.
        """
        return self._shown(self._asked("step", actions, mask))  # type: ignore[no-any-return]

    async def async_reset(
        self, *, seed: Seeds = None, options: dict[str, Any] | None = None, mask: Any = None
    ) -> ResetT:
        """Begin episodes as `reset` does, awaiting the environments."""
        return self._shown(await self._async_asked("reset", seed, options, mask))  # type: ignore[no-any-return]

    async def async_step(self, actions: Any, *, mask: Any = None) -> StepT:
        """Step as `step` does, awaiting the environments."""
        return self._shown(await self._async_asked("step", actions, mask))  # type: ignore[no-any-return]

    def _asked(self, verb: str, *given: Any) -> Any:
        """Step or reset, and return a result of NumPy's arrays."""
        if not self._owner.acquire(False):
            raise _pending(verb)
        try:
            return self._rows.drive(self._played(verb, given))
        finally:
            self._owner.release()

    async def _async_asked(self, verb: str, *given: Any) -> Any:
        if not self._owner.acquire(False):
            raise _pending(verb)
        if not self._rows.threaded:
            try:
                return await self._rows.async_drive(self._played(verb, given))
            finally:
                self._owner.release()
        import asyncio

        def drive() -> Any:  # goes on, and owns the rows, when whoever awaits it is cancelled
            try:
                return self._rows.drive(self._played(verb, given))
            finally:
                self._owner.release()

        return await asyncio.shield(asyncio.to_thread(drive))

    def _played(self, verb: str, given: Sequence[Any]) -> Program[Any]:
        self._check_open(verb)
        turn = self._stepping(*given) if verb == "step" else self._restarts.reset(*given)
        try:
            yield from self._rows.play(turn)
        except BaseException:
            self._restarts.broken()
            raise
        self._restarts.learn(turn, self._rows.table)
        return self._rows.reset_result() if turn.is_reset else self._rows.step_result()

    def _stepping(self, actions: Any, mask: Any, check: bool = True) -> Turn:
        rows = self._rows
        turn = self._restarts.step(mask)
        actions = actions if rows.backend is NUMPY else in_numpy(actions, rows.backend)
        turn.actions = rows.actions.taken(actions, turn.steps, check)
        return turn

    def _shown(self, result: Any) -> Any:
        backend = self._rows.backend
        return result if backend is NUMPY else converted(result, backend.from_numpy)

    def call(self, method: str, *args: Any, **kwargs: Any) -> list[Any]:
        """Call `method` of each environment, of the outermost wrapper that has it; return what each returned."""
        with self._reaching("call"):
            return self._rows.call(range(self.num_envs), method, args, kwargs)

    def get_attr(self, name: str) -> list[Any]:
        """Return the attribute `name` of each environment, of the outermost wrapper that has it."""
        with self._reaching("get_attr"):
            return self._rows.get(range(self.num_envs), name)

    def set_attr(self, name: str, value: Any) -> None:
        """Set the attribute `name` of each environment, on the outermost wrapper that has it.

        A list or a tuple is handed out, a value for each environment; raises `SekaiError` where it has another length.
        Any other value, an array too, is the same for all: for the same list everywhere pass `[the_list] * num_envs`.
        """
        with self._reaching("set_attr"):
            if not isinstance(value, list | tuple):
                self._rows.set(range(self.num_envs), name, value)
                return
            if len(value) != self.num_envs:
                raise SekaiError(f"value must be one, or a list or tuple of {self.num_envs}, got {len(value)}")
            for row, own in enumerate(value):
                self._rows.set([row], name, own)

    @contextmanager
    def _reaching(self, verb: str) -> Iterator[None]:
        if not self._owner.acquire(False):
            raise _pending(verb)
        try:
            self._check_open(verb)
            yield
        finally:
            self._owner.release()

    def view(
        self, agent: AgentID, others: Mapping[str, BatchPolicy] | None = None
    ) -> "VecEnv[VecResetResult, VecStepResult]":
        """Return a vector env of the one agent: rows are stepped on until it is that agent's turn in each.

        `others` names who plays the rest, by agent or by role. A policy gets the N observations of an agent in one
        call, rows where it does not act included, and returns N actions; `sekai.vector.by_row` makes one of a policy
        for single observations. Its seed belongs to its name. Raises `MissingPolicy` if somebody is played by nobody.
        """
        return VecEnv(ViewRows(self, agent, others))

    def wrap(
        self, wrapper: type[Wrapper[Any, Any]], *args: Any, agents: Sequence[str] | None = None, **kwargs: Any
    ) -> "VecEnv[ResetT, StepT]":
        """Return this with `wrapper(env, *args, **kwargs)` around every row, of many agents around `agents` or all.

        A wrapper that is `over_rows` is one instance (one an agent) for all rows, any other is one instance a row.
        """
        recipe = Recipe(wrapper, agents, args, kwargs)
        check_wrapper(self.many, recipe)
        return VecEnv((OverRows if takes_rows(wrapper) else WrappedRows)(self, recipe))

    @property
    def envs(self) -> list[Any]:
        """The environments; `UndefinedAttribute` where they are in other processes."""
        envs: list[Any] | None = getattr(self._rows, "envs", None)
        if envs is None:
            raise UndefinedAttribute(f"the environments of {self!r} are out of reach: use call, get_attr and set_attr")
        return envs

    @property
    def observation_space(self) -> Space[Any]:
        """One row's observation space; raises `UndefinedAttribute` for many agents, who have one each."""
        return self._only(False, "observation_spaces").observation_spaces[SOLE]  # type: ignore[no-any-return]

    @property
    def action_space(self) -> Space[Any]:
        """One row's action space; raises `UndefinedAttribute` for many agents, who have one each."""
        return self._only(False, "action_spaces").action_spaces[SOLE]  # type: ignore[no-any-return]

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
        return list(self._only(True).agents)

    @property
    def groups(self) -> dict[str, tuple[AgentID, ...]]:
        """The agents of each role."""
        return dict(self._only(True).groups)

    @property
    def observation_spaces(self) -> dict[AgentID, Space[Any]]:
        """One row's observation space by agent."""
        return dict(self._only(True).observation_spaces)

    @property
    def action_spaces(self) -> dict[AgentID, Space[Any]]:
        """One row's action space by agent."""
        return dict(self._only(True).action_spaces)

    @property
    def batch_observation_spaces(self) -> dict[AgentID, Space[Any]]:
        """The space of N observations by agent."""
        return {agent: batch_space(space, self.num_envs) for agent, space in self.observation_spaces.items()}

    @property
    def batch_action_spaces(self) -> dict[AgentID, Space[Any]]:
        """The space of N actions by agent."""
        return {agent: batch_space(space, self.num_envs) for agent, space in self.action_spaces.items()}

    def _only(self, many: bool, instead: str = "") -> Any:
        if self.many and not many:
            raise UndefinedAttribute(f"many agents have a space each: use {instead}[agent]")
        if many and not self.many:
            raise UndefinedAttribute("this vector env has one agent: use observation_space and action_space")
        return self._rows.form

    @property
    def spec(self) -> "EnvSpec | None":
        """How to make one of the environments again; None unless `sekai.make` made them."""
        return self._rows.first.spec  # type: ignore[no-any-return]

    @property
    def metadata(self) -> dict[str, Any]:
        """What the environments say of themselves."""
        return self._rows.first.metadata  # type: ignore[no-any-return]

    @property
    def unwrapped(self) -> "VecEnv[Any, Any]":
        """The vector env underneath all wrappers."""
        *_, innermost = self
        return innermost

    def close(self) -> None:
        """Close all environments; closing twice does nothing."""
        if self._rows.closed:
            return
        if self._owner.locked() and not self._rows.threaded:  # else whoever waits for the rows gets an error
            raise _pending("close")
        self._rows.close()

    def _check_open(self, method: str) -> None:
        if self._rows.closed:
            raise ClosedEnvironment(f"{method} after close: make a new vector env")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> "Iterator[VecEnv[Any, Any]]":
        """Yield the wrapped vector envs, outermost first, and the one that they are around."""
        yield self
        yield from self._rows

    def __len__(self) -> int:
        return self.num_envs

    def __repr__(self) -> str:
        return repr(self._rows)


def _pending(verb: str) -> AsyncCallPending:
    return AsyncCallPending(f"{verb} while another call is going on: one thread or task uses a vector env at a time")
