"""A vector env that steps its environments one after the other, in this process."""

from collections.abc import Callable, Sequence
from typing import Any, TypedDict, Unpack, overload

from sekai.backend.base import BackendOps
from sekai.core.env import Env, MultiAgentEnv
from sekai.vector.env import ResetT, StepT, VecEnv
from sekai.vector.form import made
from sekai.vector.local import SyncRows
from sekai.vector.restarts import Autoreset
from sekai.vector.result import MAVecResetResult, MAVecStepResult, VecResetResult, VecStepResult

__all__ = ["Options", "SyncVecEnv"]


class Options(TypedDict, total=False):
    """What vector envs take beside `env_fns`, by keyword."""

    copy: bool
    autoreset: Autoreset
    backend: BackendOps | None


class SyncVecEnv(VecEnv[ResetT, StepT]):
    """The environments that `env_fns` make, all of one agent or all of many, stepped one after the other.

    `autoreset` says what follows an episode's end, `"same_step"` if nothing is said. What is handed out is the caller's
    to keep and to change, unless `copy=False`: then arrays are overwritten by the next step. `backend` says where
    arrays live.
    """

    @overload
    def __init__(
        self: "SyncVecEnv[VecResetResult, VecStepResult]",
        env_fns: Sequence[Callable[[], Env[Any, Any]]],
        **options: Unpack[Options],
    ) -> None: ...

    @overload
    def __init__(
        self: "SyncVecEnv[MAVecResetResult, MAVecStepResult]",
        env_fns: Sequence[Callable[[], MultiAgentEnv[Any]]],
        **options: Unpack[Options],
    ) -> None: ...

    def __init__(self, env_fns: Any, **options: Unpack[Options]) -> None:
        super().__init__(SyncRows(made(env_fns), **options))
