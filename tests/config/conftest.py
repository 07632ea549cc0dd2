"""A config file in a folder of its own, named as messages name it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from townlet.config import Resolved, load_config
from townlet.errors import ConfigError

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """`write(text, name="town.yaml")`: the file's relative path; the test runs in its folder."""
    monkeypatch.chdir(tmp_path)

    def write_file(content: str | bytes, name: str = "town.yaml") -> Path:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


@pytest.fixture
def load(write: Write) -> Callable[[str], Resolved]:
    """`load(text)`: the config, loaded."""
    return lambda text: load_config(write(text))


@pytest.fixture
def mistakes(write: Write) -> Callable[[str | bytes], list[str]]:
    """`mistakes(text)`: what loading says is wrong with a config."""

    def messages(text: str | bytes) -> list[str]:
        with pytest.raises(ConfigError) as found:
            load_config(write(text))
        return str(found.value).splitlines()

    return messages
