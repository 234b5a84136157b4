"""`python -m sekai.markets.parts` prints the tables of all parts and roles; given a page, it renews its tables."""

import sys
from pathlib import Path

from sekai.markets.parts.tables import markdown, rewritten

__all__: list[str] = []

if __name__ == "__main__":
    if sys.argv[1:]:
        page = Path(sys.argv[1])
        page.write_text(rewritten(page.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(markdown())
