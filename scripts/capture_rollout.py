"""Capture one config: `python scripts/capture_rollout.py CONFIG --output DIR`; --help lists the options."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # in a clone that nobody installed

from townlet.console.interrupts import die_silently_of_interrupts

if __name__ == "__main__":
    die_silently_of_interrupts()
    from townlet.commands.capture.capture import script

    sys.exit(script(sys.argv[1:], "scripts/capture_rollout.py"))
