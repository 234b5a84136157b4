"""A wrapper whose hooks take many values at once, around all rows: one instance, of many agents one for each.

Its hooks are called with `(M, *shape)`: with the values of the rows where something has happened.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sekai.core.agents import agents_named
from sekai.core.recipe import Recipe
from sekai.core.result import AgentID
from sekai.core.wrapper import Wrapper
from sekai.vector.columns import Tree, at, copied, gathered, overwrite, row_of
from sekai.vector.form import SOLE, form_below
from sekai.vector.restarts import Turn
from sekai.vector.result import columns_of
from sekai.vector.rows import Ask, Program, RowsOfVec
from sekai.vector.stand_in import Unsteppable

__all__ = ["OverRows", "takes_rows"]

_Mask: TypeAlias = NDArray[np.bool_]

_FIELDS = frozenset(("observation", "reward", "action"))


def takes_rows(wrapper: type[Wrapper[Any, Any]]) -> bool:
    """Say whether the class that defines the hooks, and not one that it has replaced, takes many rows at once."""
    if not wrapper.over_rows or not wrapper.touched <= _FIELDS:
        return False
    for kind in wrapper.__mro__:
        if vars(kind).get("over_rows"):
            return True
        if not _FIELDS.isdisjoint(vars(kind)):
            return False
    return False


class OverRows(RowsOfVec):
    """The rows of the vector env `env` inside one instance of a wrapper, of many agents one for each.

    What a turn gives is the result of `env` with the fields changed that the hooks change; of the table, which holds
    the changed observations, only `acting` is kept up beside them.
    """

    listed = False

    def __init__(self, env: Any, recipe: Recipe) -> None:
        self.wrapper = recipe.wrapper
        self.instances: dict[AgentID, Wrapper[Any, Any]] = {}
        form = form_below(env)
        served = form.agents if recipe.agents is None else agents_named(env, recipe.agents)
        for agent in [agent for agent in form.agents if agent in served]:
            born = recipe.made(_Seat(env, form.observation_spaces[agent], form.action_spaces[agent]))
            if form.many:
                kin = next(agents for agents in form.groups.values() if agent in agents)
                born.on_birth(agent, [self.instances[other] for other in kin if other in self.instances])
            self.instances[agent] = born
        observations = {agent: wrapper.observation_space for agent, wrapper in self.instances.items()}
        super().__init__(env, form.with_spaces(observations, {a: w.action_space for a, w in self.instances.items()}))
        self._seen = {
            agent: at(self.table.observations[group], (slice(None), slot))
            for agent, (group, slot) in self.table.slots.items()
            if agent in self.instances
        }

    def play(self, turn: Turn) -> Program[None]:
        """Have `env` play the turn, and pass what is new in it through the hooks."""
        rows = sorted([*turn.steps, *turn.begins]) if turn.steps and turn.begins else turn.steps or turn.begins
        mask = self.mask_of(rows)
        where = np.ones(self.count, np.bool_) if mask is None else mask
        if turn.is_reset:
            seed = turn.seed if turn.whole else self.seeds_of(turn.begins, turn.seeds)
            self._result = self._begun((yield Ask("reset", (seed, turn.options, mask))), where)
        else:
            result = yield Ask("step", (self._actions(turn.actions), mask, False))
            self._result = self._stepped(result, where)

    def reset_result(self) -> Any:
        """Return what the last turn gave."""
        return self._result

    step_result = reset_result

    def _actions(self, batch: Sequence[Any]) -> Any:
        """Return the actions of `batch` through the hooks, as `env` takes them."""
        columns = {a: column for a, column in zip(self.form.agents, batch, strict=True) if column is not None}
        if "action" in self.wrapper.touched:
            for agent in self.instances.keys() & columns.keys():
                column, space = columns[agent], self.form.action_spaces[agent]
                arrays = gathered(column, space) if isinstance(column, list) else column
                columns[agent] = self.instances[agent].action(arrays)
        return columns if self.form.many else columns[SOLE]

    def _begun(self, result: Any, where: _Mask) -> Any:
        for agent, column in self.table.index.items():
            acting = self.table.acting[:, column]
            acting[:] = result.acting[agent] if self.form.many else acting | where
        if "observation" not in self.wrapper.touched:
            return result
        for agent in self.instances:
            acting = self.table.acting[:, self.table.index[agent]]
            self._see(agent, self._of(result.observations, agent), where & acting)
        return replace(result, observations=self._with(result.observations, self._copies()))

    def _stepped(self, result: Any, where: _Mask) -> Any:
        touched, restarted = self.wrapper.touched, result.restarted
        for agent, column in self.table.index.items():
            acting = self.table.acting[:, column]
            acting[:] = result.acting[agent] if self.form.many else (acting & ~result.dones) | restarted
        if "reward" in touched:
            paid = {agent: self._paid(agent, result) for agent in self.instances}
            result = replace(result, rewards=self._with(result.rewards, paid))
        if "observation" not in touched:
            return result
        kept = {agent: self._moved(agent, result, where) for agent in self.instances}
        seen = self._copies()
        observations = final = self._with(result.observations, seen)
        infos = result.infos
        if restarted.any():
            last = self._copies()
            for agent, (rows, values) in kept.items():
                overwrite(last[agent], rows, values)
            final = self._with(result.final_observations, last)
            infos = [self._info(info, row, last) if restarted[row] else info for row, info in enumerate(infos)]
        return replace(result, observations=observations, final_observations=final, infos=infos)

    def _moved(self, agent: AgentID, result: Any, where: _Mask) -> tuple[_Mask, Tree]:
        """Pass an agent's transitions through its wrapper, then its beginnings.

        Return the rows in which it had both, and what the transitions led to there.
        """
        ended = self._of(result.terminated, agent) | self._of(result.truncated, agent)
        acting = self.table.acting[:, self.table.index[agent]]
        begun = acting & result.restarted
        new = where & (self._of(result.stepped, agent) | ended | (acting & ~result.restarted))
        self._see(agent, self._of(result.final_observations, agent), new)
        both = ended & begun
        last = at(self._seen[agent], both)
        self._see(agent, self._of(result.observations, agent), begun)
        return both, last

    def _see(self, agent: AgentID, observations: Tree, rows: _Mask) -> None:
        """Pass what is new in `rows` through the wrapper of an agent."""
        if rows.all():
            overwrite(self._seen[agent], slice(None), self.instances[agent].observation(observations))
        elif rows.any():
            overwrite(self._seen[agent], rows, self.instances[agent].observation(at(observations, rows)))

    def _paid(self, agent: AgentID, result: Any) -> Any:
        rewards, rows = self._of(result.rewards, agent), self._of(result.stepped, agent)
        if rows.all():
            return self.instances[agent].reward(rewards)
        paid = np.array(rewards)
        if rows.any():
            paid[rows] = self.instances[agent].reward(paid[rows])
        return paid

    def _of(self, field: Any, agent: AgentID) -> Any:
        return field[agent] if self.form.many else field

    def _copies(self) -> dict[AgentID, Tree]:
        return {agent: copied(column) for agent, column in self._seen.items()}

    def _with(self, field: Any, ours: Mapping[AgentID, Any]) -> Any:
        """Return a field with our columns in it."""
        if not self.form.many:
            return ours[SOLE]
        return columns_of({a: ours[a] if a in ours else field[a] for a in field}, self.form.groups)

    def _info(self, info: dict[str, Any], row: int, last: Mapping[AgentID, Tree]) -> dict[str, Any]:
        """Return the info of a row that has restarted, with the last observations as the wrapper shows them."""
        if not self.form.many:
            return info | _final(info, last[SOLE], row)
        return {a: said | _final(said, last[a], row) if a in last else said for a, said in info.items()}

    def get(self, rows: Sequence[int], name: str) -> list[Any]:
        """Return the wrapper's own, the same in all rows (of many agents, by agent), or what the rows have."""
        if not self._has(name):
            return super().get(rows, name)
        values = {agent: getattr(wrapper, name) for agent, wrapper in self.instances.items()}
        return [values if self.form.many else values[SOLE]] * len(rows)

    def set(self, rows: Sequence[int], name: str, value: Any) -> None:
        """Set an attribute of the wrapper, or of what is below."""
        if not self._has(name):
            super().set(rows, name, value)
            return
        for wrapper in self.instances.values():
            setattr(wrapper, name, value)

    def _has(self, name: str) -> bool:
        own = name not in ("env", "observation_space", "action_space")
        return own and any(name in vars(wrapper) for wrapper in self.instances.values())

    def __iter__(self) -> Iterator[Any]:
        yield from self.env

    def __repr__(self) -> str:
        return f"<{self.wrapper.__name__}({self.env!r})>"


def _final(info: dict[str, Any], last: Tree, row: int) -> dict[str, Any]:
    return {"final_observation": row_of(last, row)} if "final_observation" in info else {}


class _Seat(Unsteppable):
    """What a wrapper over rows finds below it: the spaces of one row."""

    def __init__(self, vec: Any, observation_space: Any, action_space: Any) -> None:
        self.vec, self.observation_space, self.action_space = vec, observation_space, action_space

    def __repr__(self) -> str:
        return f"<rows of {self.vec!r}>"
