"""A program for each of many agents: whoever is in the middle of one is not acting."""

from collections.abc import Mapping, Sequence
from typing import Any

from sekai.core.env import MultiAgentEnv
from sekai.core.program import Program, Step, async_run, run
from sekai.core.recipe import Recipe
from sekai.core.result import AgentID, MAResetResult, MAStepResult, StepResult, joined, of_agent
from sekai.core.seats import AgentWrappers, Seats
from sekai.core.wrapped_episode import MultiAgentWrapper
from sekai.error import SekaiError

__all__ = ["AgentPrograms"]


class AgentPrograms(MultiAgentWrapper):
    """A `ProgramWrapper` around each agent of `env` that it serves; an agent in the middle of a program is not acting.

    To settle with such an agent ends its program: it gets the last observation and what it earned since it acted.
    Copying replays a running program from its beginning, so a program keeps what it remembers in its local variables,
    not in its wrapper.
    """

    def __init__(self, env: MultiAgentEnv, recipe: Recipe) -> None:
        super().__init__(env)
        self.wrappers = AgentWrappers(env, recipe)
        self._seats = Seats(env)
        self._midway: dict[AgentID, _Midway] = {}

    def __getstate__(self) -> dict[str, Any]:
        told = {agent: (m.begun_with, m.heard, m.earned, m.elapsed) for agent, m in self._midway.items()}
        return {**self.__dict__, "_midway": told}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._midway = {}
        for agent, (begun_with, heard, earned, elapsed) in state["_midway"].items():
            program = self.wrappers.instance(agent, self._seats[agent]).program(begun_with)
            request = program.send(None)
            for entry in heard:
                request = program.send(entry)
            midway = self._midway[agent] = _Midway(program, begun_with, self._action(agent, request))
            midway.heard, midway.earned, midway.elapsed = heard, earned, elapsed

    @property
    def acting(self) -> Sequence[AgentID]:
        """Those that must act now and are not in the middle of a program."""
        return [agent for agent in self.env.acting if agent not in self._midway]

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> MAResetResult:
        """Begin an episode; programs of the last one are forgotten."""
        self._midway.clear()
        self._seats.seed_streams(seed)
        return self.env.reset(seed=seed, options=options)

    def step(self, actions: Mapping[AgentID, Any]) -> MAStepResult:
        """Begin the programs of these actions, and step on until somebody alive must act."""
        return run(self.env, self._play(actions))

    async def async_reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> MAResetResult:
        """Begin an episode, awaiting `env`."""
        self._midway.clear()
        self._seats.seed_streams(seed)
        return await self.env.async_reset(seed=seed, options=options)

    async def async_step(self, actions: Mapping[AgentID, Any]) -> MAStepResult:
        """Begin the programs of these actions, and step on, awaiting `env`."""
        return await async_run(self.env, self._play(actions))

    def settle(self, agents: Sequence[AgentID]) -> MAStepResult:
        """Settle with these agents, in the middle of a program or waiting in `env`."""
        result = self.env.settle([agent for agent in agents if agent not in self.env.acting])
        entries = {agent: of_agent(result, agent) for agent in result.observations}
        elapsed = dict(result.elapsed)
        for agent in agents:
            midway = self._midway.pop(agent, None)
            if midway is None:
                continue
            last = entries.get(agent, midway.last)
            assert last is not None
            earned = midway.earned + (entries[agent].reward if agent in entries else 0.0)
            entries[agent] = StepResult(last.observation, earned, last.terminated, last.truncated, last.info)
            elapsed[agent] = elapsed.get(agent, 0.0) + midway.elapsed
        return joined(entries, result.first, elapsed)

    def _play(self, actions: Mapping[AgentID, Any]) -> Program[MAStepResult]:
        asked = dict(actions)
        for agent, action in actions.items():
            if self.wrappers.serves(agent):
                program = self.wrappers.instance(agent, self._seats[agent]).program(action)
                self._midway[agent] = _Midway(program, action, self._action(agent, program.send(None)))
        entries: dict[AgentID, StepResult[Any]] = {}
        first: set[AgentID] = set()
        elapsed: dict[AgentID, float] = {}
        while True:
            asked.update({agent: midway.action for agent, midway in self._midway.items()})
            result: MAStepResult = yield Step({agent: asked[agent] for agent in self.env.acting})
            first |= result.first
            for agent in result.observations:
                self._receive(agent, result, entries, elapsed)
            if result.all_done or any(not entry.done for entry in entries.values()):
                return joined(entries, frozenset(first), elapsed)

    def _receive(
        self,
        agent: AgentID,
        result: MAStepResult,
        entries: dict[AgentID, StepResult[Any]],
        elapsed: dict[AgentID, float],
    ) -> None:
        """Send an agent's transition to its program if it is in one, else hand it out."""
        entry = of_agent(result, agent)
        midway = self._midway.get(agent)
        if midway is None:
            entries[agent] = entry
            if agent in result.elapsed:
                elapsed[agent] = result.elapsed[agent]
            return
        midway.heard.append(entry)
        midway.earned += entry.reward
        midway.elapsed += result.elapsed.get(agent, 0.0)
        try:
            request = midway.program.send(entry)
        except StopIteration as end:
            entries[agent] = end.value
            if result.elapsed:
                elapsed[agent] = midway.elapsed
            del self._midway[agent]
            return
        if entry.done:
            raise SekaiError(f"the program of {agent!r} asked for {request!r} after the agent's end")
        midway.action = self._action(agent, request)

    def _action(self, agent: AgentID, request: Any) -> Any:
        if type(request) is not Step:
            raise SekaiError(
                f"the program of {agent!r} must yield Step(action), got {request!r}: one agent cannot reset for all"
            )
        return request.action

    def _wrapper_name(self) -> str:
        return self.wrappers.recipe.wrapper.__name__


class _Midway:
    """An agent in the middle of a program: what it asked for next, and what came of it so far."""

    __slots__ = ("action", "begun_with", "earned", "elapsed", "heard", "program")

    def __init__(self, program: Program[Any], begun_with: Any, action: Any) -> None:
        self.program, self.begun_with, self.action = program, begun_with, action
        self.earned, self.elapsed = 0.0, 0.0
        self.heard: list[StepResult[Any]] = []

    @property
    def last(self) -> StepResult[Any] | None:
        """The last result that the program was sent."""
        return self.heard[-1] if self.heard else None
