"""Before a command plays anything: have the simulation compiled, or play without, where that is quicker.

Decided from the configs and from what is compiled already, before anything imports Numba. What a program calls, and
what runs on an engine, is compiled: there the work is seldom small, and a process cannot change its mind.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from townlet.compiler.store import is_complete, is_marked, is_switched_off, mark, notice
from townlet.compiler.warmup import note, warm_if_possible
from townlet.console.interpreted import can_interpret, run_interpreted
from townlet.console.printing import remark
from townlet.planning.interpreted_cost import MOST, interpreted_seconds
from townlet.planning.request import Request

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
    if is_switched_off():
        return None
    note(notice(), quiet=quiet)
    if is_complete():
        return None
    if seconds() < MOST and can_interpret():
        code = run_interpreted()
        if not code and not quiet:
            _hint()
        return code
    warm_if_possible(quiet=quiet)
    return None


def _hint() -> None:
    """Say how to compile, once: when it would have helped for the second time."""
    with contextlib.suppress(OSError):
        if not is_marked(BEFORE):
            mark(BEFORE)
        elif not is_marked(HINTED):
            mark(HINTED)
            remark(HINT)
