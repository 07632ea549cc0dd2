"""Captures in which networks act, by all commands: the model travels, is kept, replays itself and is captured again."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.commands.conftest import Townlet
from tests.rollout.acting.networks import network_of
from townlet.config.load import load_config
from townlet.dataset.capture.find_models import find_models
from townlet.dataset.reading.capture import Capture, load_capture
from townlet.dataset.reading.data_set import open as open_data_set
from townlet.rollout.replay import verify_replay
from townlet.samples import ReplaySample

TOWN = """\
config_id: town
seed: 3
world: {grid_size: [6, 5]}
scenario:
  ticks: 12
  objects: [{id: fridge, type: fridge, position: [4, 3]}]
  agents:
  - {id: al, position: [1, 1]}
  - {id: bo, position: [3, 1]}
  - {id: cy, schedule: [{kind: move, position: [4, 4]}, {kind: wait, ticks: 50}], position: [0, 0]}
"""
QUIET = ("--quiet",)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A town, a network for it, and a folder to work in; returns the model's digest."""
    monkeypatch.chdir(tmp_path)
    Path("town.yaml").write_text(TOWN)
    _, models = network_of(load_config("town.yaml"), hidden=(6,))
    ((digest, data),) = models.items()
    Path("best.onnx").write_bytes(data)
    return digest


def content(folder: str) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and path.name != "capture_log.json"
    }


def test_a_capture_and_its_replay(townlet: Townlet, here: str) -> None:
    words = ("capture", "town.yaml", "--policy", "network:best.onnx?temperature=0.5")
    assert townlet(*words, "--output", "a", *QUIET).code == 0
    sample = load_capture("a").joined("al")
    policy = sample.metadata["policy"]
    assert (policy["kind"], policy["digest"], policy["runtime"]) == ("network", here, "compiled")
    assert (policy["value_source"], policy["options"]) == ("critic", {"temperature": 0.5})
    assert (sample.old_log_probs < 0).any() and len(set(sample.value_preds.tolist())) > 1
    scheduled = load_capture("a").joined("cy")
    assert not scheduled.old_log_probs.any() and not scheduled.value_preds.any()
    metadata = load_capture("a").metadata
    assert metadata["policy"] == f"network:{here}?temperature=0.5" and metadata["model_digest"] == here
    assert b"best" not in Path("a/rollout_sample_manifest.json").read_bytes()
    said = townlet("verify", "a", "--replay", "--json")
    assert said.code == 0 and said.json["replay"][0]["exact"] and said.json["replay"][0]["timesteps"] == 36
    shutil.move("best.onnx", "elsewhere.onnx")
    renamed = (*words[:-1], "network:elsewhere.onnx?temperature=.50&mode=sample")
    assert "already complete" in townlet(*renamed, "--output", "a").err
    shown = townlet("inspect", "a").out
    assert f"network {here[:12]}, temperature 0.5: by random numbers, seed 0" in shown


def test_replay_finds_what_was_changed(townlet: Townlet) -> None:
    """Log-probs and values are computed again from what is stored of observations and actions."""
    townlet("capture", "town.yaml", "--policy", "network:best.onnx", "--output", "a", *QUIET)
    capture = load_capture("a")
    models = find_models(capture.store, capture.folder, capture.metadata).found
    assert verify_replay(capture, models).ok
    for array in ("old_log_probs", "value_preds"):
        report = verify_replay(Changed(capture, array), models)
        assert (
            report.problems == [report.problems[0]]
            and f"al (segment 0): {array}: differs" in report.problems[0]
        )


class Changed(Capture):
    """A capture in which one number of an array was changed."""

    def __init__(self, capture: Capture, array: str) -> None:
        super().__init__(capture.store, capture.folder, capture.manifest_record, capture.document)
        self._changed = list(capture)
        arrays = self._changed[0].arrays()
        arrays[array] = arrays[array].copy()
        arrays[array][2] = np.float32(-1.25)
        self._changed[0] = ReplaySample.from_arrays(arrays, dict(self._changed[0].metadata))

    def __getitem__(self, index: Any) -> Any:
        return self._changed[index]


def test_a_data_set(townlet: Townlet, here: str) -> None:
    Path("suites").mkdir()
    shutil.move("best.onnx", "suites/best.onnx")
    shutil.copy("town.yaml", "suites/town.yaml")
    Path("suites/s.yaml").write_text(
        "name: s\ndefaults: {policy: 'network:best.onnx', ticks: 6}\nruns:\n- {config: town.yaml, seeds: 0..1}\n"
        "- {name: greedy, config: town.yaml, seeds: 4, policy: 'network:best.onnx?mode=greedy'}\n"
        "- {name: plain, config: town.yaml, policy: needs}\n"
    )
    assert townlet("capture", "suites/s.yaml", "--output", "data", "--limit", 2, *QUIET).code == 0
    assert "already" not in townlet("capture", "suites/s.yaml", "--output", "data").err
    assert "already complete" in townlet("capture", "suites/s.yaml", "--output", "data").err
    assert [name for name in content("data") if name.endswith(".onnx")] == [f"models/{here}.onnx"]
    data = open_data_set("data")
    kinds = {sample.metadata["policy"]["kind"] for sample in data}
    assert kinds == {"network", "needs", "scripted"}
    greedy = [
        s for s in data if s.metadata["capture_metadata"]["scenario_name"] == "greedy" and s.agent_id == "al"
    ]
    assert all(not sample.old_log_probs.any() and sample.value_preds.any() for sample in greedy)
    said = townlet("verify", "data", "--replay", "--json").json
    assert said["ok"] and len(said["replay"]) == 4
    card = Path("data/README.md").read_text()
    assert f"| network {here[:12]}, greedy | greedy |" in card and f"| network {here[:12]} | town |" in card
    # The model is put back where it was taken away, and is damaged until then.
    Path(f"data/models/{here}.onnx").unlink()
    assert "missing: models/" in townlet("verify", "data").err
    assert townlet("capture", "suites/s.yaml", "--output", "data", *QUIET).code == 0
    assert townlet("verify", "data").code == 0


@pytest.mark.campaign
def test_the_same_bytes_for_any_workers_and_segments(townlet: Townlet) -> None:
    words = ("capture", "town.yaml", "--policy", "network:best.onnx", "--seeds", "0..3", "--ticks", 9)
    assert townlet(*words, "--output", "one", *QUIET).code == 0
    assert townlet(*words, "--output", "two", "--workers", 2, *QUIET).code == 0
    assert content("one") == content("two")
    assert townlet(*words, "--output", "cut", "--segment-ticks", 4, *QUIET).code == 0
    for seed in range(4):
        whole, cut = (load_capture(f"{place}/runs/town/seed-{seed}").joined("al") for place in ("one", "cut"))
        for name in ("actions", "old_log_probs", "value_preds", "features"):
            assert getattr(whole, name).tobytes() == getattr(cut, name).tobytes()


@pytest.mark.campaign
def test_captured_again_from_a_capture(townlet: Townlet, here: str) -> None:
    townlet("capture", "town.yaml", "--policy", "network:best.onnx", "--output", "a", *QUIET)
    townlet(
        "capture", "town.yaml", "--policy", "network:best.onnx", "--seeds", "3", "--output", "data", *QUIET
    )
    Path("best.onnx").unlink()
    assert townlet("capture", "a", "--output", "b", *QUIET).code == 0
    assert content("a") == content("b")
    run = "data/runs/town/seed-3"
    assert townlet("capture", run, "--output", "c", *QUIET).code == 0
    assert content("a") == content("c")
    shutil.copytree(run, "alone")
    said = townlet("capture", "alone", "--output", "d", *QUIET)
    assert said.code == 2 and not Path("d").exists()
    assert said.err.strip() == (
        f"error: alone: policy: expected the model {here[:12]}, found it neither beside the capture nor in its data "
        f"set: copy models/{here}.onnx of the data set that the run was captured into beside this file"
    )
    said = townlet("verify", "alone", "--replay")
    assert said.code == 1 and f"copy models/{here}.onnx of the data set" in said.err
    assert townlet("verify", "alone").code == 0
    shutil.copy(f"data/models/{here}.onnx", "alone")
    assert townlet("capture", "alone", "--policy", "needs", "--output", "e", *QUIET).code == 0


def test_in_a_config_mixed_with_others(townlet: Townlet, here: str) -> None:
    policy = "policy: {default: 'network:best.onnx?mode=greedy', agents: {bo: uniform}}\n"
    Path("town.yaml").write_text(TOWN + policy)
    assert townlet("validate", "town.yaml").code == 0
    assert townlet("plan", "town.yaml", "--output", "a").code == 0 and not Path("a").exists()
    assert townlet("capture", "town.yaml", "--output", "a", *QUIET).code == 0
    capture = load_capture("a")
    assert [capture.joined(who).metadata["policy"]["kind"] for who in ("al", "bo", "cy")] == [
        "network",
        "uniform",
        "scripted",
    ]
    assert capture.metadata["model_digest"] is None and capture.metadata["models"] == [here]
    assert townlet("verify", "a", "--replay").code == 0
    Path("best.onnx").unlink()
    assert townlet("capture", "a", "--output", "b", *QUIET).code == 0
    assert content("a") == content("b")
    resolved = json.loads(Path("a/rollout_sample_config.json").read_text())
    assert resolved["config"]["policy"]["default"] == f"network:{here}?mode=greedy"


@pytest.mark.campaign
def test_one_agent_alone(townlet: Townlet) -> None:
    words = ("capture", "town.yaml", "--policy", "network:best.onnx", "--agent", "al")
    assert townlet(*words, "--output", "a", *QUIET).code == 0
    assert townlet("verify", "a", "--replay").code == 0


WRONG = {
    "no model": (b"not ONNX", "not an ONNX model, or damaged"),
    "of another town": (None, "the model is made for another layout: map_shape is"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_fit_is_refused_before_anything_is_written(wrong: str, townlet: Townlet) -> None:
    data, message = WRONG[wrong]
    if data is None:
        Path("other.yaml").write_text(TOWN + "observations: {hybrid: {local_window: 5}}\n")
        _, models = network_of(load_config("other.yaml"), hidden=(6,))
        (data,) = models.values()
    Path("best.onnx").write_bytes(data)
    short = hashlib.sha256(data).hexdigest()[:12]
    for command in ("capture", "plan"):
        said = townlet(command, "town.yaml", "--policy", "network:best.onnx", "--output", "a", *QUIET)
        assert said.code == 2 and said.err.startswith(f"error: --policy: network {short}: {message}")
        assert not Path("a").exists()
    Path("town.yaml").write_text(TOWN + "policy: {default: 'network:best.onnx'}\n")
    for words in (("capture", "town.yaml", "--output", "a"), ("validate", "town.yaml")):
        said = townlet(*words)
        assert said.code == 2
        assert f"town.yaml:11:19: policy.default: network {short}: {message}" in said.err
    Path("town.yaml").write_text(TOWN)
    Path("s.yaml").write_text("name: s\nruns:\n- {config: town.yaml, policy: 'network:best.onnx'}\n")
    for words in (("capture", "s.yaml", "--output", "a"), ("validate", "s.yaml")):
        assert f"s.yaml:3:31: runs[0].policy: network {short}: {message}" in townlet(*words).err
    assert not Path("a").exists()


@pytest.mark.campaign
def test_a_versioned_data_set(townlet: Townlet, here: str) -> None:
    suite = "name: s\ndefaults: {policy: 'network:best.onnx', ticks: 5}\nruns:\n- {config: town.yaml, seeds: 0..1}\n"
    Path("s.yaml").write_text(suite)
    assert townlet("regenerate", "s.yaml", "--output", "v", *QUIET).code == 0
    Path("s.yaml").write_text(suite.replace("0..1", "0..2"))
    assert townlet("regenerate", "s.yaml", "--output", "v", *QUIET).code == 0
    first, second = (Path(f"v/versions/{number}/models/{here}.onnx") for number in (1, 2))
    assert first.stat().st_ino == second.stat().st_ino
    _, models = network_of(load_config("town.yaml"), hidden=(6,), seed=9)
    ((digest, data),) = models.items()
    Path("best.onnx").write_bytes(data)
    said = townlet("regenerate", "s.yaml", "--output", "v")
    assert said.code == 0 and "policy network:" in said.out
    assert [path.name for path in Path("v/versions/3/models").iterdir()] == [f"{digest}.onnx"]
    assert townlet("verify", "v", "--all", "--replay").code == 0
    assert townlet("golden", "s.yaml", "--golden", "g.json", *QUIET).code == 0
