"""Managers around one seat: the learner in the environments that a context generates, and later on its own."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import sekai
from sekai.error import InvalidAction, MissingPolicy, SekaiError, SpaceMismatch
from sekai.modular import (
    ActionManager,
    Between,
    ContextEnv,
    EnvPreconditionError,
    FixedContext,
    GeneralContext,
    LimitedContext,
    ManagedPolicy,
    ObservationManager,
    PaidReward,
    Placeholder,
    RewardFunction,
    RewardMetric,
    SeatView,
    ViewState,
    WorldContext,
    WrongContext,
)
from sekai.testing import ClockworkEnv, EchoEnv, EnvConformance


def half(observation: Any) -> NDArray[Any]:
    return np.array([0.5], np.float32)


FEW = LimitedContext(EchoEnv, {"length": Between(3, 6)}, others={"maker": half, "taker": half})


class Three(ActionManager[SeatView, int]):
    """Says -1, 0 or 1."""

    def make_space(self) -> sekai.Discrete:
        return sekai.Discrete(3)

    def decode(self, view: SeatView, action: int) -> NDArray[Any]:
        return np.array([action - 1], np.float32)

    def encode(self, view: SeatView, action: NDArray[Any]) -> int:
        return int(action[0]) + 1


class Heard(ObservationManager[SeatView, NDArray[Any]]):
    """Hears what was said, and 9 before anything was."""

    def make_space(self) -> sekai.Box:
        return sekai.Box(-9.0, 9.0, (1,))

    def encode(self, view: SeatView) -> NDArray[Any]:
        return np.array(view.observation["heard"])

    def make_first_observation(self, view: SeatView) -> NDArray[Any]:
        return np.array([9.0], np.float32)


class Change(RewardFunction[SeatView]):
    """Pays the change of what is heard."""

    def before_action(self, view: SeatView) -> float:
        return float(view.observation["heard"][0])

    def __call__(self, view: SeatView, action: Any, info: float) -> float:
        return float(view.observation["heard"][0]) - info


def learner(**changes: Any) -> ContextEnv:
    arguments = {"reward_function": Change(), "context": FEW, "agent_params": {"seat": "maker"}}
    return ContextEnv(Three(FEW), Heard(GeneralContext(EchoEnv)), **{**arguments, **changes})


class TestContextEnv(EnvConformance):
    def make(self) -> Any:
        return learner()


class TestPaidContextEnv(EnvConformance):
    """What the environment pays, and no checks."""

    def make(self) -> Any:
        return learner(reward_function=None, extra_checks=False, context=FEW)


def test_a_story_with_its_numbers() -> None:
    """maker_0 hears taker, who always says 0.5; before that there was silence."""
    env = learner()
    assert env.action_space == sekai.Discrete(3) and env.observation_space == sekai.Box(-9.0, 9.0, (1,))
    assert env.reset(seed=0).observation.tolist() == [9.0]
    first, second = env.step(2), env.step(0)
    assert (first.observation.tolist(), first.reward) == ([0.5], 0.5)
    assert (second.observation.tolist(), second.reward) == ([0.5], 0.0)
    state = env.cur_state_action
    assert (state.normalized_action_arr, state.action.tolist(), state.noted) == (0, [-1.0], 0.5)


def test_each_episode_is_another_environment() -> None:
    env = learner()
    env.reset(seed=1)
    lengths = []
    for _ in range(12):
        steps = 1
        while not env.step(1).done:
            steps += 1
        assert steps == env.multi_agent_env.length
        lengths.append(steps)
        env.reset()
    assert set(lengths) == {3, 4, 5, 6}


def test_the_environment_pays_where_no_function_does() -> None:
    for reward in (None, PaidReward(), 0.5 * PaidReward() + 0.5 * PaidReward()):
        env = learner(reward_function=reward)
        env.reset(seed=0)
        assert [env.step(2).reward, env.step(0).reward] == [1.0, -1.0]


def test_parts_of_both_vocabularies_add_up() -> None:
    """A reward function is a reward metric: both go into one sum."""

    class Size(RewardMetric[ViewState[Any]]):
        @property
        def range(self) -> tuple[float, float]:
            return 0.0, 1.0

        def compute_reward(self, state: ViewState[Any]) -> float:
            return abs(float(state.normalized_action_arr) - 1.0)

    env = learner(reward_function=Change() - 0.1 * Size())
    env.reset(seed=0)
    assert env.step(2).reward == 0.5 - 0.1 and env.step(1).reward == 0.0
    assert Change().range == (-np.inf, np.inf)


def test_a_manager_is_an_observation() -> None:
    heard = Heard(FEW)
    view = SeatView(EchoEnv(), "taker", {"heard": np.array([0.25], np.float32)}, {})
    state = ViewState(normalized_action_arr=None, view=view)
    assert heard.observation_space == heard.make_space() and heard.compute_observation(state).tolist() == [0.25]
    state.first = True
    assert heard.compute_observation(state).tolist() == [9.0]


def test_actions_are_encoded_as_they_are_decoded() -> None:
    manager, view = Three(FEW), SeatView(EchoEnv(), "taker", {}, {})
    assert [manager.encode(view, manager.decode(view, k)) for k in range(3)] == [0, 1, 2]

    class OneWay(Three):
        encode = ActionManager.encode  # type: ignore[assignment]

    with pytest.raises(NotImplementedError, match=r"OneWay does not define encode\(view, action\)"):
        OneWay(FEW).encode(view, np.zeros(1))


class Rarely(ActionManager[SeatView, float]):
    """Has something to decide when the time is a multiple of three, and keeps on saying 1 else."""

    def make_space(self) -> Any:
        return sekai.Box(-1.0, 1.0, ())

    def decode(self, view: SeatView, action: float) -> Any:
        return np.float32(action)

    def idle_action(self, view: SeatView) -> Any:
        return np.float32(1.0) if view.info["time"] % 3 else None


class Times(ObservationManager[SeatView, Any]):
    def make_space(self) -> Any:
        return sekai.Box(0.0, np.inf, (1,))

    def encode(self, view: SeatView) -> Any:
        return view.observation[:1]


def clockwork() -> ClockworkEnv:
    return ClockworkEnv({"fast": 1}, length=7)


def test_idle_time_is_skipped_and_paid() -> None:
    context = FixedContext(clockwork)
    env = ContextEnv(Rarely(context), Times(context), None, context)
    env.reset(seed=0)
    results = [env.step(np.float32(0.5)) for _ in range(3)]
    assert [int(r.observation[0]) for r in results] == [3, 6, 7]
    assert [r.reward for r in results] == [2.5, 2.5, 0.5] and results[-1].terminated
    patient = ContextEnv(Rarely(context), Times(context), None, context, skip_idle=False)
    patient.reset(seed=0)
    assert [int(patient.step(np.float32(0.5)).observation[0]) for _ in range(3)] == [1, 2, 3]


def test_a_cut_off_seat_is_cut_off() -> None:
    context = FixedContext(lambda: sekai.TimeLimit(clockwork(), 2))
    env = ContextEnv(Rarely(context), Times(context), None, context, skip_idle=False)
    env.reset(seed=0)
    env.step(np.float32(0.0))
    result = env.step(np.float32(0.0))
    assert result.truncated and not result.terminated and result.info == {"time": 2}


def test_managers_for_other_environments_are_rejected() -> None:
    long = LimitedContext(EchoEnv, {"length": Between(3, 60)})
    with pytest.raises(WrongContext, match="action_manager must serve .*: length must be Between"):
        learner(context=long)
    with pytest.raises(WrongContext, match="observation_manager must serve .*: source must be"):
        ContextEnv(Three(FEW), Heard(GeneralContext(ClockworkEnv)), None, FEW)


def test_extra_checks_hold_everybody_to_their_word() -> None:
    class Lies(WorldContext):
        def draw_parameters(self, seed: int) -> dict[str, Any]:
            return {"length": 99}

    class Shouts(Three):
        def decode(self, view: SeatView, action: int) -> NDArray[Any]:
            return np.array([7.0], np.float32)

    class Mishears(Heard):
        def encode(self, view: SeatView) -> NDArray[Any]:
            return np.array([99.0], np.float32)

    with pytest.raises(WrongContext, match="generate environments of its own: length must be .*, got 99"):
        learner(context=Lies(EchoEnv, {"length": Between(3, 6)}, others=FEW.others)).reset(seed=0)
    env = learner()
    env.reset(seed=0)
    with pytest.raises(InvalidAction, match=r"action must be in Discrete\(3\), got 3"):
        env.step(3)
    env = ContextEnv(Shouts(FEW), Heard(FEW), None, FEW)
    env.reset(seed=0)
    with pytest.raises(InvalidAction, match=r"action_manager must decode into Box.*, got array\(\[7"):
        env.step(0)
    env = ContextEnv(Three(FEW), Mishears(FEW), None, FEW)
    env.reset(seed=0)
    with pytest.raises(SpaceMismatch, match="observation_manager must encode into Box"):
        env.step(0)
    loose = ContextEnv(Shouts(FEW), Mishears(FEW), None, FEW, extra_checks=False)
    loose.reset(seed=0)
    assert loose.step(0).observation.tolist() == [99.0]


def test_placeholders_take_a_seat() -> None:
    env = EchoEnv()
    assert Placeholder().agent(env) == "maker_0" and Placeholder("maker_1").agent(env) == "maker_1"
    assert Placeholder("taker").agent(env) == "taker" and Placeholder("maker").agent(env) == "maker_0"
    with pytest.raises(SekaiError, match="seat must be out of .*, got 'takr'. Did you mean 'taker'"):
        Placeholder("takr").agent(env)


def test_an_agent_type_says_what_managers_look_at() -> None:
    class Louder(Placeholder):
        def __init__(self, seat: str, times: float) -> None:
            super().__init__(seat)
            self.times = times

        def view(self, told: SeatView) -> Any:
            return self.times * told.observation["heard"]

    class Plain(ObservationManager[NDArray[Any], NDArray[Any]]):
        def make_space(self) -> sekai.Box:
            return sekai.Box(-9.0, 9.0, (1,))

        def encode(self, view: NDArray[Any]) -> NDArray[Any]:
            return view

    class Silent(Three):
        def decode(self, view: Any, action: int) -> NDArray[Any]:
            return np.zeros(1, np.float32)

    class Nothing(RewardFunction[Any]):
        def __call__(self, view: Any, action: Any, info: Any) -> float:
            assert info is None
            return 0.0

    for reward in (Nothing(), None):
        env = ContextEnv(Silent(FEW), Plain(FEW), reward, FEW, Louder, {"seat": "taker", "times": 4.0})
        env.reset(seed=0)
        result = env.step(1)
        assert result.observation.tolist() == [2.0] and result.reward == 0.0


def test_nothing_is_there_before_reset_and_all_is_closed() -> None:
    env = learner()
    with pytest.raises(EnvPreconditionError, match="multi_agent_env needs a current state"):
        env.multi_agent_env  # noqa: B018
    env.reset(seed=0)
    inner = env.multi_agent_env
    closed = []
    inner.close = lambda: closed.append(1)  # type: ignore[method-assign]
    env.reset()
    env.close()
    env.close()
    assert closed == [1]


# --- a trained policy -------------------------------------------------------------------------------------------------
class Remembers:
    """Does what it was told first; says when it was reset."""

    def __init__(self) -> None:
        self.seeds: list[int | None] = []
        self.seen: list[Any] = []

    def reset(self, seed: int | None) -> None:
        self.seeds.append(seed)

    def act(self, observation: Any) -> int:
        self.seen.append(observation.tolist())
        return 2


def test_a_trained_policy_plays_where_its_managers_serve() -> None:
    policy, silent = Remembers(), (lambda obs: np.zeros(1, np.float32))
    sekai.register("toolkit-tests/Echo-v0", EchoEnv)
    short = LimitedContext("toolkit-tests/Echo-v0", {"length": Between(3, 6)})
    trained = ManagedPolicy(policy, Three(short), Heard(short), fallback=silent)
    env = sekai.make("toolkit-tests/Echo-v0", agents=["taker", "maker_0"], length=4)
    view = env.view("taker", others={"maker_0": trained.for_agent(env, "maker_0")})
    view.reset(seed=3)
    heard = view.step(np.array([0.5], np.float32)).observation["heard"]
    assert heard.tolist() == [1.0]  # 2 means 1
    view.step(np.array([0.5], np.float32))
    assert policy.seen == [[9.0], [0.5]] and len(policy.seeds) == 1 and policy.seeds[0] is not None


def test_it_hands_over_where_they_do_not() -> None:
    silent = lambda obs: np.zeros(1, np.float32)  # noqa: E731
    trained = ManagedPolicy(Remembers(), Three(FEW), Heard(FEW), fallback=silent)
    long = FixedContext(EchoEnv, {"length": 60}).generate(0).multi_agent_env
    assert trained.misfit(long) == "length must be Between(low=3, high=6), got 60"
    assert trained.for_agent(long, "taker") is silent
    with pytest.raises(MissingPolicy, match="fallback must be a policy .* got 60"):
        ManagedPolicy(Remembers(), Three(FEW), Heard(FEW)).for_agent(long, "taker")
    function = ManagedPolicy(lambda seen: 0, Three(FEW), Heard(GeneralContext(EchoEnv)), placeholder=Placeholder())
    short = FEW.generate(0).multi_agent_env
    player: Any = function.for_agent(short, "taker")
    player.reset(None)
    assert player.act({"heard": np.zeros(1, np.float32)}).tolist() == [-1.0]


def test_a_registered_learner() -> None:
    """By its name, in wrappers, in a vector env."""
    sekai.register("toolkit-tests/Learner-v0", learner)
    vec = sekai.make_vec("toolkit-tests/Learner-v0", 2)
    vec.reset(seed=0)
    assert vec.step(np.array([2, 2])).rewards.tolist() == [0.5, 0.5]
