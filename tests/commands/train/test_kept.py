"""`--keep-captures`: the same frames by the pipeline and in memory, and so the same weights."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch; `make test-train` installs it and runs this file")

from tests.commands.conftest import Townlet  # noqa: E402
from tests.train.one_need import TOWN  # noqa: E402
from townlet import dataset  # noqa: E402
from townlet.commands.capture.run_capture import RunnerOptions  # noqa: E402
from townlet.commands.train.kept import Kept  # noqa: E402
from townlet.errors import TownletError  # noqa: E402
from townlet.planning.request import Request  # noqa: E402
from townlet.train.playing import InMemory  # noqa: E402
from townlet.train.ppo.ppo import Ppo  # noqa: E402
from townlet.train.settings import PpoSettings  # noqa: E402
from townlet.train.towns import Towns, training_seeds  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("town") / "one_need.yaml"
    path.write_text(TOWN)
    return path


def test_the_same_frames_both_ways(config: Path, tmp_path: Path) -> None:
    towns = Towns.of(Request((str(config),), ticks=50))
    model = Ppo(towns, PpoSettings(runs=2, hidden=(8,)), InMemory(), InMemory()).model()
    runs = towns.runs(training_seeds(0, 1, 3), hashlib.sha256(model).hexdigest())
    kept = list(Kept(tmp_path, RunnerOptions(quiet=True))(runs, model, 1))
    played = list(InMemory()(runs, model, 1))
    assert len(kept) == len(played) == 6
    for one, other in zip(kept, played, strict=True):
        assert one.content_digest() == other.content_digest()
        assert one.metadata["policy"] == other.metadata["policy"]
    found: Any = dataset.open(tmp_path / "iteration-00001")
    assert len(found) == 6
    again = list(Kept(tmp_path, RunnerOptions(quiet=True))(runs, model, 1))
    assert [np.array_equal(a.actions, b.actions) for a, b in zip(again, kept, strict=True)] == [True] * 6


def test_the_command_comes_to_the_same_weights(townlet: Townlet, config: Path, tmp_path: Path) -> None:
    words = ["train", "ppo", config, "--ticks", "40", "--iterations", "2", "--runs", "2", "--hidden", "8"]
    words += ["--choose-runs", "2", "--choose-every", "2"]
    said = townlet(*words, "--output", tmp_path / "memory")
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[0].split()[:2] == ["iter", "steps"] and [line.split()[0] for line in lines[1:3]] == [
        "1",
        "2",
    ]
    assert "trained, 2 iterations" in lines[3]
    said = townlet(*words, "--output", tmp_path / "kept", "--keep-captures", "--workers", "1", "--json")
    assert said.json["iterations"] == 2 and said.json["already_there"] is False
    for name in ("last.onnx", "best.onnx", "training.json"):
        assert (tmp_path / "kept" / name).read_bytes() == (tmp_path / "memory" / name).read_bytes(), name
    captures = sorted(path.name for path in (tmp_path / "kept" / "captures").iterdir())
    assert captures == ["iteration-00001", "iteration-00002"]
    verified = townlet("verify", tmp_path / "kept" / "captures" / "iteration-00002", "--replay")
    assert verified.code == 0, verified.err


def test_runs_that_fail_end_the_training(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Outcome:
        failures = (type("Failure", (), {"scenario": "one_need", "seed": 7, "reason": "the disk is full"})(),)

    monkeypatch.setattr("townlet.commands.train.kept.capture", lambda *_, **__: Outcome)
    towns = Towns.of(Request((str(config),), ticks=5))
    runs = towns.runs([7], "ab" * 32)
    with pytest.raises(TownletError, match="1 of 1 runs failed, first one_need seed 7: the disk is full"):
        Kept(tmp_path, RunnerOptions())(runs, b"", 1)
