"""Where a vector env's rows are written: a table of columns, written row by row and read as one result.

A table knows no backend. Whoever steps environment i hands its results to row i: `stepped` says whether the episode is
over and a `restarted` must follow; `step_result` reads all rows. What is read is the reader's own unless `copy` is off.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sekai.core.env import Env
from sekai.core.multi_agent import MultiAgentEnv
from sekai.core.result import AgentID, MAResetResult, MAStepResult, ResetResult, StepResult
from sekai.error import InvalidAction, InvalidAgents, SekaiError, SpaceMismatch, did_you_mean
from sekai.vector.columns import Tree, allocate, at, copied, stacked, writer
from sekai.vector.result import AgentColumns, MAVecResetResult, MAVecStepResult, VecResetResult, VecStepResult
from sekai.wrappers.episode import restarted_info

__all__ = ["ManyTable", "SingleTable"]


class SingleTable:
    """N rows of one agent's environments: one column."""

    def __init__(self, env: Env[Any, Any], rows: int, copy: bool) -> None:
        self.rows = rows
        self._handed_out: Callable[[Tree], Tree] = copied if copy else _itself
        self._observations = allocate(env.observation_space, (rows,))
        self._write = writer(self._observations, env.observation_space)
        self._space = env.observation_space
        self._ended: dict[int, StepResult[Any]] = {}
        self.open()

    def open(self) -> None:
        """Begin a step, or a reset, of all rows."""
        rows = self.rows
        self._rewards, self._terminated, self._truncated = [0.0] * rows, [False] * rows, [False] * rows
        self._infos: list[dict[str, Any]] = [{}] * rows
        self._ended.clear()

    def actions(self, actions: Any) -> Sequence[Any]:
        """Return the action of each row; raises `InvalidAction` for another number of actions than of rows."""
        try:
            batch = stacked(actions, self.rows, "actions")
        except SpaceMismatch as error:
            raise InvalidAction(str(error)) from None
        return [at(batch, row) for row in range(self.rows)] if isinstance(batch, dict) else batch

    def begun(self, row: int, result: ResetResult[Any], env: Env[Any, Any]) -> None:
        """Write the first observation of a row."""
        self._write(row, result.observation)
        self._infos[row] = result.info

    def stepped(self, row: int, result: StepResult[Any], env: Env[Any, Any]) -> bool:
        """Write a transition; return whether its episode is over, so that `restarted` must follow."""
        self._rewards[row] = result.reward
        self._terminated[row] = terminated = result.terminated
        self._truncated[row] = truncated = result.truncated
        if terminated or truncated:
            self._ended[row] = result
            return True
        self._infos[row] = result.info
        self._write(row, result.observation)
        return False

    def restarted(self, row: int, begun: ResetResult[Any], env: Env[Any, Any]) -> None:
        """Write the first observation of the episode after the one that is over."""
        self._write(row, begun.observation)
        last = self._ended[row]
        self._infos[row] = restarted_info(last.observation, last.info, begun.info)

    def reset_result(self) -> VecResetResult:
        """Read what `begun` wrote."""
        return VecResetResult(self._handed_out(self._observations), self._infos)

    def step_result(self) -> VecStepResult:
        """Read what `stepped` and `restarted` wrote."""
        observations = self._handed_out(self._observations)
        final, restarted = observations, np.zeros(self.rows, dtype=bool)
        if self._ended:
            final = copied(observations)
            write = writer(final, self._space)
            for row, result in self._ended.items():
                write(row, result.observation)
                restarted[row] = True
        return VecStepResult(
            observations,
            np.array(self._rewards, dtype=np.float64),
            np.array(self._terminated, dtype=bool),
            np.array(self._truncated, dtype=bool),
            self._infos,
            final,
            restarted,
        )


class ManyTable:
    """N rows of worlds with many agents: a column for each agent, those of a group side by side.

    A group's observations are stored together, `(N, k, *shape)`, where its agents' observation spaces are equal; else
    each of its agents is stored as a group of its own.
    """

    def __init__(self, env: MultiAgentEnv, rows: int, copy: bool) -> None:
        self.rows = rows
        self._handed_out: Callable[[Tree], Tree] = copied if copy else _itself
        self.groups = _stored_groups(env)
        self._slots = {agent: (name, k) for name, agents in self.groups.items() for k, agent in enumerate(agents)}
        self._order = list(self._slots)
        self._index = {agent: column for column, agent in enumerate(self._order)}
        self._spaces = {name: env.observation_space(agents[0]) for name, agents in self.groups.items()}
        self._stored = {name: allocate(self._spaces[name], (rows, len(agents))) for name, agents in self.groups.items()}
        self._writers = self._lay_writers(self._stored)
        self._ended: dict[int, MAStepResult] = {}
        self.open()

    def open(self) -> None:
        """Begin a step, or a reset, of all rows."""
        form = (self.rows, len(self._slots))
        self._rewards, self._elapsed = np.zeros(form), np.zeros(form)
        self._terminated, self._truncated = np.zeros(form, dtype=bool), np.zeros(form, dtype=bool)
        self._acting, self._stepped = np.zeros(form, dtype=bool), np.zeros(form, dtype=bool)
        self._infos: list[dict[AgentID, dict[str, Any]]] = [{}] * self.rows
        self._ended.clear()

    def actions(self, actions: Any, envs: Sequence[MultiAgentEnv]) -> list[dict[AgentID, Any]]:
        """Return each row's actions of the agents that act there.

        `actions` has a column `(N, ...)` by agent, or `(N, k, ...)` by group. Raises `InvalidAgents` for an unknown
        name and for an agent that acts somewhere and is not there, `InvalidAction` for another number than N.
        """
        if not isinstance(actions, Mapping):
            raise InvalidAction(f"actions must be columns by agent or by group, got {type(actions).__name__}")
        columns: dict[AgentID, Any] = {}
        for name, given in actions.items():
            try:
                batch = stacked(given, self.rows, f"actions[{name!r}]")
            except SpaceMismatch as error:
                raise InvalidAction(str(error)) from None
            if name in self._slots:
                columns[name] = batch
            elif name in self.groups:
                columns.update(self._spread(name, batch))
            else:
                known = [*self._slots, *self.groups]
                raise InvalidAgents(f"actions must be by {known}, got {name!r}.{did_you_mean(name, known)}")
        try:
            if any(isinstance(column, dict) for column in columns.values()):
                return [{agent: at(columns[agent], row) for agent in env.acting} for row, env in enumerate(envs)]
            return [{agent: columns[agent][row] for agent in env.acting} for row, env in enumerate(envs)]
        except KeyError:
            missing = sorted({agent for env in envs for agent in env.acting} - columns.keys())
            raise InvalidAgents(f"actions are missing for {missing}, who must act now") from None

    def begun(self, row: int, result: MAResetResult, env: MultiAgentEnv) -> None:
        """Write the first observations of a row."""
        self._infos[row] = result.info
        self._write(row, result.observations)
        self._mark_acting(row, env)

    def stepped(self, row: int, result: MAStepResult, env: MultiAgentEnv) -> bool:
        """Write the transitions of a row; return whether its episode is over, so that `restarted` must follow."""
        rewards, terminated, truncated = result.rewards, result.terminated, result.truncated
        self._write(row, result.observations)
        if not result.first and list(rewards) == self._order:
            self._rewards[row] = list(rewards.values())
            self._stepped[row] = True
        else:
            for agent in rewards.keys() - result.first:
                column = self._index[agent]
                self._rewards[row, column] = rewards[agent]
                self._stepped[row, column] = True
        if result.any_done:
            for agent, column in self._index.items():
                self._terminated[row, column] = terminated.get(agent, False)
                self._truncated[row, column] = truncated.get(agent, False)
        for agent, elapsed in result.elapsed.items():
            self._elapsed[row, self._index[agent]] = elapsed
        self._infos[row] = result.info
        if result.all_done:
            self._ended[row] = result
            return True
        self._mark_acting(row, env)
        return False

    def restarted(self, row: int, begun: MAResetResult, env: MultiAgentEnv) -> None:
        """Write the first observations of the episode after the one that is over."""
        last = self._ended[row]
        self._write(row, begun.observations)
        self._mark_acting(row, env)
        self._infos[row] = begun.info | {
            agent: restarted_info(last.observations[agent], said, begun.info.get(agent, {}))
            for agent, said in last.info.items()
        }

    def reset_result(self) -> MAVecResetResult:
        """Read what `begun` wrote."""
        observations = self._columns(self._handed_out(self._stored))
        return MAVecResetResult(observations, self._scalars(self._acting), self._infos)

    def step_result(self) -> MAVecStepResult:
        """Read what `stepped` and `restarted` wrote."""
        observations = self._handed_out(self._stored)
        final, restarted = observations, np.zeros(self.rows, dtype=bool)
        if self._ended:
            final = copied(observations)
            writers = self._lay_writers(final)
            for row, result in self._ended.items():
                restarted[row] = True
                for agent, observation in result.observations.items():
                    writers[agent](row, observation)
        return MAVecStepResult(
            self._columns(observations),
            self._scalars(self._rewards),
            self._scalars(self._terminated),
            self._scalars(self._truncated),
            self._scalars(self._acting),
            self._scalars(self._stepped),
            self._scalars(self._elapsed),
            self._columns(final),
            restarted,
            self._infos,
        )

    def _write(self, row: int, observations: Mapping[AgentID, Any]) -> None:
        writers = self._writers
        for agent, observation in observations.items():
            if agent not in writers:
                raise SekaiError(f"{agent!r} has no column: possible_agents must name it, got {self._order}")
            writers[agent](row, observation)

    def _lay_writers(self, stored: Mapping[str, Tree]) -> dict[AgentID, Callable[[Any, Any], None]]:
        return {
            agent: writer(at(stored[name], (slice(None), slot)), self._spaces[name])
            for agent, (name, slot) in self._slots.items()
        }

    def _mark_acting(self, row: int, env: MultiAgentEnv) -> None:
        acting = env.acting
        if len(acting) == len(self._index):
            self._acting[row] = True
        else:
            self._acting[row, [self._index[agent] for agent in acting]] = True

    def _spread(self, name: str, batch: Tree) -> dict[AgentID, Tree]:
        agents = self.groups[name]
        leaf = next(iter(batch.values())) if isinstance(batch, dict) else batch
        form = np.shape(leaf)[:2]
        if form != (self.rows, len(agents)):
            raise InvalidAction(f"actions[{name!r}] must have shape ({self.rows}, {len(agents)}, ...), got {form}")
        batch = batch if isinstance(batch, dict) else np.asarray(batch)
        return {agent: at(batch, (slice(None), k)) for k, agent in enumerate(agents)}

    def _columns(self, stored: Mapping[str, Tree]) -> AgentColumns:
        return AgentColumns(stored, self._slots)

    def _scalars(self, matrix: NDArray[Any]) -> AgentColumns:
        return AgentColumns(_Slices(matrix, self.groups), self._slots)


class _Slices(Mapping[str, NDArray[Any]]):
    """The columns of each group in one matrix `(N, A)`."""

    def __init__(self, matrix: NDArray[Any], groups: Mapping[str, Sequence[AgentID]]) -> None:
        self.matrix, self.groups = matrix, groups

    def __getitem__(self, name: str) -> NDArray[Any]:
        begin = 0
        for group, agents in self.groups.items():
            if group == name:
                return self.matrix[:, begin : begin + len(agents)]
            begin += len(agents)
        raise KeyError(name)

    def __iter__(self) -> Any:
        return iter(self.groups)

    def __len__(self) -> int:
        return len(self.groups)


def _stored_groups(env: MultiAgentEnv) -> dict[str, tuple[AgentID, ...]]:
    """Return the groups whose observation spaces are equal, and each agent of the others on its own."""
    stored: dict[str, tuple[AgentID, ...]] = {}
    for name, agents in env.groups.items():
        spaces = [env.observation_space(agent) for agent in agents]
        together = all(space == spaces[0] for space in spaces)
        stored |= {name: tuple(agents)} if together else {agent: (agent,) for agent in agents}
    return stored


def _itself(tree: Tree) -> Tree:
    return tree
