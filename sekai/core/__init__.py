"""Environments of one agent and of many, and the wrappers around them."""

from sekai.core.agents import Policy, role
from sekai.core.env import AgentView, Env, MultiAgentEnv, SoloEnv
from sekai.core.program import Program, Reset, Step
from sekai.core.result import AgentID, AgentT, MAResetResult, MAStepResult, ResetResult, StepResult
from sekai.core.wrapped_episode import MultiAgentWrapper
from sekai.core.wrapper import (
    ActionWrapper,
    EpisodeWrapper,
    ObservationWrapper,
    ProgramWrapper,
    RewardWrapper,
    Wrapper,
)

__all__ = [
    "ActionWrapper",
    "AgentID",
    "AgentT",
    "AgentView",
    "Env",
    "EpisodeWrapper",
    "MAResetResult",
    "MAStepResult",
    "MultiAgentEnv",
    "MultiAgentWrapper",
    "ObservationWrapper",
    "Policy",
    "Program",
    "ProgramWrapper",
    "Reset",
    "ResetResult",
    "RewardWrapper",
    "SoloEnv",
    "Step",
    "StepResult",
    "Wrapper",
    "role",
]
