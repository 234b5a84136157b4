"""Many environments at once, of one agent and of many: every row is what its environment alone would have given."""

import pickle
from enum import StrEnum
from typing import Any

import numpy as np
import pytest

import sekai
from sekai import Box, Dict, Discrete, MultiDiscrete, ResetResult, SekaiError, StepResult, SyncVecEnv
from sekai.core.seeding import child_seed
from sekai.error import (
    ClosedEnvironment,
    InvalidAction,
    InvalidAgents,
    ResetRequired,
    SpaceMismatch,
    UndefinedAttribute,
)
from sekai.testing import ClockworkEnv, CountingEnv, EchoEnv
from sekai.vector import stack_infos


class Orders(sekai.Env):
    """Observes a nested dict of what was ordered last."""

    def __init__(self, n_assets: int = 3) -> None:
        self.n_assets = n_assets
        book = Dict({"last": Box(-9, 9, (n_assets,), dtype=np.int64), "side": Discrete(2)})
        self.observation_space = Dict({"book": book, "price": Box(0, 1, (1,), dtype=np.float64)})
        self.action_space = Dict({"size": MultiDiscrete([5] * n_assets), "side": Discrete(2)})

    def reset(self, *, seed: int | None = None, options: Any = None) -> ResetResult:
        self._set_rng(seed)
        return ResetResult(self._see(np.zeros(self.n_assets), 0), {})

    def step(self, action: Any) -> StepResult:
        assert action in self.action_space, action
        return StepResult(self._see(action["size"], action["side"]), 1.0, False, False, {"side": int(action["side"])})

    def ping(self, word: str = "ping") -> str:
        return f"{word} {self.n_assets}"

    def _see(self, size: Any, side: Any) -> dict[str, Any]:
        return {"book": {"last": np.asarray(size, np.int64), "side": side}, "price": self.rng.random(1)}


def test_rows_are_what_their_environments_alone_give() -> None:
    """Eight rows of different lengths through many ends: observations, rewards, ends, infos, final observations."""
    lengths = [2, 3, 4, 5, 6, 7, 8, 9]
    vec = SyncVecEnv([lambda n=n: CountingEnv(n) for n in lengths])
    alone = [sekai.AutoReset(CountingEnv(n)) for n in lengths]
    begun = vec.reset(seed=3)
    singles = [env.reset(seed=child_seed(3, i)) for i, env in enumerate(alone)]
    assert np.array_equal(begun.observations, [single.observation for single in singles])
    assert begun.infos == [{"time": 0}] * 8
    actions = np.linspace(0, 1, 8)
    for _ in range(25):
        batch, ones = vec.step(actions), [env.step(actions[i]) for i, env in enumerate(alone)]
        assert np.array_equal(batch.observations, [one.observation for one in ones])
        assert batch.rewards.tolist() == [one.reward for one in ones] and batch.rewards.dtype == np.float64
        assert batch.terminated.tolist() == [one.terminated for one in ones] == batch.restarted.tolist()
        assert batch.dones.tolist() == [one.done for one in ones] and not batch.truncated.any()
        for i, one in enumerate(ones):
            assert sekai.core.result.same(batch.infos[i], one.info)
            led_to = one.info.get("final_observation", one.observation)
            assert np.array_equal(batch.final_observations[i], led_to)
    assert batch.observations.shape == (8, 2) and batch.observations.dtype == np.float32


def test_the_example_of_the_documentation() -> None:
    vec = sekai.SyncVecEnv([CountingEnv] * 16)
    assert vec.reset(seed=0).observations.shape == (16, 2)
    actions = np.stack([vec.action_space.sample() for _ in range(16)])
    batch = vec.step(actions)
    assert batch.rewards.shape == batch.dones.shape == (16,)
    assert stack_infos(batch.infos)["time"].tolist() == [1] * 16
    assert len(vec) == vec.num_envs == 16 and repr(vec) == "<SyncVecEnv(16 x <CountingEnv>)>"
    vec.close()
    assert all(env.closed for env in vec.envs)
    vec.close()


def test_nested_dicts_batch_by_leaf_and_so_do_actions() -> None:
    vec = SyncVecEnv([Orders] * 3)
    begun = vec.reset(seed=1)
    assert begun.observations["book"]["last"].shape == (3, 3) and begun.observations["price"].dtype == np.float64
    stacked = {"size": np.arange(9).reshape(3, 3) % 5, "side": np.array([0, 1, 0])}
    batch = vec.step(stacked)
    assert np.array_equal(batch.observations["book"]["last"], stacked["size"])
    assert batch.observations["book"]["side"].tolist() == [0, 1, 0] and [i["side"] for i in batch.infos] == [0, 1, 0]
    listed = vec.step([{"size": stacked["size"][i], "side": stacked["side"][i]} for i in range(3)])
    assert np.array_equal(listed.observations["book"]["last"], stacked["size"])


def test_what_is_handed_out_is_the_callers() -> None:
    vec = SyncVecEnv([CountingEnv] * 2)
    first = vec.reset(seed=0)
    kept = pickle.loads(pickle.dumps(first))
    second = vec.step(np.zeros(2))
    assert first == kept and second.observations.base is None
    first.observations[:] = -1
    assert (vec.step(np.zeros(2)).observations[:, 0] == 2).all()
    shared = SyncVecEnv([CountingEnv] * 2, copy=False)
    begun = shared.reset(seed=0)
    assert shared.step(np.zeros(2)).observations is begun.observations


def test_seeds_are_each_rows_own() -> None:
    def noise(count: int, seed: Any) -> list[float]:
        return SyncVecEnv([CountingEnv] * count).reset(seed=seed).observations[:, 1].tolist()

    assert noise(4, 7)[:2] == noise(2, 7) and len(set(noise(4, 7))) == 4
    assert noise(2, [5, 5])[0] == noise(2, [5, 5])[1] == CountingEnv().reset(seed=5).observation[1]
    with pytest.raises(SekaiError, match="seed must be an integer, None, or 2 of them, got 3"):
        noise(2, [1, 2, 3])


def test_mistakes_are_said() -> None:
    vec = SyncVecEnv([CountingEnv] * 4)
    with pytest.raises(ResetRequired):
        vec.step(np.zeros(4))
    vec.reset()
    for actions, why in ((np.zeros(16), "actions must be 4, one for each environment, got 16"), (3, "got 3")):
        with pytest.raises(InvalidAction, match=why):
            vec.step(actions)
    vec.close()
    with pytest.raises(ClosedEnvironment, match="step after close"):
        vec.step(np.zeros(4))
    with pytest.raises(SpaceMismatch, match="same observation_space: 1 has"):
        SyncVecEnv([lambda i=i: Orders(n_assets=i + 1) for i in range(4)])
    with pytest.raises(SpaceMismatch, match="environment 1 must have one agent"):
        SyncVecEnv([CountingEnv, EchoEnv])
    one = CountingEnv()
    with pytest.raises(SekaiError, match=r"env_fns\[1\] gave an environment that is there already"):
        SyncVecEnv([lambda: one] * 2)
    for bad, why in (([], "at least one"), ([one], "must be callable"), ([lambda: 3], "must make an Env")):
        with pytest.raises(SekaiError, match=why):
            SyncVecEnv(bad)  # type: ignore[arg-type, list-item]


def test_an_error_in_a_row_names_the_row() -> None:
    class Faulty(CountingEnv):
        def step(self, action: float) -> StepResult:
            if action > 0:
                raise ZeroDivisionError("inside")
            return super().step(action)

    vec = SyncVecEnv([Faulty] * 3)
    vec.reset()
    with pytest.raises(ZeroDivisionError) as caught:
        vec.step(np.array([0.0, 1.0, 0.0]))
    assert caught.value.__notes__ == [f"in environment 1 of {vec!r}"]


def test_an_observation_of_another_shape_is_an_error() -> None:
    class Wrong(CountingEnv):
        def _observe(self) -> np.ndarray:
            return np.zeros(1, np.float32)

    with pytest.raises(SpaceMismatch, match=r"an observation must have shape \(2,\), got \(1,\)"):
        SyncVecEnv([Wrong]).reset()

    class Lacking(Orders):
        def _see(self, size: Any, side: Any) -> dict[str, Any]:
            return {"book": {}}

    with pytest.raises(SpaceMismatch, match="an observation must be a dict with the names"):
        SyncVecEnv([Lacking]).reset()


def test_attributes_and_methods_of_each_row() -> None:
    vec = SyncVecEnv([lambda: sekai.TimeLimit(Orders(), 5)] * 3)
    assert vec.get_attr("n_assets") == [3, 3, 3] and vec.get_attr("max_episode_steps") == [5, 5, 5]
    vec.set_attr("n_assets", 20)
    assert vec.call("ping", word="pong") == ["pong 20"] * 3
    with pytest.raises(SekaiError, match="environment 0, .*Orders.*, has no 'some_method'"):
        vec.call("some_method", arg=True)


def clockwork(early: int = 4) -> ClockworkEnv:
    return ClockworkEnv({"maker_0": 1, "maker_1": 2, "taker": 3}, {"maker_1": (0, early), "taker": (1, 6)}, length=6)


def one_clock(early: int = 4) -> ClockworkEnv:
    return ClockworkEnv(dict.fromkeys(["maker_0", "maker_1", "taker"], 1), {"taker": (0, early)}, length=6)


@pytest.mark.parametrize("deaths", [[3, 4, 6], [6, 6, 6]])
@pytest.mark.parametrize("world", [clockwork, one_clock])
def test_many_agents_rows_are_what_their_worlds_alone_give(world: Any, deaths: list[int]) -> None:
    """Three worlds, over several episodes: agents wait, join and die at different times, or all end together."""
    vec = SyncVecEnv([lambda n=n: world(n) for n in deaths])
    alone = [sekai.AutoReset(world(n)) for n in deaths]
    begun = vec.reset(seed=3)
    for i, env in enumerate(alone):
        single = env.reset(seed=child_seed(3, i))
        for agent, seen in single.observations.items():
            assert np.array_equal(begun.observations[agent][i], seen)
        assert [agent for agent in begun.acting if begun.acting[agent][i]] == list(env.acting)
    for _ in range(20):
        batch = vec.step({agent: np.array([0.1, 0.2, 0.3]) for agent in vec.possible_agents})
        for i, env in enumerate(alone):
            check_row(batch, i, env.step(dict.fromkeys(env.acting, 0.1 * (i + 1))), env)


def check_row(batch: Any, i: int, one: sekai.MAStepResult, env: Any) -> None:
    restarted = any("final_observation" in info for info in one.info.values())
    assert batch.restarted[i] == restarted
    for agent in batch.rewards:
        finished = agent in one.rewards and agent not in one.first
        assert batch.stepped[agent][i] == finished and batch.acting[agent][i] == (agent in env.acting)
        assert batch.rewards[agent][i] == pytest.approx(one.rewards[agent] if finished else 0.0)
        assert batch.terminated[agent][i] == one.terminated.get(agent, False)
        assert batch.elapsed[agent][i] == one.elapsed.get(agent, 0.0)
        if agent in one.observations and (agent in env.acting or not restarted):
            assert np.array_equal(batch.observations[agent][i], one.observations[agent])
        if finished:
            led_to = one.info[agent].get("final_observation", one.observations[agent])
            assert np.array_equal(batch.final_observations[agent][i], led_to)
    assert sekai.core.result.same(batch.infos[i], one.info)


def test_groups_are_stored_together() -> None:
    vec = SyncVecEnv([EchoEnv] * 4)
    begun = vec.reset(seed=0)
    heard = begun.observations.group("maker")["heard"]
    assert heard.shape == (4, 2, 1) and heard.flags.c_contiguous
    column = begun.observations["maker_1"]["heard"]
    assert column.shape == (4, 1) and np.shares_memory(column, heard)
    assert vec.groups == {"maker": ("maker_0", "maker_1"), "taker": ("taker",)}
    sizes = np.arange(8, dtype=np.float32).reshape(4, 2, 1) / 10
    batch = vec.step({"maker": sizes, "taker": np.zeros((4, 1), np.float32)})
    assert np.allclose(batch.rewards.group("maker"), sizes[..., 0])
    assert np.allclose(batch.rewards["maker_1"], sizes[:, 1, 0]) and batch.stepped.group("maker").all()
    assert sorted(batch.rewards) == ["maker_0", "maker_1", "taker"] and len(batch.rewards) == 3
    assert batch.dones["taker"].tolist() == [False] * 4
    with pytest.raises(SekaiError, match=r"group must be one of .* Did you mean 'maker'"):
        batch.rewards.group("makers")
    assert pickle.loads(pickle.dumps(batch)) == batch


def test_agents_of_a_role_with_different_spaces_stay_apart() -> None:
    class Uneven(EchoEnv):
        def __init__(self) -> None:
            super().__init__(("m_0", "m_1"))
            self.observation_spaces["m_1"] = Box(0, 1, (2,))  # type: ignore[assignment]

        def _observe(self, said: Any) -> dict[str, Any]:
            return {**super()._observe(said), "m_1": np.ones(2, np.float32)}

    begun = SyncVecEnv([Uneven] * 2).reset()
    assert begun.observations["m_1"].shape == (2, 2) and begun.observations["m_0"]["heard"].shape == (2, 1)
    with pytest.raises(SekaiError, match="group must be one of"):
        begun.observations.group("m")


def test_mistakes_about_many_agents() -> None:
    vec = SyncVecEnv([EchoEnv] * 2)
    vec.reset()
    full = {agent: np.zeros((2, 1)) for agent in vec.possible_agents}
    cases: list[tuple[Any, type[SekaiError], str]] = [
        (np.zeros(2), InvalidAction, "columns by agent or by group"),
        ({**full, "taker": np.zeros((3, 1))}, InvalidAction, r"actions\['taker'\] must be 2, .* got 3"),
        ({**full, "takr": full["taker"]}, InvalidAgents, "got 'takr'. Did you mean 'taker'"),
        ({"taker": full["taker"]}, InvalidAgents, r"missing for \['maker_0', 'maker_1'\]"),
        ({"maker": np.zeros((2, 3, 1)), "taker": full["taker"]}, InvalidAction, r"must have shape \(2, 2, \.\.\.\)"),
    ]
    for actions, kind, why in cases:
        with pytest.raises(kind, match=why):
            vec.step(actions)
    assert vec.step(full).stepped["taker"].all(), "and nothing was stepped by mistake"
    with pytest.raises(UndefinedAttribute, match="use action_spaces"):
        _ = vec.action_space
    with pytest.raises(UndefinedAttribute, match="use observation_spaces"):
        _ = vec.observation_space
    assert list(vec.action_spaces) == list(vec.observation_spaces) == vec.possible_agents
    with pytest.raises(UndefinedAttribute, match="this vector env has one agent"):
        _ = SyncVecEnv([CountingEnv]).possible_agents

    class Stranger(EchoEnv):
        def _observe(self, said: Any) -> dict[str, Any]:
            return {**super()._observe(said), "stranger": {}}

    with pytest.raises(SekaiError, match="'stranger' has no column: possible_agents must name it"):
        SyncVecEnv([Stranger]).reset()


def test_layers_of_many_agents_in_rows() -> None:
    vec = SyncVecEnv([lambda: sekai.NormalizeObservation(sekai.TimeLimit(clockwork(), 2))] * 2)
    vec.reset(seed=0)
    for _ in range(2):
        batch = vec.step({agent: np.ones(2) for agent in vec.possible_agents})
    assert batch.restarted.all() and batch.truncated["maker_0"].all() and batch.observations["taker"].shape == (2, 2)


def test_infos_stack() -> None:
    stacked = stack_infos([{"a": 1, "b": np.zeros(2)}, {"a": 2, "b": np.ones(2), "c": "x"}])
    assert stacked["a"].tolist() == [1, 2] and stacked["b"].shape == (2, 2) and stacked["c"].tolist() == [None, "x"]
    assert stack_infos([{"a": np.zeros(2)}, {"a": np.zeros(3)}])["a"].dtype == object and stack_infos([]) == {}


def test_worlds_get_their_actions_under_the_names_that_they_gave() -> None:
    class Who(StrEnum):
        MAKER = 'maker\'s "own" name'
        TAKER = "taker"

    class Listening(EchoEnv):
        def step(self, actions: Any) -> Any:
            assert all(isinstance(agent, Who) for agent in actions) and list(actions) == list(Who)
            return super().step(actions)

    vec = SyncVecEnv([lambda: Listening(list(Who))] * 2)
    vec.reset(seed=0)
    actions = {"taker": np.full((2, 1), 0.5, np.float32), Who.MAKER: np.zeros((2, 1), np.float32)}
    assert vec.step(actions).rewards[Who.TAKER].tolist() == [0.5, 0.5]
