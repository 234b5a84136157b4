"""What a user writes: the comment behind each `reveal_type` is the type, and `error` marks what checkers reject."""

from typing import Any, TypeVar, reveal_type

import numpy as np
from numpy.typing import NDArray

import sekai

ObsT = TypeVar("ObsT")
ActT = TypeVar("ActT")
Seen = NDArray[np.float32]
MYPY = False  # which mypy takes for True


class Walk(sekai.Env[Seen, int]):
    """An environment of one's own: arrays are seen, one of three numbers is done."""

    def __init__(self) -> None:
        self.observation_space = sekai.Box(-1.0, 1.0, (2,))
        self.action_space = sekai.Discrete(3)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> sekai.ResetResult[Seen]:
        self._set_rng(seed)
        return sekai.ResetResult(np.zeros(2, np.float32), {})

    def step(self, action: int) -> sekai.StepResult[Seen]:
        return sekai.StepResult(np.zeros(2, np.float32), 1.0, False, False, {})


class Cents(sekai.RewardWrapper):
    """README's own wrapper."""

    def reward(self, reward: float) -> float:
        return 100.0 * reward


class Halved(sekai.RewardWrapper[ObsT, ActT]):
    """A wrapper that says what it keeps."""

    def reward(self, reward: float) -> float:
        return reward / 2


class Twice(sekai.ProgramWrapper[ObsT, ActT]):
    """A wrapper that takes two steps for one."""

    def program(self, action: Any) -> sekai.Program[Any]:
        yield sekai.Step(action)
        return (yield sekai.Step(action))


# results and spaces
walk = Walk()
reveal_type(walk.reset(seed=1))  # ResetResult[ndarray]
reveal_type(walk.step(1))  # StepResult[ndarray]
reveal_type(walk.step(1).observation)  # ndarray
reveal_type(walk.step(1).reward)  # float
reveal_type(walk.step(1).done)  # bool
reveal_type(walk.step(1).info)  # dict[str, Any]
reveal_type(walk.observation_space)  # Space[ndarray]
reveal_type(walk.observation_space.sample())  # ndarray
reveal_type(walk.action_space.sample())  # int
reveal_type(walk.clone())  # Walk
reveal_type(walk.spec)  # EnvSpec | None
walk.step("left")  # error
walk.step(1).reward = 2.0  # error

# wrappers keep what they do not change
limited = sekai.TimeLimit(walk, 10)
reveal_type(limited)  # TimeLimit[ndarray, int]
reveal_type(limited.step(1))  # StepResult[ndarray]
reveal_type(limited.action_space)  # Space[int]
reveal_type(sekai.OrderEnforcing(sekai.RecordEpisodeStatistics(limited)))  # OrderEnforcing[ndarray, int]
reveal_type(sekai.AutoReset(walk))  # AutoReset[ndarray, int]
reveal_type(sekai.RepeatAction(walk, 2))  # RepeatAction[ndarray, int]
reveal_type(sekai.NormalizeObservation(walk))  # NormalizeObservation[ndarray, int]
reveal_type(sekai.ClipReward(walk, -1.0, 1.0))  # ClipReward[ndarray, int]
reveal_type(sekai.FlattenObservation(walk))  # FlattenObservation[int]
reveal_type(sekai.FlattenObservation(walk).step(1))  # StepResult[ndarray]
reveal_type(sekai.TransformObservation(walk, lambda seen: "far"))  # TransformObservation[str, int]
reveal_type(sekai.TransformAction(walk, lambda action: int(action)))  # TransformAction[ndarray]
reveal_type(Cents(walk))  # Cents
reveal_type(Halved(limited))  # Halved[ndarray, int]
reveal_type(Twice(walk).step(1))  # StepResult[ndarray]
sekai.TimeLimit(walk, "ten")  # error
sekai.TimeLimit("walk", 10)  # error

# by name: one agent or many
seat = sekai.make("markets/MakerTaker-v0", agent="maker_0", others={"taker": lambda seen: [0, 1]})
reveal_type(seat)  # Env[Any, Any]
reveal_type(sekai.make("markets/MakerTaker-v0"))  # Env[Any, Any] | MultiAgentEnv[str]
reveal_type(sekai.make_env("markets/Trading-v0", max_episode_steps=9))  # Env[Any, Any]
market = sekai.make_multi_agent("markets/MakerTaker-v0")
reveal_type(market)  # MultiAgentEnv[str]
reveal_type(sekai.spec("markets/Trading-v0").version)  # int | None
reveal_type(sekai.all_specs())  # list[EnvSpec]
sekai.make(3)  # error
print(sekai.make("markets/MakerTaker-v0").acting)  # error

# many agents, and one of them
reveal_type(market.reset())  # MAResetResult[str]
turn = market.step({agent: [0, 1] for agent in market.acting})
reveal_type(turn)  # MAStepResult[str]
reveal_type(turn.rewards)  # dict[str, float]
reveal_type(market.wrap(sekai.TimeLimit, 10))  # MultiAgentEnv[str]
reveal_type(market.wrap(Cents, agents=["maker"]))  # MultiAgentEnv[str]
reveal_type(market.view("maker_0"))  # Env[Any, Any]
reveal_type(walk.as_multi_agent("walker"))  # MultiAgentEnv[str]
if not MYPY:  # to mypy, calling a class always gives one of it: it is told by `market.wrap`
    reveal_type(sekai.TimeLimit(market, 10))  # (pyright) MultiAgentEnv[str]
    reveal_type(Cents(market))  # (pyright) MultiAgentEnv[str]


# policies
class Fixed:
    """A policy that is an object."""

    def act(self, observation: Any) -> int:
        return 1


policies: dict[str, sekai.Policy] = {"a": Fixed(), "b": lambda seen: 1}
wrong: dict[str, sekai.Policy] = {"a": 1}  # error

# statistics, errors, streams
tracker = sekai.InMemoryTracker()
reveal_type(sekai.RecordEpisodeStatistics(walk, tracker))  # RecordEpisodeStatistics[ndarray, int]
reveal_type(tracker.mean_return())  # float
reveal_type(sekai.np_random(3)[1])  # int
reveal_type(sekai.check_env(walk))  # list[str]
reveal_type(sekai.__version__)  # str
try:
    limited.step(1)
except sekai.ResetRequired as error:
    reveal_type(error)  # ResetRequired
reveal_type(sekai.rendering.using(object()))  # Renderer

# vector envs
rows = sekai.SyncVecEnv([Walk, Walk])
reveal_type(rows.reset(seed=1))  # VecResetResult
reveal_type(rows.step([0, 1]))  # VecStepResult
reveal_type(sekai.ProcVecEnv([Walk], workers=1, timeout_s=None).step([0]))  # VecStepResult
reveal_type(rows.wrap(Cents).step([0, 1]))  # VecStepResult
many = sekai.AsyncVecEnv([lambda: walk.as_multi_agent("maker_0")], autoreset="disabled")
reveal_type(many.step({"maker_0": [0]}))  # MAVecStepResult
reveal_type(many.step({"maker_0": [0]}).acting["maker_0"])  # Any
reveal_type(many.view("maker_0").step([0]))  # VecStepResult
reveal_type(sekai.make_vec("markets/MakerTaker-v0", 2).step({}))  # Any
sekai.SyncVecEnv([Walk], autoreset="never")  # error
