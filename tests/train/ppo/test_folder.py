"""The folder of a training: whose it is, and going on where it was stopped."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch; `make test-train` installs it and runs this file")

from tests.train.ppo.test_update import experience, weights  # noqa: E402
from tests.train.small_networks import small_network  # noqa: E402
from townlet.errors import OutputError, UserError  # noqa: E402
from townlet.train.ppo.folder import BEST, CHECKPOINT, LAST, METRICS, Folder  # noqa: E402
from townlet.train.ppo.ppo import State  # noqa: E402
from townlet.train.ppo.update import Optimisers, update  # noqa: E402
from townlet.train.settings import PpoSettings  # noqa: E402

pytestmark = pytest.mark.torch

SETTINGS = PpoSettings(batch=16)


def training(seed: int = 3) -> Any:
    """What `Ppo` is for a folder."""
    network = small_network(seed=seed)
    state = State(network, Optimisers.of(network, SETTINGS))
    return SimpleNamespace(state=state, model=lambda: weights(network))


def learn(ppo: Any, iterations: int) -> None:
    for _ in range(iterations):
        state = ppo.state
        state.number += 1
        state.steps += 64
        rng = np.random.default_rng(state.number)
        update(state.network, state.optimisers, experience(state.network, seed=state.number), SETTINGS, rng)


def test_going_on_comes_to_the_same_weights(tmp_path: Path) -> None:
    """Weights, moments, and the scale of the values: all of it is in the checkpoint."""
    whole, first, second = training(), training(), training(seed=9)
    learn(whole, 5)
    learn(first, 2)
    folder = Folder(tmp_path / "t", {"lr": 1})
    folder.begin()
    first.state.best, first.state.best_number = 12.5, 2
    rows = [{"iteration": 1}, {"iteration": 2}]
    folder.save(first, rows)
    folder.note({"iteration": 3})  # which the checkpoint does not have
    assert folder.restore(second) == rows
    assert (second.state.number, second.state.steps) == (2, 128)
    assert (second.state.best, second.state.best_number) == (12.5, 2)
    learn(second, 3)
    assert weights(second.state.network) == weights(whole.state.network)
    assert second.state.network.value_mean == whole.state.network.value_mean


def test_models_and_metrics(tmp_path: Path) -> None:
    ppo, folder = training(), Folder(tmp_path, {})
    folder.begin()
    assert folder.restore(ppo) == []
    ppo.state.models["best"] = b"the best"
    folder.save(ppo, [{"iteration": 1, "return": 2.5}])
    assert (tmp_path / LAST).read_bytes() == ppo.model()
    assert (tmp_path / BEST).read_bytes() == b"the best"
    assert json.loads((tmp_path / METRICS).read_text()) == {"iteration": 1, "return": 2.5}
    assert not list(tmp_path.glob(".*")), "nothing is left beside"


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    ppo, folder = training(), Folder(tmp_path, {})
    folder.begin()
    learn(ppo, 2)
    folder.save(ppo, [{"iteration": 1}, {"iteration": 2}])
    with open(tmp_path / METRICS, "a") as file:
        file.write('{"iteration": 1, "ret')
    assert folder.restore(ppo) == [{"iteration": 1}, {"iteration": 2}]


def test_another_training_is_refused(tmp_path: Path) -> None:
    Folder(tmp_path, {"settings": {"lr": 1, "seed": 0}}).begin()
    Folder(tmp_path, {"settings": {"lr": 1, "seed": 0}}).begin()
    with pytest.raises(OutputError, match=r"is of another training: settings\.lr is 1 there, 2 here; choose"):
        Folder(tmp_path, {"settings": {"lr": 2, "seed": 0}}).begin()


def test_folders_of_others_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for place, said in ((tmp_path, "expected a new folder, or one of a training; found file"),
                        (tmp_path / "file", "expected a folder for the training, found something else")):  # fmt: skip
        with pytest.raises(OutputError, match=said):
            Folder(place, {}).begin()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputError, match="expected a folder"):
        Folder(tmp_path / "link", {}).begin()
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "training.json").write_text("{")
    with pytest.raises(OutputError, match="expected what a training was told"):
        Folder(broken, {}).begin()


def test_what_a_killed_start_left_is_no_strangers(tmp_path: Path) -> None:
    (tmp_path / ".training.json.new").write_text("half of i")
    Folder(tmp_path, {}).begin()
    assert [path.name for path in tmp_path.iterdir()] == ["training.json"]


def test_damaged_checkpoints_are_refused(tmp_path: Path) -> None:
    ppo, folder = training(), Folder(tmp_path, {})
    folder.begin()
    folder.save(ppo, [])
    content = (tmp_path / CHECKPOINT).read_bytes()
    for damaged in (b"", content[: len(content) // 2], b"\0" * 100):
        (tmp_path / CHECKPOINT).write_bytes(damaged)
        with pytest.raises(UserError, match="expected a checkpoint"):
            folder.restore(ppo)
    other: Any = small_network(hidden=(4,))
    (tmp_path / CHECKPOINT).write_bytes(content)
    with pytest.raises(UserError, match="expected a checkpoint of this training, found another"):
        smaller: Any = SimpleNamespace(state=State(other, Optimisers.of(other, SETTINGS)))
        folder.restore(smaller)
