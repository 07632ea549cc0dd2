"""For all tests of the commands: they run in this process, and nothing is synced."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from townlet import cli
from townlet.dataset.store import local as store


class Said(NamedTuple):
    """What a command returned and said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Townlet = Callable[..., Said]


@pytest.fixture(autouse=True)
def no_syncing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_sync_file_system", lambda path: True)


@pytest.fixture
def townlet(capsys: pytest.CaptureFixture[str]) -> Townlet:
    """`townlet ...`, in this process."""

    def run(*words: object) -> Said:
        capsys.readouterr()
        code = cli.main([str(word) for word in words])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Said(code, out, err)

    return run


@pytest.fixture(scope="session")
def kitchen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of 30 ticks of the kitchen; not to be changed."""
    folder = tmp_path_factory.mktemp("kitchen") / "capture"
    words = ["capture", "kitchen_breakfast", "--ticks", "30", "--quiet", "--json", "--output", str(folder)]
    assert cli.main(words) == 0
    return folder


@pytest.fixture(scope="session")
def village(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of two scenarios with two seeds; not to be changed."""
    folder = tmp_path_factory.mktemp("village") / "data"
    words = ["capture", "kitchen_breakfast", "queue_conflict", "--seeds", "0..1", "--ticks", "20", "--quiet"]
    assert cli.main([*words, "--json", "--output", str(folder)]) == 0
    return folder
