"""Cloning: the loss by hand, recall, and a clone of `needs` that keeps everybody alive."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch; `make test-train` installs it and runs this file")

from tests.train.one_need import TOWN  # noqa: E402
from townlet import cli  # noqa: E402
from townlet.dataset.reading.data_set import DataSet, open  # noqa: E402
from townlet.errors import UserError  # noqa: E402
from townlet.train.cloning.bc import Clone, Epoch, recall_of, weighted_loss  # noqa: E402
from townlet.train.cloning.playback import Playback, teacher_labels, teacher_of  # noqa: E402
from townlet.train.settings import CloneSettings  # noqa: E402

pytestmark = pytest.mark.torch

QUICK = CloneSettings(epochs=25, batch=128, hidden=(64, 64), validation=0.2)


def captured(folder: Path, *words: str) -> DataSet:
    config = folder / "one_need.yaml"
    config.write_text(TOWN)
    output = folder / "data"
    assert (
        cli.main(["capture", str(config), "--seeds", "0..19", "--quiet", "--output", str(output), *words])
        == 0
    )
    return open(output)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    """Twenty days of `needs`."""
    return captured(tmp_path_factory.mktemp("taught"), "--policy", "needs")


@pytest.fixture(scope="module")
def clone(taught: DataSet) -> tuple[Clone, list[Epoch]]:
    made, epochs = Clone(taught, QUICK), []
    made.run(QUICK.epochs, epochs.append)
    return made, epochs


def test_weighted_loss() -> None:
    """Two rows, weights 3 and 1: (3 log 2 + log 4) / 4; what the mask forbids has no part."""
    logits = torch.tensor([[0.0, 0.0, 99.0], [0.0, math.log(3.0), 99.0]])
    masks = torch.tensor([[True, True, False]] * 2)
    weights = torch.tensor([3.0, 1.0, 7.0])
    found = weighted_loss(logits, masks, torch.tensor([0, 0]), weights)
    assert found.item() == pytest.approx((math.log(2) + math.log(4)) / 2)
    found = weighted_loss(logits, masks, torch.tensor([0, 1]), weights)
    assert found.item() == pytest.approx((3 * math.log(2) + math.log(4 / 3)) / 4)


def test_recall() -> None:
    """Waits, moves, and one request (id 7): 8 of 10, 1 of 2 and 1 of 4 are met."""
    taken, met = np.zeros(9, np.int64), np.zeros(9, np.int64)
    taken[[0, 1, 7]], met[[0, 1, 7]] = (10, 2, 4), (8, 1, 1)
    found = recall_of(taken, met)
    assert found == (16, 10 / 16, pytest.approx((0.8 + 0.5 + 0.25) / 3), 0.25)


def test_it_does_what_its_teacher_does(clone: tuple[Clone, list[Epoch]]) -> None:
    made, epochs = clone
    assert [epoch.number for epoch in epochs] == list(range(1, QUICK.epochs + 1))
    assert epochs[-1].loss < 0.5 * epochs[0].loss
    last: Any = epochs[-1].recall
    assert last.accuracy > 0.9 and last.requests > 0.6
    held_out = made.held_out
    assert held_out is not None and not set(held_out.runs) & set(made.train.runs)


def test_it_keeps_everybody_alive(clone: tuple[Clone, list[Epoch]], taught: DataSet) -> None:
    made, _ = clone
    scores = Playback.of(taught, made.layout).compare(made.model(), 16)
    assert scores["clone"].ended == scores["needs"].ended == 0
    assert scores["clone"].mean > 0.97 * scores["needs"].mean


def test_the_same_again(taught: DataSet) -> None:
    models = []
    for _ in range(2):
        made = Clone(taught, QUICK)
        made.run(2)
        models.append(made.model())
    assert models[0] == models[1]


def test_dagger_adds_what_the_clone_comes_to(taught: DataSet) -> None:
    made = Clone(taught, QUICK)
    made.run(1)
    before = sum(len(pool) for pool in made.rows.epoch(0, 1))
    added = Playback.of(taught, made.layout).visit(made, 1, 2)
    assert added > 100
    assert sum(len(pool) for pool in made.rows.epoch(0, 1)) == before + added
    made.run(1)


def test_the_teachers_labels_are_what_it_did(taught: DataSet) -> None:
    policy = Playback.of(taught, Clone(taught, QUICK).layout).policies["one_need"]
    sample = taught[3]
    assert np.array_equal(teacher_labels(policy, sample), sample.actions)


def test_what_cannot_teach(tmp_path: Path) -> None:
    data = captured(tmp_path, "--policy", "uniform", "--ticks", "30")
    with pytest.raises(
        UserError, match="expected data of one policy that can be asked again, such as `needs`, found"
    ):
        teacher_of(data)
    with pytest.raises(UserError, match="expected samples to learn from, found none"):
        Clone(data.filter(seed=[99]), QUICK)
