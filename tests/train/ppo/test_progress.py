"""What a training shows of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from townlet.train.ppo.progress import TAGS, TensorBoard, header, line, write_curves

ROW = {
    "iteration": 3, "steps": 34_560, "return": 612.345, "return_error": 4.2, "ended": 0.25, "entropy": 1.25,
    "approx_kl": 0.0123, "clip_fraction": 0.1, "explained_variance": 0.87, "steps_per_second": 25_000.0,
    "policy_loss": 0.1, "value_loss": 0.2,
}  # fmt: skip
CHOSEN = {"chosen_return": 630.0, "chosen_ended": 0.0, "chosen_return_error": 1.0}


def test_a_line_of_the_table_stands_below_its_heads() -> None:
    assert line(ROW).split() == [
        "3",
        "34.6k",
        "612.3",
        "4.2",
        "0.25",
        "1.250",
        "0.0123",
        "0.100",
        "0.870",
        "25.0k",
    ]
    assert line(ROW | CHOSEN).split()[-1] == "630.0"
    assert len(line(ROW | CHOSEN)) == len(header())


@pytest.mark.torch
def test_files_for_tensorboard(tmp_path: Path) -> None:
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    board = TensorBoard(tmp_path, 3)
    board.note(ROW | CHOSEN)
    board.close()
    read = events.EventAccumulator(str(tmp_path))
    read.Reload()
    assert sorted(read.Tags()["scalars"]) == sorted(TAGS.values())
    (event,) = read.Scalars("charts/episodic_return")
    assert (event.step, event.value) == (3, pytest.approx(612.345))


@pytest.mark.torch
def test_curves(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    later = ROW | {"iteration": 4, "steps": 69_120, "entropy": None}  # as where the critic learns alone
    assert write_curves(tmp_path / "curves.png", [ROW | CHOSEN, later])
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["curves.png"]


def test_without_the_extra_there_is_a_note_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("townlet.train.ppo.progress.importlib.import_module", missing)
    board = TensorBoard(tmp_path / "board", 1)
    board.note(ROW)
    board.close()
    assert "pip install 'townlet[train]'" in capsys.readouterr().err
    assert not write_curves(tmp_path / "curves.png", [ROW])
    assert not list(tmp_path.iterdir())
