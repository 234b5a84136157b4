"""One agent's rows of a vector env of many: the others are played by policies, N rows a call.

Rows differ in when the agent's turn comes. Those where it has come wait, by a mask, until it has come in all; what the
agent gets in a row is then what `MultiAgentEnv.view` would give there.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sekai.backend.base import NUMPY
from sekai.core.agents import policies_of
from sekai.core.result import AgentID
from sekai.core.seeding import child_seed
from sekai.error import SekaiError, did_you_mean
from sekai.spaces.space import Space
from sekai.vector.columns import Tree, at, copied, gathered, leaves, mapped, overwrite, row_of
from sekai.vector.form import sole
from sekai.vector.restarts import Turn, played
from sekai.vector.rows import Ask, Program, RowsOfVec

__all__ = ["BatchPolicy", "ViewRows", "by_row"]

BatchPolicy: TypeAlias = Callable[[Any], Any] | Any
"""A callable on N observations, or an object with `act(observations)` and perhaps `reset(seed)`."""

_Mask: TypeAlias = NDArray[np.bool_]


def by_row(policy: Any, space: Space[Any]) -> Callable[[Any], Any]:
    """Return a batch policy that asks `policy`, for single observations, row by row; `space` is its actions'.

    The one policy serves all rows, so it should not remember anything.
    """
    act = policy.act if hasattr(policy, "act") else policy

    def acts(observations: Tree) -> Tree:
        count = len(next(leaves(observations)))
        return gathered([act(row_of(observations, row)) for row in range(count)], space)

    return acts


class ViewRows(RowsOfVec):
    """The rows of the vector env `env` as `agent` sees them."""

    def __init__(self, env: Any, agent: AgentID, others: Mapping[str, BatchPolicy] | None = None) -> None:
        if not env.many:
            raise SekaiError("view is of many agents: this vector env has one")
        if agent not in env.possible_agents:
            near = did_you_mean(agent, env.possible_agents)
            raise SekaiError(f"agent must be one of {list(env.possible_agents)}, got {agent!r}.{near}")
        self.agent = agent
        self._policies = policies_of(env, agent, others)
        self._others = dict(others or {})
        super().__init__(env, sole(env.observation_spaces[agent], env.action_spaces[agent]))
        self._seen = self.table.sole
        self._latest: Any = None  # everybody's observations
        self._acting: dict[AgentID, _Mask] = {}
        self._over: _Mask = np.zeros(self.count, np.bool_)  # nobody acts
        self._said: list[dict[str, Any]] = [{}] * self.count  # what each row said last to the agent

    def play(self, turn: Turn) -> Program[None]:
        """Take the agent's actions, then play on to its next turn, or to its end, in each row."""
        self._alone = np.zeros(self.count, np.bool_)  # where the environment has begun the next episode itself
        if turn.whole:
            self._restart_policies(turn.seed)
        return played(turn, self.table, self._step, self._begin)

    def _step(self, rows: Sequence[int], batch: Any) -> Program[list[int]]:
        table, agent = self.table, self.agent
        table.open()
        infos: Any = table.infos
        pending, given = self._mask(rows), batch[0]
        while pending.any():
            result = yield self._others_step(pending, given)
            given = None
            self._note(result)
            came = pending & (result.stepped[agent] | result.dones[agent])
            overwrite(self._seen, came, at(result.final_observations[agent], came))
            table.stepped[came, 0] = True
            for column, values in (
                (table.rewards, result.rewards),
                (table.terminated, result.terminated),
                (table.truncated, result.truncated),
            ):
                column[came, 0] = values[agent][came]
            for row in np.flatnonzero(came).tolist():
                infos[row] = _info_of(result, row, agent, "final_info")
            if (pending & ~came & (result.restarted | self._over)).any():
                raise SekaiError(f"the episode ended without a last result for {agent!r}")
            self._alone |= came & result.restarted
            pending &= ~came
        over = table.terminated[:, 0] | table.truncated[:, 0]
        table.acting[over, 0] = False
        return np.flatnonzero(over).tolist()

    def _begin(self, rows: Sequence[int], seeds: Sequence[int | None], options: Any) -> Program[list[Any]]:
        """Begin episodes, but for those that the environment has begun, and play on to the agent's first turn."""
        pending = self._mask(rows)
        rest = np.flatnonzero(pending & ~self._alone).tolist()
        if rest:
            self._note((yield Ask("reset", (self.seeds_of(rows, seeds), options, self.mask_of(rest)))))
        infos: dict[int, Any] = {}
        while True:
            came = pending & self._acting[self.agent]
            overwrite(self._seen, came, at(self._latest[self.agent], came))
            infos |= {row: self._said[row] for row in np.flatnonzero(came).tolist()}
            pending &= ~came
            if not pending.any():
                self.table.acting[list(rows), 0] = True
                return [infos[row] for row in rows]
            result = yield self._others_step(pending, None)
            self._note(result)
            if (pending & (result.restarted | self._over)).any():
                raise SekaiError(f"the episode ended before {self.agent!r} had a turn")

    def _restart_policies(self, seed: Any) -> None:
        """Begin the others' policies anew, with seeds that belong to their names."""
        for name, policy in self._others.items():
            restart = getattr(policy, "reset", None)
            if restart is not None:
                restart(child_seed(int(seed), "policy", name) if isinstance(seed, int | np.integer) else None)

    def _mask(self, rows: Sequence[int]) -> _Mask:
        mask = np.zeros(self.count, np.bool_)
        mask[list(rows)] = True
        return mask

    def _others_step(self, rows: _Mask, given: Any) -> Ask:
        """Ask for the step of `rows` in which the others act by their policies, and the agent as `given`, if it is."""
        actions = {
            other: policy(self._shown(self._latest[other]))
            for other, policy in self._policies.items()
            if (rows & self._acting[other]).any()
        }
        if given is not None:
            actions[self.agent] = given
        return Ask("step", (actions, None if rows.all() else rows, True))

    def _shown(self, observations: Tree) -> Tree:
        return copied(observations) if self.backend is NUMPY else mapped(self.backend.from_numpy, observations)

    def _note(self, result: Any) -> None:
        self._latest = result.observations
        for row, said in enumerate(result.infos):
            if self.agent in said:
                self._said[row] = _info_of(result, row, self.agent, "reset_info")
        self._acting = {agent: np.asarray(result.acting[agent]) for agent in result.acting}
        self._over = ~np.any(list(self._acting.values()), axis=0)

    def __repr__(self) -> str:
        return f"<VecView({self.agent!r} of {self.env!r})>"


def _info_of(result: Any, row: int, agent: AgentID, part: str) -> dict[str, Any]:
    """Return what a row says to an agent: of a row that has restarted, about the end or about the beginning."""
    said: dict[str, Any] = result.infos[row].get(agent, {})
    whole: dict[str, Any] = said.get(part, said)
    return whole
