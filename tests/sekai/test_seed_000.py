"""The examples people come with, as they were written, each once; what was only sketched there is filled in.

The order is that of the text: a first environment, results, spaces, layers, rows, many agents, the registry,
statistics, pictures, awaiting, a portfolio, the checker, and the tables of names.
"""

import asyncio
import inspect
import json
import logging
import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sekai
from sekai.core.env import MultiAgentEnv
from sekai.core.result import MAResetResult, MAStepResult, ResetResult, StepResult


class TradingEnv(sekai.Env):
    def __init__(self):  # type: ignore[no-untyped-def]
        self.observation_space = sekai.Box(-np.inf, np.inf, shape=(64,))
        self.action_space = sekai.Box(-1.0, 1.0, shape=(8,))

    def reset(self, *, seed=None, options=None):  # type: ignore[no-untyped-def]
        self._set_rng(seed)
        obs = self.rng.standard_normal(64).astype(np.float32)
        return sekai.ResetResult(observation=obs, info={})

    def step(self, action):  # type: ignore[no-untyped-def]
        obs = self.rng.standard_normal(64).astype(np.float32)
        reward = float(-np.sum(np.square(action)))
        return sekai.StepResult(obs, reward, terminated=False, truncated=False, info={})


class CartPoleEnv(sekai.Env):
    def __init__(self):  # type: ignore[no-untyped-def]
        self.observation_space = sekai.Box(-4.0, 4.0, shape=(4,), dtype=np.float32)
        self.action_space = sekai.Discrete(2)
        self._state = np.zeros(4, dtype=np.float32)

    def reset(self, *, seed=None, options=None):  # type: ignore[no-untyped-def]
        self._set_rng(seed)
        self._state = self.rng.uniform(-0.05, 0.05, size=(4,)).astype(np.float32)
        return sekai.ResetResult(observation=self._state.copy(), info={})

    def step(self, action):  # type: ignore[no-untyped-def]
        obs = self._state.copy()
        reward = 1.0
        terminated = bool(np.any(np.abs(self._state) > 3.0))
        return sekai.StepResult(obs, reward, terminated, truncated=False, info={})


class MyEnv(sekai.Env[np.ndarray, np.ndarray]):
    metadata = {"description": "A custom sekai environment"}

    def __init__(self, n_assets: int = 10):
        self.n_assets = n_assets
        self.observation_space = sekai.Box(low=-np.inf, high=np.inf, shape=(n_assets * 5,), dtype=np.float32)
        self.action_space = sekai.Box(low=-1.0, high=1.0, shape=(n_assets,), dtype=np.float32)

    def reset(self, *, seed=None, options=None):  # type: ignore[no-untyped-def]
        self._set_rng(seed)
        obs = self.rng.standard_normal(self.n_assets * 5).astype(np.float32)
        return sekai.ResetResult(observation=obs, info={"episode_start": True})

    def step(self, action: np.ndarray) -> sekai.StepResult[np.ndarray]:
        obs = self.rng.standard_normal(self.n_assets * 5).astype(np.float32)
        pnl = float(np.dot(action, self.rng.standard_normal(self.n_assets)))
        return sekai.StepResult(obs, pnl, False, False, info={"pnl": pnl})


class MarketMicrostructureEnv(MultiAgentEnv):
    """Two agents: a market maker and a directional trader."""

    def __init__(self):  # type: ignore[no-untyped-def]
        self.possible_agents = ["market_maker", "trader"]
        self.agents = list(self.possible_agents)
        self.observation_spaces = {
            "market_maker": sekai.Dict({
                "order_book": sekai.Box(0, np.inf, shape=(40,)),
                "inventory":  sekai.Box(-100, 100, shape=(1,)),
            }),
            "trader": sekai.Box(-np.inf, np.inf, shape=(20,)),
        }  # fmt: skip
        self.action_spaces = {
            "market_maker": sekai.Box(-1.0, 1.0, shape=(4,)),
            "trader": sekai.Discrete(3),
        }

    def reset(self, *, seed=None, options=None):  # type: ignore[no-untyped-def]
        self.agents = list(self.possible_agents)
        obs = {agent: self.observation_spaces[agent].sample() for agent in self.agents}
        return MAResetResult(observations=obs, info={a: {} for a in self.agents})

    def step(self, actions):  # type: ignore[no-untyped-def]
        obs = {agent: self.observation_spaces[agent].sample() for agent in self.agents}
        rewards = {"market_maker": 0.01, "trader": -0.005}
        terminated = {agent: False for agent in self.agents}  # noqa: C420
        truncated = {agent: False for agent in self.agents}  # noqa: C420
        return MAStepResult(obs, rewards, terminated, truncated, info={a: {} for a in self.agents})


class PortfolioEnv(sekai.Env):
    """Multi-asset portfolio management environment."""

    metadata = {"description": "Qian Capital portfolio environment"}

    def __init__(self, n_assets=20, lookback=60, n_features=5, transaction_cost=1e-4, episode_length=252):  # type: ignore[no-untyped-def]
        self.n_assets = n_assets
        self.lookback = lookback
        self.n_features = n_features
        self.transaction_cost = transaction_cost
        self.episode_length = episode_length
        prices = sekai.Box(low=-np.inf, high=np.inf, shape=(lookback, n_assets, n_features), dtype=np.float32)
        holdings = sekai.Box(low=-1.0, high=1.0, shape=(n_assets,), dtype=np.float32)
        self.observation_space = sekai.Dict({"prices": prices, "holdings": holdings})
        self.action_space = sekai.Box(low=-1.0, high=1.0, shape=(n_assets,), dtype=np.float32)
        self._holdings = np.zeros(n_assets, dtype=np.float32)
        self._step_count = 0

    def reset(self, *, seed=None, options=None):  # type: ignore[no-untyped-def]
        self._set_rng(seed)
        self._holdings = np.zeros(self.n_assets, dtype=np.float32)
        self._step_count = 0
        return ResetResult(observation=self._get_obs(), info={"holdings": self._holdings.copy()})

    def step(self, action: np.ndarray) -> StepResult:
        weights = np.clip(action, -1, 1)
        weights = weights / (np.abs(weights).sum() + 1e-8)
        returns = self.rng.standard_normal(self.n_assets) * 0.01
        pnl = float(np.dot(weights, returns))
        turnover = float(np.sum(np.abs(weights - self._holdings)))
        cost = turnover * self.transaction_cost
        self._holdings = weights.copy()
        self._step_count += 1
        return StepResult(
            observation=self._get_obs(),
            reward=pnl - cost,
            terminated=False,
            truncated=self._step_count >= self.episode_length,
            info={"pnl": pnl, "cost": cost, "turnover": turnover},
        )

    def _get_obs(self) -> dict:  # type: ignore[type-arg]
        prices = self.rng.standard_normal((self.lookback, self.n_assets, self.n_features)).astype(np.float32)
        return {"prices": prices, "holdings": self._holdings.copy()}


def test_the_first_block() -> None:
    with TradingEnv() as env:
        result = env.reset(seed=42)
        for _ in range(1000):
            result = env.step(env.action_space.sample())
            if result.done:
                break
    assert result.observation in env.observation_space and result.reward < 0


def test_quick_start() -> None:
    env = CartPoleEnv()
    result = env.reset(seed=0)
    assert result.observation in env.observation_space
    for _ in range(200):
        action = env.action_space.sample()
        result = env.step(action)
        if result.done:
            env.reset()
    assert result.reward == 1.0 and not result.done
    wrapped = sekai.TimeLimit(CartPoleEnv(), max_episode_steps=500)
    wrapped = sekai.RecordEpisodeStatistics(wrapped)
    wrapped = sekai.NormalizeObservation(wrapped)
    wrapped.reset(seed=0)
    while not (last := wrapped.step(wrapped.action_space.sample())).done:
        pass
    assert last.truncated and last.info["episode"].episode_return == 500.0
    vec = sekai.SyncVecEnv([CartPoleEnv] * 8)
    assert vec.reset(seed=0).observations.shape == (8, 4)


def test_the_stack_prints_its_layers() -> None:
    env = MyEnv()
    env = sekai.TimeLimit(env, max_episode_steps=252)
    env = sekai.RecordEpisodeStatistics(env)
    env = sekai.NormalizeObservation(env)
    assert [str(layer) for layer in env] == [
        "<NormalizeObservation(<RecordEpisodeStatistics(<TimeLimit(<MyEnv>)>)>)>",
        "<RecordEpisodeStatistics(<TimeLimit(<MyEnv>)>)>",
        "<TimeLimit(<MyEnv>)>",
        "<MyEnv>",
    ]
    assert isinstance(env.unwrapped, MyEnv) and env.metadata["description"] == "A custom sekai environment"


def test_many_agents() -> None:
    env = MarketMicrostructureEnv()
    env.reset(seed=0)
    actions = {
        "market_maker": env.action_spaces["market_maker"].sample(),
        "trader": env.action_spaces["trader"].sample(),
    }
    result = env.step(actions)
    assert result.rewards == {"market_maker": 0.01, "trader": -0.005}
    assert (result.all_done, result.any_done) == (False, False)
    layered = sekai.OrderEnforcing(sekai.TimeLimit(sekai.RecordEpisodeStatistics(env), 3))
    layered.reset(seed=0)
    assert not layered.step(actions).all_done
    vec = sekai.SyncVecEnv([MarketMicrostructureEnv] * 2)
    assert vec.reset(seed=0).observations["market_maker"]["order_book"].shape == (2, 40)


def test_the_training_pipeline() -> None:
    def make_env(seed_offset: int = 0) -> sekai.Env:
        return sekai.RecordEpisodeStatistics(PortfolioEnv(n_assets=20, lookback=60, episode_length=252))

    vec = sekai.SyncVecEnv([lambda i=i: make_env(i) for i in range(8)])
    vec.reset(seed=0)
    for _ in range(252):
        batch = vec.step(np.stack([vec.action_space.sample() for _ in range(8)]))
    assert batch.truncated.all() and batch.observations["prices"].shape == (8, 60, 20, 5)
    assert [info["episode"].episode_length for info in batch.infos] == [252] * 8


def test_a_custom_tracker() -> None:
    from sekai.stats.tracker import EpisodeStats

    logged = []

    class WandbTracker:
        def on_reset(self, env_id, seed): ...  # type: ignore[no-untyped-def]
        def on_step(self, reward, terminated, truncated, info): ...  # type: ignore[no-untyped-def]
        def on_episode_end(self, stats: EpisodeStats):  # type: ignore[no-untyped-def]
            logged.append({"episode_return": stats.episode_return, "episode_length": stats.episode_length})

        def summary(self):  # type: ignore[no-untyped-def]
            return {}

    env = sekai.TimeLimit(MyEnv(), 5)
    env = sekai.RecordEpisodeStatistics(env, tracker=WandbTracker())
    env.reset(seed=0)
    for _ in range(5):
        env.step(env.action_space.sample())
    assert logged[0]["episode_length"] == 5


def test_a_live_feed_in_layers() -> None:
    class Feed:
        async def connect(self) -> list[float]:
            return [0.0]

        async def send_order(self, action: float) -> None:
            self.sent = action

        async def next_tick(self) -> list[float]:
            return [self.sent]

    class LiveFeedEnv(sekai.Env):
        def __init__(self) -> None:
            self._feed = Feed()

        async def async_reset(self, *, seed=None, options=None):  # type: ignore[no-untyped-def]
            data = await self._feed.connect()
            return sekai.ResetResult(observation=np.array(data), info={})

        async def async_step(self, action):  # type: ignore[no-untyped-def]
            await self._feed.send_order(action)
            data = await self._feed.next_tick()
            return sekai.StepResult(np.array(data), reward=0.0, terminated=False, truncated=False, info={})

    async def main() -> tuple[list[float], bool]:
        env = sekai.OrderEnforcing(sekai.TimeLimit(LiveFeedEnv(), 2))
        await env.async_reset()
        results = [await env.async_step(x) for x in (1.5, 2.5)]
        return [float(result.observation[0]) for result in results], results[-1].truncated

    assert asyncio.run(main()) == ([1.5, 2.5], True)
    with pytest.raises(sekai.SekaiError, match="LiveFeedEnv does not define observation_space"):
        _ = LiveFeedEnv().observation_space


def test_results_are_values() -> None:
    env = MyEnv()
    begun = env.reset(seed=3)
    assert begun.observation in env.observation_space and begun.info == {"episode_start": True}
    result = env.step(env.action_space.sample())
    assert [f.name for f in fields(result)] == ["observation", "reward", "terminated", "truncated", "info"]
    assert [f.name for f in fields(begun)] == ["observation", "info"]
    assert type(result.reward) is float and type(result.info) is dict
    assert result.done is (result.terminated or result.truncated) is False
    with pytest.raises(FrozenInstanceError):
        result.reward = 2.0  # type: ignore[misc]
    twin = MyEnv()
    assert twin.reset(seed=3) == begun and pickle.loads(pickle.dumps(result)) == result
    with pytest.raises(TypeError, match="unhashable"):
        hash(result)


def test_an_environment_in_a_context() -> None:
    closed = []

    class Closing(MyEnv):
        def close(self) -> None:
            closed.append(True)

    with Closing(n_assets=20) as env:
        result = env.reset(seed=42)
        for _ in range(1000):
            result = env.step(env.action_space.sample())
    assert closed == [True] and result.observation.shape == (100,)


def test_seeding() -> None:
    env = MyEnv()
    assert env._set_rng(5) == env._rng_seed == 5 and isinstance(env.rng, np.random.Generator)
    first = env.rng.random()
    assert env._set_rng(None) == 5 and env.rng.random() != first, "without a seed the stream goes on"
    assert env._set_rng(5) == 5 and env.rng.random() == first


def test_boxes() -> None:
    price_space = sekai.Box(low=0.0, high=1000.0, shape=(8,), dtype=np.float32)
    returns_space = sekai.Box(low=-np.inf, high=np.inf, shape=(50,), dtype=np.float64)
    depth_space = sekai.Box(low=0, high=10_000, shape=(10, 2), dtype=np.int32)
    sample = price_space.sample()
    assert sample.shape == (8,) and sample in price_space and price_space.is_bounded == (True, True)
    assert returns_space.sample() in returns_space and returns_space.is_bounded == (False, False)
    assert depth_space.sample() in depth_space and depth_space.sample().dtype == np.int32


def test_choices() -> None:
    action_space = sekai.Discrete(n=5)
    shifted = sekai.Discrete(n=5, start=-2)
    mask = np.array([1, 0, 1, 0, 1], dtype=np.int8)
    assert {int(action_space.sample(mask=mask)) for _ in range(100)} == {0, 2, 4}
    assert {int(shifted.sample()) for _ in range(200)} == {-2, -1, 0, 1, 2} and type(shifted.sample()) is np.intp
    order_space = sekai.MultiDiscrete(nvec=[3, 3, 3], start=[-1, -1, -1])
    assert order_space.sample() in order_space and np.array([-1, 0, 1]) in order_space
    assert sekai.MultiDiscrete([3, 3], [-1, 0]).start.tolist() == [-1, 0], "the second by place is start"


def test_dicts_tuples_and_utilities() -> None:
    from sekai.error import SpaceMismatch
    from sekai.spaces import flatdim, flatten, flatten_space, unflatten

    obs_space = sekai.Dict({
        "prices":     sekai.Box(-np.inf, np.inf, shape=(100, 8)),
        "portfolio":  sekai.Box(-1.0, 1.0, shape=(10,)),
        "order_book": sekai.Box(0, np.inf, shape=(20, 2)),
        "regime":     sekai.Discrete(4),
    })  # fmt: skip
    sample = obs_space.sample()
    assert sample["prices"].shape == (100, 8) and type(sample["regime"]) is np.intp
    pair = sekai.Tuple([
        sekai.Box(-np.inf, np.inf, shape=(50,)),
        sekai.MultiBinary(10),
    ])  # fmt: skip
    assert pair.sample() in pair and pair.sample()[1].dtype == np.int8

    dim = flatdim(obs_space)
    flat = flatten(obs_space, sample)
    restored = unflatten(obs_space, flat)
    box = flatten_space(obs_space)
    assert flat.shape == (dim,) == box.shape == (854,) and flat in box
    assert all(np.array_equal(restored[name], sample[name]) for name in sample)
    with pytest.raises(SpaceMismatch):
        flatten(pair, sample)  # as the text has it: the sample of one space, the other space


def test_the_table_of_spaces() -> None:
    table = {
        sekai.Box(0.0, 1.0, (2,), np.float32): ("is_bounded", "low", "high"),
        sekai.Discrete(3, 1): ("n", "start"),
        sekai.MultiDiscrete([2, 3], [0, 1]): ("nvec", "start"),
        sekai.MultiBinary((2, 3)): ("n",),
        sekai.Dict({"a": sekai.Discrete(2)}): ("spaces",),
        sekai.Tuple((sekai.Discrete(2), sekai.Box(-np.inf, 1.0, (1,)))): ("spaces",),
    }
    for space, names in table.items():
        assert all(hasattr(space, name) for name in names)
        assert space.contains(space.sample()) and space.sample() in space and isinstance(space.is_flattenable, bool)
        assert space.seed(4) == 4
        first = space.sample(mask=None)
        space.seed(4)
        assert sekai.StepResult(first, 0.0, False, False, {}) == sekai.StepResult(space.sample(), 0.0, False, False, {})
        written = json.loads(json.dumps(space.to_jsonable(), allow_nan=False))
        assert sekai.Space.from_jsonable(written) == space == pickle.loads(pickle.dumps(space))


def test_the_table_of_wrappers() -> None:
    """Each by the arguments that stand there, in their places, on one agent and on many."""

    def double(x: Any) -> Any:
        return x * 2

    table = {
        sekai.TimeLimit: (5,),
        sekai.RecordEpisodeStatistics: (),
        sekai.NormalizeObservation: (),
        sekai.NormalizeReward: (0.99,),
        sekai.FlattenObservation: (),
        sekai.FrameStackObservation: (4,),
        sekai.ClipAction: (),
        sekai.RescaleAction: (-2.0, 2.0),
        sekai.TransformObservation: (double,),
        sekai.TransformReward: (double,),
        sekai.OrderEnforcing: (),
        sekai.AutoReset: (),
    }
    for wrapper, arguments in table.items():
        env = wrapper(MyEnv(), *arguments)
        env.reset(seed=0)
        assert env.step(env.action_space.sample()).observation in env.observation_space, wrapper
        many = wrapper(MyEnv().as_multi_agent("trader"), *arguments)
        assert isinstance(many, MultiAgentEnv)
        many.reset(seed=0)
        result = many.step({"trader": many.action_spaces["trader"].sample()})
        assert result.observations["trader"] in many.observation_spaces["trader"], wrapper


def test_what_the_table_of_wrappers_promises() -> None:
    env = sekai.AutoReset(sekai.TimeLimit(MyEnv(), 1))
    env.reset(seed=0)
    last = env.step(np.zeros(10, np.float32))
    assert last.info["final_observation"] in env.observation_space and last.truncated
    assert {"final_info", "reset_info"} < last.info.keys()
    stacked = sekai.FrameStackObservation(MyEnv(), 4)
    assert stacked.reset(seed=0).observation.shape == (4, 50)
    with pytest.raises(sekai.error.ResetRequired):
        sekai.OrderEnforcing(MyEnv()).step(None)


class LogReturnObservation(sekai.ObservationWrapper):
    """Converts price observations to log returns."""

    def __init__(self, env):  # type: ignore[no-untyped-def]
        super().__init__(env)
        self.observation_space = sekai.Box(-np.inf, np.inf, shape=env.observation_space.shape, dtype=np.float32)

    def observation(self, obs: np.ndarray) -> np.ndarray:
        return np.log1p(obs).astype(np.float32)


class SharpeReward(sekai.RewardWrapper):
    """Replaces raw PnL reward with a rolling Sharpe estimate."""

    def __init__(self, env, window: int = 20):  # type: ignore[no-untyped-def]
        super().__init__(env)
        self._returns: list[float] = []
        self._window = window

    def reward(self, reward: float) -> float:
        self._returns.append(reward)
        window = self._returns[-self._window :]
        if len(window) < 2:
            return 0.0
        mean = sum(window) / len(window)
        std = float(np.std(window)) + 1e-8
        return mean / std


class ScaledAction(sekai.ActionWrapper):
    """Scales [-1, 1] policy outputs to actual notional sizes."""

    def action(self, action: np.ndarray) -> np.ndarray:
        return (action * 1_000_000).astype(np.float32)

    def reverse_action(self, action: np.ndarray) -> np.ndarray:
        return (action / 1_000_000).astype(np.float32)


class Prices(MyEnv):
    """`MyEnv` with prices above zero, so that they have logarithms."""

    def reset(self, *, seed=None, options=None):  # type: ignore[no-untyped-def]
        begun = super().reset(seed=seed)
        return sekai.ResetResult(np.abs(begun.observation), begun.info)

    def step(self, action: np.ndarray) -> sekai.StepResult[np.ndarray]:
        result = super().step(action)
        return sekai.StepResult(np.abs(result.observation), result.reward, False, False, result.info)


@pytest.mark.parametrize("many", [False, True])
def test_wrappers_of_ones_own(many: bool) -> None:
    """As they were written for one agent, they serve many, with a window each."""
    base: Any = Prices()
    env = ScaledAction(SharpeReward(LogReturnObservation(base.as_multi_agent("a_0") if many else base)))
    env.reset(seed=1)
    action = np.full(10, 0.5, np.float32)
    rewards, infos = [], []
    for _ in range(3):
        result = env.step({"a_0": action} if many else action)
        rewards.append(result.rewards["a_0"] if many else result.reward)
        infos.append((result.info["a_0"] if many else result.info)["pnl"])
    assert rewards[0] == 0.0 and rewards[2] == pytest.approx(np.mean(infos) / (np.std(infos) + 1e-8))
    assert abs(infos[0]) > 1000, "a million times the action"
    if not many:
        np.testing.assert_allclose(env.reverse_action(env.action(action)), action)


def test_rows() -> None:
    from sekai.error import InvalidAction, SpaceMismatch
    from sekai.vector import stack_infos

    vec = sekai.SyncVecEnv([MyEnv] * 16)
    batch = vec.reset(seed=0)
    assert batch.observations.shape == (16, 50) and len(batch.infos) == 16
    actions = np.stack([vec.action_space.sample() for _ in range(16)])
    batch = vec.step(actions)
    assert batch.rewards.shape == batch.dones.shape == (16,)
    assert (batch.rewards.dtype, batch.terminated.dtype, batch.truncated.dtype) == (np.float64, bool, bool)
    assert type(batch.infos) is list and stack_infos(batch.infos)["pnl"].shape == (16,)
    vec.close()
    with pytest.raises(SpaceMismatch, match="all environments must have the same observation_space"):
        sekai.SyncVecEnv([lambda i=i: MyEnv(n_assets=i) for i in range(4)])
    four = sekai.SyncVecEnv([lambda: MyEnv(n_assets=10) for _ in range(4)])
    four.reset(seed=0)
    with pytest.raises(InvalidAction, match="actions must be 4, one for each environment, got 16"):
        four.step(actions)


def test_wrappers_of_rows_and_what_is_inside() -> None:
    from sekai.vector import VecObservationWrapper

    class NormaliseVec(VecObservationWrapper):
        def observation(self, obs: np.ndarray) -> np.ndarray:
            return (obs - obs.mean(axis=0)) / (obs.std(axis=0) + 1e-8)

    class Answering(MyEnv):
        def some_method(self, arg: bool = False) -> bool:
            return not arg

    vec = NormaliseVec(sekai.SyncVecEnv([Answering] * 16))
    np.testing.assert_allclose(vec.reset(seed=0).observations.mean(axis=0), 0.0, atol=1e-6)
    assert vec.get_attr("n_assets") == [10] * 16
    vec.set_attr("n_assets", 20)
    assert vec.get_attr("n_assets") == [20] * 16
    assert vec.call("some_method", arg=True) == [False] * 16
    with pytest.raises(sekai.SekaiError, match="environment 0, .* has no 'some_method'"):
        sekai.SyncVecEnv([MyEnv] * 2).call("some_method", arg=True)


@pytest.mark.parametrize("backend", [sekai.SyncVecEnv, sekai.AsyncVecEnv, sekai.ProcVecEnv])
def test_the_three_backends(backend: type[Any]) -> None:
    with backend([MyEnv] * 4) as vec, sekai.SyncVecEnv([MyEnv] * 4) as reference:
        assert vec.reset(seed=0) == reference.reset(seed=0)
        actions = np.zeros((4, 10), np.float32)
        assert vec.step(actions) == reference.step(actions)


def test_the_registry(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mypackage_of_seed.py").write_text(
        "import sys\nsys.modules[__name__].PortfolioEnv = sys.modules['portfolio_of_seed'].PortfolioEnv\n"
    )
    (tmp_path / "qiancapital_of_seed.py").write_text(
        "import sekai\nsekai.register('qc-lazy/CryptoOrderBook-v2', 'mypackage_of_seed:PortfolioEnv')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "portfolio_of_seed", sys.modules[__name__])
    sekai.register(
        id="qc/PortfolioEnv-v1",
        entry_point="mypackage_of_seed:PortfolioEnv",
        max_episode_steps=252,
        kwargs={"n_assets": 50},
        reward_threshold=0.25,
    )
    env = sekai.make("qc/PortfolioEnv-v1")
    assert env.action_space.shape == (50,)
    env = sekai.make("qc/PortfolioEnv-v1", n_assets=100)
    assert env.action_space.shape == (100,)
    s = sekai.spec("qc/PortfolioEnv-v1")
    print(s.id, s.max_episode_steps, s.reward_threshold)
    assert capsys.readouterr().out == "qc/PortfolioEnv-v1 252 0.25\n"
    assert (s.namespace, s.name, s.version) == ("qc", "PortfolioEnv", 1)

    loaded = []
    sekai.register_namespace("qc-lazy", lambda: loaded.append(__import__("qiancapital_of_seed")))
    assert not loaded
    assert isinstance(sekai.make("qc-lazy/CryptoOrderBook-v2").unwrapped, PortfolioEnv)
    sekai.make("qc-lazy/CryptoOrderBook-v2")
    assert len(loaded) == 1, "the loader is called once"
    assert "qc/PortfolioEnv-v1" in [s.id for s in sekai.all_specs()]


def test_statistics_of_an_episode(caplog: pytest.LogCaptureFixture) -> None:
    from sekai.stats import InMemoryTracker, LoggingTracker

    env = sekai.RecordEpisodeStatistics(sekai.TimeLimit(MyEnv(), 50))
    result = env.reset(seed=0)
    seen = []
    for _ in range(1_000):
        result = env.step(env.action_space.sample())
        if result.done:
            ep = result.info["episode"]
            seen.append((ep.episode_return, ep.episode_length, ep.elapsed_time, ep.terminated))
            env.reset()
    assert len(seen) == 20 and all(length == 50 and seconds > 0 and not end for _, length, seconds, end in seen)
    assert isinstance(env.tracker, InMemoryTracker) and env.tracker.mean_length() == 50
    assert env.tracker.mean_return() == pytest.approx(np.mean([total for total, *_ in seen]))
    logged = sekai.RecordEpisodeStatistics(sekai.TimeLimit(MyEnv(), 3), tracker=LoggingTracker())
    with caplog.at_level(logging.INFO):
        logged.reset(seed=0)
        for _ in range(3):
            logged.step(logged.action_space.sample())
    assert caplog.records


def test_pictures() -> None:
    """As it stands there, a plain object in `with`, needs a base class; a plain one goes through `using`."""
    from sekai.rendering import Renderer, using

    class ArrayRenderer(Renderer):
        closed = 0

        def render(self, env: Any) -> np.ndarray:
            state = env.unwrapped._state
            return np.full((8, 8, 3), int(100 * np.abs(state).max()), np.uint8)

        def close(self) -> None:
            self.closed += 1

    class PlainRenderer:
        closed = 0
        render = ArrayRenderer.render

        def close(self) -> None:
            self.closed += 1

    def policy(observation: np.ndarray) -> int:
        return int(observation.sum() > 0)

    env = sekai.TimeLimit(CartPoleEnv(), 500)
    for renderer, context in ((r := ArrayRenderer(), r), (p := PlainRenderer(), using(p))):
        result = env.reset(seed=0)
        frames = []
        with context:
            for _ in range(20):
                result = env.step(policy(result.observation))
                frames.append(renderer.render(env))
        assert renderer.closed == 1 and len(frames) == 20
        assert frames[0].shape == (8, 8, 3) and frames[0].dtype == np.uint8


def test_live_feeds_in_rows() -> None:
    class Feed:
        async def connect(self) -> dict[str, float]:
            await asyncio.sleep(0)
            return {"bid": 99.0, "ask": 101.0}

        async def send_order(self, action: np.ndarray) -> None:
            self.sent = float(action[0])

        async def next_tick(self) -> dict[str, float]:
            await asyncio.sleep(0)
            return {"bid": 99.0 + self.sent, "ask": 101.0 + self.sent}

    class LiveFeedEnv(sekai.Env):
        def __init__(self) -> None:
            self._feed = Feed()
            self.observation_space = sekai.Box(-np.inf, np.inf, (2,))
            self.action_space = sekai.Box(-1.0, 1.0, (1,))

        def _process(self, data: dict[str, float]) -> np.ndarray:
            return np.array([data["bid"], data["ask"]], np.float32)

        async def async_reset(self, *, seed=None, options=None):  # type: ignore[no-untyped-def]
            data = await self._feed.connect()
            obs = self._process(data)
            return sekai.ResetResult(observation=obs, info={})

        async def async_step(self, action):  # type: ignore[no-untyped-def]
            await self._feed.send_order(action)
            data = await self._feed.next_tick()
            obs = self._process(data)
            return sekai.StepResult(obs, reward=0.0, terminated=False, truncated=False, info={})

    async def main() -> None:
        vec = sekai.AsyncVecEnv([LiveFeedEnv] * 4)
        batch = await vec.async_reset(seed=0)
        assert batch.observations.tolist() == [[99.0, 101.0]] * 4
        actions = np.stack([vec.action_space.sample() for _ in range(4)])
        batch = await vec.async_step(actions)
        np.testing.assert_allclose(batch.observations[:, 0], 99.0 + actions[:, 0], rtol=1e-6)

    asyncio.run(main())
    env = LiveFeedEnv()
    assert env.reset().observation.tolist() == [99.0, 101.0], "its sync methods run the async ones"

    async def sync_inside() -> None:
        with pytest.raises(sekai.SekaiError, match=r"await env\.async_reset"):
            env.reset()

    asyncio.run(sync_inside())


def test_the_checker() -> None:
    from sekai.utils.checker import check_env

    issues = sekai.check_env(PortfolioEnv(), n_steps=300)
    assert not issues, issues
    issues = check_env(
        MyEnv(),
        n_steps=500,
        warn_on_anomaly=True,
        check_obs_space=True,
        check_action_space=True,
        check_reset_seed=True,
    )
    assert not issues, "\n".join(issues)
    unseeded = check_env(MarketMicrostructureEnv(), n_steps=50)  # it samples its spaces, which no seed reaches
    assert unseeded and all(issue.startswith(("ERROR: ", "WARNING: ")) for issue in unseeded)
    assert any("seed" in issue for issue in unseeded)


def test_the_checker_finds_what_it_says_it_checks() -> None:
    class Wrong(MyEnv):
        def step(self, action: np.ndarray) -> sekai.StepResult[np.ndarray]:
            result = super().step(action)
            return sekai.StepResult(result.observation, float("nan"), 0, False, result.info)  # type: ignore[arg-type]

    class Spaceless(sekai.Env):
        pass

    for env in (Wrong(), Spaceless(), CartPoleEnv, object()):
        assert any(issue.startswith("ERROR") for issue in sekai.check_env(env, n_steps=5)), env


def test_the_registered_portfolio() -> None:
    sekai.register("qc/Portfolio-v1", PortfolioEnv, max_episode_steps=252)
    assert sekai.make("qc/Portfolio-v1").spec.max_episode_steps == 252


def test_the_table_of_an_environment() -> None:
    assert issubclass(sekai.Env, object) and sekai.Env[np.ndarray, int] is not None
    for name in ("reset", "step", "async_reset", "async_step", "close", "_set_rng", "rng", "unwrapped", "metadata"):
        assert hasattr(sekai.Env, name), name
    assert list(inspect.signature(sekai.Env.reset).parameters) == ["self", "seed", "options"]
    assert list(inspect.signature(sekai.Env.step).parameters) == ["self", "action"]
    assert MyEnv().spec is None and MyEnv().unwrapped is not None

    async def play() -> sekai.StepResult[Any]:
        env = MyEnv()
        await env.async_reset(seed=1)
        return await env.async_step(np.zeros(10))

    env = MyEnv()
    env.reset(seed=1)
    assert asyncio.run(play()) == env.step(np.zeros(10)), "sync environments get the async methods for free"


def test_what_the_text_says_of_joining_in() -> None:
    """A space of one's own, flattened by the hooks; a backend, handed to spaces and to vector envs."""
    from sekai.backend import NUMPY
    from sekai.spaces.utils import flatdim, flatten, unflatten

    class Parity(sekai.Discrete):
        """Even or odd."""

    flatdim.register(Parity, lambda space: 1)
    flatten.register(Parity, lambda space, x: np.array([x], np.float32))
    unflatten.register(Parity, lambda space, x: np.intp(x[0]))
    space = sekai.Dict({"p": Parity(2), "x": sekai.Box(0.0, 1.0, (2,))})
    assert flatdim(space) == 3 and unflatten(space, flatten(space, space.sample()))["p"] in (0, 1)
    assert sekai.Box(0.0, 1.0, (2,), backend=NUMPY).sample().shape == (2,)
    assert sekai.SyncVecEnv([MyEnv] * 2, backend=NUMPY).reset(seed=0).observations.shape == (2, 50)


def test_importing_is_light() -> None:
    """`import sekai` brings in numpy and nothing else that is heavy."""
    heavy = ("numba", "pydantic", "typer", "rich", "matplotlib", "asyncio", "sortedcontainers", "cloudpickle")
    code = f"import sys, sekai; print([name for name in {heavy!r} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


NAMES_OF_0_1_2 = """
__version__ Env Wrapper ObservationWrapper RewardWrapper ActionWrapper MultiAgentEnv StepResult ResetResult MAStepResult
MAResetResult Space Box Discrete MultiDiscrete MultiBinary Dict Tuple space_utils register make spec all_specs
register_namespace EnvSpec WrapperSpec VecEnv SyncVecEnv AsyncVecEnv ProcVecEnv VecStepResult VecResetResult stack_infos
VecWrapper VecObservationWrapper VecRewardWrapper VecActionWrapper EpisodeStats StatsTracker InMemoryTracker
LoggingTracker TimeLimit AutoReset RecordEpisodeStatistics ClipAction RescaleAction FlattenObservation
NormalizeObservation NormalizeReward FrameStackObservation TransformObservation TransformReward OrderEnforcing wrappers
spaces vector rendering stats utils error SekaiError EnvNotFound EnvAlreadyRegistered InvalidAction InvalidObservation
ResetRequired AsyncCallPending BackendMismatch SpaceMismatch np_random make_seed_sequence check_env
"""


def test_every_name_of_the_package_it_describes_is_at_the_top() -> None:
    names = NAMES_OF_0_1_2.split()
    assert len(names) == 72
    assert [name for name in names if name not in sekai.__all__ or not hasattr(sekai, name)] == []
