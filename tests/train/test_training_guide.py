"""docs/training.md: every command and every example runs, in its order, at a small size."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.documentation.small import SMALL, small
from townlet import cli

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sh|python torch)\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)


def commands() -> list[list[str]]:
    lines = [line for kind, text in BLOCKS if kind == "sh" for line in text.replace("\\\n", "").splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("townlet ")]


def test_the_guide_shows_the_whole_way() -> None:
    kinds = {tuple(words[:2]) if words[0] == "train" else (words[0],) for words in commands()}
    assert kinds == {*SMALL} - {("inspect",)}  # which a tutorial has
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
