"""`python -m townlet COMMAND ...` is `townlet COMMAND ...`."""

from __future__ import annotations

import sys

from townlet.cli import run

if __name__ == "__main__":
    sys.exit(run())
