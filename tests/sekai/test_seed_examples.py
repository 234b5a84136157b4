"""The examples people come with, as they were written: environments, training loops, a pipeline of layers."""

import asyncio
import subprocess
import sys

import numpy as np
import pytest

import sekai
from sekai.core.multi_agent import MultiAgentEnv
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
        for _ in range(100):
            result = env.step(env.action_space.sample())
            if result.done:
                break
    assert result.observation in env.observation_space and result.reward < 0


def test_quick_start() -> None:
    env = CartPoleEnv()
    result = env.reset(seed=0)
    assert result.observation in env.observation_space
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


def test_importing_is_light() -> None:
    """`import sekai` brings in numpy and nothing else that is heavy."""
    heavy = ("numba", "pydantic", "typer", "rich", "matplotlib", "asyncio", "sortedcontainers", "cloudpickle")
    code = f"import sys, sekai; print([name for name in {heavy!r} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
