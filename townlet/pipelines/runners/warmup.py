"""Compiling the simulation once, before several workers would do so at the same time.

No Beam here: it comes before the pipeline.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from dataclasses import replace

from townlet.run import Run

PATIENCE = 2.0  # seconds that may pass without a word
TRIAL = "kitchen_breakfast"  # a shipped config: which one is played compiles the same kernels


def warm(run: Run, *, quiet: bool) -> None:
    """Play one tick of a run, so that its kernels are compiled, or loaded from where they are kept.

    What is wrong with the run is not said here: it comes up again when it is played.
    """
    text = "compiling the simulation (once for a version of Townlet; a minute or so)"
    word = threading.Timer(PATIENCE, print, (text,), {"file": sys.stderr, "flush": True})
    word.daemon = True
    if not quiet:
        word.start()
    try:
        with contextlib.suppress(Exception):
            _play_a_tick(run)
    finally:
        word.cancel()


def warm_worker() -> float:
    """The same on a machine of workers, by one of them at a time: the others find it done. Returns seconds."""
    from townlet.dataset.store.folders import locked_folder
    from townlet.planning.plan import Request, plan
    from townlet.world.jit import cache_folder

    started = time.monotonic()
    with locked_folder(cache_folder()):
        _play_a_tick(next(plan(Request((TRIAL,))).playable()))
    return time.monotonic() - started


def _play_a_tick(run: Run) -> None:
    from townlet.rollout import play as rollout

    for _ in rollout.play(replace(run, ticks=1, segment_ticks=0, agent=None, check=False)):
        pass
