"""The page of a data set, and the pages of the runs that it leads to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from townlet.dataset.format.manifest import safe_name
from townlet.dataset.reading.capture import Capture
from townlet.dataset.reading.data_set import DataSet
from townlet.report.bundle import PageArrays, bundle
from townlet.report.dataset.dataset_data import Replay, build_data_set, title_of
from townlet.report.run.page import run_page
from townlet.report.run.run_data import Watched, build_run
from townlet.report.sources import models_of

# Writes a page beside the data set's: its name, and the page.
Write = Callable[[str, bytes], None]


def data_set_page(
    data_set: DataSet, write: Write | None = None, *, folder: str = "report_files", watched: Watched = iter
) -> bytes:
    """A data set's page as one HTML file.

    The best, the median and the worst run of each scenario are pages of their own, each handed to `write` as soon as
    it is made, under the name `<scenario>-seed-<n>.html`; the page of the data set refers to them in `folder`. Without
    `write` they are part of the page itself, which then holds everything. `watched` goes through the moments of each
    of these runs. Raises UserError for a data set without samples, CorruptSampleError for damaged ones.
    """
    arrays = PageArrays()
    runs: list[dict[str, Any]] = []
    replay = _embedding(arrays, runs, watched) if write is None else _beside(write, folder, watched)
    document = build_data_set(data_set, arrays, replay)
    return bundle({**document, **({"runs": runs} if runs else {})}, arrays, title_of(data_set))


def _embedding(arrays: PageArrays, runs: list[dict[str, Any]], watched: Watched) -> Replay:
    def replay(capture: Capture) -> dict[str, Any]:
        runs.append(build_run(capture, arrays, models_of(capture), watched=watched))
        return {"run": len(runs) - 1}

    return replay


def _beside(write: Write, folder: str, watched: Watched) -> Replay:
    def replay(capture: Capture) -> dict[str, Any]:
        facts = capture.metadata
        scenario = safe_name(str(facts.get("scenario_name") or ""), "run")
        name = f"{scenario}-seed-{facts['seed']}.html"
        write(name, run_page(capture, models_of(capture), watched=watched))
        return {"file": quote(f"{folder}/{name}")}

    return replay
