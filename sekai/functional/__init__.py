"""Environments as pure functions: `reset(key)` and `step(state, action)`, no hidden state, so they fork and rewind."""

from sekai.functional.adapt import EnvState, from_env, to_env
from sekai.functional.compare import same_state
from sekai.functional.environment import Environment, MultiAgentEnvironment, State
from sekai.functional.keys import Key
from sekai.functional.specs import (
    Array,
    BoundedArray,
    DictSpec,
    DiscreteArray,
    MultiDiscreteArray,
    Spec,
    TupleSpec,
    from_space,
)
from sekai.functional.timestep import StepType, TimeStep, restart, termination, transition, truncation
from sekai.functional.wrappers import AutoResetState, AutoResetWrapper, BatchWrapper, ValidateWrapper, Wrapper

__all__ = [
    "Array",
    "AutoResetState",
    "AutoResetWrapper",
    "BatchWrapper",
    "BoundedArray",
    "DictSpec",
    "DiscreteArray",
    "EnvState",
    "Environment",
    "Key",
    "MultiAgentEnvironment",
    "MultiDiscreteArray",
    "Spec",
    "State",
    "StepType",
    "TimeStep",
    "TupleSpec",
    "ValidateWrapper",
    "Wrapper",
    "from_env",
    "from_space",
    "restart",
    "same_state",
    "termination",
    "to_env",
    "transition",
    "truncation",
]
