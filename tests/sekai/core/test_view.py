"""One agent of many: its turns, its rewards, who plays the others, and the way back."""

import asyncio

import numpy as np
import pytest

import sekai
from sekai import SekaiError
from sekai.core import MultiAgentEnv, role
from sekai.core.seeding import child_seed
from sekai.error import MissingPolicy, UndefinedAttribute
from sekai.testing import ClockworkEnv, CountingEnv, EchoEnv


def half(observation: object) -> float:
    return 0.5


def test_turns_of_a_clockwork() -> None:
    """Fast acts every unit, slow every 3; a result names who acts next, and pays for all the time since."""
    env = ClockworkEnv({"fast": 1, "slow": 3}, length=5)
    assert list(env.reset(seed=0).observations) == ["fast", "slow"]
    said = {"fast": 1.0, "slow": 2.0}
    told = []
    while env.acting:
        result = env.step({agent: said[agent] for agent in env.acting})
        told.append((result.rewards, result.elapsed, result.all_done))
    one = {"fast": 1.0}
    assert told == [
        (one, one, False),
        (one, one, False),
        ({"fast": 1.0, "slow": 6.0}, {"fast": 1.0, "slow": 3.0}, False),
        (one, one, False),
        ({"fast": 1.0, "slow": 4.0}, {"fast": 1.0, "slow": 2.0}, True),
    ]


def test_a_view_plays_on_to_its_agents_turn() -> None:
    env = ClockworkEnv({"fast": 1, "slow": 3}, length=7)
    view = env.view("slow", others={"fast": half})
    assert view.reset(seed=0).observation[0] == 0
    times, rewards, done = [], [], False
    while not done:
        result = view.step(2.0)
        times.append(int(result.observation[0]))
        rewards.append(result.reward)
        done = result.done
    assert times == [3, 6, 7] and rewards == [6.0, 6.0, 2.0]


def test_a_view_is_the_worlds_own_transitions() -> None:
    """What the view returns is, number for number, the agent's entry of the world's results."""
    world, view = ClockworkEnv({"a": 2, "b": 3}), ClockworkEnv({"a": 2, "b": 3}).view("b", others={"a": half})
    begun = world.reset(seed=5)
    assert np.array_equal(begun.observations["b"], view.reset(seed=5).observation)
    while world.acting:
        result = world.step(dict.fromkeys(world.acting, 0.5))
        if "b" in result.observations:
            mine = view.step(0.5)
            assert np.array_equal(mine.observation, result.observations["b"])
            assert (mine.reward, mine.terminated, mine.info) == (
                result.rewards["b"], result.terminated["b"], result.info["b"],
            )  # fmt: skip


def test_an_agent_that_joins_and_dies() -> None:
    env = ClockworkEnv({"host": 1, "guest": 2}, lives={"guest": (3, 8)}, length=12)
    view = env.view("guest", others={"host": half})
    assert view.reset(seed=0).observation[0] == 3, "its episode begins when it joins"
    times = []
    while True:
        result = view.step(1.0)
        times.append((int(result.observation[0]), result.reward))
        if result.done:
            break
    assert times == [(5, 2.0), (7, 2.0), (8, 1.0)] and env.agents == ["host"]


def test_an_agent_that_never_comes_is_said() -> None:
    env = ClockworkEnv({"host": 1, "guest": 1}, lives={"guest": (50, 60)}, length=4)
    with pytest.raises(SekaiError, match="the episode ended before 'guest' had a turn"):
        env.view("guest", {"host": half}).reset(seed=0)


def test_one_step_of_many_that_act_together() -> None:
    heard = []

    class Taker:
        def act(self, observation: dict[str, np.ndarray]) -> np.ndarray:
            heard.append(float(observation["heard"][0]))
            return np.array([0.25], np.float32)

    view = EchoEnv(("maker_0", "maker_1", "taker")).view("maker_1", {"maker": lambda o: [0.75], "taker": Taker()})
    view.reset(seed=0)
    assert view.step([0.1]).observation["heard"] == np.float32(0.75), "a policy by role served maker_0"
    view.step([0.2])
    assert heard == [0.0, pytest.approx(0.1)]


def test_policies_seeds_belong_to_names() -> None:
    class Seeded:
        def __init__(self) -> None:
            self.seeds: list[int | None] = []

        def reset(self, seed: int | None = None) -> None:
            self.seeds.append(seed)

        def __call__(self, observation: object) -> list[float]:
            return [0.0]

    taker, makers, extra = Seeded(), Seeded(), Seeded()
    EchoEnv(("me", "taker")).view("me", {"taker": taker}).reset(seed=9)
    EchoEnv(("me", "maker_0", "maker_1", "taker")).view("me", {"maker": makers, "taker": extra}).reset(seed=9)
    assert taker.seeds == extra.seeds == [child_seed(9, "policy", "taker")], "adding makers changed nothing"
    assert makers.seeds == [child_seed(9, "policy", "maker")]


def test_mistakes_about_who_plays_whom() -> None:
    env = EchoEnv()
    with pytest.raises(MissingPolicy, match=r"view\('taker'\) needs a policy for 'maker_0'"):
        env.view("taker")
    with pytest.raises(SekaiError, match=r"agent must be one of .*Did you mean 'taker'"):
        env.view("takr")
    with pytest.raises(SekaiError, match=r"others must name agents .* got 'trader'"):
        env.view("taker", {"maker": half, "trader": half})
    for world in (env, sekai.SyncVecEnv([EchoEnv] * 2)):
        with pytest.raises(SekaiError, match="callable or with a method act: 'maker_0' has 3"):
            world.view("taker", {"maker": 3})
        with pytest.raises(SekaiError, match="others must be a mapping of agents or roles to policies, got 3"):
            world.view("taker", 3)


def test_the_round_trip_is_the_identity() -> None:
    env = CountingEnv()
    assert env.as_multi_agent("x").view("x") is env
    alone = EchoEnv(["me"])
    view = alone.view("me")
    assert view.as_multi_agent() is alone and view.as_multi_agent("me") is alone
    crowd = EchoEnv(["me", "you"]).view("me", {"you": lambda o: [0.0]})
    assert crowd.as_multi_agent("me").view("me") is crowd


def test_one_as_many() -> None:
    env = CountingEnv(2).as_multi_agent("x")
    plain = CountingEnv(2)
    assert env.reset(seed=1).observations["x"].tolist() == plain.reset(seed=1).observation.tolist()
    assert env.acting == ["x"] and env.observation_space("x") == plain.observation_space
    env.step({"x": 0.5})
    result = env.step({"x": 0.5})
    assert result.all_done and env.agents == [] and result.rewards == {"x": 0.5}
    env.close()
    assert env.env.closed  # type: ignore[attr-defined]


def test_views_in_async_are_the_same() -> None:
    async def play() -> list[float]:
        view = ClockworkEnv({"fast": 1, "slow": 3}, length=7).view("slow", {"fast": half})
        await view.async_reset(seed=0)
        return [(await view.async_step(2.0)).reward for _ in range(3)]

    assert asyncio.run(play()) == [6.0, 6.0, 2.0]


def test_a_world_says_what_it_lacks() -> None:
    class Bare(MultiAgentEnv):
        pass

    with pytest.raises(UndefinedAttribute, match="Bare does not define agents"):
        _ = Bare().agents
    with pytest.raises(SekaiError, match=r"Bare.settle is not defined, but \['a'\] wait"):
        Bare().settle(["a"])
    assert Bare().settle([]).observations == {}
    with pytest.raises(NotImplementedError, match=r"Bare must define step\(self, actions\)"):
        Bare().step({})


def test_roles_and_groups() -> None:
    assert EchoEnv(("maker_0", "taker", "maker_10")).groups == {"maker": ("maker_0", "maker_10"), "taker": ("taker",)}
    assert [role(name) for name in ("a", "a_1", "_1", "1", "a_b")] == ["a", "a", "_1", "1", "a_b"]
    assert EchoEnv().acting == ["maker_0", "maker_1", "taker"], "everybody acts unless the env says otherwise"


def test_settling_consumes() -> None:
    env = ClockworkEnv({"fast": 1, "slow": 4})
    env.reset(seed=0)
    env.step({"fast": 0.0, "slow": 1.0})
    settled = env.settle(["slow"])
    assert settled.rewards == {"slow": 1.0} and settled.elapsed == {"slow": 1.0}
    env.step({"fast": 0.0})
    env.step({"fast": 0.0})
    assert env.step({"fast": 0.0}).rewards == {"fast": 0.0, "slow": 3.0}
