"""PettingZoo, both ways: its parallel API, in which all live agents act at every step, and its AEC, one at a time.

Each function has an inverse: converting back returns the very same environment.
"""

from sekai.error import install_hint

try:
    import pettingzoo
except ImportError as error:
    raise ImportError(f"sekai.adapters.pettingzoo needs PettingZoo: {install_hint('pettingzoo')}") from error

from sekai.adapters.pettingzoo.convert import from_aec, from_parallel, to_aec, to_parallel
from sekai.adapters.pettingzoo.from_pettingzoo import FromAEC, FromParallel
from sekai.adapters.pettingzoo.to_pettingzoo import ToAEC, ToParallel

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
