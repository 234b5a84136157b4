"""Worlds and rounds that the tests of vector envs share."""

import os
import time
from typing import Any

import numpy as np

import sekai
from sekai import MAResetResult, MAStepResult, ResetResult, StepResult
from sekai.core.result import same
from sekai.error import InvalidAgents
from sekai.testing import ClockworkEnv, CountingEnv, EchoEnv

ROWS = 4


def counting() -> CountingEnv:
    return CountingEnv(4)


def clockwork() -> ClockworkEnv:
    """Agents of three clocks; one dies early, one is born late."""
    lives = {"maker_1": (0, 4), "taker": (1, 6)}
    return ClockworkEnv({"maker_0": 1, "maker_1": 2, "taker": 3}, lives, length=6)


class Faulty(CountingEnv):
    """Raises, dies, leaves, or sleeps when told to by its action."""

    def step(self, action: float) -> StepResult[Any]:
        if action == 0.5:
            raise ZeroDivisionError("inside")
        if action == 0.75:
            os.kill(os.getpid(), 9)
        if action == 0.25:
            raise Unpicklable(lambda: None)
        if action == 0.125:
            os._exit(3)
        if action == -0.25:
            time.sleep(0.03)
            raise ZeroDivisionError("later")
        if action == -0.5:
            time.sleep(30)
        return super().step(action)

    def shout(self) -> str:
        raise ValueError("ouch")


class Unpicklable(Exception):
    """Cannot travel between processes."""

    def __reduce__(self) -> Any:
        raise TypeError("stays here")


class Words(sekai.Env[Any, Any]):
    """Observes a tuple of a text and numbers; acts by a tuple."""

    def __init__(self) -> None:
        numbers = sekai.Box(0, 9, (2,), dtype=np.int64)
        self.observation_space = sekai.Tuple([sekai.Text(8), sekai.Dict({"n": numbers})])
        self.action_space = sekai.Tuple([sekai.Discrete(3), sekai.Box(-1, 1, (2,))])

    def reset(self, *, seed: int | None = None, options: Any = None) -> ResetResult[Any]:
        self._set_rng(seed)
        self.time = 0
        return ResetResult(("begin", {"n": np.zeros(2, np.int64)}), {})

    def step(self, action: Any) -> StepResult[Any]:
        self.time += 1
        which, size = action
        seen = ("x" * self.time, {"n": np.array([which, self.time])})
        return StepResult(seen, float(size[0]), self.time == 3, False, {"size": size})


def actions_for(vec: Any, rng: np.random.Generator) -> Any:
    """Return random actions for every row, of every agent."""
    if not vec.many:
        return rng.random(vec.num_envs).astype(np.float32)
    return {a: rng.random((vec.num_envs, *s.shape)).astype(np.float32) for a, s in vec.action_spaces.items()}


def play(vec: Any, steps: int = 24, seed: int = 3, view: bool = False) -> list[Any]:
    """Return what a fixed round gives: some steps leave rows out, and where it must be, rows are reset by a mask."""
    results = [vec.reset(seed=seed)]
    rng = np.random.default_rng(0)
    over = np.zeros(vec.num_envs, bool)
    for number in range(steps):
        if vec.autoreset == "disabled" and over.any():
            results.append(vec.reset(mask=over))
            over = np.zeros(vec.num_envs, bool)
        mask = rng.random(vec.num_envs) < 0.7 if number % 3 == 0 else None
        results.append(vec.step(actions_for(vec, rng), mask=mask))
        over = over | over_in(results[-1])
    vec.close()
    return results


def over_in(result: Any) -> Any:
    """Return the rows whose episode is over after a step."""
    if hasattr(result, "acting"):
        return ~np.any([np.asarray(result.acting[agent]) for agent in result.acting], axis=0)
    return np.asarray(result.dones)


def assert_same(ours: list[Any], theirs: list[Any]) -> None:
    """Compare rounds field by field; the time that episodes took is no matter."""
    assert len(ours) == len(theirs)
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        assert type(one) is type(other)
        for name in one.__dataclass_fields__:
            left, right = getattr(one, name), getattr(other, name)
            left, right = (_timeless(left), _timeless(right)) if name == "infos" else (left, right)
            assert same(left, right), f"result {number}, {name}:\n{left}\n{right}"


def _timeless(info: Any) -> Any:
    if isinstance(info, dict):
        return {name: _timeless(value) for name, value in info.items()}
    if isinstance(info, list):
        return [_timeless(value) for value in info]
    return (info.episode_return, info.episode_length) if isinstance(info, sekai.stats.EpisodeStats) else info


class Returning(sekai.MultiAgentEnv):
    """`guest` dies at time 2 and is there again from time 4 on, when it begins anew; `host` lives throughout, to 7."""

    def __init__(self) -> None:
        self.possible_agents = ["host", "guest"]
        self.observation_spaces = {agent: sekai.Box(0, 99, (2,)) for agent in self.possible_agents}
        self.action_spaces = {agent: sekai.Box(-1, 1, ()) for agent in self.possible_agents}
        self.agents: list[str] = []

    def reset(self, *, seed: int | None = None, options: Any = None) -> MAResetResult:
        self._set_rng(seed)
        self.time, self.agents = 0, ["host", "guest"]
        return MAResetResult({a: self._seen() for a in self.agents}, {a: {"time": 0} for a in self.agents})

    def step(self, actions: Any) -> MAStepResult:
        if actions.keys() != set(self.agents):
            raise InvalidAgents(f"actions must be for exactly {self.agents}, got {list(actions)}")
        self.time += 1
        here, over = list(self.agents), self.time == 7
        born = {"guest"} if self.time == 4 else set()
        dead = set(here) if over else {"guest"} if self.time == 2 else set()
        self.agents = [agent for agent in self.possible_agents if agent in {*here, *born} - dead]
        told = [*here, *born]
        return MAStepResult(
            {agent: self._seen() for agent in told},
            {agent: 0.0 if agent in born else float(actions[agent]) for agent in told},
            {agent: agent in dead for agent in told},
            dict.fromkeys(told, False),
            {agent: {"time": self.time} for agent in told},
            frozenset(born),
        )

    def _seen(self) -> Any:
        return np.array([self.time, self.rng.random()], np.float32)


WORLDS = [counting, EchoEnv, clockwork, Returning]
