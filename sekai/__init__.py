"""sekai: environments for one agent and for many, made for markets.

An `Env` is reset and stepped and answers with results; a `MultiAgentEnv` is the same for many agents, with turns; a
`Wrapper` written for one agent serves both; a vector env steps many at once. `make` builds what was registered.
"""

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
from sekai.registry import EnvSpec, all_specs, make, register, register_namespace, spec
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
from sekai.vector import SyncVecEnv, VecEnv, VecResetResult, VecStepResult
from sekai.wrappers import AutoReset, NormalizeObservation, OrderEnforcing, RecordEpisodeStatistics, TimeLimit

__all__ = [
    "ActionWrapper",
    "AutoReset",
    "Box",
    "Dict",
    "Discrete",
    "Env",
    "EnvSpec",
    "EpisodeWrapper",
    "FlowWrapper",
    "Graph",
    "GraphInstance",
    "MAResetResult",
    "MAStepResult",
    "MultiAgentEnv",
    "MultiAgentWrapper",
    "MultiBinary",
    "MultiDiscrete",
    "NormalizeObservation",
    "ObservationWrapper",
    "OneOf",
    "OrderEnforcing",
    "RecordEpisodeStatistics",
    "ResetResult",
    "RewardWrapper",
    "SekaiError",
    "Sequence",
    "Space",
    "StepResult",
    "SyncVecEnv",
    "Text",
    "TimeLimit",
    "Tuple",
    "VecEnv",
    "VecResetResult",
    "VecStepResult",
    "Wrapper",
    "all_specs",
    "make",
    "register",
    "register_namespace",
    "spec",
]
