"""A worker process of a capture on this machine: Beam's own, with three differences.

It reports that it has started, or at once why it cannot, or cannot go on (Beam would wait for it for ever); it ends
when its launcher does; and signals that ask to end, which a terminal or a service manager sends to all processes, are
left to the launcher.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time

from townlet.console.limits import TOO_FEW_THREADS, check_threads
from townlet.errors import TownletError
from townlet.pipelines.progress.reports import ProgressReporter

MONITOR_INTERVAL_S = 0.25
THREADS_OF_A_PROCESS = 28  # at most, measured
LEFT_TO_THE_LAUNCHER = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(reports_folder: str, launcher: int) -> int:
    """Serve until the launcher closes the connection. Beam's variables of the environment say where it is."""
    for name in LEFT_TO_THE_LAUNCHER:
        signal.signal(name, signal.SIG_IGN)
    logging.getLogger().addHandler(
        logging.NullHandler()
    )  # else Beam writes its log to our standard error too
    reports = ProgressReporter(reports_folder)
    _end_without_threads(reports)
    threading.Thread(target=_end_with, args=(launcher,), daemon=True).start()
    try:
        check_threads(THREADS_OF_A_PROCESS)
        from apache_beam.runners.worker import sdk_worker_main

        import townlet.pipelines.capture  # noqa: F401 (all that a step of the pipeline needs)
    except TownletError as error:
        reports.worker_failed(str(error))
        return 3
    except Exception as error:
        reports.worker_failed(f"{type(error).__name__}: {error}")
        return 3
    reports.worker_started()
    sdk_worker_main.main(sys.argv)
    return 0


def _end_without_threads(reports: ProgressReporter) -> None:
    """End the process, and say why, where a thread cannot be started: Beam's would go on, and wait for it."""
    start = threading.Thread.start

    def start_or_end(self: threading.Thread) -> None:
        try:
            start(self)
        except RuntimeError:
            reports.worker_failed(TOO_FEW_THREADS)
            os._exit(3)

    threading.Thread.start = start_or_end


def _end_with(launcher: int) -> None:
    while os.getppid() == launcher:
        time.sleep(MONITOR_INTERVAL_S)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
