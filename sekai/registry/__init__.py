"""Environments by id."""

from sekai.registry.registry import (
    Registry,
    all_specs,
    make,
    make_env,
    make_multi_agent,
    pprint,
    register,
    register_namespace,
    registry,
    spec,
)
from sekai.registry.spec import EntryPoint, EnvSpec, WrapperSpec, parse_id

__all__ = [
    "EntryPoint",
    "EnvSpec",
    "Registry",
    "WrapperSpec",
    "all_specs",
    "make",
    "make_env",
    "make_multi_agent",
    "parse_id",
    "pprint",
    "register",
    "register_namespace",
    "registry",
    "spec",
]
