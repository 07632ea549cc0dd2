"""docs/notebooks.md is true: its examples run, and its error is the one that comes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from townlet import cli

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8")


@pytest.mark.page
def test_every_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (command,) = [line.split()[1:] for line in TEXT.splitlines() if line.startswith("townlet capture ")]
    assert cli.main([*command, "--ticks", "20", "--quiet", "--json"]) == 0
    found: dict[str, object] = {}
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)):
        exec(compile(code, f"docs/notebooks.md, example {number + 1}", "exec"), found)
    capture = found["capture"]
    assert repr(capture).startswith("<Capture kitchen_breakfast seed 0, ")
    with pytest.raises(KeyError) as raised:
        capture["alcie"]  # type: ignore[index]
    assert f"`{raised.value}`" in TEXT
