"""A worker of a Beam engine, in a checkout: `python -m pipelines.worker` is what `townlet-worker` is once installed."""

from __future__ import annotations

import sys

from townlet.pipelines.runners.engine_worker import main

if __name__ == "__main__":
    sys.exit(main())
