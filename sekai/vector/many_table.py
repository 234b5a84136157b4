"""The table of worlds with many agents: a column for each agent, those of a group side by side.

A group's observations are stored together, `(N, k, *shape)`, where its agents' observation spaces are equal; else each
of its agents is stored as a group of its own. Rewards, ends and turns are matrices `(N, A)` over all agents.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from struct import Struct
from typing import Any

import numpy as np

from sekai.core.env import MultiAgentEnv
from sekai.core.result import AgentID, MAResetResult, MAStepResult
from sekai.error import InvalidAction, InvalidAgents, SekaiError, SpaceMismatch, did_you_mean
from sekai.spaces.box import Box
from sekai.spaces.dict import Dict
from sekai.spaces.space import Space
from sekai.spaces.tuple import Tuple
from sekai.vector.columns import (
    Maker,
    Tree,
    Writer,
    allocate,
    at,
    copied,
    leaves,
    named,
    overwrite,
    row_of,
    stacked,
    writer,
)
from sekai.vector.result import AgentColumns, MatrixColumns, MAVecResetResult, MAVecStepResult
from sekai.vector.table import Handout, News
from sekai.wrappers.episode import restarted_info

__all__ = ["ManyTable"]


class ManyTable:
    """N rows of worlds with many agents; written and read as `SingleTable` is."""

    def __init__(self, env: MultiAgentEnv, rows: int, handout: Handout, make: Maker = np.zeros) -> None:
        self.rows = rows
        self._handout = handout
        self.groups = _stored_groups(env)
        self._slots = {agent: (name, k) for name, agents in self.groups.items() for k, agent in enumerate(agents)}
        self._order = list(self._slots)
        ends = list(accumulate(map(len, self.groups.values())))
        self._spans = dict(zip(self.groups, map(slice, [0, *ends], ends), strict=True))
        self._index = {agent: column for column, agent in enumerate(self._order)}
        self._spaces = {name: env.observation_space(agents[0]) for name, agents in self.groups.items()}
        self._action_spaces = {agent: env.action_space(agent) for agent in self._order}
        self._stored = {
            name: allocate(self._spaces[name], (rows, len(agents)), make) for name, agents in self.groups.items()
        }
        self._writers: dict[AgentID, Writer] = {
            agent: writer(at(self._stored[name], (slice(None), slot)), self._spaces[name])
            for agent, (name, slot) in self._slots.items()
        }
        self._fillers = {name: writer(tree, self._spaces[name]) for name, tree in self._stored.items()}
        count, real = len(self._order), np.dtype(np.float64)
        self._rewards: Any = make((rows, count), real)
        self._elapsed = make((rows, count), real)
        self._names = self._order * 2
        self._packed = Struct(f"{rows * count}d")
        self._flags = make((rows, 1 + 4 * count), np.dtype(np.bool_))  # copied in one piece when they are read
        self._restarted, begins = self._flags[:, 0], range(1, 1 + 4 * count, count)
        self._terminated, self._truncated, self._stepped, self._acting = (
            self._flags[:, begin : begin + count] for begin in begins
        )
        self._layouts = [self._layout(begin) for begin in (0, *begins)]
        self._flag_bytes = memoryview(self._flags.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
        self._lively = bytes(([0] * (1 + 2 * count) + [1] * (2 * count)) * rows)
        self._cleared = (self._rewards, self._elapsed, self._flags[:, : begins[-1]])
        numbers = np.arange(rows * count).reshape(rows, count)
        self._places = {
            name: None if len(self.groups) == 1 else numbers[:, span].ravel().tolist()
            for name, span in self._spans.items()
        }
        self._objects = [leaf for tree in self._stored.values() for leaf in leaves(tree) if leaf.dtype == object]
        self._choices = {agent for agent, space in self._action_spaces.items() if not isinstance(space, Box)}
        self._structured = any(isinstance(space, Dict | Tuple) for space in self._action_spaces.values())
        self._named = named(self._order)
        self._everybody = False
        self._finals: dict[int, Tree] = {}
        self._infos: list[dict[AgentID, dict[str, Any]]] = []
        self.open()

    def open(self) -> None:
        """Begin anew: no row has done anything; who must act stays as it was."""
        for array in self._cleared:
            array.fill(0)
        self._infos = [{}] * self.rows
        if self._finals:
            self._finals = {}

    def actions(self, actions: Any, rows: Sequence[int]) -> dict[AgentID, Any]:
        """Return columns by agent that `actions_of` reads, for the agents that act in `rows`.

        `actions` has a column `(N, ...)` by agent, or `(N, k, ...)` by group. Raises `InvalidAgents` for an unknown
        name and for an agent that acts somewhere and is not there, `InvalidAction` for another number than N.
        """
        if type(actions) is not dict and not isinstance(actions, Mapping):
            raise InvalidAction(f"actions must be columns by agent or by group, got {type(actions).__name__}")
        actions = self._handout.taken(actions)
        columns: dict[AgentID, Any] = {}
        choices, array, rows_all = self._choices, np.ndarray, self.rows
        for name, given in actions.items():
            if name in choices and type(given) is array and given.ndim == 1 and len(given) == rows_all:
                values = given.tolist()
                columns[name] = values if type(values[0]) is int else given  # as `stacked` does
            elif name in self._index:
                columns[name] = self._stacked(name, given, self._action_spaces[name])
            elif name in self.groups:
                first = self.groups[name][0]
                columns.update(self._spread(name, self._stacked(name, given, self._action_spaces[first])))
            else:
                names = [*dict.fromkeys([*self._slots, *self.groups])]
                raise InvalidAgents(f"actions must be by {names}, got {name!r}.{did_you_mean(name, names)}")
        if len(columns) < len(self._order):
            acting = self._acting[list(rows)].any(axis=0)
            missing = sorted(self._order[k] for k in np.flatnonzero(acting) if self._order[k] not in columns)
            if missing:
                raise InvalidAgents(f"actions are missing for {missing}, who must act now")
        return columns

    def _stacked(self, name: str, given: Any, space: Space[Any]) -> Tree:
        try:
            return stacked(given, self.rows, f"actions[{name!r}]", space)
        except SpaceMismatch as error:
            raise InvalidAction(str(error)) from None

    def actions_of(
        self, batch: Mapping[AgentID, Any], rows: Sequence[int], envs: Sequence[MultiAgentEnv]
    ) -> list[dict[AgentID, Any]]:
        """Return, for each of `rows`, whose environments are `envs`, the actions of the agents that act there."""
        if self._structured:
            return [{a: at(batch[a], row) for a in env.acting} for row, env in zip(rows, envs, strict=True)]
        if self._everybody and len(rows) == self.rows and len(batch) == len(self._order):
            return list(map(self._named, *map(batch.__getitem__, self._order)))
        return [{a: batch[a][row] for a in env.acting} for row, env in zip(rows, envs, strict=True)]

    def begun(self, rows: Sequence[int], results: Sequence[MAResetResult], envs: Sequence[MultiAgentEnv]) -> None:
        """Write the first observations of rows that were reset."""
        self._write(rows, [result.observations for result in results])
        for row, result, env in zip(rows, results, envs, strict=True):
            self._infos[row] = result.info
            self._mark_acting(row, env)
        self._everybody = bool(self._acting.all())

    def stepped(self, rows: Sequence[int], results: Sequence[MAStepResult], envs: Sequence[MultiAgentEnv]) -> list[int]:
        """Write the transitions of rows; return the rows whose episode is over."""
        ended: Sequence[int] | None = self._fill(results) if len(rows) == self.rows else None
        if ended is None:
            self.open()
            self._write(rows, [result.observations for result in results])
            for row, result in zip(rows, results, strict=True):
                self._step_row(row, result)
            ended = range(len(rows))
        elif not ended:
            return []
        over = [rows[place] for place in ended if self._end_row(rows[place], results[place], envs[place])]
        self._everybody = bool(self._acting.all())
        return over

    def restarted(self, rows: Sequence[int], begun: Sequence[MAResetResult], envs: Sequence[MultiAgentEnv]) -> None:
        """Write the first observations of the episodes after those that have just ended."""
        slots, stored = self._slots, self._stored
        silent: list[tuple[int, AgentID]] = []
        for row, first, env in zip(rows, begun, envs, strict=True):
            said = self._infos[row]
            self._finals[row] = last = row_of(stored, row)
            self._infos[row] = first.info | {
                agent: restarted_info(at(last[slots[agent][0]], slots[agent][1]), info, first.info.get(agent, {}))
                for agent, info in said.items()
            }
            silent += [(row, agent) for agent in slots if agent not in said]
            self._restarted[row] = True
            self._mark_acting(row, env)
        self._write(rows, [first.observations for first in begun])
        for row, agent in silent:  # who had no transition has no last observation of its own
            group, slot = slots[agent]
            here = slice(slot, slot + 1)
            overwrite(self._finals[row][group], here, at(stored[group], (row, here)))
        self._everybody = bool(self._acting.all())

    def renewed(self, rows: Sequence[int], begun: Sequence[MAResetResult], envs: Sequence[MultiAgentEnv]) -> None:
        """Write the first observations of episodes that begin in a step of their own."""
        self.begun(rows, begun, envs)
        self._restarted[list(rows)] = True

    def reset_result(self) -> MAVecResetResult:
        """Read what `begun` wrote."""
        observations = self._columns(self._stored)
        acting = MatrixColumns(self._handout.numbers(self._acting), *self._layouts[0])
        return MAVecResetResult(observations, acting, self._infos)

    def step_result(self) -> MAVecStepResult:
        """Read what `stepped`, `restarted` and `renewed` wrote."""
        observations = self._columns(self._stored)
        final = observations
        if self._finals:
            stored: Any = copied(self._stored)
            for row, last in self._finals.items():
                overwrite(stored, row, last)
            final = self._columns(stored)
        give, (plain, terminated, truncated, stepped, acting) = self._handout.numbers, self._layouts
        flags = give(self._flags)
        return MAVecStepResult(
            observations,
            MatrixColumns(give(self._rewards), *plain),
            MatrixColumns(flags, *terminated),
            MatrixColumns(flags, *truncated),
            MatrixColumns(flags, *acting),
            MatrixColumns(flags, *stepped),
            MatrixColumns(give(self._elapsed), *plain),
            final,
            flags[:, 0],
            self._infos,
        )

    def over(self) -> list[int]:
        """Return the rows whose episode is over: nobody must act."""
        return np.flatnonzero(~self._acting.any(axis=1)).tolist()

    def listen(self, idle: Sequence[tuple[int, int]]) -> None:
        """Begin a step whose columns others write, except for the rows of `idle`, where nothing happens."""
        self._infos = [{}] * self.rows
        self._finals = {}
        for begin, end in idle:
            for array in self._cleared:
                array[begin:end] = 0

    def news(self) -> News:
        """Return what is not in the columns: infos, last observations, and objects."""
        return self._infos, self._finals, [leaf.tolist() for leaf in self._objects]

    def told(self, begin: int, end: int, news: News) -> None:
        """Take the news of rows `begin` to `end` from a table whose columns are these."""
        infos, finals, objects = news
        self._infos[begin:end] = infos
        self._finals.update({begin + row: final for row, final in finals.items()})
        for leaf, values in zip(self._objects, objects, strict=True):
            for row, agents in enumerate(values, begin):
                leaf[row] = np.fromiter(agents, dtype=object, count=len(agents))

    def _step_row(self, row: int, result: MAStepResult) -> None:
        rewards = result.rewards
        columns = [self._index[agent] for agent in rewards]
        self._rewards[row, columns] = [0.0 if agent in result.first else reward for agent, reward in rewards.items()]
        self._stepped[row, columns] = [agent not in result.first for agent in rewards]
        for agent, elapsed in result.elapsed.items():
            self._elapsed[row, self._index[agent]] = elapsed
        self._infos[row] = result.info

    def _end_row(self, row: int, result: MAStepResult, env: MultiAgentEnv) -> bool:
        """Write who has ended in a row and who acts next; say whether nobody does."""
        if result.any_done:
            columns = [self._index[agent] for agent in result.terminated]
            self._terminated[row, columns] = [*result.terminated.values()]
            self._truncated[row, columns] = [result.truncated[agent] for agent in result.terminated]
        if result.all_done:
            self._acting[row] = False
            return True
        self._mark_acting(row, env)
        return False

    def _fill(self, results: Sequence[MAStepResult]) -> list[int] | None:
        """Write all rows at once if everybody, in the order of the columns, has a transition in each.

        Return the rows where somebody has ended, whose ends are not written yet. Otherwise write nothing and return
        None. Lists are compared, which is quick for what is the very same object.
        """
        names, times = self._names, [*results[0].elapsed]
        seen: list[Any] = []
        paid: list[float] = []
        ended: list[int] = []
        if times and times != self._order:
            return None
        for row, result in enumerate(results):
            observations, rewards = result.observations, result.rewards
            if (
                [*observations, *rewards] != names
                or result.first
                or (times or result.elapsed)
                and [*result.elapsed] != times
            ):
                return None
            if any(result.terminated.values()) or any(result.truncated.values()):
                ended.append(row)
            seen += observations.values()
            paid += rewards.values()
        self._infos, self._finals = [result.info for result in results], {}
        self._fill_observations(seen)
        self._packed.pack_into(self._rewards, 0, *paid)  # a third of the time of an assignment
        if times:
            self._elapsed[:] = [list(result.elapsed.values()) for result in results]
        else:
            self._elapsed.fill(0.0)
        self._flag_bytes[:] = self._lively  # who has a transition and lives on acts next
        self._everybody = True
        return ended

    def _fill_observations(self, seen: Sequence[Any]) -> None:
        """Write everybody's observations, row by row in the order of the columns."""
        for name, places in self._places.items():
            self._fillers[name].fill(seen if places is None else [seen[place] for place in places])

    def _write(self, rows: Sequence[int], observations: Sequence[Mapping[AgentID, Any]]) -> None:
        """Write what somebody sees in each of `rows`."""
        if len(rows) == self.rows and all([*seen] == self._order for seen in observations):
            return self._fill_observations([value for seen in observations for value in seen.values()])
        writers = self._writers
        for row, seen in zip(rows, observations, strict=True):
            for agent, observation in seen.items():
                if agent not in writers:
                    raise SekaiError(f"{agent!r} has no column: possible_agents must name it, got {self._order}")
                writers[agent](row, observation)

    def _layout(self, begin: int) -> tuple[dict[str, slice], dict[AgentID, int]]:
        """Return which columns groups and agents have in a matrix where the first agent's is at `begin`."""
        spans = {name: slice(begin + span.start, begin + span.stop) for name, span in self._spans.items()}
        return spans, {agent: begin + column for agent, column in self._index.items()}

    def _mark_acting(self, row: int, env: MultiAgentEnv) -> None:
        acting = env.acting
        if len(acting) == len(self._index):
            self._acting[row] = True
        else:
            self._acting[row] = False
            self._acting[row, [self._index[agent] for agent in acting]] = True

    def _spread(self, name: str, batch: Tree) -> dict[AgentID, Tree]:
        agents = self.groups[name]
        batch = batch if isinstance(batch, dict | tuple) else np.asarray(batch)
        for leaf in leaves(batch):
            form = np.shape(leaf)[:2]
            if form != (self.rows, len(agents)):
                raise InvalidAction(f"actions[{name!r}] must have shape ({self.rows}, {len(agents)}, ...), got {form}")
        return {agent: at(batch, (slice(None), k)) for k, agent in enumerate(agents)}

    def _columns(self, stored: Mapping[str, Tree]) -> AgentColumns:
        give = self._handout.observations
        return AgentColumns({name: give(tree) for name, tree in stored.items()}, self._slots)


def _stored_groups(env: MultiAgentEnv) -> dict[str, tuple[AgentID, ...]]:
    """Return the groups whose observation spaces are equal, and each agent of the others on its own."""
    stored: dict[str, tuple[AgentID, ...]] = {}
    for name, agents in env.groups.items():
        spaces = [env.observation_space(agent) for agent in agents]
        together = all(space == spaces[0] for space in spaces)
        stored |= {name: tuple(agents)} if together else {agent: (agent,) for agent in agents}
    return stored
