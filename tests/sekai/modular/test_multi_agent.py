"""A composed environment of many agents: each sees, is paid, and stops by parts of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import sekai
from sekai.error import ClosedEnvironment, InvalidAgents, ResetRequired, SekaiError
from sekai.modular import (
    AgentOfMany,
    ArrayObservation,
    EnvPreconditionError,
    ModularMultiAgentEnv,
    RewardMetric,
    StateAction,
    TerminationCriterion,
)
from sekai.testing import EnvConformance


@dataclass(kw_only=True)
class Stack(StateAction):
    """What an agent of a game of chips has, and what the richest has."""

    chips: int
    most: int


class Chips(ArrayObservation[Stack]):
    @property
    def observation_space(self) -> sekai.Box:
        return sekai.Box(0.0, np.inf, (1,))

    def compute_observation(self, state: Stack) -> Any:
        return np.array([state.chips], np.float32)


class Rank(ArrayObservation[Stack]):
    @property
    def observation_space(self) -> sekai.Box:
        return sekai.Box(0.0, np.inf, (2,))

    def compute_observation(self, state: Stack) -> Any:
        return np.array([state.chips, state.most], np.float32)


class Has(RewardMetric[Stack]):
    @property
    def range(self) -> tuple[float, float]:
        return 0.0, np.inf

    def compute_reward(self, state: Stack) -> float:
        return float(state.chips)


class Broke(TerminationCriterion[AgentOfMany[Stack]]):
    def should_terminate(self, env: AgentOfMany[Stack]) -> bool:
        return env.cur_state_action.chips <= 0


class Game(ModularMultiAgentEnv[Stack, str]):
    """Everybody bets 0 or 1 chip on a coin; who has lost all is out, and a guest joins after the second round."""

    def __init__(self, guest: bool = True, **parts: Any) -> None:
        agents = ["player_0", "player_1", "house", *(["guest"] if guest else [])]
        given: dict[str, Any] = {
            "reward_metrics": {"player": Has(), "house": -0.5 * Has(), **({"guest": Has()} if guest else {})},
            "observations": {"player": Chips(), "house": Rank(), **({"guest": Chips()} if guest else {})},
            "termination_criteria": {"player": Broke(), "player_1": ~Broke() & Broke()},
            "max_episode_len": 6,
            **parts,
        }
        super().__init__(agents, **given)
        self.action_spaces = dict.fromkeys(agents, sekai.Discrete(2))

    def sample_initial_states(self) -> dict[str, Stack]:
        self.chips = {"player_0": 1, "player_1": 2, "house": 10}
        return self._stacks({})

    def compute_next_states(self, actions: Mapping[str, int]) -> dict[str, Stack]:
        for agent in actions:
            self.chips[agent] = max(0, self.chips[agent] + int(actions[agent]) * int(self.rng.choice([-1, 1])))
        if "guest" in self.possible_agents and self.cur_episode_len == 2:
            self.chips["guest"] = 5
        alive = {*actions, *(["guest"] if self.cur_episode_len == 2 and "guest" in self.chips else [])}
        return {agent: stack for agent, stack in self._stacks(actions).items() if agent in alive}

    def get_info_dict(self, agent: str) -> dict[str, Any]:
        return {"chips": self.chips[agent]}

    def _stacks(self, actions: Mapping[str, int]) -> dict[str, Stack]:
        most = max(self.chips.values())
        return {a: Stack(normalized_action_arr=actions.get(a), chips=n, most=most) for a, n in self.chips.items()}


class TestGame(EnvConformance):
    def make(self) -> Any:
        return Game()


def test_each_agent_has_its_parts() -> None:
    env = Game()
    assert env.observation_space("house").shape == (2,) and env.observation_space("player_1").shape == (1,)
    begun = env.reset(seed=0)
    assert {agent: seen.tolist() for agent, seen in begun.observations.items()} == {
        "player_0": [1.0],
        "player_1": [2.0],
        "house": [10.0, 10.0],
    }
    result = env.step({"player_0": 0, "player_1": 0, "house": 0})
    assert result.rewards == {"player_0": 1.0, "player_1": 2.0, "house": -5.0}
    assert result.info["house"] == {"chips": 10}
    assert env.episodes["house"].cur_reward == -5.0 and env.episodes["house"].multi_agent_env is env


def test_agents_go_and_join() -> None:
    """Player 0 bets until it is broke; the guest's first observation is no transition; the limit ends everybody."""
    env = Game()
    env.reset(seed=3)
    results = []
    while env.agents:
        results.append(env.step({agent: int(agent == "player_0") for agent in env.agents}))
    out = next(k for k, result in enumerate(results) if result.terminated.get("player_0"))
    assert all("player_0" not in result.observations for result in results[out + 1 :])
    assert [set(result.first) for result in results] == [set(), set(), {"guest"}, set(), set(), set()]
    assert results[2].rewards["guest"] == 0.0 and results[3].rewards["guest"] == 5.0
    assert len(results) == 6 and results[-1].truncated == dict.fromkeys(results[-1].truncated, True)
    assert results[-1].all_done


def test_a_new_episode_knows_nothing_of_the_last() -> None:
    env = Game()
    env.reset(seed=3)
    for _ in range(4):
        env.step(dict.fromkeys(env.agents, 0))
    assert env.episodes["guest"].cur_reward == 5.0
    env.reset()
    with pytest.raises(EnvPreconditionError, match="cur_reward needs a current state"):
        env.episodes["guest"].cur_reward  # noqa: B018


def test_nobody_joins_what_is_over() -> None:
    env = Game(max_episode_len=3)
    env.reset(seed=0)
    for _ in range(3):
        result = env.step(dict.fromkeys(env.agents, 0))
    assert "guest" not in result.observations and result.all_done and not env.agents


def test_steps_out_of_order() -> None:
    env = Game()
    with pytest.raises(EnvPreconditionError, match="call reset"):
        env.step({})
    with pytest.raises(EnvPreconditionError, match="cur_reward needs a current state"):
        env.episodes["house"].cur_reward  # noqa: B018
    env.reset(seed=0)
    with pytest.raises(InvalidAgents, match=r"missing \['house'\]"):
        env.step({"player_0": 0, "player_1": 0})
    env.close()
    env.close()
    with pytest.raises(ResetRequired):
        env.step({})
    with pytest.raises(ClosedEnvironment, match="reset after close"):
        env.reset()


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"observations": {"player": Chips()}}, "observations must have a part for everybody, 'house' has none"),
        ({"reward_metrics": {"player": Has(), "hose": Has()}}, "reward_metrics must be by agent or role, .*'house'?"),
        ({"reward_metrics": {"player": Has(), "house": Chips()}}, "reward_metric must be of RewardMetric"),
        ({"max_episode_len": 0}, "max_episode_len must be an integer >= 1"),
    ],
)
def test_parts_that_do_not_fit_are_named(parts: dict[str, Any], says: str) -> None:
    with pytest.raises(SekaiError, match=says):
        Game(guest=False, **parts)


def test_states_that_do_not_fit_are_named() -> None:
    class Forgets(Game):
        def compute_next_states(self, actions: Mapping[str, int]) -> dict[str, Stack]:
            states = super().compute_next_states(actions)
            return {"nobody": states["house"]} if self.cur_episode_len else {}

    env = Forgets()
    env.reset(seed=0)
    with pytest.raises(SekaiError, match=r"about somebody who acts next, \['player_0', .* all wait"):
        env.step(dict.fromkeys(env.agents, 0))
    env.reset(seed=0)
    env.cur_episode_len = 1
    with pytest.raises(SekaiError, match="compute_next_states must be about .*, got 'nobody'"):
        env.step(dict.fromkeys(env.agents, 0))


class Shifts(ModularMultiAgentEnv[Stack, str]):
    """The day worker acts every hour, the night worker every third; each is paid a chip an hour since it acted."""

    def __init__(self, hours: int = 7, **parts: Any) -> None:
        workers = ["day", "night"]
        given = {"reward_metrics": dict.fromkeys(workers, Has()), "observations": dict.fromkeys(workers, Rank())}
        super().__init__(workers, **{**given, "max_episode_len": hours, **parts})
        self.action_spaces = dict.fromkeys(workers, sekai.Discrete(2))

    def sample_initial_states(self) -> Mapping[str, Stack]:
        self.hour, self.acted = 0, {"day": 0, "night": 0}
        return self.compute_states(self.possible_agents)

    def compute_next_states(self, actions: Mapping[str, int]) -> Mapping[str, Stack]:
        self.hour += 1
        return self.compute_states(["day", "night"] if self.hour % 3 == 0 else ["day"])

    def compute_states(self, agents: Any) -> dict[str, Stack]:
        earned = {agent: self.hour - self.acted[agent] for agent in agents}
        self.acted.update(dict.fromkeys(agents, self.hour))
        return {a: Stack(normalized_action_arr=None, chips=chips, most=self.hour) for a, chips in earned.items()}


class TestShifts(EnvConformance):
    def make(self) -> Any:
        return Shifts()


def test_agents_may_keep_different_clocks() -> None:
    """Who is left out waits, and is paid for all the time since it acted; a limit tells everybody."""
    env = Shifts(hours=5)
    env.reset(seed=0)
    told = []
    while env.acting:
        told.append(env.step(dict.fromkeys(env.acting, 1)).rewards)
    assert told == [{"day": 1.0}, {"day": 1.0}, {"day": 1.0, "night": 3.0}, {"day": 1.0}, {"day": 1.0, "night": 2.0}]


def test_settling_hands_out_what_is_earned_so_far() -> None:
    env = Shifts()
    env.reset(seed=0)
    env.step({"day": 0, "night": 0})
    settled = env.settle(["night"])
    assert settled.rewards == {"night": 1.0} and not settled.any_done and list(env.acting) == ["day"]
    assert env.settle(["night"]).rewards == {"night": 0.0} and env.settle([]).rewards == {}
    assert [env.step({"day": 0}).rewards for _ in range(2)][-1] == {"day": 1.0, "night": 2.0}


def test_who_waits_must_be_told_somehow() -> None:
    class Silent(Shifts):
        def sample_initial_states(self) -> Mapping[str, Stack]:
            self.hour, self.acted = 0, {"day": 0, "night": 0}
            return Shifts.compute_states(self, self.possible_agents)

        def compute_next_states(self, actions: Mapping[str, int]) -> Mapping[str, Stack]:
            return Shifts.compute_states(self, ["day"])

        compute_states = ModularMultiAgentEnv.compute_states  # type: ignore[assignment]

    env = Silent(hours=2)
    env.reset(seed=0)
    env.step({"day": 0, "night": 0})
    with pytest.raises(SekaiError, match=r"Silent must define compute_states\(agents\), since \['night'\] wait"):
        env.step({"day": 0})


def test_one_seat_of_it_is_an_env() -> None:
    view = Game(guest=False).view("player_1", others={"player_0": lambda obs: 0, "house": lambda obs: 0})
    assert sekai.check_env(view) == []
