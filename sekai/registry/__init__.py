"""Environments by id."""

from sekai.registry.registry import Registry, all_specs, make, register, register_namespace, registry, spec
from sekai.registry.spec import EntryPoint, EnvSpec, WrapperSpec, parse_id

__all__ = [
    "EntryPoint",
    "EnvSpec",
    "Registry",
    "WrapperSpec",
    "all_specs",
    "make",
    "parse_id",
    "register",
    "register_namespace",
    "registry",
    "spec",
]
