"""The guide: every example of docs/reading.md runs."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from tests.dataset.captures import capture
from tests.dataset.towns import capture_lives, town_run
from tests.samples import make_run
from townlet.dataset.format.paths import run_folder
from townlet.dataset.store.local import LocalStore

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "reading.md"
BLOCK = re.compile(r"^```python(?P<needs>[^\n]*)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)


def test_every_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStore(tmp_path / "samples" / "many")
    name = "kitchen_breakfast"
    capture(store, *[make_run(name, seed, folder=run_folder(name, seed)) for seed in range(12)])
    capture_lives(store, *[town_run("market_day", seed) for seed in range(3)])
    monkeypatch.chdir(tmp_path)
    blocks = list(BLOCK.finditer(GUIDE.read_text(encoding="utf-8")))
    assert len(blocks) > 10
    names: dict[str, object] = {}
    for block in blocks:
        needed = block["needs"].split()
        if all(importlib.util.find_spec(module) for module in needed):
            exec(compile(block["code"], str(GUIDE), "exec"), names)
    said = re.escape(repr(names["ds"]).rpartition(";")[0])
    assert re.search(rf"# {said}; \.\.\.>", blocks[0]["code"]), repr(names["ds"])
    assert names["maps"].shape == (240, 4, 5, 5)  # type: ignore[attr-defined]
