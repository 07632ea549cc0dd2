"""Inputs to try a network with before anything is played: nothing, something usual, and random numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from townlet.arrays import F32
from townlet.policy.network.program import AFFINE, CLIP, COPY, DENSE, RELU, TANH, Program

ROWS = 8
_RANDOM = 4.0  # largest of the random numbers


def probe_inputs(shapes: Mapping[str, tuple[int, ...]], actions: int) -> dict[str, np.ndarray]:
    """[8, ...] of each input: a row of zeros, rows of zeros and ones with features in 0..1, rows in -4..4.

    `shapes`: sizes of one row by the input's name. Every row may do something: waiting is always legal.
    """
    rng = np.random.default_rng(20_011)
    found: dict[str, np.ndarray] = {}
    for name, shape in sorted(shapes.items()):
        if name == "mask":
            continue
        usual = rng.random((3, *shape)) if name == "features" else rng.integers(0, 2, (3, *shape))
        rows = [np.zeros((1, *shape)), usual, rng.uniform(-_RANDOM, _RANDOM, (ROWS - 4, *shape))]
        found[name] = np.concatenate(rows).astype(np.float32)
    masks = rng.integers(0, 2, (ROWS, actions)) != 0
    masks[:, 0] = True
    masks[1] = True
    return found | {"mask": masks}


def run_program(program: Program, inputs: F32) -> tuple[F32, F32]:
    """Logits [B, U] and values [B] of a program for rows [B, inputs]: close to what the kernels give."""
    scratch = np.zeros((len(inputs), program.scratch), np.float32)
    scratch[:, : program.inputs] = inputs
    with np.errstate(all="ignore"):
        for code, source, target, size_in, size_out, first in program.ops.tolist():
            x = scratch[:, source : source + size_in]
            w = program.weights[first:]
            scratch[:, target : target + size_out] = _result(code, x, w, size_in, size_out)
    logits = scratch[:, program.logits : program.logits + program.actions]
    return logits, scratch[:, program.value]


def _result(code: int, x: F32, w: F32, size_in: int, size_out: int) -> F32:
    if code == COPY:
        return x
    if code == AFFINE:
        return x * w[:size_out] + w[size_out : 2 * size_out]
    if code == CLIP:
        return np.minimum(np.maximum(x, w[:size_out]), w[size_out : 2 * size_out])
    if code == DENSE:
        end = size_in * size_out
        return x @ w[:end].reshape(size_in, size_out) + w[end : end + size_out]
    if code == RELU:
        return np.maximum(x, 0)
    assert code == TANH
    return np.tanh(x)
