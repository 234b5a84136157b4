"""Who competes in `benchmarks.framework`: each a function that imports its library and returns a loop of n rounds."""

# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

AGENTS = [f"agent_{k}" for k in range(10)]
LENGTH = 200
OBSERVATION = np.zeros(4, np.float32)
Loop = Callable[[int], None]


def _observations() -> dict[str, Any]:
    """Return what a world's agents see: arrays of that world's own, which never change."""
    return {agent: np.zeros(4, np.float32) for agent in AGENTS}


def _sekai_env() -> Any:
    import sekai

    class Trivial(sekai.Env[Any, Any]):
        def __init__(self, length: int = LENGTH) -> None:
            self.observation_space, self.action_space = sekai.Box(-1, 1, (4,)), sekai.Discrete(2)
            self.length = length

        def reset(self, *, seed: Any = None, options: Any = None) -> Any:
            self._set_rng(seed)
            self.time = 0
            return sekai.ResetResult(OBSERVATION, {})

        def step(self, action: Any) -> Any:
            self.time += 1
            return sekai.StepResult(OBSERVATION, 1.0, self.time >= self.length, False, {})

    return Trivial


def _gymnasium_env() -> Any:
    import gymnasium

    class Trivial(gymnasium.Env[Any, Any]):
        def __init__(self, length: int = LENGTH) -> None:
            self.observation_space = gymnasium.spaces.Box(-1, 1, (4,))
            self.action_space = gymnasium.spaces.Discrete(2)
            self.length = length

        def reset(self, *, seed: Any = None, options: Any = None) -> Any:
            super().reset(seed=seed)
            self.time = 0
            return OBSERVATION, {}

        def step(self, action: Any) -> Any:
            self.time += 1
            return OBSERVATION, 1.0, self.time >= self.length, False, {}

    return Trivial


def _sekai_agents() -> Any:
    import sekai
    from sekai import MAStepResult

    class Ten(sekai.MultiAgentEnv):
        def __init__(self) -> None:
            self.possible_agents, self.agents, self.seen = AGENTS, list(AGENTS), _observations()
            self.observation_spaces = {agent: sekai.Box(-1, 1, (4,)) for agent in AGENTS}
            self.action_spaces = {agent: sekai.Discrete(2) for agent in AGENTS}

        def reset(self, *, seed: Any = None, options: Any = None) -> Any:
            self.agents, self.time = list(AGENTS), 0
            return sekai.MAResetResult(dict(self.seen), {agent: {} for agent in AGENTS})

        def step(self, actions: Any) -> Any:
            self.time += 1
            over = self.time >= LENGTH
            if over:
                self.agents = []
            return MAStepResult(
                dict(self.seen),
                dict.fromkeys(AGENTS, 1.0),
                dict.fromkeys(AGENTS, over),
                dict.fromkeys(AGENTS, False),
                {agent: {} for agent in AGENTS},
            )

    return Ten


def _pettingzoo_agents() -> Any:
    import gymnasium
    from pettingzoo import ParallelEnv

    class Ten(ParallelEnv):  # type: ignore[misc]  # installed in the competitor's environment only
        metadata = {"name": "ten"}
        render_mode = None

        def __init__(self) -> None:
            self.possible_agents, self.agents, self.seen = AGENTS, list(AGENTS), _observations()
            self._observation_space = gymnasium.spaces.Box(-1, 1, (4,))
            self._action_space = gymnasium.spaces.Discrete(2)

        def observation_space(self, agent: str) -> Any:
            return self._observation_space

        def action_space(self, agent: str) -> Any:
            return self._action_space

        def reset(self, seed: Any = None, options: Any = None) -> Any:
            self.agents, self.time = list(AGENTS), 0
            return dict(self.seen), {agent: {} for agent in AGENTS}

        def step(self, actions: Any) -> Any:
            self.time += 1
            over = self.time >= LENGTH
            if over:
                self.agents = []
            rewards, ends = dict.fromkeys(AGENTS, 1.0), dict.fromkeys(AGENTS, over)
            return dict(self.seen), rewards, ends, dict.fromkeys(AGENTS, False), {agent: {} for agent in AGENTS}

    return Ten


def _stepping(step: Callable[[Any], Any], actions: Any) -> Loop:
    def loop(rounds: int) -> None:
        for _ in range(rounds):
            step(actions)

    return loop


def sekai_layers() -> Loop:
    """One environment inside three layers."""
    import sekai

    env: Any = sekai.TimeLimit(sekai.RecordEpisodeStatistics(sekai.OrderEnforcing(_sekai_env()())), LENGTH)

    def loop(rounds: int) -> None:
        env.reset(seed=0)
        for _ in range(rounds):
            if env.step(0).done:
                env.reset()

    return loop


def gymnasium_layers() -> Loop:
    """One environment inside the same three."""
    import gymnasium.wrappers as layers

    env = layers.TimeLimit(layers.RecordEpisodeStatistics(layers.OrderEnforcing(_gymnasium_env()())), LENGTH)

    def loop(rounds: int) -> None:
        env.reset(seed=0)
        for _ in range(rounds):
            _, _, terminated, truncated, _ = env.step(0)
            if terminated or truncated:
                env.reset()

    return loop


def sekai_sync() -> Loop:
    """Sixteen in a row."""
    import sekai

    vec = sekai.SyncVecEnv([_sekai_env()] * 16)
    vec.reset(seed=0)
    return _stepping(vec.step, np.zeros(16, np.int64))


def gymnasium_sync() -> Loop:
    """Sixteen in a row."""
    import gymnasium

    vec = gymnasium.vector.SyncVectorEnv([_gymnasium_env()] * 16)
    vec.reset(seed=0)
    return _stepping(vec.step, np.zeros(16, np.int64))


def sekai_proc() -> Loop:
    """Four in processes."""
    import sekai

    vec = sekai.ProcVecEnv([_sekai_env()] * 4)
    vec.reset(seed=0)
    return _stepping(vec.step, np.zeros(4, np.int64))


def gymnasium_proc() -> Loop:
    """Four in processes."""
    import gymnasium

    vec = gymnasium.vector.AsyncVectorEnv([_gymnasium_env()] * 4)
    vec.reset(seed=0)
    return _stepping(vec.step, np.zeros(4, np.int64))


def sekai_ten() -> Loop:
    """Ten agents in one world; looks for its end as `pettingzoo_ten` does."""
    return _until_nobody(_sekai_agents()())


def sekai_ten_bare() -> Loop:
    """Ten agents in one world."""
    return _ten(lambda env: env)


def sekai_ten_layers() -> Loop:
    """Ten agents in one world, inside two layers each."""
    import sekai

    return _ten(lambda env: sekai.TransformReward(sekai.TransformObservation(env, lambda o: o), lambda r: r))


def _ten(wrapped: Callable[[Any], Any]) -> Loop:
    env, actions = wrapped(_sekai_agents()()), dict.fromkeys(AGENTS, 0)

    def loop(rounds: int) -> None:
        env.reset(seed=0)
        for _ in range(rounds):
            if env.step(actions).all_done:
                env.reset()

    return loop


def pettingzoo_ten() -> Loop:
    """Ten agents in one parallel env."""
    return _until_nobody(_pettingzoo_agents()())


def _until_nobody(env: Any) -> Loop:
    actions = dict.fromkeys(AGENTS, 0)

    def loop(rounds: int) -> None:
        env.reset(seed=0)
        for _ in range(rounds):
            env.step(actions)
            if not env.agents:
                env.reset()

    return loop


def sekai_ten_sync() -> Loop:
    """Four worlds of ten agents."""
    import sekai

    vec = sekai.SyncVecEnv([_sekai_agents()] * 4)
    vec.reset(seed=0)
    return _stepping(vec.step, {agent: np.zeros(4, np.int64) for agent in AGENTS})


def sekai_markets_sync() -> Loop:
    """Eight markets as rows."""
    import sekai

    vec = sekai.make_vec("markets/MarketMaking-v0", 8)
    vec.reset(seed=0)
    vec.batch_action_space.seed(0)
    return _stepping(vec.step, vec.batch_action_space.sample())


def sekai_markets_loop() -> Loop:
    """Eight markets one after the other."""
    import sekai

    envs = [sekai.make("markets/MarketMaking-v0") for _ in range(8)]
    for seed, env in enumerate(envs):
        env.reset(seed=seed)
    envs[0].action_space.seed(0)
    actions = [envs[0].action_space.sample() for _ in envs]

    def loop(rounds: int) -> None:
        for _ in range(rounds):
            for env, action in zip(envs, actions, strict=True):
                if env.step(action).done:
                    env.reset()

    return loop


def supersuit_ten() -> Loop:
    """Four worlds of ten agents, as forty environments."""
    import supersuit

    env = supersuit.pettingzoo_env_to_vec_env_v1(_pettingzoo_agents()())
    vec = supersuit.concat_vec_envs_v1(env, 4, num_cpus=0, base_class="gymnasium")
    vec.reset(seed=0)
    return _stepping(vec.step, np.zeros(40, np.int64))


def rllib_ten() -> Loop:
    """Four worlds of ten agents, results by world."""
    import gymnasium
    from ray.rllib.env.multi_agent_env import MultiAgentEnv
    from ray.rllib.env.vector.sync_vector_multi_agent_env import SyncVectorMultiAgentEnv

    class Ten(MultiAgentEnv):  # type: ignore[misc]  # installed in the competitor's environment only
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__()
            self.possible_agents, self.agents, self.seen = AGENTS, list(AGENTS), _observations()
            boxes: dict[str, Any] = {agent: gymnasium.spaces.Box(-1, 1, (4,)) for agent in AGENTS}
            choices: dict[str, Any] = {agent: gymnasium.spaces.Discrete(2) for agent in AGENTS}
            self.observation_spaces, self.action_spaces = boxes, choices
            self.observation_space = gymnasium.spaces.Dict(self.observation_spaces)
            self.action_space = gymnasium.spaces.Dict(self.action_spaces)

        def reset(self, *, seed: Any = None, options: Any = None) -> Any:
            self.time = 0
            return dict(self.seen), {agent: {} for agent in AGENTS}

        def step(self, actions: Any) -> Any:
            self.time += 1
            over = self.time >= LENGTH
            rewards = dict.fromkeys(AGENTS, 1.0)
            terminated = dict.fromkeys([*AGENTS, "__all__"], over)
            truncated = dict.fromkeys([*AGENTS, "__all__"], False)
            return dict(self.seen), rewards, terminated, truncated, {agent: {} for agent in AGENTS}

    vec = SyncVectorMultiAgentEnv([Ten] * 4)
    vec.reset(seed=0)
    return _stepping(vec.step, [dict.fromkeys(AGENTS, 0) for _ in range(4)])
