"""Diff: what differs is said by name and place, and what only looks different is not called a difference."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.dataset.captures import capture, flip, records_for
from tests.samples import make_run, make_samples
from townlet.cli import main
from townlet.dataset.capture.commit import begin_run, publish_runs, stage_receipt, stage_sample
from townlet.dataset.checking.diff import Difference, diff
from townlet.dataset.format.paths import run_folder
from townlet.dataset.index.build_shards import indexed
from townlet.dataset.index.index_document import Failure
from townlet.dataset.index.write_index import write_index
from townlet.dataset.reading.capture import load_capture
from townlet.dataset.store.local import LocalStore
from townlet.dataset.versions.versions import publish
from townlet.errors import CorruptSampleError, UserError
from townlet.run import Run, canonical_json
from townlet.samples import ReplaySample

Arrays = dict[str, np.ndarray]


def runs(*seeds: int, name: str = "scene", **options: Any) -> list[Run]:
    return [
        make_run(name, seed=seed, folder=run_folder(name, seed), **{"ticks": 6, **options}) for seed in seeds
    ]


def capture_altered(
    store: LocalStore, run: Run, alter: Callable[[Arrays, dict[str, Any]], None], agents: int = 2
) -> None:
    """Capture a run whose first sample is not what it would have been."""
    staged = []
    begin_run(store, run)
    for number, (key, sample) in enumerate(make_samples(run, agents)):
        if number == 0:
            arrays, metadata = (
                {name: array.copy() for name, array in sample.arrays().items()},
                dict(sample.metadata),
            )
            alter(arrays, metadata)
            sample = ReplaySample.from_arrays(arrays, metadata)
        staged.append(stage_sample(store, run, key, sample))
    records = stage_receipt(store, run, agents, staged)
    published = publish_runs(store, [(run, records)])
    if run.folder:
        write_index(store, [indexed(published[0], records)])


def altered(tmp_path: Path, alter: Callable[[Arrays, dict[str, Any]], None]) -> Difference:
    """One capture against the same with this change."""
    run = make_run(ticks=6)
    capture(LocalStore(tmp_path / "a"), run)
    capture_altered(LocalStore(tmp_path / "b"), run, alter)
    return diff(tmp_path / "a", tmp_path / "b")


def test_equal_data_sets(tmp_path: Path) -> None:
    capture(LocalStore(tmp_path / "a"), *runs(1, 2, 3))
    for run in runs(3, 1, 2):
        capture(LocalStore(tmp_path / "b"), run)
    found = diff(tmp_path / "a", tmp_path / "b")
    assert (found.same, found.same_runs, found.runs, found.metrics, found.facts) == (True, 3, [], [], [])


def test_equal_runs_are_not_opened(tmp_path: Path) -> None:
    """An index tells: the captures need not even be there."""
    for name in ("a", "b"):
        capture(LocalStore(tmp_path / name), *runs(1, 2))
        shutil.rmtree(tmp_path / name / "runs")
    assert diff(tmp_path / "a", tmp_path / "b").same


def test_added_and_removed_runs(tmp_path: Path) -> None:
    capture(LocalStore(tmp_path / "a"), *runs(1, 2))
    capture(LocalStore(tmp_path / "b"), *runs(2, 3), *runs(9, name="other"))
    found = diff(tmp_path / "a", tmp_path / "b")
    assert [(run.scenario, run.seed, run.state, run.sample_count) for run in found.runs] == [
        ("other", 9, "added", 2),
        ("scene", 1, "removed", 2),
        ("scene", 3, "added", 2),
    ]
    assert (found.same, found.same_runs) == (False, 1)
    only_in_b = [moved for moved in found.metrics if moved.scenario == "other"]
    assert only_in_b and all(moved.a is None and moved.relative == float("inf") for moved in only_in_b)


def test_another_compression_is_the_same_content(tmp_path: Path) -> None:
    capture(LocalStore(tmp_path / "a"), *runs(1))
    capture(LocalStore(tmp_path / "b"), *runs(1, compression="small"))
    found = diff(tmp_path / "a", tmp_path / "b")
    (run,) = found.runs
    assert (found.same, run.state, run.inputs, run.samples) == (
        True,
        "repacked",
        ("compression fast -> small",),
        (),
    )


def test_another_prefix_is_the_same_content(tmp_path: Path) -> None:
    capture(LocalStore(tmp_path / "a"), *runs(1))
    capture(LocalStore(tmp_path / "b"), *runs(1, prefix="other"))
    (run,) = (found := diff(tmp_path / "a", tmp_path / "b")).runs
    assert (found.same, run.state, run.inputs) == (True, "repacked", ("prefix rollout_sample -> other",))


def test_where_an_array_differs(tmp_path: Path) -> None:
    def alter(arrays: Arrays, _: dict[str, Any]) -> None:
        arrays["features"][2, 3] = 0.25
        arrays["features"][4:, 0] = 0.5
        arrays["map"][5, 1, 2, 3] = 9.0
        arrays["final_features"][1] = 0.75
        arrays["rewards"][0] = -1.0

    found = altered(tmp_path, alter)
    assert not found.same
    ((run,), (sample,)) = found.runs, found.runs[0].samples
    assert (run.state, sample.sample, sample.state) == ("changed", "rollout_sample_alice_001.npz", "changed")
    arrays = {array.array: array for array in sample.arrays or ()}
    assert list(arrays) == ["map", "features", "rewards", "final_features"]
    features = arrays["features"]
    assert (features.first_timestep, features.first_tick, features.timesteps) == (2, 2, 3)
    assert [at for at, _, _ in features.values] == ["wallet", "need_hunger", "need_hunger"]
    assert features.values[0][2] == 0.25
    assert arrays["map"].values[0][0] == "agents[2, 3]"
    assert (arrays["final_features"].first_timestep, arrays["final_features"].values[0][0]) == (
        None,
        "need_hygiene",
    )
    assert {moved.figure for moved in found.metrics} >= {"reward_sum", "need_hunger_mean"}


def test_signs_of_zero_are_told_apart(tmp_path: Path) -> None:
    def alter(arrays: Arrays, _: dict[str, Any]) -> None:
        arrays["map"][arrays["map"] == 0] = -0.0

    (array,) = altered(tmp_path, alter).runs[0].samples[0].arrays or ()
    assert (array.array, array.first_timestep, array.timesteps) == ("map", 0, 6)


def test_columns_are_matched_by_name(tmp_path: Path) -> None:
    def alter(arrays: Arrays, metadata: dict[str, Any]) -> None:
        arrays["features"][3, 1] = 0.125
        for name in ("features", "final_features"):
            arrays[name] = arrays[name][..., ::-1].copy()
        metadata["feature_names"] = metadata["feature_names"][::-1]
        metadata["feature_names"][-1] = "thirst"
        del metadata["layout_digest"]

    arrays = {array.array: array for array in altered(tmp_path, alter).runs[0].samples[0].arrays or ()}
    assert list(arrays) == ["features", "final_features"]
    assert arrays["features"].remarks == ("only in A: need_hunger", "only in B: thirst")
    ((where, _, value),) = arrays["features"].values
    assert (where, value, arrays["features"].first_timestep) == ("need_hygiene", 0.125, 3)


def test_a_longer_run(tmp_path: Path) -> None:
    capture(LocalStore(tmp_path / "a"), make_run(ticks=6))
    longer = make_run(ticks=9)

    def shared(arrays: Arrays, _: dict[str, Any]) -> None:
        short = make_samples(make_run(ticks=6))[0][1].arrays()
        for name in ("tick", "rewards"):
            arrays[name][:6] = short[name]

    capture_altered(LocalStore(tmp_path / "b"), longer, shared)
    found = diff(tmp_path / "a", tmp_path / "b")
    assert found.runs[0].inputs == ("ticks 6 -> 9",)
    arrays = {array.array: array for array in found.runs[0].samples[0].arrays or ()}
    assert (arrays["rewards"].length, arrays["rewards"].differs) == ((6, 9), False)
    assert (arrays["features"].length, arrays["features"].differs) == ((6, 9), True)


def test_samples_of_others(tmp_path: Path) -> None:
    run = make_run(ticks=6)
    capture(LocalStore(tmp_path / "a"), run, agents=2)
    capture(LocalStore(tmp_path / "b"), run, agents=3)
    (sample,) = diff(tmp_path / "a", tmp_path / "b").runs[0].samples
    assert (sample.agent_id, sample.arrival, sample.state, sample.arrays) == ("carol", 3, "added", None)
    (sample,) = diff(tmp_path / "b", tmp_path / "a").runs[0].samples
    assert sample.state == "removed"


def test_how_configs_differ(tmp_path: Path) -> None:
    def configured(hunger: float, **more: Any) -> Run:
        config = {"config": {"config_id": "scene", "decay": {"hunger": hunger}, **more}, "affordances": {}}
        run = make_run(ticks=6, folder=run_folder("scene", 3))
        return replace(run, config_json=canonical_json(config))

    capture(LocalStore(tmp_path / "a"), configured(0.1))
    capture_altered(
        LocalStore(tmp_path / "b"), configured(0.2, extra=1), lambda arrays, _: arrays["rewards"].fill(0)
    )
    (run,) = diff(tmp_path / "a", tmp_path / "b").runs
    assert run.inputs == ("decay.hunger 0.1 -> 0.2", "extra added")


def test_the_limit_is_on_arrays(tmp_path: Path) -> None:
    for name, change in (("a", 0.0), ("b", 1.0)):
        for run in runs(1, 2, 3):
            capture_altered(
                LocalStore(tmp_path / name), run, lambda arrays, _, by=change: arrays["rewards"].fill(by)
            )
    looked = []
    found = diff(tmp_path / "a", tmp_path / "b", limit=2, progress=lambda *done: looked.append(done))
    assert looked == [(1, 2), (2, 2)]
    assert [run.samples[0].arrays is None for run in found.runs] == [False, False, True]
    assert all(run.samples[0].arrays for run in diff(tmp_path / "a", tmp_path / "b").runs)


def test_failures_are_facts(tmp_path: Path) -> None:
    for name, failures in (("a", []), ("b", [Failure("scene", 9, "no")])):
        store = LocalStore(tmp_path / name)
        records = [records_for(store, run) for run in runs(1)]
        published = publish_runs(store, list(zip(runs(1), records, strict=True)))
        write_index(store, [indexed(published[0], records[0])], failures)
    found = diff(tmp_path / "a", tmp_path / "b")
    assert found.facts == ["complete True -> False", "failures none -> 1 (scene seed 9)"]
    assert not found.same


def test_a_versioned_data_set_is_its_current_version(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "set")
    for version, seeds in ((1, (1,)), (2, (1, 2))):
        capture(store.below(f"versions/{version}"), *runs(*seeds))
    publish(store, 2)
    assert diff(tmp_path / "set", tmp_path / "set/versions/2").same
    assert [run.state for run in diff(tmp_path / "set/versions/1", tmp_path / "set").runs] == ["added"]
    assert diff(tmp_path / "set/current.json", tmp_path / "set/versions/2/dataset.json").same


def test_two_captures_are_one_run_whatever_they_are_called(tmp_path: Path) -> None:
    capture(LocalStore(tmp_path / "a"), make_run("scene", ticks=6))
    capture(LocalStore(tmp_path / "b"), make_run("other", ticks=6))
    found = diff(tmp_path / "a", tmp_path / "b/rollout_sample_manifest.json")
    assert found.same
    assert found.runs[0].inputs[:2] == ("config_id scene -> other", "scenario_name scene -> other")


def test_what_cannot_be_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture(LocalStore(tmp_path / "one"), make_run(ticks=6))
    capture(LocalStore(tmp_path / "set"), *runs(1))
    with pytest.raises(UserError, match="expected two captures or two data sets, got one of each"):
        diff(tmp_path / "one", tmp_path / "set")
    with pytest.raises(UserError, match="found nothing there"):
        diff(tmp_path / "one", tmp_path / "nothing")
    shutil.copytree(tmp_path / "set", tmp_path / "bad")
    flip(tmp_path / "bad/dataset.json", 40)
    with pytest.raises(CorruptSampleError, match=r"dataset\.json"):
        diff(tmp_path / "set", tmp_path / "bad")
    assert main(["diff", str(tmp_path / "set"), str(tmp_path / "bad")]) == 2
    assert "error: " in capsys.readouterr().err


def test_a_damaged_manifest_of_a_changed_run(tmp_path: Path) -> None:
    capture(LocalStore(tmp_path / "a"), *runs(1))
    capture(LocalStore(tmp_path / "b"), *runs(1, ticks=5))
    flip(tmp_path / "b/runs/scene/seed-1/rollout_sample_manifest.json", 100)
    with pytest.raises(CorruptSampleError, match="not the manifest that"):
        diff(tmp_path / "a", tmp_path / "b")


def test_what_the_command_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    capture(LocalStore(a), *runs(1, 2, 3, 5))
    for run in runs(2, 3):
        capture_altered(LocalStore(b), run, lambda arrays, _: arrays["rewards"].__setitem__(3, 0.5))
    capture(LocalStore(b), *runs(7))
    assert main(["diff", a, a]) == 0
    assert "the same content: runs: 4 the same" in capsys.readouterr().out
    assert main(["diff", a, b]) == 1
    said = capsys.readouterr().out
    for text in (
        "different: runs: 2 changed, 2 only in A, 1 only in B",
        "  scene seeds 1, 5: 4 samples",
        "  scene seeds 2..3: the same config and options",
        "rewards            from timestep 3 (tick 3), 1 timestep; ",
        "metrics that changed",
    ):
        assert text in said
    assert main(["diff", a, b, "--quiet"]) == 1
    assert capsys.readouterr() == ("", "")
    assert main(["diff", a, b, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["same"], len(found["runs"]), found["same_runs"]) == (False, 5, 0)
    assert len(load_capture(tmp_path / "a/runs/scene/seed-1")) == 2


def test_an_array_that_one_side_does_not_have(tmp_path: Path) -> None:
    """Without it all of it is False, as in captures of earlier versions."""

    def flagged(arrays: Arrays, metadata: dict[str, Any]) -> None:
        arrays["off_mask"] = np.arange(6) == 4

    (sample,) = altered(tmp_path, flagged).runs[0].samples
    assert sample.arrays is not None
    (array,) = sample.arrays
    assert (array.array, array.first_timestep, array.values) == ("off_mask", 4, (("", False, True),))
