"""The page of one run."""

from __future__ import annotations

from townlet.dataset.reading.capture import Capture
from townlet.policy_text import NO_MODELS, Models
from townlet.report.bundle import PageArrays, bundle
from townlet.report.run.run_data import Watched, build_run


def run_page(
    capture: Capture,
    models: Models = NO_MODELS,
    *,
    span: tuple[int, int] | None = None,
    watched: Watched = iter,
) -> bytes:
    """A capture's page as one HTML file. Arguments and errors: see `build_run`."""
    arrays = PageArrays()
    run = build_run(capture, arrays, models, span=span, watched=watched)
    head = run["head"]
    return bundle({"kind": "run", "runs": [run]}, arrays, f"{head['scenario']}, seed {head['seed']}")
