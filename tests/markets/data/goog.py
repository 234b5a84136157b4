"""The real day, where it is there: LOBSTER's data is for checking, and never part of the repository."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sekai import markets
from tests.shipped import ROOT

COMMANDS = ROOT.parent / "shared" / "data" / "goog_2012-06-21_commands.npz"
needs_goog = pytest.mark.skipif(not COMMANDS.is_file(), reason=f"the GOOG day is not at {COMMANDS}")


def goog() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the day's messages, and its trades `(7602, 4)`: maker, taker, price, size."""
    with np.load(COMMANDS) as day:
        names = ("op", "order_id", "side", "price_ticks", "size")
        return markets.messages(**{name: day[name] for name in names}), day["trades"]
