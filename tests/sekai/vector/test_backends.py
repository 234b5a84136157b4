"""Every backend gives the same results, bit for bit: one agent and many, whatever follows an episode's end."""

import os
from typing import Any

import numpy as np
import pytest

import sekai
from sekai import AsyncVecEnv, ProcVecEnv, SyncVecEnv
from sekai.core.result import same
from sekai.core.seeding import child_seed
from sekai.error import MissingPolicy, ResetRequired, SekaiError, UnsupportedWrapper
from sekai.testing import CountingEnv, EchoEnv
from sekai.vector import by_row, make_vec
from sekai.vector.result import converted

from .worlds import ROWS, WORLDS, Returning, Words, actions_for, assert_same, clockwork, counting, play

MODES = ["same_step", "next_step", "disabled"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("world", WORLDS)
def test_backends_agree(world: Any, mode: Any) -> None:
    sync = play(SyncVecEnv([world] * ROWS, autoreset=mode))
    assert_same(play(AsyncVecEnv([world] * ROWS, autoreset=mode)), sync)
    assert_same(play(ProcVecEnv([world] * ROWS, autoreset=mode, workers=3)), sync)
    assert any(np.any(r.restarted) for r in sync[1:] if hasattr(r, "restarted")) == (mode != "disabled")


@pytest.mark.parametrize("backend", [SyncVecEnv, AsyncVecEnv, ProcVecEnv])
def test_an_agent_that_dies_and_comes_back(backend: Any) -> None:
    """Its column says when it acts, when it has a transition, when it ended; where it is not, nothing is its."""
    vec = backend([Returning] * 2)
    vec.reset(seed=1)
    pay = {"host": np.full(2, 0.25), "guest": np.full(2, 0.5)}
    told = []
    for _ in range(7):
        said = vec.step(pay)
        guest = [column["guest"] for column in (said.stepped, said.acting, said.terminated, said.rewards)]
        assert all((column[0] == column[1]).all() for column in guest), "the rows do the same"
        seen = said.observations["guest"][0, 0]
        told.append((*[column[0].item() for column in guest], seen, "guest" in said.infos[0]))
        assert said.stepped["host"].all() and said.rewards["host"].tolist() == [0.25, 0.25]
    assert told == [
        (True, True, False, 0.5, 1.0, True),
        (True, False, True, 0.5, 2.0, True),
        (False, False, False, 0.0, 2.0, False),
        (False, True, False, 0.0, 4.0, True),  # back: a first observation, no transition
        (True, True, False, 0.5, 5.0, True),
        (True, True, False, 0.5, 6.0, True),
        (True, True, True, 0.5, 0.0, True),  # the world's end, and the next episode's beginning
    ]
    assert said.restarted.all() and said.final_observations["guest"][:, 0].tolist() == [7.0, 7.0]
    vec.close()


def test_one_worker_or_many_or_none_copied() -> None:
    sync = play(SyncVecEnv([clockwork] * ROWS))
    for workers in (1, 2, 9):
        assert_same(play(ProcVecEnv([clockwork] * ROWS, workers=workers)), sync)
    shared = ProcVecEnv([counting] * ROWS, workers=2, copy=False)
    begun = shared.reset(seed=0)
    assert np.shares_memory(shared.step(np.zeros(ROWS)).observations, begun.observations)
    assert begun.observations[0, 0] == 1.0
    shared.close()
    with pytest.raises(SekaiError, match="workers must be an integer >= 1 or None, got 0"):
        ProcVecEnv([counting], workers=0)


def test_workers_that_are_spawned_take_lambdas_along() -> None:
    length = 3
    vec = ProcVecEnv([lambda: CountingEnv(length)] * 2, workers=2, context="spawn")
    assert_same(play(vec, 6), play(SyncVecEnv([lambda: CountingEnv(3)] * 2), 6))


def test_texts_and_tuples_travel() -> None:
    for backend in (SyncVecEnv, ProcVecEnv):
        vec = backend([Words] * 2)
        begun = vec.reset(seed=0)
        assert begun.observations[0].tolist() == ["begin", "begin"] and begun.observations[1]["n"].shape == (2, 2)
        columns = (np.array([1, 2]), np.array([[0.5, 0.0], [0.25, 0.0]]))
        for time in (1, 2):
            batch = vec.step(columns)
            assert batch.observations[0].tolist() == ["x" * time] * 2 and batch.rewards.tolist() == [0.5, 0.25]
            assert batch.observations[1]["n"].tolist() == [[1, time], [2, time]]
        last = vec.step([(1, columns[1][0]), (2, columns[1][1])])
        assert last.restarted.all() and last.final_observations[0].tolist() == ["xxx"] * 2
        assert last.infos[1]["final_observation"][0] == "xxx" and last.observations[0].tolist() == ["begin"] * 2
        vec.close()


@pytest.mark.parametrize("backend", [SyncVecEnv, ProcVecEnv])
def test_modes_say_what_they_do(backend: Any) -> None:
    """Two rows, whose episodes take two and three steps."""
    ones = np.ones(2)

    def made(mode: Any) -> Any:
        vec = backend([lambda: CountingEnv(2), lambda: CountingEnv(3)], autoreset=mode)
        vec.reset(seed=0)
        vec.step(ones)
        return vec

    same_step = made("same_step").step(ones)
    assert same_step.observations[:, 0].tolist() == [0, 2] and same_step.final_observations[:, 0].tolist() == [2, 2]
    assert same_step.restarted.tolist() == [True, False] and same_step.stepped.all()
    assert same_step.infos[0]["final_info"] == {"time": 2} and same_step.infos[0]["reset_info"] == {"time": 0}
    vec = made("next_step")
    ended = vec.step(ones)
    assert ended.observations[:, 0].tolist() == [2, 2] == ended.final_observations[:, 0].tolist()
    assert ended.terminated.tolist() == [True, False] and not ended.restarted.any()
    begun = vec.step(ones)
    assert begun.observations[:, 0].tolist() == [0, 3] and begun.rewards.tolist() == [0.0, 1.0]
    assert begun.restarted.tolist() == [True, False] == (~begun.stepped).tolist() and begun.infos[0] == {"time": 0}
    vec = made("disabled")
    assert vec.step(ones).dones.tolist() == [True, False]
    with pytest.raises(ResetRequired, match=r"after the episode's end in environments \[0\]: call reset\(mask"):
        vec.step(ones)
    assert vec.step(ones, mask=np.array([False, True])).dones.tolist() == [False, True]
    again = vec.reset(mask=np.array([True, False]))
    assert again.observations[:, 0].tolist() == [0, 3] and again.infos == [{"time": 0}, {}]
    with pytest.raises(SekaiError, match=r"mask must have shape \(2,\) and dtype bool, got \(2,\) and int64"):
        vec.reset(mask=[1, 0])
    vec.close()
    with pytest.raises(SekaiError, match="autoreset must be one of .* got 'samestep'. Did you mean 'same_step'"):
        backend([counting], autoreset="samestep")
    with pytest.raises(UnsupportedWrapper, match="a vector env resets by itself"):
        backend([lambda: sekai.AutoReset(counting())])


def test_a_row_that_was_left_out_of_the_first_reset() -> None:
    for backend in (SyncVecEnv, ProcVecEnv):
        vec = backend([counting] * 3, workers=2) if backend is ProcVecEnv else backend([counting] * 3)
        vec.reset(seed=1, mask=np.array([True, False, True]))
        with pytest.raises(ResetRequired, match=r"first reset of environments \[1\]"):
            vec.step(np.zeros(3))
        part = vec.step(np.zeros(3), mask=np.array([True, False, True]))
        assert part.stepped.tolist() == [True, False, True] and part.observations[:, 0].tolist() == [1, 0, 1]
        vec.close()


def test_spaces_of_batches() -> None:
    vec = SyncVecEnv([counting] * 3)
    assert vec.batch_observation_space.shape == (3, 2) and vec.batch_action_space.shape == (3,)
    vec.reset(seed=0)
    assert vec.step(vec.batch_action_space.sample()).observations in vec.batch_observation_space
    many = SyncVecEnv([EchoEnv] * 3)
    assert many.batch_action_spaces["taker"].shape == (3, 1)
    assert many.batch_observation_spaces["maker_0"]["heard"].shape == (3, 1)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("backend", [SyncVecEnv, AsyncVecEnv, ProcVecEnv])
def test_a_view_of_rows_is_rows_of_views(backend: Any, mode: Any) -> None:
    """Clocks differ, agents die, are born late; what each row gives is what its own view would."""

    def wage(observation: Any) -> Any:
        return np.float32(observation[..., 1] * 0.5)

    agents = clockwork().possible_agents
    for agent in agents:
        others = {name: wage for name in agents if name != agent}
        ours = play(backend([clockwork] * ROWS, autoreset=mode).view(agent, others))
        assert_same(ours, play(SyncVecEnv([lambda a=agent, o=others: clockwork().view(a, o)] * ROWS, autoreset=mode)))


def test_policies_of_views() -> None:
    class Constant:
        def __init__(self) -> None:
            self.calls: list[Any] = []

        def reset(self, seed: int | None) -> None:
            self.calls.append(seed)

        def act(self, observations: Any) -> Any:
            self.calls.append(observations["heard"].shape)
            return np.full((len(observations["heard"]), 1), 0.5, np.float32)

    makers, taker = Constant(), Constant()
    vec = SyncVecEnv([EchoEnv] * ROWS)
    view = vec.view("taker", {"maker": makers})
    assert view.observation_space == EchoEnv().observation_spaces["taker"] and view.unwrapped is view
    begun = view.reset(seed=7)
    batch = view.step(np.full((ROWS, 1), 0.25))
    assert makers.calls == [child_seed(7, "policy", "maker"), (ROWS, 1), (ROWS, 1)]
    assert batch.observations["heard"][:, 0].tolist() == [0.5] * ROWS and batch.rewards.tolist() == [0.25] * ROWS
    space = EchoEnv().action_spaces["maker_0"]
    single = vec.view("taker", {"maker": by_row(lambda o: np.float32([o["noise"][0]]), space)})
    assert same(single.reset(seed=7), begun) and single.step(np.zeros((ROWS, 1))).stepped.all()
    for arguments, kind, why in (
        (("taker", {}), MissingPolicy, "needs a policy for 'maker_0'"),
        (("takr", {}), SekaiError, "got 'takr'. Did you mean 'taker'"),
        (("taker", {"maker": taker, "thief": taker}), SekaiError, "others must name agents out of"),
    ):
        with pytest.raises(kind, match=why):
            vec.view(*arguments)
    with pytest.raises(SekaiError, match="this vector env has one"):
        SyncVecEnv([counting]).view("a")


def test_make_vec() -> None:
    sekai.register("test/Counting-v3", CountingEnv, max_episode_steps=2)
    with make_vec("test/Counting-v3", 3, length=9, wrappers=[sekai.RecordEpisodeStatistics]) as vec:
        assert type(vec) is SyncVecEnv and vec.spec.id == "test/Counting-v3" and len(vec) == 3
        vec.reset(seed=0)
        vec.step(np.zeros(3))
        assert vec.step(np.zeros(3)).truncated.all()
    for kind, expected in (("async", AsyncVecEnv), ("proc", ProcVecEnv)):
        with make_vec("test/Counting-v3", 2, kind=kind, vec_kwargs={"autoreset": "disabled"}) as vec:
            assert type(vec) is expected and vec.autoreset == "disabled"
    with pytest.raises(SekaiError, match="kind must be one of .*, got 'snyc'. Did you mean 'sync'"):
        make_vec("test/Counting-v3", 2, kind="snyc")  # type: ignore[arg-type]
    with pytest.raises(SekaiError, match="num_envs must be an integer >= 1, got 0"):
        make_vec("test/Counting-v3", 0)


@pytest.mark.parametrize("id", ["markets/MarketMaking-v0", "scenarios/calm", "scenarios/maker-duel"])
def test_markets_are_the_same_in_processes(id: str) -> None:
    kwargs = {"session_s": 20.0} if id.startswith("markets") else {}
    rounds = []
    for kind, options in (("sync", {}), ("proc", {"workers": 2})):
        with make_vec(id, 3, kind=kind, vec_kwargs=options, **kwargs) as vec:  # type: ignore[arg-type]
            results = [vec.reset(seed=5)]
            spaces = vec.batch_action_spaces if vec.many else {"": vec.batch_action_space}
            for number in range(40):
                for space in spaces.values():
                    space.seed(number)
                actions = {agent: space.sample() for agent, space in spaces.items()}
                results.append(vec.step(actions if vec.many else actions[""]))
            rounds.append(results)
    assert_same(*rounds)


def test_arrays_of_another_backend() -> None:
    torch = pytest.importorskip("torch")
    ops = sekai.backend.backend("torch")
    for world, form in ((counting, (ROWS,)), (clockwork, (ROWS,))):
        for kind in (SyncVecEnv, ProcVecEnv):
            vec = kind([world] * ROWS, backend=ops)
            plain = SyncVecEnv([world] * ROWS)
            begun = vec.reset(seed=1)
            plain.reset(seed=1)
            seen = begun.observations["maker_0"] if vec.many else begun.observations
            assert isinstance(seen, torch.Tensor) and seen.dtype == torch.float32
            actions: Any = actions_for(plain, np.random.default_rng(0))
            for _ in range(5):
                given = {a: torch.tensor(x) for a, x in actions.items()} if vec.many else torch.tensor(actions)
                ours, theirs = vec.step(given), plain.step(actions)
                if vec.many:
                    ours, theirs = ours.rewards["maker_0"], theirs.rewards["maker_0"]
                else:
                    ours, theirs = ours.rewards, theirs.rewards
                assert isinstance(ours, torch.Tensor) and ours.shape == form
                assert ours.tolist() == theirs.tolist()
            vec.close()


def test_layers_and_views_of_another_backend() -> None:
    torch = pytest.importorskip("torch")
    ops = sekai.backend.backend("torch")

    def numpy(results: list[Any]) -> list[Any]:
        return [converted(result, ops.to_numpy) for result in results]

    def wage(observation: Any) -> Any:
        return observation[..., 1] * 0.5

    others = {"maker_0": wage, "maker_1": wage}
    for world, around in (
        (counting, lambda vec: sekai.TimeLimit(vec, 3)),
        (counting, sekai.NormalizeObservation),
        (clockwork, lambda vec: sekai.ClipReward(sekai.FrameStackObservation(vec, 2), 0, 1)),
        (clockwork, lambda vec: vec.view("taker", others)),
    ):
        ours = play(around(SyncVecEnv([world] * ROWS, backend=ops)), 12)
        last = ours[-1].rewards
        assert isinstance(last["taker"] if hasattr(last, "group") else last, torch.Tensor)
        assert_same(numpy(ours), play(around(SyncVecEnv([world] * ROWS)), 12))


def test_workers_find_compiled_what_they_need() -> None:
    """`warm_up` is called in this process, on the innermost too, before any other process begins."""
    warm: list[int] = []

    class Compiled(CountingEnv):
        def warm_up(self) -> None:
            warm.append(os.getpid())

        def is_warm(self) -> bool:
            return len(warm) == 1

    with ProcVecEnv([lambda: sekai.TimeLimit(Compiled(), 3)] * 2, workers=2, context="fork") as vec:
        assert warm == [os.getpid()] and vec.call("is_warm") == [True, True]
