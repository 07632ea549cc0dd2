"""Progress reports: what the steps of a capture tell the command that waits for them, in a folder of small files.

Beam's metrics can be read only after a run. So each step appends lines to a file of its own in a folder that
the launcher made and polls. Nothing of the product goes this way: a lost line costs a progress figure.

No Beam here: worker processes report before Beam is imported there, and the launcher reads plain files.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from townlet.errors import TownletError

Item = TypeVar("Item")

REPORT_INTERVAL_S = 0.1  # seconds between two lines about frames
WORKER_LOG = "workers.log"  # standard error of all worker processes
REPORT = re.compile(r"\d+-[0-9a-f]{8}")  # the name of a file of reports: process and number
CANCELLED = "cancelled"  # a file: the launcher wants no more


class CaptureCancelled(TownletError):
    """The launcher has given up: no run is to go on."""


class ProgressReporter:
    """The writing end; one for each step and thread. Without a folder it writes nothing."""

    def __init__(self, folder: str | None) -> None:
        self._folder = folder
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._frames = 0
        self._next = 0.0
        self._look_again = 0.0

    def frames(self, count: int) -> None:
        """So many frames were simulated."""
        self._frames += count
        if self._folder and time.monotonic() >= self._next:
            self._flush()

    def until_cancelled(self, items: Iterable[Item]) -> Iterator[Item]:
        """Pass items on. Raises CaptureCancelled once the launcher wants no more."""
        for item in items:
            if self._folder and time.monotonic() >= self._look_again:
                self._look_again = time.monotonic() + REPORT_INTERVAL_S
                if Path(self._folder, CANCELLED).exists():
                    raise CaptureCancelled("the capture was cancelled")
            yield item

    def run_ended(self, label: str, *, played: bool) -> None:
        """A run is over; `played` is False where it was not simulated, but read back."""
        self._flush()
        self._write({"run": label, "played": played})

    def run_failed(self, label: str, reason: str) -> None:
        self._flush()
        self._write({"run": label, "failed": reason})

    def worker_started(self) -> None:
        self._write({"worker": os.getpid()})

    def worker_failed(self, reason: str) -> None:
        """This process cannot start its work."""
        self._write({"broken": reason})

    def fatal(self, message: str) -> None:
        """The output cannot be used: the launcher is to stop everything with this message."""
        self._write({"fatal": message})

    def _flush(self) -> None:
        if self._frames:
            self._write({"frames": self._frames})
            self._frames = 0
        self._next = time.monotonic() + REPORT_INTERVAL_S

    def _write(self, line: dict[str, Any]) -> None:
        if self._folder is None:
            return
        try:
            with open(Path(self._folder, self._name), "ab") as file:
                file.write(json.dumps(line).encode() + b"\n")
        except OSError:
            self._folder = None  # the launcher is gone, or its disk is full: progress is not worth a failure


@dataclass
class Tally:
    """The sum of all reports so far."""

    frames: int = 0  # simulated
    runs: set[str] = field(default_factory=set)  # labels of those that are over, in whatever way
    reused: set[str] = field(default_factory=set)  # of these, read back instead of simulated
    failures: dict[str, str] = field(default_factory=dict)  # label -> reason
    workers: list[int] = field(default_factory=list)  # process ids
    broken: str | None = None  # why a worker cannot start its work
    fatal: str | None = None  # why the output cannot be used


class ReportReader:
    """The reading end."""

    def __init__(self, folder: str | None) -> None:
        self.tally = Tally()
        self.lines = 0  # read so far
        self._folder = folder
        self._read: dict[str, int] = {}  # file name -> bytes read

    def poll(self) -> Tally:
        """Read what is new. Lines that are not finished yet wait for the next time. Without a folder: nothing."""
        if self._folder is None:
            return self.tally
        try:
            names = sorted(os.listdir(self._folder))
        except OSError:
            return self.tally
        for name in names:
            if not REPORT.fullmatch(name):
                continue
            try:
                with open(Path(self._folder, name), "rb") as file:
                    file.seek(self._read.get(name, 0))
                    whole, end, _ = file.read().rpartition(b"\n")
            except OSError:
                continue  # no file may be opened just now: the next time
            self._read[name] = self._read.get(name, 0) + len(whole) + len(end)
            for line in whole.splitlines():
                self._add(json.loads(line))
        return self.tally

    def cancel(self) -> None:
        """Tell the steps that nothing of theirs is wanted any more: see `ProgressReporter.until_cancelled`."""
        if self._folder is not None:
            with contextlib.suppress(OSError):
                Path(self._folder, CANCELLED).touch()

    def last_line_of_workers(self) -> str:
        """The last line that a worker process wrote to its standard error."""
        if self._folder is None:
            return ""
        try:
            lines = Path(self._folder, WORKER_LOG).read_text(errors="replace").split("\n")
        except OSError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def _add(self, line: dict[str, Any]) -> None:
        tally = self.tally
        self.lines += 1
        tally.frames += line.get("frames", 0)
        if "run" in line:
            tally.runs.add(line["run"])
        if line.get("played") is False:
            tally.reused.add(line["run"])
        if "failed" in line:
            tally.failures[line["run"]] = line["failed"]
        if "worker" in line:
            tally.workers.append(line["worker"])
        tally.broken = tally.broken or line.get("broken")
        tally.fatal = tally.fatal or line.get("fatal")
