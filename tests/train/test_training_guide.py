"""docs/training.md: every command and every example runs, in its order, at a small size."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from townlet import cli

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sh|python torch)\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)

# What makes a command small, by its first words: options that it says otherwise, or does not say.
SMALL = {
    ("evaluate",): {"--seeds": "0..1", "--ticks": "30"},
    ("capture",): {"--seeds": "0..7", "--ticks": "40"},
    ("verify",): {},
    ("train", "bc"): {
        "--epochs": "1",
        "--validation": "0.3",
        "--play": "2",
        "--ticks": "20",
        "--hidden": "8",
    },
    ("train", "ppo"): {
        "--iterations": "1",
        "--runs": "2",
        "--ticks": "20",
        "--choose-runs": "2",
        "--choose-every": "1",
        "--warmup": "0",
    },
}


def commands() -> list[list[str]]:
    lines = [line for kind, text in BLOCKS if kind == "sh" for line in text.replace("\\\n", "").splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("townlet ")]


def small(words: list[str]) -> list[str]:
    """The same command, small. Raises KeyError for one that nobody has made small."""
    kind = tuple(words[:2]) if words[0] == "train" else (words[0],)
    found = list(words)
    for option, value in SMALL[kind].items():
        if option in found:
            found[found.index(option) + 1] = value
        else:
            found += [option, value]
    return found


def test_the_guide_shows_the_whole_way() -> None:
    kinds = {tuple(words[:2]) if words[0] == "train" else (words[0],) for words in commands()}
    assert kinds == set(SMALL)
    (example,) = [text for kind, text in BLOCKS if kind == "python torch"]
    assert len([line for line in example.splitlines() if line]) <= 40


def test_baselines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands that need no network."""
    monkeypatch.chdir(tmp_path)
    plain = [words for words in commands() if words[0] == "evaluate" and "network:" not in str(words)]
    assert plain
    for words in plain:
        assert cli.main([*small(words), "--quiet"]) == 0


@pytest.mark.torch
def test_every_command_and_every_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for kind, text in BLOCKS:
        if kind != "sh":
            exec(compile(text, "docs/training.md", "exec"), {})
            continue
        for line in text.replace("\\\n", "").splitlines():
            if line.startswith("townlet "):
                assert cli.main(small(shlex.split(line, comments=True)[1:])) == 0, line
