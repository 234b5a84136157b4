"""Our worlds before PettingZoo's judges, and its worlds as ours: agents wait, die, appear and return."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import gymnasium
import numpy as np
import pytest
from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, seed_test
from pettingzoo.test.example_envs import (
    generated_agents_env_action_mask_info_v0,
    generated_agents_env_action_mask_obs_v0,
    generated_agents_env_cust_agentid_v0,
    generated_agents_env_v0,
    generated_agents_parallel_cust_agentid_v0,
    generated_agents_parallel_v0,
)

import sekai
from sekai.adapters.pettingzoo import (
    FromAEC,
    FromParallel,
    ToAEC,
    ToParallel,
    from_aec,
    from_parallel,
    to_aec,
    to_parallel,
)
from sekai.core.result import MAResetResult, MAStepResult, same
from sekai.error import InvalidAgents, ResetRequired, SekaiError
from sekai.markets.config import EveryTrades, Market, Periodic, Poisson, Seat, Venue, ZeroIntelligence
from sekai.markets.envs import MarketEnv
from sekai.markets.parts import Account, Cancel, Maker, MarketOrder, Parts, Taker
from sekai.markets.rules import VenueRules
from sekai.testing import ClockworkEnv, CountingEnv, EchoEnv

AEC = {
    "plain": generated_agents_env_v0,
    "mask in info": generated_agents_env_action_mask_info_v0,
    "mask in observation": generated_agents_env_action_mask_obs_v0,
    "ids are tuples": generated_agents_env_cust_agentid_v0,
}
PARALLEL = {"plain": generated_agents_parallel_v0, "ids are tuples": generated_agents_parallel_cust_agentid_v0}

# Advice that a world of ours may ignore: unbounded or structured spaces, roles without a number, different roles; and
# what a market says of the judges' own option.
ADVICE = (
    "Observation is not a NumPy array",
    "Observation numpy array is all zeros",
    "Observation is a single number",
    "Observation space for each agent probably should be",
    "Action space for each agent probably should be",
    "Observations are different shapes",
    "Agents have different observation space sizes",
    "We recommend agents to be named",
    "Agent's minimum observation space value is -infinity",
    "Agent's maximum observation space value is infinity",
    "a market knows the option 'episode' alone",
)


def _clocks() -> MarketEnv:
    seats = (
        Seat(name="maker_0", role=Maker(), clock=EveryTrades(trades=5)),
        Seat(name="maker_1", role=Maker(), clock=Periodic(every_s=0.5)),
        Seat(name="taker_0", role=Taker(), clock=Poisson(every_s=1.5), latency_s=0.01),
    )
    return MarketEnv(Market(seats=seats, flow=ZeroIntelligence(pace=60.0), session_s=20.0, warmup_s=5.0))


WORLDS: dict[str, Callable[[], sekai.MultiAgentEnv]] = {
    "one clock": lambda: EchoEnv(("maker_0", "maker_1", "taker_0"), length=20),
    "one agent": lambda: CountingEnv().as_multi_agent(),
    "own clocks": lambda: ClockworkEnv({"a_0": 1, "b_0": 3, "c_0": 4}, {"c_0": (0, 7)}, length=20),
    "layered": lambda: sekai.NormalizeObservation(sekai.TimeLimit(ClockworkEnv({"a_0": 2, "b_0": 3}, length=20), 9)),
    "a market": lambda: sekai.make("markets/MakerTaker-v0", session_s=20.0),
    "a duel": lambda: sekai.TimeLimit(sekai.make("scenarios/maker-duel"), 150),
    "a calm market": lambda: sekai.TimeLimit(sekai.make("scenarios/calm"), 150),
    "a market with three kinds of clock": lambda: _clocks(),
}
LATE: dict[str, Callable[[], sekai.MultiAgentEnv]] = {
    "late": lambda: ClockworkEnv({"a_0": 1, "b_0": 3, "c_0": 4}, {"b_0": (2, 9), "c_0": (5, 20)}, length=20),
}

ALL = WORLDS | LATE


@pytest.fixture(autouse=True)
def only_advice() -> Iterator[None]:
    """Let no warning of a judge pass that is not mere advice."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    said = {str(warning.message) for warning in caught}
    assert {text for text in said if not any(advice in text for advice in ADVICE)} == set()


def play(world: sekai.MultiAgentEnv, act: Callable[[str, Any], Any], seed: int) -> list[Any]:
    """Play an episode; return all results."""
    results: list[Any] = [world.reset(seed=seed)]
    while not (isinstance(results[-1], MAStepResult) and results[-1].all_done):
        results.append(world.step({agent: act(agent, results[-1].observations[agent]) for agent in world.acting}))
    return results


def play_aec(world: Any, act: Callable[[str, Any], Any], seed: int | None) -> list[tuple[Any, ...]]:
    """Play an episode of an AEC world; return what each agent was told in turn."""
    told = []
    world.reset(seed=seed)
    for agent in world.agent_iter():
        last = world.last()
        told.append((agent, *last))
        world.step(None if last[2] or last[3] else act(agent, last[0]))
    return told


def play_parallel(world: Any, act: Callable[[str, Any], Any], seed: int | None, steps: int = 999) -> list[Any]:
    """Play an episode of a parallel world, or so many steps; return what it told at each."""
    told: list[tuple[Any, ...]] = [world.reset(seed=seed)]
    while world.agents and len(told) <= steps:
        observations = told[-1][0]
        told.append(world.step({agent: act(agent, observations[agent]) for agent in world.agents}))
    return told


def drawing(world: Any, seed: int = 0) -> Callable[[Any, Any], Any]:
    """Return a policy that draws from the agent's action space, what its mask allows."""
    seeded: dict[Any, Any] = {}

    def act(agent: Any, observation: Any) -> Any:
        space = world.action_space(agent)
        if seeded.get(agent) is not space:
            space.seed(seed + sum(map(ord, str(agent))))
            seeded[agent] = space
        mask = observation.get("action_mask") if isinstance(observation, dict) else None
        return space.sample(mask)

    return act


# --- our worlds before the judges -------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ALL)
def test_the_judge_of_the_parallel_form(name: str) -> None:
    parallel_api_test(to_parallel(ALL[name]()), num_cycles=50)


@pytest.mark.parametrize("name", ALL)
def test_the_judge_of_aec(name: str) -> None:
    api_test(to_aec(ALL[name]()), num_cycles=50)


@pytest.mark.parametrize("name", WORLDS)
def test_the_judges_of_seeds(name: str) -> None:
    """They seed the actions of those alive at first only, so nobody may come late."""
    parallel_seed_test(lambda: to_parallel(WORLDS[name]()), num_cycles=20)
    seed_test(lambda: to_aec(WORLDS[name]()), num_cycles=20)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("form", [to_aec, to_parallel])
def test_a_seed_determines_the_whole_episode_and_the_next(form: Callable[..., Any], name: str) -> None:
    play_form = play_aec if form is to_aec else play_parallel
    one, other, third = (form(ALL[name]()) for _ in range(3))
    for seed in (7, None):
        first, second = (play_form(world, drawing(world), seed) for world in (one, other))
        assert len(first) > 2 and same(first, second)
    assert not same(play_form(third, drawing(third), 8)[-1], first[-1])


def counted_from_0(world: sekai.MultiAgentEnv, act: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return a policy that acts as `act` in the world's form for PettingZoo, where choices are counted from 0."""
    return lambda agent, seen: act(agent, seen) - getattr(world.action_space(agent), "start", 0)


def test_the_judges_heed_masks() -> None:
    """Of one number for all choices; where there are several, a mask would have to be a tuple, and is not in infos."""
    joint = Parts(
        name="joint", observations=(Account(),), actions=(MarketOrder(max_size_lots=4), Cancel(orders=1)), joint=True
    )
    venue = Venue(rules=VenueRules(position_limit=3))
    seats = (
        Seat(name="joint_0", role=joint, clock=Periodic(every_s=0.5)),
        Seat(name="joint_1", role=joint, clock=Periodic(every_s=1.0)),
        Seat(name="taker", role=Taker()),
    )

    def world() -> MarketEnv:
        return MarketEnv(Market(seats=seats, venue=venue, flow=ZeroIntelligence(pace=60.0), session_s=20.0))

    api_test(to_aec(world()), num_cycles=30)
    parallel_seed_test(lambda: to_parallel(world()), num_cycles=15)
    seed_test(lambda: to_aec(world()), num_cycles=15)
    parallel = to_parallel(world())
    _, infos = parallel.reset(seed=0)
    space, draw = parallel.action_space("joint_0"), 0
    while parallel.agents:
        mask = infos["joint_0"]["action_mask"]
        assert mask.shape == (36,) and mask.dtype == np.int8 and "action_mask" not in infos["taker"]
        if infos["joint_0"]["acting"]:
            assert np.array_equal(parallel.action_masks()["joint_0"], mask.astype(bool))
        draw += not mask.all()
        asked = {agent: infos[agent].get("action_mask") for agent in parallel.agents}
        *_, infos = parallel.step({a: parallel.action_space(a).sample(m) for a, m in asked.items()})
    assert draw > 10 and space.n == 36


# --- nothing is lost on the way ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ALL)
def test_aec_tells_each_agent_what_the_world_tells_it(name: str) -> None:
    """The same observations, rewards and ends, agent by agent, as the world gives by itself."""
    world, form = ALL[name](), to_aec(ALL[name]())
    told: dict[str, list[Any]] = {}
    for result in play(world, drawing(world), seed=3):
        for agent, observation in result.observations.items():
            step = isinstance(result, MAStepResult)
            ends = (result.terminated[agent], result.truncated[agent]) if step else (False, False)
            told.setdefault(agent, []).append((observation, result.rewards[agent] if step else 0.0, *ends))
    heard: dict[str, list[Any]] = {}
    for agent, *last in play_aec(form, counted_from_0(world, drawing(world)), seed=3):
        heard.setdefault(agent, []).append(tuple(last[:4]))
    assert told.keys() == heard.keys()
    for agent, entries in told.items():
        assert same(entries, heard[agent]), agent


CONSTANT = {"a_0": 0.5, "b_0": -0.25, "c_0": 1.0}


@pytest.mark.parametrize("name", ["own clocks", "late"])
def test_in_parallel_everybody_earns_at_every_step(name: str) -> None:
    """An agent of the clockwork earns its action for each unit of time, also while it waits."""
    world = to_parallel(ALL[name]())
    lives = world.sekai_env.lives
    told = play_parallel(world, lambda agent, _: CONSTANT[agent], seed=0)
    for _, rewards, *_, infos in told[1:]:
        assert rewards.keys() == infos.keys()
        for agent, info in infos.items():
            since = info.get("elapsed", 0.0)
            assert rewards[agent] == pytest.approx(CONSTANT[agent] * since)
    for agent, (birth, death) in lives.items():
        total = sum(step[1].get(agent, 0.0) for step in told[1:])
        assert total == pytest.approx(CONSTANT[agent] * (death - birth))


def test_in_parallel_only_the_actions_of_who_acts_count() -> None:
    world = to_parallel(ClockworkEnv({"a_0": 1, "b_0": 3}, length=6))
    _, infos = world.reset(seed=0)
    assert [infos[agent]["acting"] for agent in ("a_0", "b_0")] == [True, True]
    told = world.step({"a_0": 0.5, "b_0": 0.5})
    assert [told[4][agent]["acting"] for agent in ("a_0", "b_0")] == [True, False]
    paid = [world.step({"a_0": 0.0, "b_0": 99.0})[1]["b_0"] for _ in range(2)]  # not its turn: still 0.5
    assert paid == [0.5, 0.5]
    world.step({"a_0": 0.0, "b_0": -1.0})
    assert world.step({"a_0": 0.0})[1]["b_0"] == -1.0  # who waits may be left out


def test_the_two_forms_of_a_market_pay_the_same() -> None:
    hold = {"maker_0": np.array([3, 3, 1, 1]), "maker_1": np.array([2, 4, 1, 1]), "taker_0": np.array([1, 0])}
    world = _clocks()
    pnl = dict.fromkeys(hold, 0.0)
    for result in play(world, lambda agent, _: hold[agent], seed=5)[1:]:
        for agent, info in result.info.items():
            pnl[agent] += info["pnl"]
    form = to_parallel(_clocks())
    paid = dict.fromkeys(hold, 0.0)
    for *_, infos in play_parallel(form, counted_from_0(world, lambda agent, _: hold[agent]), seed=5)[1:]:
        for agent, info in infos.items():
            paid[agent] += info["pnl"]
    assert pnl == pytest.approx(paid) and any(pnl.values())


# --- what trainers ask for --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ALL)
def test_infos_have_the_same_entries_at_reset_and_at_every_step(name: str) -> None:
    """TorchRL makes its specs of those of the reset; each entry is a number."""
    told = play_parallel(to_parallel(ALL[name]()), drawing(to_parallel(ALL[name]())), seed=0, steps=60)
    entries = {(*sorted(info),) for *_, infos in told for info in infos.values()}
    assert len(entries) == 1 and {"acting", "elapsed"} <= set(*entries)
    assert all(info["elapsed"] == 0.0 for info in told[0][1].values())
    assert all(
        isinstance(value, bool | float | int) for *_, infos in told for i in infos.values() for value in i.values()
    )


def test_where_nobody_has_a_clock_a_step_has_elapsed() -> None:
    world = to_parallel(EchoEnv(("maker_0", "taker_0")))
    world.reset(seed=0)
    *_, infos = world.step(dict.fromkeys(world.agents, np.zeros(1, np.float32)))
    assert [info["elapsed"] for info in infos.values()] == [1.0, 1.0]


def test_when_nobody_is_left_a_step_without_actions_tells_nothing() -> None:
    """As native worlds do, and as SuperSuit's `black_death` asks for after the last death."""
    world = to_parallel(EchoEnv(length=1))
    world.reset(seed=0)
    world.step(dict.fromkeys(world.agents, np.zeros(1, np.float32)))
    assert world.agents == [] and world.step({}) == ({}, {}, {}, {}, {}) == world.step({})
    with pytest.raises(ResetRequired, match="nobody is alive"):
        world.step({"maker": np.zeros(1, np.float32)})


class Choosing(EchoEnv):
    """Everybody chooses a price, counted from 5, and a side, from -1; `maker_0` may not choose the first price."""

    def __init__(self) -> None:
        super().__init__(("maker_0", "taker_0"))
        space = sekai.MultiDiscrete([3, 2], start=[5, -1])
        self.action_spaces = dict.fromkeys(self.possible_agents, space)
        self.asked: list[Any] = []

    def step(self, actions: Mapping[str, Any]) -> MAStepResult:
        assert all(action in self.action_spaces[agent] for agent, action in actions.items())
        self.asked.append({agent: action.tolist() for agent, action in actions.items()})
        return super().step({agent: np.zeros(1, np.float32) for agent in actions})

    def action_masks(self) -> Mapping[str, Any]:
        return {"maker_0": np.array([0, 1, 1, 1, 1], np.int8)}


def test_choices_are_counted_from_0() -> None:
    for form in (to_parallel, to_aec):
        ours = Choosing()
        world: Any = form(ours)
        assert world.action_space("maker_0").start.tolist() == [0, 0]
        world.reset(seed=0)
        actions = {"maker_0": np.array([2, 1], np.int32), "taker_0": np.array([0, 0], np.uint8)}
        if form is to_parallel:
            assert world.action_masks()["maker_0"].tolist() == [False, True, True, True, True]
            assert world.action_masks()["taker_0"].tolist() == [True] * 5
            world.step(actions)
        else:
            for action in actions.values():
                world.step(action)
        assert ours.asked == [{"maker_0": [7, 0], "taker_0": [5, -1]}]
        back: Any = (from_parallel if form is to_parallel else from_aec)(world)
        assert back is ours
    kept = to_parallel(sekai.TimeLimit(from_parallel(_Passing(to_parallel(Choosing()))), 5))
    assert kept.action_space("maker_0").start.tolist() == [3, 3]


class _Passing(ParallelEnv):
    """A world of PettingZoo's own making, whose choices begin at 3."""

    metadata: dict[str, Any] = {}

    def __init__(self, world: Any) -> None:
        self.possible_agents = world.possible_agents
        self.observation_space = world.observation_space

    def action_space(self, agent: str) -> Any:
        return gymnasium.spaces.MultiDiscrete([2, 2], start=[3, 3])


# --- lives ------------------------------------------------------------------------------------------------------------
class Returning(sekai.MultiAgentEnv):
    """`taker` is alive at even times only, `maker` always; observations are the time, pay is the action; ends at 6."""

    def __init__(self, names: tuple[str, ...] = ("maker", "taker")) -> None:
        self.possible_agents = list(names)
        self.observation_spaces = dict.fromkeys(names, sekai.Box(0, 9, (1,)))
        self.action_spaces = dict.fromkeys(names, sekai.Box(-1, 1, (1,)))
        self.agents = list(names)

    def _see(self) -> np.ndarray:
        return np.array([self.time], np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> MAResetResult:
        self._set_rng(seed)
        self.time = 0
        self.agents = list(self.possible_agents)
        return MAResetResult({agent: self._see() for agent in self.agents}, {agent: {} for agent in self.agents})

    def step(self, actions: Mapping[str, Any]) -> MAStepResult:
        self.time += 1
        over = self.time == 6
        before = self.agents
        alive = self.possible_agents if self.time % 2 == 0 else [a for a in self.possible_agents if a != "taker"]
        self.agents = [] if over else list(alive)
        told = list(dict.fromkeys([*before, *self.agents]))
        first = frozenset(self.agents) - set(before)
        return MAStepResult(
            {agent: self._see() for agent in told},
            {agent: 0.0 if agent in first else float(actions[agent][0]) for agent in told},
            {agent: agent not in self.agents for agent in told},
            dict.fromkeys(told, False),
            {agent: {} for agent in told},
            first,
        )


def test_aec_can_observe_who_was_not_heard_of_yet() -> None:
    world = to_aec(_clocks())
    world.reset(seed=0)
    assert "taker_0" in world.agents and "taker_0" not in world.sekai_env.acting
    assert world.observation_space("taker_0").contains(world.observe("taker_0"))
    with pytest.raises(SekaiError, match="agent must be one of .* got 'taker_1'. Did you mean 'taker_0'"):
        world.observe("taker_1")


def test_a_returning_agent_gets_a_new_id() -> None:
    world = to_parallel(Returning())
    assert world.possible_agents == ["maker", "taker"]
    told = play_parallel(world, lambda agent, _: np.full(1, 0.5, np.float32), seed=0)
    alive = [list(step[0]) for step in told]
    assert alive == [
        ["maker", "taker"],
        ["maker", "taker"],
        ["maker", "taker_life_2"],
        ["maker", "taker_life_2"],
        ["maker", "taker_life_3"],
        ["maker", "taker_life_3"],
        ["maker"],
    ]
    assert [step[2].get("taker_life_2") for step in told[1:]] == [None, False, True, None, None, None]
    assert world.possible_agents == ["maker", "taker", "taker_life_2", "taker_life_3"]
    assert world.action_space("taker_life_2") == world.action_space("taker")
    world.reset()
    assert world.agents == ["maker", "taker"], "the next episode begins with first lives"


def test_the_judges_meet_an_agent_that_returns() -> None:
    parallel_api_test(to_parallel(Returning()), num_cycles=20)
    api_test(to_aec(Returning()), num_cycles=20)


def test_in_aec_the_dead_are_asked_first_and_return_under_a_new_id() -> None:
    told = play_aec(to_aec(Returning()), lambda agent, _: np.full(1, 0.5, np.float32), seed=0)
    assert [(entry[0], entry[2], entry[3]) for entry in told[:6]] == [
        ("maker", 0.0, False),
        ("taker", 0.0, False),
        ("taker", 0.5, True),
        ("maker", 0.5, False),
        ("maker", 0.5, False),
        ("taker_life_2", 0.0, False),
    ]
    lives = [entry[0] for entry in told if entry[3]]
    assert sorted(lives) == ["maker", "taker", "taker_life_2", "taker_life_3"]


def test_an_id_that_is_taken_is_refused() -> None:
    world = to_parallel(Returning(("taker", "taker_life_2")))
    world.reset(seed=0)
    act = dict.fromkeys(("taker", "taker_life_2"), np.zeros(1, np.float32))
    world.step(act)
    with pytest.raises(SekaiError, match="'taker_life_2', which is another agent's"):
        world.step({"taker_life_2": act["taker"]})


@pytest.mark.parametrize("form", [to_parallel, to_aec])
def test_where_episodes_restart_at_once_everybody_begins_another_life(form: Callable[..., Any]) -> None:
    world = form(sekai.AutoReset(EchoEnv(("maker_0", "taker_0"), length=2)))
    world.reset(seed=0)
    action = np.zeros(1, np.float32)
    for _ in range(2):
        if form is to_parallel:
            world.step(dict.fromkeys(world.agents, action))
        else:
            for agent in list(world.agents):
                assert world.agent_selection == agent
                world.step(action)
    while form is to_aec and world.terminations[world.agent_selection]:
        world.step(None)
    assert world.agents == ["maker_0_life_2", "taker_0_life_2"]


# --- PettingZoo's worlds as ours --------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", AEC)
def test_generated_agents_of_aec(name: str) -> None:
    """Agents die and appear; what comes through is what the world says by itself."""
    make = AEC[name].raw_env
    api_test(ToAEC(FromAEC(make())), num_cycles=30)
    bare, ours = make(max_cycles=15), FromAEC(make(max_cycles=15))
    form, name = ToAEC(ours), ours._names.name
    told, heard = play_aec(bare, _first_allowed(bare), seed=2), play_aec(form, _first_allowed(form), seed=2)
    assert [name(entry[0]) for entry in told] == [entry[0] for entry in heard]
    assert [entry[3:5] for entry in told] == [entry[3:5] for entry in heard]
    seeded = {name(entry[0]).split("_")[0] for entry in told[:5]}  # later kinds of agents draw without a seed there
    for theirs, mine in zip(told, heard, strict=True):
        assert mine[0].split("_")[0] not in seeded or same(theirs[1], mine[1])
    acted = {entry[0] for entry in heard if not (entry[3] or entry[4])}
    paid, earned = dict.fromkeys(acted, 0.0), dict.fromkeys(acted, 0.0)
    for entries, total in ((told, paid), (heard, earned)):
        for agent, _, reward, *_ in entries:
            known = agent if entries is heard else name(agent)
            if known in acted:
                total[known] += reward
    assert paid == earned, "what was earned before the first action is paid with the first transition"
    assert len({entry[0] for entry in told}) > 5, "somebody appeared"


def _first_allowed(world: Any) -> Callable[[Any, Any], int]:
    """Return a policy that takes the first action that is allowed."""

    def act(agent: Any, observation: Any) -> int:
        mask = (
            observation.get("action_mask") if isinstance(observation, dict) else world.infos[agent].get("action_mask")
        )
        return 0 if mask is None or not mask.any() else int(np.argmax(mask))

    return act


@pytest.mark.parametrize("name", PARALLEL)
def test_generated_agents_of_a_parallel_world(name: str) -> None:
    make = PARALLEL[name].parallel_env
    parallel_api_test(ToParallel(FromParallel(make())), num_cycles=100)
    api_test(ToAEC(FromParallel(make())), num_cycles=50)
    bare, world = make(), FromParallel(make())
    told = play_parallel(bare, lambda agent, _: 0, seed=4, steps=60)
    heard = play_parallel(ToParallel(world), lambda agent, _: 0, seed=4, steps=60)
    assert len(told) == len(heard) == 61
    for theirs, ours in zip(told[1:], heard[1:], strict=True):
        for field in (0, 2, 3):
            assert same({world._names.name(id): value for id, value in theirs[field].items()}, ours[field])
    ids = [set(step[0]) for step in heard]
    assert any(before - after for before, after in pairwise(ids)), "somebody died"
    assert any(after - before for before, after in pairwise(ids)), "somebody appeared"


@pytest.mark.parametrize("name", PARALLEL)
def test_layers_and_views_go_around_their_worlds(name: str) -> None:
    world: Any = sekai.NormalizeObservation(from_parallel(PARALLEL[name].parallel_env()))
    world = sekai.OrderEnforcing(sekai.TimeLimit(sekai.RecordEpisodeStatistics(world), 20))
    results = play(world, lambda agent, _: 0, seed=1)
    last = results[-1]
    assert len(results) == 21 and all(last.truncated[a] or last.terminated[a] for a in last.observations)
    for result in results[1:]:
        assert result.rewards.keys() == result.observations.keys() == result.info.keys()
        assert all(result.rewards[agent] == 0.0 for agent in result.first)


def test_settling_midway_with_those_who_wait_in_aec_changes_no_sum() -> None:
    """What was handed out is consumed: it is not paid again when the agent's turn comes."""
    totals = []
    for settles in (False, True):
        world, total = from_aec(generated_agents_env_v0.raw_env(max_cycles=10)), {}
        result: Any = world.reset(seed=1)
        while world.acting:
            result = world.step({world.acting[0]: 0})
            waiting = [agent for agent in world.agents if agent not in world.acting] if settles else []
            for told in (result, world.settle(waiting)):
                for agent, reward in told.rewards.items():
                    total[agent] = total.get(agent, 0.0) + reward
        totals.append({agent: earned for agent, earned in total.items() if earned})
    assert totals[0] == totals[1] and sum(totals[0].values()) > 30


@pytest.mark.parametrize("name", ["one clock", "own clocks", "late", "a market"])
def test_our_checker_finds_nothing_after_the_way_there_and_back(name: str) -> None:
    world = ALL[name]
    assert sekai.check_env(FromParallel(ToParallel(world())), n_steps=60) == []
    assert sekai.check_env(FromAEC(ToAEC(world())), n_steps=60) == []


def test_action_masks_come_through() -> None:
    world = from_aec(generated_agents_env_action_mask_info_v0.raw_env())
    info = world.reset(seed=1).info
    assert same(dict(world.action_masks()), {agent: said["action_mask"] for agent, said in info.items()})
    for _ in range(20):
        agent = world.acting[0]
        mask = world.action_masks()[agent]
        result = world.step({agent: world.action_spaces[agent].sample(mask)})
        assert set(world.action_masks()) == set(world.acting) <= set(result.observations)


def test_a_limit_settles_with_those_who_wait_in_aec() -> None:
    world = sekai.TimeLimit(from_aec(generated_agents_env_v0.raw_env()), 12)
    results = play(world, lambda agent, _: 0, seed=1)
    last = results[-1]
    assert len(results) == 13 and last.all_done and len(last.observations) >= 5
    paid = sum(sum(result.rewards.values()) for result in results[1:])
    assert paid + sum(world.unwrapped._owed.values()) == 12, "each step pays 1 to somebody"


def test_a_world_that_loses_an_agent_without_a_word_is_found_out() -> None:
    class Losing(EchoEnv):
        def step(self, actions: Mapping[str, Any]) -> MAStepResult:
            result = super().step(actions)
            self.agents = [agent for agent in self.agents if agent != "taker"]
            return MAStepResult(
                *(
                    {agent: value for agent, value in field.items() if agent != "taker"}
                    for field in (result.observations, result.rewards, result.terminated, result.truncated, result.info)
                )
            )

    world = to_parallel(Losing())
    world.reset(seed=0)
    with pytest.raises(SekaiError, match=r"\['taker'\] are no longer alive .* but had no last result"):
        world.step(dict.fromkeys(world.agents, np.zeros(1, np.float32)))


# --- there and back, and what is refused ------------------------------------------------------------------------------
def test_there_and_back_is_the_same() -> None:
    ours = EchoEnv()
    assert from_parallel(to_parallel(ours)) is ours and from_aec(to_aec(ours)) is ours
    parallel, aec = generated_agents_parallel_v0.parallel_env(), generated_agents_env_v0.raw_env()
    assert to_parallel(from_parallel(parallel)) is parallel and to_aec(from_aec(aec)) is aec
    assert isinstance(to_parallel(ours), ParallelEnv) and isinstance(to_aec(ours), AECEnv)


def test_wrong_agents_are_named() -> None:
    world = to_parallel(EchoEnv(("maker_0", "taker_0")))
    action = np.zeros(1, np.float32)
    with pytest.raises(ResetRequired, match="reset"):
        world.step({})
    world.reset(seed=0)
    with pytest.raises(InvalidAgents, match=r"missing for \['taker_0'\]"):
        world.step({"maker_0": action})
    with pytest.raises(InvalidAgents, match="got 'makr_0'. Did you mean 'maker_0'"):
        world.step({"maker_0": action, "taker_0": action, "makr_0": action})
    with pytest.raises(ResetRequired, match="nobody acts"):
        from_aec(generated_agents_env_v0.raw_env()).step({"type0_0": 0})
    aec = to_aec(Returning())
    with pytest.raises(ResetRequired, match="nobody is alive"):
        aec.step(action)
    aec.reset(seed=0)
    aec.step(action)
    aec.step(action)
    with pytest.raises(ValueError, match="'taker' is dead: its action must be None"):
        aec.step(action)


@pytest.mark.parametrize(
    ("function", "wrong"),
    [
        (to_parallel, CountingEnv()),
        (to_aec, CountingEnv()),
        (from_parallel, EchoEnv()),
        (from_aec, generated_agents_parallel_v0.parallel_env()),
    ],
)
def test_the_wrong_kind_of_world_is_refused(function: Callable[[Any], Any], wrong: Any) -> None:
    with pytest.raises(SekaiError, match="env must be a"):
        function(wrong)


def test_two_ids_of_one_name_are_refused() -> None:
    from sekai.adapters.pettingzoo.names import Names

    with pytest.raises(SekaiError, match="both called 'a_0'"):
        Names([("a", 0), "a_0"])


def test_frames_come_from_a_renderer() -> None:
    class Frames:
        closed = False

        def render(self, env: Any) -> Any:
            return np.full((2, 2, 3), env.unwrapped.time, np.uint8)

        def close(self) -> None:
            self.closed = True

    frames = Frames()
    world = to_parallel(EchoEnv(), renderer=frames)
    assert world.render_mode == "rgb_array" and to_parallel(EchoEnv()).render() is None
    world.reset(seed=0)
    world.step(dict.fromkeys(world.agents, np.zeros(1, np.float32)))
    assert world.render().tolist() == [[[1, 1, 1]] * 2] * 2
    world.close()
    assert frames.closed
