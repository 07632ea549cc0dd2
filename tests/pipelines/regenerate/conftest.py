"""Where versions are made, without compiling."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipelines.regenerate.plans import launch_by_hand
from townlet.commands.capture import run_capture


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def without_beam(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are made by hand, in this process, and each change to the store is made in the same order every time."""
    monkeypatch.setattr(run_capture, "_launch", launch_by_hand)
