"""Small environments whose every number can be worked out by hand, to test wrappers, views and vector envs with."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sekai.core.env import Env, MultiAgentEnv
from sekai.core.result import AgentID, MAResetResult, MAStepResult, ResetResult, StepResult
from sekai.error import InvalidAgents, SekaiError
from sekai.spaces import Box, Dict

__all__ = ["ClockworkEnv", "CountingEnv", "EchoEnv"]


class CountingEnv(Env[NDArray[np.float32], float]):
    """Observes `[t, noise]`, t counting steps, noise from the env's stream; pays the action; ends at `length`."""

    def __init__(self, length: int = 5) -> None:
        self.length = length
        self.time = 0
        self.observation_space = Box(0.0, np.inf, (2,))
        self.action_space = Box(-1.0, 1.0, ())  # type: ignore[assignment]
        self.closed = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> ResetResult[Any]:
        """Begin at time 0."""
        self._set_rng(seed)
        self.time = 0
        return ResetResult(self._observe(), {"time": 0})

    def step(self, action: float) -> StepResult[Any]:
        """Count one step."""
        self.time += 1
        return StepResult(self._observe(), float(action), self.time >= self.length, False, {"time": self.time})

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True

    def _observe(self) -> NDArray[np.float32]:
        return np.array([self.time, self.rng.random()], np.float32)


class EchoEnv(MultiAgentEnv):
    """Everybody keeps one clock: agent i hears the last action of agent i - 1 and is paid its own; ends at `length`.

    Observations are dicts `{"heard": (1,), "noise": (1,)}`, the noise drawn from the env's stream.
    """

    def __init__(self, agents: Sequence[AgentID] = ("maker_0", "maker_1", "taker"), length: int = 5) -> None:
        self.possible_agents = list(agents)
        self.agents: list[AgentID] = list(agents)
        self.length = length
        self.time = 0
        space = Dict({"heard": Box(-np.inf, np.inf, (1,)), "noise": Box(0.0, 1.0, (1,))})
        self.observation_spaces = dict.fromkeys(agents, space)
        self.action_spaces = {agent: Box(-1.0, 1.0, (1,)) for agent in agents}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> MAResetResult:
        """Begin; nothing has been said."""
        self._set_rng(seed)
        self.time = 0
        self.agents = list(self.possible_agents)
        silence = {agent: np.zeros(1, np.float32) for agent in self.agents}
        return MAResetResult(self._observe(silence), {agent: {} for agent in self.agents})

    def step(self, actions: Mapping[AgentID, Any]) -> MAStepResult:
        """Pass the actions round."""
        self.time += 1
        over = self.time >= self.length
        everybody = self.agents
        said = {agent: np.asarray(actions[agent], np.float32).reshape(1) for agent in everybody}
        if over:
            self.agents = []
        return MAStepResult(
            self._observe(said),
            {agent: float(said[agent][0]) for agent in everybody},
            dict.fromkeys(everybody, over),
            dict.fromkeys(everybody, False),
            {agent: {} for agent in everybody},
        )

    def _observe(self, said: Mapping[AgentID, NDArray[np.float32]]) -> dict[AgentID, Any]:
        noise = self.rng.random(len(said)).astype(np.float32)
        before = dict(zip(said, [list(said.values())[i - 1] for i in range(len(said))], strict=True))
        return {agent: {"heard": before[agent], "noise": noise[i : i + 1]} for i, agent in enumerate(said)}


class ClockworkEnv(MultiAgentEnv):
    """Everybody keeps an own clock: an agent of period p acts at its birth and then every p units of time.

    `periods` are by agent, in whole units; `lives` gives (birth, death) where they are not the beginning and the end,
    which is at `length`. An agent observes `[time, noise]`; it earns its last action for every unit of time, so that
    rewards add up to the integral of its actions; noise is drawn from the env's stream, once an observation.
    """

    def __init__(
        self,
        periods: Mapping[AgentID, int],
        lives: Mapping[AgentID, tuple[int, int]] | None = None,
        length: int = 12,
    ) -> None:
        self.possible_agents = list(periods)
        self.periods = dict(periods)
        self.length = length
        self.lives = dict.fromkeys(periods, (0, length)) | dict(lives or {})
        self.observation_spaces = {agent: Box(0.0, np.inf, (2,)) for agent in periods}
        self.action_spaces = {agent: Box(-1.0, 1.0, ()) for agent in periods}
        self.agents: list[AgentID] = []
        self.acting: list[AgentID] = []
        self.time = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> MAResetResult:
        """Begin at time 0 with those who are born then; somebody must be."""
        self._set_rng(seed)
        self.time = 0
        self._holding: dict[AgentID, float] = {}
        self._earned: dict[AgentID, float] = {}
        self._settled_at: dict[AgentID, int] = {}
        self._dying: list[AgentID] = []
        self.agents = [agent for agent, (birth, _) in self.lives.items() if birth == 0]
        if not self.agents:
            raise SekaiError(f"lives must have somebody born at 0, got {self.lives}")
        self.acting = list(self.agents)
        for agent in self.agents:
            self._be_born(agent)
        return MAResetResult({a: self._observe() for a in self.acting}, {a: {"time": 0} for a in self.acting})

    def step(self, actions: Mapping[AgentID, Any]) -> MAStepResult:
        """Take the actions, and let time pass until somebody's clock strikes or nobody is left."""
        if actions.keys() != set(self.acting):
            raise InvalidAgents(f"actions must be for exactly {self.acting}, got {list(actions)}")
        self._holding |= {agent: float(action) for agent, action in actions.items()}
        first: set[AgentID] = set()
        self.acting, self._dying = [], []
        while not self.acting and (self.agents or self.time < self.length):
            self._tick(first)
        return self._hand_out([*self.acting, *self._dying], frozenset(first))

    def settle(self, agents: Sequence[AgentID]) -> MAStepResult:
        """Hand out what these agents, who wait, see and have earned."""
        for agent in agents:
            if agent not in self.agents or agent in self.acting:
                raise SekaiError(f"agents must be alive and waiting, got {agent!r}")
        return self._hand_out(list(agents), frozenset())

    def _tick(self, first: set[AgentID]) -> None:
        """Let one unit of time pass: earn, die, be born, strike."""
        self.time += 1
        for agent in self.agents:
            self._earned[agent] += self._holding[agent]
        dead = [agent for agent in self.agents if self.lives[agent][1] <= self.time or self.time >= self.length]
        self._dying += dead
        self.agents = [agent for agent in self.agents if agent not in dead]
        if self.time < self.length:
            born = [agent for agent, (birth, _) in self.lives.items() if birth == self.time]
            for agent in born:
                self._be_born(agent)
            first.update(born)
            self.agents += born
        strikes = [a for a in self.agents if (self.time - self.lives[a][0]) % self.periods[a] == 0]
        self.acting = strikes

    def _be_born(self, agent: AgentID) -> None:
        self._holding[agent], self._earned[agent], self._settled_at[agent] = 0.0, 0.0, self.time

    def _hand_out(self, agents: list[AgentID], first: frozenset[AgentID]) -> MAStepResult:
        rewards = {agent: self._earned[agent] for agent in agents}
        elapsed = {agent: float(self.time - self._settled_at[agent]) for agent in agents if agent not in first}
        for agent in agents:
            self._earned[agent], self._settled_at[agent] = 0.0, self.time
        return MAStepResult(
            {agent: self._observe() for agent in agents},
            rewards,
            {agent: agent in self._dying for agent in agents},
            dict.fromkeys(agents, False),
            {agent: {"time": self.time} for agent in agents},
            first,
            elapsed,
        )

    def _observe(self) -> NDArray[np.float32]:
        return np.array([self.time, self.rng.random()], np.float32)
