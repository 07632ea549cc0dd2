"""A network's graph as its ONNX file has it, checked: nodes in an order in which they can be computed, and constants.

Nothing is computed here. What is refused is whatever could reach outside the file, run code, or go on without end:
external data, operators of other domains, functions and subgraphs (loops, branches), names made twice or never.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from townlet.escaping import shown
from townlet.policy.network.graph.tensors import BOOL, FLOAT32, checked_numbers, read_tensor

LOWEST_OPSET, HIGHEST_OPSET = 9, 26
MOST_NODES = 20_000
MOST_INPUT = 250_000  # numbers of one row of an input
OWN_DOMAINS = ("", "ai.onnx")

# Name -> ONNX's type of elements, and sizes besides the batch's.
INPUTS = {"map": (FLOAT32, 3), "features": (FLOAT32, 1), "mask": (BOOL, 1)}
OUTPUTS = ("logits", "value")
_WORDS = {FLOAT32: "float32", BOOL: "bool"}


class Node(NamedTuple):
    """One operation."""

    operator: str
    inputs: tuple[str, ...]  # "" = an optional one that is not given
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]  # int, float, bytes, an array, or a list of them


class Graph(NamedTuple):
    """What a network computes."""

    nodes: tuple[Node, ...]  # each reads what stands before it
    constants: Mapping[str, np.ndarray]
    inputs: Mapping[str, tuple[int, ...]]  # name -> sizes of one row: some of `INPUTS`
    outputs: Mapping[
        str, tuple[int, ...] | None
    ]  # name -> sizes as the file states them, 0 = free; None = not stated
    opset: int


def read_graph(model: Mapping[str, Any]) -> Graph:
    """The graph of a ModelProto. Raises ValueError saying what is not as expected."""
    opset = _opset(model)
    for key, what in (("functions", "functions of its own"), ("training_info", "what it trains with")):
        if model[key]:
            raise ValueError(f"it holds {what}: expected a graph of plain operators")
    graph = model["graph"]
    if graph["sparse_initializer"]:
        raise ValueError("it holds sparse constants: expected plain ones")
    if not 0 < len(graph["node"]) <= MOST_NODES:
        raise ValueError(f"expected 1 to {MOST_NODES} operations, found {len(graph['node'])}")
    constants: dict[str, np.ndarray] = {}
    for tensor in graph["initializer"]:
        _made(tensor["name"], constants)
        constants[tensor["name"]] = read_tensor(tensor)
    inputs = _inputs(graph, constants)
    outputs = _outputs(graph)
    nodes = _nodes(graph, constants, set(inputs) | set(constants))
    return Graph(nodes, constants, inputs, outputs, opset)


def _opset(model: Mapping[str, Any]) -> int:
    if model["graph"] is None or not model["ir_version"] or not model["opset_import"]:
        raise ValueError("not an ONNX model (no graph, or no version)")
    versions = [each["version"] for each in model["opset_import"] if each["domain"] in OWN_DOMAINS]
    if len(versions) != 1:
        raise ValueError("expected one version of ONNX's own operators (opset_import)")
    if not LOWEST_OPSET <= versions[0] <= HIGHEST_OPSET:
        raise ValueError(f"expected an opset from {LOWEST_OPSET} to {HIGHEST_OPSET}, found {versions[0]}")
    return versions[0]


def _made(name: str, there: Any) -> None:
    """Whether a name may be given to what is made now. Raises ValueError."""
    if not name or name in there:
        raise ValueError(f"expected every name to be made once, found {shown(repr(name))} twice or empty")


def _inputs(graph: Mapping[str, Any], constants: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    expected = ", ".join(f"{name} ({_WORDS[kind]})" for name, (kind, _) in INPUTS.items())
    for value in graph["input"]:
        name = value["name"]
        if name in constants and name not in INPUTS:
            continue  # old files list their constants too
        if name not in INPUTS or name in constants:
            raise ValueError(f"expected inputs among {expected}, found {shown(repr(name))}")
        _made(name, found)
        kind, rank = INPUTS[name]
        elements, dimensions = _type_of(value)
        where = f"the input {name}"
        if elements != kind:
            raise ValueError(f"{where}: expected {_WORDS[kind]}, found ONNX's type {elements}")
        if len(dimensions) != rank + 1:
            raise ValueError(f"{where}: expected {rank + 1} dimensions, found {len(dimensions)}")
        found[name] = _row_shape(where, dimensions)
    if "map" not in found and "features" not in found:
        raise ValueError(f"expected inputs among {expected}, found neither map nor features")
    return found


def _type_of(value: Mapping[str, Any]) -> tuple[int, list[Mapping[str, Any]]]:
    """Type of elements and dimensions of an input or an output; 0 for what is no tensor."""
    tensor = value["type"] and value["type"]["tensor_type"]
    if not tensor:
        return 0, []
    return tensor["elem_type"], tensor["shape"]["dim"] if tensor["shape"] else []


def _row_shape(where: str, dimensions: list[Mapping[str, Any]]) -> tuple[int, ...]:
    """Sizes besides the batch's, which has to be free."""
    batch, *rest = dimensions
    if batch["dim_value"]:
        raise ValueError(
            f"{where}: expected a batch of any size, found one of {batch['dim_value']}; "
            "export it with a dynamic first dimension"
        )
    sizes = tuple(each["dim_value"] for each in rest)
    if any(size < 1 for size in sizes):
        names = [shown(repr(each["dim_param"])) for each in rest if each["dim_value"] < 1]
        raise ValueError(f"{where}: expected fixed sizes besides the batch's, found {', '.join(names)}")
    size = 1
    for each in sizes:
        size *= each
    if size > MOST_INPUT:
        raise ValueError(f"{where}: expected at most {MOST_INPUT} numbers a row, found {size}")
    return sizes


def _outputs(graph: Mapping[str, Any]) -> dict[str, tuple[int, ...] | None]:
    there = {value["name"]: value for value in graph["output"]}
    missing = [name for name in OUTPUTS if name not in there]
    if missing:
        raise ValueError(
            f"expected the outputs logits (B, actions) and value (B), found no {' and no '.join(missing)}"
        )
    found: dict[str, tuple[int, ...] | None] = {}
    for name in OUTPUTS:
        elements, dimensions = _type_of(there[name])
        if elements != FLOAT32:
            raise ValueError(f"the output {name}: expected float32, found ONNX's type {elements}")
        found[name] = tuple(each["dim_value"] for each in dimensions[1:]) if dimensions else None
    return found


def _nodes(graph: Mapping[str, Any], constants: dict[str, np.ndarray], known: set[str]) -> tuple[Node, ...]:
    """Every node after those whose results it reads; `Constant` becomes a constant. Raises ValueError."""
    nodes = []
    for index, message in enumerate(graph["node"]):
        node = _node(message, index)
        what = f"operation {index} ({shown(node.operator)})"
        unknown = [name for name in node.inputs if name and name not in known]
        if unknown:
            raise ValueError(f"{what} reads {shown(repr(unknown[0]))}, which nothing before it makes")
        for name in filter(None, node.outputs):
            _made(name, known)
            known.add(name)
        if node.operator == "Constant":
            constants[node.outputs[0]] = _constant(node, what)
        else:
            nodes.append(node)
    missing = [name for name in OUTPUTS if name not in known]
    if missing:
        raise ValueError(f"the output {missing[0]} is made by no operation")
    return tuple(nodes)


def _node(message: Mapping[str, Any], index: int) -> Node:
    operator, domain = message["op_type"], message["domain"]
    what = f"operation {index} ({shown(operator)})"
    if domain not in OWN_DOMAINS:
        raise ValueError(f"{what} is of the domain {shown(repr(domain))}: expected ONNX's own operators")
    if not any(message["output"]):
        raise ValueError(f"{what} makes nothing")
    attributes: dict[str, Any] = {}
    for each in message["attribute"]:
        if each["g"] or each["graphs"]:
            raise ValueError(f"{what} holds a subgraph: expected neither loops nor branches")
        if each["ref_attr_name"] or each["sparse_tensor"] or each["sparse_tensors"] or each["tensors"]:
            raise ValueError(f"{what}: expected plain attributes")
        _made(each["name"], attributes)
        attributes[each["name"]] = _attribute(each)
    return Node(operator, tuple(message["input"]), tuple(message["output"]), attributes)


_FLOAT, _INT, _STRING, _TENSOR, _FLOATS, _INTS, _STRINGS = 1, 2, 3, 4, 6, 7, 8


def _attribute(message: Mapping[str, Any]) -> Any:
    fields = {_FLOAT: "f", _INT: "i", _STRING: "s", _FLOATS: "floats", _INTS: "ints", _STRINGS: "strings"}
    if message["type"] == _TENSOR and message["t"] is not None:
        return read_tensor(message["t"])
    if message["type"] not in fields:
        raise ValueError(f"the attribute {shown(repr(message['name']))} is of a type that is not read")
    return message[fields[message["type"]]]


def _constant(node: Node, what: str) -> np.ndarray:
    dtypes = {
        "value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64,
        "value": None,
    }  # fmt: skip
    if len(node.outputs) != 1 or len(node.attributes) != 1 or not set(node.attributes) <= set(dtypes):
        raise ValueError(f"{what}: expected one constant of numbers")
    ((key, value),) = node.attributes.items()
    return checked_numbers(what, np.asarray(value, dtypes[key]))
