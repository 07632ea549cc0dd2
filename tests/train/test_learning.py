"""The whole way on the shipped towns: what docs/training.md promises, with seeds that nothing was learned from."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from townlet import cli

pytestmark = [pytest.mark.torch, pytest.mark.campaign]


def townlet(*words: object) -> None:
    assert cli.main([str(word) for word in words]) == 0


def compared(config: str, policy: str, than: str) -> tuple[Any, Any]:
    """Returns of two policies over 16 held-out seeds, and the mean difference with its standard error."""
    from townlet.planning.request import Request
    from townlet.train.evaluate import evaluate
    from townlet.train.towns import Towns

    towns = Towns.of(Request((config,)))
    model = Path(policy).read_bytes()
    digest = hashlib.sha256(model).hexdigest()
    one = evaluate(towns.runs(range(16), digest), {digest: model})
    other = evaluate(towns.runs(range(16), than))
    return one, one.difference(other)


def test_tiny_is_solved(tmp_path: Path) -> None:
    words = ["--iterations", 30, "--runs", 16, "--quiet"]  # 208 thousand steps
    townlet("train", "ppo", "training/tiny.yaml", "--output", tmp_path / "t", *words)
    _, better = compared("training/tiny.yaml", str(tmp_path / "t" / "best.onnx"), "needs")
    assert better.mean > 2 * better.error


def test_small_from_scratch_beats_needs(tmp_path: Path) -> None:
    words = ["--ticks", 720, "--runs", 16, "--iterations", 40, "--quiet"]
    townlet("train", "ppo", "training/small.yaml", "--output", tmp_path / "t", *words)
    _, better = compared("training/small.yaml", str(tmp_path / "t" / "best.onnx"), "needs")
    assert better.mean > 2 * better.error


def test_small_from_a_clone_beats_needs(tmp_path: Path) -> None:
    clone, data = tmp_path / "clone.onnx", tmp_path / "data"
    townlet("capture", "training/small.yaml", "--seeds", "1000..1031", "--output", data, "--quiet")
    townlet("train", "bc", data, "--output", clone, "--epochs", 15, "--play", 0, "--quiet")
    result, alike = compared("training/small.yaml", str(clone), "needs")
    assert result.mean("fainted").mean <= 1 / 16  # a life of 64: another processor's sums, another clone
    assert alike.mean > -0.02 * result.mean("returns").mean
    words = ["--init", clone, "--iterations", 40, "--quiet"]
    townlet("train", "ppo", "training/small.yaml", "--output", tmp_path / "t", *words)
    _, better = compared("training/small.yaml", str(tmp_path / "t" / "best.onnx"), "needs")
    assert better.mean > 2 * better.error
