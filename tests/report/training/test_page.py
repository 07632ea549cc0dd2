"""The page of a training, and the runs that it leads to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.policy.network.models import random_model
from tests.report.read_page import read_page
from tests.report.training.folders import make_folder
from townlet.commands.look.captures import captured
from townlet.dataset.store import local as store
from townlet.generator.generate import generate_run
from townlet.report.bundle import is_report
from townlet.report.training.folder import read_folder
from townlet.report.training.page import training_page
from townlet.rollout.player import setting_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(store, "_sync_file_system", lambda path: True)
    made = make_folder(tmp_path)
    model = random_model(setting_of(generate_run(read_folder(made).towns[0])), seed=5)
    (made / "best.onnx").write_bytes(model)
    return made


def test_the_best_policy_beside_needs_is_a_page_beside_it(folder: Path) -> None:
    written: dict[str, bytes] = {}
    page = training_page(folder, captured, written.__setitem__, folder="files", runs=1)
    head, _ = read_page(page)
    assert is_report(page) and head["kind"] == "training" and "runs" not in head
    (replay,) = head["training"]["replays"]
    assert replay == {
        "town": "tiny", "seed": "0", "policy": "best policy beside needs", "file": "files/tiny-best-beside-needs.html",
    }  # fmt: skip
    assert [*written] == ["tiny-best-beside-needs.html"]
    (beside, _) = read_page(*written.values())
    assert beside["kind"] == "comparison"
    best, needs = beside["runs"]
    assert best["head"]["ticks"] == needs["head"]["ticks"] == 30
    assert best["head"]["seed"] == needs["head"]["seed"] == "0"
    assert needs["lives"][0]["policy"] == "needs" and best["lives"][0]["policy"].startswith("network")


def test_or_in_it(folder: Path) -> None:
    page = training_page(folder, captured, runs=1)
    head, _ = read_page(page)
    assert [each["run"] for each in head["training"]["replays"]] == [0, 1] and len(head["runs"]) == 2
    assert training_page(folder, captured, runs=1) == page
