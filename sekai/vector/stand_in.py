"""Stand-ins: what a wrapper around one row of a vector env finds below it.

A stand-in defines only the async methods. Awaiting one yields a `Step` or a `Reset` to whoever drives the coroutine,
and gets the row's part of what the vector env answered.
"""

from collections.abc import Generator, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from sekai.core.base import BaseEnv
from sekai.core.env import Env, MultiAgentEnv
from sekai.core.program import Reset, Step
from sekai.core.result import AgentID, MAResetResult, MAStepResult, ResetResult, StepResult
from sekai.core.seeding import child_seed
from sekai.error import ResetRequired, UnsupportedWrapper
from sekai.vector.columns import row_of

__all__ = ["RowEnv", "RowMultiAgentEnv", "Unsteppable"]


class Unsteppable(Env[Any, Any]):
    """What cannot be stepped by itself."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> NoReturn:
        """Raise `UnsupportedWrapper`."""
        self._reject("reset")

    def step(self, action: Any) -> NoReturn:
        """Raise `UnsupportedWrapper`."""
        self._reject("step")

    def _reject(self, method: str) -> NoReturn:
        raise UnsupportedWrapper(f"a wrapper around a vector env cannot {method} a row by itself: use the hooks")


class _Asked:
    """Awaited by a wrapper; whoever drives the coroutine answers."""

    __slots__ = ("request",)

    def __init__(self, request: Step | Reset) -> None:
        self.request = request

    def __await__(self) -> Generator[Step | Reset, Any, Any]:
        return (yield self.request)


class _Row(BaseEnv):
    """One row of the vector env `vec`; remembers the first observations of an episode that the row began by itself."""

    vec: Any
    row: int
    _next: Any = None
    _seed: int | None = None
    _rng: np.random.Generator | None = None

    async def async_reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Begin an episode, or take the one that has begun."""
        if self._next is not None and seed is None and options is None:
            begun, self._next = self._next, None
            return begun
        self._next = None
        if seed is not None:
            self._seed, self._rng = seed, None
        return await _Asked(Reset(seed, options))

    async def async_step(self, action: Any) -> Any:
        """Step."""
        if self._next is not None:
            raise ResetRequired(f"step after the episode's end in environment {self.row}: call reset() first")
        return await _Asked(Step(action))

    @property
    def rng(self) -> np.random.Generator:
        """The random stream of this row's wrappers, which is none of the environment's."""
        if self._rng is None and self._seed is not None:
            self._set_rng(child_seed(self._seed, "layers"))
        return super().rng

    def __repr__(self) -> str:
        return f"<row {self.row} of {self.vec!r}>"


class RowEnv(_Row, Unsteppable):
    """One row of a vector env of one agent, as an environment that only its driver can step."""

    def __init__(self, vec: Any, row: int) -> None:
        self.vec, self.row, self._spec = vec, row, vec.spec
        self.observation_space, self.action_space = vec.observation_space, vec.action_space

    def begun(self, result: Any) -> ResetResult[Any]:
        """Return this row of a reset."""
        return ResetResult(row_of(result.observations, self.row), result.infos[self.row])

    def stepped(self, result: Any) -> StepResult[Any]:
        """Return this row of a step, and remember the episode that has begun in it."""
        row, info = self.row, result.infos[self.row]
        if result.restarted[row]:
            self._next = ResetResult(row_of(result.observations, row), info["reset_info"])
            info = info["final_info"]
        return StepResult(
            row_of(result.final_observations, row),
            float(result.rewards[row]),
            bool(result.terminated[row]),
            bool(result.truncated[row]),
            info,
        )

    def action_mask(self) -> Any:
        """Return the action mask of the row's environment."""
        return self.vec._rows.call([self.row], "action_mask", (), {})[0]


class RowMultiAgentEnv(_Row, MultiAgentEnv):
    """One row of a vector env of many agents, as an environment that only its driver can step."""

    def __init__(self, vec: Any, row: int) -> None:
        self.vec, self.row, self._spec = vec, row, vec.spec
        self.possible_agents = list(vec.possible_agents)
        self.observation_spaces, self.action_spaces = vec.observation_spaces, vec.action_spaces
        self.acting: list[AgentID] = []
        self._over = False

    @property
    def groups(self) -> dict[str, tuple[AgentID, ...]]:
        """The groups of the environments."""
        return self.vec.groups  # type: ignore[no-any-return]

    @property
    def agents(self) -> Sequence[AgentID]:  # type: ignore[override]
        """Those alive in the row; nobody after the episode's end."""
        return () if self._over else list(self.vec._rows.get([self.row], "agents")[0])

    def action_masks(self) -> Mapping[AgentID, Any]:
        """Return the action masks of the row's environment."""
        return self.vec._rows.call([self.row], "action_masks", (), {})[0]  # type: ignore[no-any-return]

    def settle(self, agents: Sequence[AgentID]) -> MAStepResult:
        """Settle with these agents of the row."""
        if not agents:
            return MAStepResult({}, {}, {}, {}, {})
        return self.vec._rows.call([self.row], "settle", (list(agents),), {})[0]  # type: ignore[no-any-return]

    async def async_reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Begin an episode, or take the one that has begun."""
        begun = await super().async_reset(seed=seed, options=options)
        self._over, self.acting = False, list(begun.observations)
        return begun

    def begun(self, result: Any) -> MAResetResult:
        """Return this row of a reset."""
        acting = [agent for agent in result.acting if result.acting[agent][self.row]]
        said = result.infos[self.row]
        return self._first(result, {agent: said.get(agent, {}) for agent in acting})

    def stepped(self, result: Any) -> MAStepResult:
        """Return this row of a step, and remember the episode that has begun in it."""
        row, said = self.row, result.infos[self.row]
        dones = result.dones
        moved = [agent for agent in result.stepped if result.stepped[agent][row] or dones[agent][row]]
        acting = [agent for agent in result.acting if result.acting[agent][row]]
        final = result.final_observations
        if result.restarted[row]:
            info = {agent: said[agent].get("reset_info", said[agent]) for agent in acting}
            self._next = self._first(result, info)
            here, self.acting, self._over = moved, [], True
            said = {agent: said[agent].get("final_info", said[agent]) for agent in here}
        else:
            here = [agent for agent in result.stepped if agent in acting or agent in moved]
            self.acting, self._over = acting, not acting
        elapsed = {agent: float(result.elapsed[agent][row]) for agent in here}
        return MAStepResult(
            {agent: row_of(final[agent], row) for agent in here},
            {agent: float(result.rewards[agent][row]) for agent in here},
            {agent: bool(result.terminated[agent][row]) for agent in here},
            {agent: bool(result.truncated[agent][row]) for agent in here},
            {agent: said[agent] for agent in here},
            frozenset(agent for agent in here if not result.stepped[agent][row]),
            {agent: time for agent, time in elapsed.items() if time > 0.0},
        )

    def _first(self, result: Any, info: dict[str, Any]) -> MAResetResult:
        return MAResetResult({agent: row_of(result.observations[agent], self.row) for agent in info}, info)
