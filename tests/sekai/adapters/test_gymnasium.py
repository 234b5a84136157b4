"""Our environments before gymnasium's judges, gymnasium's as ours, and our layers beside its wrappers, step by step."""

import pickle
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import wrappers as theirs
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.utils.env_match import check_environments_match

import sekai
from sekai import spaces as ours
from sekai.adapters.gymnasium import (
    FromGymnasium,
    ToGymnasium,
    from_gymnasium,
    from_gymnasium_space,
    make,
    to_gymnasium,
    to_gymnasium_space,
    to_gymnasium_vector,
)
from sekai.adapters.gymnasium.values import value_from_gymnasium, value_to_gymnasium
from sekai.core.result import same
from sekai.error import InvalidAction, ResetRequired, SekaiError, SpaceMismatch
from sekai.testing import CountingEnv, EchoEnv

ADVICE = (
    "A Box observation space minimum value is -infinity",
    "A Box observation space maximum value is infinity",
    "For Box action spaces, we recommend",
    "is different from the unwrapped version",
    "Not able to test alternative render modes",
    "precision lowered by casting to float32",  # gymnasium's DtypeObservation
    "overflow encountered in cast",  # the same
)


@pytest.fixture(autouse=True)
def only_advice() -> Iterator[None]:
    """Let no warning of a judge pass that is not mere advice."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    said = {str(warning.message) for warning in caught}
    assert {text for text in said if not any(advice in text for advice in ADVICE)} == set()


class Signal(sekai.Env[Any, Any]):
    """Three numbers that follow the action and a noise; pays the second less the action's size; ends at `length`."""

    def __init__(self, length: int = 12) -> None:
        self.length = length
        self.observation_space = sekai.Box(-2.0, 2.0, (3,))
        self.action_space = sekai.Box(-1.0, 1.0, (2,))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> sekai.ResetResult[Any]:
        self._set_rng(seed)
        self.time = 0
        return sekai.ResetResult(self._see(np.zeros(2)), {"time": 0})

    def step(self, action: Any) -> sekai.StepResult[Any]:
        self.time += 1
        seen = self._see(action)
        reward = float(3 * seen[1] - np.abs(action).sum())
        return sekai.StepResult(
            seen, reward, self.time >= self.length, False, {"time": self.time, "sum": np.array([action.sum()])}
        )

    def _see(self, action: Any) -> Any:
        noise = self.rng.uniform(-0.5, 0.5)
        return np.array([*np.clip(action, -1, 1), noise], np.float32)


class Parts(Signal):
    """The same in a Dict of a Box and a choice."""

    def __init__(self, length: int = 12) -> None:
        super().__init__(length)
        self.observation_space = sekai.Dict({"near": sekai.Box(-2.0, 2.0, (3,)), "regime": sekai.Discrete(3)})

    def _see(self, action: Any) -> Any:
        return {"near": super()._see(action), "regime": np.int64(self.rng.integers(3))}

    def step(self, action: Any) -> sekai.StepResult[Any]:
        self.time += 1
        return sekai.StepResult(self._see(action), float(action.sum()), self.time >= self.length, False, {})


@pytest.fixture(autouse=True, scope="module")
def registered() -> None:
    sekai.register("gymnasium-tests/Counting-v0", CountingEnv, max_episode_steps=4)
    sekai.register("gymnasium-tests/Signal-v3", Signal, kwargs={"length": 30}, reward_threshold=1.5)


MADE = [
    "gymnasium-tests/Counting-v0",
    "gymnasium-tests/Signal-v3",
    "markets/MarketMaking-v0",
    "markets/Trading-v0",
]


# --- the judges -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("id", MADE)
def test_the_judge_of_environments(id: str) -> None:
    env = to_gymnasium(sekai.make(id))
    assert env.spec is not None and env.spec.id == id
    check_env(env)


def test_the_judge_of_one_seat_of_a_scenario() -> None:
    env = to_gymnasium(sekai.make("scenarios/maker-duel", agent="maker_0"))
    assert env.spec is not None and env.spec.kwargs["agent"] == "maker_0"
    check_env(env)


def test_the_judge_of_frames() -> None:
    class Frames:
        closed = False

        def render(self, env: sekai.Env) -> np.ndarray:
            return np.full((4, 4, 3), env.unwrapped.time, np.uint8)

        def close(self) -> None:
            self.closed = True

    frames = Frames()
    env = to_gymnasium(sekai.make(MADE[0]), renderer=frames)
    assert env.render_mode == "rgb_array" and env.metadata["render_modes"] == ["rgb_array"]
    check_env(env)
    env.close()
    assert frames.closed
    with pytest.raises(SekaiError, match="frames need a renderer"):
        make(MADE[0], render_mode="rgb_array")


@pytest.mark.parametrize("id", MADE)
def test_what_the_spec_makes_is_the_same(id: str) -> None:
    env = to_gymnasium(sekai.make(id))
    assert env.spec is not None
    check_environments_match(env, env.spec.make(), num_steps=60, seed=5)
    if id.startswith("markets"):
        again = gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json())
        check_environments_match(to_gymnasium(sekai.make(id)), gymnasium.make(again), num_steps=20)


def test_a_spec_that_would_make_something_else_is_not_set() -> None:
    assert to_gymnasium(sekai.NormalizeObservation(sekai.make(MADE[1]))).spec is None
    assert to_gymnasium(Signal()).spec is None


def test_an_id_of_ours_can_be_registered_there() -> None:
    gymnasium.register("gymnasium-tests/There-v0", "sekai.adapters.gymnasium:make", kwargs={"env_id": MADE[1]})
    env = gymnasium.make("gymnasium-tests/There-v0", length=7)
    check_environments_match(env, to_gymnasium(sekai.make(MADE[1], length=7)), num_steps=20)


@pytest.mark.parametrize("id", ["CartPole-v1", "Pendulum-v1", "FrozenLake-v1"])
def test_gymnasiums_environments_come_through_unchanged(id: str) -> None:
    through = ToGymnasium(FromGymnasium(gymnasium.make(id)))
    reference = theirs.TransformReward(gymnasium.make(id), float)  # a reward is a float here, whatever it was
    check_environments_match(reference, through, num_steps=300, seed=3)
    check_env(through)
    mine = from_gymnasium(gymnasium.make(id))
    assert mine.spec is not None
    again = sekai.make(mine.spec)
    first, second = mine.reset(seed=1), again.reset(seed=1)
    assert first == second and first.observation in mine.observation_space
    assert mine.rng.bit_generator.state == again.rng.bit_generator.state
    mine.close()


TAXI = max(id for id in gymnasium.registry if id.startswith("Taxi-"))


@pytest.mark.parametrize("id", ["CartPole-v1", "Pendulum-v1", TAXI])
def test_our_checker_finds_nothing_in_gymnasiums_environments(id: str) -> None:
    """Seeds, memory, clones and all; and nothing in ours after the way there and back."""
    assert sekai.check_env(from_gymnasium(gymnasium.make(id)), n_steps=60) == []
    assert sekai.check_env(FromGymnasium(ToGymnasium(Parts())), n_steps=60) == []


def test_action_masks_come_through() -> None:
    taxi = from_gymnasium(gymnasium.make(TAXI))
    begun = taxi.reset(seed=3)
    assert same(taxi.action_mask(), begun.info["action_mask"]) and 0 < taxi.action_mask().sum() < 6
    masked = sekai.ActionMaskObservation(taxi)
    assert same(masked.reset(seed=3).observation["action_mask"], begun.info["action_mask"])
    strict = sekai.CheckAction(taxi)
    strict.reset(seed=3)
    with pytest.raises(sekai.error.InvalidAction):
        strict.step(int(np.argmin(begun.info["action_mask"])))


def test_our_layers_and_vector_envs_go_around_gymnasiums_environments() -> None:
    env = sekai.RecordEpisodeStatistics(sekai.TimeLimit(from_gymnasium(gymnasium.make("CartPole-v1")), 5))
    env.reset(seed=0)
    while not (last := env.step(env.action_space.sample())).done:
        pass
    assert last.info["episode"].episode_return == last.info["episode"].episode_length <= 5
    many = from_gymnasium(gymnasium.make("CartPole-v1")).as_multi_agent("pole_0")
    assert many.reset(seed=0).observations["pole_0"].shape == (4,)
    vec = sekai.SyncVecEnv([lambda: from_gymnasium(gymnasium.make("CartPole-v1"))] * 3)
    assert vec.reset(seed=0).observations.shape == (3, 4)


# --- our layers beside gymnasium's wrappers ---------------------------------------------------------------------------
Pair = tuple[type[Any], dict[str, Any], Callable[[Any], Any], type[Signal]]
PAIRS: dict[str, Pair] = {
    "TimeLimit": (sekai.TimeLimit, {"max_episode_steps": 5}, lambda e: theirs.TimeLimit(e, 5), Signal),
    "OrderEnforcing": (sekai.OrderEnforcing, {}, theirs.OrderEnforcing, Signal),
    "ClipAction": (sekai.ClipAction, {}, theirs.ClipAction, Signal),
    "RescaleAction": (
        sekai.RescaleAction,
        {"min": -4.0, "max": 2.0},
        lambda e: theirs.RescaleAction(e, np.float32(-4.0), np.float32(2.0)),
        Signal,
    ),
    "ClipReward": (
        sekai.ClipReward,
        {"min": -0.5, "max": 0.2},
        lambda e: theirs.ClipReward(e, -0.5, 0.2),
        Signal,
    ),
    "TransformReward": (
        sekai.TransformReward,
        {"fn": lambda r: 2.0 * r},
        lambda e: theirs.TransformReward(e, lambda r: 2.0 * r),
        Signal,
    ),
    "TransformObservation": (
        sekai.TransformObservation,
        {"fn": lambda x: -x},
        lambda e: theirs.TransformObservation(e, lambda x: -x, e.observation_space),
        Signal,
    ),
    "DtypeObservation": (
        sekai.DtypeObservation,
        {"dtype": np.float64},
        lambda e: theirs.DtypeObservation(e, np.float64),
        Signal,
    ),
    "RescaleObservation": (
        sekai.RescaleObservation,
        {"min": 0.0, "max": 8.0},
        lambda e: theirs.RescaleObservation(e, np.float32(0.0), np.float32(8.0)),
        Signal,
    ),
    "FilterObservation": (
        sekai.FilterObservation,
        {"keys": ["near"]},
        lambda e: theirs.FilterObservation(e, ["near"]),
        Parts,
    ),
    "FlattenObservation": (sekai.FlattenObservation, {}, theirs.FlattenObservation, Signal),
    "FlattenObservation of a Dict": (
        sekai.FlattenObservation,
        {},
        lambda e: theirs.DtypeObservation(theirs.FlattenObservation(e), np.float32),  # ours widens only if it must
        Parts,
    ),
    "FrameStackObservation": (
        sekai.FrameStackObservation,
        {"n": 3},
        lambda e: theirs.FrameStackObservation(e, 3),
        Signal,
    ),
    "DelayObservation": (sekai.DelayObservation, {"delay": 2}, lambda e: theirs.DelayObservation(e, 2), Signal),
    "StickyAction never": (
        sekai.StickyAction,
        {"repeat_action_probability": 0.0},
        lambda e: theirs.StickyAction(e, 0.0),
        Signal,
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_layer_does_what_gymnasiums_wrapper_does(name: str) -> None:
    layer, arguments, wrapper, base = PAIRS[name]
    mine = to_gymnasium(layer(base(), **arguments))
    check_environments_match(_rounded(wrapper(to_gymnasium(base()))), _rounded(mine), num_steps=60, seed=4)


def _rounded(env: gymnasium.Env) -> gymnasium.Env:
    """Return the environment with rewards as floats of four digits: the judge compares them to the last."""
    return theirs.TransformReward(env, lambda reward: round(float(reward), 4))


@pytest.mark.parametrize("flat", [True, False])
def test_time_is_shown_as_gymnasium_shows_it(flat: bool) -> None:
    """The bounds of the time differ: gymnasium takes a limit from the spec, and so do we where there is one."""
    base = theirs.TimeLimit(to_gymnasium(Signal()), 9)
    base.unwrapped.spec = gymnasium.envs.registration.EnvSpec("Signal-v0", max_episode_steps=9)
    mine = to_gymnasium(sekai.TimeAwareObservation(sekai.TimeLimit(Signal(), 9), flatten=flat, max_episode_steps=9))
    wrapped = theirs.TimeAwareObservation(base, flatten=flat)
    if flat:  # ours keeps the observation's dtype
        wrapped = theirs.DtypeObservation(wrapped, mine.observation_space.dtype.type)
    check_environments_match(wrapped, mine, num_steps=30, seed=4)


def test_running_statistics_are_gymnasiums_without_its_first_guess() -> None:
    """Gymnasium begins with a ten-thousandth of an observation at 0; without it they agree from the second on."""
    wrapped = theirs.NormalizeObservation(to_gymnasium(Signal(40)))
    wrapped.obs_rms.count = 0.0
    mine = to_gymnasium(sekai.NormalizeObservation(Signal(40)))
    wrapped.reset(seed=4), mine.reset(seed=4)
    mine.action_space.seed(0)
    for _ in range(39):
        action = mine.action_space.sample()
        np.testing.assert_allclose(wrapped.step(action)[0], mine.step(action)[0], rtol=1e-4, atol=1e-5)


def test_scaled_rewards_are_gymnasiums_without_its_first_guess() -> None:
    """From the second reward of the first episode on."""
    wrapped = theirs.NormalizeReward(to_gymnasium(Signal(40)), gamma=0.9)
    wrapped.return_rms.count = 0.0
    mine = to_gymnasium(sekai.NormalizeReward(Signal(40), gamma=0.9))
    wrapped.reset(seed=4), mine.reset(seed=4)
    mine.action_space.seed(0)
    rewards = []
    for _ in range(39):
        action = mine.action_space.sample()
        rewards.append((wrapped.step(action)[1], mine.step(action)[1]))
    np.testing.assert_allclose(*np.transpose(rewards[1:]), rtol=1e-5)


def test_statistics_of_an_episode_are_gymnasiums() -> None:
    wrapped = theirs.RecordEpisodeStatistics(to_gymnasium(Signal()))
    mine = sekai.RecordEpisodeStatistics(Signal())
    wrapped.reset(seed=1), mine.reset(seed=1)
    for _ in range(12):
        action = mine.action_space.sample()
        *_, info = wrapped.step(action)
        last = mine.step(action)
    assert last.info["episode"].episode_length == info["episode"]["l"] == 12
    assert last.info["episode"].episode_return == pytest.approx(info["episode"]["r"], abs=1e-5)


def test_autoreset_begins_the_next_episode_as_gymnasium_in_the_same_step() -> None:
    """Gymnasium's wrapper begins it a step later; its vector env in the mode SAME_STEP is what `AutoReset` does."""
    mode = gymnasium.vector.AutoresetMode.SAME_STEP
    vec = gymnasium.vector.SyncVectorEnv([lambda: to_gymnasium(Signal(3))], autoreset_mode=mode)
    mine = sekai.AutoReset(Signal(3))
    assert same(vec.reset(seed=[1])[0][0], mine.reset(seed=1).observation)
    for _ in range(7):
        action = mine.action_space.sample()
        seen, reward, terminated, _, info = vec.step(action[None])
        step = mine.step(action)
        assert same(seen[0], step.observation) and (reward[0], terminated[0]) == (step.reward, step.terminated)
        if step.terminated:
            assert same(info["final_obs"][0], step.info["final_observation"])
            assert info["final_info"]["time"][0] == step.info["final_info"]["time"] == 3


# --- there and back ---------------------------------------------------------------------------------------------------
def test_there_and_back_is_the_same() -> None:
    env, pole = Signal(), gymnasium.make("CartPole-v1")
    assert from_gymnasium(to_gymnasium(env)) is env
    assert to_gymnasium(from_gymnasium(pole)) is pole


def test_attributes_are_those_of_the_layers() -> None:
    env = to_gymnasium(sekai.TimeLimit(Signal(9), 5))
    assert env.get_wrapper_attr("length") == 9 and env.get_wrapper_attr("max_episode_steps") == 5
    assert env.has_wrapper_attr("length") and not env.has_wrapper_attr("height")
    assert env.set_wrapper_attr("length", 3) and env.sekai_env.unwrapped.length == 3
    assert not env.set_wrapper_attr("height", 3, force=False)
    with pytest.raises(AttributeError, match="has no attribute 'height'"):
        env.get_wrapper_attr("height")
    vec = gymnasium.vector.SyncVectorEnv([lambda: to_gymnasium(Signal(9))] * 2)
    vec.set_attr("length", [4, 5])
    assert vec.get_attr("length") == (4, 5)


def test_what_gymnasiums_environment_has_is_not_hidden() -> None:
    """Attributes are read, set and called through our layers, and nothing is set here in place of there."""
    mine = sekai.TimeLimit(from_gymnasium(gymnasium.make("CartPole-v1")), 5)
    inner: Any = mine.unwrapped
    theirs_inside = inner.env.unwrapped
    assert inner.gravity == 9.8 and inner.render_mode is None and not hasattr(inner, "height")
    inner.gravity = 3.7
    assert theirs_inside.gravity == inner.gravity == 3.7 and "gravity" not in vars(inner)
    inner.note = "mine"
    assert vars(inner)["note"] == "mine" and not hasattr(theirs_inside, "note")
    there = to_gymnasium(mine)
    assert there.unwrapped is theirs_inside
    assert there.get_wrapper_attr("gravity") == 3.7 and to_gymnasium(Signal()).unwrapped.__class__ is ToGymnasium
    for twin in (pickle.loads(pickle.dumps(mine)), mine.clone()):
        assert twin.unwrapped.gravity == 3.7 and twin.unwrapped.env.unwrapped is not theirs_inside
    vec = sekai.SyncVecEnv([lambda: from_gymnasium(gymnasium.make("CartPole-v1"))] * 2)
    vec.set_attr("gravity", [3.0, 4.0])
    assert vec.get_attr("gravity") == [env.env.unwrapped.gravity for env in vec.envs] == [3.0, 4.0]
    with pytest.raises(AttributeError, match="environment 0, .* has no 'height'"):
        vec.set_attr("height", 1)


def test_what_an_environment_draws_itself_comes_through() -> None:
    class Drawn(Signal):
        render_mode = "ansi"

        def render(self) -> str:
            return f"time {self.time}"

    lake = to_gymnasium(sekai.TimeLimit(from_gymnasium(gymnasium.make("FrozenLake-v1", render_mode="ansi")), 5))
    lake.reset(seed=0)
    assert lake.render_mode == lake.sekai_env.unwrapped.render_mode == "ansi" and lake.render().count("F") == 10
    env = to_gymnasium(sekai.TimeLimit(Drawn(), 5))
    env.reset(seed=0)
    assert env.render_mode == "ansi" and env.metadata["render_modes"] == ["ansi"] and env.render() == "time 0"
    assert to_gymnasium(Signal()).render() is None


def test_a_seeded_space_draws_the_same_on_the_other_side() -> None:
    """The stream comes along, there and back; what is drawn on one side does not move the other's."""
    theirs_space = gymnasium.spaces.Dict({"a": gymnasium.spaces.Box(0.0, 1.0, (2,)), "b": gymnasium.spaces.Discrete(9)})
    theirs_space.seed(5)
    mine = from_gymnasium_space(theirs_space)
    again = to_gymnasium_space(mine)
    assert same(again.sample(), theirs_space.sample())
    first = [to_gymnasium_space(ours.MultiDiscrete([5, 9], seed=3)).sample().tolist() for _ in range(2)]
    assert first[0] == first[1]
    pole = gymnasium.make("CartPole-v1")
    pole.action_space.seed(7)
    assert [from_gymnasium(pole).action_space.sample() for _ in range(2)].count(
        from_gymnasium(pole).action_space.sample()
    ) == 2


class Odd(gymnasium.Space[int]):
    """A kind of space that only this file knows."""

    def sample(self, mask: Any = None, probability: Any = None) -> int:
        return 2 * int(self.np_random.integers(5)) + 1

    def contains(self, x: Any) -> bool:
        return isinstance(x, int) and x % 2 == 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Odd)


def test_a_kind_of_space_that_is_not_known_here_is_used_as_it_is() -> None:
    theirs_space = gymnasium.spaces.Dict({"odd": Odd(), "side": gymnasium.spaces.Discrete(2)})
    mine = from_gymnasium_space(theirs_space)
    assert to_gymnasium_space(mine)["odd"] is theirs_space["odd"] and mine == from_gymnasium_space(theirs_space)
    mine.seed(0)
    drawn = mine.sample()
    assert drawn in mine and {"odd": 2, "side": 0} not in mine
    assert mine.decode_sample(mine.encode_sample(drawn)) == drawn
    with pytest.raises(SpaceMismatch, match="cannot be written down: register its conversion"):
        mine.to_jsonable()

    class Oddities(gymnasium.Env[Any, Any]):
        observation_space = action_space = Odd()

        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            return 1, {}

        def step(self, action: Any) -> Any:
            return action, 0.0, False, False, {}

    vec = sekai.SyncVecEnv([lambda: from_gymnasium(Oddities())] * 2)
    vec.reset(seed=0)
    assert vec.step([3, 5]).observations.tolist() == [3, 5]


def test_masks_are_flags_as_maskable_ppo_asks_for_them() -> None:
    taxi = to_gymnasium(sekai.TimeLimit(from_gymnasium(gymnasium.make(TAXI)), 9))
    _, info = taxi.reset(seed=3)
    assert taxi.action_masks().dtype == bool and taxi.action_masks().tolist() == info["action_mask"].tolist()
    market = to_gymnasium(sekai.make("markets/MarketMaking-v0"))
    assert market.action_masks().shape == (market.action_space.nvec.sum(),) and market.action_masks().dtype == bool
    with pytest.raises(SpaceMismatch, match="have masks, got Box"):
        to_gymnasium(Signal()).action_masks()


def test_the_random_stream_is_the_environments() -> None:
    env = to_gymnasium(sekai.TimeLimit(Signal(), 5))
    assert env.np_random_seed == env.np_random_seed >= 0
    env.reset(seed=11)
    assert env.np_random is env.sekai_env.unwrapped.rng and env.np_random_seed == 11
    with pytest.raises(SekaiError, match=r"seed it by reset\(seed=...\)"):
        env.np_random = np.random.default_rng(0)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(SekaiError, match="gymnasium has one agent, .* take env.view"):
        to_gymnasium(EchoEnv())
    with pytest.raises(SekaiError, match=r"must be a sekai\.Env"):
        to_gymnasium(gymnasium.make("CartPole-v1"))
    with pytest.raises(SekaiError, match=r"must be a gymnasium\.Env"):
        from_gymnasium(Signal())
    with pytest.raises(ResetRequired):
        to_gymnasium(sekai.OrderEnforcing(Signal())).step(np.zeros(2))
    with pytest.raises(SpaceMismatch, match="register its conversion"):
        to_gymnasium_space(3)


# --- what trainers send -----------------------------------------------------------------------------------------------
class Ordering(sekai.Env[Any, Any]):
    """Takes a price from 5 on, and a side from -1 on, in a space of one's choice; observes nothing."""

    def __init__(self, space: Any) -> None:
        self.observation_space = sekai.Box(0.0, 1.0, (1,))
        self.action_space = space
        self.asked: list[Any] = []

    def reset(self, *, seed: int | None = None, options: Any = None) -> sekai.ResetResult[Any]:
        return sekai.ResetResult(np.zeros(1, np.float32), {})

    def step(self, action: Any) -> sekai.StepResult[Any]:
        if action not in self.action_space:
            raise InvalidAction(f"action must be in {self.action_space}, got {action!r}")
        self.asked.append(self.action_space.encode_sample(action))
        return sekai.StepResult(np.zeros(1, np.float32), 0.0, False, False, {})


PRICE, SIDE = ours.Discrete(3, start=5), ours.Discrete(2, start=-1)


@pytest.mark.parametrize(
    ("space", "sent", "asked"),
    [
        (PRICE, 2, 7),
        (PRICE, np.int64(0), 5),
        (PRICE, np.array(1, np.uint8), 6),
        (ours.MultiDiscrete([3, 2], start=[5, -1]), np.array([2, 0]), [7, -1]),
        (ours.MultiDiscrete([3, 2], start=[5, -1]), np.array([2, 0], np.uint8), [7, -1]),
        (ours.MultiDiscrete([3, 2], start=[5, -1]), np.array([2, 0], np.uint64), [7, -1]),
        (ours.MultiDiscrete([3, 2], start=[5, -1]), [2, 0], [7, -1]),
        (ours.MultiDiscrete([3, 2]), np.array([2, 0]), [2, 0]),
        (ours.Dict({"price": PRICE, "lots": ours.Discrete(4)}), {"price": 1, "lots": 3}, {"price": 6, "lots": 3}),
        (ours.Tuple([PRICE, ours.Dict({"side": SIDE})]), (0, {"side": np.int64(0)}), [5, {"side": -1}]),
    ],
)
def test_choices_are_counted_from_0(space: Any, sent: Any, asked: Any) -> None:
    """Stable-Baselines3 and TorchRL send them so, whatever the start."""
    env = to_gymnasium(Ordering(space))
    env.reset(seed=0)
    env.step(sent)
    assert env.sekai_env.asked == [asked]
    for _ in range(20):
        env.step(env.action_space.sample())
    vec = to_gymnasium_vector(sekai.SyncVecEnv([lambda: Ordering(space)] * 2))
    vec.reset(seed=0)
    vec.step(vec.action_space.sample())
    vec.step([sent, sent])
    assert [env.sekai_env.asked[-1] for env in vec.envs] == [asked, asked]


@pytest.mark.parametrize("sent", [3, -1, 0.5, None, "1", np.array([1, 1]), {"lots": 0}])
def test_what_is_no_choice_is_rejected_by_the_environment(sent: Any) -> None:
    for space in (PRICE, ours.Dict({"price": PRICE}), ours.Tuple([PRICE, PRICE, PRICE])):
        env = to_gymnasium(Ordering(space))
        env.reset(seed=0)
        with pytest.raises(InvalidAction, match="action must be in"):
            env.step(sent)


def test_the_choices_of_a_market_start_at_0_as_gymnasiums_own_need_not() -> None:
    market, there = (sekai.make("markets/MarketMaking-v0") for _ in range(2))
    mine = to_gymnasium(there)
    assert not market.action_space.start.any() and not mine.action_space.start.any()
    market.reset(seed=3), mine.reset(seed=3)
    action = np.array([0, 4, 5, 0], np.int32)
    assert same(market.step(action).observation, mine.step(action)[0])

    class Backwards(gymnasium.Env[Any, Any]):
        observation_space = action_space = gymnasium.spaces.Discrete(3, start=-2)

        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            return 0, {}

        def step(self, action: Any) -> Any:
            assert action in self.action_space
            return action, 0.0, False, False, {}

    for env in (to_gymnasium(sekai.TimeLimit(from_gymnasium(Backwards()), 5)), ToGymnasium(FromGymnasium(Backwards()))):
        assert env.action_space.start == -2
        env.reset()
        assert env.step(-2)[0] == -2
    vec = to_gymnasium_vector(sekai.SyncVecEnv([lambda: from_gymnasium(Backwards())] * 2))
    vec.reset()
    assert vec.single_action_space.start == -2 and vec.step(np.array([-2, -1]))[0].tolist() == [-2, -1]


# --- spaces -----------------------------------------------------------------------------------------------------------
GRAPH = ours.Graph(ours.Box(-1.0, 1.0, (2,)), ours.Discrete(3))
SPACES: dict[str, Any] = {
    "box": ours.Box(-1.0, np.array([1.0, np.inf]), (2,)),
    "doubles": ours.Box(-np.inf, np.inf, (2, 3), np.float64),
    "bytes": ours.Box(0, 255, (4,), np.uint8),
    "integers open above": ours.Box(np.array([-5.0, -np.inf]), np.inf, (2,), np.int32),
    "all of int64": ours.Box(-(2**63), 2**63 - 1, (1,), np.int64),
    "booleans": ours.Box(False, True, (2,), bool),
    "a number": ours.Box(-1.0, 1.0, ()),
    "discrete": ours.Discrete(5, start=-2),
    "multi-discrete": ours.MultiDiscrete([[3, 3], [2, 4]], start=[[-1, 0], [1, 2]]),
    "flags": ours.MultiBinary(4),
    "flags in a table": ours.MultiBinary((2, 3)),
    "text": ours.Text(6, min_length=2, charset="abc"),
    "tuple": ours.Tuple([ours.Discrete(2), ours.Box(0.0, 1.0, (1,))]),
    "sequence": ours.Sequence(ours.Tuple([ours.Discrete(2), ours.Box(0.0, 1.0, (1,))])),
    "stack": ours.Sequence(ours.Box(0.0, 1.0, (2,)), stack=True),
    "stacked choices": ours.Sequence(ours.Discrete(3, start=-1), stack=True),
    "stacked parts": ours.Sequence(
        ours.Dict({"b": ours.Tuple([ours.Discrete(2), ours.Box(0.0, 1.0, (1,))]), "a": ours.MultiBinary(3)}), stack=True
    ),
    "graph": GRAPH,
    "graph without edges": ours.Graph(ours.Discrete(3)),
    "graph of parts": ours.Graph(
        ours.Dict({"at": ours.Box(0.0, 1.0, (2,)), "side": ours.Discrete(2)}),
        ours.Tuple([ours.MultiBinary(2), ours.MultiDiscrete([3, 2])]),
    ),
    "one of": ours.OneOf([ours.Discrete(2), ours.Box(0.0, 1.0, (1,)), GRAPH]),
    "nested": ours.Dict({"b": ours.Tuple([GRAPH, ours.Discrete(2)]), "a": ours.Dict({"s": ours.Sequence(GRAPH)})}),
}


@pytest.mark.parametrize("name", SPACES)
def test_a_space_comes_back_the_same_and_values_belong_on_both_sides(name: str) -> None:
    mine = SPACES[name]
    there = to_gymnasium_space(mine)
    assert from_gymnasium_space(there) == mine == from_gymnasium_space(to_gymnasium_space(from_gymnasium_space(there)))
    assert pickle.loads(pickle.dumps(there)) == there
    mine.seed(3), there.seed(3)
    away, home = value_to_gymnasium(mine), value_from_gymnasium(mine)
    for _ in range(20):
        value = mine.sample()
        sent = away(value) if away else value
        assert there.contains(sent)
        assert same(home(sent) if home else sent, value)
        given = there.sample()
        assert mine.contains(home(given) if home else given)


def test_a_kind_of_ones_own_joins_by_registering() -> None:
    class Price(sekai.Discrete):
        pass

    class TheirPrice(gymnasium.spaces.Discrete):
        pass

    to_gymnasium_space.register(Price, lambda space: TheirPrice(space.n))
    from_gymnasium_space.register(TheirPrice, lambda space: Price(int(space.n)))
    assert type(to_gymnasium_space(ours.Dict({"p": Price(3)}))["p"]) is TheirPrice
    assert type(from_gymnasium_space(TheirPrice(3))) is Price


def test_graphs_are_seen_and_sent_as_each_side_has_them() -> None:
    class Web(sekai.Env[Any, Any]):
        """Shows what was sent."""

        def __init__(self) -> None:
            self.observation_space = self.action_space = GRAPH

        def reset(self, *, seed: int | None = None, options: Any = None) -> sekai.ResetResult[Any]:
            self._set_rng(seed)
            self.observation_space.seed(seed)
            return sekai.ResetResult(self.observation_space.sample(), {})

        def step(self, action: Any) -> sekai.StepResult[Any]:
            assert action in self.action_space
            return sekai.StepResult(action, 0.0, False, False, {})

    env = to_gymnasium(Web())
    assert env.observation_space.contains(env.reset(seed=0)[0])
    sent = env.action_space.sample()
    assert data_equivalence(env.step(sent)[0], sent)
    back = FromGymnasium(env)
    back.reset(seed=0)
    mine = GRAPH.sample()
    assert same(back.step(mine).observation, mine)


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int32])
def test_choices_keep_their_dtype(dtype: Any) -> None:
    for mine in (ours.Discrete(3, start=1, dtype=dtype), ours.MultiDiscrete([2, 3], dtype=dtype)):
        there = to_gymnasium_space(mine)
        assert there.dtype == dtype and there.sample().dtype == dtype and from_gymnasium_space(there) == mine


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.uint64])
@pytest.mark.parametrize("high", [np.inf, [np.inf, 7], [np.inf, 100]])
def test_integers_without_bounds_come_through(dtype: Any, high: Any) -> None:
    box = ours.Box(0, high, (2,), dtype)
    there = to_gymnasium_space(box)
    back = from_gymnasium_space(there)
    assert isinstance(back, ours.Box)
    assert (back.low == box.low).all() and (back.high == box.high).all()
    assert there.sample() in box
    assert back == box or np.dtype(dtype).kind == "u"


def test_integers_keep_their_digits_beside_none() -> None:
    box = ours.Box(0, [np.inf, 2**60 + 1], (2,), np.int64)
    assert from_gymnasium_space(to_gymnasium_space(box)) == box
