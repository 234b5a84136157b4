"""Vector envs there and back. Rows, their ends and what follows them are the same; infos are one dict of columns there.

A seed there means `seed + row`, as gymnasium has it, and here the children of the seed; each side keeps its own word.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.vector.utils import batch_space

from sekai.adapters.gymnasium.env import spec_here
from sekai.adapters.gymnasium.spaces import (
    from_gymnasium_space,
    to_gymnasium_space,
    value_back,
    value_there,
)
from sekai.core.env import Env
from sekai.core.result import ResetResult, StepResult
from sekai.error import InvalidAction, SekaiError, SpaceMismatch
from sekai.spaces import Dict, Space, Tuple
from sekai.vector.base import Autoreset, Phases, Seeds, VecEnv, rows_in, seeds_of
from sekai.vector.columns import Tree, copied, overwrite, stacked
from sekai.vector.result import VecResetResult, VecStepResult
from sekai.wrappers.episode import restarted_info

__all__ = ["FromGymnasiumVector", "ToGymnasiumVector", "from_gymnasium_vector", "to_gymnasium_vector"]

_THERE: dict[Autoreset, AutoresetMode] = {
    "same_step": AutoresetMode.SAME_STEP,
    "next_step": AutoresetMode.NEXT_STEP,
    "disabled": AutoresetMode.DISABLED,
}
_BACK = {mode: autoreset for autoreset, mode in _THERE.items()}


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

    One that does not say its mode has gymnasium's default, `"next_step"`.
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
        self.single_action_space = to_gymnasium_space(env.action_space)
        self.observation_space = batch_space(self.single_observation_space, env.num_envs)
        self.action_space = batch_space(self.single_action_space, env.num_envs)
        self.metadata = {"render_modes": [], **env.metadata, "autoreset_mode": _THERE[env.autoreset]}

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin episodes, in the rows of `options["reset_mask"]` where there is one; return observations and infos."""
        options = dict(options or {})
        mask = options.pop("reset_mask", None)
        rows = rows_in(mask, self.num_envs)
        if not len(rows):
            raise SekaiError("options['reset_mask'] must be true somewhere, got only False")
        if isinstance(seed, int | np.integer):
            super().reset(seed=int(seed))
            seed = [int(seed) + row for row in range(self.num_envs)]
        begun = self.sekai_env.reset(seed=seed, options=options or None, mask=mask)
        infos: dict[str, Any] = {}
        for row in rows:
            infos = self._add_info(infos, begun.infos[row], row)
        return self._shown(begun.observations), infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Step every row; return observations, rewards, terminations, truncations and infos."""
        space = self.sekai_env.action_space
        result = self.sekai_env.step(_through(space, actions, value_back, list))
        same_step = self.sekai_env.autoreset == "same_step"
        restarted = np.asarray(result.restarted)
        infos: dict[str, Any] = {}
        for row, info in enumerate(result.infos):
            if same_step and restarted[row]:
                final = self._shown_one(info["final_observation"])
                infos = self._add_info(infos, {"final_obs": final, "final_info": info["final_info"]}, row)
                info = info["reset_info"]
            infos = self._add_info(infos, info, row)
        numbers = (np.asarray(column) for column in (result.rewards, result.terminated, result.truncated))
        return self._shown(result.observations), *numbers, infos

    def close_extras(self, **kwargs: Any) -> None:
        """Close all environments."""
        self.sekai_env.close()

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Call a method of each environment; return what each returned."""
        return tuple(self.sekai_env.call(name, *args, **kwargs))

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """Return an attribute of each environment."""
        return tuple(self.sekai_env.get_attr(name))

    def set_attr(self, name: str, values: Any) -> None:
        """Set an attribute of each environment, to one value or to one each of a list or tuple."""
        self.sekai_env.set_attr(name, values)

    def _shown(self, observations: Tree) -> Any:
        return _through(self.sekai_env.observation_space, observations, value_there, tuple)

    def _shown_one(self, observation: Any) -> Any:
        passage = value_there(self.sekai_env.observation_space)
        return passage(observation) if passage else observation

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.sekai_env!r})"


class _Row(Env[Any, Any]):
    """What one row of gymnasium's vector env is like: spaces, metadata, spec. Gymnasium steps all rows or none."""

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        self.observation_space = from_gymnasium_space(env.single_observation_space)
        self.action_space = from_gymnasium_space(env.single_action_space)
        told = {name: value for name, value in env.metadata.items() if name != "autoreset_mode"}
        self.metadata = told  # type: ignore[misc]  # the class's own, elsewhere; gymnasium's differs by env
        self._spec = spec_here(env)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> ResetResult[Any]:
        raise SekaiError("a row of gymnasium's vector env cannot be reset by itself: reset the vector env")

    def step(self, action: Any) -> StepResult[Any]:
        raise SekaiError("a row of gymnasium's vector env cannot be stepped by itself: step the vector env")


class FromGymnasiumVector(VecEnv):
    """Gymnasium's vector env `env` with our methods, spaces and results; made by `from_gymnasium_vector`.

    It steps all rows or none: `step` takes no mask. A mask of `reset`, attributes and calls work where `env` is one of
    gymnasium's own two vector envs, or has the like.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        mode = env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP)
        autoreset = _BACK[mode if isinstance(mode, AutoresetMode) else AutoresetMode(mode)]
        super().__init__(_Row(env), env.num_envs, autoreset)
        self.env = env
        self._phases = Phases(env.num_envs, autoreset)
        self._many_seeds = isinstance(env.unwrapped, SyncVectorEnv | AsyncVectorEnv)

    def reset(self, *, seed: Seeds = None, options: dict[str, Any] | None = None, mask: Any = None) -> VecResetResult:
        """Begin an episode in every row, or where `mask` is true.

        Row i gets the i-th child of `seed`, or the i-th of a sequence; an `env` that takes one seed gets `seed` itself.
        """
        self._check_open("reset")
        rows = rows_in(mask, self.num_envs)
        if mask is not None:
            options = {**(options or {}), "reset_mask": np.asarray(mask)}
        seeds: Any = seed if seed is None or not self._many_seeds else seeds_of(seed, self.num_envs)
        observations, infos = self.env.reset(seed=seeds, options=options)
        self._phases.begun(rows)
        said = _rows_of(infos, self.num_envs)
        return VecResetResult(self._seen(observations), [info if row in rows else {} for row, info in enumerate(said)])

    def step(self, actions: Any, *, mask: Any = None) -> VecStepResult:
        """Step every row; raises `SekaiError` for a mask that leaves one out, else as `VecEnv.step`."""
        self._check_open("step")
        if len(rows_in(mask, self.num_envs)) != self.num_envs:
            raise SekaiError(f"{self!r} steps all its rows at once: mask must be None")
        _, fresh = self._phases.due(range(self.num_envs))
        try:
            batch = stacked(actions, self.num_envs, "actions", self.action_space)
        except SpaceMismatch as error:
            raise InvalidAction(str(error)) from None
        seen, rewards, terminated, truncated, told = self.env.step(self._said(batch))
        observations, infos = self._seen(seen), _rows_of(told, self.num_envs)
        restarted, final = np.zeros(self.num_envs, dtype=bool), observations
        dones = np.flatnonzero(terminated | truncated).tolist()
        self._phases.begun(fresh)
        restarted[fresh] = True
        if self.autoreset != "same_step":
            self._phases.over.update(dones)
        elif dones:
            final = copied(observations)
            restarted[dones] = True
            for row in dones:
                last = self._seen_one(infos[row].pop("final_obs"))
                overwrite(final, row, last)
                infos[row] = restarted_info(last, infos[row].pop("final_info", {}), infos[row])
        stepped = np.ones(self.num_envs, dtype=bool)
        stepped[fresh] = False
        rewards = np.asarray(rewards, np.float64)
        return VecStepResult(observations, rewards, terminated, truncated, infos, final, restarted, stepped)

    def close(self) -> None:
        """Close all environments; closing twice does nothing."""
        if not self._closed:
            self.env.close()
        super().close()

    def _call(self, rows: Sequence[int], method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        answers = self._ask("call")(method, *args, **kwargs)
        return [answers[row] for row in rows]

    def _get(self, rows: Sequence[int], name: str) -> list[Any]:
        answers = self._ask("get_attr")(name)
        return [answers[row] for row in rows]

    def _set(self, rows: Sequence[int], name: str, value: Any) -> None:
        values = [value] * self.num_envs if len(rows) == self.num_envs else list(self._ask("get_attr")(name))
        for row in rows:
            values[row] = value
        self._ask("set_attr")(name, values)

    def _ask(self, method: str) -> Callable[..., Any]:
        if not hasattr(self.env, method):
            raise SekaiError(f"{self.env!r} has no {method!r}")
        asked: Callable[..., Any] = getattr(self.env, method)
        return asked

    def _seen(self, observations: Any) -> Tree:
        return _through(self.observation_space, observations, value_back, _objects)

    def _seen_one(self, observation: Any) -> Any:
        passage = value_back(self.observation_space)
        return passage(observation) if passage else observation

    def _said(self, batch: Tree) -> Any:
        """Return a batch of actions as gymnasium has it: arrays, and a tuple of N values for what is no array."""
        if isinstance(batch, list) and isinstance(self.action_space, Dict | Tuple):
            return _through(self.action_space, _transposed(self.action_space, batch), value_there, tuple)
        return _through(self.action_space, batch, value_there, tuple)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.env!r})>"


def _through(space: Space[Any], tree: Tree, way: Callable[[Any], Any], rows: Callable[[list[Any]], Any]) -> Any:
    """Return N values of `space` as the other side has them: arrays stay, of objects each passes `way`, in `rows`."""
    if isinstance(space, Dict) and isinstance(tree, Mapping):
        return {name: _through(part, tree[name], way, rows) for name, part in space.items()}
    if isinstance(space, Tuple) and isinstance(tree, tuple):
        return tuple(_through(part, inner, way, rows) for part, inner in zip(space, tree, strict=True))
    if space.shape is not None:
        return np.asarray(tree)
    passage = way(space)
    return rows([passage(value) if passage else value for value in tree])


def _objects(values: list[Any]) -> Any:
    return np.fromiter(values, dtype=object, count=len(values))


def _transposed(space: Space[Any], values: Sequence[Any]) -> Tree:
    """Return a list of N values of a Dict or a Tuple as a dict or a tuple of N each."""
    if isinstance(space, Dict):
        return {name: _transposed(part, [value[name] for value in values]) for name, part in space.items()}
    if isinstance(space, Tuple):
        return tuple(_transposed(part, [value[k] for value in values]) for k, part in enumerate(space))
    return values


def _rows_of(infos: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """Return gymnasium's infos, columns with a mask `_name` beside each, as a dict for each row."""
    rows: list[dict[str, Any]] = [{} for _ in range(count)]
    for name, column in infos.items():
        if name.startswith("_") and name[1:] in infos:
            continue
        values = _rows_of(column, count) if isinstance(column, Mapping) else column
        there = infos.get(f"_{name}", np.ones(count, dtype=bool))
        for row in np.flatnonzero(there).tolist():
            rows[row][name] = values[row]
    return rows
