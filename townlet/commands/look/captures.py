"""Captures of runs that somebody wants to look at, and that nobody keeps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from townlet.console.scratch import scratch_folder
from townlet.dataset.reading.capture import Capture, load_capture
from townlet.planning.plan import Plan
from townlet.policy_text import Models
from townlet.run import Run


@contextmanager
def captured(run: Run, models: Models) -> Iterator[Capture]:
    """A run as a capture, which is there until the context ends. `models`: its networks, by digest."""
    from townlet.commands.capture.run_capture import RunnerOptions, capture

    planned = Plan(
        runs=(run.ref(),), configs={run.config_digest: run.config_json}, costs=(1,), is_data_set=False, notices=(),
        models={digest: models[digest] for digest in run.models},
    )  # fmt: skip
    with scratch_folder() as folder:
        place = f"{folder}/capture"
        capture(planned, place, RunnerOptions(quiet=True))
        yield load_capture(place)
