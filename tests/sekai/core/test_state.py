"""Clones and saved states: of the world, its layers and all random streams, of one agent and of many."""

import threading
from enum import StrEnum
from typing import Any, Literal

import numpy as np
import pytest

import sekai
from sekai import MAResetResult, MAStepResult, SekaiError
from sekai.core.base import stack
from sekai.testing import ClockworkEnv, CountingEnv, EchoEnv


def play(env: Any, steps: int = 6) -> list[Any]:
    """Play on, through ends, with the same actions each time."""
    told = []
    _seed(env)
    for _ in range(steps):
        if isinstance(env, sekai.MultiAgentEnv):
            if not env.acting:
                told.append(env.reset())
            told.append(env.step({a: env.action_space(a).sample() for a in env.acting}))
        else:
            told.append(env.step(env.action_space.sample()))
            if told[-1].done:
                told.append(env.reset())
    return told


def everything(env: Any) -> Any:
    env = sekai.NormalizeReward(sekai.StickyAction(env, 0.4))
    return sekai.RecordEpisodeStatistics(sekai.TimeLimit(sekai.FrameStackObservation(env, 3), 4))


WORLDS = {
    "one": lambda: everything(CountingEnv()),
    "many": lambda: everything(EchoEnv()),
    "clocks": lambda: everything(ClockworkEnv({"a": 1, "b": 3, "c": 2}, lives={"c": (2, 9)})),
    "flows": lambda: sekai.TimeLimit(sekai.RepeatAction(ClockworkEnv({"a": 1, "b": 2}), 3), 9),
    "reset by itself": lambda: sekai.AutoReset(everything(EchoEnv())),
    "a view": lambda: everything(
        ClockworkEnv({"a": 2, "b": 1}).view("a", {"b": CoinFlipper()}),
    ),
    "a view of layers": lambda: everything(EchoEnv(["a", "b"])).view("a", {"b": CoinFlipper()}),
    "a seat": lambda: everything(CountingEnv().as_multi_agent("solo")),
}


class CoinFlipper:
    """A policy with a stream of its own, which goes on where no seed is given."""

    def reset(self, seed: int | None) -> None:
        if seed is not None:
            self.rng = np.random.default_rng(seed)

    def act(self, obs: Any) -> Any:
        return np.float32(self.rng.choice([-1.0, 1.0]))


def same_play(one: list[Any], other: list[Any]) -> bool:
    """Compare but for the seconds by the clock on the wall."""
    return repr(_timeless(one)) == repr(_timeless(other))


def _timeless(value: Any) -> Any:
    if isinstance(value, sekai.stats.EpisodeStats):
        return value.episode_return, value.episode_length, value.agent
    if hasattr(value, "info"):
        seen = value.observations if hasattr(value, "observations") else value.observation
        return seen, getattr(value, "rewards", getattr(value, "reward", None)), _timeless(value.info)
    if isinstance(value, dict):
        return {name: _timeless(part) for name, part in value.items()}
    return [_timeless(part) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", WORLDS)
def test_a_clone_goes_on_alone_and_a_saved_state_comes_back(name: str) -> None:
    env = WORLDS[name]()
    env.reset(seed=7)
    play(env, 5)
    saved = env.clone()
    layers = list(stack(env))
    ahead = play(env)
    assert same_play(play(saved.clone()), ahead), "a clone goes on as the environment does"
    play(env, 3)
    for _ in range(2):
        env.set_state(saved)
        assert same_play(play(env), ahead), "and the environment goes back as often as one likes"
        assert all(now is before for now, before in zip(stack(env), layers, strict=True)), "being what it was"
    assert same_play(play(saved), ahead), "what was saved stood still"


def _seed(env: Any) -> None:
    spaces = env.action_spaces.values() if isinstance(env, sekai.MultiAgentEnv) else [env.action_space]
    for k, space in enumerate(spaces):
        space.seed(k)


def test_a_layer_held_from_outside_goes_back_too() -> None:
    base = CountingEnv(length=50)
    limited = sekai.TimeLimit(base, 10)
    env = sekai.FrameStackObservation(limited, 2)
    env.reset(seed=0)
    saved = env.clone()
    for _ in range(4):
        env.step(0.0)
    env.set_state(saved)
    assert base.time == 0 and env.env is limited and limited.env is base
    inner = limited.clone()
    env.step(0.0)
    limited.set_state(inner)
    assert base.time == 0


def test_what_cannot_be_cloned_says_so() -> None:
    env = CountingEnv()
    env.feed = threading.Lock()  # type: ignore[attr-defined]
    with pytest.raises(SekaiError, match="<CountingEnv> cannot be cloned: cannot pickle '_thread.lock'"):
        env.clone()
    with pytest.raises(SekaiError, match="state must be a clone of <TimeLimit"):
        sekai.TimeLimit(CountingEnv(), 3).set_state(CountingEnv())  # type: ignore[arg-type]


def test_an_env_may_be_its_own_state() -> None:
    env = CountingEnv()
    env.reset(seed=1)
    env.set_state(env)
    assert env.step(0.0).info == {"time": 1}


@pytest.mark.parametrize("layered", [False, True])
def test_a_market_is_cloned_and_brought_back(layered: bool) -> None:
    env = sekai.make("markets/MakerTaker-v0")
    if layered:
        env = env.wrap(sekai.NormalizeReward).wrap(sekai.FlattenObservation, agents=["maker"])
    env.reset(seed=3)
    play(env, 10)
    saved = env.clone()
    ahead = play(env)
    assert same_play(play(saved.clone()), ahead)
    env.set_state(saved)
    assert same_play(play(env), ahead)


class Seat(StrEnum):
    """Agents that a type checker knows by name."""

    MAKER = "maker_0"
    TAKER = "taker"


class Typed(sekai.MultiAgentEnv[Seat]):
    """A world whose agents are called by an enumeration."""

    def __init__(self) -> None:
        self.possible_agents = list(Seat)
        self.agents = list(Seat)
        self.observation_spaces = {seat: sekai.Box(0.0, 1.0, (1,)) for seat in Seat}
        self.action_spaces = {seat: sekai.Discrete(2) for seat in Seat}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> MAResetResult[Seat]:
        self._set_rng(seed)
        self.left = 4
        self.agents = list(Seat)
        return MAResetResult({seat: self.rng.random(1, np.float32) for seat in Seat}, {seat: {} for seat in Seat})

    def step(self, actions: Any) -> MAStepResult[Seat]:
        self.left -= 1
        over = dict.fromkeys(Seat, self.left == 0)
        self.agents = [] if self.left == 0 else self.agents
        seen = {seat: self.rng.random(1, np.float32) for seat in Seat}
        paid = {seat: float(actions[seat]) for seat in Seat}
        return MAStepResult(seen, paid, over, dict.fromkeys(Seat, False), {seat: {} for seat in Seat})


def test_agents_may_be_called_by_an_enumeration() -> None:
    assert sekai.check_env(Typed(), n_steps=20) == []
    env = sekai.OrderEnforcing(Typed().wrap(sekai.ClipReward, max=0.5, agents=["maker"]))
    env.reset(seed=0)
    result = env.step({Seat.MAKER: 1, Seat.TAKER: 1})
    assert result.rewards[Seat.MAKER] == result.rewards["maker_0"] == 0.5 and result.rewards[Seat.TAKER] == 1.0
    assert env.groups == {"maker": ("maker_0",), "taker": ("taker",)}
    view = Typed().view(Seat.TAKER, {Seat.MAKER: lambda obs: 0})
    assert view.reset(seed=0).observation.shape == (1,) and view.step(1).reward == 1.0
    vec = sekai.SyncVecEnv([Typed] * 2)
    vec.reset(seed=0)
    assert vec.step({Seat.MAKER: [0, 1], Seat.TAKER: [1, 1]}).rewards[Seat.MAKER].tolist() == [0.0, 1.0]
    assert sekai.MultiAgentEnv[Literal["a", "b"]] is not None


class Masked(ClockworkEnv):
    """Says which of three actions are allowed: at time t not t mod 3."""

    def __init__(self) -> None:
        super().__init__({"a": 1, "b": 2}, length=7)
        self.action_spaces = {agent: sekai.Discrete(3) for agent in "ab"}  # type: ignore[assignment]

    def action_masks(self) -> dict[str, Any]:
        return {agent: [int(k != self.time % 3) for k in range(3)] for agent in self.acting}


def test_action_masks_reach_views_layers_and_the_checker() -> None:
    env = Masked()
    env.reset(seed=0)
    assert env.action_masks() == {"a": [0, 1, 1], "b": [0, 1, 1]}
    assert sekai.TimeLimit(env.wrap(sekai.ClipReward, max=1), 3).action_masks() == env.action_masks()
    view = env.view("a", {"b": lambda obs: 1})
    view.reset(seed=0)
    assert view.action_mask() == [0, 1, 1] and sekai.ClipReward(view, max=1).action_mask() == [0, 1, 1]
    assert view.as_multi_agent("solo").action_masks() == {"solo": [0, 1, 1]}
    assert CountingEnv().action_mask() is None and CountingEnv().as_multi_agent().action_masks() == {}
    assert sekai.check_env(sekai.CheckAction(Masked()), n_steps=30) == [], "it keeps to the masks"
    seen = sekai.ActionMaskObservation(Masked()).reset(seed=0).observations["b"]
    assert seen["action_mask"].tolist() == [0, 1, 1]
    checked = sekai.CheckAction(Masked())
    checked.reset(seed=0)
    with pytest.raises(sekai.error.InvalidAction, match="action of 'b' must be one that the mask"):
        checked.step({"a": 1, "b": 0})
