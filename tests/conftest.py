"""For all tests: Ctrl-C reaches the commands that they start."""

from __future__ import annotations

import signal

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Whatever runs in a shell's background ignores SIGINT, and so would every child of it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
