"""One agent's column of a vector env as a vector env of its own: the others are played by policies, N rows a call.

Rows differ in when the agent's turn comes. Those where it has come wait, by a mask, until it has come in all; what the
agent gets in a row is then what `MultiAgentEnv.view` would give there.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sekai.core.agents import policies_of
from sekai.core.result import AgentID
from sekai.core.seeding import child_seed
from sekai.error import SekaiError, did_you_mean
from sekai.spaces.space import Space
from sekai.vector.base import BatchPolicy, Phases, Seeds, VecEnv, rows_in
from sekai.vector.columns import Tree, allocate, at, copied, gathered, overwrite, row_of
from sekai.vector.result import VecResetResult, VecStepResult
from sekai.vector.table import Handout
from sekai.wrappers.episode import restarted_info

__all__ = ["VecView", "by_row"]

_Ask = tuple[str, dict[str, Any]]


def by_row(policy: Any, space: Space[Any]) -> Callable[[Any], Any]:
    """Return a batch policy that asks `policy`, for single observations, row by row; `space` is its actions'.

    The one policy serves all rows, so it should not remember anything.
    """
    act = policy.act if hasattr(policy, "act") else policy

    def acts(observations: Tree) -> Tree:
        first = observations
        while isinstance(first, dict | tuple):
            first = next(iter(first.values())) if isinstance(first, dict) else first[0]
        return gathered([act(row_of(observations, row)) for row in range(len(first))], space)

    return acts


class VecView(VecEnv):
    """The vector env `multi` as `agent` sees it in every row; made by `multi.view(agent, others)`."""

    def __init__(self, multi: VecEnv, agent: AgentID, others: Mapping[str, BatchPolicy] | None = None) -> None:
        if not multi.many:
            raise SekaiError("view is of many agents: this vector env has one")
        if agent not in multi.possible_agents:
            near = did_you_mean(agent, multi.possible_agents)
            raise SekaiError(f"agent must be one of {list(multi.possible_agents)}, got {agent!r}.{near}")
        self.multi, self.agent = multi, agent
        self.num_envs, self.many, self.autoreset = multi.num_envs, False, multi.autoreset
        self.backend, self._handout = multi.backend, Handout(backend=multi.backend)
        self._policies = policies_of(multi, agent, others)
        self._others = dict(others or {})
        self._space, self._actions = multi.observation_spaces[agent], multi.action_spaces[agent]
        self._phases = Phases(self.num_envs, self.autoreset)
        self._seen = allocate(self._space, (self.num_envs,))
        self._latest: Any = None  # everybody's observations, and who must act
        self._acting: dict[AgentID, NDArray[np.bool_]] = {}
        self._words: list[dict[str, Any]] = [{}] * self.num_envs  # what each row said last to the agent

    @property
    def observation_space(self) -> Space[Any]:
        """The agent's observation space."""
        return self._space

    @property
    def action_space(self) -> Space[Any]:
        """The agent's action space."""
        return self._actions

    @property
    def spec(self) -> Any:
        """The spec of the environments."""
        return self.multi.spec

    @property
    def metadata(self) -> dict[str, Any]:
        """What the environments say of themselves."""
        return self.multi.metadata

    def reset(self, *, seed: Seeds = None, options: dict[str, Any] | None = None, mask: Any = None) -> VecResetResult:
        """Begin episodes, and play on to the agent's first turn in each."""
        return self._run(self._begin(seed, options, mask))  # type: ignore[no-any-return]

    def step(self, actions: Any, *, mask: Any = None) -> VecStepResult:
        """Take the agent's actions, then play on to its next turn, or to its end, in each row."""
        return self._run(self._advance(actions, mask))  # type: ignore[no-any-return]

    async def async_reset(self, *, seed: Seeds = None, options: dict[str, Any] | None = None, mask: Any = None) -> Any:
        """Begin episodes, awaiting the worlds."""
        return await self._async_run(self._begin(seed, options, mask))

    async def async_step(self, actions: Any, *, mask: Any = None) -> Any:
        """Take actions, awaiting the worlds."""
        return await self._async_run(self._advance(actions, mask))

    def close(self) -> None:
        """Close the worlds."""
        super().close()
        self.multi.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.agent!r} of {self.multi!r})>"

    def _begin(self, seed: Seeds, options: dict[str, Any] | None, mask: Any) -> Generator[_Ask, Any, VecResetResult]:
        self._check_open("reset")
        rows = np.isin(np.arange(self.num_envs), rows_in(mask, self.num_envs))
        for name, policy in self._others.items():
            restart = getattr(policy, "reset", None)
            if restart is not None and mask is None:
                restart(child_seed(int(seed), "policy", name) if isinstance(seed, int | np.integer) else None)
        infos: list[dict[str, Any]] = [{}] * self.num_envs
        self._note((yield "reset", {"seed": seed, "options": options, "mask": mask}))
        yield from self._play_in(rows, infos)
        self._phases.begun(np.flatnonzero(rows).tolist())
        return VecResetResult(copied(self._seen), infos)

    def _play_in(self, rows: NDArray[np.bool_], infos: list[dict[str, Any]]) -> Generator[_Ask, Any, None]:
        """Play on in `rows`, whose episodes have just begun, to the agent's first turn in each."""
        pending = rows.copy()
        while True:
            came = pending & self._acting[self.agent]
            overwrite(self._seen, came, at(self._latest[self.agent], came))
            for row in np.flatnonzero(came):
                infos[row] = self._words[row]
            pending &= ~came
            if not pending.any():
                return
            result = yield self._others_step(pending, None)
            self._note(result)
            if (pending & (result.restarted | self._all_over())).any():
                raise SekaiError(f"the episode ended before {self.agent!r} had a turn")

    def _advance(self, actions: Any, mask: Any) -> Generator[_Ask, Any, VecStepResult]:
        self._check_open("step")
        chosen, fresh = self._phases.due(rows_in(mask, self.num_envs))
        rows = np.isin(np.arange(self.num_envs), chosen)
        agent, count = self.agent, self.num_envs
        rewards, stepped = np.zeros(count), np.zeros(count, np.bool_)
        terminated, truncated = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
        infos: list[dict[str, Any]] = [{}] * count
        restarted, alone = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
        pending, given = rows.copy(), actions
        while pending.any():
            result = yield self._others_step(pending, given)
            given = None
            self._note(result)
            came = pending & (result.stepped[agent] | result.dones[agent])
            overwrite(self._seen, came, at(result.final_observations[agent], came))
            rewards[came], stepped[came] = result.rewards[agent][came], True
            terminated[came], truncated[came] = result.terminated[agent][came], result.truncated[agent][came]
            for row in np.flatnonzero(came).tolist():
                infos[row] = _info_of(result, row, agent, "final_info")
            lost = pending & ~came & (result.restarted | self._all_over())
            if lost.any():
                raise SekaiError(f"the episode ended without a last result for {agent!r}")
            alone |= came & result.restarted
            pending &= ~came
        final = copied(self._seen)
        over = terminated | truncated
        if self.autoreset == "same_step":
            yield from self._restart(over, alone, infos, final)
            restarted |= over
        else:
            self._phases.over.update(np.flatnonzero(over).tolist())
            renewed = np.isin(np.arange(count), fresh)
            if fresh:
                self._note((yield "reset", {"mask": renewed}))
                yield from self._play_in(renewed, infos)
                self._phases.begun(fresh)
                restarted |= renewed
                overwrite(final, renewed, at(self._seen, renewed))
        seen = copied(self._seen)
        return VecStepResult(seen, rewards, terminated, truncated, infos, final, restarted, stepped)

    def _restart(
        self, over: NDArray[np.bool_], alone: NDArray[np.bool_], infos: list[dict[str, Any]], final: Tree
    ) -> Generator[_Ask, Any, None]:
        """Begin the next episode where the agent's is over: its world may have done so, or lives on without it."""
        if not over.any():
            return
        begun: list[dict[str, Any]] = [{}] * self.num_envs
        rest = over & ~alone
        if rest.any():
            self._note((yield "reset", {"mask": rest}))
        yield from self._play_in(over, begun)
        for row in np.flatnonzero(over):
            infos[row] = restarted_info(row_of(final, row), infos[row], begun[row])

    def _others_step(self, rows: NDArray[np.bool_], given: Any) -> _Ask:
        """Return the step of `rows` in which the others act by their policies, and the agent as `given`, if it does."""
        give = self._handout.observations
        actions = {
            a: policy(give(self._latest[a])) for a, policy in self._policies.items() if (rows & self._acting[a]).any()
        }
        if given is not None:
            actions[self.agent] = given
        return "step", {"actions": actions, "mask": None if rows.all() else rows}

    def _note(self, result: Any) -> None:
        self._latest = result.observations
        for row, said in enumerate(result.infos):
            if self.agent in said:
                self._words[row] = _info_of(result, row, self.agent, "reset_info")
        self._acting = {agent: np.asarray(result.acting[agent]) for agent in result.acting}

    def _all_over(self) -> NDArray[np.bool_]:
        """Return the rows where nobody acts."""
        somebody: NDArray[np.bool_] = np.any(list(self._acting.values()), axis=0)
        return ~somebody

    def _run(self, program: Generator[_Ask, Any, Any]) -> Any:
        try:
            verb, asked = next(program)
            while True:
                answer = self.multi.reset(**asked) if verb == "reset" else self.multi.step(**asked)
                verb, asked = program.send(self._handout.numpys(answer))
        except StopIteration as end:
            return self._handout.result(end.value)
        except BaseException:
            self._phases.broken()
            raise

    async def _async_run(self, program: Generator[_Ask, Any, Any]) -> Any:
        try:
            verb, asked = next(program)
            while True:
                if verb == "reset":
                    answer = await self.multi.async_reset(**asked)
                else:
                    answer = await self.multi.async_step(**asked)
                verb, asked = program.send(self._handout.numpys(answer))
        except StopIteration as end:
            return self._handout.result(end.value)
        except BaseException:
            self._phases.broken()
            raise

    def _call(self, rows: Sequence[int], method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        return self.multi._call(rows, method, args, kwargs)

    def _get(self, rows: Sequence[int], name: str) -> list[Any]:
        return self.multi._get(rows, name)

    def _set(self, rows: Sequence[int], name: str, value: Any) -> None:
        self.multi._set(rows, name, value)


def _info_of(result: Any, row: int, agent: AgentID, part: str) -> dict[str, Any]:
    """Return what a row says to an agent: of a row that has restarted, about the end or about the beginning."""
    said: dict[str, Any] = result.infos[row].get(agent, {})
    whole: dict[str, Any] = said.get(part, said)
    return whole
