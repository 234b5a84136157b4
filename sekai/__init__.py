"""sekai: environments for one agent and for many, made for markets.

An `Env` is reset and stepped and answers with results; a `MultiAgentEnv` is the same for many agents, with turns; a
`Wrapper` written for one agent serves both; a vector env steps many at once. `make` builds what was registered.
"""

from typing import TYPE_CHECKING, Any

from sekai.core import (
    ActionWrapper,
    Env,
    EpisodeWrapper,
    FlowWrapper,
    MAResetResult,
    MAStepResult,
    MultiAgentEnv,
    MultiAgentWrapper,
    ObservationWrapper,
    ResetResult,
    RewardWrapper,
    StepResult,
    Wrapper,
)
from sekai.error import SekaiError
from sekai.registry import (
    EnvSpec,
    WrapperSpec,
    all_specs,
    make,
    make_env,
    make_multi_agent,
    pprint,
    register,
    register_namespace,
    spec,
)
from sekai.spaces import (
    Box,
    Dict,
    Discrete,
    Graph,
    GraphInstance,
    MultiBinary,
    MultiDiscrete,
    OneOf,
    Sequence,
    Space,
    Text,
    Tuple,
)
from sekai.wrappers import (
    ActionMaskObservation,
    AutoReset,
    CheckAction,
    ClipAction,
    ClipReward,
    DelayObservation,
    DtypeObservation,
    FilterObservation,
    FlattenObservation,
    FrameStackObservation,
    NormalizeObservation,
    NormalizeReward,
    OrderEnforcing,
    RecordEpisodeStatistics,
    RepeatAction,
    RescaleAction,
    RescaleObservation,
    StickyAction,
    TimeAwareObservation,
    TimeLimit,
    TransformAction,
    TransformObservation,
    TransformReward,
)

if TYPE_CHECKING:
    from sekai.utils.checker import check_env
    from sekai.vector import (
        AsyncVecEnv,
        MAVecResetResult,
        MAVecStepResult,
        SyncVecEnv,
        VecActionWrapper,
        VecEnv,
        VecObservationWrapper,
        VecResetResult,
        VecRewardWrapper,
        VecStepResult,
        VecWrapper,
        make_vec,
    )
    from sekai.vector.process import ProcVecEnv

__all__ = [
    "ActionMaskObservation",
    "ActionWrapper",
    "AsyncVecEnv",
    "AutoReset",
    "Box",
    "CheckAction",
    "ClipAction",
    "ClipReward",
    "DelayObservation",
    "Dict",
    "Discrete",
    "DtypeObservation",
    "Env",
    "EnvSpec",
    "EpisodeWrapper",
    "FilterObservation",
    "FlattenObservation",
    "FlowWrapper",
    "FrameStackObservation",
    "Graph",
    "GraphInstance",
    "MAResetResult",
    "MAStepResult",
    "MAVecResetResult",
    "MAVecStepResult",
    "MultiAgentEnv",
    "MultiAgentWrapper",
    "MultiBinary",
    "MultiDiscrete",
    "NormalizeObservation",
    "NormalizeReward",
    "ObservationWrapper",
    "OneOf",
    "OrderEnforcing",
    "ProcVecEnv",
    "RecordEpisodeStatistics",
    "RepeatAction",
    "RescaleAction",
    "RescaleObservation",
    "ResetResult",
    "RewardWrapper",
    "SekaiError",
    "Sequence",
    "Space",
    "StepResult",
    "StickyAction",
    "SyncVecEnv",
    "Text",
    "TimeAwareObservation",
    "TimeLimit",
    "TransformAction",
    "TransformObservation",
    "TransformReward",
    "Tuple",
    "VecActionWrapper",
    "VecEnv",
    "VecObservationWrapper",
    "VecResetResult",
    "VecRewardWrapper",
    "VecStepResult",
    "VecWrapper",
    "Wrapper",
    "WrapperSpec",
    "all_specs",
    "check_env",
    "make",
    "make_env",
    "make_multi_agent",
    "make_vec",
    "pprint",
    "register",
    "register_namespace",
    "spec",
]


# what steps many environments is imported when it is first asked for: a fifth of the whole import
_OF_VECTOR = frozenset(
    (
        "AsyncVecEnv",
        "MAVecResetResult",
        "MAVecStepResult",
        "SyncVecEnv",
        "VecActionWrapper",
        "VecEnv",
        "VecObservationWrapper",
        "VecResetResult",
        "VecRewardWrapper",
        "VecStepResult",
        "VecWrapper",
        "make_vec",
    )
)


def __getattr__(name: str) -> Any:
    if name == "check_env":
        from sekai.utils.checker import check_env

        return check_env
    if name == "ProcVecEnv":
        from sekai.vector.process import ProcVecEnv

        return ProcVecEnv
    if name in _OF_VECTOR:
        from sekai import vector

        found = globals()[name] = getattr(vector, name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
