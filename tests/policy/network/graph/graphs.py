"""Models written operation by operation, for a small town: 8 numbers of a map, 3 features, 9 actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from townlet.policy.actions import ActionSpace
from townlet.policy.base import PolicySetting
from townlet.policy.network.onnx_fields import encode

MAP, FEATURES, ACTIONS = (2, 2, 2), 3, 9
SPACE = ActionSpace(("eat",))  # 9 actions

_FLOAT, _INT, _BYTES, _TENSOR, _FLOATS, _INTS = 1, 2, 3, 4, 6, 7
_TYPES = {"float32": 1, "int32": 6, "int64": 7, "bool": 9, "float16": 10, "float64": 11}


def setting(**change: Any) -> PolicySetting:
    """Of the town that these models are for."""
    facts: dict[str, Any] = {
        "feature_names": ("hunger", "energy", "wallet"), "map_channels": ("self", "agents"), "map_shape": MAP,
        "action_space": SPACE, "thresholds": np.zeros(3), "effects": np.zeros((1, 3)),
        "gives": np.zeros((1, 2), np.int64),
    }  # fmt: skip
    return PolicySetting(**facts | change)


def random(*shape: int, seed: int = 0) -> np.ndarray:
    """float32, around 0."""
    return np.random.default_rng([seed, *shape]).normal(0, 1, shape).astype(np.float32)


def tensor(name: str, array: Any, **change: Any) -> dict[str, Any]:
    """A TensorProto."""
    found = np.asarray(array)
    kind = _TYPES[found.dtype.name]
    return {"name": name, "dims": found.shape, "data_type": kind, "raw_data": found.tobytes()} | change


def op(
    operator: str, *inputs: str, to: str | Sequence[str], domain: str = "", **attributes: Any
) -> dict[str, Any]:
    """A NodeProto."""
    outputs = [to] if isinstance(to, str) else list(to)
    given = [attribute(name, value) for name, value in attributes.items()]
    return {
        "op_type": operator, "input": inputs, "output": outputs, "attribute": given,
        **({"domain": domain} if domain else {}),
    }  # fmt: skip


def attribute(name: str, value: Any) -> dict[str, Any]:
    """An AttributeProto."""
    if isinstance(value, np.ndarray):
        return {"name": name, "t": tensor("", value), "type": _TENSOR}
    if isinstance(value, list):
        key, kind = ("floats", _FLOATS) if isinstance(value[0], float) else ("ints", _INTS)
    else:
        key, kind = {float: ("f", _FLOAT), int: ("i", _INT), bytes: ("s", _BYTES)}[type(value)]
    return {"name": name, key: value, "type": kind}


def value(name: str, kind: int, *sizes: int | str) -> dict[str, Any]:
    """A ValueInfoProto; a size is a number, or the name of a free one."""
    dims = [{"dim_param": size} if isinstance(size, str) else {"dim_value": size} for size in sizes]
    return {"name": name, "type": {"tensor_type": {"elem_type": kind, "shape": {"dim": dims}}}}


INPUTS = {
    "map": value("map", 1, "B", *MAP),
    "features": value("features", 1, "B", FEATURES),
    "mask": value("mask", 9, "B", ACTIONS),
}
OUTPUTS = {"logits": value("logits", 1, "B", ACTIONS), "value": value("value", 1, "B")}


def document(
    nodes: Sequence[Mapping[str, Any]],
    constants: Mapping[str, Any] | None = None,
    *,
    inputs: Sequence[Any] = ("map", "features", "mask"),
    outputs: Sequence[Any] = ("logits", "value"),
    opset: int = 17,
    metadata: Mapping[str, str] | None = None,
    graph: Mapping[str, Any] | None = None,
    model: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A ModelProto. `inputs` and `outputs`: names, or what `value` gives; `graph`, `model`: more fields."""
    return {
        "ir_version": 8,
        "opset_import": [{"version": opset}],
        "metadata_props": [{"key": key, "value": text} for key, text in (metadata or {}).items()],
        "graph": {
            "name": "g",
            "node": list(nodes),
            "initializer": [tensor(name, array) for name, array in (constants or {}).items()],
            "input": [INPUTS[each] if isinstance(each, str) else each for each in inputs],
            "output": [OUTPUTS[each] if isinstance(each, str) else each for each in outputs],
            **(graph or {}),
        },
        **(model or {}),
    }


def model_file(
    nodes: Sequence[Mapping[str, Any]], constants: Mapping[str, Any] | None = None, **how: Any
) -> bytes:
    """The bytes of `document`."""
    return encode(document(nodes, constants, **how))


# Heads that any vector "x" of 3 numbers can end in.
HEADS = (
    op("Gemm", "x", "w_actor", to="logits"),
    op("Gemm", "x", "w_critic", to="value_column"),
    op("Squeeze", "value_column", "one", to="value"),
)
HEAD_CONSTANTS = {"w_actor": random(3, ACTIONS), "w_critic": random(3, 1), "one": np.array([1])}


def with_heads(*nodes: Mapping[str, Any], constants: Mapping[str, Any] | None = None, **how: Any) -> bytes:
    """Operations that make "x" (3 numbers a row), then both heads."""
    return model_file([*nodes, *HEADS], HEAD_CONSTANTS | dict(constants or {}), **how)
