"""dm_env, both ways: specs, and environments of one agent, ours that remember and ours that do not.

`to_dm_env` and `from_dm_env` are each other's inverse: there and back is the environment that set out.
"""

from sekai.error import install_hint

try:
    import dm_env
except ImportError as error:
    raise ImportError(f"sekai.adapters.dm_env needs dm-env: {install_hint('dm_env')}") from error

from sekai.adapters.dm_env.env import FromDmEnv, ToDmEnv, from_dm_env, to_dm_env
from sekai.adapters.dm_env.specs import from_dm_spec, to_dm_spec

__all__ = ["FromDmEnv", "ToDmEnv", "from_dm_env", "from_dm_spec", "to_dm_env", "to_dm_spec"]

del dm_env, install_hint
