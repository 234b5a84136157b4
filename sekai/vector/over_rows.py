"""A wrapper whose hooks take many values at once, around all rows: one instance, of many agents one for each.

Its hooks are called with `(M, *shape)`: with the values of the rows where something has happened.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from sekai.core.agents import roles_of
from sekai.core.recipe import Recipe
from sekai.core.result import AgentID
from sekai.core.wrapper import Wrapper
from sekai.error import SekaiError, did_you_mean
from sekai.vector.base import VecEnv
from sekai.vector.columns import Tree, allocate, at, copied, gathered, overwrite, row_of
from sekai.vector.result import AgentColumns, VecResetResult, VecStepResult, changed, columns_of
from sekai.vector.rows import Unsteppable
from sekai.vector.table import Handout
from sekai.vector.wrappers import VecWrapper

__all__ = ["OverRows", "takes_rows"]

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


class OverRows(VecWrapper):
    """One instance of a wrapper for all rows, of many agents one for each, `instances[agent]`."""

    def __init__(self, env: VecEnv, recipe: Recipe) -> None:
        super().__init__(env)
        self.wrapper = recipe.wrapper
        self._handout = Handout(backend=env.backend)
        self.instances: dict[AgentID, Wrapper[Any, Any]] = {}
        if not env.many:
            self.instance = recipe.made(_Seat(env, None))
            self.observation_space, self.action_space = self.instance.observation_space, self.instance.action_space
            self._seen: Any = allocate(self.observation_space, (self.num_envs,))
            return
        roles = roles_of(env)
        for agent in _served(env, recipe.agents):
            born = recipe.made(_Seat(env, agent))
            born.on_birth(agent, [kin for name, kin in self.instances.items() if roles[name] == roles[agent]])
            self.instances[agent] = born
        self.observation_spaces = dict(env.observation_spaces) | {
            agent: layer.observation_space for agent, layer in self.instances.items()
        }
        self.action_spaces = dict(env.action_spaces) | {
            agent: layer.action_space for agent, layer in self.instances.items()
        }
        self._seen = {a: allocate(self.observation_spaces[a], (self.num_envs,)) for a in self.instances}

    def actions(self, actions: Any) -> Any:
        """Change the actions."""
        if "action" not in self.wrapper.touched:
            return actions
        actions = self._handout.taken(actions)
        if not self.many:
            return self.instance.action(_array_of(actions, self.action_space))
        given: dict[AgentID, Any] = {}
        for name, column in actions.items():
            members = self.groups.get(name, ()) if name not in self.action_spaces else ()
            given |= {a: at(column, (slice(None), k)) for k, a in enumerate(members)} if members else {name: column}
        return {
            agent: self.instances[agent].action(_array_of(column, self.action_spaces[agent]))
            if agent in self.instances
            else column
            for agent, column in given.items()
        }

    def _begun(self, result: Any, mask: Any) -> Any:
        return self._handout.result(self._begun_rows(self._handout.numpys(result), mask))

    def _stepped(self, result: Any, mask: Any) -> Any:
        return self._handout.result(self._stepped_rows(self._handout.numpys(result), mask))

    def _begun_rows(self, result: Any, mask: Any) -> Any:
        if "observation" not in self.wrapper.touched:
            return result
        rows = np.ones(self.num_envs, np.bool_) if mask is None else np.asarray(mask)
        if isinstance(result, VecResetResult):
            self._see(self.instance, self._seen, result.observations, rows)
            return VecResetResult(copied(self._seen), result.infos)
        for agent, layer in self.instances.items():
            self._see(layer, self._seen[agent], result.observations[agent], rows & result.acting[agent])
        seen = {agent: copied(column) for agent, column in self._seen.items()}
        return changed(result, observations=self._columns(result.observations, seen))

    def _stepped_rows(self, result: Any, mask: Any) -> Any:
        touched = self.wrapper.touched
        if "reward" in touched:
            result = changed(result, rewards=self._paid(result))
        if "observation" not in touched:
            return result
        restarted = result.restarted
        if isinstance(result, VecStepResult):
            now, last, new = result.observations, result.final_observations, result.stepped
            seen, final = self._moved(self.instance, self._seen, now, last, new, restarted)
            infos = self._infos(result.infos, restarted, lambda row, info: info | _last(info, final, row))
            return changed(result, observations=seen, final_observations=final, infos=infos)
        rows = np.ones(self.num_envs, np.bool_) if mask is None else np.asarray(mask)
        seen, final = {}, {}
        for agent, layer in self.instances.items():
            acting, ends = result.acting[agent], result.dones[agent]
            new = rows & (result.stepped[agent] | ends | (acting & ~restarted))
            now, last, begun = result.observations[agent], result.final_observations[agent], acting & restarted
            seen[agent], final[agent] = self._moved(layer, self._seen[agent], now, last, new, begun)
        infos = self._infos(
            result.infos,
            restarted,
            lambda row, info: {a: i | _last(i, final[a], row) if a in final else i for a, i in info.items()},
        )
        return changed(
            result,
            observations=self._columns(result.observations, seen),
            final_observations=self._columns(result.final_observations, final),
            infos=infos,
        )

    def _moved(
        self, layer: Wrapper[Any, Any], seen: Tree, now: Tree, last: Tree, new: Any, begun: Any
    ) -> tuple[Tree, Tree]:
        """Pass transitions in the rows `new`, then beginnings in `begun`; return observations and the final ones."""
        self._see(layer, seen, last, new)
        if not begun.any():
            out = copied(seen)
            return out, out
        ended = new & begun
        kept = at(seen, ended)
        self._see(layer, seen, now, begun)
        final = copied(seen)
        overwrite(final, ended, kept)
        return copied(seen), final

    def _see(self, layer: Wrapper[Any, Any], seen: Tree, observations: Tree, rows: Any) -> None:
        """Pass what is new in `rows` through the layer."""
        if rows.all():
            overwrite(seen, slice(None), layer.observation(observations))
        elif rows.any():
            overwrite(seen, rows, layer.observation(at(observations, rows)))

    def _paid(self, result: Any) -> Any:
        if isinstance(result, VecStepResult):
            return self._pay(self.instance, result.rewards, result.stepped)
        return result.rewards.mapped(
            lambda agent, rewards: (
                self._pay(self.instances[agent], rewards, result.stepped[agent]) if agent in self.instances else rewards
            )
        )

    def _pay(self, layer: Wrapper[Any, Any], rewards: Any, rows: Any) -> Any:
        if rows.all():
            return layer.reward(rewards)
        paid = np.array(rewards)
        if rows.any():
            paid[rows] = layer.reward(paid[rows])
        return paid

    def _columns(self, columns: AgentColumns, ours: Mapping[AgentID, Tree]) -> AgentColumns:
        everybody = {agent: ours[agent] if agent in ours else columns[agent] for agent in columns}
        return columns_of(everybody, self.groups)

    def _infos(self, infos: list[Any], restarted: Any, change: Callable[[int, Any], Any]) -> list[Any]:
        if not restarted.any():
            return infos
        return [change(row, info) if restarted[row] else info for row, info in enumerate(infos)]

    def _get(self, rows: Sequence[int], name: str) -> list[Any]:
        """Return the layer's own, the same in all rows (of many agents, by agent), or what the rows have."""
        if not self._has(name):
            return super()._get(rows, name)
        value = {a: getattr(i, name) for a, i in self.instances.items()} if self.many else getattr(self.instance, name)
        return [value] * len(rows)

    def _set(self, rows: Sequence[int], name: str, value: Any) -> None:
        if not self._has(name):
            super()._set(rows, name, value)
            return
        for instance in self.instances.values() if self.many else [self.instance]:
            setattr(instance, name, value)

    def _has(self, name: str) -> bool:
        instances = list(self.instances.values()) if self.many else [self.instance]
        return name not in ("env", "observation_space", "action_space") and any(name in vars(i) for i in instances)

    def __repr__(self) -> str:
        return f"<{self.wrapper.__name__}({self.env!r})>"


def _last(info: dict[str, Any], final: Tree, row: int) -> dict[str, Any]:
    return {"final_observation": row_of(final, row)} if "final_observation" in info else {}


def _array_of(actions: Any, space: Any) -> Any:
    """Return N actions as arrays, where they are given as a list."""
    if isinstance(actions, list):
        return gathered(actions, space)
    return actions


def _served(vec: VecEnv, names: Sequence[str] | None) -> list[AgentID]:
    """Return the agents that `names`, of agents or roles, mean."""
    if names is None:
        return list(vec.possible_agents)
    roles = {agent: group for group, agents in vec.groups.items() for agent in agents}
    known = [*roles, *vec.groups]
    names = [names] if isinstance(names, str) else names
    for name in names:
        if name not in known:
            raise SekaiError(f"agents must name agents or roles, {known}, got {name!r}.{did_you_mean(name, known)}")
    return [agent for agent, group in roles.items() if agent in names or group in names]


class _Seat(Unsteppable):
    """What a layer over rows finds below it: the spaces of one row."""

    def __init__(self, vec: VecEnv, agent: AgentID | None) -> None:
        self.vec = vec
        self.observation_space = vec.observation_space if agent is None else vec.observation_spaces[agent]
        self.action_space = vec.action_space if agent is None else vec.action_spaces[agent]

    def __repr__(self) -> str:
        return f"<rows of {self.vec!r}>"
