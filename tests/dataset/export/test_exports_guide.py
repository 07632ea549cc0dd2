"""The guide: every example of docs/exports.md runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.dataset.towns import capture_lives, town_run
from townlet.dataset.store.local import LocalStore

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "exports.md"
BLOCK = re.compile(r"^```python(?P<needs>[^\n]*)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)


def run_examples(folder: Path, *, with_extras: bool) -> dict[str, Any]:
    """Run the examples that need nothing, or those and the others; returns the names that they leave."""
    capture_lives(LocalStore(folder / "samples" / "many"), town_run("kitchen_breakfast"))
    names: dict[str, Any] = {}
    for block in BLOCK.finditer(GUIDE.read_text(encoding="utf-8")):
        if with_extras or not block["needs"].strip():
            exec(compile(block["code"], str(GUIDE), "exec"), names)
    return names


def test_examples_that_need_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = run_examples(tmp_path, with_extras=False)
    life = names["ds"].lives()[0]
    np.testing.assert_array_equal(names["states"], np.append(life.features, [life.final_features], axis=0))
    np.testing.assert_array_equal(names["rewards"], life.rewards)
