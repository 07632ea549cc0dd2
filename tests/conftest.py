"""For all tests: Ctrl-C reaches the commands that they start; those that need torch are skipped without it."""

from __future__ import annotations

import importlib.util
import logging
import signal

import pytest

from townlet.compiler.warmup import warm_if_possible


def _is_not_beams_greeting(record: logging.LogRecord) -> bool:
    """Beam warns when it is imported that Google's clients are not installed; tests import it without our silence."""
    return not record.getMessage().startswith("apitools not found")


logging.getLogger().addFilter(_is_not_beams_greeting)  # at once: other conftests import Beam


def pytest_configure(config: pytest.Config) -> None:
    """Whatever runs in a shell's background ignores SIGINT, and so would every child of it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("torch") and importlib.util.find_spec("torch") is None:
        pytest.skip(
            "needs torch, which is not installed here; `make test-train` installs it and runs this test"
        )


def pytest_sessionstart(session: pytest.Session) -> None:
    """Before there are several workers: each would compile what it calls."""
    if not hasattr(session.config, "workerinput"):
        warm_if_possible(quiet=False)
