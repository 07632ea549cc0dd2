"""Data sets with lives of all kinds: cut into segments, ended early, begun late, in several layouts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tests.dataset.captures import index
from tests.samples import make_group, make_metadata, make_run
from townlet.dataset.capture.commit import publish_runs, stage_receipt, stage_sample
from townlet.dataset.capture.preflight import check_output
from townlet.dataset.format.paths import run_folder
from townlet.dataset.store.contract import Store
from townlet.run import Run, SampleKey
from townlet.samples import OPTIONAL_ARRAYS, FrameGroup, ReplaySample, stack_groups


class Life(NamedTuple):
    agent_id: str
    arrival: int
    first: int  # tick
    steps: int
    done: bool = False


# Ticks 0 to 29 in segments of 8: bob faints, and comes back as a newcomer.
TOWN = (Life("alice", 1, 0, 30), Life("bob", 2, 0, 13, done=True), Life("bob-2", 3, 17, 13))


def town_run(name: str = "town", seed: int = 0, segment_ticks: int = 8, **fields: Any) -> Run:
    return make_run(name, seed, 30, segment_ticks=segment_ticks, folder=run_folder(name, seed), **fields)


def whole_life(run: Run, life: Life, **facts: Any) -> ReplaySample:
    """The life as one sample. The first agent's has optional arrays, which say something in some segments only."""
    group = make_group(life.steps, seed=run.seed * 100 + life.arrival, first=life.first, **facts)
    assert group.final is not None
    if life.arrival == 1 and life.steps > 9:
        group.arrays["blocked"] = np.arange(life.steps) == 3
        group.arrays["off_mask"] = np.arange(life.steps) == 9
    if life.done:
        group.arrays["dones"][-1] = True
        group.final["final_value"] = np.float32(0)
    metadata = {**group.metadata, **make_metadata(life.agent_id, life.arrival, run), **facts}
    metadata.pop("window", None)
    return stack_groups([FrameGroup(group.arrays, group.final, metadata)])


def segments_of(
    run: Run, whole: ReplaySample, *, forget_values: bool = False
) -> list[tuple[SampleKey, ReplaySample]]:
    """The life as the run would have written it: cut at multiples of `segment_ticks`.

    `forget_values`: with 0 for the value of what is seen after each segment, as if nobody knew it.
    """
    first = int(whole.tick[0])
    last = first + whole.timesteps
    length = run.segment_ticks or last
    found = []
    for start in range(first - first % length, last, length):
        rows = slice(max(start, first) - first, min(start + length, last) - first)
        arrays = {
            name: array[rows] for name, array in whole.arrays().items() if not name.startswith("final_")
        }
        for name in OPTIONAL_ARRAYS:
            if name in arrays and not arrays[name].any():
                del arrays[name]
        arrays["value_preds"] = whole.value_preds[rows.start : rows.stop + 1].copy()
        if forget_values:
            arrays["value_preds"][-1] = 0.0
        ended = rows.stop == whole.timesteps
        for name in ("map", "features", "action_mask"):
            final = getattr(whole, f"final_{name}") if ended else getattr(whole, name)[rows.stop]
            arrays[f"final_{name}"] = final
        kept = ("timesteps", "frame_count", "value_pred_steps", "first_tick", "layout_digest", "segment")
        metadata = {key: value for key, value in whole.metadata.items() if key not in kept}
        metadata["segment"] = {"index": len(found), "last": ended}
        key = SampleKey(run.name, run.seed, whole.metadata["agent_index"], whole.agent_id, start // length)
        found.append((key, ReplaySample.from_arrays(arrays, metadata)))
    return found


def capture_lives(
    store: Store, *runs: Run, lives: Sequence[Life] = TOWN, forget_values: bool = False, **facts: Any
) -> None:
    """Capture runs in which these lives were led, and index them."""
    check_output(store, runs)
    records = []
    for run in runs:
        staged = [
            stage_sample(store, run, key, sample)
            for life in lives
            for key, sample in segments_of(run, whole_life(run, life, **facts), forget_values=forget_values)
        ]
        records.append(stage_receipt(store, run, len(staged), staged))
    published = publish_runs(store, list(zip(runs, records, strict=True)))
    index(store, published, records)


def capture_drawn(store: Store, *runs: tuple[Run, int]) -> None:
    """Capture runs of which each is what the run of another seed would be: (run, that seed). Equal ones are copies."""
    check_output(store, [run for run, _ in runs])
    records = []
    for run, drawn in runs:
        whole = whole_life(town_run(seed=drawn), TOWN[0])
        staged = [stage_sample(store, run, key, sample) for key, sample in segments_of(run, whole)]
        records.append(stage_receipt(store, run, len(staged), staged))
    published = publish_runs(store, list(zip([run for run, _ in runs], records, strict=True)))
    index(store, published, records)
