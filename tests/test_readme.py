"""What README.md shows of Python runs, on what its commands write."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from townlet import cli

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    (folder / "configs").symlink_to(ROOT / "configs")
    for source, name in (("queue_conflict", "queue"), ("smoke", "smoke")):
        assert cli.main(["capture", source, "--output", str(folder / "samples" / name), "--quiet"]) == 0
    return folder


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_every_example_runs(written: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.chdir(written)
    found: dict[str, object] = {}
    exec(compile(EXAMPLES[number], f"README.md, example {number + 1}", "exec"), found)
    assert {"capture", "data", "loop"} & set(found)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 3
