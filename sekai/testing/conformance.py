"""What every environment must do, as tests to inherit: an environment's own test is five lines.

    class TestMyEnv(EnvConformance):
        def make(self):
            return MyEnv()

pytest finds the methods that begin with `test_`. They use no test library themselves.
"""

import asyncio
import pickle
from copy import deepcopy
from typing import Any, ClassVar

from sekai.core.env import MultiAgentEnv
from sekai.core.result import same
from sekai.core.seeding import child_seed
from sekai.error import ClosedEnvironment, InvalidAgents, ResetRequired
from sekai.utils.checker import check_env
from sekai.wrappers.episode import OrderEnforcing, TimeLimit

__all__ = ["EnvConformance"]


class EnvConformance:
    """Tests of the environment that `make` makes, of one agent or of many; `n_steps` is how long they play.

    `cloneable` and `picklable` say what is asked of it beyond the rest.
    """

    n_steps: ClassVar[int] = 60
    cloneable: ClassVar[bool] = True
    picklable: ClassVar[bool] = True

    def make(self) -> Any:
        """Return a new environment; called once for each that a test needs."""
        raise NotImplementedError(f"{type(self).__name__} must define make(self)")

    def test_the_checker_finds_nothing(self) -> None:
        """Spaces, types, seeds, memory, lives and turns, as `check_env` has them."""
        issues = check_env(self.make(), self.n_steps)
        assert not issues, "\n".join(issues)

    def test_one_seed_is_one_story_in_every_copy(self) -> None:
        """Two environments made alike and seeded alike do the same, through several episodes."""
        assert same(_told(_play(self.make(), 3, self.n_steps)), _told(_play(self.make(), 3, self.n_steps)))

    def test_async_is_sync(self) -> None:
        """The async methods give what the sync ones give."""

        async def play() -> list[Any]:
            env, actions = self.make(), _Actions(self.make(), 5)
            results = [await env.async_reset(seed=5)]
            for _ in range(self.n_steps):
                over = _over(env, results[-1])
                results.append(await (env.async_reset() if over else env.async_step(actions.draw(env))))
            return results

        assert same(_told(asyncio.run(play())), _told(_play(self.make(), 5, self.n_steps)))

    def test_layers_say_what_is_out_of_order(self) -> None:
        """Before reset, after close and after the end there is an error, and none hangs."""
        env: Any = TimeLimit(OrderEnforcing(self.make()), 2)
        actions = _Actions(env, 1)
        env.reset(seed=1)
        action = actions.draw(env)
        if isinstance(env, MultiAgentEnv):
            _expect(InvalidAgents, env.step, {})
        env.step(action)
        env.close()
        _expect(ClosedEnvironment, env.reset)
        _expect(ResetRequired, OrderEnforcing(self.make()).step, action)

    def test_a_time_limit_ends_everybody(self) -> None:
        """After a limit everyone is done, those who waited included."""
        env: Any = TimeLimit(self.make(), 3)
        results, actions = [env.reset(seed=2)], _Actions(env, 2)
        while not _over(env, results[-1]):
            results.append(env.step(actions.draw(env)))
        assert 1 < len(results) <= 4
        if isinstance(env, MultiAgentEnv):
            assert not env.agents and not env.acting

    def test_a_clone_goes_on_alone(self) -> None:
        """A clone, and a pickled copy, do what the environment would have done; its state can be brought back."""
        env, actions = self.make(), _Actions(self.make(), 4)
        result = env.reset(seed=4)
        for _ in range(3):
            result = env.reset() if _over(env, result) else env.step(actions.draw(env))
        copies = [env.clone()] if self.cloneable else []
        copies += [pickle.loads(pickle.dumps(env))] if self.picklable else []
        saved = env.clone() if self.cloneable else None
        told = _told(_go_on(env, result, deepcopy(actions), 20))
        for copy in copies:
            assert same(_told(_go_on(copy, result, deepcopy(actions), 20)), told)
        if saved is not None:
            env.set_state(saved)
            assert same(_told(_go_on(env, result, deepcopy(actions), 20)), told)


class _Actions:
    """Random actions, each agent's from a stream of its name."""

    def __init__(self, env: Any, seed: int) -> None:
        self.many = isinstance(env, MultiAgentEnv)
        self.spaces = deepcopy(dict(env.action_spaces) if self.many else {"": env.action_space})
        for agent, space in self.spaces.items():
            space.seed(child_seed(seed, agent))

    def draw(self, env: Any) -> Any:
        if not self.many:
            return self.spaces[""].sample(env.action_mask())
        masks = env.action_masks()
        return {agent: self.spaces[agent].sample(masks.get(agent)) for agent in env.acting}


def _play(env: Any, seed: int, steps: int) -> list[Any]:
    begun = env.reset(seed=seed)
    return [begun, *_go_on(env, begun, _Actions(env, seed), steps)]


def _go_on(env: Any, result: Any, actions: _Actions, steps: int) -> list[Any]:
    results = []
    for _ in range(steps):
        result = env.reset() if _over(env, result) else env.step(actions.draw(env))
        results.append(result)
    return results


def _over(env: Any, result: Any) -> bool:
    if isinstance(env, MultiAgentEnv):
        return not env.acting
    return bool(getattr(result, "done", False))


def _told(results: list[Any]) -> list[Any]:
    """Return what results say, but for their infos, which may hold the time of day."""
    names = ("observation", "observations", "reward", "rewards", "terminated", "truncated")
    return [{name: getattr(result, name) for name in names if hasattr(result, name)} for result in results]


def _expect(error: type[Exception], method: Any, *args: Any) -> None:
    try:
        method(*args)
    except error:
        return
    raise AssertionError(f"{method} must raise {error.__name__}")
