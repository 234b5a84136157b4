"""Draw the README's picture from a real run: `python -m docs.picture`."""

from __future__ import annotations

from pathlib import Path

import matplotlib

from sekai.scenarios import figures, record
from sekai.scenarios.loader import load

TARGET = Path(__file__).with_name("maker-duel.png")
EPISODES, SEED, DOTS_PER_INCH = 20, 0, 160


def main() -> None:
    """Play maker-duel and write `docs/maker-duel.png`."""
    records = record.play(load("maker-duel"), episodes=EPISODES, seed=SEED)
    with matplotlib.rc_context(figures.STYLE):
        figure = figures.overview_figure(records)
        figure.savefig(TARGET, dpi=DOTS_PER_INCH, facecolor=figures.PAPER, metadata={"Software": None})


if __name__ == "__main__":
    main()
