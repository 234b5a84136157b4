"""Wrappers that come with the framework; each serves one agent, many agents and the rows of vector envs."""

from sekai.wrappers.action import CheckAction, ClipAction, RepeatAction, RescaleAction, StickyAction, TransformAction
from sekai.wrappers.episode import AutoReset, OrderEnforcing, TimeLimit
from sekai.wrappers.normalize import (
    NormalizeObservation,
    NormalizeReward,
    RunningMoments,
    freeze_statistics,
    load_statistics,
    save_statistics,
)
from sekai.wrappers.observation import (
    ActionMaskObservation,
    DelayObservation,
    DtypeObservation,
    FilterObservation,
    FlattenObservation,
    FrameStackObservation,
    RescaleObservation,
    TimeAwareObservation,
    TransformObservation,
)
from sekai.wrappers.reward import ClipReward, TransformReward
from sekai.wrappers.statistics import RecordEpisodeStatistics

__all__ = [
    "ActionMaskObservation",
    "AutoReset",
    "CheckAction",
    "ClipAction",
    "ClipReward",
    "DelayObservation",
    "DtypeObservation",
    "FilterObservation",
    "FlattenObservation",
    "FrameStackObservation",
    "NormalizeObservation",
    "NormalizeReward",
    "OrderEnforcing",
    "RecordEpisodeStatistics",
    "RepeatAction",
    "RescaleAction",
    "RescaleObservation",
    "RunningMoments",
    "StickyAction",
    "TimeAwareObservation",
    "TimeLimit",
    "TransformAction",
    "TransformObservation",
    "TransformReward",
    "freeze_statistics",
    "load_statistics",
    "save_statistics",
]
