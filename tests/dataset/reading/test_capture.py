"""Reading: what was written comes back, and whatever is wrong is one exception that names the file."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.dataset.captures import capture, flip
from tests.samples import make_group, make_metadata, make_run, make_samples
from townlet.dataset import Capture, load_capture
from townlet.dataset.capture.commit import publish_run, stage_sample
from townlet.dataset.format.canonical import document_bytes, line_bytes, sha256_hex
from townlet.dataset.format.npz import encode_npz
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


def forge(folder: Path, name: str, data: bytes) -> None:
    """Replace a file and let the manifest agree with it: what digests cannot find."""
    (folder / name).write_bytes(data)
    place = folder / "rollout_sample_manifest.json"
    document = json.loads(place.read_text())
    for entry in document["samples"]:
        for kind, key in (("sample", ""), ("meta", "meta_")):
            if entry[kind] == name:
                entry[f"{key}sha256"], entry[f"{key}size"] = sha256_hex(data), len(data)
    for entry in document["metadata"]["files"].values():
        if entry["name"] == name:
            entry["sha256"], entry["size"] = sha256_hex(data), len(data)
    sign(place, document)


def sign(place: Path, document: dict[str, Any]) -> None:
    del document["metadata"]["content_sha256"]
    document["metadata"]["content_sha256"] = sha256_hex(line_bytes(document))
    place.write_bytes(document_bytes(document))


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


def change_manifest(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        place = folder / "rollout_sample_manifest.json"
        document = json.loads(place.read_text())
        change(document)
        sign(place, document)

    return act


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda d: d["metadata"].update(format_version=2),
            "expected format version 1, found 2; read it with the",
        ),
        (
            lambda d: d["samples"][0].update(sample="../../etc/passwd"),
            "names '../../etc/passwd', which is no file",
        ),
        (lambda d: d["samples"][0].pop("sha256"), "not a capture's manifest .the key 'sha256' is missing"),
        (lambda d: d["metadata"].pop("files"), "not a capture's manifest"),
    ],
)
def test_foreign_manifests(folder: Path, change: Callable[[dict[str, Any]], None], message: str) -> None:
    change_manifest(change)(folder)
    with pytest.raises(CorruptSampleError, match=message) as caught:
        load_capture(folder)
    assert "rollout_sample_manifest.json" in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"metadata":1,"samples":[]}', b"\xff", b"[" * 100_000])
def test_what_is_no_manifest(folder: Path, data: bytes) -> None:
    (folder / "rollout_sample_manifest.json").write_bytes(data)
    with pytest.raises(CorruptSampleError, match="not a capture's manifest"):
        load_capture(folder)


def npz_of(**changes: Any) -> bytes:
    arrays = make_samples(RUN)[0][1].arrays()
    arrays.update(changes)
    return b"".join(encode_npz({name: array for name, array in arrays.items() if array is not None})[0])


def with_header(name: str, header: bytes) -> bytes:
    """An archive whose array `name` claims another header than it has data for."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(npz_of())) as whole, zipfile.ZipFile(out, "w") as forged:
        for entry in whole.namelist():
            data = whole.read(entry)
            forged.writestr(entry, header + data[128:] if entry == f"{name}.npy" else data)
    return out.getvalue()


def npy_header(shape: str, dtype: str = "<f4") -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def pickled() -> bytes:
    out = io.BytesIO()
    np.savez(out, **{**make_samples(RUN)[0][1].arrays(), "map": np.array([{}], dtype=object)})
    return out.getvalue()


FORGERIES = {
    "nonsense": (lambda: b"nonsense", "not an archive of plain arrays"),
    "empty": (lambda: b"", "not an archive of plain arrays"),
    "pickled": (pickled, r"map\.npy: expected an array of plain numbers"),
    "array missing": (lambda: npz_of(tick=None), "expected the arrays map, features"),
    "array more": (lambda: npz_of(more=np.zeros(1)), "expected the arrays map, features"),
    "wrong dtype": (lambda: npz_of(rewards=np.zeros(20)), "rewards: expected dtype float32, found float64"),
    "wrong shape": (lambda: npz_of(rewards=np.zeros(19, np.float32)), r"rewards: expected axes \(T\)"),
    "not a number": (lambda: npz_of(rewards=np.full(20, np.nan, np.float32)), "rewards: expected finite"),
    "shorter": (lambda: with_header("rewards", npy_header("(19,)")), r"its shape \(19,\) is not that of its"),
    "huge": (
        lambda: with_header("rewards", npy_header("(10**15,)".replace("10**15", str(10**15)))),
        "not an archive",
    ),
    "negative": (lambda: with_header("rewards", npy_header("(-1,)")), "not an archive of plain arrays"),
    "code": (lambda: with_header("rewards", npy_header("__import__('os').abort()")), "not an archive"),
}


@pytest.mark.parametrize("kind", FORGERIES)
def test_forged_samples(folder: Path, kind: str) -> None:
    """With digests that agree, dtypes and shapes still do not."""
    make, message = FORGERIES[kind]
    forge(folder, "rollout_sample_alice_001.npz", make())
    with pytest.raises(CorruptSampleError, match=message) as caught:
        load_capture(folder)[0]
    assert str(folder / "rollout_sample_alice_001.npz") in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"{", "not JSON"), (b"[]", "expected a JSON object"), (b"{}", "metadata lacks agent_id")],
)
def test_forged_sidecars(folder: Path, data: bytes, message: str) -> None:
    forge(folder, "rollout_sample_alice_001.json", data)
    with pytest.raises(CorruptSampleError, match=message) as caught:
        load_capture(folder)[0]
    assert "rollout_sample_alice_001" in str(caught.value)


def test_a_sidecar_of_somebody_else(folder: Path) -> None:
    sidecar = (folder / "rollout_sample_bob_002.json").read_bytes()
    forge(folder, "rollout_sample_alice_001.json", sidecar)
    with pytest.raises(CorruptSampleError, match="the manifest says agent_id 'alice', the sample 'bob'"):
        load_capture(folder)[0]


def test_arrays_may_be_written_to(folder: Path) -> None:
    sample = load_capture(folder)[0]
    assert all(array.flags.writeable and array.flags.c_contiguous for array in sample.arrays().values())
    assert isinstance(sample, ReplaySample)
