"""A graph as its file has it; what is refused is in `tests/policy/network/graph/bad_models.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.policy.network.graph.graphs import (
    ACTIONS,
    HEAD_CONSTANTS,
    document,
    op,
    random,
    tensor,
    value,
    with_heads,
)
from townlet.policy.network.graph import graph
from townlet.policy.network.graph.graph import Graph, read_graph
from townlet.policy.network.onnx_fields import decode, encode

ADD = op("Add", "features", "c", to="x", axis=1, alpha=0.5, names=b"n", sizes=[1, 2])
RELU = op("Relu", "features", to="x")


def read(data: bytes) -> Graph:
    return read_graph(decode(data))


def test_what_a_graph_is() -> None:
    found = read(with_heads(ADD, constants={"c": random(3)}))
    assert found.opset == 17
    assert found.inputs == {"map": (2, 2, 2), "features": (3,), "mask": (ACTIONS,)}
    assert found.outputs == {"logits": (ACTIONS,), "value": ()}
    assert set(found.constants) == {*HEAD_CONSTANTS, "c"}
    assert [node.operator for node in found.nodes] == ["Add", "Gemm", "Gemm", "Squeeze"]
    first = found.nodes[0]
    assert first.inputs == ("features", "c") and first.outputs == ("x",)
    assert first.attributes == {"axis": 1, "alpha": 0.5, "names": b"n", "sizes": [1, 2]}


@pytest.mark.parametrize(
    "attributes, expected",
    [
        ({"value": random(2)}, random(2)),
        ({"value_float": 1.5}, np.float32(1.5)),
        ({"value_floats": [1.5, 2.5]}, np.array([1.5, 2.5], np.float32)),
        ({"value_int": 3}, np.int64(3)),
        ({"value_ints": [3, 4]}, np.array([3, 4])),
    ],
)
def test_constants_as_operations(attributes: dict[str, Any], expected: np.ndarray) -> None:
    found = read(with_heads(op("Constant", to="c", **attributes), RELU)).constants["c"]
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype


@pytest.mark.parametrize("attributes", [{}, {"value_string": b"a"}, {"value_int": 1, "value_float": 1.0}])
def test_constants_of_something_else(attributes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"operation 0 \(Constant\): expected one constant of numbers"):
        read(with_heads(op("Constant", to="c", **attributes), RELU))


def test_what_files_may_leave_out() -> None:
    """Names of free sizes, shapes of outputs, inputs that nobody needs; old files list constants among the inputs."""
    free = value("features", 1, "B", 3)
    free["type"]["tensor_type"]["shape"]["dim"][0] = {}
    stated = {"name": "logits", "type": {"tensor_type": {"elem_type": 1}}}
    data = with_heads(
        RELU, inputs=[free, value("w_actor", 1, 3, ACTIONS)], outputs=[stated, "value", value("more", 1, 5)]
    )
    found = read(data)
    assert found.inputs == {"features": (3,)}
    assert found.outputs == {"logits": None, "value": ()}


def test_how_many_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "MOST_NODES", 4)
    read(with_heads(RELU))
    with pytest.raises(ValueError, match="expected 1 to 4 operations, found 5"):
        read(with_heads(op("Relu", "features", to="y"), RELU))


def test_plain_attributes() -> None:
    for kind in ("ref_attr_name", "sparse_tensor"):
        change = {"name": "a", "type": 1, kind: "b" if kind == "ref_attr_name" else b"\x0a\x00"}
        data = with_heads(RELU | {"attribute": [change]})
        with pytest.raises(ValueError, match=r"operation 0 \(Relu\): expected plain attributes"):
            read(data)


def test_optional_operands() -> None:
    data = with_heads(op("Clip", "features", "", "c", to="x"), constants={"c": np.float32(1)})
    assert read(data).nodes[0].inputs == ("features", "", "c")


def test_no_constant_has_no_name() -> None:
    message = document([RELU], {})
    message["graph"]["initializer"] = [tensor("", random(3))]
    with pytest.raises(ValueError, match="found '' twice or empty"):
        read(encode(message))
