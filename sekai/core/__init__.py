"""One agent, many agents, and the layers around them."""

from typing import TYPE_CHECKING

from sekai.core.env import Env
from sekai.core.flow import Program, Reset, Step
from sekai.core.multi_agent import MultiAgentEnv, Policy, role
from sekai.core.result import AgentID, AgentT, MAResetResult, MAStepResult, ResetResult, StepResult
from sekai.core.wrapper import (
    ActionWrapper,
    EpisodeWrapper,
    FlowWrapper,
    ObservationWrapper,
    RewardWrapper,
    Wrapper,
)
from sekai.later import later

if TYPE_CHECKING:
    from sekai.core.view import AgentView, SoloEnv
    from sekai.core.whole import MultiAgentWrapper

__all__ = [
    "ActionWrapper",
    "AgentID",
    "AgentT",
    "AgentView",
    "Env",
    "EpisodeWrapper",
    "FlowWrapper",
    "MAResetResult",
    "MAStepResult",
    "MultiAgentEnv",
    "MultiAgentWrapper",
    "ObservationWrapper",
    "Policy",
    "Program",
    "Reset",
    "ResetResult",
    "RewardWrapper",
    "SoloEnv",
    "Step",
    "StepResult",
    "Wrapper",
    "role",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = later(__name__, ".whole", ".view")
