"""Before a command plays anything: have the simulation compiled, or play without, where that is quicker.

Decided from the configs and from what is compiled already, before anything imports Numba. What a program calls, and
what runs on an engine, is compiled: there the work is seldom small, and a process cannot change its mind.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from townlet.compiler.store import cache_folder, is_complete, is_switched_off
from townlet.compiler.warmup import warm_if_possible
from townlet.console.interpreted import can_interpret, run_interpreted
from townlet.planning.interpreted_cost import MOST, interpreted_seconds
from townlet.planning.plan import Request

BEFORE = "played-interpreted"  # files beside the machine code: that it happened, and that the hint was given
HINTED = "hinted"
HINT = (
    "note: small work was done in plain Python, because the simulation is not compiled yet. "
    "`townlet warm` compiles it, once; then every start is quicker"
)


def start(request: Request, *, quiet: bool) -> int | None:
    """See `start_work`. Raises ConfigError and UserError for what cannot be played."""
    return start_work(lambda: interpreted_seconds(request), quiet=quiet)


def start_work(seconds: Callable[[], float], *, quiet: bool) -> int | None:
    """Have the simulation compiled; or, where what is typed takes so few `seconds` in plain Python that nobody should
    wait for the compiler, carry it out in a process of its own. Returns that one's exit code, or None: go on here.
    """
    if is_switched_off() or is_complete():
        return None
    if seconds() < MOST and can_interpret():
        code = run_interpreted()
        if not code and not quiet:
            _hint(cache_folder())
        return code
    warm_if_possible(quiet=quiet)
    return None


def _hint(folder: Path) -> None:
    """Say how to compile, once: when it would have helped for the second time."""
    if not (folder / BEFORE).exists():
        (folder / BEFORE).touch()
    elif not (folder / HINTED).exists():
        (folder / HINTED).touch()
        print(HINT, file=sys.stderr)
