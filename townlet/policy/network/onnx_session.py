"""Networks that are not compiled, run by onnxruntime (the extra `policy`): one thread, one batch size, fixed settings.

What a file may make onnxruntime do is bounded. Only what `read_graph` took is handed on, written anew: no external
data, no operators but those of ONNX's own that the list below has; no loops, nothing random, no shapes that depend on
what an agent sees. The first run is in a process of its own (`townlet/policy/network/graph/trial.py`).

Bytes are promised for one processor and one version of onnxruntime.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from townlet.arrays import F32, Bool
from townlet.escaping import shown
from townlet.policy.network.graph.graph import Graph
from townlet.policy.network.graph.session import Session, is_installed
from townlet.policy.network.graph.trial import checked_results, in_a_process
from townlet.policy.network.onnx_fields import encode, without_defaults

# What works on numbers, without loops, without chance, and with shapes that follow from those of its operands.
_NAMES = """
Abs Add And ArgMax ArgMin AveragePool BatchNormalization Cast Ceil Celu Clip Concat Constant ConstantOfShape
Conv Cos CumSum Div Dropout Einsum Elu Equal Erf Exp Expand Flatten Floor Gather GatherElements Gelu Gemm
GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual GroupNormalization HardSigmoid HardSwish Hardmax Identity
InstanceNormalization LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization MatMul Max
MaxPool Mean Min Mish Mod Mul Neg Not OneHot Or PRelu Pad Pow RMSNormalization Range Reciprocal ReduceL1
ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Round
Selu Shape Sigmoid Sign Sin Size Slice Softmax Softplus Softsign Split Sqrt Squeeze Sub Sum Swish Tan Tanh
ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Where Xor
"""
_OPERATORS = frozenset(_NAMES.split())
# Operands that decide a shape: they may not depend on what an agent sees.
_SHAPING = {
    "ConstantOfShape": (0,), "CumSum": (1,), "Expand": (1,), "OneHot": (1,), "Pad": (1, 3), "Range": (0, 1, 2),
    "Reshape": (1,), "Slice": (1, 2, 3, 4), "Split": (1,), "Squeeze": (1,), "Tile": (1,), "TopK": (1,), "Trilu": (1,),
    "Unsqueeze": (1,),
    **{f"Reduce{kind}": (1,) for kind in ["L1", "L2", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"]},
}  # fmt: skip


def try_out(message: Mapping[str, Any], graph: Graph, actions: int, why: str) -> None:
    """Whether onnxruntime can run a model that is not compiled. Raises ValueError saying what is wrong.

    `message`: the file as `decode` gave it. `why`: why it is not compiled.
    """
    check_operators(graph)
    check_installed(why)
    in_a_process(content_of(message), graph.inputs, actions)


def content_of(message: Mapping[str, Any]) -> bytes:
    """The file as it was understood, and nothing else: what was passed over is not handed on."""
    return encode(without_defaults(dict(message)))


def check_installed(why: str) -> None:
    """Raise ValueError, saying what to install, where there is no onnxruntime."""
    if not is_installed():
        raise ValueError(
            f"it is not compiled ({why}), and is run by onnxruntime, which is not installed here: "
            "pip install 'townlet[policy]'"
        )


def check_operators(graph: Graph) -> None:
    """Raise ValueError for an operator that is not run, or a shape that depends on what an agent sees."""
    seen = set(graph.inputs)
    for node in graph.nodes:
        if node.operator not in _OPERATORS:
            raise ValueError(
                f"the operator {shown(node.operator)} is not run: expected operators on numbers, without loops "
                "and without chance"
            )
        shaping = [
            node.inputs[index] for index in _SHAPING.get(node.operator, ()) if index < len(node.inputs)
        ]
        if not seen.isdisjoint(shaping):
            raise ValueError(
                f"the operator {node.operator} makes a shape of what an agent sees: expected fixed shapes"
            )
        if node.operator not in ("Shape", "Size") and not seen.isdisjoint(node.inputs):
            seen.update(node.outputs)


class OnnxSession:
    """A model that was tried out, run on batches of one size.

    The last bits of a product may depend on the size of a batch: with one size, and rows that do not mix, a row has the
    same result whoever else is there.
    """

    def __init__(self, content: bytes, actions: int):
        self._session = Session(content)
        self._actions = actions

    def run(self, maps: F32, features: F32, masks: Bool, rows: int) -> tuple[F32, F32]:
        """Logits [B, U] and values [B] for maps [B, C, W, W], features [B, F], masks [B, U]; `rows` in a batch.

        Raises ValueError where onnxruntime cannot go on.
        """
        given = {"map": maps, "features": features, "mask": masks}
        logits = np.zeros((len(masks), self._actions), np.float32)
        values = np.zeros(len(masks), np.float32)
        for first in range(0, len(masks), rows):
            part = slice(first, first + rows)
            size = len(masks[part])
            padded = {name: _padded(array[part], rows) for name, array in given.items()}
            found, worth = checked_results(*self._session.run(padded), rows, self._actions)
            logits[part], values[part] = found[:size], worth[:size]
        return logits, values


def _padded(array: np.ndarray, rows: int) -> np.ndarray:
    """[rows, ...]: the first row again and again behind the others."""
    behind = np.broadcast_to(array[:1], (rows - len(array), *array.shape[1:]))
    return np.concatenate([array, behind])
