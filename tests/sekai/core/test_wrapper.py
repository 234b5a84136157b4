"""Layers around one agent and around many: the seed's three, the three shapes, sync and async."""

import asyncio
import copy
import pickle
from typing import Any

import numpy as np
import pytest

import sekai
from sekai import MAResetResult, MAStepResult, ResetResult, SekaiError, StepResult
from sekai.core import ProgramWrapper, Step
from sekai.core.program import Program, Reset, run
from sekai.error import UnsupportedWrapper
from sekai.testing import ClockworkEnv, CountingEnv, EchoEnv


class LogReturnObservation(sekai.ObservationWrapper):
    """Converts price observations to log returns."""

    def __init__(self, env):  # type: ignore[no-untyped-def]
        super().__init__(env)
        # Update observation space to match transformed output
        self.observation_space = sekai.Box(
            -np.inf, np.inf,
            shape=env.observation_space.shape,
            dtype=np.float32,
        )  # fmt: skip

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
        window = self._returns[-self._window:]  # fmt: skip
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


class Prices(sekai.MultiAgentEnv):
    """Agent i sees a price of its own and is paid the first number of its action over a million."""

    def __init__(self, count: int = 3) -> None:
        self.possible_agents = [f"trader_{i}" for i in range(count)]
        self.agents = list(self.possible_agents)
        self.observation_spaces = {a: sekai.Box(0, np.inf, (2,)) for a in self.agents}
        self.action_spaces = {a: sekai.Box(-1.0, 1.0, (1,)) for a in self.agents}

    def reset(self, *, seed: int | None = None, options: Any = None) -> MAResetResult:
        self._set_rng(seed)
        return MAResetResult(self._see(), {a: {} for a in self.agents})

    def step(self, actions: Any) -> MAStepResult:
        self.received = dict(actions)
        rewards = {a: float(actions[a][0]) / 1e6 for a in self.agents}
        no = dict.fromkeys(self.agents, False)
        return MAStepResult(self._see(), rewards, no, no, {a: {} for a in self.agents})

    def _see(self) -> dict[str, np.ndarray]:
        return {a: self.rng.random(2).astype(np.float32) for a in self.agents}


class Price(sekai.Env):
    """The same for one."""

    def __init__(self) -> None:
        self.observation_space = sekai.Box(0, np.inf, (2,))
        self.action_space = sekai.Box(-1.0, 1.0, (1,))

    def reset(self, *, seed: int | None = None, options: Any = None) -> ResetResult:
        self._set_rng(seed)
        return ResetResult(self.rng.random(2).astype(np.float32), {})

    def step(self, action: Any) -> StepResult:
        return StepResult(self.rng.random(2).astype(np.float32), float(action[0]) / 1e6, False, False, {})


def stack(env: Any) -> Any:
    return SharpeReward(LogReturnObservation(ScaledAction(env)), window=3)


def test_the_seeds_wrappers_on_one_agent() -> None:
    env, bare = stack(Price()), Price()
    assert np.array_equal(env.reset(seed=1).observation, np.log1p(bare.reset(seed=1).observation))
    paid = []
    for size in (0.1, 0.2, 0.4):
        result, raw = env.step(np.array([size])), bare.step(np.array([size]))
        assert np.array_equal(result.observation, np.log1p(raw.observation))
        paid.append(result.reward)
    assert paid[0] == 0.0 and paid[1] == pytest.approx(0.15 / 0.05) and paid[2] == pytest.approx(1.8708, rel=1e-4)
    assert env.observation_space.low[0] == -np.inf and env.action_space == bare.action_space
    scaled = list(env)[2]
    assert scaled.reverse_action(np.array([1e6])) == 1.0
    assert repr(env) == "<SharpeReward(<LogReturnObservation(<ScaledAction(<Price>)>)>)>"
    assert [type(layer).__name__ for layer in env] == ["SharpeReward", "LogReturnObservation", "ScaledAction", "Price"]


def test_the_seeds_wrappers_on_many_agents_are_the_same_with_state_of_their_own() -> None:
    """Each agent of the lifted stack gets, number for number, what a stack of its own around its stream would give."""
    lifted, bare = stack(Prices()), Prices()
    assert isinstance(lifted, sekai.MultiAgentEnv)
    begun, raw = lifted.reset(seed=2), bare.reset(seed=2)
    sharpe = {a: SharpeReward(Price(), window=3) for a in bare.agents}
    for agent in bare.agents:
        assert np.array_equal(begun.observations[agent], np.log1p(raw.observations[agent]))
    for step in range(6):
        actions = {a: np.array([0.1 * step + i]) for i, a in enumerate(bare.agents)}
        result, raw_step = lifted.step(actions), bare.step({a: x * 1_000_000 for a, x in actions.items()})
        for agent in bare.agents:
            assert np.array_equal(result.observations[agent], np.log1p(raw_step.observations[agent]))
            assert result.rewards[agent] == pytest.approx(sharpe[agent].reward(raw_step.rewards[agent]), rel=1e-5)
        assert lifted.unwrapped.received["trader_1"] == np.float32(actions["trader_1"][0] * 1_000_000)
    assert repr(lifted) == "<SharpeReward(<LogReturnObservation(<ScaledAction(<Prices>)>)>)>"
    assert len(list(lifted)) == 4 and list(lifted)[-1] is lifted.unwrapped


def test_wrap_touches_only_the_agents_that_are_named() -> None:
    env = Prices().wrap(LogReturnObservation, agents=["trader_1"]).wrap(SharpeReward, window=2, agents="trader_2")
    bare = Prices()
    around: Any = SharpeReward(LogReturnObservation(Prices(), agents=["trader_1"]), window=2, agents="trader_2")
    assert around.wrappers.names == env.wrappers.names == {"trader_2"} and repr(around) == repr(env)
    begun, raw = env.reset(seed=0), bare.reset(seed=0)
    assert begun.observations["trader_0"].tolist() == raw.observations["trader_0"].tolist()
    assert np.array_equal(begun.observations["trader_1"], np.log1p(raw.observations["trader_1"]))
    env.step({a: np.array([1e6]) for a in env.acting})
    result = env.step({a: np.array([3e6]) for a in env.acting})
    assert result.rewards == {"trader_0": 3.0, "trader_1": 3.0, "trader_2": pytest.approx(2.0)}
    assert env.observation_space("trader_1").low[0] == -np.inf and env.observation_space("trader_0").low[0] == 0
    assert env.instance("trader_2")._window == 2
    with pytest.raises(SekaiError, match="not 'trader_0'"):
        env.instance("trader_0")


def test_agents_may_be_roles_and_must_exist() -> None:
    env = EchoEnv().wrap(SharpeReward, agents=["maker"])
    env.reset(seed=0)
    assert env.step(dict.fromkeys(env.acting, [0.5])).rewards == {"maker_0": 0.0, "maker_1": 0.0, "taker": 0.5}
    with pytest.raises(SekaiError, match=r"got 'makr'. Did you mean 'maker'"):
        EchoEnv().wrap(SharpeReward, agents=["makr"])


def test_nothing_changed_means_the_same_objects() -> None:
    class Idle(sekai.Wrapper):
        pass

    one, many = CountingEnv(), Prices()
    begun, world_begun = one.reset(seed=1), many.reset(seed=1)
    step, world_step = one.step(0.0), many.step({a: np.ones(1) for a in many.acting})
    one.reset, many.reset = lambda **kw: begun, lambda **kw: world_begun  # type: ignore[method-assign]
    one.step, many.step = lambda a: step, lambda a: world_step  # type: ignore[method-assign]
    assert Idle(one).reset() is begun and Idle(one).step(0.0) is step
    assert Idle(many).reset() is world_begun and ScaledAction(many).step({}) is world_step
    paid = SharpeReward(many).step({})
    assert paid.observations is world_step.observations and paid.info is world_step.info


class Whole(sekai.Wrapper):
    """Needs the whole result: says how long this agent has lived, and doubles its end's reward."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self.age = -1

    def on_reset(self, result: ResetResult) -> ResetResult:
        self.age = 0
        return ResetResult(result.observation, {**result.info, "age": 0})

    def on_step(self, result: StepResult) -> StepResult:
        self.age += 1
        pay = result.reward * (2 if result.done else 1)
        return StepResult(
            result.observation, pay, result.terminated, result.truncated, {**result.info, "age": self.age}
        )


def test_whole_results_pass_through_each_agents_own_layer_from_birth_to_death() -> None:
    env = Whole(ClockworkEnv({"host": 2, "guest": 2}, lives={"guest": (3, 6)}, length=8))
    assert env.reset(seed=0).info["host"] == {"time": 0, "age": 0}
    ages: dict[str, list[Any]] = {"host": [], "guest": []}
    while env.acting:
        result = env.step(dict.fromkeys(env.acting, 1.0))
        for agent, info in result.info.items():
            ages[agent].append((info["time"], info["age"], result.rewards[agent]))
    assert ages["host"] == [(2, 1, 2.0), (4, 2, 2.0), (6, 3, 2.0), (8, 4, 4.0)]
    assert ages["guest"] == [(3, 0, 0.0), (5, 1, 2.0), (6, 2, 2.0)], "joined at 3: no reward was passed for its birth"


def test_rewards_of_first_observations_are_no_rewards() -> None:
    env = SharpeReward(ClockworkEnv({"host": 1, "guest": 1}, lives={"guest": (2, 9)}))
    env.reset(seed=0)
    for _ in range(3):
        env.step(dict.fromkeys(env.acting, 1.0))
    assert env.instance("host")._returns == [1.0, 1.0, 1.0] and env.instance("guest")._returns == [1.0]


def test_layers_commute_with_views() -> None:
    def play(view: sekai.Env) -> list[StepResult]:
        view.reset(seed=4)
        return [view.step(np.array([0.1 * k])) for k in range(4)]

    others = {"trader_0": lambda o: np.array([1.0]), "trader_2": lambda o: np.array([2.0])}
    lifted = stack(Prices()).view("trader_1", others)
    inside = stack(Prices().view("trader_1", {k: lambda o, p=p: p(o) * 1e6 for k, p in others.items()}))
    assert play(lifted) == play(inside)


def test_instances_are_born_when_their_agent_appears_and_know_their_kin() -> None:
    born: list[tuple[str, int]] = []

    class Kin(sekai.RewardWrapper):
        def on_birth(self, agent: str, kin: Any) -> None:
            born.append((agent, len(kin)))

        def reward(self, reward: float) -> float:
            return reward

    env = Kin(ClockworkEnv({"m_0": 1, "m_1": 1, "t": 1}, lives={"m_1": (3, 9)}))
    assert born == []
    env.reset(seed=0)
    env.step(dict.fromkeys(env.acting, 0.0))
    assert sorted(born) == [("m_0", 0), ("t", 0)]
    for _ in range(3):
        env.step(dict.fromkeys(env.acting, 0.0))
    assert born[-1] == ("m_1", 1)


def test_what_a_lifted_instance_finds_below_it() -> None:
    found: dict[str, Any] = {}

    class Curious(sekai.ActionWrapper):
        def __init__(self, env: Any) -> None:
            super().__init__(env)
            found.update(spaces=(env.observation_space, env.action_space), spec=env.spec, unwrapped=env.unwrapped)
            found["metadata"] = env.metadata

        def action(self, action: Any) -> Any:
            return action + self.rng.random()

    world = Prices()
    env = Curious(LogReturnObservation(world))
    env.reset(seed=3)
    env.step({a: np.zeros(1) for a in env.acting})
    assert found["spaces"][0].low[0] == -np.inf, "the space of the layer below, not of the world"
    assert found["unwrapped"] is world and found["spec"] is None and found["metadata"] == {}
    drawn = dict(world.received)
    assert drawn["trader_0"] != drawn["trader_1"], "each agent's layers draw from a stream of their own"
    fewer = Curious(Prices(1))
    fewer.reset(seed=3)
    fewer.step({"trader_0": np.zeros(1)})
    assert fewer.unwrapped.received["trader_0"] == drawn["trader_0"], "which belongs to the agent's name"

    again = dict(world.received)
    for seed, same in ((3, True), (None, False), (4, False)):
        env.reset(seed=seed)
        env.step({a: np.zeros(1) for a in env.acting})
        assert (world.received["trader_0"] == again["trader_0"]) == same

    class Steps(sekai.ObservationWrapper):
        def __init__(self, env: Any) -> None:
            super().__init__(env)
            env.reset()

    with pytest.raises(UnsupportedWrapper, match="cannot reset an environment of many agents"):
        Steps(Prices()).reset()


def test_a_wrapper_that_steps_itself_serves_one_agent_only() -> None:
    class Twice(sekai.Wrapper):
        def step(self, action: Any) -> StepResult:
            self.env.step(action)
            return self.env.step(action)

    env = Twice(CountingEnv())
    env.reset(seed=0)
    assert env.step(0.0).observation[0] == 2
    assert asyncio.run(env.async_step(0.0)).observation[0] == 4, "async goes the same way"
    for make in (lambda: Twice(Prices()), lambda: Prices().wrap(Twice)):
        with pytest.raises(UnsupportedWrapper, match="Twice overrides step.*on_step.*ProgramWrapper"):
            make()


def test_hooks_that_must_be_defined() -> None:
    for wrapper, hook in ((sekai.ObservationWrapper, "observation"), (sekai.RewardWrapper, "reward")):
        env = wrapper(CountingEnv())
        with pytest.raises(NotImplementedError, match=f"{wrapper.__name__} must define {hook}"):
            env.reset()
            env.step(0.0)
    with pytest.raises(NotImplementedError, match="must define action"):
        sekai.ActionWrapper(CountingEnv()).step(0.0)
    with pytest.raises(UnsupportedWrapper, match="must be a subclass of Wrapper"):
        Prices().wrap(CountingEnv)  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [lambda: stack(Prices()), lambda: Whole(Prices())])
def test_async_is_the_same_driver(make: Any) -> None:
    async def play(env: Any) -> list[Any]:
        results = [await env.async_reset(seed=1)]
        for k in range(4):
            results.append(await env.async_step({a: np.array([0.1 * k]) for a in env.acting}))
        return results

    env = make()
    sync = [env.reset(seed=1), *(env.step({a: np.array([0.1 * k]) for a in env.acting}) for k in range(4))]
    assert asyncio.run(play(make())) == sync


def test_async_on_one_agent_is_the_same_driver() -> None:
    async def play(env: Any) -> list[Any]:
        return [await env.async_reset(seed=1), *[await env.async_step(np.array([0.1 * k])) for k in range(4)]]

    env = stack(Price())
    assert asyncio.run(play(stack(Price()))) == [env.reset(seed=1), *(env.step(np.array([0.1 * k])) for k in range(4))]


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copy_of_a_lifted_stack_has_state_of_its_own(twin: Any) -> None:
    env = stack(Prices())
    env.reset(seed=0)
    actions = {a: np.array([0.3]) for a in env.acting}
    env.step(actions)
    other = twin(env)
    assert other.step(actions) == env.step(actions)
    env.step(actions)
    assert len(other.instance("trader_0")._returns) == 2 and len(env.instance("trader_0")._returns) == 3


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


def test_a_flow_on_one_agent() -> None:
    env = Repeat(CountingEnv(5), times=2)
    env.reset(seed=0)
    results = [env.step(1.0) for _ in range(3)]
    assert [(r.observation[0], r.reward, r.done) for r in results] == [(2, 2.0, False), (4, 2.0, False), (5, 1.0, True)]
    env.reset()
    assert asyncio.run(env.async_step(1.0)).reward == 2.0


def test_an_agent_in_the_middle_of_a_flow_is_not_acting() -> None:
    env = EchoEnv(("a", "b"), length=5).wrap(Repeat, times=3, agents=["a"])
    assert list(env.reset(seed=0).observations) == ["a", "b"]
    told = []
    while env.agents:
        result = env.step({agent: [1.0] for agent in env.acting})
        told.append((sorted(result.rewards), result.rewards.get("a"), list(env.acting)))
    assert told == [
        (["b"], None, ["b"]),
        (["b"], None, ["b"]),
        (["a", "b"], 3.0, ["a", "b"]),
        (["b"], None, ["b"]),
        (["a", "b"], 2.0, []),
    ]


def test_flows_of_everybody_step_on_until_somebody_must_act() -> None:
    env = Repeat(ClockworkEnv({"fast": 1, "slow": 2}, length=12), times=2)
    env.reset(seed=0)
    result = env.step({"fast": 1.0, "slow": 1.0})
    assert result.rewards == {"fast": 2.0} and result.elapsed == {"fast": 2.0} and env.acting == ["fast"]
    result = env.step({"fast": 1.0})
    assert result.rewards == {"fast": 2.0, "slow": 4.0} and result.elapsed == {"fast": 2.0, "slow": 4.0}


def test_settling_ends_a_flow_with_what_it_earned() -> None:
    env = EchoEnv(("a", "b")).wrap(Repeat, times=3, agents=["a"])
    env.reset(seed=0)
    env.step({"a": [1.0], "b": [0.0]})
    env.step({"b": [0.0]})
    settled = env.settle(["a"])
    assert settled.rewards == {"a": 2.0} and env.acting == ["a", "b"]


def test_flows_that_ask_for_nonsense() -> None:
    class Restless(ProgramWrapper):
        def program(self, action: Any) -> Program:
            yield Reset()

    env = Restless(EchoEnv())
    env.reset()
    with pytest.raises(SekaiError, match="one agent cannot reset for all"):
        env.step(dict.fromkeys(env.acting, [0.0]))

    class Undead(ProgramWrapper):
        def program(self, action: Any) -> Program:
            while True:
                yield Step(action)

    env = Undead(EchoEnv(length=1))
    env.reset()
    with pytest.raises(SekaiError, match="after the agent's end"):
        env.step(dict.fromkeys(env.acting, [0.0]))

    def talk() -> Program:
        yield "hello"

    with pytest.raises(TypeError, match="a program yields Step"):
        run(CountingEnv(), talk())


def test_a_flow_of_each_agent_draws_from_its_own_stream() -> None:
    class Sticky(ProgramWrapper):
        def program(self, action: Any) -> Program:
            return (yield Step(action * self.rng.random()))

    def said(agents: list[str], seed: int | None) -> dict[str, float]:
        env = Sticky(EchoEnv(agents))
        env.reset(seed=0)
        env.reset(seed=seed)
        return env.step({agent: np.ones(1) for agent in env.acting}).rewards

    both = said(["a", "b"], 5)
    assert both["a"] != both["b"] and said(["b"], 5) == {"b": both["b"]} and said(["b"], 6)["b"] != both["b"]
