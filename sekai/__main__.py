"""`python -m sekai` is the command `sekai`."""

import sys

from sekai.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
