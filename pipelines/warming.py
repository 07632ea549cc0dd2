"""Compiling the simulation once, before several workers would do so at the same time."""

from __future__ import annotations

import contextlib
import sys
import threading
from dataclasses import replace

from townlet.run import Run

PATIENCE = 2.0  # seconds that may pass without a word


def warm(run: Run, *, quiet: bool) -> None:
    """Play one tick of a run, so that its kernels are compiled, or loaded from where they are kept.

    What is wrong with the run is not said here: it comes up again when it is played.
    """
    from townlet import rollout

    text = "compiling the simulation (once for a version of Townlet; a minute or so)"
    word = threading.Timer(PATIENCE, print, (text,), {"file": sys.stderr, "flush": True})
    word.daemon = True
    if not quiet:
        word.start()
    try:
        with contextlib.suppress(Exception):
            for _ in rollout.play(replace(run, ticks=1, segment_ticks=0, agent=None, check=False)):
                pass
    finally:
        word.cancel()
