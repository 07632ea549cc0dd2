"""A worker process of a capture on this machine: Beam's own, with three differences.

It reports that it has started, or at once why it cannot (Beam would wait for it for ever); it ends when its
launcher does; and Ctrl-C, which a terminal sends to all processes, is left to the launcher.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time

from townlet.pipelines.progress.reports import ProgressReporter

MONITOR_INTERVAL_S = 0.25


def main(reports_folder: str, launcher: int) -> int:
    """Serve until the launcher closes the connection. Beam's variables of the environment say where it is."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger().addHandler(
        logging.NullHandler()
    )  # else Beam writes its log to our standard error too
    threading.Thread(target=_end_with, args=(launcher,), daemon=True).start()
    reports = ProgressReporter(reports_folder)
    try:
        from apache_beam.runners.worker import sdk_worker_main

        import townlet.pipelines.capture  # noqa: F401 (all that a step of the pipeline needs)
    except Exception as error:
        reports.worker_failed(f"{type(error).__name__}: {error}")
        return 3
    reports.worker_started()
    sdk_worker_main.main(sys.argv)
    return 0


def _end_with(launcher: int) -> None:
    while os.getppid() == launcher:
        time.sleep(MONITOR_INTERVAL_S)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
