"""A worker of a Beam engine, in a checkout: `python -m pipelines.worker` is what `townlet-worker` is once installed."""

from __future__ import annotations

import sys

from townlet.console.interrupts import die_silently_of_interrupts

if __name__ == "__main__":
    die_silently_of_interrupts()
    from townlet.pipelines.runners.engine_worker import main

    sys.exit(main())
