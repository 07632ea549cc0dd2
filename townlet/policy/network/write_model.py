"""A network of one's own as an ONNX file: from plain arrays to bytes, the same bytes for the same arrays.

What is written is read by any ONNX runtime, and played in compiled code by Townlet:

    map (B, C, W, W) ── flatten ── (x - mean) * scale ── clip ──┐
                                                                concat ── trunk ──┬── actor ── logits (B, U)
    features (B, F) ───────────── (x - mean) * scale ── clip ──┘                  └── critic ── value (B)

An input `mask` (B, U) is declared and not used: whoever samples applies it. What changes nothing is left out: a mean of
zeros, scales of ones, no clip. A map without a mean stays sparse, which is what makes its first layer fast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from townlet.arrays import F32
from townlet.errors import UserError
from townlet.policy.network.metadata import NetworkLayout, written_facts
from townlet.policy.network.onnx_fields import encode

IR_VERSION, OPSET = 8, 17
FLOAT32, INT64, BOOL = 1, 7, 9  # ONNX's numbers of element types
_ATTRIBUTE_INT = 2

Activation = Literal["relu", "tanh"]
_OPERATORS = {"relu": "Relu", "tanh": "Tanh"}


class Layer(NamedTuple):
    """y = x @ weight + bias. PyTorch's `Linear` holds the weight transposed."""

    weight: F32  # [in, out]
    bias: F32  # [out]


class Normalisation(NamedTuple):
    """Of an input, flattened: (x - mean) * scale, then clipped to -clip .. clip."""

    mean: F32  # [n]
    scale: F32  # [n]
    clip: float = 0.0  # 0 = not clipped


def write_model(
    layout: NetworkLayout,
    *,
    actor: Sequence[Layer],
    critic: Sequence[Layer],
    trunk: Sequence[Layer] = (),
    activation: Activation = "tanh",
    map_normalisation: Normalisation | None = None,
    feature_normalisation: Normalisation | None = None,
    trained: Mapping[str, Any] | None = None,
) -> bytes:
    """The file of a network with an actor (its last layer gives U logits) and a critic (its last gives the value).

    The activation follows every layer but the last of actor and critic. `trained`: how it was made, for the file's
    metadata; JSON. Raises UserError where shapes do not fit, or a number is not finite.
    """
    if activation not in _OPERATORS:
        raise UserError(f"activation: expected relu or tanh, got {activation!r}")
    sizes = {"map": int(np.prod(layout.map_shape)), "features": len(layout.feature_names)}
    width = _checked_layers("trunk", trunk, sum(sizes.values()))
    for name, layers, outputs in (("actor", actor, len(layout.action_names)), ("critic", critic, 1)):
        found = _checked_layers(name, layers, width)
        if not layers or found != outputs:
            raise UserError(f"{name}: expected a last layer of {outputs} outputs, found {found}")
    graph = _Graph(_OPERATORS[activation])
    flat = graph.node("Flatten", ["map"], "map_flat", axis=1)
    inputs = [
        graph.normalised("map", flat, map_normalisation, sizes["map"]),
        graph.normalised("features", "features", feature_normalisation, sizes["features"]),
    ]
    joined = graph.layers("trunk", graph.node("Concat", inputs, "inputs", axis=1), trunk, open_ended=False)
    graph.layers("actor", joined, actor, last="logits")
    value = graph.layers("critic", joined, critic, last="value_column")
    graph.node("Squeeze", [value, graph.constant("value_axis", np.array([1], np.int64))], "value")
    return encode(_document(layout, graph, written_facts(layout, trained or {})))


def _checked_layers(name: str, layers: Sequence[Layer], width: int) -> int:
    """How many numbers come out. Raises UserError."""
    for index, layer in enumerate(layers):
        where = f"{name}[{index}]"
        weight, bias = (
            _checked_array(f"{where}.{part}", array)
            for part, array in (("weight", layer.weight), ("bias", layer.bias))
        )
        if weight.ndim != 2 or weight.shape[0] != width or not weight.shape[1]:
            raise UserError(f"{where}.weight: expected shape ({width}, outputs), found {weight.shape}")
        width = weight.shape[1]
        if bias.shape != (width,):
            raise UserError(f"{where}.bias: expected shape ({width},), found {bias.shape}")
    return width


def _checked_array(where: str, array: Any) -> F32:
    found = np.asarray(array, np.float32)
    if not np.isfinite(found).all():
        raise UserError(f"{where}: expected finite numbers, found {found[~np.isfinite(found)].flat[0]}")
    return found


class _Graph:
    """Nodes and constants, in the order in which they are made."""

    def __init__(self, activation: str):
        self.nodes: list[dict[str, Any]] = []
        self.constants: list[dict[str, Any]] = []
        self._activation = activation

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: int) -> str:
        """Add a node; its output's name."""
        given = [{"name": k, "i": v, "type": _ATTRIBUTE_INT} for k, v in sorted(attributes.items())]
        self.nodes.append(
            {"op_type": operator, "name": output, "input": inputs, "output": [output], "attribute": given}
        )
        return output

    def constant(self, name: str, array: np.ndarray) -> str:
        """Add an initializer; its name."""
        kind, raw = (INT64, "<i8") if array.dtype == np.int64 else (FLOAT32, "<f4")
        content = np.ascontiguousarray(array, raw).tobytes()
        self.constants.append({"name": name, "dims": array.shape, "data_type": kind, "raw_data": content})
        return name

    def normalised(self, name: str, value: str, by: Normalisation | None, size: int) -> str:
        """Add what changes an input's numbers."""
        if by is None:
            return value
        for part, operator, nothing in (("mean", "Sub", 0), ("scale", "Mul", 1)):
            array = _checked_array(f"normalisation of {name}: {part}", getattr(by, part))
            if array.shape != (size,):
                raise UserError(
                    f"normalisation of {name}: {part}: expected shape ({size},), found {array.shape}"
                )
            if (array != nothing).any():
                inputs = [value, self.constant(f"{name}_{part}", array)]
                value = self.node(operator, inputs, f"{name}_{operator.lower()}")
        if not 0 <= by.clip < np.inf:
            raise UserError(f"normalisation of {name}: clip: expected 0 (none) or more, found {by.clip}")
        if by.clip:
            ends = [("least", -by.clip), ("most", by.clip)]
            inputs = [self.constant(f"{name}_{end}", np.asarray(at, np.float32)) for end, at in ends]
            value = self.node("Clip", [value, *inputs], f"{name}_clip")
        return value

    def layers(
        self, name: str, value: str, layers: Sequence[Layer], last: str = "", open_ended: bool = True
    ) -> str:
        """Add layers, the activation between them, and after the last one too unless it is `open_ended`."""
        for index, layer in enumerate(layers):
            ends = open_ended and index == len(layers) - 1
            weight = self.constant(f"{name}_{index}_weight", _checked_array(name, layer.weight))
            bias = self.constant(f"{name}_{index}_bias", _checked_array(name, layer.bias))
            value = self.node("Gemm", [value, weight, bias], last if ends else f"{name}_{index}")
            if not ends:
                value = self.node(self._activation, [value], f"{name}_{index}_active")
        return value


def _value_info(name: str, kind: int, shape: Sequence[int]) -> dict[str, Any]:
    dimensions = [{"dim_param": "batch"}, *({"dim_value": int(size)} for size in shape)]
    return {"name": name, "type": {"tensor_type": {"elem_type": kind, "shape": {"dim": dimensions}}}}


def _document(layout: NetworkLayout, graph: _Graph, facts: Mapping[str, str]) -> dict[str, Any]:
    actions = len(layout.action_names)
    return {
        "ir_version": IR_VERSION,
        "producer_name": "townlet",
        "opset_import": [{"version": OPSET}],
        "metadata_props": [{"key": key, "value": facts[key]} for key in sorted(facts)],
        "graph": {
            "name": "policy",
            "node": graph.nodes,
            "initializer": graph.constants,
            "input": [
                _value_info("map", FLOAT32, layout.map_shape),
                _value_info("features", FLOAT32, [len(layout.feature_names)]),
                _value_info("mask", BOOL, [actions]),
            ],
            "output": [_value_info("logits", FLOAT32, [actions]), _value_info("value", FLOAT32, [])],
        },
    }
