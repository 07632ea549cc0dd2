"""For all tests of files: a power cut is not tried here, and thousands of syncs would take minutes."""

from __future__ import annotations

import pytest

from townlet.dataset.store import local as store


@pytest.fixture(autouse=True)
def no_syncing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_sync_file_system", lambda path: True)
