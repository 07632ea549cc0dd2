"""From samples to a capture: what is written, in which states a run can be, and that twice is harmless."""

from __future__ import annotations

import hashlib
import itertools
import json
import pickle
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tests.dataset.captures import capture, content, folders, records_for, stage, status_of
from tests.samples import make_run, make_samples
from townlet.dataset.capture import commit
from townlet.dataset.capture.commit import (
    publish_run,
    publish_runs,
    records_of,
    stage_receipt,
    stage_sample,
)
from townlet.dataset.format.paths import run_folder, staging_folder
from townlet.dataset.format.records import RunRecord, SampleRecord
from townlet.dataset.status.receipts import read_receipt
from townlet.dataset.store.local import LocalStore
from townlet.errors import OutputError, TownletError
from townlet.run import SampleKey


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "out")


def test_a_capture_s_files(store: LocalStore) -> None:
    run = make_run()
    (record,) = capture(store, run)
    assert sorted(path.name for path in store.root.iterdir()) == [
        "capture_log.json",
        "rollout_sample_alice_001.json",
        "rollout_sample_alice_001.npz",
        "rollout_sample_bob_002.json",
        "rollout_sample_bob_002.npz",
        "rollout_sample_config.json",
        "rollout_sample_manifest.json",
        "rollout_sample_metrics.json",
    ]
    assert (record.sample_count, record.frame_count, record.folder) == (2, 40, "")
    assert record.size == sum(map(len, content(store.root).values()))
    assert (store.root / "rollout_sample_config.json").read_text() == run.config_json + "\n"


def test_the_manifest_names_every_file_with_its_digest(store: LocalStore) -> None:
    run = make_run()
    capture(store, run)
    files = content(store.root)
    manifest = json.loads(files.pop("rollout_sample_manifest.json"))
    entry = manifest["samples"][0]
    assert (entry["sample"], entry["meta"]) == (
        "rollout_sample_alice_001.npz",
        "rollout_sample_alice_001.json",
    )
    assert (entry["agent_id"], entry["agent_index"], entry["frame_count"]) == ("alice", 1, 20)
    named = {one["name"]: one["sha256"] for one in manifest["metadata"]["files"].values()}
    for one in manifest["samples"]:
        named |= {one["sample"]: one["sha256"], one["meta"]: one["meta_sha256"]}
    assert named == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    metadata = manifest["metadata"]
    assert metadata["fingerprint"] == run.fingerprint
    assert (metadata["config_id"], metadata["seed"], metadata["ticks"]) == ("scene", 3, 20)
    assert (metadata["sample_count"], metadata["frame_count"]) == (2, 40)


def test_a_sidecar_holds_what_the_design_lists(store: LocalStore) -> None:
    capture(store, make_run())
    sidecar = json.loads((store.root / "rollout_sample_bob_002.json").read_text())
    listed = """feature_names map_channels map_shape timesteps value_pred_steps training_arrays action_lookup
        action_dim agent_id frame_count reward_term_names policy truncated segment first_tick born_tick
        agent_index object_names agent_names action_names layout_digest format_version metrics sha256
        capture_metadata"""
    assert sorted(sidecar) == sorted(listed.split())
    assert sidecar["sha256"] == hashlib.sha256(content(store.root)["rollout_sample_bob_002.npz"]).hexdigest()
    metrics = json.loads((store.root / "rollout_sample_metrics.json").read_text())
    assert metrics["samples"]["rollout_sample_bob_002.npz"] == sidecar["metrics"]


def test_nothing_tells_when_or_where_but_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run()
    capture(LocalStore(tmp_path / "first"), run)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    capture(LocalStore(tmp_path / "elsewhere" / "second"), run)
    assert content(tmp_path / "first") == content(tmp_path / "elsewhere" / "second")
    for data in content(tmp_path / "first").values():
        assert str(tmp_path).encode() not in data
    log = json.loads((tmp_path / "first" / "capture_log.json").read_text())
    assert {"finished", "host", "versions", "python"} <= set(log)


def test_states_of_a_run(store: LocalStore) -> None:
    run = make_run()
    assert status_of(store, run) == "missing"
    records = stage(store, run)
    assert status_of(store, run) == "staged"
    stage_receipt(store, run, 2, records)
    assert status_of(store, run) == "simulated"
    publish_run(store, run, records)
    assert status_of(store, run) == "published"
    assert status_of(store, make_run(seed=4)) == "other"
    assert status_of(store, make_run(prefix="other")) == "other"


def test_a_folder_with_strangers_is_another_s(store: LocalStore) -> None:
    run = make_run()
    (store.root / "photos").mkdir(parents=True)
    assert status_of(store, run) == "missing"
    (store.root / "photos" / "me.jpg").write_bytes(b"")
    assert status_of(store, run) == "other"


def test_a_sample_of_unknown_origin_is_a_stranger(store: LocalStore) -> None:
    store.write_new("rollout_sample_alice_001.npz", [b"precious"])
    assert status_of(store, make_run()) == "other"


@pytest.mark.parametrize("name", ["rollout_sample_alice_001.npz", "rollout_sample_metrics.json"])
def test_a_damaged_capture_is_healed(store: LocalStore, name: str) -> None:
    run = make_run()
    capture(store, run)
    whole = content(store.root)
    (store.root / name).write_bytes(b"damaged")
    assert status_of(store, run) == "damaged"
    capture(store, run)
    assert content(store.root) == whole
    (store.root / name).unlink()
    capture(store, run)
    assert content(store.root) == whole


def test_an_altered_manifest_is_healed_where_it_still_says_whose_it_is(store: LocalStore) -> None:
    run = make_run()
    capture(store, run)
    whole = content(store.root)
    place = store.root / "rollout_sample_manifest.json"
    place.write_bytes(place.read_bytes().replace(b'"frame_count":40', b'"frame_count":41'))
    assert status_of(store, run) == "damaged"
    capture(store, run)
    assert content(store.root) == whole
    place.write_bytes(b"{}")
    assert status_of(store, run) == "other"


def test_records_come_back(store: LocalStore) -> None:
    run = make_run()
    staged = stage_receipt(store, run, 2, stage(store, run))
    recalled = read_receipt(store, run)
    assert recalled == staged
    publish_run(store, run, staged)

    def placed(record: SampleRecord) -> SampleRecord:
        return replace(record, npz=replace(record.npz, staged=""), meta=replace(record.meta, staged=""))

    assert records_of(store, run) == [placed(record) for record in staged]
    assert status_of(store, run) == "published"


def test_records_travel(store: LocalStore) -> None:
    run = make_run()
    record = stage(store, run)[0]
    assert pickle.loads(pickle.dumps(record)) == record
    assert msgspec.json.decode(json.dumps(record.to_json_dict()), type=SampleRecord) == record
    (published,) = capture(store, run)
    assert RunRecord.from_json_dict(json.loads(json.dumps(published.to_json_dict()))) == published
    assert record.key == SampleKey("scene", 3, 1, "alice", 0)


def test_publishing_twice_is_harmless(store: LocalStore) -> None:
    run = make_run()
    first = stage_receipt(store, run, 2, stage(store, run))
    second = stage(store, run)  # a worker that outlived its launcher
    published = publish_run(store, run, first)
    before = {path: path.stat().st_mtime_ns for path in store.root.iterdir()}
    again = publish_run(store, run, second)
    assert again == replace(published, was_there=True)
    assert publish_run(store, run, records_of(store, run)) == again
    assert {path: path.stat().st_mtime_ns for path in store.root.iterdir()} == before


def test_duplicated_records_count_once(tmp_path: Path) -> None:
    run = make_run()
    once, twice = LocalStore(tmp_path / "once"), LocalStore(tmp_path / "twice")
    capture(once, run)
    records = [*stage(twice, run), *reversed(stage(twice, run))]
    publish_run(twice, run, stage_receipt(twice, run, 2, records))
    assert content(tmp_path / "twice") == content(tmp_path / "once")


def test_a_conflicting_duplicate_names_both(store: LocalStore) -> None:
    run = make_run()
    first = stage(store, run)
    (key, _), (_, other) = make_samples(run)
    second = stage_sample(store, run, key, other)
    with pytest.raises(
        TownletError, match="scene seed 3: two different contents for rollout_sample_alice"
    ) as caught:
        publish_run(store, run, [*first, second])
    for record in (first[0], second):
        assert record.npz.staged in str(caught.value)


def test_other_content_than_what_is_there_is_an_error(store: LocalStore) -> None:
    run = make_run()
    capture(store, run)
    before = content(store.root)
    (alice, seen_by_alice), (bob, seen_by_bob) = make_samples(run)
    swapped = [stage_sample(store, run, alice, seen_by_bob), stage_sample(store, run, bob, seen_by_alice)]
    with pytest.raises(TownletError, match="the capture that is there has other content than this one"):
        publish_run(store, run, swapped)
    assert {name: data for name, data in content(store.root).items() if not name.startswith(".")} == before


def test_a_receipt_needs_all_samples(store: LocalStore) -> None:
    run = make_run()
    records = stage(store, run)
    with pytest.raises(TownletError, match="scene seed 3: expected 3 samples, found 2 staged"):
        stage_receipt(store, run, 3, records)
    assert read_receipt(store, run) is None


@pytest.mark.parametrize("damage", ["gone", "shorter", "flipped", "receipt", "nonsense"])
def test_a_receipt_that_does_not_hold(store: LocalStore, damage: str) -> None:
    run = make_run()
    records = stage_receipt(store, run, 2, stage(store, run))
    place = store.root / records[1].npz.staged
    data = bytearray(place.read_bytes())
    receipt = store.root / staging_folder(run) / "receipt.json"
    if damage == "gone":
        place.unlink()
    elif damage == "shorter":
        place.write_bytes(data[:-1])
    elif damage == "flipped":
        data[100] ^= 1
        place.write_bytes(data)
    elif damage == "receipt":
        receipt.write_bytes(receipt.read_bytes().replace(b"alice", b"alicf"))
    else:
        receipt.write_bytes(b"[1, 2]")
    assert read_receipt(store, run) is None
    assert status_of(store, run) == "staged"
    capture(store, run)
    assert status_of(store, run) == "published"
    assert folders(store.root) == []


def test_runs_do_not_take_each_other_s_receipts(store: LocalStore) -> None:
    first, second = (make_run(seed=seed, folder=run_folder("scene", seed)) for seed in (1, 2))
    stage_receipt(store, first, 2, stage(store, first))
    assert read_receipt(store, second) is None
    assert status_of(store, second) == "missing"


def test_samples_that_vanished_before_publishing(store: LocalStore) -> None:
    run = make_run()
    records = stage(store, run)
    (store.root / records[0].npz.staged).unlink()
    with pytest.raises(TownletError, match=r"alice_001\.npz was staged and is gone; run the same command"):
        publish_run(store, run, records)
    assert not (store.root / "rollout_sample_manifest.json").exists()


def test_many_at_once_are_as_one_by_one(tmp_path: Path) -> None:
    runs = [make_run(seed=seed, folder=run_folder("scene", seed)) for seed in range(4)]
    together, apart = LocalStore(tmp_path / "together"), LocalStore(tmp_path / "apart")
    records = [records_for(together, run) for run in runs]
    published = publish_runs(together, list(zip(runs, records, strict=True)))
    assert published == [publish_run(apart, run, records_for(apart, run)) for run in runs]
    assert content(tmp_path / "together") == content(tmp_path / "apart")
    assert folders(tmp_path / "together") == [
        "runs",
        "runs/scene",
        *(f"runs/scene/seed-{n}" for n in range(4)),
    ]


def test_segments_are_in_the_names(store: LocalStore) -> None:
    key = SampleKey("scene", 3, 12, "alice-2", 3)
    sample = make_samples(make_run())[0][1]
    for ticks, limit, name in ((20, 8, "alice-2_012_s0003"), (20, 20, "alice-2_012"), (20, 0, "alice-2_012")):
        record = stage_sample(store, make_run(ticks=ticks, segment_ticks=limit), key, sample)
        assert record.npz.name == f"rollout_sample_{name}.npz"


@pytest.mark.parametrize("agent", ["../bob", ".bob", "-bob", "b/b", "b" * 65, "", "bob\n", "bób"])
def test_ids_that_are_no_file_names(store: LocalStore, agent: str) -> None:
    run = make_run()
    key, sample = make_samples(run)[0]
    with pytest.raises(OutputError, match=r"expected 1 to 64 of A-Z a-z 0-9 _ \. -"):
        stage_sample(store, run, key._replace(agent_id=agent), sample)
    with pytest.raises(OutputError, match="prefix"):
        stage_sample(store, make_run(prefix=agent), key, sample)
    with pytest.raises(OutputError, match="run "):
        stage_sample(store, make_run(name=agent), key, sample)
    assert not store.root.exists()


def test_compressions_differ_in_bytes_not_in_content(tmp_path: Path) -> None:
    records = {}
    for compression in ("fast", "none", "small"):
        store = LocalStore(tmp_path / compression)
        (records[compression],) = capture(store, make_run(compression=compression))
    assert len({record.content_digest for record in records.values()}) == 1
    assert len({record.manifest.sha256 for record in records.values()}) == 3


def test_another_worker_publishes_the_run_at_the_same_time(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have outlived its launcher. All that differs is the log, and that does not matter."""
    logs = itertools.count()
    monkeypatch.setattr(commit, "log_bytes", lambda: str(next(logs)).encode())
    run = make_run()
    records = stage(store, run)

    class Slow(LocalStore):
        """Between staging the documents and moving them, the other one does all."""

        others = True

        def make_durable(self, folders: Iterable[str]) -> None:
            super().make_durable(folders)
            if self.others:
                self.others = False
                publish_run(store, run, records)

    publish_run(Slow(store.root), run, records)
    assert status_of(store, run) == "published"


def test_what_is_staged_stays_until_the_manifest_is_durable(store: LocalStore) -> None:
    """A power cut may take away what was moved, and leave what was removed."""
    run = make_run()
    records = records_for(store, run)
    durable: list[tuple[bool, bool]] = []

    class Watched(LocalStore):
        def make_durable(self, folders: Iterable[str]) -> None:
            super().make_durable(folders)
            there = self.size("rollout_sample_manifest.json") is not None
            durable.append((there, any(True for _ in self.list(staging_folder(run)))))

    publish_run(Watched(store.root), run, records)
    assert durable == [(False, True), (False, True), (True, True)]
