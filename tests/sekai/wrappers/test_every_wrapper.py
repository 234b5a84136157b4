"""What holds of every wrapper: around one agent, around many, in a view, sync and async, cloned, it is the same."""

import asyncio
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import sekai
from sekai import MAResetResult, MAStepResult, wrappers
from sekai.core.result import AgentID, same
from sekai.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple

Layered = Callable[[Any], Any]


class Pit(sekai.MultiAgentEnv):
    """Traders see prices, the side and a nested quote, and act by a Box (or a Discrete that has masks)."""

    def __init__(self, discrete: bool = False, length: int = 9) -> None:
        self.possible_agents = ["maker_0", "maker_1", "taker"]
        self.agents: list[AgentID] = []
        self.length, self.discrete = length, discrete
        quote = Tuple([Box(0.0, 10.0, (2,)), Discrete(4, 1)])
        seen = Dict({"prices": Box(0, 100, (3,), np.int32), "side": MultiBinary(2), "quote": quote})
        acts = Dict({"side": Discrete(3, -1), "lots": MultiDiscrete([2, 3])}) if discrete else Box(-2.0, 6.0, (2,))
        self.observation_spaces = dict.fromkeys(self.possible_agents, seen)
        self.action_spaces = dict.fromkeys(self.possible_agents, acts)
        self.done: list[dict[AgentID, Any]] = []

    def reset(self, *, seed: int | None = None, options: Any = None) -> MAResetResult:
        self._set_rng(seed)
        self.time = 0
        self.agents = list(self.possible_agents)
        return MAResetResult(self._see(), self._say())

    def step(self, actions: Any) -> MAStepResult:
        self.time += 1
        self.done.append(dict(actions))
        over = self.time >= self.length
        agents, paid = self.agents, {a: float(self.rng.normal(i, 1 + i)) for i, a in enumerate(self.agents)}
        no = dict.fromkeys(agents, False)
        result = MAStepResult(self._see(), paid, dict.fromkeys(agents, over), no, self._say())
        if over:
            self.agents = []
        return result

    def action_masks(self) -> dict[AgentID, Any]:
        if not self.discrete:
            return {}
        return {a: {"side": [1, 0, (self.time + k) % 2]} for k, a in enumerate(self.possible_agents)}

    def _see(self) -> dict[AgentID, Any]:
        draw = self.rng
        return {
            a: {
                "prices": draw.integers(0, 101, 3, dtype=np.int32),
                "side": draw.integers(0, 2, 2, dtype=np.int8),
                "quote": (draw.uniform(0, 10, 2).astype(np.float32), np.intp(draw.integers(1, 5))),
            }
            for a in self.agents
        }

    def _say(self) -> dict[AgentID, dict[str, Any]]:
        return {a: {} for a in self.agents}


def double(x: Any) -> Any:
    return x * 2


def just_prices(obs: Any) -> Any:
    return obs["prices"]


PRICES = Box(0, 100, (3,), np.int32)
WRAPPERS: dict[str, Layered] = {
    "transform observation": lambda e: wrappers.TransformObservation(e, just_prices, PRICES),
    "transform reward": lambda e: wrappers.TransformReward(e, double),
    "transform action": lambda e: wrappers.TransformAction(e, double, Box(-1.0, 3.0, (2,))),
    "flatten": wrappers.FlattenObservation,
    "filter": lambda e: wrappers.FilterObservation(e, ["quote", "side"]),
    "dtype": lambda e: wrappers.DtypeObservation(e, np.float64),
    "rescale observation": lambda e: wrappers.RescaleObservation(e, -1.0, 1.0),
    "stack": lambda e: wrappers.FrameStackObservation(e, 3),
    "stack on zeros": lambda e: wrappers.FrameStackObservation(e, 3, padding="zero"),
    "delay": lambda e: wrappers.DelayObservation(e, 2),
    "time": lambda e: wrappers.TimeAwareObservation(e, max_episode_steps=9),
    "time, in parts": lambda e: wrappers.TimeAwareObservation(e, False, True, max_episode_steps=9),
    "normalize observation": wrappers.NormalizeObservation,
    "normalize reward": lambda e: wrappers.NormalizeReward(e, gamma=0.9),
    "clip reward": lambda e: wrappers.ClipReward(e, -1.0, 1.0),
    "clip action": wrappers.ClipAction,
    "rescale action": lambda e: wrappers.RescaleAction(e, 0.0, 1.0),
    "sticky": lambda e: wrappers.StickyAction(e, 0.5),
    "repeat": lambda e: wrappers.RepeatAction(e, 2),
    "check": wrappers.CheckAction,
    "mask": wrappers.ActionMaskObservation,
    "several": lambda e: wrappers.NormalizeReward(
        wrappers.FrameStackObservation(wrappers.FlattenObservation(wrappers.RescaleAction(e)), 2)
    ),
}
named = pytest.mark.parametrize("name", WRAPPERS)


def world(name: str) -> Pit:
    return Pit(discrete=name == "mask")


@named
def test_observations_and_actions_are_of_the_layers_own_spaces(name: str) -> None:
    env = WRAPPERS[name](world(name))
    begun = env.reset(seed=1)
    for agent in env.possible_agents:
        env.action_spaces[agent].seed(2)
        assert begun.observations[agent] in env.observation_spaces[agent]
    bare = env.unwrapped
    while True:
        result = env.step({a: env.action_spaces[a].sample() for a in env.acting})
        assert all(seen in env.observation_spaces[a] for a, seen in result.observations.items())
        assert all(type(paid) is float for paid in result.rewards.values())
        if name != "sticky":
            assert all(did in bare.action_spaces[a] for a, did in bare.done[-1].items())
        if result.all_done:
            break


@pytest.mark.parametrize("name", [name for name in WRAPPERS if name not in ("sticky", "several")])
def test_an_agent_of_many_sees_what_its_view_would_see(name: str) -> None:
    """The wrapper around a view is the view of the wrapper: one instance for each agent, each with what it remembers.

    A wrapper that draws has a stream of its own around many agents, and the environment's around one.
    """
    inside, recipe = world(name), WRAPPERS[name](world(name)).wrappers.recipe
    many = world(name).wrap(recipe.wrapper, *recipe.args, agents=["maker_1"], **recipe.kwargs)
    others = {a: (lambda obs, a=a: play(inside, a)) for a in ("maker_0", "taker")}
    view = WRAPPERS[name](inside.view("maker_1", others))
    theirs, ours = many.reset(seed=5), view.reset(seed=5)
    for _ in range(2):
        assert same(theirs.observations["maker_1"], ours.observation)
        done = False
        while not done:
            action = _seeded(view.action_space).sample()
            step = many.step({a: action if a == "maker_1" else play(many, a) for a in many.acting})
            if "maker_1" in step.observations:
                mine = view.step(action)
                assert same(step.observations["maker_1"], mine.observation)
                assert step.rewards["maker_1"] == mine.reward and step.terminated["maker_1"] == mine.terminated
                done = mine.done
        theirs, ours = many.reset(), view.reset()


def play(env: Any, agent: AgentID) -> Any:
    return _seeded(env.unwrapped.action_spaces[agent]).sample()


def _seeded(space: Any) -> Any:
    space.seed(11)
    return space


@named
def test_async_is_sync(name: str) -> None:
    one, other = WRAPPERS[name](world(name)), WRAPPERS[name](world(name))

    async def run() -> list[Any]:
        results: list[Any] = [await other.async_reset(seed=3)]
        while other.acting:
            results.append(await other.async_step({a: _seeded(other.action_spaces[a]).sample() for a in other.acting}))
        return results

    told: list[Any] = [one.reset(seed=3)]
    while one.acting:
        told.append(one.step({a: _seeded(one.action_spaces[a]).sample() for a in one.acting}))
    assert asyncio.run(run()) == told and len(told) > 4


@named
def test_a_clone_goes_on_as_the_env_would_and_its_state_comes_back(name: str) -> None:
    env = WRAPPERS[name](world(name))
    env.reset(seed=4)

    def act() -> Any:
        return env.step({a: _seeded(env.action_spaces[a]).sample() for a in env.acting})

    act()
    saved, shipped = env.clone(), pickle.loads(pickle.dumps(env))
    base, first = env.unwrapped, [act(), act(), env.reset(), act()]
    env.set_state(saved)
    assert env.unwrapped is base and [act(), act(), env.reset(), act()] == first
    env.set_state(saved)
    assert [act(), act(), env.reset(), act()] == first, "what was saved stays as it is"
    env = saved
    assert [act(), act(), env.reset(), act()] == first
    env = shipped
    assert [act(), act(), env.reset(), act()] == first


@named
def test_around_one_agent_that_is_one_of_many(name: str) -> None:
    """Around an `Env`: spaces, and the same after a reset with the same seed, whatever was before."""
    from sekai.core.env import AgentView

    def alone() -> Any:
        others = {a: (lambda obs: _seeded(inside.action_spaces["taker"]).sample()) for a in ("maker_1", "taker")}
        inside = world(name)
        return WRAPPERS[name](AgentView(inside, "maker_0", others))

    env = alone()

    def play_one() -> list[Any]:
        told: list[Any] = [env.reset(seed=8)]
        assert told[0].observation in env.observation_space
        while not getattr(told[-1], "done", False):
            told.append(env.step(_seeded(env.action_space).sample()))
            assert told[-1].observation in env.observation_space
        return told

    first = play_one()
    env = alone() if name.startswith("normalize") or name == "several" else env
    assert play_one() == first


def play_rows(vec: Any) -> list[Any]:
    """Step three rows through several episodes; return all that is to be acted on."""
    told: list[Any] = [dict(vec.reset(seed=5).observations)]
    for k, space in enumerate(vec.action_spaces.values()):
        space.seed(k)
    for _ in range(22):
        actions = {}
        for agent, space in vec.action_spaces.items():
            rows = [space.sample() for _ in range(3)]
            named = isinstance(rows[0], dict)
            actions[agent] = {n: np.array([row[n] for row in rows]) for n in rows[0]} if named else rows
        result = vec.step(actions)
        told.append([dict(part) for part in (result.observations, result.rewards, result.terminated, result.acting)])
    return told


@pytest.mark.parametrize("name", [name for name in WRAPPERS if name != "normalize observation"])
def test_around_a_vector_env_is_around_each_of_its_rows(name: str) -> None:
    """Running means are the exception: rows share them."""
    around = WRAPPERS[name](sekai.SyncVecEnv([lambda: world(name)] * 3))
    inside = sekai.SyncVecEnv([lambda: WRAPPERS[name](world(name))] * 3)
    assert same(play_rows(around), play_rows(inside))
