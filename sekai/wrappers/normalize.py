"""Wrappers that normalise by running statistics, which can be frozen, saved and loaded.

`freeze_statistics`, `save_statistics` and `load_statistics` take a whole stack of wrappers, of one agent or of many.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sekai.core.base import stack
from sekai.core.env import Env
from sekai.core.result import AgentID
from sekai.core.wrapped_agents import WrappedAgents
from sekai.core.wrapper import EnvActT, EnvObsT, ObservationWrapper, RewardWrapper
from sekai.error import SekaiError, SpaceMismatch
from sekai.spaces.box import Box
from sekai.spaces.space import Space
from sekai.spaces.tree import Path, map_space, map_value, real_dtype
from sekai.utils.files import reading, whole_file

__all__ = [
    "NormalizeObservation",
    "NormalizeReward",
    "RunningMoments",
    "freeze_statistics",
    "frozen_statistics",
    "load_statistics",
    "save_statistics",
]


class RunningMoments:
    """Mean and variance of all arrays seen so far, element by element.

    Arrays are `(..., *shape)`; leading dimensions are more arrays. A single array is merged by Welford's update (1962),
    a batch by Chan, Golub and LeVeque's (1979).

    >>> moments = RunningMoments((1,))
    >>> moments.update(np.array([[1.0], [3.0]]))
    >>> moments.mean, moments.variance, moments.count
    (array([2.]), array([1.]), 2)
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.count = 0
        self.mean = np.zeros(shape)
        self._squares = np.zeros(shape)

    @property
    def variance(self) -> NDArray[np.float64]:
        """The variance so far (of the population); 1 before there are two arrays."""
        return self._squares / self.count if self.count > 1 else np.ones(self.shape)

    def update(self, x: NDArray[Any]) -> None:
        """Add `x`, `(..., *shape)`; raises `SpaceMismatch` for another shape."""
        if x.shape == self.shape:
            self.count += 1
            delta = x - self.mean
            self.mean = self.mean + delta / self.count
            self._squares = self._squares + delta * (x - self.mean)
            return
        lead = x.ndim - len(self.shape)
        if lead < 0 or x.shape[lead:] != self.shape:
            raise SpaceMismatch(f"x must have shape (..., {', '.join(map(str, self.shape))}), got {x.shape}")
        batch = x.reshape((-1, *self.shape)).astype(np.float64)
        count = len(batch)
        if not count:
            return
        mean = batch.mean(axis=0)
        total = self.count + count
        delta = mean - self.mean
        self._squares = self._squares + ((batch - mean) ** 2).sum(axis=0) + delta**2 * (self.count * count / total)
        self.mean = self.mean + delta * (count / total)
        self.count = total

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the whole state, by name."""
        return {"count": np.array(self.count), "mean": self.mean, "squares": self._squares}

    def from_arrays(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over the state that `to_arrays` returned; raises `SpaceMismatch` for another shape."""
        for name in ("mean", "squares"):
            if arrays[name].shape != self.shape:
                raise SpaceMismatch(f"{name} must have shape {self.shape}, got {arrays[name].shape}")
        self.count = int(arrays["count"])
        self.mean, self._squares = (np.array(arrays[name], np.float64) for name in ("mean", "squares"))


class NormalizeObservation(ObservationWrapper[EnvObsT, EnvActT]):
    """Subtracts the running mean of observations and divides by their running standard deviation.

    Every Box of the observation is normalised, in nested Dicts and Tuples too; other parts stay as they are. Of many
    agents each has statistics of its own, or with `shared="role"` all agents of a role have the same. While `frozen`,
    they do not change. Raises `SpaceMismatch` for a space without a Box.
    """

    over_rows = True

    def __init__(self, env: Env[EnvObsT, EnvActT], epsilon: float = 1e-8, shared: str = "agent") -> None:
        super().__init__(env)
        _check_arguments(epsilon, shared)
        self.epsilon = epsilon
        self.frozen = False
        self._shared = shared
        self._inner = env.observation_space
        self.moments: dict[Path, RunningMoments] = {}
        self.observation_space = map_space(self._normalised_space, self._inner)
        if not self.moments:
            raise SpaceMismatch(f"NormalizeObservation needs a Box to normalise, got {self._inner}")

    def on_birth(self, agent: AgentID, kin: Sequence[Any]) -> None:
        """Use the statistics of the role, if they are shared; the spaces must be equal."""
        if self._shared == "role" and kin:
            if kin[0]._inner != self._inner:
                raise SpaceMismatch(
                    f"{agent!r} cannot share statistics with its role: {self._inner} != {kin[0]._inner}"
                )
            self.moments = kin[0].moments

    def observation(self, obs: Any) -> Any:
        """Add `obs` to the statistics unless they are frozen, and return it normalised."""
        return map_value(self._normalised, self._inner, obs)

    def _normalised(self, space: Space[Any], value: Any, path: Path) -> Any:
        if not isinstance(space, Box):
            return value
        moments = self.moments[path]
        array = np.asarray(value)
        if not self.frozen:
            moments.update(array)
        scaled = (array - moments.mean) / np.sqrt(moments.variance + self.epsilon)
        return scaled.astype(real_dtype(space))

    def _normalised_space(self, space: Space[Any], path: Path) -> Space[Any]:
        if not isinstance(space, Box):
            return space
        self.moments[path] = RunningMoments(space.shape)
        return Box(-np.inf, np.inf, space.shape, real_dtype(space))


class NormalizeReward(RewardWrapper[EnvObsT, EnvActT]):
    """Divides rewards by the running standard deviation of the discounted return, `gamma` a step.

    The return restarts with each episode. Of many agents each has statistics of its own, or with `shared="role"` all
    agents of a role have the same. While `frozen`, they do not change.
    """

    def __init__(
        self, env: Env[EnvObsT, EnvActT], gamma: float = 0.99, epsilon: float = 1e-8, shared: str = "agent"
    ) -> None:
        super().__init__(env)
        _check_arguments(epsilon, shared)
        if not 0.0 <= gamma <= 1.0:
            raise SekaiError(f"gamma must be in [0, 1], got {gamma}")
        self.gamma, self.epsilon = gamma, epsilon
        self.frozen = False
        self._shared = shared
        self._return: Any = 0.0
        self.moments: dict[Path, RunningMoments] = {(): RunningMoments(())}

    def on_birth(self, agent: AgentID, kin: Sequence[Any]) -> None:
        """Use the statistics of the role, if they are shared."""
        if self._shared == "role" and kin:
            self.moments = kin[0].moments

    def on_row(self, kin: Sequence[Any]) -> None:
        """Share the statistics with all rows of a vector env."""
        if kin:
            self.moments = kin[0].moments

    def on_begin(self) -> None:
        """Restart the return."""
        self._return = 0.0

    def reward(self, reward: Any) -> Any:
        """Add `reward` to the statistics unless they are frozen, and return it scaled."""
        moments = self.moments[()]
        if not self.frozen:
            self._return = self._return * self.gamma + reward
            moments.update(np.asarray(self._return))
        scaled = reward / np.sqrt(moments.variance + self.epsilon)
        return float(scaled) if np.ndim(scaled) == 0 else scaled


def _check_arguments(epsilon: float, shared: str) -> None:
    if shared not in ("agent", "role"):
        raise SekaiError(f"shared must be 'agent' or 'role', got {shared!r}")
    if not epsilon > 0:
        raise SekaiError(f"epsilon must be > 0, got {epsilon}")


def freeze_statistics(env: Any, frozen: bool = True) -> None:
    """Freeze the running statistics of every wrapper of `env`, or with `frozen=False` let them change again.

    Of many agents this holds for those that have not appeared yet, too.
    """
    for _, wrapper in _normalisers(env, _everybody(env)):
        wrapper.frozen = frozen


@contextmanager
def frozen_statistics(env: Any) -> Iterator[None]:
    """Freeze the running statistics of every wrapper of `env` within a `with` block; then each is as it was."""
    wrappers = [wrapper for _, wrapper in _normalisers(env, _everybody(env))]
    before = [wrapper.frozen for wrapper in wrappers]
    freeze_statistics(env)
    try:
        yield
    finally:
        for wrapper, frozen in zip(wrappers, before, strict=True):
            wrapper.frozen = frozen


def save_statistics(env: Any, path: str | PathLike[str]) -> None:
    """Write the running statistics of every wrapper of `env`, of all agents that have appeared, to an `.npz` file.

    The file is written whole or not at all; raises `UnwritableFile` where it cannot be.
    """
    arrays = {
        f"{name}/{_text(leaf)}/{field}": array
        for name, wrapper in _normalisers(env, ())
        for leaf, moments in wrapper.moments.items()
        for field, array in moments.to_arrays().items()
    }
    with whole_file(path) as beside, open(beside, "wb") as file:
        np.savez(file, **arrays)


def load_statistics(env: Any, path: str | PathLike[str]) -> None:
    """Read what `save_statistics` wrote into the wrappers of `env`.

    Raises `SpaceMismatch` where wrappers, agents or shapes differ from those that were saved, and
    `UnreadableFile` for a file that is damaged or is none of statistics.
    """
    with reading(path, "file of statistics"), np.load(path, allow_pickle=False) as file:
        saved = {name: file[name] for name in file.files}
        agents = {name.split("/")[1] for name in saved} - {"-"}
    wanted: dict[str, RunningMoments] = {}
    for name, wrapper in _normalisers(env, sorted(agents)):
        wanted |= {f"{name}/{_text(leaf)}": moments for leaf, moments in wrapper.moments.items()}
    for name in sorted({key.rpartition("/")[0] for key in saved} - wanted.keys()):
        raise SpaceMismatch(f"{str(path)!r} has statistics of {name.strip('/')!r}, which the environment has not")
    for name, moments in wanted.items():
        if f"{name}/count" in saved:
            with reading(path, "file of statistics"):
                moments.from_arrays({field: saved[f"{name}/{field}"] for field in ("count", "mean", "squares")})
        elif name.split("/")[1] in agents | {"-"}:
            raise SpaceMismatch(
                f"{str(path)!r} has no statistics of {name.strip('/')!r}; it has those of {sorted(agents)}"
            )


def _text(path: Path) -> str:
    return ".".join(map(str, path))


def _everybody(env: Any) -> Sequence[AgentID]:
    wrapped = [wrapper for wrapper in stack(env) if isinstance(wrapper, WrappedAgents)]
    return list(wrapped[0].possible_agents) if wrapped else ()


def _normalisers(env: Any, agents: Sequence[AgentID]) -> Iterator[tuple[str, Any]]:
    """Yield the wrappers with statistics, each as "Class.number/agent", innermost first; make those of `agents`."""
    seen: dict[str, int] = {}
    for wrapper in reversed(list(stack(env))):
        lifted = wrapper.wrappers if isinstance(wrapper, WrappedAgents) else None
        kind = type(wrapper) if lifted is None else lifted.recipe.wrapper
        if not issubclass(kind, NormalizeObservation | NormalizeReward):
            continue
        number = seen[kind.__name__] = seen.get(kind.__name__, -1) + 1
        if lifted is None:
            yield f"{kind.__name__}.{number}/-", wrapper
            continue
        assert isinstance(wrapper, WrappedAgents)
        for agent in agents:
            if lifted.serves(agent):
                wrapper.instance(agent)
        for agent, instance in sorted(lifted.instances.items()):
            yield f"{kind.__name__}.{number}/{agent}", instance
