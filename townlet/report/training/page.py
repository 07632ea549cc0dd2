"""The page of a training, and the pages of the runs that it leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

from townlet.dataset.format.manifest import safe_name
from townlet.dataset.reading.capture import Capture
from townlet.policy_text import Models
from townlet.report.bundle import PageArrays, bundle
from townlet.report.comparison.page import run_comparison_page
from townlet.report.dataset.page import Write
from townlet.report.run.run_data import Watched, build_run
from townlet.report.training.folder import read_folder
from townlet.report.training.training_data import RUNS, build_training
from townlet.run import Run

# Captures a run whose network is among the models; the capture is there until the context ends.
CaptureOf = Callable[[Run, Models], AbstractContextManager[Capture]]


def training_page(
    path: Path,
    capture_of: CaptureOf,
    write: Write | None = None,
    *,
    folder: str = "report_files",
    runs: int = RUNS,
    watched: Watched = iter,
) -> bytes:
    """A training's page as one HTML file.

    The best policy and `needs` play the first seed of each town: `capture_of` captures these runs. Both together are a
    page, handed to `write` under the name `<town>-best-beside-needs.html` as soon as it is made; the training's page
    refers to it in `folder`. Without `write` the runs are part of the page itself. `runs`: of each town and policy,
    for the table; `watched` goes through the moments of what is replayed. Raises CorruptSampleError for a folder whose
    files are not what a training writes.
    """
    arrays = PageArrays()
    embedded: list[dict[str, Any]] = []

    def replay(played: Mapping[str, Run], models: Models) -> Iterator[Mapping[str, Any]]:
        with ExitStack() as kept:
            sides = [(kept.enter_context(capture_of(run, models)), models) for run in played.values()]
            if write is not None:
                name = f"{safe_name(next(iter(played.values())).name, 'town')}-best-beside-needs.html"
                write(name, run_comparison_page(sides[0], sides[1], watched=watched))
                yield {"policy": " beside ".join(played), "file": quote(f"{folder}/{name}")}
                return
            for policy, (capture, _) in zip(played, sides, strict=True):
                embedded.append(build_run(capture, arrays, models, watched=watched))
                yield {"policy": policy, "run": len(embedded) - 1}

    found = read_folder(path)
    document = build_training(found, arrays, replay, runs)
    title = f"{', '.join(found.told['towns'])}: training"
    return bundle({**document, **({"runs": embedded} if embedded else {})}, arrays, title)
