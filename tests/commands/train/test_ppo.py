"""`townlet train ppo`: its options, and what it refuses before anything is played."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import Townlet
from townlet.commands.train import ppo
from townlet.errors import UserError
from townlet.train.settings import PpoSettings

TOWN = "kitchen_breakfast"


def parsed(*words: str) -> argparse.Namespace:
    return ppo._parser("townlet train ppo").parse_args([TOWN, "--output", "out", *words])


def test_what_is_not_given_has_the_settings_default() -> None:
    assert PpoSettings(**ppo._settings(parsed())) == PpoSettings()
    words = ["--lambda", "0.9", "--gamma", "0.99", "--lr", "1e-3", "--value-lr", "2e-3", "--epochs", "3"]
    words += ["--hidden", "64,32", "--activation", "relu"]
    assert PpoSettings(**ppo._settings(parsed(*words))) == PpoSettings(
        lam=0.9, gamma=0.99, lr=1e-3, value_lr=2e-3, epochs=3, hidden=(64, 32), activation="relu"
    )


def test_defaults_of_a_training_that_begins_with_a_model() -> None:
    found = PpoSettings(**ppo._settings(parsed("--init", "clone.onnx", "--warmup", "3")))
    assert (found.lr, found.entropy, found.warmup) == (ppo.FROM_MODEL["lr"], 0.0, 3)
    with pytest.raises(UserError, match=r"^--hidden: expected none beside --init, whose model has its own"):
        ppo._settings(parsed("--init", "clone.onnx", "--hidden", "8"))


def test_the_help_names_the_defaults() -> None:
    said = " ".join(ppo._parser("townlet train ppo").format_help().split("examples:")[0].split())
    settings = PpoSettings()
    for option, value in (
        ("gamma", settings.gamma), ("lambda", settings.lam), ("clip", settings.clip), ("epochs", settings.epochs),
        ("value-epochs", settings.value_epochs), ("batch", settings.batch), ("kl-stop", settings.kl_stop),
        ("max-grad", settings.max_grad), ("runs", settings.runs), ("follow-hints", settings.follow_hints),
    ):  # fmt: skip
        text = said[said.rindex(f"--{option} ") :].split(" --")[0]
        assert text.split("default: ")[1].split()[0].rstrip(";") == f"{value:g}", option
    for option, first, later in (
        ("lr", settings.lr, ppo.FROM_MODEL["lr"]), ("entropy", settings.entropy, ppo.FROM_MODEL["entropy"]),
    ):  # fmt: skip
        defaults = said[said.rindex(f"--{option} ") :].split("default: ")[1]
        one, other = defaults.split(" with --init")[0].split("; ")
        assert (float(one), float(other)) == (first, later), option


@pytest.mark.torch
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--workers", "2"], "--workers: expected --keep-captures beside it"),
        (["--runner", "FlinkRunner"], "--runner: expected --keep-captures beside it"),
        (["--gamma", "1.5"], "gamma: expected a number of 0 to 1, got 1.5"),
        (["--lr", "0"], "lr: expected a number above 0, got 0.0"),
        (["--hidden", "8,x"], "--hidden: expected sizes such as 128,128, got '8,x'"),
        (["--hidden", "0"], "hidden: expected a whole number of 1 to 4096, got 0"),
        (["--init", "nowhere.onnx"], "--init: nowhere.onnx: expected a file, found nothing under this name"),
        (["--init", "."], "--init: .: expected an ordinary file, got a folder"),
        (["--lr", "-1"], "argument --lr: expected a number of 0 or more"),
        (["--seed", "99999999999999"], "seed: expected a whole number of 0 to "),
        (["--gama", "1"], "unknown option --gama; did you mean --gamma?"),
    ],
)
def test_wrong_options(
    townlet: Townlet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    found = townlet("train", "ppo", TOWN, "--output", "out", *words)
    assert found.code == 2 and found.err.count("\n") == 1
    assert said in found.err
    assert not list(tmp_path.iterdir())


@pytest.mark.campaign
def test_without_torch_it_says_what_to_install(tmp_path: Path) -> None:
    """In a process that has none, wherever this runs."""
    start = (
        "import sys; sys.modules['torch'] = None; from townlet.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    for words in (["ppo", TOWN], ["bc", str(tmp_path)]):
        command = [sys.executable, "-c", start, "train", *words, "--output", str(tmp_path / "out")]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        assert found.returncode == 2
        assert (
            found.stderr
            == "error: training needs torch, which is not installed here: pip install 'townlet[train]'\n"
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [([], 2, "usage: townlet train KIND"), (["--help"], 0, "usage: townlet train KIND"),
     (["dqn"], 2, "expected bc or ppo after `townlet train`, got 'dqn'")],
)  # fmt: skip
def test_kinds(townlet: Townlet, words: list[str], code: int, said: str) -> None:
    found = townlet("train", *words)
    assert found.code == code and said in found.out + found.err


@pytest.mark.parametrize("kind", ["bc", "ppo"])
def test_help_of_each(townlet: Townlet, kind: str) -> None:
    found: Any = townlet("train", kind, "--help")
    assert found.code == 0 and f"townlet train {kind} " in found.out and "exit codes:" in found.out
