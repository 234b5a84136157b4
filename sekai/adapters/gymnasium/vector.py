"""Vector envs of one agent: ours as gymnasium's, and gymnasium's as ours, in the same autoreset mode.

Infos are a dict for each row in ours, and a dict of columns in gymnasium's. An integer seed gives row i `seed + i` in
gymnasium's, and the i-th child of the seed in ours.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.vector.utils import batch_space

from sekai.adapters.gymnasium.env import flags, spec_from_gymnasium, to_gymnasium
from sekai.adapters.gymnasium.infos import info_columns, info_rows
from sekai.adapters.gymnasium.spaces import from_gymnasium_space, to_gymnasium_space
from sekai.adapters.gymnasium.values import (
    from_start,
    to_gymnasium_action_space,
    value_from_gymnasium,
    value_to_gymnasium,
)
from sekai.core.env import Env
from sekai.core.result import ResetResult, StepResult
from sekai.error import InvalidMask, SekaiError, UndefinedAttribute
from sekai.spaces import Dict, Space, Tuple
from sekai.spaces.masks import mask_space
from sekai.spaces.stacks import stacked
from sekai.spaces.tree import map_value
from sekai.vector.columns import Tree, overwrite
from sekai.vector.env import VecEnv
from sekai.vector.form import SOLE, form_of
from sekai.vector.restarts import Autoreset, Turn, rows_in
from sekai.vector.result import VecResetResult, VecStepResult
from sekai.vector.rows import Program, Rows
from sekai.wrappers.episode import restarted_info

__all__ = ["FromGymnasiumVector", "ToGymnasiumVector", "from_gymnasium_vector", "to_gymnasium_vector"]

_MODES: dict[Autoreset, AutoresetMode] = {
    "same_step": AutoresetMode.SAME_STEP,
    "next_step": AutoresetMode.NEXT_STEP,
    "disabled": AutoresetMode.DISABLED,
}
_AUTORESETS = {mode: autoreset for autoreset, mode in _MODES.items()}


def to_gymnasium_vector(env: VecEnv) -> VectorEnv[Any, Any, Any]:
    """Return a vector env of one agent as a `gymnasium.vector.VectorEnv`, in the same autoreset mode.

    Raises `SekaiError` for many agents: take `vec.view(agent, others)`.
    """
    if not isinstance(env, VecEnv):
        raise SekaiError(f"env must be a sekai.VecEnv, got {env!r}")
    if env.many:
        raise SekaiError(f"gymnasium has one agent, and {env!r} has {list(env.possible_agents)}: take env.view(agent)")
    return env.env if isinstance(env, FromGymnasiumVector) else ToGymnasiumVector(env)


def from_gymnasium_vector(env: VectorEnv[Any, Any, Any]) -> VecEnv:
    """Return a `gymnasium.vector.VectorEnv` as a `VecEnv`, in the same autoreset mode.

    The mode is gymnasium's default, `"next_step"`, where the metadata does not name one.
    """
    if not isinstance(env, VectorEnv):
        raise SekaiError(f"env must be a gymnasium.vector.VectorEnv, got {env!r}")
    return env.sekai_env if isinstance(env, ToGymnasiumVector) else FromGymnasiumVector(env)


class ToGymnasiumVector(VectorEnv[Any, Any, Any]):
    """The vector env `sekai_env` with gymnasium's methods, spaces and tuples; made by `to_gymnasium_vector`."""

    def __init__(self, env: VecEnv) -> None:
        self.sekai_env = env
        self.num_envs = env.num_envs
        self.single_observation_space = to_gymnasium_space(env.observation_space)
        keeps_start = isinstance(env.unwrapped, FromGymnasiumVector) or _of_first(env, "keeps_start") is True
        self.single_action_space = to_gymnasium_action_space(env.action_space, keeps_start)
        self._from_start = None if keeps_start else from_start(env.action_space)
        self.observation_space = batch_space(self.single_observation_space, env.num_envs)
        self.action_space = batch_space(self.single_action_space, env.num_envs)
        self.render_mode = _of_first(env, "render_mode")
        modes = [] if self.render_mode is None else [self.render_mode]
        self.metadata = {"render_modes": modes, **env.metadata, "autoreset_mode": _MODES[env.autoreset]}

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin episodes, in the rows of `options["reset_mask"]` where there is one; return observations and infos."""
        options = dict(options or {})
        mask = options.pop("reset_mask", None)
        _check_mask(mask, self.num_envs)
        if isinstance(seed, int | np.integer):
            seed = [int(seed) + row for row in range(self.num_envs)]
        begun = self.sekai_env.reset(seed=seed, options=options or None, mask=mask)
        rows = rows_in(mask, self.num_envs)
        infos = info_columns([info if row in rows else {} for row, info in enumerate(begun.infos)])
        return self._shown(begun.observations), infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Step every row; return observations, rewards, terminations, truncations and infos."""
        space = self.sekai_env.action_space
        if self._from_start:
            in_rows = isinstance(space, Dict | Tuple) and isinstance(actions, list)
            actions = list(map(self._from_start, actions)) if in_rows else self._from_start(actions)
        result = self.sekai_env.step(_through(space, actions, value_from_gymnasium, list))
        infos = list(result.infos)
        if self.sekai_env.autoreset == "same_step":
            for row in np.flatnonzero(np.asarray(result.restarted)).tolist():
                final = self._shown_one(infos[row]["final_observation"])
                ended = {"final_obs": final, "final_info": infos[row]["final_info"]}
                infos[row] = {**ended, **infos[row]["reset_info"]}
        numbers = (np.asarray(column) for column in (result.rewards, result.terminated, result.truncated))
        return self._shown(result.observations), *numbers, info_columns(infos)

    def render(self) -> tuple[Any, ...] | None:
        """Return a frame of each environment, or None if they have no `render_mode`."""
        return None if self.render_mode is None else self.call("render")

    def action_masks(self) -> Any:
        """Return which actions are allowed now in each row, `(N, ...)`, otherwise as `ToGymnasium.action_masks`."""
        space = self.sekai_env.action_space
        masks = [flags(space, mask) for mask in self.sekai_env.call("action_mask")]
        rows = stacked(mask_space(space), masks)
        return map_value(lambda _, column, __: column.astype(bool), space, rows)

    @property
    def envs(self) -> list[gymnasium.Env[Any, Any]]:
        """The environments as gymnasium's; raises `AttributeError` if they are not in this process."""
        rows: Any = self.sekai_env
        return [to_gymnasium(env) for env in rows.envs]

    @property  # type: ignore[misc]  # gymnasium's own vector envs have a tuple here too
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """The random stream of each environment: a copy of it, if the environment is in another process."""
        return tuple(self.sekai_env.get_attr("rng"))

    @property
    def np_random_seed(self) -> tuple[int, ...]:  # type: ignore[override]
        """The seed that the random stream of each environment started from."""
        return tuple(self.sekai_env.call("_set_rng"))

    def close_extras(self, **kwargs: Any) -> None:
        """Close all environments."""
        self.sekai_env.close()

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Return what the method `name` of each environment returns, or the attribute `name` if it is no method."""
        try:
            return tuple(self.sekai_env.call(name, *args, **kwargs))
        except UndefinedAttribute:
            values = () if args or kwargs else self.get_attr(name)
            if not values or any(map(callable, values)):
                raise
            return values

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """Return an attribute of each environment."""
        return tuple(self.sekai_env.get_attr(name))

    def set_attr(self, name: str, values: Any) -> None:
        """Set an attribute of each environment: one value for all, or a list or tuple with a value for each.

        Raises `UndefinedAttribute` where our environments do not have it; gymnasium's get it as a new one.
        """
        try:
            self.sekai_env.set_attr(name, values)
        except UndefinedAttribute as error:
            own = values if isinstance(values, list | tuple) else [values] * self.num_envs
            try:
                for row, value in enumerate(own):
                    self.sekai_env._rows.call([row], "set_wrapper_attr", (name, value), {})
            except UndefinedAttribute:
                raise error from None

    def _shown(self, observations: Tree) -> Any:
        return _through(self.sekai_env.observation_space, observations, value_to_gymnasium, tuple)

    def _shown_one(self, observation: Any) -> Any:
        convert = value_to_gymnasium(self.sekai_env.observation_space)
        return convert(observation) if convert else observation

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.sekai_env!r})"


def _of_first(env: VecEnv, name: str) -> Any:
    """Return an attribute of the first environment, or None where it has none of that name."""
    try:
        return env.get_attr(name)[0]
    except UndefinedAttribute:
        return None


def _check_mask(mask: Any, count: int) -> None:
    """Raise `InvalidMask`, in gymnasium's words, for what is no mask of `count` rows, one of them true."""
    if mask is None:
        return
    name = "`options['reset_mask']`"
    if not isinstance(mask, np.ndarray):
        raise InvalidMask(f"{name} must be a numpy array, got {type(mask)}")
    if mask.shape != (count,):
        raise InvalidMask(f"{name} must have shape `({count},)`, got {mask.shape}")
    if mask.dtype != np.bool_:
        raise InvalidMask(f"{name} must have `dtype=np.bool_`, got {mask.dtype}")
    if not mask.any():
        raise InvalidMask(f"{name} must contain a boolean array with at least one True value, got reset_mask={mask}")


class _Row(Env[Any, Any]):
    """The form of a row of gymnasium's vector env: spaces, metadata, spec. It cannot be reset or stepped alone."""

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        self.observation_space = from_gymnasium_space(env.single_observation_space)
        self.action_space = from_gymnasium_space(env.single_action_space)
        told = {name: value for name, value in env.metadata.items() if name != "autoreset_mode"}
        self.metadata = told  # type: ignore[misc]  # gymnasium has it on the instance
        self._spec = spec_from_gymnasium(env)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> ResetResult[Any]:
        raise SekaiError("a row of gymnasium's vector env cannot be reset by itself: reset the vector env")

    def step(self, action: Any) -> StepResult[Any]:
        raise SekaiError("a row of gymnasium's vector env cannot be stepped by itself: step the vector env")


class FromGymnasiumVector(VecEnv[VecResetResult, VecStepResult]):
    """Gymnasium's vector env `env` with our methods, spaces and results; made by `from_gymnasium_vector`.

    It steps all rows at once, so `step` takes no mask. A mask of `reset`, attributes and calls work if `env` supports
    them, as gymnasium's `SyncVectorEnv` and `AsyncVectorEnv` do. Row i gets the i-th child of a seed, or the i-th of a
    sequence; an `env` that takes one seed gets it as it is.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        self.env = env
        super().__init__(_Rows(env))

    def step(self, actions: Any, *, mask: Any = None) -> VecStepResult:
        """Step every row; raises `SekaiError` for a mask that leaves one out, otherwise as `VecEnv.step`."""
        if len(rows_in(mask, self.num_envs)) != self.num_envs:
            raise SekaiError(f"{self!r} steps all its rows at once: mask must be None")
        return super().step(actions)


class _Rows(Rows):
    """The rows of gymnasium's vector env `env`, which begins episodes by itself, in the same mode as ours."""

    listed = False

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        mode = env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP)
        autoreset = _AUTORESETS[mode if isinstance(mode, AutoresetMode) else AutoresetMode(mode)]
        row = _Row(env)
        super().__init__(row, form_of(row), env.num_envs, autoreset)
        self.env = env
        self._seen = self.table.sole
        self._many_seeds = isinstance(env.unwrapped, SyncVectorEnv | AsyncVectorEnv)

    def play(self, turn: Turn) -> Program[None]:
        """Reset or step `env`, and write what it says."""
        self.table.open()
        if turn.is_reset:
            self._reset(turn)
        else:
            self._step(turn)
        yield from ()

    def _reset(self, turn: Turn) -> None:
        options, seeds = turn.options, turn.seed
        if not turn.whole:
            mask = np.isin(np.arange(self.count), list(turn.begins))
            options = {**(options or {}), "reset_mask": mask}
        if self._many_seeds and any(seed is not None for seed in turn.seeds):
            given = dict(zip(turn.begins, turn.seeds, strict=True))
            seeds = [given.get(row) for row in range(self.count)]
        observations, infos = self.env.reset(seed=seeds, options=options)  # type: ignore[arg-type]
        overwrite(self._seen, slice(None), self._shown(observations))
        said = info_rows(infos, self.count)
        self.table.begin(turn.begins, [said[row] for row in turn.begins])
        self.table.acting[list(turn.begins)] = True

    def _step(self, turn: Turn) -> None:
        table = self.table
        seen, rewards, terminated, truncated, told = self.env.step(self._said(turn.actions[0]))
        overwrite(self._seen, slice(None), self._shown(seen))
        table.infos = infos = info_rows(told, self.count)
        table.stepped[list(turn.steps)] = True
        table.rewards[:, 0], table.terminated[:, 0], table.truncated[:, 0] = rewards, terminated, truncated
        table.restarted[list(turn.begins)] = True
        table.acting[:, 0] = ~(terminated | truncated)
        if not turn.restart:
            return
        for row in np.flatnonzero(terminated | truncated).tolist():
            last = self._shown_one(infos[row].pop("final_obs"))
            overwrite(table.finals[SOLE], (row, 0), last)
            infos[row] = restarted_info(last, infos[row].pop("final_info", {}), infos[row])
            table.restarted[row] = table.acting[row, 0] = True

    def call(self, rows: Sequence[int], method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """Call a method of these rows."""
        answers = self._ask("call")(method, *args, **kwargs)
        return [answers[row] for row in rows]

    def get(self, rows: Sequence[int], name: str) -> list[Any]:
        """Return an attribute of these rows."""
        answers = self._ask("get_attr")(name)
        return [answers[row] for row in rows]

    def set(self, rows: Sequence[int], name: str, value: Any) -> None:
        """Set an attribute of these rows."""
        values = [value] * self.count if len(rows) == self.count else list(self._ask("get_attr")(name))
        for row in rows:
            values[row] = value
        self._ask("set_attr")(name, values)

    def close(self) -> None:
        """Close `env`."""
        super().close()
        self.env.close()

    def _ask(self, method: str) -> Callable[..., Any]:
        if not hasattr(self.env, method):
            raise SekaiError(f"{self.env!r} has no {method!r}")
        asked: Callable[..., Any] = getattr(self.env, method)
        return asked

    def _shown(self, observations: Any) -> Tree:
        return _through(self.form.observation_spaces[SOLE], observations, value_from_gymnasium, _objects)

    def _shown_one(self, observation: Any) -> Any:
        convert = value_from_gymnasium(self.form.observation_spaces[SOLE])
        return convert(observation) if convert else observation

    def _said(self, batch: Tree) -> Any:
        """Return a batch of actions in gymnasium's form: arrays, or a tuple of N values where those are no arrays."""
        space = self.form.action_spaces[SOLE]
        if isinstance(batch, list) and isinstance(space, Dict | Tuple):
            return _through(space, _transposed(space, batch), value_to_gymnasium, tuple)
        return _through(space, batch, value_to_gymnasium, tuple)

    def __repr__(self) -> str:
        return f"<FromGymnasiumVector({self.env!r})>"


def _through(space: Space[Any], tree: Tree, way: Callable[[Any], Any], rows: Callable[[list[Any]], Any]) -> Any:
    """Return N values of `space` in the other form: arrays as they are, objects converted by `way(space)` in `rows`."""
    if isinstance(space, Dict) and isinstance(tree, Mapping):
        return {name: _through(part, tree[name], way, rows) for name, part in space.items()}
    if isinstance(space, Tuple) and isinstance(tree, tuple):
        return tuple(_through(part, inner, way, rows) for part, inner in zip(space, tree, strict=True))
    if space.shape is not None:
        return np.asarray(tree)
    if not isinstance(tree, Sequence | np.ndarray):  # no batch of actions: `step` rejects it
        return tree
    convert = way(space)
    return rows([convert(value) if convert else value for value in tree])


def _objects(values: list[Any]) -> Any:
    return np.fromiter(values, dtype=object, count=len(values))


def _transposed(space: Space[Any], values: Sequence[Any]) -> Tree:
    """Return a list of N values of a Dict or a Tuple as a dict or a tuple of N each."""
    if isinstance(space, Dict):
        return {name: _transposed(part, [value[name] for value in values]) for name, part in space.items()}
    if isinstance(space, Tuple):
        return tuple(_transposed(part, [value[k] for value in values]) for k, part in enumerate(space))
    return values
