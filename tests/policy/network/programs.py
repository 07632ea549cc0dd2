"""Networks of random numbers as programs, what agents see, and a plain twin of the forward in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from townlet.policy.network.program import AFFINE, CLIP, COPY, DENSE, RELU, Program, ProgramBuilder
from townlet.policy.network.table import NetworkTable

MAP_SHAPE, FEATURES, ACTIONS = (3, 5, 5), 9, 6
MAP_SIZE = 75


def random_program(
    seed: int = 0,
    *,
    hidden: tuple[int, ...] = (13, 8),
    activation: str = "tanh",
    trunk: int = 0,
    sizes: tuple[int, int, int] = (MAP_SIZE, FEATURES, ACTIONS),
    scale: float = 1.0,
) -> Program:
    """Normalised and clipped features, then an actor and a critic of their own; `trunk` numbers before both."""
    rng = np.random.default_rng(seed)
    builder = ProgramBuilder(*sizes)
    count = sizes[1]
    features = builder.affine(builder.feature, rng.uniform(0.5, 2, count), rng.normal(size=count))
    features = builder.clip(features, np.full(count, -1.5), np.full(count, 1.5))
    start, size = builder.copy([(builder.map, sizes[0]), (features, count)]), sizes[0] + count

    def layers(source: int, size: int, outputs: tuple[int, ...]) -> int:
        for index, outs in enumerate(outputs):
            weights = scale * rng.normal(0, size**-0.5, (size, outs))
            source, size = builder.dense(source, weights, rng.normal(0, 0.1, outs)), outs
            if index < len(outputs) - 1:
                source = getattr(builder, activation)(source, outs)
        return source

    if trunk:
        start, size = builder.relu(layers(start, size, (trunk,)), trunk), trunk
    return builder.build(layers(start, size, (*hidden, sizes[2])), layers(start, size, (*hidden, 1)))


def random_views(
    seed: int, agents: int, ticks: int = 1, shape: tuple[int, ...] = MAP_SHAPE, features: int = FEATURES,
    actions: int = ACTIONS,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Maps [A, T, C, W, W], mostly 0 as they are; features [A, T, F], some of them 0; masks [A, T, U]."""
    rng = np.random.default_rng(seed)
    maps = (rng.random((agents, ticks, *shape)) < 0.1).astype(np.float32)
    seen = rng.normal(size=(agents, ticks, features)) * (rng.random((agents, ticks, features)) < 0.7)
    masks = rng.random((agents, ticks, actions)) < 0.6
    masks[..., 0] = True
    return maps, seen.astype(np.float32), masks


def float64_twin(program: Program, map_: Any, features: Any, mask: Any) -> tuple[np.ndarray, float]:
    """Logits [U] and value of one row, written from the docstring of `program.py`, in float64 and with `@`."""
    scratch = np.zeros(program.scratch)
    scratch[: program.inputs] = np.concatenate([np.ravel(map_), np.ravel(features), np.ravel(mask)])
    weights = program.weights.astype(np.float64)
    for code, source, target, size_in, size_out, first in program.ops.tolist():
        x, own = scratch[source : source + size_in], weights[first:]
        if code == DENSE:
            matrix = own[: size_in * size_out].reshape(size_in, size_out)
            y = x @ matrix + own[size_in * size_out :][:size_out]
        elif code == AFFINE:
            y = x * own[:size_in] + own[size_in : 2 * size_in]
        elif code == CLIP:
            y = np.minimum(np.maximum(x, own[:size_in]), own[size_in : 2 * size_in])
        else:
            y = x if code == COPY else np.maximum(x, 0) if code == RELU else np.tanh(x)
        scratch[target : target + size_out] = y
    return scratch[program.logits : program.logits + program.actions], float(scratch[program.value])


def results(table: NetworkTable, count: int) -> tuple[np.ndarray, np.ndarray]:
    """What the last forward left for `count` rows."""
    return table.logits[:count].copy(), table.value[:count].copy()
