# pyright: reportMissingImports=false
"""Networks that PyTorch exported: played as PyTorch computes them, compiled where they can be."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tests.policy.network.graph import exported_models
from tests.policy.network.graph.exported_models import COMPILED, EXPORTERS, FOLDER, GIVEN, OTHERS
from tests.policy.network.graph.graphs import setting
from townlet.policy.network import onnx_session
from townlet.policy.network.fit import FittedModel, fit_model
from townlet.policy.network.graph.probe import run_program
from townlet.policy.network.read_model import ModelError, load_model
from townlet.policy_text import NetworkText

FLAT = np.concatenate([GIVEN[name].reshape(8, -1) for name in exported_models.INPUTS], 1, dtype=np.float32)


def fitted(data: bytes) -> FittedModel:
    return fit_model(load_model(data, "m.onnx"), setting(), NetworkText("m.onnx"), "m.onnx")


def check_results(found: tuple[np.ndarray, np.ndarray], logits: np.ndarray, values: np.ndarray) -> None:
    legal = GIVEN["mask"]
    np.testing.assert_allclose(found[0][legal], logits[legal], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found[1], values, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", COMPILED)
@pytest.mark.parametrize("exporter", EXPORTERS)
def test_compiled(exporter: str, kind: str) -> None:
    found = fitted((FOLDER / f"{exporter}_{kind}.onnx").read_bytes())
    assert found.program is not None and len(found.notices) == 1
    with np.load(FOLDER / f"{kind}.npz") as expected:
        check_results(run_program(found.program, FLAT), **expected)


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("exporter", EXPORTERS)
def test_why_others_are_not_compiled(exporter: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_session, "in_a_process", lambda *_: None)
    monkeypatch.setattr(onnx_session, "is_installed", lambda: True)
    model = load_model((FOLDER / f"{exporter}_{kind}.onnx").read_bytes(), "m.onnx")
    assert model.why_not_compiled == OTHERS[kind]


@pytest.mark.torch
@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("exporter", EXPORTERS)
def test_others_are_run_by_onnxruntime(exporter: str, kind: str) -> None:
    found = fitted((FOLDER / f"{exporter}_{kind}.onnx").read_bytes())
    assert found.program is None
    with np.load(FOLDER / f"{kind}.npz") as expected:
        check_results(found.run(GIVEN["map"], GIVEN["features"], GIVEN["mask"], rows=3), **expected)


@pytest.mark.torch
@pytest.mark.parametrize("kind", [*COMPILED, *OTHERS])
def test_what_the_older_exporter_writes_here(kind: str) -> None:
    """With the version of PyTorch that is installed."""
    check_export("older", kind)


@pytest.mark.torch
@pytest.mark.campaign
@pytest.mark.skipif(
    importlib.util.find_spec("onnxscript") is None,
    reason="the newer exporter of PyTorch needs onnxscript, which no lock has: pip install it beside torch to run this",
)
@pytest.mark.parametrize("kind", [*COMPILED, *OTHERS])
def test_what_the_newer_exporter_writes_here(kind: str) -> None:
    check_export("newer", kind)


def check_export(exporter: str, kind: str) -> None:
    model = exported_models.network(kind)
    found = fitted(exported_models.export(model, exporter))
    logits, values = exported_models.torch_results(model)
    if kind in COMPILED:
        assert found.program is not None
        check_results(run_program(found.program, FLAT), logits, values)
    else:
        assert found.program is None
        check_results(found.run(GIVEN["map"], GIVEN["features"], GIVEN["mask"], rows=8), logits, values)


@pytest.mark.torch
def test_weights_in_another_file(tmp_path: Path) -> None:
    """What the newer exporter does unless it is told not to."""
    import onnx

    model = onnx.load_model(str(FOLDER / "newer_plain.onnx"))
    onnx.save_model(model, str(tmp_path / "m.onnx"), save_as_external_data=True, size_threshold=0)
    with pytest.raises(
        ModelError, match=r"lies in another file .* torch.onnx.export takes external_data=False"
    ):
        load_model((tmp_path / "m.onnx").read_bytes(), "m.onnx")
