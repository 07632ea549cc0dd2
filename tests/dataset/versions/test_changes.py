"""What a plan changes in a version, each run with its reason, and what is carried over into the next."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.made_up import MadeUp
from tests.dataset.captures import capture, content, flip, stage
from tests.samples import make_run
from townlet.dataset.checking.verify import verify_store
from townlet.dataset.format.canonical import document_bytes
from townlet.dataset.format.paths import run_folder, staging_folder
from townlet.dataset.index.read_index import read_index
from townlet.dataset.store.local import LocalStore
from townlet.dataset.versions import changes as changes_module
from townlet.dataset.versions.changes import Changes, differences
from townlet.dataset.versions.next_version import carry_over, drop_others, is_finished
from townlet.run import Run, by_reference, canonical_json


def make(name: str, seed: int, config: dict[str, Any] | None = None, **fields: Any) -> Run:
    run = make_run(name, seed=seed, folder=run_folder(name, seed), **fields)
    if config is None:
        return run
    whole = {
        "config": {"config_id": name, **config},
        "affordances": {},
        "name": name,
        "config_path": "a.yaml",
    }
    return replace(run, config_json=canonical_json(whole))


RUNS = [make(name, seed) for name in ("a", "b") for seed in (1, 2)]


@pytest.fixture
def old(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "versions" / "1")


@pytest.fixture
def new(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "versions" / "2")


def compare(old: LocalStore | None, runs: list[Run]) -> Changes:
    return changes_module.compare(old, *by_reference(runs))


def rows(changes: Changes) -> list[tuple[str, str, list[int], str]]:
    return [tuple(row) for row in changes.by_scenario()]


def test_the_first_version(old: LocalStore) -> None:
    changes = compare(None, RUNS)
    assert rows(changes) == [
        ("a", "new", [1, 2], "there is no version yet"),
        ("b", "new", [1, 2], "there is no version yet"),
    ]
    assert changes.any


def test_nothing_changed(old: LocalStore) -> None:
    capture(old, *RUNS)
    changes = compare(old, RUNS)
    assert not changes.any
    assert changes.counts() == {"unchanged": 4, "changed": 0, "new": 0, "removed": 0}
    assert [entry.folder for entry in changes.carried] == [run.folder for run in RUNS]


def test_what_came_and_went(old: LocalStore) -> None:
    capture(old, *RUNS)
    assert rows(compare(old, [RUNS[0], make("a", 5), make("c", 1)])) == [
        ("a", "unchanged", [1], ""),
        ("a", "new", [5], "another seed"),
        ("a", "removed", [2], "its seed is not in the suite any more"),
        ("b", "removed", [1, 2], "not in the suite any more"),
        ("c", "new", [1], "another scenario"),
    ]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"ticks": 30}, "ticks 20 -> 30"),
        ({"policy": "uniform"}, "policy none -> uniform"),
        ({"ignore_schedules": True, "prefix": "p"}, "ignore schedules false -> true, prefix rollout_sample -> p"),
        ({"segment_ticks": 8, "agent": "bob"}, "agent none -> bob, segment ticks 0 -> 8"),
        ({"config": {"rewards": {"survival_tick": 0.1}}}, "rewards.survival_tick 0.0 -> 0.1"),
        ({"config": {"rewards": {"survival_tick": 0.0}, "jobs": {}}}, "jobs added"),
        ({"config": {}}, "rewards removed"),
    ],
    ids=["ticks", "policy", "two options", "others", "config", "key added", "key removed"],
)  # fmt: skip
def test_why_a_run_has_changed(old: LocalStore, changed: dict[str, Any], reason: str) -> None:
    config = {"rewards": {"survival_tick": 0.0}}
    capture(old, make("a", 1, config), make("a", 2, config))
    fields = {"config": config, **changed}
    assert rows(compare(old, [make("a", seed, **fields) for seed in (1, 2)])) == [
        ("a", "changed", [1, 2], reason)
    ]


def test_rules_have_changed(old: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    capture(old, *RUNS)
    monkeypatch.setattr("townlet.run.RULES_VERSION", 2)
    monkeypatch.setattr(changes_module, "RULES_VERSION", 2)
    fresh = [make(run.name, run.seed) for run in RUNS]
    assert rows(compare(old, fresh))[0] == ("a", "changed", [1, 2], "rules version 1 -> 2")


def test_the_format_of_the_index_has_changed(old: LocalStore) -> None:
    capture(old, *RUNS)
    document = json.loads(old.read("dataset.json"))
    document["metadata"]["index_version"] = 9
    old.write_whole("dataset.json", [document_bytes(document)])
    changes = compare(old, RUNS)
    assert rows(changes)[0] == ("a", "changed", [1, 2], "index version of dataset.json 9 -> 3")
    assert not changes.carried


def test_a_damaged_index_carries_nothing_over(old: LocalStore) -> None:
    capture(old, *RUNS)
    flip(old.root / "dataset.json", 40)
    changes = compare(old, RUNS)
    assert rows(changes)[0] == ("a", "changed", [1, 2], "the version's dataset.json is damaged or missing")
    assert not changes.carried


def test_of_a_damaged_shard_nothing_is_carried_over(old: LocalStore) -> None:
    capture(old, *RUNS)
    flip(old.root / read_index(old).shards[0].files[0].name, 40)
    changes = compare(old, RUNS)
    assert rows(changes)[0] == ("a", "changed", [1, 2], "the version's dataset.json is damaged or missing")
    assert {run.scenario for run in changes.carried} == {run.name for run in RUNS} - {"a"}


def test_a_manifest_that_is_gone(old: LocalStore) -> None:
    capture(old, *RUNS)
    (old.root / RUNS[1].folder / "rollout_sample_manifest.json").unlink()
    assert rows(compare(old, RUNS))[:2] == [
        ("a", "unchanged", [1], ""),
        ("a", "changed", [2], "its manifest is missing or cut short"),
    ]


def test_the_old_inputs_are_not_readable(old: LocalStore) -> None:
    capture(old, *RUNS)
    (old.root / RUNS[0].folder / "rollout_sample_config.json").unlink()
    fresh = [replace(run, ticks=9) if run.name == "a" else run for run in RUNS]
    assert rows(compare(old, fresh))[0] == (
        "a",
        "changed",
        [1, 2],
        "its inputs, but the old ones are not readable",
    )


def test_differences_are_told_by_their_path() -> None:
    stored = {"a": 1, "list": [{"x": 1}, {"x": 2}], "gone": 1, "kind": 1, "text": "short"}
    asked = {"a": 1, "list": [{"x": 1}, {"x": 3}, {}], "kind": True, "text": "long " * 20}
    assert list(differences(stored, asked)) == [
        "gone removed",
        "kind 1 -> true",
        "list 2 -> 3 entries",
        "list[1].x 2 -> 3",
        f"text short -> {('long ' * 20)[:37]}...",
    ]


def test_many_differences_are_counted(old: LocalStore) -> None:
    capture(old, make("a", 1, dict.fromkeys("pqrstu", 0)))
    found = rows(compare(old, [make("a", 1, dict.fromkeys("pqrstu", 1))]))
    assert found[0][3] == "p 0 -> 1, q 0 -> 1, r 0 -> 1, and 3 more"


def test_ten_thousand_runs_are_compared_in_a_moment(old: LocalStore) -> None:
    made_up = MadeUp(10_000, scenarios=1, agents=1, figures=1)
    made_up.write(old)
    run = make("scenario_000", 0).ref()
    runs = [
        replace(run, seed=seed, fingerprint=made_up.entry(run.name, seed).fingerprint)
        for seed in range(10_000)
    ]
    started = time.process_time()
    changes = changes_module.compare(old, runs, {})
    assert changes.counts()["changed"] == 10_000  # no manifest is there
    assert time.process_time() - started < 5  # 0.2 s here


def test_carried_over_it_is_the_same(old: LocalStore, new: LocalStore) -> None:
    capture(old, *RUNS)
    carry_over(old, new, compare(old, RUNS).carried, [])
    capture(new, *RUNS)
    assert verify_store(new).ok
    assert content(new.root) == content(old.root)
    sample = f"{RUNS[0].folder}/rollout_sample_alice_001.npz"
    assert (new.root / sample).samefile(old.root / sample)


def test_carrying_over_may_be_cut_anywhere(
    old: LocalStore, new: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture(old, *RUNS)
    carried = compare(old, RUNS).carried
    whole, steps = LocalStore.link_from, [0]

    def cut(self: LocalStore, other: LocalStore, source: str, target: str) -> None:
        if steps[0] == 0:
            raise KeyboardInterrupt
        steps[0] -= 1
        whole(self, other, source, target)

    for step in range(0, 40, 3):
        steps[0] = step
        with monkeypatch.context() as patched:
            patched.setattr(LocalStore, "link_from", cut)
            try:
                carry_over(old, new, carried, [])
                break
            except KeyboardInterrupt:
                pass
        drop_others(new, RUNS)
    else:
        pytest.fail("never finished")
    capture(new, *RUNS)
    assert content(new.root) == content(old.root)


def test_what_was_damaged_is_made_anew_and_the_old_one_is_left(old: LocalStore, new: LocalStore) -> None:
    capture(old, *RUNS)
    good = content(old.root)
    flip(old.root / RUNS[0].folder / "rollout_sample_alice_001.npz", 100)
    (old.root / RUNS[1].folder / "rollout_sample_alice_001.npz").unlink()
    damaged = content(old.root)
    carry_over(old, new, compare(old, RUNS).carried, [])
    capture(new, *RUNS)
    assert content(new.root) == good
    assert content(old.root) == damaged


def test_an_unfinished_version_keeps_what_it_can(new: LocalStore, old: LocalStore) -> None:
    other = make("a", 2, {"edited": True})
    capture(new, RUNS[0], other, make("gone", 1))  # of the plan before
    stage(new, RUNS[2])
    stage(new, make("gone", 2))
    new.write_whole(f"{RUNS[3].folder}/rollout_sample_alice_001.npz", [b"carried over by half"])
    drop_others(new, RUNS)
    names = {name for name in content(new.root) if not name.startswith(staging_folder(RUNS[2]))}
    assert {name.rpartition("/")[0] for name in names} == {RUNS[0].folder}
    assert new.size(f"{RUNS[0].folder}/rollout_sample_manifest.json") is not None
    assert list(new.list(staging_folder(RUNS[2])))
    capture(new, *RUNS)
    capture(old, *RUNS)
    assert content(new.root) == content(old.root)


def test_when_a_version_is_finished(new: LocalStore) -> None:
    assert not is_finished(new, RUNS, [])
    capture(new, *RUNS[:2])
    assert not is_finished(new, RUNS, [])
    capture(new, *RUNS)
    assert is_finished(new, RUNS, [])
    assert not is_finished(new, RUNS[:2], [])
    assert not is_finished(new, RUNS, ["another suite"])
    stage(new, make("gone", 2))
    assert not is_finished(new, RUNS, [])


def test_reasons_are_read_once_a_config(old: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [make("a", seed) for seed in range(5)]
    capture(old, *runs)
    reads: list[str] = []
    whole = LocalStore.read
    monkeypatch.setattr(
        LocalStore,
        "read",
        lambda self, name, *more, **named: reads.append(name) or whole(self, name, *more, **named),
    )
    compare(old, [replace(run, ticks=9) for run in runs])
    assert len(reads) == 4  # the index and its one shard, a manifest, a config
    assert json.loads(whole(old, reads[-1]))["config"]["config_id"] == "a"
