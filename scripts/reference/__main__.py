"""`python -m scripts.reference` writes the pages of docs/reference/ that are made from the code."""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.reference.pages import FILES


def main() -> int:
    root = Path(__file__).resolve().parents[2]
    for name, render in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(render(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
