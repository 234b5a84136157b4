"""How the results of environments get into a table: all at once where everybody has one, else one by one."""

from collections.abc import Mapping, Sequence
from operator import is_, itemgetter
from struct import Struct
from typing import Any

import numpy as np

from sekai.core.result import AgentID, MAStepResult, StepResult
from sekai.error import InvalidObservation, SekaiError
from sekai.vector.columns import at
from sekai.vector.form import SOLE
from sekai.vector.table import Table

__all__ = ["Writer"]


class Writer:
    """Writes what environments answer into `table`.

    Raises `InvalidObservation` for an observation of another form than its space, and `SekaiError` for a reward that is
    no number; they name the environment and the agent.
    """

    def __init__(self, table: Table) -> None:
        self._table, self._agents, self._many = table, list(table.index), table.form.many
        rows, count = table.rows, len(self._agents)
        places = np.arange(rows * count).reshape(rows, count)
        self._places = [
            (table.columns[name], None if len(table.spans) == 1 else places[:, span].ravel().tolist())
            for name, span in table.spans.items()
        ]
        only = self._agents[0]
        self._pick = itemgetter(*self._agents) if count > 1 else lambda by_agent: (by_agent[only],)
        self._alive = dict.fromkeys(self._agents, False)
        self._packed = Struct(f"{rows * count}d")
        raw: Any = table.flags.reshape(-1).view(np.uint8)
        self._flags = memoryview(raw)
        self._lively = bytes(([0] * (1 + 2 * count) + [1] * (2 * count)) * rows)
        self._lent: list[Any] = [self] * rows  # what environments write into by themselves

    def lend(self, envs: Sequence[Any]) -> None:
        """Let one agent's environments write their observations by themselves, those that can."""
        block = self._table.columns[SOLE].block
        for row, env in enumerate(envs):
            place = at(self._table.sole, row)
            if env.observe_into(place, None if block is None else block[row, 0]):
                self._lent[row] = place

    def first(self, rows: Sequence[int], results: Sequence[Any]) -> list[Any]:
        """Write what begins the episodes of rows; return what each says."""
        table = self._table
        table.all_act = None
        for row, result in zip(rows, results, strict=True):
            seen = result.observations if self._many else {SOLE: result.observation}
            self._see(row, seen)
            table.acting[row] = False
            table.acting[row, [table.index[agent] for agent in seen]] = True
        return [result.info for result in results]

    def step(self, rows: Sequence[int], results: Sequence[Any]) -> list[int]:
        """Write transitions, after which each agent acts that has not ended; return the rows that are over."""
        table, everything = self._table, None
        if len(rows) == table.rows:
            everything = self._all_of_many(results) if self._many else _all_of_one(results)
        if everything is None:
            table.open()
            return [row for row, result in zip(rows, results, strict=True) if self._write(row, _by_agent(result))]
        seen, paid, waited, ended, table.infos = everything
        try:
            self._packed.pack_into(table.rewards, 0, *paid)  # a third of the time of an assignment
            if seen[0] is not self._lent[0] or not all(map(is_, seen, self._lent)):
                for columns, places in self._places:
                    columns.fill(seen if places is None else [seen[place] for place in places])
        except Exception:
            for row, result in zip(rows, results, strict=True):
                self._write(row, _by_agent(result))  # says which environment it is
            raise
        if waited:
            table.elapsed.reshape(-1)[:] = waited
        elif self._many:
            table.elapsed.fill(0.0)
        self._flags[:] = self._lively
        table.all_act, table.any_restart = (None, None) if ended else (True, False)
        return [row for row in ended if self._end(row, _by_agent(results[row]))]

    def _write(self, row: int, result: MAStepResult) -> bool:
        """Write a row in which perhaps not everybody has a transition; say whether its episode is over."""
        table = self._table
        self._see(row, result.observations)
        for agent, reward in result.rewards.items():
            column = table.index[agent]
            table.stepped[row, column] = moved = agent not in result.first
            table.rewards[row, column] = _number(reward, row, agent) if moved else 0.0
        for agent, elapsed in result.elapsed.items():
            table.elapsed[row, table.index[agent]] = elapsed
        table.infos[row] = result.info if self._many else result.info[SOLE]  # type: ignore[index]
        return self._end(row, result)

    def _end(self, row: int, result: MAStepResult) -> bool:
        """Write who has ended in a row and who acts next; say whether nobody does."""
        table = self._table
        table.acting[row] = False
        for agent, terminated in result.terminated.items():
            column, truncated = table.index[agent], result.truncated[agent]
            table.terminated[row, column], table.truncated[row, column] = terminated, truncated
            table.acting[row, column] = not (terminated or truncated)
        return not table.acting[row].any()

    def _see(self, row: int, observations: Mapping[AgentID, Any]) -> None:
        """Write what agents see in a row."""
        table = self._table
        for agent, observation in observations.items():
            if agent not in table.slots:
                raise SekaiError(f"{agent!r} has no column: possible_agents must name it, got {self._agents}")
            if observation is self._lent[row]:
                continue
            group, slot = table.slots[agent]
            try:
                table.columns[group].write((row, slot), observation)
            except InvalidObservation as error:
                raise InvalidObservation(f"{_where(row, agent)}: {error}") from None

    def _all_of_many(self, results: Sequence[MAStepResult]) -> Any:
        """Return everybody's observations, rewards and times, the rows where somebody has ended, and infos.

        Or None if not everybody has a transition in each row. Dicts are compared, quickly for the very same objects.
        """
        seen: list[Any] = []
        paid: list[Any] = []
        waited: list[Any] = []
        ended, infos, pick, alive, count = [], [], self._pick, self._alive, len(self._agents)
        try:
            for row, result in enumerate(results):
                observations = result.observations
                if len(observations) != count or result.first:
                    return None
                seen += pick(observations)
                paid += pick(result.rewards)
                infos.append(result.info)
                if result.terminated != alive or result.truncated != alive:
                    ended.append(row)
                if result.elapsed:
                    waited += pick(result.elapsed)
        except KeyError:
            return None
        return None if waited and len(waited) != len(paid) else (seen, paid, waited, ended, infos)


def _all_of_one(results: Sequence[StepResult[Any]]) -> Any:
    """Return observations, rewards, no times, the rows that have ended, and infos."""
    seen, paid, ended, infos = [], [], [], []
    for row, result in enumerate(results):
        seen.append(result.observation)
        paid.append(result.reward)
        infos.append(result.info)
        if result.terminated or result.truncated:
            ended.append(row)
    return seen, paid, (), ended, infos


def _by_agent(result: Any) -> MAStepResult:
    """Return one agent's result as that of a group of one."""
    if isinstance(result, MAStepResult):
        return result
    ends = {SOLE: result.terminated}, {SOLE: result.truncated}
    return MAStepResult({SOLE: result.observation}, {SOLE: result.reward}, *ends, {SOLE: result.info})


def _where(row: int, agent: AgentID) -> str:
    return f"environment {row}, {agent!r}" if agent else f"environment {row}"


def _number(reward: Any, row: int, agent: AgentID) -> float:
    try:
        if np.ndim(reward) == 0 and not isinstance(reward, str | bytes):
            return float(reward)
    except (TypeError, ValueError):
        pass
    raise SekaiError(f"{_where(row, agent)}: a reward must be a number, got {reward!r}")
