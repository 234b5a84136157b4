"""An ordinary wrapper around a vector env: every row behaves as its environment would inside that wrapper.

A wrapper whose hooks are `over_rows` is one instance for all rows (one for each agent). Any other is one instance a row
around a stand-in for the row's environment. What the stand-ins ask for is gathered over all rows, and the vector env
below answers it in one call. So control flow works too, and a row in the middle of it waits for no other.
"""

from collections.abc import Coroutine, Generator, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from sekai.core.program import Reset, Step
from sekai.core.recipe import Recipe
from sekai.error import SekaiError, UnsupportedWrapper
from sekai.vector.base import VecEnv
from sekai.vector.local import LocalVecEnv, Request, RowProgram, StepRows
from sekai.vector.over_rows import OverRows, takes_rows
from sekai.vector.rows import RowEnv, RowWorld
from sekai.vector.table import Handout
from sekai.wrappers.episode import AutoReset

__all__ = ["LayeredVecEnv", "wrap_rows"]


def wrap_rows(vec: VecEnv, recipe: Recipe) -> VecEnv:
    """Return `vec` with a layer by `recipe` around every row, of many agents around those that it is for.

    Raises `UnsupportedWrapper` for a wrapper that drives the environment itself, by its own `step` or `reset`.
    """
    if isinstance(recipe.wrapper, type) and issubclass(recipe.wrapper, AutoReset):
        raise UnsupportedWrapper("a vector env resets by itself: make it with autoreset='same_step'")
    recipe.check(
        "environment only: put it around each, or use the hooks observation, reward, action, on_reset, on_step"
    )
    if recipe.agents is not None and not vec.many:
        raise SekaiError(f"agents must be None around environments of one agent, got {recipe.agents!r}")
    return (OverRows if takes_rows(recipe.wrapper) else LayeredVecEnv)(vec, recipe)


class LayeredVecEnv(LocalVecEnv):
    """Every row of `env` inside a wrapper of its own; what follows an episode's end is as in `env`."""

    def __init__(self, env: VecEnv, recipe: Recipe) -> None:
        self.env, self.wrapper = env, recipe.wrapper
        self._handout = Handout(backend=env.backend)
        self._rows: list[Any] = [(RowWorld if env.many else RowEnv)(env, row) for row in range(env.num_envs)]
        if env.many:
            wrapped: list[Any] = [recipe.wrapper.around_agents(row, recipe) for row in self._rows]
        else:
            wrapped = []
            for row in self._rows:
                layer = recipe.made(row)
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
