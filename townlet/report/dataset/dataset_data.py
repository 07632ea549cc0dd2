"""The data of a data set's page: what its index says of all runs, and what some of its samples say.

    "dataset": {
      "runs", "samples", "frames", "size" (bytes), "suites": [names], "complete", "failures": counts,
      "notices": [texts],
      "scenarios": [{
        "name", "description", "seeds" (text), "runs", "distinct" (contents), "samples", "frames",
        "lives", "ended", "needs": [names], "bin" (ticks), "ticks" (of the longest run), "read": [seeds whose samples
        were read],
        "rows": [[seed, content (number), ticks, timesteps, return, ended, refused, clipped], ...]  (null: not known),
        "refused", "clipped", "masked", "off_mask": shares or null, "actions": [[kind, share], ...],
        "survival": {"ticks": [...], "share": [...]},
        "replays": [{"what", "seed", "return", "file" | "run" (index into the page's runs) | "problem"}]
      }],
      "layouts": [{"text", "scenarios": [names], "extra": [names], "missing": [names]}],
      "features": [{"name", "low", "mean", "high", "constant", "scenarios" (how many have it)}],
      "arrays": {"reward_0": f4 [3, B], "need_0": f4 [N, 3, B], "alive_0": f4 [3, B], "each_0": f4 [R, B]}
    }

The arrays of scenario k are named `..._k`: low, median and high of the runs that were read, a bin of ticks each, and
the reward of each of these runs. Seeds are texts: they may be larger than a number of a browser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from townlet.arrays import Array
from townlet.dataset.reading.capture import Capture
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.reading.layouts import Layout
from townlet.errors import CorruptSampleError, UserError
from townlet.escaping import shown
from townlet.report.bundle import PageArrays
from townlet.report.dataset.columns import Actions, Features
from townlet.report.dataset.courses import Courses, bands, evenly, how_many
from townlet.report.dataset.lives import RunRows, run_rows

MOST_SCENARIOS = 50  # that are shown
MOST_ROWS = 1_000  # runs of a scenario that are listed
MOST_NAMES = 30  # of columns in which a layout differs
MOST_SPANS = 8  # of seeds

# Makes the replay of a run; says where it is: {"file": address} or {"run": index}.
Replay = Callable[[Capture], Mapping[str, Any]]


def build_data_set(data_set: DataSet, arrays: PageArrays, replay: Replay) -> dict[str, Any]:
    """What a page shows of a data set; its arrays are appended to `arrays`.

    `replay` is called for the best, the median and the worst run of each scenario; where a run cannot be played again
    the page says why. Raises UserError for a data set without samples, CorruptSampleError for damaged ones.
    """
    if not len(data_set):
        raise UserError(f"{data_set.place}: no samples, so that there is nothing to show")
    shown_ones = data_set.scenarios[:MOST_SCENARIOS]
    features = Features()
    found: dict[str, Array] = {}
    scenarios = [
        scenario_data(k, name, data_set.filter(scenario=name), features, found, replay)
        for k, name in enumerate(shown_ones)
    ]
    facts = data_set.metadata
    return {
        "kind": "dataset",
        "dataset": {
            "runs": len(data_set.runs), "samples": len(data_set), "frames": data_set.frame_count,
            "size": int(data_set.samples["size"].sum()), "suites": [shown(name) for name in facts["suites"]],
            "complete": facts["complete"], "failures": facts["failure_count"],
            "notices": list(_notices(data_set, scenarios)), "scenarios": scenarios,
            "layouts": _layouts(data_set),
            "features": [{**row, "name": shown(row["name"])} for row in features.rows()],
            "arrays": arrays.table(found),
        },
    }  # fmt: skip


def title_of(data_set: DataSet) -> str:
    """What a page about it is called."""
    names = data_set.metadata["suites"] or data_set.scenarios
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}: {len(data_set.runs):,} runs"


def _notices(data_set: DataSet, scenarios: list[dict[str, Any]]) -> Iterable[str]:
    facts = data_set.metadata
    if not facts["complete"]:
        failed = facts["failure_count"]
        yield (
            f"not complete: {failed:,} runs failed"
            if failed
            else "not complete: not all planned runs are there"
        )
    if len(data_set.scenarios) > MOST_SCENARIOS:
        yield f"the first {MOST_SCENARIOS} of {len(data_set.scenarios):,} scenarios are shown"
    for each in scenarios:
        if each["distinct"] == 1 < each["runs"]:
            yield f"{each['name']}: all {each['runs']:,} runs have the same content: its seeds change nothing"
        elif each["distinct"] < each["runs"]:
            yield f"{each['name']}: {each['runs']:,} runs have {each['distinct']:,} different contents"


def scenario_data(
    k: int, name: str, data_set: DataSet, features: Features, found: dict[str, Array], replay: Replay
) -> dict[str, Any]:
    """What is said of one scenario, the k-th, whose samples alone are in `data_set`.

    Its arrays are put into `found`, and the ranges of its features are added to `features`.
    """
    rows = run_rows(data_set)
    frames = [int(rows.frames[run]) for run in rows.first_of_each()]
    read = evenly(rows.first_of_each(), how_many(frames))
    courses, actions = Courses(len(read), int(rows.ticks.max())), Actions()
    for number, run in enumerate(read):
        for sample in data_set.filter(seed=rows.seeds[run]).in_order():
            courses.add(number, sample)
            features.add(name, sample)
            actions.add(sample)
            del sample
    reward = courses.reward()
    found[f"reward_{k}"], found[f"need_{k}"] = bands(reward), bands(courses.need())
    found[f"alive_{k}"], found[f"each_{k}"] = bands(courses.alive()), reward.astype(np.float32)
    ticks, share = rows.lives.survival()
    capture = data_set.capture(name, rows.seeds[0])
    return {
        "name": shown(name), "description": shown(capture.metadata.get("scenario_description") or ""),
        "seeds": _spans(rows.seeds), "runs": len(rows.seeds), "distinct": rows.distinct,
        "samples": len(data_set), "frames": data_set.frame_count, "lives": len(rows.lives.run),
        "ended": int(rows.ended.sum()), "needs": [shown(need) for need in courses.needs], "bin": courses.bin,
        "ticks": courses.ticks, "read": [str(rows.seeds[run]) for run in read], "rows": _rows(rows),
        "refused": _of_all(rows, rows.refused), "clipped": _of_all(rows, rows.clipped),
        **actions.to_json_dict(),
        "survival": {"ticks": ticks.tolist(), "share": share.tolist()},
        "replays": [
            {
                "what": what, "seed": str(rows.seeds[run]), "return": float(rows.returns[run]),
                **_replayed(data_set.capture(name, rows.seeds[run]), replay),
            }
            for what, run in rows.best_median_worst().items()
        ],
    }  # fmt: skip


def _replayed(capture: Capture, replay: Replay) -> Mapping[str, Any]:
    """Where a run's replay is, or why it has none."""
    try:
        return replay(capture)
    except (CorruptSampleError, UserError) as error:
        return {"problem": shown(str(error))}


def _rows(rows: RunRows) -> list[list[Any]]:
    contents = {content: number for number, content in enumerate(dict.fromkeys(rows.contents))}
    return [
        [
            str(rows.seeds[run]), contents[rows.contents[run]], int(rows.ticks[run]), int(rows.frames[run]),
            float(rows.returns[run]), int(rows.ended[run]), _known(rows.refused[run]), _known(rows.clipped[run]),
        ]
        for run in evenly(range(len(rows.seeds)), MOST_ROWS)
    ]  # fmt: skip


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _of_all(rows: RunRows, shares: Array) -> float | None:
    """A share of all timesteps; None where it is not known of all runs."""
    return _known(float((shares * rows.frames).sum() / max(int(rows.frames.sum()), 1)))


def _spans(seeds: tuple[int, ...]) -> str:
    """`0..99, 200`, cut where there are many spans."""
    spans: list[tuple[int, int]] = []
    for seed in seeds:
        if spans and spans[-1][1] == seed - 1:
            spans[-1] = spans[-1][0], seed
        else:
            spans.append((seed, seed))
    texts = [str(first) if first == last else f"{first}..{last}" for first, last in spans[:MOST_SPANS]]
    return ", ".join(texts) + (", ..." if len(spans) > MOST_SPANS else "")


def _layouts(data_set: DataSet) -> list[dict[str, Any]]:
    """Which layouts there are, and in which names they differ."""
    found = data_set.layouts
    digests, scenarios = data_set.samples["layout_digest"], data_set.samples["scenario"]
    names = {digest: _names(layout) for digest, layout in found.items()}
    union = list(dict.fromkeys(name for each in names.values() for name in each))
    common = set(union).intersection(*names.values())
    return [
        {
            "text": layout.describe(),
            "scenarios": [shown(name) for name in dict.fromkeys(scenarios[digests == digest])],
            "extra": _some(name for name in names[digest] if name not in common),
            "missing": _some(name for name in union if name not in names[digest]),
        }
        for digest, layout in found.items()
    ]


def _names(layout: Layout) -> dict[str, None]:
    return dict.fromkeys((
        *layout.feature_names,
        *(f"map: {name}" for name in layout.map_channels),
        *(f"reward: {name}" for name in layout.reward_term_names),
    ))  # fmt: skip


def _some(names: Iterable[str]) -> list[str]:
    found = list(names)
    more = [f"and {len(found) - MOST_NAMES} more"] if len(found) > MOST_NAMES else []
    return [shown(name) for name in found[:MOST_NAMES]] + more
