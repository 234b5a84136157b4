"""A vector env that awaits its environments together: for those that wait for the world, such as live feeds."""

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from sekai.backend.base import BackendOps
from sekai.error import SekaiError
from sekai.vector.base import Autoreset, made
from sekai.vector.local import LocalVecEnv, Request, RowProgram, StepRows

if TYPE_CHECKING:
    import asyncio

__all__ = ["AsyncVecEnv"]


class AsyncVecEnv(LocalVecEnv):
    """The environments that `env_fns` make, awaited together in one event loop: use `async_reset` and `async_step`.

    `reset` and `step` run a loop of their own, and raise `SekaiError` inside a running one. Where one environment
    raises, the others are cancelled, and its error says which one it was, and which failed too. Arguments are those of
    `SyncVecEnv`.
    """

    def __init__(
        self,
        env_fns: Sequence[Callable[[], Any]],
        *,
        copy: bool = True,
        autoreset: Autoreset = "same_step",
        backend: BackendOps | None = None,
    ) -> None:
        super().__init__(made(env_fns), copy=copy, autoreset=autoreset, backend=backend)
        self._loop: asyncio.AbstractEventLoop | None = None  # begun when it is first needed

    def _drive(self, program: RowProgram) -> None:
        import asyncio

        try:
            asyncio.get_running_loop()
        except RuntimeError:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
            self._loop.run_until_complete(self._async_drive(program))
        else:
            program.close()
            raise SekaiError("a loop is running: await vec.async_reset(...) and vec.async_step(...)")

    async def _async_drive(self, program: RowProgram) -> None:
        try:
            request = next(program)
            while True:
                try:
                    answer = await self._answer(request)
                except BaseException as error:
                    request = program.throw(error)
                else:
                    request = program.send(answer)
        except StopIteration:
            return

    async def _answer(self, request: Request) -> list[Any]:
        envs, rows = self.envs, request.rows
        if type(request) is StepRows:
            asked = [envs[row].async_step(action) for row, action in zip(rows, request.actions, strict=True)]
        else:
            asked = [
                envs[row].async_reset(seed=seed, options=request.options)  # type: ignore[union-attr]
                for row, seed in zip(rows, request.seeds, strict=True)  # type: ignore[union-attr]
            ]
        return await self._all(rows, asked)

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
                self._blame(row, error)
            else:
                first.add_note(f"environment {row} failed too: {error!r}")
        if first is not None:
            raise first
        return [task.result() for task in tasks]

    def close(self) -> None:
        """Close all environments and the loop; closing twice does nothing."""
        super().close()
        if self._loop is not None:
            self._loop.close()
            self._loop = None


async def _cancelled(tasks: Any) -> None:
    import asyncio

    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
