"""A training in its folder: stopped and gone on with, it comes to the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs torch; `make test-train` installs it and runs this file")

from tests.train.one_need import TOWN  # noqa: E402
from townlet.errors import OutputError, UserError  # noqa: E402
from townlet.planning.request import Request  # noqa: E402
from townlet.train.playing import InMemory  # noqa: E402
from townlet.train.ppo.training import Rhythm, train  # noqa: E402
from townlet.train.settings import PpoSettings  # noqa: E402
from townlet.train.towns import Towns  # noqa: E402

pytestmark = pytest.mark.torch

SETTINGS = PpoSettings(runs=2, batch=128, hidden=(8,))
RHYTHM = Rhythm(iterations=4, checkpoint_every=2, choose_every=1, choose_runs=2)


@pytest.fixture(scope="module")
def towns(tmp_path_factory: pytest.TempPathFactory) -> Towns:
    path = tmp_path_factory.mktemp("town") / "one_need.yaml"
    path.write_text(TOWN)
    return Towns.of(Request((str(path),), ticks=60))


def trained(towns: Towns, folder: Path, iterations: int = 4, **options: Any) -> Any:
    rhythm = Rhythm(iterations, RHYTHM.checkpoint_every, RHYTHM.choose_every, RHYTHM.choose_runs)
    return train(
        towns, str(folder), options.pop("settings", SETTINGS), rhythm, InMemory(), InMemory(), **options
    )


def made(folder: Path) -> dict[str, Any]:
    """What a training leaves, but for times."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    figures = [{k: v for k, v in line.items() if "second" not in k} for line in lines]
    return {"figures": figures} | {
        name: (folder / name).read_bytes() for name in ("best.onnx", "last.onnx", "training.json")
    }


@pytest.fixture(scope="module")
def whole(towns: Towns, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trainings") / "whole"
    outcome = trained(towns, folder)
    assert (outcome.iterations, outcome.already_there) == (4, False)
    assert outcome.best is not None
    return folder


def test_what_is_in_the_folder(whole: Path) -> None:
    there = {path.name for path in whole.iterdir()}
    assert there >= {"best.onnx", "last.onnx", "checkpoint.npz", "metrics.jsonl", "training.json"}
    assert [row["iteration"] for row in made(whole)["figures"]] == [1, 2, 3, 4]
    assert not [path for path in whole.parent.iterdir() if path != whole], "no lock is left"


def test_done_again_it_does_nothing(towns: Towns, whole: Path) -> None:
    before = made(whole)
    assert trained(towns, whole).already_there
    assert made(whole) == before


@pytest.mark.parametrize("stopped_after", [1, 2, 3])
def test_stopped_and_gone_on_with(towns: Towns, whole: Path, tmp_path: Path, stopped_after: int) -> None:
    """After 1 nothing was saved, after 2 all, after 3 the last iteration is made again."""

    def stop(row: Mapping[str, Any]) -> None:
        if row["iteration"] == stopped_after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(towns, tmp_path / "t", report=stop)
    assert trained(towns, tmp_path / "t").iterations == 4
    assert made(tmp_path / "t") == made(whole)


def test_more_iterations_go_further(towns: Towns, whole: Path, tmp_path: Path) -> None:
    trained(towns, tmp_path / "t", iterations=2)
    trained(towns, tmp_path / "t", iterations=4)
    assert made(tmp_path / "t") == made(whole)


def test_another_training_is_refused(towns: Towns, whole: Path) -> None:
    other = PpoSettings(runs=2, batch=128, hidden=(8,), lr=1e-5)
    with pytest.raises(
        OutputError, match=r"is of another training: settings\.lr is 0\.0005 there, 1e-05 here"
    ):
        trained(towns, whole, settings=other)


def test_from_a_model(towns: Towns, whole: Path, tmp_path: Path) -> None:
    init = (whole / "best.onnx").read_bytes()
    trained(towns, tmp_path / "t", iterations=2, init=init)
    assert json.loads((tmp_path / "t" / "training.json").read_text())["init"]
    with pytest.raises(UserError, match="--init: expected a model that `townlet train` has written"):
        trained(towns, tmp_path / "u", init=b"no model")
    assert not (tmp_path / "u").exists()
    with pytest.raises(UserError, match="output: expected a path on this machine, got s3://bucket/t"):
        train(towns, "s3://bucket/t", SETTINGS, RHYTHM, InMemory(), InMemory())
