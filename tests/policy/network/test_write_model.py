# pyright: reportMissingImports=false

"""The ONNX file of a network of one's own: what other programs make of it, and what is refused."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from tests.policy.network.models import random_model, random_parts
from tests.policy.towns import setting
from townlet.arrays import F32
from townlet.errors import UserError
from townlet.policy.network.metadata import NetworkLayout, layout_of
from townlet.policy.network.onnx_fields import decode
from townlet.policy.network.write_model import Layer, Normalisation, write_model

LAYOUT = layout_of(setting())


def operators(data: bytes) -> list[str]:
    return [node["op_type"] for node in decode(data)["graph"]["node"]]


def test_the_graph() -> None:
    normalised = ["Flatten", "Mul", "Clip", "Sub", "Mul", "Clip", "Concat"]
    heads = ["Gemm", "Tanh", "Gemm", "Tanh", "Gemm"] * 2 + ["Squeeze"]
    assert operators(random_model(setting())) == normalised + heads
    plain = random_model(setting(), hidden=(), trunk=(4,), activation="relu", normalised=False)
    assert operators(plain) == ["Flatten", "Concat", "Gemm", "Relu", "Gemm", "Gemm", "Squeeze"]


def test_the_same_arrays_are_the_same_bytes() -> None:
    data = random_model(setting())
    assert data == random_model(setting())
    assert data != random_model(setting(), seed=1)
    layout = NetworkLayout(("a", "b"), ("self",), (1, 1, 1), ("wait",))
    simple = write_model(layout, actor=ones(3, 1), critic=ones(3, 1), trained={"by": "hand"})
    assert hashlib.sha256(simple).hexdigest()[:16] == "140fe3e673d0c331"


def filled(number: float, *shape: int) -> F32:
    return np.full(shape, number, np.float32)


def ones(n_in: int, n_out: int) -> list[Layer]:
    return [Layer(filled(1, n_in, n_out), filled(0, n_out))]


@pytest.mark.parametrize(
    "change, message",
    [
        ({"activation": "gelu"}, "activation: expected relu or tanh, got 'gelu'"),
        ({"actor": []}, "actor: expected a last layer of 15 outputs, found 20"),
        ({"critic": ones(20, 2)}, "critic: expected a last layer of 1 outputs, found 2"),
        ({"actor": ones(21, 15)}, r"actor\[0\].weight: expected shape \(20, outputs\), found \(21, 15\)"),
        (
            {"critic": [Layer(filled(1, 20, 1), filled(1, 2))]},
            r"critic\[0\].bias: expected shape \(1,\), found \(2,\)",
        ),
        ({"trunk": ones(20, 0)}, r"trunk\[0\].weight: expected shape \(20, outputs\)"),
        (
            {"actor": [Layer(filled(np.nan, 20, 15), filled(1, 15))]},
            r"actor\[0\].weight: expected finite numbers, found nan",
        ),
        (
            {"map_normalisation": Normalisation(filled(1, 8), filled(1, 9))},
            r"normalisation of map: mean: expected shape \(9,\), found \(8,\)",
        ),
        (
            {"map_normalisation": Normalisation(filled(1, 9), filled(np.inf, 9))},
            "normalisation of map: scale: expected finite numbers, found inf",
        ),
        (
            {"feature_normalisation": Normalisation(filled(1, 11), filled(1, 11), -1)},
            "normalisation of features: clip: expected 0",
        ),
    ],
)
def test_what_does_not_fit(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        write_model(LAYOUT, **random_parts(LAYOUT) | change)


def inputs(rows: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "map": rng.integers(0, 2, (rows, *LAYOUT.map_shape)).astype(np.float32),
        "features": rng.normal(0, 2, (rows, len(LAYOUT.feature_names))).astype(np.float32),
        "mask": rng.integers(0, 2, (rows, len(LAYOUT.action_names))).astype(np.bool_),
    }


@pytest.mark.torch
@pytest.mark.parametrize(
    "how", [{}, {"trunk": (8,), "activation": "relu"}, {"hidden": (), "normalised": False}]
)
def test_others_read_it_as_torch_computes_it(how: dict[str, Any]) -> None:
    import onnx
    import onnxruntime
    import torch

    data = random_model(setting(), **how)
    onnx.checker.check_model(onnx.load_model_from_string(data), full_check=True)
    assert onnx.load_model_from_string(data).SerializeToString() == data
    given = inputs(7)
    found = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"]).run(
        ["logits", "value"], given
    )
    parts = random_parts(LAYOUT, **how)
    active = torch.tanh if parts["activation"] == "tanh" else torch.relu

    def normalised(x: torch.Tensor, by: Normalisation | None) -> torch.Tensor:
        if by is None:
            return x
        return ((x - torch.tensor(by.mean)) * torch.tensor(by.scale)).clamp(-by.clip, by.clip)

    def through(x: torch.Tensor, layers: list[Layer], after_all: bool = False) -> torch.Tensor:
        for index, (weight, bias) in enumerate(layers):
            x = torch.nn.functional.linear(x, torch.tensor(weight.T.copy()), torch.tensor(bias))
            x = active(x) if after_all or index < len(layers) - 1 else x
        return x

    flat = normalised(torch.tensor(given["map"]).flatten(1), parts["map_normalisation"])
    features = normalised(torch.tensor(given["features"]), parts["feature_normalisation"])
    x = through(torch.cat([flat, features], 1), parts["trunk"], after_all=True)
    expected = through(x, parts["actor"]), through(x, parts["critic"])[:, 0]
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-5, atol=1e-5)
