"""The checker finds what is wrong, says it in a sentence, and is silent about what is right."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import sekai
from sekai import Box, Dict, Discrete, MAResetResult, MAStepResult, ResetResult, StepResult, check_env
from sekai.testing import ClockworkEnv, CountingEnv, EchoEnv


class Walk(sekai.Env):
    """A random walk with a fault, if it is given one."""

    def __init__(self, **faults: Callable[..., Any]) -> None:
        self.observation_space = Dict({"at": Box(-100.0, 100.0, (2,)), "side": Discrete(2)})
        self.action_space = Box(-1.0, 1.0, (2,))
        self.faults, self.closed = faults, 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        self._set_rng(seed)
        self.at, self.time = np.zeros(2, np.float32), 0
        return self.fault("reset", ResetResult(self.see(), {}))

    def step(self, action: Any) -> Any:
        self.time += 1
        self.at = self.at + self.rng.normal(0, 0.1, 2).astype(np.float32) + np.asarray(action, np.float32)
        return self.fault("step", StepResult(self.see(), float(self.at.sum()), self.time >= 7, False, {}), action)

    def see(self) -> Any:
        return self.fault("see", {"at": self.at.copy(), "side": np.intp(self.time % 2)})

    def fault(self, where: str, *args: Any) -> Any:
        return self.faults[where](self, *args) if where in self.faults else args[0]

    def close(self) -> None:
        self.closed += 1
        self.fault("close", None)


def with_(result: StepResult, **changes: Any) -> StepResult:
    fields = {name: getattr(result, name) for name in ("observation", "reward", "terminated", "truncated", "info")}
    return StepResult(**{**fields, **changes})


def buffer(env: Walk, seen: Any) -> Any:
    env.kept = getattr(env, "kept", seen)
    env.kept["at"][:] = seen["at"]
    return {"at": env.kept["at"], "side": seen["side"]}


def raising(kind: type[Exception]) -> Callable[..., Any]:
    def fail(*args: Any) -> Any:
        raise kind("no")

    return fail


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"reset": lambda e, r: (r.observation, r.info)}, "ERROR: reset.* must return a ResetResult, got tuple"),
    ({"step": lambda e, r, a: None}, "ERROR: step must return a StepResult, got NoneType"),
    ({"step": lambda e, r, a: with_(r, reward="1")}, "ERROR: step: reward must be a float, got str"),
    ({"step": lambda e, r, a: with_(r, reward=True)}, "ERROR: step: reward must be a float, got bool"),
    ({"step": lambda e, r, a: with_(r, reward=np.nan)}, "ERROR: step: reward must be finite, got nan"),
    ({"step": lambda e, r, a: with_(r, truncated=0)}, "ERROR: step: truncated must be a bool, got int"),
    ({"step": lambda e, r, a: with_(r, info=None)}, "ERROR: step: info must be a dict, got NoneType"),
    ({"step": raising(KeyError)}, "ERROR: step 1 raised KeyError: 'no'"),
    ({"reset": raising(TypeError)}, "ERROR: reset.seed=0. raised TypeError: no"),
    ({"close": lambda e, r: e.closed > 1 and raising(ValueError)()}, "ERROR: close.. the second time raised"),
    ({"see": lambda e, s: s["at"]}, "ERROR: reset: observation must be a dict with the names"),
    ({"see": lambda e, s: {**s, "at": s["at"][:1]}}, r"ERROR: .*\['at'\] must have shape \(2,\), got \(1,\)"),
    ({"see": lambda e, s: {**s, "at": s["at"].astype(float)}}, r"ERROR: .*\['at'\] must be float32, got float64"),
    ({"see": lambda e, s: {**s, "at": s["at"].tolist()}}, r"ERROR: .*\['at'\] must be an array, got list"),
    ({"see": lambda e, s: {**s, "side": 5}}, r"ERROR: .*\['side'\] must be in Discrete\(2\), got 5"),
    ({"see": lambda e, s: {**s, "at": s["at"] + np.float32(500)}}, r"WARNING: .*within the bounds.*\[500.0, 500.0\]"),
    ({"see": lambda e, s: {**s, "at": s["at"] * np.float32(np.nan)}}, r"WARNING: .*\['at'\] must not be NaN"),
    ({"see": lambda e, s: {**s, "at": e.observation_space["at"].sample()}}, "ERROR: two plays with the same seed"),
    ({"see": buffer}, "ERROR: an observation changed after it was handed out"),
    ({"see": lambda e, s: {**s, "at": e.at}}, "ERROR: writing over what was handed out changed the play"),
    ({"step": lambda e, r, a: np.copyto(a, 0) or r}, "ERROR: step must not change the actions"),
]  # fmt: skip


@pytest.mark.parametrize(("faults", "found"), FAULTS, ids=[found[:60] for _, found in FAULTS])
def test_a_fault_is_found(faults: dict[str, Any], found: str) -> None:
    issues = check_env(Walk(**faults), n_steps=30)
    assert any(re.match(found, issue) for issue in issues), issues
    assert all(issue.startswith(("ERROR: ", "WARNING: ")) for issue in issues) and len(issues) < 5
    if found.startswith("WARNING"):
        assert check_env(Walk(**faults), n_steps=30, warn_on_anomaly=False) == []


def test_what_is_right_is_clean() -> None:
    env = Walk()
    assert check_env(env, n_steps=60) == [] and env.closed == 2
    for other in (CountingEnv(), sekai.RecordEpisodeStatistics(sekai.TimeLimit(CountingEnv(), 3)), EchoEnv()):
        assert check_env(other) == []


@pytest.mark.parametrize("layer", [sekai.NormalizeObservation, sekai.NormalizeReward])
def test_statistics_that_live_on_are_no_fault(layer: Any) -> None:
    for make in (Walk, EchoEnv, lambda: ClockworkEnv({"a": 1, "b": 3}, lives={"b": (2, 6)})):
        assert check_env(layer(make())) == []
    env = layer(Walk())
    assert check_env(env) == [] and not env.frozen, "and they go on afterwards"
    sekai.wrappers.freeze_statistics(env)
    assert check_env(env) == [] and env.frozen
    unseeded = {"see": lambda e, s: {**s, "at": e.observation_space["at"].sample()}}
    found = check_env(layer(Walk(**unseeded)), n_steps=20)
    assert found and "two plays with the same seed differ" in found[0], "a fault below is one still"


def test_flags_leave_checks_out() -> None:
    unseeded = {"see": lambda e, s: {**s, "at": e.observation_space["at"].sample()}}
    found = check_env(Walk(**unseeded), n_steps=20, check_reset_seed=False)
    assert not any("same seed" in issue for issue in found)
    outside = {"see": lambda e, s: {**s, "side": 5}}
    assert check_env(Walk(**outside), n_steps=20, check_obs_space=False) == []


def test_spaces_that_are_missing_or_none() -> None:
    class Bare(sekai.Env):
        pass

    assert check_env(Bare()) == [
        "ERROR: Bare does not define observation_space: set self.observation_space in __init__"
    ]
    assert check_env(3) == ["ERROR: env must be an Env or a MultiAgentEnv, got int"]

    class Odd(Walk):
        def __init__(self) -> None:
            super().__init__()
            self.action_space = [0, 1]

    assert check_env(Odd()) == ["ERROR: action_space must be a Space, got [0, 1]"]


class Town(sekai.MultiAgentEnv):
    """Everybody keeps one clock; `b` dies at 3, `c` joins at 5; with a fault, if it is given one."""

    def __init__(self, fault: Callable[["Town", dict[str, Any]], None] | None = None) -> None:
        self.possible_agents = ["a", "b", "c"]
        self.agents: list[str] = []
        self.observation_spaces = {name: Box(0.0, 1.0, (1,)) for name in self.possible_agents}
        self.action_spaces = {name: Discrete(3) for name in self.possible_agents}
        self.fault = fault

    def reset(self, *, seed: int | None = None, options: Any = None) -> MAResetResult:
        self._set_rng(seed)
        self.time, self.agents = 0, ["a", "b"]
        return MAResetResult({a: self.see() for a in self.agents}, {a: {} for a in self.agents})

    def step(self, actions: Any) -> MAStepResult:
        self.time += 1
        done = set(self.agents) if self.time >= 8 else ({"b"} if self.time == 3 else set())
        told, first = list(self.agents), frozenset()
        self.agents = [a for a in self.agents if a not in done]
        if self.time == 5:
            self.agents.append("c")
            told, first = [*told, "c"], frozenset({"c"})
        parts: dict[str, Any] = {
            "observations": {a: self.see() for a in told},
            "rewards": {a: 0.0 if a in first else 1.0 for a in told},
            "terminated": {a: a in done for a in told},
            "truncated": dict.fromkeys(told, False),
            "info": {a: {} for a in told},
            "first": first,
            "elapsed": {},
        }
        if self.fault:
            self.fault(self, parts)
        return MAStepResult(**parts)

    def see(self) -> Any:
        return self.rng.random(1).astype(np.float32)


def forget_reward(env: Town, parts: dict[str, Any]) -> None:
    del parts["rewards"]["a"]


def unannounced(env: Town, parts: dict[str, Any]) -> None:
    parts["first"] = frozenset()


def pay_the_newborn(env: Town, parts: dict[str, Any]) -> None:
    parts["rewards"] |= dict.fromkeys(parts["first"], 2.0)


def undead(env: Town, parts: dict[str, Any]) -> None:
    if env.time == 3:
        env.agents = ["a", "b"]


def vanish(env: Town, parts: dict[str, Any]) -> None:
    if env.time == 3:
        for name in ("observations", "rewards", "terminated", "truncated", "info"):
            del parts[name]["b"]


def stranger(env: Town, parts: dict[str, Any]) -> None:
    for name in ("observations", "rewards", "terminated", "truncated", "info"):
        parts[name]["d"] = parts[name]["a"]


def nobody_acts(env: Town, parts: dict[str, Any]) -> None:
    env.acting = [] if env.time == 4 else env.agents


def reborn(env: Town, parts: dict[str, Any]) -> None:
    parts["first"] = frozenset({"a"})
    parts["rewards"]["a"] = 0.0


def back_in_time(env: Town, parts: dict[str, Any]) -> None:
    parts["elapsed"] = {"a": -1.0}


TOWNS: list[tuple[Callable[..., None], str]] = [
    (forget_reward, "ERROR: step 1: all dicts of a result must have the same agents"),
    (unannounced, "ERROR: step: a transition of 'c', which has not acted yet: first must name it"),
    (pay_the_newborn, "ERROR: step: the reward of 'c', who is in first, must be 0, got 2.0"),
    (undead, "ERROR: step: 'b' is done, so it must not be in agents"),
    (vanish, "ERROR: step: ['b'] left agents without a last result"),
    (stranger, "ERROR: step 1: agents must be out of possible_agents, got 'd'"),
    (nobody_acts, "ERROR: step: ['a'] are alive, so somebody must act"),
    (reborn, "ERROR: step: 'a' is in first, but it has had an observation and acted on it"),
    (back_in_time, "ERROR: step: elapsed must be >= 0"),
]


@pytest.mark.parametrize(("fault", "found"), TOWNS, ids=[fault.__name__ for fault, _ in TOWNS])
def test_a_fault_of_many_is_found(fault: Callable[..., None], found: str) -> None:
    issues = check_env(Town(fault), n_steps=30)
    assert any(issue.startswith(found) for issue in issues), issues


def test_lives_that_are_right_are_clean() -> None:
    assert check_env(Town(), n_steps=50) == []
    clocks = ClockworkEnv({"a": 1, "b": 3, "c": 2, "d": 5}, lives={"c": (4, 9), "d": (0, 7)})
    assert check_env(clocks, n_steps=60) == []
    assert check_env(clocks.wrap(sekai.FrameStackObservation, 2, agents=["a", "c"]), n_steps=60) == []
    assert check_env(sekai.TimeLimit(sekai.RepeatAction(clocks, 2), 5), n_steps=40) == []
    assert check_env(clocks.view("a", {name: lambda obs: np.float32(0) for name in "bcd"}), n_steps=40) == []


def test_settle_must_consume_and_leave_turns_alone() -> None:
    class Generous(ClockworkEnv):
        def settle(self, agents: Any) -> MAStepResult:
            kept = dict(self._earned)
            result = super().settle(agents)
            self._earned = kept
            return result

    class Hasty(ClockworkEnv):
        def settle(self, agents: Any) -> MAStepResult:
            result = super().settle(agents)
            self.acting = self.agents
            return result

    assert check_env(Generous({"a": 1, "b": 4})) == [
        "ERROR: settle must consume what it pays: a second one in the same moment paid again"
    ]
    assert any(
        "settle must leave the turns" in issue or "settle raised" in issue
        for issue in check_env(Hasty({"a": 1, "b": 4}))
    )


def test_a_clone_that_goes_another_way_is_found() -> None:
    class Forgetful(Walk):
        def __deepcopy__(self, memo: Any) -> "Forgetful":
            twin = Forgetful()
            twin.reset(seed=99)
            return twin

    assert any("a clone does not go on as" in issue for issue in check_env(Forgetful(), n_steps=40))


def test_an_unseeded_world_of_many_is_found() -> None:
    class Unseeded(Town):
        def see(self) -> Any:
            return self.observation_spaces["a"].sample()

    assert any("two plays with the same seed differ" in issue for issue in check_env(Unseeded()))


@pytest.mark.parametrize("id", ["scenarios/maker-duel", "markets/MakerTaker-v0", "markets/MarketMaking-v0"])
def test_the_markets_are_clean(id: str) -> None:
    assert check_env(sekai.make(id), n_steps=40) == []
