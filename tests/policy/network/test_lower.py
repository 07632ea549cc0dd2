# pyright: reportMissingImports=false
"""Graphs as programs: the same numbers, few operations, and nothing that is not understood."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.policy.network.graph.graphs import (
    ACTIONS,
    FEATURES,
    HEAD_CONSTANTS,
    MAP,
    model_file,
    op,
    random,
    with_heads,
)
from townlet.policy.network import lower as lowering
from townlet.policy.network.graph.graph import read_graph
from townlet.policy.network.graph.probe import probe_inputs, run_program
from townlet.policy.network.lower import NotCompiled, Wiring, lower
from townlet.policy.network.onnx_fields import decode
from townlet.policy.network.program import CODES, Program, ProgramBuilder
from townlet.policy.network.read_model import plain_wiring

V3, V4, M33 = random(3), random(4, seed=1), random(3, 3)
GIVEN = probe_inputs({"map": MAP, "features": (FEATURES,), "mask": (ACTIONS,)}, ACTIONS)
FLAT = GIVEN["map"].reshape(8, -1)
F = GIVEN["features"]


class Case(NamedTuple):
    data: bytes
    x: Any  # [8, 3] that the heads get, in NumPy
    codes: tuple[str, ...]  # of the operations before the heads


def constants(**arrays: Any) -> dict[str, Any]:
    return {name: np.asarray(array) for name, array in arrays.items()}


def of_features(*nodes: dict[str, Any], opset: int = 17, **arrays: Any) -> bytes:
    """Operations from "features" to "x"."""
    if opset >= 13:
        return with_heads(*nodes, constants=constants(**arrays), opset=opset)
    heads = [
        op("MatMul", "x", "w_actor", to="logits"),
        op("MatMul", "x", "w_critic", to="value_column"),
        op("Squeeze", "value_column", to="value", axes=[1]),
    ]
    return model_file([*nodes, *heads], HEAD_CONSTANTS | constants(**arrays), opset=opset)


SHAPED = [  # x.view(x.size(0), -1), as torch's older exporter writes it
    op("Shape", "map", to="s"),
    op("Gather", "s", "zero", to="n", axis=0),
    op("Unsqueeze", "n", "axis", to="n1"),
    op("Concat", "n1", "rest", to="sizes", axis=0),
    op("Reshape", "map", "sizes", to="flat"),
    op("Gemm", "flat", "w8", to="x"),
]
W8 = random(8, 3)
PER_FEATURE = np.float32(1) / V3
CASES = {
    "add": Case(of_features(op("Add", "features", "c", to="x"), c=V3), F + V3, ("affine",)),
    "add, turned around": Case(of_features(op("Add", "c", "features", to="x"), c=V3), F + V3, ("affine",)),
    "sub": Case(of_features(op("Sub", "features", "c", to="x"), c=V3), F - V3, ("affine",)),
    "sub from": Case(of_features(op("Sub", "c", "features", to="x"), c=V3), V3 - F, ("affine",)),
    "mul by one number": Case(
        of_features(op("Mul", "features", "c", to="x"), c=np.float32(3)), F * 3, ("affine",)
    ),
    "div": Case(of_features(op("Div", "features", "c", to="x"), c=V3[None]), F * PER_FEATURE, ("affine",)),
    "neg": Case(of_features(op("Neg", "features", to="x")), -F, ("affine",)),
    "clip": Case(
        of_features(op("Clip", "features", "a", "b", to="x"), a=np.float32(-1), b=np.float32(0.5)),
        F.clip(-1, 0.5),
        ("clip",),
    ),
    "clip above": Case(
        of_features(op("Clip", "features", "", "b", to="x"), b=np.float32(0.5)), F.clip(None, 0.5), ("clip",)
    ),
    "clip as it was": Case(
        of_features(op("Clip", "features", to="x", min=-1.0, max=0.5), opset=10), F.clip(-1, 0.5), ("clip",)
    ),
    "max": Case(of_features(op("Max", "features", "c", to="x"), c=V3), np.maximum(F, V3), ("clip",)),
    "min": Case(of_features(op("Min", "c", "features", to="x"), c=V3), np.minimum(F, V3), ("clip",)),
    "relu": Case(of_features(op("Relu", "features", to="x")), np.maximum(F, 0), ("relu",)),
    "tanh": Case(of_features(op("Tanh", "features", to="x")), np.tanh(F), ("tanh",)),
    "identity and dropout": Case(
        of_features(op("Identity", "features", to="i"), op("Dropout", "i", to="x")), F, ()
    ),
    "gemm": Case(
        of_features(
            op("Gemm", "features", "w", "b", to="x", alpha=2.0, beta=3.0, transB=1), w=M33, b=np.float32(0.5)
        ),
        2 * (F @ M33.T) + 1.5,
        ("dense",),
    ),
    "matmul": Case(of_features(op("MatMul", "features", "w", to="x"), w=M33), F @ M33, ("dense",)),
    "matmul and add": Case(
        of_features(op("MatMul", "features", "w", to="p"), op("Add", "c", "p", to="x"), w=M33, c=V3),
        F @ M33 + V3,
        ("dense",),
    ),
    "a product used twice": Case(
        of_features(
            op("MatMul", "features", "w", to="p"), op("Add", "p", "c", to="a"), op("Relu", "p", to="r"),
            op("Concat", "a", "r", to="both", axis=-1), op("Gemm", "both", "w6", to="x"),
            w=M33, c=V3, w6=random(6, 3),
        ),
        np.concatenate([F @ M33 + V3, np.maximum(F @ M33, 0)], 1) @ random(6, 3),
        ("dense", "dense", "relu", "copy", "copy", "dense"),
    ),
    "what is computed twice is written once": Case(
        of_features(
            op("Add", "features", "c", to="a"), op("Add", "features", "same", to="b"),
            op("Concat", "a", "b", to="both", axis=1), op("Gemm", "both", "w6", to="x"),
            c=V3, same=V3.copy(), w6=random(6, 3),
        ),
        np.concatenate([F + V3, F + V3], 1) @ random(6, 3),
        ("affine", "copy", "copy", "dense"),
    ),
    "what nobody needs is not written": Case(
        of_features(op("Softmax", "features", to="away"), op("Relu", "features", to="x")), np.maximum(F, 0), ("relu",)
    ),
    "flatten": Case(
        of_features(op("Flatten", "map", to="f"), op("Gemm", "f", "w8", to="x"), w8=W8), FLAT @ W8, ("dense",)
    ),
    "flatten, counted from the end": Case(
        of_features(op("Flatten", "map", to="f", axis=-3), op("Gemm", "f", "w8", to="x"), w8=W8),
        FLAT @ W8,
        ("dense",),
    ),
    "concat of what stands side by side": Case(
        of_features(
            op("Flatten", "map", to="f"), op("Concat", "f", "features", to="in", axis=1),
            op("Gemm", "in", "w11", to="x"), w11=random(11, 3),
        ),
        np.concatenate([FLAT, F], 1) @ random(11, 3),
        ("dense",),
    ),
    "reshape": Case(
        of_features(op("Reshape", "map", "to", to="f"), op("Gemm", "f", "w8", to="x"), to=[-1, 8], w8=W8),
        FLAT @ W8,
        ("dense",),
    ),
    "reshape that keeps the batch": Case(
        of_features(op("Reshape", "map", "to", to="f"), op("Gemm", "f", "w8", to="x"), to=[0, -1], w8=W8),
        FLAT @ W8,
        ("dense",),
    ),
    "reshape by sizes": Case(of_features(*SHAPED, zero=0, axis=[0], rest=[-1], w8=W8), FLAT @ W8, ("dense",)),
    "map scaled by channel": Case(
        of_features(
            op("Mul", "map", "c", to="m"), op("Flatten", "m", to="f"), op("Gemm", "f", "w8", to="x"),
            c=random(2, 1, 1), w8=W8,
        ),
        (GIVEN["map"] * random(2, 1, 1)).reshape(8, -1) @ W8,
        ("affine", "dense"),
    ),
    "one channel of the map": Case(
        of_features(
            op("Slice", "map", "from", "to", "axis", to="m"), op("Flatten", "m", to="f"), op("Gemm", "f", "w4", to="x"),
            **{"from": [1], "to": [2**62], "axis": [1], "w4": random(4, 3)},
        ),
        GIVEN["map"][:, 1].reshape(8, 4) @ random(4, 3),
        ("dense",),
    ),
    "constants are folded": Case(
        of_features(
            op("Add", "var", "eps", to="v"), op("Sqrt", "v", to="std"), op("Div", "features", "std", to="x"),
            var=V3**2, eps=np.float32(0.25),
        ),
        F * (1 / np.sqrt(V3**2 + np.float32(0.25))),
        ("affine",),
    ),
    "weights turned around": Case(
        of_features(
            op("Transpose", "w", to="wt", perm=[1, 0]), op("MatMul", "features", "wt", to="x"), w=M33
        ),
        F @ M33.T,
        ("dense",),
    ),
    "constants as operations": Case(
        of_features(op("Constant", to="c", value=V3), op("Add", "features", "c", to="x")), F + V3, ("affine",)
    ),
    "numbers as operations": Case(
        of_features(op("Constant", to="c", value_floats=[1.0, 2.0, 3.0]), op("Add", "features", "c", to="x")),
        F + np.array([1, 2, 3], np.float32),
        ("affine",),
    ),
    "steps between": Case(
        of_features(
            op("Unsqueeze", "features", "axes", to="u"), op("Squeeze", "u", "axes", to="x"), axes=[1]
        ),
        F,
        (),
    ),
}  # fmt: skip


def cast(source: str, made: str, kind: int) -> dict[str, Any]:
    return op("Cast", source, to=made) | {"attribute": [{"name": "to", "i": kind, "type": 2}]}


MASKED = np.where(GIVEN["mask"], 1, 0).astype(np.float32)
CASES["the mask as numbers"] = Case(
    of_features(cast("mask", "m", 1), op("Gemm", "m", "w9", to="x"), w9=random(9, 3)),
    MASKED @ random(9, 3),
    ("dense",),
)
CASES["what the mask forbids as numbers"] = Case(
    of_features(
        op("Not", "mask", to="n"), cast("n", "b", 9), cast("b", "m", 1), op("Gemm", "m", "w9", to="x"),
        w9=random(9, 3),
    ),
    (1 - MASKED) @ random(9, 3),
    ("affine", "dense"),
)  # fmt: skip


def program_of(data: bytes) -> Program:
    graph = read_graph(decode(data))
    sizes = [math.prod(graph.inputs[name]) if name in graph.inputs else 0 for name in ("map", "features")]
    builder = ProgramBuilder(sizes[0], sizes[1], ACTIONS)
    return lower(graph, builder, plain_wiring(graph, builder))


def results(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    inputs = np.concatenate([FLAT, F, GIVEN["mask"]], axis=1, dtype=np.float32)
    return run_program(program_of(data), inputs)


def codes(program: Program) -> list[str]:
    return [CODES[code] for code in program.ops[:, 0]]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_numbers_are_those_of_the_graph(case: Case) -> None:
    logits, values = results(case.data)
    np.testing.assert_allclose(logits, case.x @ HEAD_CONSTANTS["w_actor"], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(values, (case.x @ HEAD_CONSTANTS["w_critic"])[:, 0], rtol=1e-5, atol=1e-5)
    assert codes(program_of(case.data)) == [*case.codes, "dense", "dense"]


@pytest.mark.torch
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_onnxruntime_gives_the_same(case: Case) -> None:
    import onnxruntime

    theirs = onnxruntime.InferenceSession(case.data, providers=["CPUExecutionProvider"]).run(
        ["logits", "value"], GIVEN
    )
    for ours, expected in zip(results(case.data), theirs, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5)


def masked(*nodes: dict[str, Any], **arrays: Any) -> bytes:
    """Operations from "l" to "logits"."""
    actor = [op("Gemm", "features", "w_actor", to="l"), *nodes]
    critic = [op("Gemm", "features", "w_critic", to="v"), op("Reshape", "v", "all", to="value")]
    return model_file([*actor, *critic], HEAD_CONSTANTS | constants(all=[-1], **arrays))


@pytest.mark.parametrize(
    "nodes",
    [
        [op("Where", "mask", "l", "low", to="logits")],
        [op("Not", "mask", to="n"), op("Where", "n", "low", "l", to="logits")],
        [op("Where", "mask", "l", "low", to="w"), op("Identity", "w", to="logits")],
    ],
)
def test_logits_may_be_filled_where_the_mask_forbids(nodes: list[dict[str, Any]]) -> None:
    data = masked(*nodes, low=np.float32(-np.inf))
    assert codes(program_of(data)) == ["dense", "dense"]
    np.testing.assert_allclose(results(data)[0], F @ HEAD_CONSTANTS["w_actor"], rtol=1e-5, atol=1e-5)


LOW = np.float32(-1e9)
OTHERS = {
    "an operator": (of_features(op("Softmax", "features", to="x")), "the operator Softmax"),
    "a sum of two rows": (of_features(op("Add", "features", "features", to="x")), "two things that are not constant"),
    "a division of a constant": (of_features(op("Div", "c", "features", to="x"), c=V3), "a constant divided"),
    "a division by 0": (of_features(op("Div", "features", "c", to="x"), c=0 * V3), "a division by 0"),
    "an infinite weight": (
        of_features(op("Mul", "features", "c", to="x"), c=np.float32(np.inf)),
        "finite weights|division by 0",
    ),
    "a constant that makes rows longer": (
        of_features(
            op("Gemm", "features", "w", to="p"), op("Relu", "p", to="r"), op("Add", "r", "c", to="x"),
            w=random(3, 1), c=V3,
        ),
        r"a constant of shape \(3,\) beside rows of shape \(1,\)",
    ),
    "a constant for each row of the batch": (
        of_features(op("Add", "features", "c", to="x"), c=random(8, 3)),
        r"a constant of shape \(8, 3\)",
    ),
    "wide constants": (
        of_features(op("Add", "features", "c", to="x"), c=V3.astype(np.float64)),
        "a constant of shape",
    ),
    "flatten of all": (
        of_features(op("Flatten", "map", to="f", axis=2), op("Gemm", "f", "w4", to="x"), w4=random(4, 3)),
        "Flatten of more than a row",
    ),
    "reshape that mixes rows": (
        of_features(op("Reshape", "map", "to", to="f"), op("Gemm", "f", "w4", to="x"), to=[-1, 4], w4=random(4, 3)),
        "Reshape of more than a row",
    ),
    "concat along the batch": (
        of_features(op("Concat", "features", "features", to="x", axis=0)),
        "Concat along another axis",
    ),
    "a transposed row": (
        of_features(op("Gemm", "features", "w", to="x", transA=1), w=M33),
        "Gemm with other operands",
    ),
    "a product of other sizes": (
        of_features(op("MatMul", "features", "w", to="x"), w=random(4, 3)),
        "MatMul with other operands",
    ),
    "a product of rows": (of_features(op("MatMul", "features", "features", to="x")), "not constant"),
    "a squeeze of whatever is 1": (
        with_heads(op("Squeeze", "features", to="x")),
        "Squeeze of more than a row",
    ),
    "dropout in training": (
        of_features(op("Dropout", "features", "", "yes", to="x"), yes=np.array(True)),
        "Dropout in training",
    ),
    "an operation on filled logits": (
        masked(op("Where", "mask", "l", "low", to="w"), op("Relu", "w", to="logits"), low=LOW),
        "filled where the mask forbids",
    ),
    "where of something else": (
        masked(op("Where", "mask", "l", "l", to="logits"), low=LOW),
        "Where of something else",
    ),
    "filled with the mask turned around": (
        masked(op("Not", "mask", to="n"), op("Where", "n", "l", "low", to="logits"), low=LOW),
        "Where of something else",
    ),
    "the mask as logits": (masked(op("Identity", "mask", to="logits")), "something else than numbers"),
    "a cast to wide numbers": (of_features(cast("features", "w", 11), cast("w", "x", 1)), "a cast to another type"),
    "steps": (
        with_heads(
            op("Slice", "features", "from", "to", "axis", "step", to="s"),
            op("Concat", "s", "features", to="l", axis=1),
            op("Gemm", "l", "w5", to="x"),
            constants=constants(**{"from": [0], "to": [3], "axis": [1], "step": [2], "w5": random(5, 3)}),
        ),
        "Slice of more than a row, or with steps",
    ),
    "operands that are not there": (of_features(op("Add", "features", to="x")), "Add|not enough values"),
    "several outputs": (of_features(op("Split", "features", "n", to=["a", "x"]), n=[0, 3]), "several outputs"),
}  # fmt: skip


@pytest.mark.parametrize("data, reason", OTHERS.values(), ids=OTHERS)
def test_what_is_not_compiled(data: bytes, reason: str) -> None:
    with pytest.raises(NotCompiled, match=reason):
        program_of(data)


def test_a_small_file_makes_no_large_program(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [op("Gemm", f"x{n}", "w", to=f"x{n + 1}", alpha=1.0 + n) for n in range(10)]
    data = with_heads(
        op("Identity", "features", to="x0"), *nodes, op("Relu", "x10", to="x"), constants={"w": M33}
    )
    assert len(codes(program_of(data))) == 13
    monkeypatch.setattr(lowering, "MOST_NUMBERS", 80)
    with pytest.raises(NotCompiled, match="more than 80 weights"):
        program_of(data)
    monkeypatch.undo()
    monkeypatch.setattr(lowering, "MOST_SCRATCH", 20)
    with pytest.raises(NotCompiled, match="20 numbers on the way"):
        program_of(data)


def test_wiring() -> None:
    """Inputs gathered from where they stand, and logits put in another order."""
    graph = read_graph(decode(with_heads(op("Relu", "features", to="x"))))
    builder = ProgramBuilder(8, 4, ACTIONS)
    order = [*range(1, ACTIONS), 0]
    wiring = Wiring(
        {**plain_wiring(graph, builder).inputs, "features": [(10, 2), (8, 1)]},
        [(place, 1) for place in order],
    )
    seen = np.arange(21, dtype=np.float32)[None]
    logits, values = run_program(lower(graph, builder, wiring), seen)
    x = np.array([[10, 11, 8]], np.float32)
    np.testing.assert_allclose(logits, (x @ HEAD_CONSTANTS["w_actor"])[:, order], rtol=1e-5)
    np.testing.assert_allclose(values, (x @ HEAD_CONSTANTS["w_critic"])[:, 0], rtol=1e-5)
