# pyright: reportMissingImports=false
"""The code of docs/models.md runs, and what it makes is played."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.house.source_tree import ROOT
from townlet.policy.network.graph.probe import probe_inputs
from townlet.policy.network.metadata import NetworkLayout, layout_of_sample
from townlet.policy.network.read_model import load_model

PAGE = (ROOT / "docs/models.md").read_text(encoding="utf-8")
ARRAYS, TORCH = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def run_arrays() -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "page"}
    exec(ARRAYS, names)
    return names


def test_from_arrays() -> None:
    names = run_arrays()
    model = load_model(names["data"], "page")
    assert (
        model.is_compiled and model.layout == names["layout"] and model.facts["trained"] == {"by": "nobody"}
    )


@pytest.mark.torch
def test_from_pytorch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.chdir(tmp_path)
    names = run_arrays()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the older exporter says that it is
        exec(TORCH, names)
    model = load_model((tmp_path / "policy.onnx").read_bytes(), "page")
    assert model.is_compiled and model.layout == names["layout"]
    given = probe_inputs(model.graph.inputs, model.actions)
    with torch.no_grad():
        logits, _ = names["policy"](*(torch.tensor(given[name]) for name in ("map", "features", "mask")))
    assert np.isfinite(logits.numpy()).all()


def test_the_layout_of_a_sample() -> None:
    layout: NetworkLayout = run_arrays()["layout"]
    metadata = {
        "feature_names": list(layout.feature_names), "map_channels": list(layout.map_channels),
        "map_shape": list(layout.map_shape), "action_names": list(layout.action_names),
    }  # fmt: skip
    assert layout_of_sample(metadata) == layout
