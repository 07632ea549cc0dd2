"""Reading what somebody else has written: digests that agree say nothing of what a file holds."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.dataset.captures import capture
from tests.samples import make_run, make_samples
from townlet.dataset import load_capture
from townlet.dataset.format.canonical import document_bytes, line_bytes, sha256_hex
from townlet.dataset.format.npz import encode_npz
from townlet.dataset.store.local import LocalStore
from townlet.errors import CorruptSampleError

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
            r"samples\[0\].sample: expected the name of a file in this folder, found '../../etc/passwd'",
        ),
        (
            lambda d: d["samples"][0].update(meta="of/alice.json"),
            r"samples\[0\].meta: expected the name of a file in this folder, found 'of/alice.json'",
        ),
        (lambda d: d["samples"][0].pop("sha256"), r"not a capture's manifest: samples\[0\]: lacks sha256"),
        (lambda d: d["metadata"].pop("files"), "not a capture's manifest: metadata: lacks files"),
        (
            lambda d: d["metadata"]["files"].pop("config"),
            "not a capture's manifest: metadata.files: lacks config",
        ),
        (
            lambda d: d["metadata"].update(scenario_name="../../x"),
            "metadata.scenario_name: expected 1 to 64 of A-Z",
        ),
        (
            lambda d: d["metadata"].update(scenario_name="/abs"),
            "metadata.scenario_name: expected 1 to 64 of A-Z",
        ),
        (lambda d: d["metadata"].update(prefix="../x"), "metadata.prefix: expected 1 to 64 of A-Z"),
        (lambda d: d["metadata"].update(seed=-1), "metadata.seed: expected int >= 0, found -1"),
        (
            lambda d: d["metadata"].update(seed=2**63),
            "metadata.seed: expected int <= 9223372036854775807, found",
        ),
        (lambda d: d["metadata"].update(ticks=10**15), "metadata.ticks: expected int <= 2147483647, found"),
        (lambda d: d["metadata"].update(ticks="20"), "metadata.ticks: expected int, got str"),
        (lambda d: d["metadata"].update(ticks=7), r"samples\[0\]: ends after the run's 7 ticks"),
        (lambda d: d["metadata"].update(fingerprint=None), "metadata.fingerprint: expected str, got null"),
        (
            lambda d: d["metadata"].update(sample_count=3),
            "sample_count: expected 2, as many as there are, found 3",
        ),
        (
            lambda d: d["metadata"].update(frame_count=3),
            "frame_count: expected 40, that of all samples, found 3",
        ),
        (lambda d: d["samples"][0].update(agent_id="../x"), "agent_id: expected 1 to 64 of A-Z"),
        (lambda d: d["samples"][0].update(agent_index=2**40), "agent_index: expected int <= 2147483647"),
        (lambda d: d["samples"][0].update(agent_index=2), "two samples are of one agent and segment"),
        (lambda d: d["samples"][0].update(segment=-1), "segment: expected int >= 0"),
        (lambda d: d["samples"][0].update(size=True), "size: expected int, got bool"),
        (lambda d: d["samples"][0].update(frame_count=0), "frame_count: expected int >= 1"),
        (lambda d: d["samples"][0].update(meta=d["samples"][1]["meta"]), "it names a file twice"),
        (lambda d: d["samples"].append(7), r"samples\[2\]: expected object, got int"),
        (lambda d: d.update(samples={}), "samples: expected array, got object"),
        (lambda d: d.update(more={}), "other keys than metadata and samples"),
        (lambda d: d["metadata"].update(later=[[[[[]]]]] * 3), ""),
    ],
)
def test_foreign_manifests(folder: Path, change: Callable[[dict[str, Any]], None], message: str) -> None:
    change_manifest(change)(folder)
    if not message:  # keys that we do not know harm nobody
        assert len(load_capture(folder)) == 2
        return
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
    "pickled": (pickled, "map: expected 8000 bytes and a header, the archive says"),
    "array missing": (lambda: npz_of(tick=None), "expected the arrays map, features"),
    "array more": (lambda: npz_of(more=np.zeros(1)), "expected the arrays map, features"),
    "wrong dtype": (lambda: npz_of(rewards=np.zeros(20)), "rewards: expected dtype float32, found float64"),
    "another layout": (
        lambda: npz_of(map=np.zeros((20, 4, 500, 500), np.float32)),
        "map: expected 8000 bytes and a header, the archive says 80000128",
    ),
    "wrong shape": (lambda: npz_of(rewards=np.zeros(19, np.float32)), r"rewards: expected axes \(T\)"),
    "not a number": (lambda: npz_of(rewards=np.full(20, np.nan, np.float32)), "rewards: expected finite"),
    "shorter": (lambda: with_header("rewards", npy_header("(19,)")), r"its shape \(19,\) is not that of its"),
    "huge": (
        lambda: with_header("rewards", npy_header("(10**15,)".replace("10**15", str(10**15)))),
        "its shape .1000000000000000,. is not that of its data",
    ),
    "negative": (lambda: with_header("rewards", npy_header("(-1,)")), "expected an array of plain numbers"),
    "code": (
        lambda: with_header("rewards", npy_header("__import__('os').abort()")),
        "an array of plain numbers",
    ),
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
    [
        (b"{", "not JSON"),
        (b"[]", "expected a JSON object"),
        (b"{}", "not the JSON of a sample: lacks agent_id"),
    ],
)
def test_forged_sidecars(folder: Path, data: bytes, message: str) -> None:
    forge(folder, "rollout_sample_alice_001.json", data)
    with pytest.raises(CorruptSampleError, match=message) as caught:
        load_capture(folder)[0]
    assert "rollout_sample_alice_001" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"agent_id": "../x"}, "agent_id: expected 1 to 64 of A-Z"),
        ({"agent_id": 7}, "agent_id: expected str, got int"),
        ({"feature_names": [1, 2]}, r"feature_names\[0\]: expected str, got int"),
        ({"feature_names": "need"}, "feature_names: expected array, got str"),
        ({"map_channels": None}, "map_channels: expected array, got null"),
        ({"reward_term_names": {}}, "reward_term_names: expected array, got object"),
        ({"action_lookup": {"wait": 0}}, "action_lookup: expected actions as JSON, found wait"),
        ({"action_lookup": {'{"kind":1}': 0}}, "action_lookup: expected actions as JSON"),
        ({"action_lookup": {"[" * 5000: 0}}, "action_lookup: expected actions as JSON"),
        ({"action_lookup": {'{"kind":"wait"}': "0"}}, "action_lookup.*: expected int, got str"),
        ({"map_shape": [4, 5]}, "map_shape: expected array of length >= 3"),
        ({"map_shape": [4, 10**9, 10**9]}, "map_shape.*: expected int <= 65536, found 1000000000"),
        ({"metrics": {"reward_sum": "much"}}, "metrics.*: expected int . float, got str"),
        ({"metrics": {"label_mismatch_count": 10**30}}, "metrics.*: "),
        ({"metrics": []}, "metrics: expected object, got array"),
        ({"policy": "needs"}, "policy: expected object, got str"),
        ({"segment": 0}, "segment: expected object, got int"),
        ({"truncated": "no"}, "truncated: expected bool, got str"),
        (
            {"capture_metadata": {"scenario_name": "../../x"}},
            "capture_metadata.scenario_name: expected 1 to 64",
        ),
        ({"gamma": "0.9"}, "gamma: expected int . float . null, got str"),
    ],
)
def test_sidecars_with_other_types(folder: Path, changes: dict[str, Any], message: str) -> None:
    name = "rollout_sample_alice_001.json"
    document = json.loads((folder / name).read_bytes())
    forge(folder, name, json.dumps({**document, **changes}).encode())
    with pytest.raises(CorruptSampleError, match=message) as caught:
        load_capture(folder)[0]
    assert str(caught.value).startswith(f"{folder / name}: not the JSON of a sample: ")


@pytest.mark.parametrize(
    ("kind", "data", "message"),
    [
        ("metrics", b"[]", "not a capture's metrics file: expected object, got array"),
        ("metrics", b'{"samples":{}}', "has no figures of rollout_sample_alice_001.npz"),
        (
            "metrics",
            b'{"samples":{"a":1}}',
            "not a capture's metrics file: samples.*: expected object, got int",
        ),
        ("metrics", b'{"samples":{"a":{"b":NaN}}}', "not a capture's metrics file .not JSON"),
        ("config", b"7", "not the config of a capture: expected a JSON object"),
        ("config", b'{"config":[]}', "not the config of a capture: config: expected object, got array"),
        ("config", b'{"config":{"rewards":{"clip":7}}}', "config.rewards.clip: expected object, got int"),
        ("config", b'{"a":' * 900 + b"1" + b"}" * 900, "not the config of a capture .nested too deeply"),
        ("config", b'{"a":"\\ud800"}', "not the config of a capture .not JSON"),
    ],
)
def test_other_files_that_are_not_what_they_are_named(
    folder: Path, kind: str, data: bytes, message: str
) -> None:
    place, manifest = folder / f"rollout_sample_{kind}.json", folder / "rollout_sample_manifest.json"
    place.write_bytes(data)
    document = json.loads(manifest.read_bytes())
    document["metadata"]["files"][kind].update(sha256=sha256_hex(data), size=len(data))
    sign(manifest, document)
    capture = load_capture(folder)
    with pytest.raises(CorruptSampleError, match=message) as caught:
        capture.samples if kind == "metrics" else capture.config  # noqa: B018
    assert str(caught.value).startswith(f"{place}: ")


@pytest.mark.parametrize("name", ["rollout_sample_alice_001.npz", "rollout_sample_alice_001.json"])
def test_no_more_is_read_than_the_manifest_says(folder: Path, name: str) -> None:
    capture = load_capture(folder)
    with open(folder / name, "r+b") as file:
        file.truncate(1 << 40)  # a terabyte that takes no room
    with pytest.raises(CorruptSampleError, match=rf"{name}: .*expected \d+ bytes, found {1 << 40}"):
        capture[0]


def test_a_sidecar_of_somebody_else(folder: Path) -> None:
    sidecar = (folder / "rollout_sample_bob_002.json").read_bytes()
    forge(folder, "rollout_sample_alice_001.json", sidecar)
    with pytest.raises(CorruptSampleError, match="the manifest says agent_id 'alice', the sample 'bob'"):
        load_capture(folder)[0]
