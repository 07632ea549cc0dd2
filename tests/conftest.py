"""For all tests: Ctrl-C reaches the commands that they start; what needs torch and is beside it is skipped without."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import logging
import shutil
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from townlet.compiler.warmup import warm_if_possible

# Seconds on a clock after which a test is ended: what hangs must not take the time of all others. Far above what any
# test takes, also beside other work.
LONGEST, LONGEST_OF_CAMPAIGN = 240, 900
# `make setup-page` puts it there.
AXE = Path(__file__).parent / "report/page/node_modules/axe-core/axe.min.js"


def _is_not_beams_greeting(record: logging.LogRecord) -> bool:
    """Beam warns when it is imported that Google's clients are not installed; tests import it without our silence."""
    return not record.getMessage().startswith("apitools not found")


logging.getLogger().addFilter(_is_not_beams_greeting)  # at once: other conftests import Beam


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--mutations",
        type=_how_many,
        metavar="N|all",
        help="of each campaign of mutations, try the first N cases, or all of them; what is left out is a sample",
    )


def _how_many(text: str) -> int:
    if text == "all":
        return sys.maxsize
    if text.isdecimal() and int(text):
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a number above 0 or `all`, got {text!r}")


Chosen = Callable[..., range]


@pytest.fixture(scope="session")
def chosen(pytestconfig: pytest.Config) -> Chosen:
    """chosen(cases, few=100, block=(2, 12)): the numbers of those cases of a campaign that are to be tried.

    They are the first `few`, or as many as `--mutations` says; of them, block 2 of 12 has every twelfth. A case is
    drawn from its number alone, so that any stretch of numbers has cases of every kind.
    """
    asked: int | None = pytestconfig.getoption("--mutations")

    def choose(cases: range, *, few: int, block: tuple[int, int] = (0, 1)) -> range:
        return cases[: few if asked is None else asked][block[0] :: block[1]]

    return choose


def pytest_configure(config: pytest.Config) -> None:
    """Whatever runs in a shell's background ignores SIGINT, and so would every child of it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    if item.get_closest_marker("torch") and importlib.util.find_spec("torch") is None:
        pytest.skip(
            "needs torch, or what is installed with it, which is not here; `make test-train` installs and runs it"
        )
    if item.get_closest_marker("page") and (missing := _missing_for_pages()):
        pytest.skip(f"needs {missing}, which is not here; `make test-page` runs it")
    with _in_time(item):
        return (yield)


def _missing_for_pages() -> str:
    """What is not here of what tests of pages and pictures need; "" = nothing."""
    for module in ("playwright", "PIL", "matplotlib", "mkdocs", "pandas"):
        if importlib.util.find_spec(module) is None:
            return module
    if shutil.which("chromium") is None:
        return "Chromium (`chromium`)"
    return "" if AXE.is_file() else "axe-core"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    with _in_time(item):
        return (yield)


@contextlib.contextmanager
def _in_time(item: pytest.Item) -> Iterator[None]:
    """Fail a test that takes too long, whatever it waits for. A test that sets an alarm of its own does without."""
    longest = LONGEST_OF_CAMPAIGN if item.get_closest_marker("campaign") else LONGEST

    def late(*_: object) -> None:
        pytest.fail(f"takes more than {longest} s; expected it to end long before")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(longest)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Before there are several workers: each would compile what it calls."""
    if not hasattr(session.config, "workerinput"):
        warm_if_possible(quiet=False)
