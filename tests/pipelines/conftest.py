"""For all tests of the pipeline: nothing is downloaded, nothing is synced, and fakes may play."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from apache_beam.runners.direct.direct_runner import SwitchingDirectRunner
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from tests.pipelines import fakes
from townlet.dataset.store import local as store
from townlet.rollout import play as rollout

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """`list | Transform` asks for Beam's DirectRunner, by now a program that it would fetch first."""
    monkeypatch.setattr(
        SwitchingDirectRunner, "run_pipeline", lambda self, *given: FnApiRunner().run_pipeline(*given)
    )


@pytest.fixture(autouse=True)
def no_syncing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_sync_file_system", lambda path: True)


@pytest.fixture
def fake_play(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let `fakes.play` stand for the simulation; returns the labels of the runs it is asked for."""
    played: list[str] = []

    def play(run, *models: Any):
        played.append(run.label())
        yield from fakes.play(run)

    monkeypatch.setattr(rollout, "play", play)
    return played


@pytest.fixture
def townlet(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start `townlet ...` as typed, in a process group of its own, with the simulation uncompiled.

    Its temporary files lie in `tmp`.
    """
    (tmp_path / "tmp").mkdir()
    plain = {"PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1", "TMPDIR": str(tmp_path / "tmp")}

    def start(*words: object, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "townlet", *map(str, words)],
            env={**os.environ, **plain, **environment},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return start
