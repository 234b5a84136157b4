"""An ordinary wrapper around a vector env: every row behaves as its environment would inside that wrapper.

A wrapper whose hooks are `over_rows` is one instance for all rows (one for each agent), called with `(M, *shape)`. Any
other is one instance a row around a stand-in for the row's environment. The stand-in defines only the async methods:
awaiting one asks for a step or a reset, the requests of all rows are gathered, and the vector env below answers them
in one call. So control flow works too, and a row in the middle of it waits for no other.
"""

from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from sekai.core.env import Env
from sekai.core.flow import Reset, Step
from sekai.core.multi_agent import MultiAgentEnv, role
from sekai.core.result import AgentID, MAResetResult, MAStepResult, ResetResult, StepResult
from sekai.core.seeding import child_seed
from sekai.core.wrapper import Wrapper, wrap_many
from sekai.error import ResetRequired, SekaiError, UnsupportedWrapper, did_you_mean
from sekai.vector.base import VecEnv
from sekai.vector.columns import Tree, allocate, at, copied, gathered, overwrite, row_of
from sekai.vector.local import LocalVecEnv, Request, RowProgram, StepRows
from sekai.vector.result import AgentColumns, VecResetResult, VecStepResult, changed, columns_of
from sekai.vector.table import Handout
from sekai.vector.wrappers import VecWrapper
from sekai.wrappers.episode import AutoReset

if TYPE_CHECKING:
    from sekai.registry.spec import EnvSpec

__all__ = ["LayeredVecEnv", "OverRows", "RowEnv", "RowWorld", "wrap_rows"]

_FIELDS = frozenset(("observation", "reward", "action"))


def wrap_rows(
    vec: VecEnv,
    wrapper: type[Wrapper[Any, Any]],
    agents: Sequence[str] | None,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> VecEnv:
    """Return `vec` with `wrapper(..., *args, **kwargs)` around every row, of many agents around `agents` or all.

    Raises `UnsupportedWrapper` for a wrapper that drives the environment itself, by its own `step` or `reset`.
    """
    if not (isinstance(wrapper, type) and issubclass(wrapper, Wrapper)):
        raise UnsupportedWrapper(f"wrapper must be a subclass of Wrapper, got {wrapper!r}")
    if issubclass(wrapper, AutoReset):
        raise UnsupportedWrapper("a vector env resets by itself: make it with autoreset='same_step'")
    if wrapper._drives_itself:
        raise UnsupportedWrapper(
            f"{wrapper.__name__} overrides {' and '.join(wrapper._drives_itself)}, so it can serve one environment "
            "only: put it around each, or use the hooks observation, reward, action, on_reset, on_step"
        )
    if agents is not None and not vec.many:
        raise SekaiError(f"agents must be None around environments of one agent, got {agents!r}")
    if _is_over_rows(wrapper):
        return OverRows(vec, wrapper, agents, args, kwargs)
    return LayeredVecEnv(vec, wrapper, agents, args, kwargs)


def _is_over_rows(wrapper: type[Wrapper[Any, Any]]) -> bool:
    """Say whether the class that defines the hooks, and not one that it has replaced, takes many rows at once."""
    if not wrapper.over_rows or not wrapper.touched <= _FIELDS:
        return False
    for kind in wrapper.__mro__:
        if vars(kind).get("over_rows"):
            return True
        if not _FIELDS.isdisjoint(vars(kind)):
            return False
    return False


class OverRows(VecWrapper):
    """One instance of a wrapper for all rows, of many agents one for each, `instances[agent]`."""

    def __init__(
        self,
        env: VecEnv,
        wrapper: type[Wrapper[Any, Any]],
        agents: Sequence[str] | None,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> None:
        super().__init__(env)
        self.wrapper = wrapper
        self._handout = Handout(backend=env.backend)
        self.instances: dict[AgentID, Wrapper[Any, Any]] = {}
        if not env.many:
            self.instance = wrapper(_Seat(env, None), *args, **kwargs)
            self.observation_space, self.action_space = self.instance.observation_space, self.instance.action_space
            self._seen: Any = allocate(self.observation_space, (self.num_envs,))
            return
        for agent in _served(env, agents):
            born = wrapper(_Seat(env, agent), *args, **kwargs)
            born.on_birth(agent, [kin for name, kin in self.instances.items() if role(name) == role(agent)])
            self.instances[agent] = born
        self.observation_spaces = dict(env.observation_spaces) | {
            agent: layer.observation_space for agent, layer in self.instances.items()
        }
        self.action_spaces = dict(env.action_spaces) | {
            agent: layer.action_space for agent, layer in self.instances.items()
        }
        self._seen = {a: allocate(self.observation_spaces[a], (self.num_envs,)) for a in self.instances}

    def actions(self, actions: Any) -> Any:
        """Change the actions."""
        if "action" not in self.wrapper.touched:
            return actions
        actions = self._handout.taken(actions)
        if not self.many:
            return self.instance.action(_array_of(actions, self.action_space))
        given: dict[AgentID, Any] = {}
        for name, column in actions.items():
            members = self.groups.get(name, ()) if name not in self.action_spaces else ()
            given |= {a: at(column, (slice(None), k)) for k, a in enumerate(members)} if members else {name: column}
        return {
            agent: self.instances[agent].action(_array_of(column, self.action_spaces[agent]))
            if agent in self.instances
            else column
            for agent, column in given.items()
        }

    def _begun(self, result: Any, mask: Any) -> Any:
        return self._handout.result(self._begun_rows(self._handout.numpys(result), mask))

    def _stepped(self, result: Any, mask: Any) -> Any:
        return self._handout.result(self._stepped_rows(self._handout.numpys(result), mask))

    def _begun_rows(self, result: Any, mask: Any) -> Any:
        if "observation" not in self.wrapper.touched:
            return result
        rows = np.ones(self.num_envs, np.bool_) if mask is None else np.asarray(mask)
        if isinstance(result, VecResetResult):
            self._see(self.instance, self._seen, result.observations, rows)
            return VecResetResult(copied(self._seen), result.infos)
        for agent, layer in self.instances.items():
            self._see(layer, self._seen[agent], result.observations[agent], rows & result.acting[agent])
        seen = {agent: copied(column) for agent, column in self._seen.items()}
        return changed(result, observations=self._columns(result.observations, seen))

    def _stepped_rows(self, result: Any, mask: Any) -> Any:
        touched = self.wrapper.touched
        if "reward" in touched:
            result = changed(result, rewards=self._paid(result))
        if "observation" not in touched:
            return result
        restarted = result.restarted
        if isinstance(result, VecStepResult):
            now, last, new = result.observations, result.final_observations, result.stepped
            seen, final = self._moved(self.instance, self._seen, now, last, new, restarted)
            infos = self._infos(result.infos, restarted, lambda row, info: info | _last(info, final, row))
            return changed(result, observations=seen, final_observations=final, infos=infos)
        rows = np.ones(self.num_envs, np.bool_) if mask is None else np.asarray(mask)
        seen, final = {}, {}
        for agent, layer in self.instances.items():
            acting, ends = result.acting[agent], result.dones[agent]
            new = rows & (result.stepped[agent] | ends | (acting & ~restarted))
            now, last, begun = result.observations[agent], result.final_observations[agent], acting & restarted
            seen[agent], final[agent] = self._moved(layer, self._seen[agent], now, last, new, begun)
        infos = self._infos(
            result.infos,
            restarted,
            lambda row, info: {a: i | _last(i, final[a], row) if a in final else i for a, i in info.items()},
        )
        return changed(
            result,
            observations=self._columns(result.observations, seen),
            final_observations=self._columns(result.final_observations, final),
            infos=infos,
        )

    def _moved(
        self, layer: Wrapper[Any, Any], seen: Tree, now: Tree, last: Tree, new: Any, begun: Any
    ) -> tuple[Tree, Tree]:
        """Pass transitions in the rows `new`, then beginnings in `begun`; return observations and the final ones."""
        self._see(layer, seen, last, new)
        if not begun.any():
            out = copied(seen)
            return out, out
        ended = new & begun
        kept = at(seen, ended)
        self._see(layer, seen, now, begun)
        final = copied(seen)
        overwrite(final, ended, kept)
        return copied(seen), final

    def _see(self, layer: Wrapper[Any, Any], seen: Tree, observations: Tree, rows: Any) -> None:
        """Pass what is new in `rows` through the layer."""
        if rows.all():
            overwrite(seen, slice(None), layer.observation(observations))
        elif rows.any():
            overwrite(seen, rows, layer.observation(at(observations, rows)))

    def _paid(self, result: Any) -> Any:
        if isinstance(result, VecStepResult):
            return self._pay(self.instance, result.rewards, result.stepped)
        return result.rewards.mapped(
            lambda agent, rewards: (
                self._pay(self.instances[agent], rewards, result.stepped[agent]) if agent in self.instances else rewards
            )
        )

    def _pay(self, layer: Wrapper[Any, Any], rewards: Any, rows: Any) -> Any:
        if rows.all():
            return layer.reward(rewards)
        paid = np.array(rewards)
        if rows.any():
            paid[rows] = layer.reward(paid[rows])
        return paid

    def _columns(self, columns: AgentColumns, ours: Mapping[AgentID, Tree]) -> AgentColumns:
        everybody = {agent: ours[agent] if agent in ours else columns[agent] for agent in columns}
        return columns_of(everybody, self.groups)

    def _infos(self, infos: list[Any], restarted: Any, change: Callable[[int, Any], Any]) -> list[Any]:
        if not restarted.any():
            return infos
        return [change(row, info) if restarted[row] else info for row, info in enumerate(infos)]

    def _get(self, rows: Sequence[int], name: str) -> list[Any]:
        """Return the layer's own, the same in all rows (of many agents, by agent), or what the rows have."""
        if not self._has(name):
            return super()._get(rows, name)
        value = {a: getattr(i, name) for a, i in self.instances.items()} if self.many else getattr(self.instance, name)
        return [value] * len(rows)

    def _set(self, rows: Sequence[int], name: str, value: Any) -> None:
        if not self._has(name):
            super()._set(rows, name, value)
            return
        for instance in self.instances.values() if self.many else [self.instance]:
            setattr(instance, name, value)

    def _has(self, name: str) -> bool:
        instances = list(self.instances.values()) if self.many else [self.instance]
        return name not in ("env", "observation_space", "action_space") and any(name in vars(i) for i in instances)

    def __repr__(self) -> str:
        return f"<{self.wrapper.__name__}({self.env!r})>"


def _last(info: dict[str, Any], final: Tree, row: int) -> dict[str, Any]:
    return {"final_observation": row_of(final, row)} if "final_observation" in info else {}


def _array_of(actions: Any, space: Any) -> Any:
    """Return N actions as arrays, where they are given as a list."""
    if isinstance(actions, list):
        return gathered(actions, space)
    return actions


def _served(vec: VecEnv, names: Sequence[str] | None) -> list[AgentID]:
    """Return the agents that `names`, of agents or roles, mean."""
    if names is None:
        return list(vec.possible_agents)
    roles = {agent: group for group, agents in vec.groups.items() for agent in agents}
    known = [*roles, *vec.groups]
    names = [names] if isinstance(names, str) else names
    for name in names:
        if name not in known:
            raise SekaiError(f"agents must name agents or roles, {known}, got {name!r}.{did_you_mean(name, known)}")
    return [agent for agent, group in roles.items() if agent in names or group in names]


class _Alone(Env[Any, Any]):
    """What cannot be stepped by itself."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> NoReturn:
        """Refuse."""
        self._refuse("reset")

    def step(self, action: Any) -> NoReturn:
        """Refuse."""
        self._refuse("step")

    def _refuse(self, method: str) -> NoReturn:
        raise UnsupportedWrapper(f"a layer around a vector env cannot {method} a row by itself: use the hooks")


class _Seat(_Alone):
    """What a layer over rows finds below it: the spaces of one row."""

    def __init__(self, vec: VecEnv, agent: AgentID | None) -> None:
        self.vec = vec
        self.observation_space = vec.observation_space if agent is None else vec.observation_spaces[agent]
        self.action_space = vec.action_space if agent is None else vec.action_spaces[agent]

    def __repr__(self) -> str:
        return f"<rows of {self.vec!r}>"


class _Ask:
    """Awaited by a layer; whoever drives the coroutine answers."""

    __slots__ = ("request",)

    def __init__(self, request: Step | Reset) -> None:
        self.request = request

    def __await__(self) -> Generator[Step | Reset, Any, Any]:
        return (yield self.request)


class _Row:
    """What a stand-in for one row remembers: the first observations of the episode that the row has begun by itself."""

    vec: VecEnv
    row: int
    _next: Any = None
    _seed: int | None = None

    async def _reset(self, seed: int | None, options: dict[str, Any] | None) -> Any:
        if self._next is not None and seed is None and options is None:
            begun, self._next = self._next, None
            return begun
        self._next = None
        if seed is not None:
            self._seed, self._rng = seed, None
        return await _Ask(Reset(seed, options))

    async def _step(self, action: Any) -> Any:
        if self._next is not None:
            raise ResetRequired(f"step after the episode's end in environment {self.row}: call reset() first")
        return await _Ask(Step(action))

    def _plant(self, set_rng: Callable[[int], Any]) -> None:
        """Begin the stream of the row's layers, which is none of the environment's."""
        if self._rng is None and self._seed is not None:
            set_rng(child_seed(self._seed, "layers"))

    _rng: np.random.Generator | None = None


class RowEnv(_Row, _Alone):
    """One row of a vector env of one agent, as an environment that only its driver can step."""

    def __init__(self, vec: VecEnv, row: int) -> None:
        self.vec, self.row = vec, row
        self.observation_space, self.action_space = vec.observation_space, vec.action_space

    async def async_reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Begin an episode, or take the one that has begun."""
        return await self._reset(seed, options)

    async def async_step(self, action: Any) -> Any:
        """Step."""
        return await self._step(action)

    def begun(self, result: Any) -> ResetResult[Any]:
        """Return this row of a reset."""
        return ResetResult(row_of(result.observations, self.row), result.infos[self.row])

    def stepped(self, result: Any) -> StepResult[Any]:
        """Return this row of a step, and remember the episode that has begun in it."""
        row, info = self.row, result.infos[self.row]
        if result.restarted[row]:
            self._next = ResetResult(row_of(result.observations, row), info["reset_info"])
            info = info["final_info"]
        return StepResult(
            row_of(result.final_observations, row),
            float(result.rewards[row]),
            bool(result.terminated[row]),
            bool(result.truncated[row]),
            info,
        )

    def action_mask(self) -> Any:
        """Return the action mask of the row's environment."""
        return self.vec._call([self.row], "action_mask", (), {})[0]

    @property
    def rng(self) -> np.random.Generator:
        """The random stream of this row's layers."""
        self._plant(self._set_rng)
        return super().rng

    @property  # type: ignore[misc]
    def spec(self) -> "EnvSpec | None":
        """The spec of the environments."""
        return self.vec.spec

    def __repr__(self) -> str:
        return f"<row {self.row} of {self.vec!r}>"


class RowWorld(_Row, MultiAgentEnv):
    """One row of a vector env of many agents, as a world that only its driver can step."""

    def __init__(self, vec: VecEnv, row: int) -> None:
        self.vec, self.row = vec, row
        self.possible_agents = list(vec.possible_agents)
        self.observation_spaces, self.action_spaces = vec.observation_spaces, vec.action_spaces
        self.acting: list[AgentID] = []
        self._over = False

    @property
    def groups(self) -> dict[str, tuple[AgentID, ...]]:
        """The groups of the environments."""
        return self.vec.groups

    @property
    def agents(self) -> Sequence[AgentID]:  # type: ignore[override]
        """Those alive in the row; nobody after the episode's end."""
        return () if self._over else list(self.vec._get([self.row], "agents")[0])

    def action_masks(self) -> Mapping[AgentID, Any]:
        """Return the action masks of the row's world."""
        return self.vec._call([self.row], "action_masks", (), {})[0]  # type: ignore[no-any-return]

    def settle(self, agents: Sequence[AgentID]) -> MAStepResult:
        """Settle with these agents of the row."""
        if not agents:
            return MAStepResult({}, {}, {}, {}, {})
        return self.vec._call([self.row], "settle", (list(agents),), {})[0]  # type: ignore[no-any-return]

    async def async_reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Begin an episode, or take the one that has begun."""
        begun = await self._reset(seed, options)
        self._over, self.acting = False, list(begun.observations)
        return begun

    async def async_step(self, actions: Mapping[AgentID, Any]) -> Any:
        """Step."""
        return await self._step(actions)

    def begun(self, result: Any) -> MAResetResult:
        """Return this row of a reset."""
        acting = [agent for agent in result.acting if result.acting[agent][self.row]]
        said = result.infos[self.row]
        return self._first(result, {agent: said.get(agent, {}) for agent in acting})

    def stepped(self, result: Any) -> MAStepResult:
        """Return this row of a step, and remember the episode that has begun in it."""
        row, said = self.row, result.infos[self.row]
        dones = result.dones
        moved = [agent for agent in result.stepped if result.stepped[agent][row] or dones[agent][row]]
        acting = [agent for agent in result.acting if result.acting[agent][row]]
        final = result.final_observations
        if result.restarted[row]:
            info = {agent: said[agent].get("reset_info", said[agent]) for agent in acting}
            self._next = self._first(result, info)
            here, self.acting, self._over = moved, [], True
            said = {agent: said[agent].get("final_info", said[agent]) for agent in here}
        else:
            here = [agent for agent in result.stepped if agent in acting or agent in moved]
            self.acting, self._over = acting, not acting
        elapsed = {agent: float(result.elapsed[agent][row]) for agent in here}
        return MAStepResult(
            {agent: row_of(final[agent], row) for agent in here},
            {agent: float(result.rewards[agent][row]) for agent in here},
            {agent: bool(result.terminated[agent][row]) for agent in here},
            {agent: bool(result.truncated[agent][row]) for agent in here},
            {agent: said[agent] for agent in here},
            frozenset(agent for agent in here if not result.stepped[agent][row]),
            {agent: time for agent, time in elapsed.items() if time > 0.0},
        )

    def _first(self, result: Any, info: dict[AgentID, dict[str, Any]]) -> MAResetResult:
        return MAResetResult({agent: row_of(result.observations[agent], self.row) for agent in info}, info)

    @property
    def rng(self) -> np.random.Generator:
        """The random stream of this row's layers."""
        self._plant(self._set_rng)
        return super().rng

    @property  # type: ignore[misc]
    def spec(self) -> "EnvSpec | None":
        """The spec of the environments."""
        return self.vec.spec

    def __repr__(self) -> str:
        return f"<row {self.row} of {self.vec!r}>"


class LayeredVecEnv(LocalVecEnv):
    """Every row of `env` inside a wrapper of its own; what follows an episode's end is as in `env`."""

    def __init__(
        self,
        env: VecEnv,
        wrapper: type[Wrapper[Any, Any]],
        agents: Sequence[str] | None,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> None:
        self.env, self.wrapper = env, wrapper
        self._handout = Handout(backend=env.backend)
        self._rows: list[Any] = [(RowWorld if env.many else RowEnv)(env, row) for row in range(env.num_envs)]
        if env.many:
            wrapped: list[Any] = [wrap_many(row, wrapper, agents, args, kwargs) for row in self._rows]
        else:
            wrapped = []
            for row in self._rows:
                layer = wrapper(row, *args, **kwargs)
                layer.on_row(wrapped)
                wrapped.append(layer)
        super().__init__(wrapped, autoreset=env.autoreset, backend=env.backend)

    def _drive(self, program: RowProgram) -> None:
        """Run `program`; what the rows ask for is asked of `env`."""
        below = self._below(program)
        try:
            ask = next(below)
            while True:
                try:
                    answer = self.env.reset(**ask[1]) if ask[0] == "reset" else self.env.step(**ask[1])
                except BaseException as error:
                    ask = below.throw(error)
                else:
                    ask = below.send(self._handout.numpys(answer))
        except StopIteration:
            return

    async def _async_drive(self, program: RowProgram) -> None:
        below = self._below(program)
        try:
            ask = next(below)
            while True:
                try:
                    if ask[0] == "reset":
                        answer = await self.env.async_reset(**ask[1])
                    else:
                        answer = await self.env.async_step(**ask[1])
                except BaseException as error:
                    ask = below.throw(error)
                else:
                    ask = below.send(self._handout.numpys(answer))
        except StopIteration:
            return

    def _below(self, program: RowProgram) -> Generator[tuple[str, dict[str, Any]], Any, None]:
        """Turn a program over rows into one that asks `env`."""
        try:
            request = next(program)
            while True:
                try:
                    answer = yield from self._answered(request)
                except BaseException as error:
                    request = program.throw(error)
                else:
                    request = program.send(answer)
        except StopIteration:
            return

    def _answered(self, request: Request) -> Generator[tuple[str, dict[str, Any]], Any, list[Any]]:
        """Let every row's layers run until each has its result, answering together what they ask for together."""
        envs, rows = self.envs, request.rows
        running: dict[int, Coroutine[Any, Any, Any]] = {}
        if type(request) is StepRows:
            running = {row: envs[row].async_step(a) for row, a in zip(rows, request.actions, strict=True)}
        else:
            running = {
                row: envs[row].async_reset(seed=seed, options=request.options)  # type: ignore[union-attr]
                for row, seed in zip(rows, request.seeds, strict=True)  # type: ignore[union-attr]
            }
        results: dict[int, Any] = {}
        asked: dict[int, Any] = {}

        def go_on(row: int, answer: Any) -> None:
            try:
                asked[row] = running[row].send(answer)
            except StopIteration as end:
                results[row] = end.value
            except Exception as error:
                self._blame(row, error)
                raise

        try:
            for row in rows:
                go_on(row, None)
            while asked:
                now, asked = asked, {}
                resets = {row: ask for row, ask in now.items() if type(ask) is Reset}
                for options in _distinct([ask.options for ask in resets.values()]):
                    mine = {row: ask.seed for row, ask in resets.items() if ask.options is options}
                    begun = yield (
                        "reset",
                        self._asking(mine)
                        | {
                            "seed": [mine.get(row) for row in range(self.num_envs)],
                            "options": options,
                        },
                    )
                    for row in mine:
                        go_on(row, self._rows[row].begun(begun))
                steps = {row: ask.action for row, ask in now.items() if type(ask) is Step}
                if steps:
                    stepped = yield "step", self._asking(steps) | {"actions": self._batch(steps)}
                    for row in steps:
                        go_on(row, self._rows[row].stepped(stepped))
        finally:
            for coroutine in running.values():
                coroutine.close()
        return [results[row] for row in rows]

    def _asking(self, rows: Mapping[int, Any]) -> dict[str, Any]:
        if len(rows) == self.num_envs:
            return {}
        return {"mask": np.isin(np.arange(self.num_envs), list(rows))}

    def _batch(self, steps: Mapping[int, Any]) -> Any:
        if not self.many:
            return [steps.get(row) for row in range(self.num_envs)]
        agents = {agent for actions in steps.values() for agent in actions}
        return {a: [steps.get(row, {}).get(a) for row in range(self.num_envs)] for a in agents}

    def _call(self, rows: Sequence[int], method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        answers = []
        for row in rows:
            layer = self._layer(row, method)
            if layer is None:
                answers += self.env._call([row], method, args, kwargs)
            else:
                answers.append(getattr(layer, method)(*args, **kwargs))
        return answers

    def _get(self, rows: Sequence[int], name: str) -> list[Any]:
        layers = {row: self._layer(row, name) for row in rows}
        return [self.env._get([r], name)[0] if layer is None else getattr(layer, name) for r, layer in layers.items()]

    def _set(self, rows: Sequence[int], name: str, value: Any) -> None:
        for row in rows:
            layer = self._layer(row, name)
            if layer is None:
                self.env._set([row], name, value)
            else:
                setattr(layer, name, value)

    def _layer(self, row: int, name: str) -> Any:
        """Return the layer of this wrapper around a row, if `name` is its own."""
        layer = self.envs[row]
        return layer if hasattr(layer, name) else None

    @property
    def unwrapped(self) -> VecEnv:
        """The vector env underneath all vector wrappers."""
        return self.env.unwrapped

    def __iter__(self) -> Iterator[VecEnv]:
        yield self
        yield from self.env

    def close(self) -> None:
        """Close `env`, the layers told."""
        super().close()
        self.env.close()

    def __repr__(self) -> str:
        return f"<{self.wrapper.__name__}({self.env!r})>"


def _distinct(values: Sequence[Any]) -> list[Any]:
    return list({id(value): value for value in values}.values())
