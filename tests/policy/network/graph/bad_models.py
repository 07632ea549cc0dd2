"""Files that are no models of a policy, a kind each, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.policy.network.graph.graphs import (
    ACTIONS,
    HEAD_CONSTANTS,
    HEADS,
    INPUTS,
    attribute,
    document,
    op,
    random,
    setting,
    tensor,
    value,
)
from townlet.policy.network.metadata import layout_of, written_facts
from townlet.policy.network.onnx_fields import encode

RELU = op("Relu", "features", to="x")
FACTS = written_facts(layout_of(setting()), {})
NAN, INF = np.float32(np.nan), np.float32(np.inf)


def built(*nodes: Mapping[str, Any], constants: Mapping[str, Any] | None = None, **how: Any) -> bytes:
    """Operations that make "x", then both heads."""
    return encode(document([*nodes, *HEADS], {**HEAD_CONSTANTS, **(constants or {})}, **how))


def with_tensor(**change: Any) -> bytes:
    """A model one of whose constants says something else of itself."""
    w = tensor("w", random(3, 3)) | change
    found = document([op("Gemm", "features", "w", to="x"), *HEADS], HEAD_CONSTANTS)
    found["graph"]["initializer"].append(w)
    return encode(found)


def facts(**change: str) -> bytes:
    return built(RELU, metadata=FACTS | {f"townlet.{key}": text for key, text in change.items()})


def with_input(name: str, kind: int, *sizes: int | str) -> bytes:
    inputs = [value(name, kind, *sizes) if each == name else INPUTS[each] for each in INPUTS]
    return built(RELU, inputs=inputs)


GOOD = built(RELU, metadata=FACTS)
EXTERNAL = [{"key": "location", "value": "../../etc/passwd"}]
LOOP = op("Loop", "n", "go", "features", to="x") | {
    "attribute": [{"name": "body", "g": b"\x12\x01b", "type": 5}]
}

BAD: dict[str, tuple[bytes, str]] = {
    # Not such a file
    "empty": (b"", "expected an ONNX model, found an empty file"),
    "text": (b"I am a model, honestly.", "not an ONNX model, or damaged"),
    "zeros": (bytes(1000), "not an ONNX model, or damaged"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(50), "not an ONNX model"),
    "a pickle of torch": (b"PK\x03\x04" + bytes(60), "not an ONNX model"),
    "cut short": (GOOD[: len(GOOD) // 2], r"not an ONNX model, or damaged \("),
    "twice": (GOOD + GOOD, "ir_version is given twice"),
    "no graph": (b"\x08\x08\x42\x02\x10\x11", r"not an ONNX model \(no graph, or no version\)"),
    "no version": (built(RELU, model={"ir_version": 0}), "no graph, or no version"),
    "an empty graph": (encode(document([])), "expected 1 to 20000 operations, found 0"),
    "claims of 2 GB": (b"\x08\x08\x3a\xff\xff\xff\xff\x07abc", "goes beyond the end of what holds it"),
    "a constant of 2 GB": (with_tensor(dims=[2**15, 2**14]), "numbers of 4 bytes, and holds 36 bytes"),
    "sizes that overflow": (with_tensor(dims=[2**32, 2**32]), "says that it has 18446744073709551616 numbers"),
    "sizes below 0": (with_tensor(dims=[-3, -3]), "expected at most 8 sizes >= 0"),
    "deep nesting": (b"\x3a\x7f" * 60 + b"\x00" * 127, "not an ONNX model, or damaged"),
    # What reaches outside, or runs code
    "external data": (
        with_tensor(raw_data=b"", data_location=1, external_data=EXTERNAL),
        r"'w' lies in another file \(external data\)",
    ),
    "external data, not said so": (with_tensor(external_data=EXTERNAL), "'w' lies in another file"),
    "a custom operator": (
        built(op("Evil", "features", to="x", domain="com.example")),
        r"operation 0 \(Evil\) is of the domain 'com.example': expected ONNX's own operators",
    ),
    "a PyTorch operator": (built(op("ATen", "features", to="x", domain="org.pytorch.aten")), "is of the domain"),
    "functions of its own": (built(RELU, model={"functions": [b"\x0a\x01f"]}), "it holds functions of its own"),
    "a loop": (
        built(LOOP, constants={"n": np.array(2**62), "go": np.array(True)}),
        r"\(Loop\) holds a subgraph: expected neither loops nor branches",
    ),
    "what it trains with": (built(RELU, model={"training_info": [b"\x0a\x00"]}), "it holds what it trains with"),
    "an operator that is not run": (
        built(op("Multinomial", "features", to="x")),
        "the operator Multinomial is not run",
    ),
    "chance": (built(op("RandomNormalLike", "features", to="x")), "the operator RandomNormalLike is not run"),
    "an operator that nobody knows": (built(op("Rleu", "features", to="x")), "the operator Rleu is not run"),
    "a shape made of what is seen": (
        built(
            op("Cast", "features", to="i") | {"attribute": [attribute("to", 7)]},
            op("ConstantOfShape", "i", to="huge"),
            op("ReduceSum", "huge", to="x"),
        ),
        "the operator ConstantOfShape makes a shape of what an agent sees: expected fixed shapes",
    ),
    # Inputs
    "other inputs": (
        built(op("Relu", "obs", to="x"), inputs=[value("obs", 1, "B", 3)]),
        r"expected inputs among map \(float32\), features \(float32\), mask \(bool\), found 'obs'",
    ),
    "a hidden state": (
        built(RELU, inputs=["features", value("hidden", 1, "B", 8)]), "expected inputs among .* found 'hidden'"
    ),
    "no inputs": (
        built(op("Identity", "c", to="x"), inputs=[], constants={"c": random(1, 3)}),
        "found neither map nor features",
    ),
    "an input twice": (built(RELU, inputs=["features", "features"]), "found 'features' twice"),
    "whole numbers as features": (with_input("features", 7, "B", 3), "features: expected float32, found ONNX's type 7"),
    "wide features": (with_input("features", 11, "B", 3), "features: expected float32, found ONNX's type 11"),
    "a mask of numbers": (with_input("mask", 1, "B", ACTIONS), "mask: expected bool, found ONNX's type 1"),
    "a flat map": (with_input("map", 1, "B", 8), "map: expected 4 dimensions, found 2"),
    "a batch of one": (
        with_input("features", 1, 1, 3), "features: expected a batch of any size, found one of 1; export it with"
    ),
    "free sizes": (
        with_input("map", 1, "B", 2, "w", "w"), "map: expected fixed sizes besides the batch's, found 'w', 'w'"
    ),
    "a huge map": (with_input("map", 1, "B", 2**20, 2**20, 2**20), "map: expected at most 250000 numbers a row"),
    "an input that is no tensor": (
        built(RELU, inputs=[{"name": "features"}]), "features: expected float32, found ONNX's type 0"
    ),
    "a constant as an input": (
        built(RELU, inputs=["map"], constants={"features": random(1, 3)}, graph={
            "input": [INPUTS["map"], INPUTS["features"]]}),
        "expected inputs among",
    ),
    # Outputs
    "no value": (built(RELU, outputs=["logits"]), r"expected the outputs .* found no value$"),
    "no outputs": (built(RELU, outputs=[]), "found no logits and no value"),
    "logits by another name": (
        built(RELU, outputs=["value", value("x", 1, "B", 3)]), "found no logits"
    ),
    "wide logits": (
        built(RELU, outputs=[value("logits", 11, "B", ACTIONS), "value"]),
        "the output logits: expected float32, found ONNX's type 11",
    ),
    "an output that nothing makes": (
        encode(document([RELU, HEADS[0]], HEAD_CONSTANTS)), "the output value is made by no operation"
    ),
    "more logits than actions": (
        built(RELU, constants={"w_actor": random(3, 12)}, outputs=["value", value("logits", 1, "B", 12)]),
        r"expected as many logits as the mask has actions \(9\), found 12",
    ),
    "outputs that say something else": (
        built(RELU, outputs=[value("logits", 1, "B", 5), "value"]),
        r"the output logits is stated as \(B, \(5,\)\): expected \(B, \(9,\)\)",
    ),
    # The graph
    "a constant that is missing": (
        built(op("Add", "features", "gone", to="x")),
        r"operation 0 \(Add\) reads 'gone', which nothing before it makes",
    ),
    "a circle": (
        built(op("Add", "features", "b", to="a"), op("Relu", "a", to="b"), op("Relu", "b", to="x")),
        r"operation 0 \(Add\) reads 'b', which nothing before it makes",
    ),
    "out of order": (
        built(op("Relu", "y", to="x"), op("Relu", "features", to="y")),
        "reads 'y', which nothing before it makes",
    ),
    "a name made twice": (built(RELU, RELU), "expected every name to be made once, found 'x' twice"),
    "a constant twice": (
        built(RELU, graph={"initializer": [tensor(name, HEAD_CONSTANTS["one"]) for name in ("one", "one")]}),
        "found 'one' twice",
    ),
    "an operation without a result": (built(op("Relu", "features", to=[]), RELU), "makes nothing"),
    "an attribute twice": (
        built(RELU | {"attribute": [attribute("axis", 1), attribute("axis", 1)]}), "found 'axis' twice"
    ),
    "an attribute of a strange type": (
        built(RELU | {"attribute": [{"name": "a", "type": 99}]}), "the attribute 'a' is of a type that is not read"
    ),
    "a name with control characters": (
        built(op("Add", "features", "\x1b[31m\n", to="x")), r"reads '\\x1b\[31m\\n', which"
    ),
    "an old opset": (built(RELU, opset=7), "expected an opset from 9 to 26, found 7"),
    "an opset of the future": (built(RELU, opset=999), "expected an opset from 9 to 26, found 999"),
    "two opsets": (
        built(RELU, model={"opset_import": [{"version": 17}, {"version": 18}]}), "expected one version"
    ),
    "sparse constants": (built(RELU, graph={"sparse_initializer": [b"\x1a\x00"]}), "it holds sparse constants"),
    # Numbers
    "NaN as a weight": (
        built(op("Gemm", "features", "w", to="x"), constants={"w": np.full((3, 3), NAN)}), "'w' has NaN in it"
    ),
    "an infinite weight": (
        built(op("Gemm", "features", "w", to="x"), constants={"w": np.full((3, 3), INF)}),
        "'w' has an infinite number in it",
    ),
    "NaN as an operation": (
        built(op("Constant", to="c", value_floats=[float("nan")]), op("Add", "features", "c", to="x")),
        "has NaN in it",
    ),
    "numbers too large": (
        built(op("Mul", "features", "c", to="x"), constants={"c": np.float32(3e38)}),
        "its output logits is (-?inf|nan) for inputs of usual size: expected finite numbers",
    ),
    # What it says of itself
    "a format of the future": (facts(format_version="99"), "made from samples of format 99; this Townlet has 1"),
    "metadata that is no JSON": (facts(feature_names="hunger"), "townlet.feature_names: expected JSON"),
    "metadata of another network": (
        built(RELU, metadata=written_facts(layout_of(setting(feature_names=("a", "b"))), {})),
        r"the input features has rows of \(3,\), and the metadata names \(2,\)",
    ),
    "a digest of others": (facts(layout_digest="0" * 64), "townlet.layout_digest: expected"),
    "half a layout": (facts(action_names="[]"), "townlet.layout_digest: expected"),
    "a key twice": (
        built(RELU, model={"metadata_props": [{"key": "a", "value": "1"}] * 2}), "with every key once"
    ),
}  # fmt: skip
