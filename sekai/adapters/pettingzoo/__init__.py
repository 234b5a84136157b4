"""PettingZoo, both ways: its parallel interface, where every live agent acts at every step, and its AEC, one at a time.

Each function has an inverse: there and back is the environment that set out.
"""

from sekai.error import install_hint

try:
    import pettingzoo
except ImportError as error:
    raise ImportError(f"sekai.adapters.pettingzoo needs PettingZoo: {install_hint('pettingzoo')}") from error

from sekai.adapters.pettingzoo.back import FromAEC, FromParallel
from sekai.adapters.pettingzoo.convert import from_aec, from_parallel, to_aec, to_parallel
from sekai.adapters.pettingzoo.there import ToAEC, ToParallel

__all__ = [
    "FromAEC",
    "FromParallel",
    "ToAEC",
    "ToParallel",
    "from_aec",
    "from_parallel",
    "to_aec",
    "to_parallel",
]

del pettingzoo, install_hint
