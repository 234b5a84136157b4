"""A vector env that steps its environments one after the other, in this process."""

from collections.abc import Callable, Sequence
from typing import Any

from sekai.error import SekaiError
from sekai.vector.base import VecEnv, layers_with, make_all, seeds_of
from sekai.vector.table import ManyTable, SingleTable

__all__ = ["SyncVecEnv"]


class SyncVecEnv(VecEnv):
    """The environments that `env_fns` make, all of one agent or all of many, stepped one after the other.

    An episode that ends is followed by the next in the same step. What is handed out is the caller's to keep and to
    change, unless `copy=False`: then observations are overwritten by the next step.
    """

    def __init__(self, env_fns: Sequence[Callable[[], Any]], *, copy: bool = True) -> None:
        self.envs = make_all(env_fns)
        super().__init__(self.envs[0], len(self.envs))
        self._table: Any = (ManyTable if self.many else SingleTable)(self.envs[0], self.num_envs, copy)

    def reset(self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None) -> Any:
        """Begin an episode in every row; return a `VecResetResult`, or a `MAVecResetResult`.

        Row i gets the i-th child of `seed`, or the i-th seed of a sequence.
        """
        self._check("reset")
        table = self._table
        table.open()
        for row, (env, own) in enumerate(zip(self.envs, seeds_of(seed, self.num_envs), strict=True)):
            try:
                table.begun(row, env.reset(seed=own, options=options), env)
            except Exception as error:
                error.add_note(f"in environment {row} of {self!r}")
                raise
        return table.reset_result()

    def step(self, actions: Any) -> Any:
        """Step every row; return a `VecStepResult`, or a `MAVecStepResult`.

        `actions` are N, as an array `(N, ...)`, a sequence, or a dict of these for a Dict space; of many agents, such
        columns by agent, or `(N, k, ...)` by group. Rows where an agent does not act ignore its action.
        """
        self._check("step")
        table, envs = self._table, self.envs
        rows = table.actions(actions, envs) if self.many else table.actions(actions)
        table.open()
        row = 0
        try:
            for row, env in enumerate(envs):
                if table.stepped(row, env.step(rows[row]), env):
                    table.restarted(row, env.reset(), env)
        except Exception as error:
            error.add_note(f"in environment {row} of {self!r}")
            raise
        return table.step_result()

    def call(self, method: str, *args: Any, **kwargs: Any) -> list[Any]:
        """Call `method` of each environment, of the outermost layer that has it; return what each returned."""
        return [getattr(self._layer(row, method), method)(*args, **kwargs) for row in range(self.num_envs)]

    def get_attr(self, name: str) -> list[Any]:
        """Return the attribute `name` of each environment, of the outermost layer that has it."""
        return [getattr(self._layer(row, name), name) for row in range(self.num_envs)]

    def set_attr(self, name: str, value: Any) -> None:
        """Set the attribute `name` of each environment, on the outermost layer that has it."""
        for row in range(self.num_envs):
            setattr(self._layer(row, name), name, value)

    def close(self) -> None:
        """Close all environments; closing twice does nothing."""
        if not self._closed:
            for env in self.envs:
                env.close()
        super().close()

    def _layer(self, row: int, name: str) -> Any:
        for layer in layers_with(self.envs[row], name):
            return layer
        raise SekaiError(f"environment {row}, {self.envs[row]!r}, has no {name!r}")
