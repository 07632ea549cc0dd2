"""Reading: what was written comes back, and whatever is wrong is one exception that names the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.dataset.captures import capture, flip
from tests.samples import make_group, make_metadata, make_run, make_samples
from townlet.dataset import Capture, load_capture
from townlet.dataset.capture.commit import publish_run, stage_sample
from townlet.dataset.format.paths import run_folder
from townlet.dataset.reading.capture import join_segments
from townlet.dataset.store.local import LocalStore
from townlet.errors import CorruptSampleError, UserError
from townlet.run import SampleKey
from townlet.samples import FrameGroup, ReplaySample, stack_groups

RUN = make_run()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    capture(LocalStore(tmp_path / "out"), RUN)
    return tmp_path / "out"


def test_samples_come_back(folder: Path) -> None:
    opened = load_capture(folder)
    assert len(opened) == 2
    for (key, sample), read, record in zip(make_samples(RUN), opened, opened.samples, strict=True):
        assert read.content_digest() == sample.content_digest() == record.content_digest
        assert read.layout_digest == record.layout_digest
        assert (read.agent_id, record.arrival) == (key.agent_id, key.arrival)
        assert {name: read.metadata[name] for name in sample.metadata} == sample.metadata
        assert read.metadata["metrics"] == record.metrics == opened.metrics[record.npz.name]


def test_looking_around(folder: Path) -> None:
    opened = load_capture(str(folder))
    assert isinstance(opened, Capture)
    assert opened.agents == ("alice", "bob")
    assert opened[-1].agent_id == "bob"
    assert [sample.agent_id for sample in opened[:]] == ["alice", "bob"]
    assert opened.config == json.loads(RUN.config_json)
    assert opened.metadata["fingerprint"] == RUN.fingerprint
    assert len(opened.files) == 6
    assert opened.joined("bob").content_digest() == opened[1].content_digest()
    assert repr(opened) == f"<Capture scene seed 3, 20 ticks: 2 samples of alice, bob; 40 frames; {folder}>"
    with pytest.raises(IndexError):
        opened[2]
    with pytest.raises(KeyError, match="no agent 'zoe'; there are alice, bob"):
        opened.joined("zoe")


def test_the_manifest_alone_is_read_at_first(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name != "rollout_sample_manifest.json":
            path.unlink()
    opened = load_capture(folder)
    assert (len(opened), opened.agents) == (2, ("alice", "bob"))
    with pytest.raises(
        CorruptSampleError, match=r"alice_001\.npz: named by .*_manifest\.json, but not there"
    ):
        opened[0]
    with pytest.raises(CorruptSampleError, match=r"rollout_sample_metrics\.json: named by"):
        opened.samples  # noqa: B018


def test_strangers_are_not_looked_at(folder: Path) -> None:
    (folder / "rollout_sample_zoe_003.npz").write_bytes(b"nonsense")
    (folder / "rollout_sample_zoe_003.json").write_bytes(b"nonsense")
    assert len(list(load_capture(folder))) == 2


def test_several_captures_in_a_folder(folder: Path) -> None:
    (folder / "other_manifest.json").write_bytes(b"{}")
    with pytest.raises(
        UserError, match="holds several captures; name one of their manifests: other_manifest"
    ):
        load_capture(folder)
    assert len(load_capture(folder / "rollout_sample_manifest.json")) == 2


def test_no_capture(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"expected the folder of .* found nothing there"):
        load_capture(tmp_path / "nothing")
    with pytest.raises(
        UserError, match=r"no_manifest.json: expected the manifest of a capture, found nothing"
    ):
        load_capture(tmp_path / "no_manifest.json")
    (tmp_path / "note.txt").write_text("a note")
    with pytest.raises(UserError, match=r"note\.txt: expected the folder of .* found a file"):
        load_capture(tmp_path / "note.txt")
    with pytest.raises(UserError, match=r"expected .* or a file <prefix>_manifest\.json in it"):
        load_capture(tmp_path)
    runs = [make_run(seed=seed, folder=run_folder("scene", seed)) for seed in (1, 2)]
    capture(LocalStore(tmp_path / "set"), *runs)
    with pytest.raises(UserError, match=r"a data set; its captures are the folders runs/<name>/seed-<seed>"):
        load_capture(tmp_path / "set")


def test_segments_are_joined(tmp_path: Path) -> None:
    run = make_run(segment_ticks=8)
    whole = make_group(20)
    store, records = LocalStore(tmp_path / "out"), []
    for segment, first in enumerate(range(0, 20, 8)):
        rows = slice(first, min(first + 8, 20))
        arrays = {name: array[rows] for name, array in whole.arrays.items()}
        final = whole.final
        if rows.stop < 20:
            final = {
                **{f"final_{n}": whole.arrays[n][rows.stop] for n in ("map", "features", "action_mask")},
                "final_value": whole.arrays["value_preds"][rows.stop],
            }
        facts = {**make_metadata(run=run), "segment": {"index": segment, "last": rows.stop == 20}}
        key = SampleKey(run.name, run.seed, 1, "alice", segment)
        records.append(stage_sample(store, run, key, stack_groups([FrameGroup(arrays, final, facts)])))
    publish_run(store, run, reversed(records))
    opened = load_capture(store.root)
    assert [record.npz.name[-10:] for record in opened.samples] == ["_s0000.npz", "_s0001.npz", "_s0002.npz"]
    joined = opened.joined("alice")
    assert joined.content_digest() == stack_groups([whole]).content_digest()
    assert joined.metadata["label_mismatch_count"] == 3
    assert joined.metadata["segment"] == {"index": 0, "last": True}
    with pytest.raises(ValueError, match="value_preds: two values of what was seen at tick 16"):
        join_segments([opened[0], opened[2]])


def test_every_changed_byte_of_a_sample_is_found(folder: Path) -> None:
    opened = load_capture(folder)
    for name in ("rollout_sample_alice_001.npz", "rollout_sample_alice_001.json"):
        whole = (folder / name).read_bytes()
        for offset in range(0, len(whole), 7):
            flip(folder / name, offset)
            with pytest.raises(CorruptSampleError, match=f"{name}: not the file that"):
                opened[0]
            flip(folder / name, offset)
    assert opened[0].timesteps == 20


@pytest.mark.parametrize("name", ["rollout_sample_alice_001.npz", "rollout_sample_alice_001.json"])
def test_cut_and_swapped_files(folder: Path, name: str) -> None:
    opened = load_capture(folder)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[:-1])
    with pytest.raises(
        CorruptSampleError, match=rf"{name}: .* \(expected {len(whole)} bytes, found {len(whole) - 1}"
    ):
        opened[0]
    (folder / name).write_bytes((folder / name.replace("alice_001", "bob_002")).read_bytes())
    with pytest.raises(CorruptSampleError, match=name):
        opened[0]


def test_arrays_may_be_written_to(folder: Path) -> None:
    sample = load_capture(folder)[0]
    assert all(array.flags.writeable and array.flags.c_contiguous for array in sample.arrays().values())
    assert isinstance(sample, ReplaySample)
