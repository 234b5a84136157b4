"""Many environments at once: columns over rows, for one agent and for many."""

from sekai.vector.base import VecEnv
from sekai.vector.result import (
    AgentColumns,
    MAVecResetResult,
    MAVecStepResult,
    VecResetResult,
    VecStepResult,
    stack_infos,
)
from sekai.vector.sync import SyncVecEnv

__all__ = [
    "AgentColumns",
    "MAVecResetResult",
    "MAVecStepResult",
    "SyncVecEnv",
    "VecEnv",
    "VecResetResult",
    "VecStepResult",
    "stack_infos",
]
