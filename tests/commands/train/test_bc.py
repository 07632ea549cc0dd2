"""`townlet train bc`, from a data set to a model file."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from tests.commands.conftest import Townlet
from tests.train.one_need import TOWN
from townlet.commands.train import bc
from townlet.train.settings import CloneSettings


def parsed(*words: str) -> argparse.Namespace:
    return bc._parser("townlet train bc").parse_args(["data", "--output", "out", *words])


def test_what_is_not_given_has_the_settings_default() -> None:
    assert CloneSettings(**bc._settings(parsed())) == CloneSettings()
    words = ["--epochs", "3", "--class-power", "0", "--hidden", "8", "--validation", "0", "--memory-mb", "5"]
    assert CloneSettings(**bc._settings(parsed(*words))) == CloneSettings(
        epochs=3, class_power=0.0, hidden=(8,), validation=0.0, memory_mb=5.0
    )


def test_the_help_names_the_defaults() -> None:
    said = " ".join(bc._parser("townlet train bc").format_help().split("examples:")[0].split())
    settings = CloneSettings()
    for option in ("epochs", "batch", "lr", "validation", "class-power", "memory-mb"):
        text = said[said.rindex(f"--{option} ") :].split("default: ")[1].split()[0]
        assert float(text) == getattr(settings, option.replace("-", "_")), option


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from townlet import cli

    folder = tmp_path_factory.mktemp("data")
    (folder / "one_need.yaml").write_text(TOWN)
    words = ["capture", str(folder / "one_need.yaml"), "--seeds", "0..5", "--ticks", "80", "--quiet"]
    assert cli.main([*words, "--output", str(folder / "set")]) == 0
    return folder / "set"


@pytest.mark.torch
def test_a_clone_beside_its_teacher(townlet: Townlet, data: Path, tmp_path: Path) -> None:
    model = tmp_path / "clone.onnx"
    words = ["train", "bc", data, "--output", model, "--epochs", "2", "--hidden", "8", "--play", "2"]
    said = townlet(*words, "--validation", "0.3", "--dagger", "1")
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[0].split()[:5] == ["epoch", "loss", "accuracy", "recall", "requests"]
    assert [line.split()[0] for line in lines[1:5]] == ["1", "2", "3", "4"]
    assert lines[5].startswith("clone: return ") and lines[6].startswith("needs: return ")
    assert "dagger 1: " in said.err
    content = model.read_bytes()
    again = townlet(*words)
    assert again.code == 2 and "is there already; --overwrite replaces it" in again.err
    assert model.read_bytes() == content
    found = townlet(*words, "--validation", "0", "--overwrite", "--json").json
    assert found["model"] == str(model) and len(found["epochs"]) == 2 and "accuracy" not in found["epochs"][0]
    assert found["played"]["clone"]["runs"] == found["played"]["needs"]["runs"] == 2


@pytest.mark.torch
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere", "--output", "m.onnx"], "nowhere"),
        (
            ["DATA", "--output", "s3://bucket/m.onnx"],
            "--output: expected a path on this machine, got s3://bucket",
        ),
        (["DATA", "--output", "."], "--output: expected a file to write, found a folder"),
        (
            ["DATA", "--output", "no/where/m.onnx"],
            "--output: expected a folder to write into, no/where is none",
        ),
        (["DATA", "--output", "m.onnx", "--validation", "2"], "validation: expected a number of 0 to 0.9"),
        (
            ["DATA", "--output", "m.onnx", "--epochs", "0"],
            "argument --epochs: expected a number of 1 or more",
        ),
        (["DATA", "--output", "m.onnx", "--class-power", "3"], "class_power: expected a number of 0 to 1"),
    ],
)
def test_what_is_refused(
    townlet: Townlet, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    found = townlet("train", "bc", *[str(data) if word == "DATA" else word for word in words])
    assert found.code == 2 and said in found.err
    assert not list(tmp_path.iterdir())
