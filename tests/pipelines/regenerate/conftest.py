"""Where versions are made, without compiling."""

from __future__ import annotations

from pathlib import Path

import pytest

from townlet.pipelines import launch


@pytest.fixture(autouse=True)
def no_warming(monkeypatch: pytest.MonkeyPatch) -> None:
    """It plays a tick of a run, which would be counted."""
    monkeypatch.setattr(launch, "warm", lambda run, *, quiet: None)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"
