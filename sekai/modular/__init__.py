"""Environments from parts: what is seen, what is paid, when it ends, and around whom.

Two vocabularies for the same parts. `ModularEnv` takes an `Observation`, a `RewardMetric` and a
`TerminationCriterion`, functions of a state. `ContextEnv` takes an `ActionManager`, an `ObservationManager` and a
`RewardFunction`, functions of an agent's view, and a `WorldContext` that generates environments. A manager is a part.
"""

from sekai.modular.context import (
    Among,
    Between,
    FixedContext,
    GeneralContext,
    LimitedContext,
    WorldContext,
    WrongContext,
)
from sekai.modular.context_env import ContextEnv
from sekai.modular.criteria import AllOf, AnyOf, NeverTerminate, Not, TerminationCriterion
from sekai.modular.env import ModularEnv
from sekai.modular.episode import AgentEpisode
from sekai.modular.managers import (
    ActionManager,
    ManagedPolicy,
    ObservationManager,
    PaidReward,
    Placeholder,
    RewardFunction,
    SeatView,
)
from sekai.modular.multi_agent import AgentOfMany, ModularMultiAgentEnv
from sekai.modular.observations import (
    ArrayFromDictObservation,
    ArrayObservation,
    ConcatenatedArrayObservation,
    DictObservation,
    DummyArrayObservation,
    DummyDictObservation,
    MergedDictObservation,
    Observation,
)
from sekai.modular.rewards import RewardMetric, WeightedSum
from sekai.modular.rollout import EnvRollout
from sekai.modular.state import EnvPreconditionError, EnvStatus, StateAction, ViewState

__all__ = [
    "ActionManager",
    "AgentEpisode",
    "AgentOfMany",
    "AllOf",
    "Among",
    "AnyOf",
    "ArrayFromDictObservation",
    "ArrayObservation",
    "Between",
    "ConcatenatedArrayObservation",
    "ContextEnv",
    "DictObservation",
    "DummyArrayObservation",
    "DummyDictObservation",
    "EnvPreconditionError",
    "EnvRollout",
    "EnvStatus",
    "FixedContext",
    "GeneralContext",
    "LimitedContext",
    "ManagedPolicy",
    "MergedDictObservation",
    "ModularEnv",
    "ModularMultiAgentEnv",
    "NeverTerminate",
    "Not",
    "Observation",
    "ObservationManager",
    "PaidReward",
    "Placeholder",
    "RewardFunction",
    "RewardMetric",
    "SeatView",
    "StateAction",
    "TerminationCriterion",
    "ViewState",
    "WeightedSum",
    "WorldContext",
    "WrongContext",
]
