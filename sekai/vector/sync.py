"""A vector env that steps its environments one after the other, in this process."""

from collections.abc import Callable, Sequence
from operator import call
from typing import Any

from sekai.backend.base import BackendOps
from sekai.vector.base import Autoreset, made
from sekai.vector.local import LocalVecEnv, Request, RowProgram, StepRows

__all__ = ["SyncVecEnv"]


class SyncVecEnv(LocalVecEnv):
    """The environments that `env_fns` make, all of one agent or all of many, stepped one after the other.

    `autoreset` says what follows an episode's end. What is handed out is the caller's to keep and to change, unless
    `copy=False`: then observations are overwritten by the next step. `backend` says where arrays live.
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

    def _drive(self, program: RowProgram) -> None:
        try:
            request = next(program)
            while True:
                try:
                    answer = self._answer(request)
                except BaseException as error:
                    request = program.throw(error)
                else:
                    request = program.send(answer)
        except StopIteration:
            return

    def _answer(self, request: Request) -> list[Any]:
        envs, rows = self.envs, request.rows
        answers: list[Any] = []
        mine = envs if len(rows) == self.num_envs else [envs[row] for row in rows]
        try:
            if type(request) is StepRows:  # `extend` keeps the answers before an error, so that their number is the row
                answers.extend(map(call, [env.step for env in mine], request.actions))
            else:
                for env, seed in zip(mine, request.seeds, strict=True):  # type: ignore[union-attr]
                    answers.append(env.reset(seed=seed, options=request.options))  # type: ignore[union-attr]
        except Exception as error:
            self._blame(rows[len(answers)], error)
            raise
        return answers
