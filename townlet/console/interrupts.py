"""Ctrl-C before there is a command to end. Imports next to nothing: until this is called, Python shows a traceback."""

from __future__ import annotations

import signal


def die_silently_of_interrupts() -> None:
    """Until a command is begun, and after it, Ctrl-C ends the process without Python's traceback: nothing is lost."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
