"""A small config, and a way to load a text as one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from townlet.config.load import Resolved, load_config


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Resolved]:
    def loaded(text: str) -> Resolved:
        path = tmp_path / "tiny.yaml"
        path.write_text(text)
        return load_config(path)

    return loaded
