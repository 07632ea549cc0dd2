"""The page of two runs side by side, or of two data sets pair by pair."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from townlet.dataset.reading.capture import Capture
from townlet.dataset.reading.data_set import DataSet
from townlet.errors import UserError
from townlet.escaping import shown
from townlet.policy_text import Models
from townlet.report.bundle import PageArrays, bundle
from townlet.report.comparison.differences import FirstDifference, first_difference
from townlet.report.comparison.golden import golden_rows
from townlet.report.comparison.paired import (
    figures_by_agent,
    figures_by_run,
    means_of,
    paired_metrics,
)
from townlet.report.run.run_data import Watched, build_run
from townlet.report.sources import models_of
from townlet.world.state import TERMS


def run_comparison_page(
    left: tuple[Capture, Models],
    right: tuple[Capture, Models],
    *,
    golden: Mapping[str, Any] | None = None,
    span: tuple[int, int] | None = None,
    watched: Watched = iter,
) -> bytes:
    """The page of two captures, each with its models. `golden`: a golden file's document. Raises as `build_run`."""
    arrays = PageArrays()
    runs = [
        build_run(capture, arrays, models, span=span, watched=watched) for capture, models in (left, right)
    ]
    sides = [figures_by_agent(capture) for capture, _ in (left, right)]
    names = {str(capture.metadata.get("scenario_name")) for capture, _ in (left, right)}
    compared = _comparison(first_difference(left[0], right[0]), sides, "agent", golden, names)
    heads = [run["head"] for run in runs]
    title = " against ".join(f"{head['scenario']}, seed {head['seed']}" for head in heads)
    return bundle({"kind": "comparison", "runs": runs, "comparison": compared}, arrays, title)


def data_set_comparison_page(
    left: DataSet,
    right: DataSet,
    *,
    golden: Mapping[str, Any] | None = None,
    watched: Watched = iter,
) -> bytes:
    """The page of two data sets, paired by scenario and seed. The pair whose reward differs most is shown in full.

    Raises UserError where no run has a partner.
    """
    sides = [figures_by_run(side) for side in (left, right)]
    pairs = [run for run in sides[0] if run in sides[1]]
    if not pairs:
        raise UserError(
            f"{shown(left.place)} and {shown(right.place)}: have no scenario and seed in common; nothing can be paired"
        )
    scenario, seed = max(sorted(pairs), key=lambda run: _apart(sides, run))
    arrays, runs = PageArrays(), []
    captures = [side.capture(scenario, seed) for side in (left, right)]
    for capture in captures:
        runs.append(build_run(capture, arrays, models_of(capture), watched=watched))
    difference = first_difference(*captures)
    told = f"of the pair whose reward differs most, {shown(scenario)} seed {seed}: {difference.what}"
    names = {name for name, _ in pairs}
    compared = _comparison(FirstDifference(difference.tick, told), sides, "scenario and seed", golden, names)
    if len(names) > 1:
        compared["metrics"] += _by_scenario(sides, sorted(names))
    document = {"kind": "comparison", "runs": runs, "comparison": compared}
    return bundle(document, arrays, "two data sets compared")


def _comparison(
    difference: FirstDifference,
    sides: list[dict[Any, dict[str, float]]],
    paired_by: str,
    golden: Mapping[str, Any] | None,
    scenarios: set[str],
) -> dict[str, Any]:
    """The part `comparison` of a page."""
    left, right = sides
    paired = left.keys() & right.keys() or left.keys() | right.keys()  # without a pair, all of each side
    means = [means_of({key: of for key, of in side.items() if key in paired}) for side in sides]
    return {
        "first_difference": difference.tick,
        "what": difference.what,
        "terms": [[term, *(mean.get(f"reward_{term}_sum", 0.0) for mean in means)] for term in TERMS],
        "metrics": [list(metric) for metric in paired_metrics(left, right)],
        "paired_by": paired_by,
        "pairs": len(left.keys() & right.keys()),
        "golden": None
        if golden is None
        else [list(row) for row in golden_rows(golden, means[0], means[1], scenarios)],
    }


def _apart(sides: list[dict[Any, dict[str, float]]], run: Hashable) -> float:
    return abs(sides[1][run].get("reward_sum", 0.0) - sides[0][run].get("reward_sum", 0.0))


def _by_scenario(sides: list[dict[Any, dict[str, float]]], names: list[str]) -> list[list[Any]]:
    """The reward of each scenario, behind the figures of all."""
    found = []
    for name in names:
        left, right = ({run: of for run, of in side.items() if run[0] == name} for side in sides)
        metrics = [metric for metric in paired_metrics(left, right) if metric[0] == "reward_sum"]
        found += [[f"{shown(name)}: {metric[0]}", *metric[1:]] for metric in metrics]
    return found
