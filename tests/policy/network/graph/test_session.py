"""Sessions of onnxruntime: what they compute, and how its errors are told."""

from __future__ import annotations

import importlib.util
import platform

import numpy as np
import pytest

from tests.policy.network.graph.graphs import op, random, with_heads
from townlet.policy.network.graph.session import LONGEST_REASON, Session, is_installed, runtime_name

X = random(4, 3)
INPUTS = {"features": X, "map": np.zeros((4, 2, 2, 2), np.float32), "mask": np.ones((4, 9), np.bool_)}


def test_whether_it_is_there() -> None:
    assert is_installed() == (importlib.util.find_spec("onnxruntime") is not None)


@pytest.mark.torch
def test_results() -> None:
    logits, values = Session(with_heads(op("Softsign", "features", to="x"), inputs=["features"])).run(INPUTS)
    np.testing.assert_allclose(logits, X / (1 + np.abs(X)) @ random(3, 9), rtol=1e-5, atol=1e-5)
    assert values.shape == (4,)
    assert runtime_name().endswith(f", {platform.machine()}")


@pytest.mark.torch
def test_what_it_does_not_take() -> None:
    with pytest.raises(ValueError, match=r"^onnxruntime does not take it: ") as caught:
        Session(with_heads(op("Rleu", "features", to="x")))
    assert str(caught.value).isprintable() and len(str(caught.value)) < LONGEST_REASON + 50


@pytest.mark.torch
def test_what_it_cannot_run() -> None:
    session = Session(with_heads(op("Softsign", "features", to="x")))
    with pytest.raises(ValueError, match=r"^onnxruntime cannot run it: "):
        session.run(INPUTS | {"features": X[:, :2]})
