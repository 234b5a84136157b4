"""Laws of worlds with different clocks, hunted over random ones: who waits, joins and dies at any time."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sekai
from sekai import RecordEpisodeStatistics, StepResult, SyncVecEnv, TimeLimit
from sekai.core import EpisodeWrapper, ProgramWrapper, Step
from sekai.core.program import Program
from sekai.core.seeding import child_seed
from sekai.core.wrapped_episode import MultiAgentWrapper
from sekai.testing import ClockworkEnv, EchoEnv

LENGTH = 10


@st.composite
def clockworks(draw: st.DrawFn) -> ClockworkEnv:
    """A world of one to four agents, the first of them there from beginning to end."""
    periods = {f"a_{i}": draw(st.integers(1, 4)) for i in range(draw(st.integers(1, 4)))}
    lives = {}
    for agent in list(periods)[1:]:
        birth = draw(st.integers(0, LENGTH - 2))
        lives[agent] = (birth, draw(st.integers(birth + 1, LENGTH)))
    return ClockworkEnv(periods, lives, LENGTH)


def fresh(world: ClockworkEnv) -> ClockworkEnv:
    return ClockworkEnv(world.periods, world.lives, world.length)


def wage(agent: str) -> float:
    return (1.0 + int(agent.rpartition("_")[2])) / 8  # an action of the env, and sums are exact


def play(env: Any, seed: int = 3) -> list[Any]:
    results = [env.reset(seed=seed)]
    while env.acting:
        results.append(env.step({agent: wage(agent) for agent in env.acting}))
    return results


class Diary(sekai.Wrapper):
    """Uses every hook, and has a state of its own."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self.seen: list[float] = []

    def observation(self, obs: Any) -> Any:
        self.seen.append(float(obs[0]))
        return obs + len(self.seen)

    def reward(self, reward: float) -> float:
        return reward + len(self.seen)

    def action(self, action: float) -> float:
        return action * 2

    def on_step(self, result: StepResult) -> StepResult:
        return StepResult(result.observation, result.reward, result.terminated, result.truncated, {"n": len(self.seen)})


class Doubling(sekai.Wrapper):
    """The fields only."""

    observation = Diary.observation
    reward = Diary.reward
    action = Diary.action

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self.seen: list[float] = []


@given(clockworks())
def test_results_are_complete_transitions(world: ClockworkEnv) -> None:
    begun, *steps = play(world)
    known = set(begun.observations)
    for result in steps:
        keys = result.observations.keys()
        assert (
            keys == result.rewards.keys() == result.terminated.keys() == result.truncated.keys() == result.info.keys()
        )
        assert result.first == keys - known and result.elapsed.keys() == keys - result.first
        known |= keys
    assert steps[-1].all_done and not any(result.all_done for result in steps[:-1])


@given(clockworks(), st.integers(1, 12), st.sampled_from([None, "inside", "outside"]))
def test_nothing_earned_is_lost_at_a_limit(world: ClockworkEnv, limit: int, layered: str | None) -> None:
    """Whenever everybody is ended, what each was paid is its wage for the time it lived."""
    inner = Idle(world) if layered == "inside" else world
    env = TimeLimit(inner, limit)
    env = Idle(env) if layered == "outside" else env
    paid: dict[str, float] = {}
    for result in play(env)[1:]:
        for agent, reward in result.rewards.items():
            paid[agent] = paid.get(agent, 0.0) + reward
    for agent, total in paid.items():
        birth, death = world.lives[agent]
        assert total == wage(agent) * (min(death, world.time) - birth)


class Idle(sekai.RewardWrapper):
    def reward(self, reward: float) -> float:
        return reward


@given(clockworks(), st.sampled_from([Diary, Doubling]))
def test_a_layer_on_many_is_the_layer_on_each_agents_own_stream(world: ClockworkEnv, layer: type) -> None:
    """Around each agent's view, with the others played alike, the same layer gives the same results."""
    results = play(layer(fresh(world)))
    for agent in world.possible_agents:
        others = {name: lambda o, name=name: 2 * wage(name) for name in world.possible_agents if name != agent}
        view = layer(fresh(world).view(agent, others))
        mine = [r for r in results if agent in r.observations]
        begun = view.reset(seed=3)
        assert np.array_equal(begun.observation, mine[0].observations[agent])
        for result in mine[1:]:
            one = view.step(wage(agent))
            assert np.array_equal(one.observation, result.observations[agent])
            assert (one.reward, one.done) == (result.rewards[agent], result.terminated[agent])
            assert one.info == result.info[agent]


@given(clockworks())
def test_two_layers_in_one_pass_are_two_layers_nested(world: ClockworkEnv) -> None:
    def nested(layer: type, env: Any) -> Any:
        return layer(MultiAgentWrapper(env))  # a wrapper between them keeps them apart

    assert play(Doubling(Diary(fresh(world)))) == play(nested(Doubling, nested(Diary, fresh(world))))
    assert play(Doubling(Doubling(fresh(world)))) == play(nested(Doubling, nested(Doubling, fresh(world))))


@given(clockworks())
def test_statistics_add_up(world: ClockworkEnv) -> None:
    env = RecordEpisodeStatistics(world)
    play(env)
    told = {stats.agent: stats.episode_return for stats in env.tracker.episodes}
    assert told == {a: wage(a) * (min(death, LENGTH) - birth) for a, (birth, death) in world.lives.items()}


@given(clockworks(), st.integers(1, 3))
def test_rows_are_their_worlds(world: ClockworkEnv, rows: int) -> None:
    vec = SyncVecEnv([lambda: fresh(world)] * rows)
    vec.reset(seed=7)
    actions = {agent: np.full(rows, wage(agent)) for agent in world.possible_agents}
    alone = play(fresh(world), seed=child_seed(7, 0))
    for result in alone[1:]:
        batch = vec.step(actions)
        for agent in result.observations:
            assert np.array_equal(batch.final_observations[agent][0], result.observations[agent])
            assert batch.rewards[agent][0] == (0.0 if agent in result.first else result.rewards[agent])
        assert batch.restarted[0] == result.all_done


class Repeat(ProgramWrapper):
    """Takes each action `times` times and pays the sum."""

    def __init__(self, env: Any, times: int) -> None:
        super().__init__(env)
        self.times = times

    def program(self, action: Any) -> Program:
        total = 0.0
        for _ in range(self.times):
            result = yield Step(action)
            total += result.reward
            if result.done:
                break
        return StepResult(result.observation, total, result.terminated, result.truncated, result.info)


@given(clockworks(), st.integers(1, 4), st.one_of(st.none(), st.integers(1, 8)))
def test_flows_pay_everything_whoever_ends_them(world: ClockworkEnv, times: int, limit: int | None) -> None:
    env = world.wrap(Repeat, times)
    env = env if limit is None else TimeLimit(env, limit)
    paid: dict[str, float] = {}
    for result in play(env)[1:]:
        for agent, reward in result.rewards.items():
            paid[agent] = paid.get(agent, 0.0) + reward
    for agent, total in paid.items():
        birth, death = world.lives[agent]
        assert total == wage(agent) * (min(death, world.time) - birth)


def test_a_view_of_one_alone_is_its_world() -> None:
    """The short way, without policies."""
    world, view = ClockworkEnv({"a": 3}, length=8), ClockworkEnv({"a": 3}, length=8).view("a")
    begun, *results = play_one(world)
    assert np.array_equal(view.reset(seed=3).observation, begun.observations["a"])
    for result in results:
        one = view.step(1.0)
        assert np.array_equal(one.observation, result.observations["a"])
        assert (one.reward, one.done, one.info) == (result.rewards["a"], result.terminated["a"], result.info["a"])
    assert view.rng is view.multi.rng and view.spec is None and repr(view) == "<AgentView('a' of <ClockworkEnv>)>"


def play_one(world: ClockworkEnv) -> list[Any]:
    results: list[Any] = [world.reset(seed=3)]
    while world.acting:
        results.append(world.step({"a": 1.0}))
    return results


def test_a_layer_of_a_whole_world_by_a_user() -> None:
    """`EpisodeWrapper` for one and for many; `MultiAgentWrapper` where it is about many alone."""
    heard: list[Any] = []

    class Watch(EpisodeWrapper):
        def before_reset(self, seed: int | None, options: Any) -> None:
            heard.append(("reset", seed, options))

        def before_step(self, action: Any) -> None:
            heard.append(("step", action))

        def on_settle(self, result: Any) -> Any:
            heard.append(("settle", list(result.rewards)))
            return result

        def on_close(self) -> None:
            heard.append("close")

    env = Watch(ClockworkEnv({"a": 1, "b": 5}))
    env.reset(seed=1)
    env.step({"a": 1.0, "b": 2.0})
    env.settle(["b"])
    env.close()
    assert heard == [("reset", 1, None), ("step", {"a": 1.0, "b": 2.0}), ("settle", ["b"]), "close"]

    class Shy(MultiAgentWrapper):
        def step(self, actions: Any) -> Any:
            result = super().step(actions)
            return sekai.MAStepResult(
                result.observations,
                dict.fromkeys(result.rewards, 0.0),
                result.terminated,
                result.truncated,
                result.info,
            )

    shy = Shy(EchoEnv(length=2))
    sekai.OrderEnforcing(shy).reset(seed=0)
    assert shy.step(dict.fromkeys(shy.acting, [1.0])).rewards == {"maker_0": 0.0, "maker_1": 0.0, "taker": 0.0}
    assert repr(shy) == "<Shy(<EchoEnv>)>" and shy.groups == shy.env.groups and list(shy) == [shy, shy.env]
    assert shy.rng is shy.env.rng and shy.metadata == {} and shy.unwrapped is shy.env


@pytest.mark.parametrize("wrap", [lambda e: e, Idle, Diary, lambda e: TimeLimit(e, 9), RecordEpisodeStatistics])
def test_layers_keep_the_worlds_own_things(wrap: Any) -> None:
    env = wrap(ClockworkEnv({"maker_0": 1, "maker_1": 2}))
    env.reset(seed=4)
    assert env.rng is env.unwrapped.rng and env.groups == {"maker": ("maker_0", "maker_1")}
    assert list(env.possible_agents) == ["maker_0", "maker_1"] and env.agents == ["maker_0", "maker_1"]
    assert env.action_spaces.keys() == env.observation_spaces.keys() == {"maker_0", "maker_1"}
    env.spec = "spec"
    assert env.unwrapped.spec == "spec" == env.spec
    env.close()
