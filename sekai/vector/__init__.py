"""Many environments at once: columns over rows, for one agent and for many."""

from typing import TYPE_CHECKING

from sekai.later import later
from sekai.vector.aio import AsyncVecEnv
from sekai.vector.env import VecEnv
from sekai.vector.make import make_vec
from sekai.vector.result import (
    AgentColumns,
    MAVecResetResult,
    MAVecStepResult,
    VecResetResult,
    VecStepResult,
    stack_infos,
)
from sekai.vector.sync import SyncVecEnv
from sekai.vector.view import by_row
from sekai.vector.wrappers import VecActionWrapper, VecObservationWrapper, VecRewardWrapper, VecWrapper

if TYPE_CHECKING:
    from sekai.vector.process import ProcVecEnv

__all__ = [
    "AgentColumns",
    "AsyncVecEnv",
    "MAVecResetResult",
    "MAVecStepResult",
    "ProcVecEnv",
    "SyncVecEnv",
    "VecActionWrapper",
    "VecEnv",
    "VecObservationWrapper",
    "VecResetResult",
    "VecRewardWrapper",
    "VecStepResult",
    "VecWrapper",
    "by_row",
    "make_vec",
    "stack_infos",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = later(__name__, ".process")
