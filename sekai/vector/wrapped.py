"""An ordinary wrapper around a vector env: every row behaves as its environment would inside that wrapper.

A wrapper whose hooks are `over_rows` is one instance for all rows, see `sekai.vector.over_rows`. Any other is one
instance a row, around a stand-in for the row's environment. What the stand-ins ask for is gathered over all rows, and
the vector env below answers it in one call. So programs work too, and a row in the middle of one waits for no other.
"""

from collections.abc import Coroutine, Iterator, Mapping, Sequence
from typing import Any

from sekai.core.program import Reset, Step
from sekai.core.recipe import Recipe
from sekai.error import SekaiError, UnsupportedWrapper
from sekai.vector.form import form_of
from sekai.vector.local import EnvRows
from sekai.vector.rows import Ask, Program, RowsOfVec
from sekai.vector.stand_in import RowEnv, RowMultiAgentEnv

__all__ = ["WrappedRows", "check_wrapper"]


def check_wrapper(many: bool, recipe: Recipe) -> None:
    """Raise `UnsupportedWrapper` for a wrapper that drives the environment itself, by its own `step` or `reset`."""
    if isinstance(recipe.wrapper, type) and getattr(recipe.wrapper, "restarts", False):
        raise UnsupportedWrapper("a vector env resets by itself: make it with autoreset='same_step'")
    recipe.check(
        "environment only: put it around each, or use the hooks observation, reward, action, on_reset, on_step"
    )
    if recipe.agents is not None and not many:
        raise SekaiError(f"agents must be None around environments of one agent, got {recipe.agents!r}")


class WrappedRows(RowsOfVec, EnvRows):
    """Every row of the vector env `env` inside a wrapper of its own."""

    def __init__(self, env: Any, recipe: Recipe) -> None:
        self.wrapper = recipe.wrapper
        self._rows: list[Any] = [(RowMultiAgentEnv if env.many else RowEnv)(env, row) for row in range(env.num_envs)]
        self.envs: list[Any] = []
        for row in self._rows:
            if env.many:
                self.envs.append(recipe.wrapper.around_agents(row, recipe))
                continue
            wrapper = recipe.made(row)
            wrapper.on_row(self.envs)
            self.envs.append(wrapper)
        super().__init__(env, form_of(self.envs[0]))

    def steps(self, rows: Sequence[int], actions: Sequence[Any]) -> Program[list[Any]]:
        """Return the result of each wrapper's step."""
        return self._together({row: self.envs[row].async_step(a) for row, a in zip(rows, actions, strict=True)})

    def resets(self, rows: Sequence[int], seeds: Sequence[int | None], options: Any) -> Program[list[Any]]:
        """Return the result of each wrapper's reset."""
        given = zip(rows, seeds, strict=True)
        return self._together({row: self.envs[row].async_reset(seed=seed, options=options) for row, seed in given})

    def _together(self, running: Mapping[int, Coroutine[Any, Any, Any]]) -> Program[list[Any]]:
        """Let every row's wrapper run until each has its result, answering together what they ask for together."""
        results: dict[int, Any] = {}
        asked: dict[int, Any] = {}

        def go_on(row: int, answer: Any) -> None:
            try:
                asked[row] = running[row].send(answer)
            except StopIteration as end:
                results[row] = end.value
            except Exception as error:
                self.blame(row, error)
                raise

        try:
            for row in running:
                go_on(row, None)
            while asked:
                now, asked = asked, {}
                resets = {row: ask for row, ask in now.items() if type(ask) is Reset}
                for options in {id(ask.options): ask.options for ask in resets.values()}.values():
                    mine = {row: ask.seed for row, ask in resets.items() if ask.options is options}
                    seeds = self.seeds_of([*mine], [*mine.values()])
                    begun = yield Ask("reset", (seeds, options, self.mask_of([*mine])))
                    for row in mine:
                        go_on(row, self._rows[row].begun(begun))
                steps = {row: ask.action for row, ask in now.items() if type(ask) is Step}
                if steps:
                    stepped = yield Ask("step", (self._batch(steps), self.mask_of([*steps]), False))
                    for row in steps:
                        go_on(row, self._rows[row].stepped(stepped))
        finally:
            for coroutine in running.values():
                coroutine.close()
        return [results[row] for row in running]

    def _batch(self, steps: Mapping[int, Any]) -> Any:
        if not self.form.many:
            return [steps.get(row) for row in range(self.count)]
        agents = {agent for actions in steps.values() for agent in actions}
        return {a: [steps.get(row, {}).get(a) for row in range(self.count)] for a in agents}

    def call(self, rows: Sequence[int], method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """Call a method of these rows' wrappers, or of what is below."""
        return [
            getattr(self.envs[row], method)(*args, **kwargs)
            if hasattr(self.envs[row], method)
            else RowsOfVec.call(self, [row], method, args, kwargs)[0]
            for row in rows
        ]

    def get(self, rows: Sequence[int], name: str) -> list[Any]:
        """Return an attribute of these rows' wrappers, or of what is below."""
        return [
            getattr(self.envs[row], name) if hasattr(self.envs[row], name) else RowsOfVec.get(self, [row], name)[0]
            for row in rows
        ]

    def set(self, rows: Sequence[int], name: str, value: Any) -> None:
        """Set an attribute of these rows' wrappers, or of what is below."""
        for row in rows:
            if hasattr(self.envs[row], name):
                setattr(self.envs[row], name, value)
            else:
                super().set([row], name, value)

    def close(self) -> None:
        """Close the wrappers, then `env`."""
        for wrapper in self.envs:
            wrapper.close()
        super().close()

    def __iter__(self) -> Iterator[Any]:
        yield from self.env

    def __repr__(self) -> str:
        return f"<{self.wrapper.__name__}({self.env!r})>"
