"""A vector env that awaits its environments together: for those that wait for the world, such as live feeds."""

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from sekai.core.env import Env, MultiAgentEnv
from sekai.error import SekaiError
from sekai.vector.env import ResetT, StepT, VecEnv
from sekai.vector.form import made
from sekai.vector.local import LocalRows
from sekai.vector.result import MAVecResetResult, MAVecStepResult, VecResetResult, VecStepResult
from sekai.vector.rows import Ask, Program
from sekai.vector.sync import Options

if TYPE_CHECKING:
    import asyncio

__all__ = ["AsyncRows", "AsyncVecEnv"]

_T = TypeVar("_T")


class AsyncVecEnv(VecEnv[ResetT, StepT]):
    """The environments that `env_fns` make, awaited together in one event loop: use `async_reset` and `async_step`.

    `reset` and `step` run a loop of their own, and raise `SekaiError` inside a running one. Where one environment
    raises, the others are cancelled, and its error says which one it was, and which failed too. Arguments are those of
    `SyncVecEnv`.
    """

    @overload
    def __init__(
        self: "AsyncVecEnv[VecResetResult, VecStepResult]",
        env_fns: Sequence[Callable[[], Env[Any, Any]]],
        **options: Unpack[Options],
    ) -> None: ...

    @overload
    def __init__(
        self: "AsyncVecEnv[MAVecResetResult, MAVecStepResult]",
        env_fns: Sequence[Callable[[], MultiAgentEnv[Any]]],
        **options: Unpack[Options],
    ) -> None: ...

    def __init__(self, env_fns: Any, **options: Unpack[Options]) -> None:
        super().__init__(AsyncRows(made(env_fns), **options))


class AsyncRows(LocalRows):
    """The environments `envs`, awaited together."""

    name = "AsyncVecEnv"
    _loop: "asyncio.AbstractEventLoop | None" = None  # begun when it is first needed

    def drive(self, program: Program[_T]) -> _T:
        """Run a program in a loop of our own."""
        import asyncio

        try:
            asyncio.get_running_loop()
        except RuntimeError:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
            return self._loop.run_until_complete(self.async_drive(program))
        raise SekaiError("a loop is running: await vec.async_reset(...) and vec.async_step(...)")

    async def async_answer(self, ask: Ask) -> Any:
        """Step or reset rows, all at once."""
        rows, given = ask.given[0], zip(*ask.given[:2], strict=True)
        if ask.verb == "step":
            return await self._all(rows, [self.envs[row].async_step(action) for row, action in given])
        options = ask.given[2]
        return await self._all(rows, [self.envs[row].async_reset(seed=seed, options=options) for row, seed in given])

    async def _all(self, rows: Sequence[int], asked: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
        """Await all; on the first error cancel the rest, wait until they are gone, and raise the first row's error.

        The others that failed in the same moment are named in a note.
        """
        import asyncio

        tasks = [asyncio.ensure_future(one) for one in asked]
        if not tasks:
            return []
        try:
            done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        except asyncio.CancelledError:
            await _cancelled(tasks)
            raise
        await _cancelled(waiting)
        first: BaseException | None = None
        for row, task in zip(rows, tasks, strict=True):
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            if error is None or task not in done:
                continue
            if first is None:
                first = error
                self.blame(row, error)
            else:
                first.add_note(f"environment {row} failed too: {error!r}")
        if first is not None:
            raise first
        return [task.result() for task in tasks]

    def close(self) -> None:
        """Close all environments and the loop."""
        super().close()
        if self._loop is not None:
            self._loop.close()
            self._loop = None


async def _cancelled(tasks: Any) -> None:
    import asyncio

    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
