"""Our vector envs beside gymnasium's over the same environments: what follows an end, infos, seeds, memory, errors."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import vector as theirs

import sekai
from sekai import spaces as ours
from sekai.adapters.gymnasium import (
    FromGymnasiumVector,
    ToGymnasiumVector,
    from_gymnasium,
    from_gymnasium_vector,
    to_gymnasium,
    to_gymnasium_vector,
)
from sekai.core.result import same
from sekai.error import ClosedEnvironment, InvalidAction, InvalidMask, ResetRequired, SekaiError
from sekai.testing import CountingEnv, EchoEnv
from sekai.vector import ProcVecEnv, SyncVecEnv, VecObservationWrapper, make_vec

MODES = {
    "same_step": AutoresetMode.SAME_STEP,
    "next_step": AutoresetMode.NEXT_STEP,
    "disabled": AutoresetMode.DISABLED,
}


class Telling(sekai.Env[Any, Any]):
    """Observes and says all kinds of things; terminates at `length`, at even lengths it truncates."""

    def __init__(self, length: int = 3) -> None:
        self.length = length
        self.observation_space = sekai.Dict({
            "noise": sekai.Box(0.0, 1.0, (2,)),
            "parts": ours.Tuple([sekai.Discrete(9), ours.MultiBinary(3)]),
        })  # fmt: skip
        self.action_space = sekai.Dict({"size": sekai.Box(-1.0, 1.0, ()), "side": sekai.Discrete(3)})

    def _see(self) -> Any:
        return {
            "noise": self.rng.random(2, np.float32),
            "parts": (np.int64(self.time), self.rng.integers(0, 2, 3).astype(np.int8)),
        }

    def reset(self, *, seed: int | None = None, options: Any = None) -> sekai.ResetResult[Any]:
        self._set_rng(seed)
        self.time = 0
        return sekai.ResetResult(self._see(), {"begun": True, "options": str(options or None)})

    def step(self, action: Any) -> sekai.StepResult[Any]:
        self.time += 1
        over = self.time >= self.length
        info: dict[str, Any] = {"time": self.time, "half": self.time / 2, "row": np.arange(3), "deep": {"er": "yes"}}
        if self.time == 2:
            info["only sometimes"] = self.time
        reward = float(action["size"]) + float(action["side"])
        return sekai.StepResult(self._see(), reward, over and self.length % 2 == 1, over and self.length % 2 == 0, info)


def makers(*lengths: int) -> list[Callable[[], Any]]:
    """Return what makes an environment of each length."""
    return [lambda length=length: Telling(length) for length in lengths]


def there(makers: list[Callable[[], Any]]) -> list[Callable[[], Any]]:
    return [lambda make=make: to_gymnasium(make()) for make in makers]


@pytest.fixture(params=["sync", "async", "processes"])
def kind(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return {"sync": SyncVecEnv, "async": sekai.AsyncVecEnv, "processes": _processes}[request.param]


def _processes(makers: list[Callable[[], Any]], **kwargs: Any) -> Any:
    return ProcVecEnv(makers, workers=2, **kwargs)


def equal(left: Any, right: Any) -> bool:
    return data_equivalence(left, right, exact=True)


def played(env: Any, steps: int, mode: str, options: Any = None) -> Iterator[Any]:
    """Yield what gymnasium's interface says, the finished rows reset by mask where nobody else does."""
    env.action_space.seed(0)
    yield env.reset(seed=5, options=options)
    over = np.zeros(env.num_envs, dtype=bool)
    for _ in range(steps):
        if mode == "disabled" and over.any():
            yield env.reset(options={"reset_mask": over.copy(), "why": "over"})
        told = env.step(env.action_space.sample())
        over = told[2] | told[3]
        yield told


# --- there ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mode", MODES)
def test_a_vector_env_says_what_gymnasiums_says(kind: Callable[..., Any], mode: str) -> None:
    """Observations, rewards, ends and infos, with their masks, to the last bit, whoever ends when."""
    mine = to_gymnasium_vector(kind(makers(1, 2, 3, 7), autoreset=mode))
    reference = SyncVectorEnv(there(makers(1, 2, 3, 7)), autoreset_mode=MODES[mode])
    assert mine.observation_space == reference.observation_space and mine.action_space == reference.action_space
    assert mine.metadata["autoreset_mode"] == reference.metadata["autoreset_mode"]
    ends = 0
    with closing(mine), closing(reference):
        for one, other in zip(played(mine, 25, mode, {"why": 1}), played(reference, 25, mode, {"why": 1}), strict=True):
            assert equal(one, other)
            ends += int((one[2] | one[3]).sum()) if len(one) == 5 else 0
        assert one[0] in mine.observation_space
    assert ends > 20


@pytest.mark.parametrize("seed", [None, 5, [1, None, 3]])
def test_seeds_are_gymnasiums(seed: Any) -> None:
    mine, reference = to_gymnasium_vector(SyncVecEnv(makers(3, 4, 5))), SyncVectorEnv(there(makers(3, 4, 5)))
    one, other = mine.reset(seed=seed)[0], reference.reset(seed=seed)[0]
    seeded = [row for row in range(3) if seed is not None and (isinstance(seed, int) or seed[row] is not None)]
    assert equal(one["noise"][seeded], other["noise"][seeded])
    mine.reset(seed=7), reference.reset(seed=7)
    assert mine.np_random_seed == reference.np_random_seed == (7, 8, 9)
    one, again = mine.reset()[0], mine.reset(seed=7)[0]
    assert not equal(one, again)


KINDS: dict[str, Any] = {
    "box": ours.Box(-1.0, 1.0, (2, 3)),
    "number": ours.Box(-1.0, 1.0, ()),
    "discrete": ours.Discrete(4, start=1),
    "multi-discrete": ours.MultiDiscrete([3, 4], start=[1, 0]),
    "flags": ours.MultiBinary((2, 2)),
    "tuple": ours.Tuple([ours.Discrete(3), ours.Box(0.0, 1.0, (2,))]),
    "text": ours.Text(5),
    "sequence": ours.Sequence(ours.Discrete(3)),
    "graph": ours.Graph(ours.Box(0.0, 1.0, (2,)), ours.Discrete(3)),
    "one of": ours.OneOf([ours.Discrete(2), ours.Box(0.0, 1.0, (2,))]),
    "nested": ours.Dict({"a": ours.Tuple([ours.Graph(ours.Discrete(3)), ours.Discrete(2)]), "b": ours.Text(3)}),
}


class Echo(sekai.Env[Any, Any]):
    """Observes the last action."""

    def __init__(self, space: Any) -> None:
        self.observation_space = self.action_space = space

    def reset(self, *, seed: int | None = None, options: Any = None) -> sekai.ResetResult[Any]:
        self._set_rng(seed)
        self.observation_space.seed(seed)
        return sekai.ResetResult(self.observation_space.sample(), {})

    def step(self, action: Any) -> sekai.StepResult[Any]:
        assert action in self.action_space, action
        return sekai.StepResult(action, 0.0, False, False, {})


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_space_passes_in_rows(name: str) -> None:
    """There, and there and back, what was sent is what is seen."""
    space = ours.Space.from_jsonable(KINDS[name].to_jsonable())
    make = [lambda: Echo(ours.Space.from_jsonable(space.to_jsonable()))] * 3
    mine, reference = to_gymnasium_vector(SyncVecEnv(make)), SyncVectorEnv(there(make))
    both = ToGymnasiumVector(FromGymnasiumVector(SyncVectorEnv(there(make))))
    firsts = [env.reset(seed=[1, 2, 3])[0] for env in (mine, reference, both)]
    assert equal(firsts[0], firsts[1]) and equal(firsts[0], firsts[2])
    assert mine.observation_space.contains(firsts[0])
    mine.action_space.seed(0)
    for _ in range(3):
        actions = mine.action_space.sample()
        seen = [env.step(actions)[0] for env in (mine, reference, both)]
        assert equal(seen[0], seen[1]) and equal(seen[0], seen[2])


def test_what_is_handed_out_is_the_callers(kind: Callable[..., Any]) -> None:
    with closing(to_gymnasium_vector(kind(makers(9, 9)))) as env:
        first = env.reset(seed=0)[0]
        kept = first["noise"].copy()
        told = [env.step(env.action_space.sample()) for _ in range(2)]
        assert equal(first["noise"], kept) and not np.shares_memory(told[0][0]["noise"], told[1][0]["noise"])
        assert not np.shares_memory(told[0][1], told[1][1])


def test_a_market_in_rows_as_gymnasium_has_it() -> None:
    mine = to_gymnasium_vector(make_vec("markets/MarketMaking-v0", 2, session_s=5.0))
    single = [lambda: to_gymnasium(sekai.make("markets/MarketMaking-v0", session_s=5.0))] * 2
    reference = SyncVectorEnv(single, autoreset_mode=AutoresetMode.SAME_STEP)
    for one, other in zip(played(mine, 40, "same_step"), played(reference, 40, "same_step"), strict=True):
        assert equal(one, other)
    agent = make_vec("markets/MakerTaker-v0", 2, session_s=5.0)
    with pytest.raises(SekaiError, match=r"gymnasium has one agent, .* take env.view"):
        to_gymnasium_vector(agent)


def test_gymnasiums_wrappers_go_around_ours() -> None:
    env = theirs.RecordEpisodeStatistics(
        to_gymnasium_vector(SyncVecEnv([lambda: CountingEnv(3)] * 2, autoreset="next_step"))
    )
    env = theirs.NormalizeObservation(env)
    env.reset(seed=0)
    for _ in range(3):
        *_, infos = env.step(np.array([0.5, 1.0], np.float32))
    assert infos["episode"]["l"].tolist() == [3, 3] and infos["episode"]["r"].tolist() == [1.5, 3.0]


def test_attributes_and_methods_of_rows(kind: Callable[..., Any]) -> None:
    with closing(to_gymnasium_vector(kind(makers(3, 4)))) as env:
        assert env.get_attr("length") == (3, 4)
        env.set_attr("length", 8)
        env.set_attr("length", [5, 6])
        assert env.get_attr("length") == (5, 6)
        assert env.call("close") == (None, None)
        with pytest.raises(SekaiError, match="value must be one, or a list or tuple of 2, got 3"):
            env.set_attr("length", [1, 2, 3])


def test_gymnasiums_own_rows_are_reached_through_ours(kind: Callable[..., Any]) -> None:
    """As its own vector envs have it: what is no method is read, what is not there is set nevertheless."""
    make = [lambda: from_gymnasium(gymnasium.make("FrozenLake-v1", render_mode="ansi"))] * 2
    with closing(to_gymnasium_vector(kind(make))) as env:
        env.reset(seed=0)
        assert env.render_mode == "ansi" and "ansi" in env.metadata["render_modes"]
        assert len(env.render()) == 2 and env.render()[1].count("F") == 10
    make = [lambda: from_gymnasium(gymnasium.make("CartPole-v1"))] * 2
    with closing(to_gymnasium_vector(kind(make))) as env:
        assert env.call("gravity") == (9.8, 9.8)
        env.set_attr("gravity", [1.0, 2.0])
        env.set_attr("note", ["a", "b"])
        assert env.get_attr("gravity") == (1.0, 2.0) and env.get_attr("note") == ("a", "b")
        env.reset(seed=4)
        assert env.np_random_seed == (4, 5) and len(env.np_random) == 2
        for ask in (env.get_attr, env.call, lambda name: env.call(name, 1)):
            with pytest.raises(AttributeError, match="has no 'nope'"):
                ask("nope")
        with pytest.raises(AttributeError, match="'gravity' is no method but 1.0: use get_attr"):
            env.call("gravity", 1)
    with closing(to_gymnasium_vector(kind(makers(3, 4)))) as env:
        assert env.render_mode is None and env.render() is None
        env.reset(seed=4)
        assert env.np_random_seed == (4, 5)
        with pytest.raises(AttributeError, match="has no 'lenght'"):
            env.set_attr("lenght", 3)


def test_environments_of_this_process_are_at_hand() -> None:
    pole = gymnasium.make("CartPole-v1")
    assert to_gymnasium_vector(SyncVecEnv([lambda: from_gymnasium(pole)])).envs == [pole]
    assert to_gymnasium_vector(SyncVecEnv(makers(3))).envs[0].get_wrapper_attr("length") == 3


def test_seeded_actions_are_drawn_the_same_through_ours() -> None:
    def made() -> Any:
        env = gymnasium.make("CartPole-v1")
        env.action_space.seed(3)
        return env

    mine = to_gymnasium_vector(SyncVecEnv([lambda: from_gymnasium(made())] * 4))
    reference = SyncVectorEnv([made] * 4)
    assert all(equal(mine.action_space.sample(), reference.action_space.sample()) for _ in range(20))


class Saying(CountingEnv):
    """Says what it was told to, a list of infos, one a step."""

    def __init__(self, *infos: dict[str, Any]) -> None:
        super().__init__(9)
        self.infos = iter(infos)

    def step(self, action: float) -> Any:
        result = super().step(action)
        return sekai.StepResult(result.observation, result.reward, False, False, next(self.infos))


@pytest.mark.parametrize(
    ("said", "column"),
    [
        ((0, 0.75), np.array([0.0, 0.75])),
        ((True, 3), np.array([1, 3])),
        ((np.float32(1), np.float64(0.1)), np.array([1.0, 0.1])),
        ((np.bool_(True), np.bool_(False)), np.array([True, False])),
        ((np.array([1, 2]), np.array([0.5, 0.5])), np.array([[1.0, 2.0], [0.5, 0.5]])),
        ((np.array(["a"]), np.array(["bcd"])), np.array([None, None])),
        ((np.zeros(2), np.zeros(3)), np.array([None, None])),
        ((1, "one"), np.array([None, None])),
        (({"er": 1}, {"er": 0.5}), {"er": np.array([1.0, 0.5]), "_er": np.array([True, True])}),
    ],
    ids=repr,
)
def test_a_column_of_infos_holds_what_every_row_said(said: tuple[Any, Any], column: Any) -> None:
    """Gymnasium's own takes the dtype of the first row: 0 and 0.75 become 0 and 0 there."""
    vec = to_gymnasium_vector(SyncVecEnv([lambda said=x: Saying({"told": said}) for x in said]))
    vec.reset(seed=0)
    *_, infos = vec.step(np.zeros(2, np.float32))
    if isinstance(column, np.ndarray) and column.dtype == object:
        assert infos["told"].dtype == object and all(same(a, b) for a, b in zip(infos["told"], said, strict=True))
    else:
        assert equal(infos["told"], column)
    assert infos["_told"].tolist() == [True, True]


def test_masks_of_rows_are_flags(kind: Callable[..., Any]) -> None:
    taxi = max(id for id in gymnasium.registry if id.startswith("Taxi-"))
    with closing(to_gymnasium_vector(kind([lambda: from_gymnasium(gymnasium.make(taxi))] * 2))) as env:
        _, infos = env.reset(seed=3)
        assert env.action_masks().dtype == bool and env.action_masks().tolist() == infos["action_mask"].tolist()


def test_what_is_wrong_is_said(kind: Callable[..., Any]) -> None:
    env = to_gymnasium_vector(kind(makers(1, 4), autoreset="disabled"))
    actions = env.action_space.sample()
    with pytest.raises(ResetRequired, match="before the first reset"):
        env.step(actions)
    with pytest.raises(SekaiError, match="2 of them, got 3"):
        env.reset(seed=[1, 2, 3])
    env.reset(seed=0)
    with pytest.raises(InvalidAction, match="must be 2"):
        env.step({name: column[:1] for name, column in actions.items()})
    with pytest.raises(TypeError, match="actions"):
        env.step(0)
    env.step(actions)
    with pytest.raises(ResetRequired, match=r"after the episode's end in environments \[0\]"):
        env.step(actions)
    for mask in (np.zeros(2, dtype=bool), np.zeros(3, dtype=bool), np.zeros(2, dtype=int), [True, False]):
        for kind_of_error in (ValueError, TypeError, InvalidMask):
            with pytest.raises(kind_of_error, match="`options\\['reset_mask'\\]` must"):
                env.reset(options={"reset_mask": mask})
    env.reset(options={"reset_mask": np.array([True, False])})
    assert env.step(actions)[0]["parts"][0].tolist() == [1, 2]
    env.close()
    env.close()
    with pytest.raises(ClosedEnvironment):
        env.reset()


def test_an_environment_that_raises_is_named(kind: Callable[..., Any]) -> None:
    class Breaking(CountingEnv):
        def step(self, action: float) -> Any:
            if action < 0:
                raise RuntimeError("the feed is gone")
            return super().step(action)

    with closing(to_gymnasium_vector(kind([Breaking, Breaking, Breaking]))) as env:
        env.reset(seed=0)
        with pytest.raises(Exception) as raised:
            env.step(np.array([1.0, -1.0, 1.0], np.float32))
    told = "".join([str(raised.value), *getattr(raised.value, "__notes__", ())])
    assert "the feed is gone" in told and "environment 1" in told


# --- and back ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shared", [None, True, False], ids=["sync", "shared memory", "pipes"])
def test_gymnasiums_vector_env_says_what_ours_says(mode: str, shared: bool | None) -> None:
    """The same results, dataclass by dataclass, as our own over the same environments."""
    if shared is None:
        env: Any = SyncVectorEnv(there(makers(1, 2, 3, 7)), autoreset_mode=MODES[mode])
    else:
        env = AsyncVectorEnv(there(makers(1, 2, 3, 7)), autoreset_mode=MODES[mode], shared_memory=shared)
    mine, reference = from_gymnasium_vector(env), SyncVecEnv(makers(1, 2, 3, 7), autoreset=mode)
    assert mine.autoreset == mode and mine.observation_space == reference.observation_space
    with mine, reference:
        assert mine.reset(seed=3) == reference.reset(seed=3)
        reference.action_space.seed(1)
        for _ in range(12):
            actions = [reference.action_space.sample() for _ in range(4)]
            one, other = mine.step(actions), reference.step(actions)
            assert one == other
            if mode == "disabled" and one.dones.any():
                assert mine.reset(mask=one.dones) == reference.reset(mask=one.dones)


def test_layers_and_vector_wrappers_go_around_gymnasiums() -> None:
    class Double(VecObservationWrapper):
        def observation(self, obs: np.ndarray) -> np.ndarray:
            return 2 * obs

    make = [lambda: gymnasium.make("CartPole-v1")] * 3
    plain, layered = from_gymnasium_vector(SyncVectorEnv(make)), Double(from_gymnasium_vector(SyncVectorEnv(make)))
    assert equal(2 * plain.reset(seed=1).observations, layered.reset(seed=1).observations)
    clipped = sekai.ClipReward(from_gymnasium_vector(SyncVectorEnv(make)), 0.0, 0.5)
    clipped.reset(seed=1)
    assert clipped.step(np.zeros(3, np.int64)).rewards.tolist() == [0.5] * 3
    assert plain.get_attr("spec")[0].id == "CartPole-v1"
    plain.set_attr("gravity", 3.0)
    assert plain.get_attr("gravity") == [3.0] * 3


def test_one_that_is_made_of_one_piece_takes_one_seed() -> None:
    make = lambda: gymnasium.make_vec("CartPole-v1", 3, vectorization_mode="vector_entry_point")  # noqa: E731
    mine = from_gymnasium_vector(make())
    assert mine.autoreset == "next_step"
    assert equal(mine.reset(seed=4).observations, make().reset(seed=4)[0])
    steps = [mine.step(np.zeros(3, np.int64)) for _ in range(20)]
    over = next(k for k, step in enumerate(steps) if step.dones.any())
    after = steps[over + 1]
    assert after.restarted.tolist() == steps[over].dones.tolist() == (~after.stepped).tolist()


def test_there_and_back_is_the_same() -> None:
    env, reference = SyncVecEnv(makers(3)), SyncVectorEnv(there(makers(3)))
    assert from_gymnasium_vector(to_gymnasium_vector(env)) is env
    assert to_gymnasium_vector(from_gymnasium_vector(reference)) is reference


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(SekaiError, match=r"must be a sekai\.VecEnv"):
        to_gymnasium_vector(CountingEnv())
    with pytest.raises(SekaiError, match="must be a gymnasium.vector.VectorEnv"):
        from_gymnasium_vector(SyncVecEnv(makers(3)))
    with pytest.raises(SekaiError, match="gymnasium has one agent"):
        to_gymnasium_vector(SyncVecEnv([EchoEnv]))
    with pytest.raises(SekaiError, match=r"must be a sekai\.Env"):
        to_gymnasium(SyncVecEnv(makers(3)))
    with pytest.raises(SekaiError, match=r"must be a gymnasium\.Env"):
        from_gymnasium(SyncVectorEnv(there(makers(3))))
    env = from_gymnasium_vector(SyncVectorEnv(there(makers(3, 3))))
    with pytest.raises(ResetRequired):
        env.step([env.action_space.sample()] * 2)
    env.reset(seed=0)
    with pytest.raises(InvalidAction, match="actions must be 2, one for each environment, got 3"):
        env.step([env.action_space.sample()] * 3)
    with pytest.raises(SekaiError, match="steps all its rows at once"):
        env.step([env.action_space.sample()] * 2, mask=np.array([True, False]))
    env.close()
    with pytest.raises(ClosedEnvironment):
        env.reset()
