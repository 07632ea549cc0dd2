"""The guide: every example of docs/reading.md runs."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from townlet import cli

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "reading.md"
BLOCK = re.compile(r"^```python(?P<needs>[^\n]*)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)


def test_every_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    guide = GUIDE.read_text(encoding="utf-8")
    (command,) = [line.split()[1:] for line in guide.splitlines() if line.startswith("townlet capture ")]
    assert cli.main([*command, "--quiet"]) == 0
    blocks = list(BLOCK.finditer(guide))
    assert len(blocks) > 10
    names: dict[str, object] = {}
    for block in blocks:
        needed = block["needs"].split()
        if all(importlib.util.find_spec(module) for module in needed):
            exec(compile(block["code"], str(GUIDE), "exec"), names)
    said = re.escape(repr(names["ds"]).rpartition(";")[0])
    assert re.search(rf"# {said}; \.\.\.>", blocks[0]["code"]), repr(names["ds"])
    assert names["maps"].shape == (2400, 4, 11, 11)  # type: ignore[attr-defined]
