"""A composed environment of one agent: its story, what is current in it, and what is out of order."""

import pickle
from typing import Any

import numpy as np
import pytest

import sekai
from sekai.adapters.gymnasium import to_gymnasium
from sekai.error import ClosedEnvironment, ResetRequired, SekaiError, UndefinedAttribute
from sekai.modular import (
    DummyArrayObservation,
    EnvPreconditionError,
    EnvStatus,
    ModularEnv,
    TerminationCriterion,
)
from sekai.rendering import Rendered
from sekai.testing import EnvConformance
from sekai.testing.walks import ModularWalk, PlaceObservation, ProfitMetric, WalkState


class Holds(TerminationCriterion[ModularEnv[WalkState, Any, Any]]):
    """Ends when so many lots are held."""

    def __init__(self, lots: int) -> None:
        self.lots = lots

    def should_terminate(self, env: ModularEnv[WalkState, Any, Any]) -> bool:
        return env.cur_state_action.position >= self.lots


class TestModularWalk(EnvConformance):
    def make(self) -> Any:
        return ModularWalk()


class TestComposedWalk(EnvConformance):
    """With other parts it is as good an environment."""

    def make(self) -> Any:
        seen = PlaceObservation() + DummyArrayObservation()
        return ModularWalk(ProfitMetric() - 0.1 * ProfitMetric(), seen, Holds(2) | Holds(3), max_episode_len=None)


def test_a_story_with_its_numbers() -> None:
    env = ModularWalk(termination_criterion=Holds(2))
    moves = np.random.default_rng(7).standard_normal(3)
    begun = env.reset(seed=7)
    assert begun == sekai.ResetResult(np.zeros(2, np.float32), {})
    waited, bought, ended = env.step(1), env.step(2), env.step(2)
    assert [waited.reward, bought.reward, ended.reward] == [0.0, moves[1], 2 * moves[2]]
    assert ended.observation.tolist() == [np.float32(moves.sum()), 2.0]
    assert (bought.done, ended.terminated, ended.truncated) == (False, True, False)


def test_what_is_current() -> None:
    env = ModularWalk()
    env.reset(seed=1)
    assert env.cur_episode_len == 0 and env.cur_reward == 0.0
    result = env.step(2)
    assert np.array_equal(env.cur_observation, result.observation)
    assert (env.cur_reward, env.cur_episode_len) == (result.reward, 1)
    assert env.cur_state_action.normalized_action_arr == 1
    assert np.array_equal(env.compute_cur_observation(), result.observation)
    assert env.compute_cur_reward() == result.reward
    assert not (env.is_terminated or env.is_truncated or env.is_closed)
    assert not (env.should_terminate() or env.should_truncate())
    status = env.get_cur_env_status()
    assert (
        status
        == pickle.loads(pickle.dumps(status))
        == EnvStatus(
            episode_len=1,
            state_action=env.cur_state_action,
            observation=env.cur_observation,
            reward=result.reward,
            is_terminated=False,
            is_truncated=False,
            is_closed=False,
            info={},
        )
    )


CURRENT = ("cur_state_action", "cur_observation", "cur_reward")


@pytest.mark.parametrize("what", CURRENT)
def test_nothing_is_current_before_reset_and_after_close(what: str) -> None:
    env = ModularWalk()
    with pytest.raises(EnvPreconditionError, match=f"{what} needs a current state: call reset"):
        getattr(env, what)
    env.reset(seed=0)
    getattr(env, what)
    env.close()
    with pytest.raises(EnvPreconditionError, match=f"{what} needs a current state: it is closed"):
        getattr(env, what)


@pytest.mark.parametrize("method", ["compute_cur_observation", "compute_cur_reward"])
def test_nothing_is_computed_before_reset(method: str) -> None:
    with pytest.raises(EnvPreconditionError, match="needs a current state: call reset"):
        getattr(ModularWalk(), method)()


def test_the_status_can_be_asked_for_at_any_time() -> None:
    env = ModularWalk()
    nothing = env.get_cur_env_status()
    assert (nothing.state_action, nothing.observation, nothing.reward, nothing.is_closed) == (None, None, None, False)
    env.reset(seed=0)
    env.step(1)
    env.close()
    closed = env.get_cur_env_status()
    assert (closed.state_action, closed.episode_len, closed.is_closed) == (None, 0, True)


def test_steps_out_of_order() -> None:
    """Each is an error that says what to do, also a `ResetRequired`, as everywhere in the framework."""
    env = ModularWalk(max_episode_len=1)
    with pytest.raises(EnvPreconditionError, match="step needs a current state: call reset"):
        env.step(1)
    env.reset(seed=0)
    env.step(1)
    with pytest.raises(ResetRequired, match="step after the episode's end"):
        env.step(1)
    env.close()
    env.close()
    with pytest.raises(EnvPreconditionError, match="step needs a current state: it is closed"):
        env.step(1)
    with pytest.raises(ClosedEnvironment, match="reset after close"):
        env.reset()


def test_it_is_cut_off_after_so_many_steps() -> None:
    env = ModularWalk(max_episode_len=3)
    env.reset(seed=0)
    results = [env.step(1) for _ in range(3)]
    assert [r.truncated for r in results] == [False, False, True] and env.is_truncated and env.should_truncate()
    env.reset()
    assert not env.is_truncated and env.cur_episode_len == 0


def test_a_true_end_is_no_cut() -> None:
    env = ModularWalk(termination_criterion=Holds(1), max_episode_len=1)
    env.reset(seed=0)
    result = env.step(2)
    assert result.terminated and not result.truncated and env.is_terminated


def test_reset_hands_its_options_on() -> None:
    env = ModularWalk()
    env.reset(3, options={"day": 1}, start=5.0)
    assert env.reset_options == {"day": 1, "start": 5.0}
    env.reset()
    assert env.reset_options == {}


class Info(ModularWalk):
    def get_info_dict(self) -> dict[str, Any]:
        return {"price": self.cur_state_action.price}


def test_gymnasium_gets_its_tuples() -> None:
    env = to_gymnasium(Info())
    observation, info = env.reset(seed=4)
    assert observation.tolist() == [0, 0] and info == {"price": 0.0}
    observation, reward, terminated, truncated, info = env.step(2)
    assert reward == info["price"] and (terminated, truncated) == (False, False)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"reward_metric": ProfitMetric}, "reward_metric must be of RewardMetric, got <class"),
        ({"observation": lambda state: 3}, "observation must be of Observation, got <function"),
        ({"termination_criterion": 3}, "termination_criterion must be of TerminationCriterion, got 3"),
        ({"max_episode_len": 0}, "max_episode_len must be an integer >= 1 or None, got 0"),
        ({"max_episode_len": True}, "max_episode_len must be an integer >= 1 or None, got True"),
    ],
)
def test_what_is_no_part_is_named(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(SekaiError, match=says):
        ModularWalk(**arguments)


def test_the_dynamics_must_be_defined() -> None:
    class Nothing(ModularEnv[WalkState, int, Any]):
        pass

    with pytest.raises(TypeError, match="compute_next_state"):
        Nothing(ProfitMetric(), PlaceObservation())  # type: ignore[abstract]

    class NoSpace(ModularWalk):
        def __init__(self) -> None:
            ModularEnv.__init__(self, ProfitMetric(), PlaceObservation())  # type: ignore[arg-type]

    with pytest.raises(UndefinedAttribute, match="NoSpace does not define action_space"):
        NoSpace().action_space  # noqa: B018


def test_the_action_space_may_be_a_property() -> None:
    class Seeded(ModularEnv[WalkState, int, Any]):
        @property
        def action_space(self) -> Any:  # type: ignore[override]
            return sekai.Discrete(2)

        def sample_initial_state(self) -> WalkState:
            return WalkState(normalized_action_arr=None)

        def compute_next_state(self, action: int) -> WalkState:
            return WalkState(normalized_action_arr=action)

    env = Seeded(ProfitMetric(), PlaceObservation(), max_episode_len=4)
    assert env.action_space.n == 2 and sekai.check_env(env) == []


def test_a_renderer_draws_it() -> None:
    """In place of gymnasium's `render_mode`; and `np_random` is the stream under its name there."""

    class Price:
        def render(self, env: Any) -> str:
            return f"{env.cur_state_action.price:.2f}"

    env = Rendered(ModularWalk(), Price())
    env.reset(seed=1)
    assert env.frame == "0.00" and env.env.np_random is env.rng
    env.step(1)
    assert env.frame == f"{np.random.default_rng(1).standard_normal():.2f}"


def test_it_goes_where_every_env_goes() -> None:
    """Into wrappers, clones, a registry, vector envs, and one seat of many."""
    sekai.register("toolkit-tests/Walk-v0", ModularWalk)
    env = sekai.ClipReward(sekai.make("toolkit-tests/Walk-v0", max_episode_len=4), -0.1, 0.1)
    env.reset(seed=2)
    env.step(2)
    twin = env.clone()
    assert twin.step(2) == env.step(2)
    assert twin.unwrapped.cur_state_action.position == 2
    vec = sekai.make_vec("toolkit-tests/Walk-v0", 3)
    vec.reset(seed=1)
    assert vec.step(np.array([2, 2, 2])).observations[:, 1].tolist() == [1, 1, 1]
    assert sekai.check_env(ModularWalk().as_multi_agent("trader")) == []
