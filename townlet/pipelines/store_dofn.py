"""The steps that work with the output, and how they say what went wrong."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apache_beam as beam

from townlet import __version__
from townlet.dataset.store.open_store import open_store
from townlet.errors import OutputError, TownletError
from townlet.pipelines.progress.reports import ProgressReporter
from townlet.pipelines.worker_errors import not_shared, other_version
from townlet.run import FORMAT_VERSION, RULES_VERSION

VERSION = f"{__version__} (rules {RULES_VERSION}, format {FORMAT_VERSION})"


class StoreDoFn(beam.DoFn):
    """What steps know: the output, and the folder of the progress reports, where there is one."""

    def __init__(self, output: str, reports: str | None) -> None:
        self._output, self._reports_folder = output, reports
        self._version = VERSION  # of the launcher, from here on

    def setup(self) -> None:
        if self._version != VERSION:
            raise other_version(self._version, VERSION)
        self._reporter = ProgressReporter(self._reports_folder)
        with self.writing():
            self._store = open_store(self._output, check_connection=False)  # the command did
        if self._reports_folder and not os.path.isdir(self._reports_folder):
            raise not_shared(self._output)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """An output that cannot be used is the same for all runs: say so at once, and let it through."""
        try:
            yield
        except OutputError as error:
            self._reporter.fatal(str(error))
            raise


def explain(error: BaseException) -> str:
    """One line about an exception: its type, its message, and where in our code it came up.

    What is said on purpose (TownletError) stands alone.
    """
    message = " ".join(str(error).split())
    if isinstance(error, TownletError):
        return message
    here = Path(__file__).resolve().parents[2]
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        if path.is_relative_to(here / "townlet"):
            place = f" ({path.relative_to(here).as_posix()}:{frame.lineno})"
    return f"{type(error).__name__}: {message}{place}" if message else f"{type(error).__name__}{place}"
