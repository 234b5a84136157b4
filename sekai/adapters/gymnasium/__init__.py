"""Gymnasium, both ways: spaces, environments of one agent, and vector envs.

`to_gymnasium` and `from_gymnasium` are inverse: converting back returns the very same environment.
"""

from sekai.error import install_hint

try:
    import gymnasium
except ImportError as error:
    raise ImportError(f"sekai.adapters.gymnasium needs gymnasium: {install_hint('gymnasium')}") from error

from sekai.adapters.gymnasium.env import FromGymnasium, ToGymnasium, from_gymnasium, make, to_gymnasium
from sekai.adapters.gymnasium.spaces import ForeignSpace, from_gymnasium_space, to_gymnasium_space
from sekai.adapters.gymnasium.vector import (
    FromGymnasiumVector,
    ToGymnasiumVector,
    from_gymnasium_vector,
    to_gymnasium_vector,
)

__all__ = [
    "ForeignSpace",
    "FromGymnasium",
    "FromGymnasiumVector",
    "ToGymnasium",
    "ToGymnasiumVector",
    "from_gymnasium",
    "from_gymnasium_space",
    "from_gymnasium_vector",
    "make",
    "to_gymnasium",
    "to_gymnasium_space",
    "to_gymnasium_vector",
]

del gymnasium, install_hint
