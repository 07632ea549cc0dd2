"""Whether a pipeline can still come to its end: what steps report, and whether its workers live.

Beam waits for ever for a worker that does not start, or that stopped without ending.

No Beam here: processes, their reports and times are looked at.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path

from townlet.errors import OutputError
from townlet.pipelines.progress.reports import ReportReader
from townlet.pipelines.runners.errors import WorkerDied, translate_error
from townlet.pipelines.runners.processes import WorkerProcesses
from townlet.pipelines.runners.silence_beam_output import SilencedBeam

POLL_INTERVAL_S = 0.1  # seconds between two looks at it
END_TIMEOUT_S = 2.0  # that a pipeline has to end by itself, once it was asked to or a step has given up
SILENCE_TIMEOUT_S = 300.0  # in which a process that works, or waits for a disk, shows it
START_TIMEOUT_S = 60.0  # the same, before it has said that it has started
IDLE_SHARE = 0.02  # of a core: what a process uses at most that does nothing but wait
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
WAITING_FOR_A_DISK, STOPPED = "D", "T"  # states of a process that says nothing and is well


class Watch:
    """Of one pipeline. `processes` None: its workers are an engine's."""

    def __init__(self, reports: ReportReader, processes: WorkerProcesses | None) -> None:
        self.silenced: SilencedBeam | None = None
        self._reports, self._processes = reports, processes
        self._signs: dict[int | None, SignsOfLife] = {}  # of each process, and of all (None)
        self._silent = False

    def trouble(self) -> bool:
        """Whether there is no point in waiting for the end. To be asked every POLL_INTERVAL_S."""
        tally = self._reports.tally
        self._silent = self._silent or self._is_silent()
        return bool(tally.fatal or tally.broken or self._silent or self._worker_end() or self._of_beam())

    def raise_what_is_wrong(self, ended: threading.Event, problems: Sequence[BaseException]) -> None:
        """Raise OutputError, WorkerDied or PipelineFailed, if anything is. `problems`: what the pipeline raised."""
        tally = self._reports.poll()
        if tally.fatal:
            ended.wait(END_TIMEOUT_S)
            raise OutputError(tally.fatal)
        if tally.broken:
            raise WorkerDied(f"a worker cannot start: {tally.broken}")
        if self._of_beam():
            raise WorkerDied(self._of_beam())
        if self._worker_end():
            last = self._reports.last_line_of_workers()
            detail = f" ({last})" if last and not tally.workers else ""
            raise WorkerDied(
                f"a worker process ended before its time: {self._worker_end()}{detail}; "
                "run the same command to continue"
            )
        if problems:
            raise translate_error(problems[0]) from problems[0]
        if self._silent:
            raise WorkerDied(
                "the worker processes do nothing any more: no report and no work for minutes; a limit on memory, "
                "threads or processes may be too low; run the same command to continue"
            )

    def _is_silent(self) -> bool:
        """Whether all worker processes are silent for too long, or one that has not started yet."""
        processes = self._processes.alive() if self._processes else []
        if not processes:
            return False
        started, lines = self._reports.tally.workers, self._reports.lines
        timeout_s = SILENCE_TIMEOUT_S if lines > len(started) else START_TIMEOUT_S
        waited_for = [process for process in processes if process not in started]
        return self._silent_for(None, processes, lines) > timeout_s or any(
            self._silent_for(process, [process], 0) > START_TIMEOUT_S for process in waited_for
        )

    def _silent_for(self, name: int | None, processes: Sequence[int], lines: int) -> float:
        return self._signs.setdefault(name, SignsOfLife()).silent_for(processes, lines)

    def _worker_end(self) -> str:
        return (self._processes and self._processes.end) or ""

    def _of_beam(self) -> str:
        return (self.silenced and self.silenced.trouble) or ""


class SignsOfLife:
    """For how long processes have done nothing, in time in which we looked: a pause of ours does not count."""

    def __init__(self) -> None:
        self._silent_s = 0.0
        self._lines = -1
        self._used: dict[int, float] = {}

    def silent_for(self, processes: Sequence[int], lines: int, passed_s: float = POLL_INTERVAL_S) -> float:
        """Seconds since one of them did something. `lines`: reported so far; `passed_s`: since the last call."""
        used = {process: seconds for process in processes if (seconds := _seconds_used(process)) is not None}
        worked = sum(used.values()) - sum(self._used.get(process, 0.0) for process in used)
        alive = lines != self._lines or used.keys() != self._used.keys()
        if alive or worked > IDLE_SHARE * (self._silent_s + passed_s) * len(used) + 0.02 or not used:
            self._silent_s, self._lines, self._used = 0.0, lines, used
        else:
            self._silent_s += passed_s
        return self._silent_s


def _seconds_used(process: int) -> float | None:
    """Of processor time; None where it is not known, or says nothing."""
    try:
        state, *numbers = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks = sum(map(int, numbers[10:12]))
    except (OSError, ValueError):
        return None
    return None if state in (WAITING_FOR_A_DISK, STOPPED) else ticks / _TICKS_A_SECOND
