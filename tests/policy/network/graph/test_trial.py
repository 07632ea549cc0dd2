"""The first run of a model: what is found there, and that nothing of it is felt here."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from tests.policy.network.graph.exported_models import FOLDER
from tests.policy.network.graph.graphs import ACTIONS, FEATURES, MAP, attribute, op, random, value, with_heads
from townlet.escaping import shown
from townlet.policy.network.graph import trial
from townlet.policy.network.graph.trial import checked_results, in_a_process
from townlet.policy.network.read_model import ModelError, load_model

SHAPES = {"map": MAP, "features": (FEATURES,), "mask": (ACTIONS,)}
SOFT = op("Softsign", "features", to="x")


def constants(**arrays: Any) -> dict[str, Any]:
    return {name: np.asarray(array) for name, array in arrays.items()}


def test_shapes_of_results() -> None:
    column = checked_results(random(3, 9), random(3, 1), 3, 9)[1]
    assert column.shape == (3,)
    for logits, values in ((random(3, 8), random(3)), (random(3, 9), random(2)), (random(27), random(3))):
        with pytest.raises(ValueError, match=r"for 3 agents expected logits of shape \(3, 9\) and values of"):
            checked_results(logits, values, 3, 9)


@pytest.mark.torch
def test_a_good_model() -> None:
    in_a_process(with_heads(SOFT), SHAPES, ACTIONS)


FREE = [value("logits", 1, "B", "U"), value("value", 1, "V")]
BAD: dict[str, tuple[bytes, str]] = {
    "NaN": (
        with_heads(op("Log", "features", to="x")),
        "its output logits is (nan|-?inf) for inputs of usual size: expected finite numbers",
    ),
    "rows that are mixed": (
        with_heads(
            op("ReduceMean", "features", to="m", axes=[0], keepdims=1),
            op("Sub", "features", "m", to="x"),
        ),
        "depends on who else is in the batch: expected rows that do not mix",
    ),
    "chance": (
        with_heads(
            op("Dropout", "features", "half", "yes", to="x"),
            constants=constants(half=np.float32(0.5), yes=True),
        ),
        "other results a second time",
    ),
    "one row for all": (
        with_heads(op("ReduceMean", "features", to="x", axes=[0], keepdims=1), outputs=FREE),
        r"for 8 agents expected logits of shape \(8, 9\) .* found \(1, 9\) and \(1,\)",
    ),
    "a product that does not fit": (
        with_heads(op("MatMul", "features", "w", to="x"), constants={"w": random(5, 3)}),
        "onnxruntime does not take it: ",
    ),
}


@pytest.mark.torch
@pytest.mark.parametrize("data, message", BAD.values(), ids=BAD)
def test_what_is_found(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        in_a_process(data, SHAPES, ACTIONS)


@pytest.mark.torch
def test_memory_is_bounded() -> None:
    data = with_heads(
        op("Expand", "one_number", "to", to="huge"),
        op("ReduceSum", "huge", to="sum", keepdims=0),
        op("Add", "features", "sum", to="x"),
        constants=constants(one_number=np.float32(1), to=[2**17, 2**17]),
    )
    with pytest.raises(
        ValueError, match=r"onnxruntime (cannot run it|does not take it|ended, or did not end)"
    ):
        in_a_process(data, SHAPES, ACTIONS)


@pytest.mark.torch
def test_time_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large products one after another, of a file of a few kilobytes."""
    monkeypatch.setattr(trial, "MOST_CPU_SECONDS", 3)
    large = [op("MatMul", f"m{n}", f"m{n}", to=f"m{n + 1}") for n in range(60)]
    data = with_heads(
        op("Flatten", "features", to="flat", axis=1),
        op("ReduceMax", "flat", to="number", keepdims=0),
        op("Expand", "number", "to", to="m0"),
        *large,
        op("ReduceMin", "m60", to="sum", keepdims=0),
        op("Cast", "sum", to="whole") | {"attribute": [attribute("to", 7)]},
        op("Cast", "whole", to="back") | {"attribute": [attribute("to", 1)]},
        op("Add", "features", "back", to="x"),
        constants=constants(to=[4096, 4096]),
    )
    start = time.monotonic()
    with pytest.raises(ValueError, match="onnxruntime ended, or did not end, when it tried"):
        in_a_process(data, SHAPES, ACTIONS)
    assert time.monotonic() - start < 60


def test_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(trial.subprocess, "run", refuse)
    with pytest.raises(ValueError, match=r"no process can be started \(Resource temporarily unavailable\)"):
        in_a_process(b"", SHAPES, ACTIONS)


@pytest.mark.torch
@pytest.mark.campaign
def test_changed_models_that_onnxruntime_would_run() -> None:
    """Whatever is changed, there is a model or one message, and this process goes on."""
    rng = np.random.default_rng(7)
    good = (FOLDER / "older_conv.onnx").read_bytes()
    found = {True: 0, False: 0}
    for _ in range(150):
        data = bytearray(good)
        for place in rng.integers(0, len(data), rng.integers(1, 4)):
            data[place] = rng.integers(0, 256)
        try:
            load_model(bytes(data), "m.onnx")
            found[True] += 1
        except ModelError as error:
            assert shown(error) == str(error)
            found[False] += 1
    assert min(found.values()) > 5
