"""All networks of a run as one argument for kernels: the same types for every config, with or without networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from townlet.arrays import F32, F64, I64, U64, Bool
from townlet.policy.network.program import AFFINE, CLIP, DENSE, SIZE_IN, WEIGHT, Program, check
from townlet.world.jit import LANES, MOST_ROWS, has_wide_vectors

ROWS = 16  # agents that a network decides for at once: every layer's weights are read once for all of them


class NetworkTable(NamedTuple):
    """Letters: N networks, P operations of all, W weights of all, U actions. What follows `row` is scratch."""

    ops: I64  # [P, 6]  as in program.py, but for the places of the weights
    first: I64  # [N + 1]  operations of network n: ops[first[n]:first[n + 1]]
    weights: F32  # [W]  those of a DENSE by tiles, see `tiles_of`
    output: I64  # [N, 2]  where logits and value stand in a row's scratch
    compiled: Bool  # [N]  kernels decide; else Python does, with another runtime
    greedy: Bool  # [N]
    temperature: F64  # [N]
    width: I64  # [1]  numbers of a row's scratch
    wide: Bool  # [1]  the processor has wide vectors
    row: I64  # [ROWS]  of whom a network is about to decide for
    scratch: F32  # [ROWS * width]
    found: U64  # [ROWS / MOST_ROWS, 2]  by block of rows: where its inputs begin in `place`, and how many they are
    place: U64  # [blocks * most inputs of a DENSE]  LANES times the numbers of those that are not 0 in all its rows
    factor: F32  # [MOST_ROWS times as many]  those inputs, of each row
    sums: F32  # [MOST_ROWS * LANES]
    logits: F32  # [ROWS, U]
    value: F32  # [ROWS]
    chance: F64  # [U]
    fault: Bool  # [N]  has given a number that is not finite


@dataclass(frozen=True)
class Actor:
    """How a network of a run acts; `program` is None where kernels do not play it."""

    program: Program | None
    greedy: bool = False
    temperature: float = 1.0


def network_table(actors: Sequence[Actor], actions: int) -> NetworkTable:
    """The table of a run's networks, in the order of their numbers; `actions` is the size of the action space.

    Raises ValueError for a program that is not sound, or that is for other actions.
    """
    programs = [actor.program for actor in actors]
    for program in programs:
        if program is not None:
            check(program)
            if program.actions != actions:
                raise ValueError(f"network: expected {actions} actions, got {program.actions}")
    parts, weights, used = [], [np.zeros(0, np.float32)], 0
    for program in programs:
        ops, packed = _packed(program)
        ops[:, WEIGHT] += used
        parts.append(ops)
        weights.append(packed)
        used += len(packed)
    ops = np.concatenate([*parts, np.zeros((0, 6), np.int64)])
    width = max((program.scratch for program in programs if program is not None), default=0)
    inputs, blocks = int(ops[:, SIZE_IN].max(initial=0)), ROWS // MOST_ROWS
    return NetworkTable(
        ops=ops,
        first=np.cumsum([0, *map(len, parts)], dtype=np.int64),
        weights=np.concatenate(weights),
        output=np.array([(0, 0) if p is None else (p.logits, p.value) for p in programs], np.int64).reshape(-1, 2),
        compiled=np.array([program is not None for program in programs], np.bool_),
        greedy=np.array([actor.greedy for actor in actors], np.bool_),
        temperature=np.array([actor.temperature for actor in actors], np.float64),
        width=np.array([width], np.int64),
        wide=np.array([has_wide_vectors()], np.bool_),
        row=np.zeros(ROWS, np.int64),
        scratch=np.zeros(ROWS * width, np.float32),
        found=np.zeros((blocks, 2), np.uint64),
        place=np.zeros(blocks * inputs, np.uint64),
        factor=np.zeros(MOST_ROWS * blocks * inputs, np.float32),
        sums=np.zeros(MOST_ROWS * LANES, np.float32),
        logits=np.zeros((ROWS, actions), np.float32),
        value=np.zeros(ROWS, np.float32),
        chance=np.zeros(actions, np.float64),
        fault=np.zeros(len(actors), np.bool_),
    )  # fmt: skip


def tiles_of(matrix: F32, bias: F32) -> F32:
    """[tiles, 1 + in, LANES]: a layer's weights [in, out] as they are read, LANES outputs at a time, their bias first.

    Outputs are filled up with zeros to a whole number of tiles.
    """
    both = np.concatenate([bias[None], matrix])
    tiles = -(-len(bias) // LANES)
    filled = np.zeros((len(both), tiles * LANES), np.float32)
    filled[:, : len(bias)] = both
    return np.ascontiguousarray(filled.reshape(len(both), tiles, LANES).transpose(1, 0, 2))


def _packed(program: Program | None) -> tuple[I64, F32]:
    """A program's operations, by level, and its weights as the kernels read them."""
    if program is None:
        return np.zeros((0, 6), np.int64), np.zeros(0, np.float32)
    ops, parts, used = _by_level(program), [np.zeros(0, np.float32)], 0
    for op in ops:
        code, _, _, size_in, size_out, first = op.tolist()
        own = program.weights[first : first + 2 * size_out * (code in (AFFINE, CLIP))]
        if code == DENSE:
            end = first + size_in * size_out
            matrix = program.weights[first:end].reshape(size_in, size_out)
            own = tiles_of(matrix, program.weights[end : end + size_out]).reshape(-1)
        op[WEIGHT] = used
        parts.append(own)
        used += len(own)
    return ops, np.concatenate(parts)


def _by_level(program: Program) -> I64:
    """A program's operations, those first that fewer others come before.

    Layers that read the same inputs (an actor's first one and a critic's) then stand together, and the kernel looks
    once for inputs that are 0. No operation writes what another one wrote, so that the order changes no number.
    """
    level = np.zeros(program.scratch, np.int64)  # of the operation that writes a number
    key = []
    for code, source, target, size_in, size_out, _ in program.ops.tolist():
        own = int(level[source : source + size_in].max()) + 1
        level[target : target + size_out] = own
        key.append((own, code == DENSE, source, size_in))
    order = sorted(range(len(key)), key=lambda p: (key[p], p))
    return program.ops[order]
