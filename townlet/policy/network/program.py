"""A compiled network: straight-line code over one float32 scratch vector a row.

The scratch begins with what an agent sees: its map, flattened in C order (C * W * W numbers), then its features (F),
then its mask (U, 0 or 1). Every operation reads a stretch of the scratch and writes a fresh one behind all that were
written before, so that nothing is ever overwritten. A row of `Program.ops` is

    code, source, target, size_in, size_out, first weight

    COPY    y = x
    AFFINE  y = x * scale + shift             weights: scale [n], shift [n]
    CLIP    y = min(max(x, low), high)        weights: low [n], high [n]
    DENSE   y = bias; y += w[j] * x[j]        weights: w [size_in, size_out] row-major, bias [size_out]; j in order
    RELU    y = max(x, 0)
    TANH    y = tanh(x)

All arithmetic is float32, each operation rounded on its own. Where x[j] is 0 a DENSE may leave j out: with finite
weights and no bias of -0 that changes no bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from townlet.arrays import F32, I64

COPY, AFFINE, CLIP, DENSE, RELU, TANH = range(6)
CODES = ("copy", "affine", "clip", "dense", "relu", "tanh")
CODE, SOURCE, TARGET, SIZE_IN, SIZE_OUT, WEIGHT = range(6)  # columns of `ops`


@dataclass(frozen=True, eq=False)
class Program:
    """Straight-line code of a network, with an actor's logits and a critic's value at the end."""

    ops: I64  # [P, 6]
    weights: F32  # [n]
    scratch: int  # numbers of a row's scratch
    logits: int  # where the U logits stand
    value: int  # where the value stands
    map_size: int  # C * W * W
    features: int  # F
    actions: int  # U

    @property
    def inputs(self) -> int:
        """How many numbers an agent sees: map, features and mask."""
        return self.map_size + self.features + self.actions


class ProgramBuilder:
    """Writes a program, operation by operation; each returns the offset of what it writes.

    Raises ValueError for what is no operation: stretches that were not written, weights of another shape.
    """

    def __init__(self, map_size: int, features: int, actions: int):
        self.map_size, self.features, self.actions = map_size, features, actions
        self.map, self.feature, self.mask = 0, map_size, map_size + features  # offsets of the inputs
        self._end = map_size + features + actions
        self._ops: list[tuple[int, ...]] = []
        self._weights: list[F32] = []
        self._used = 0

    def copy(self, parts: Sequence[tuple[int, int]]) -> int:
        """Stretches `(offset, size)` one behind the other. Those that stand so already are not copied."""
        if not parts:
            raise ValueError("copy: expected at least one stretch")
        ends = [offset + size for offset, size in parts]
        if all(end == offset for end, (offset, _) in zip(ends, parts[1:], strict=False)):
            self._written("copy", parts[0][0], ends[-1] - parts[0][0])
            return parts[0][0]
        first = self._end
        for offset, size in parts:
            self._add(COPY, offset, size, size)
        return first

    def affine(self, source: int, scale: Any, shift: Any) -> int:
        """x * scale + shift, element by element."""
        factors, terms = _vector(scale, "affine: scale"), _vector(shift, "affine: shift")
        _same_size("affine", factors, terms)
        return self._add(AFFINE, source, len(factors), len(factors), factors, terms)

    def clip(self, source: int, low: Any, high: Any) -> int:
        """min(max(x, low), high), element by element; bounds may be infinite."""
        least, most = _vector(low, "clip: low"), _vector(high, "clip: high")
        _same_size("clip", least, most)
        return self._add(CLIP, source, len(least), len(least), least, most)

    def dense(self, source: int, weights: Any, bias: Any) -> int:
        """x @ weights + bias: `weights` [in, out], `bias` [out]."""
        matrix, terms = np.asarray(weights, np.float32), _vector(bias, "dense: bias")
        if matrix.ndim != 2 or matrix.shape[1] != len(terms):
            raise ValueError(f"dense: expected weights [in, {len(terms)}], got shape {matrix.shape}")
        return self._add(DENSE, source, *matrix.shape, matrix.reshape(-1), terms + np.float32(0.0))  # no -0

    def relu(self, source: int, size: int) -> int:
        """max(x, 0)."""
        return self._add(RELU, source, size, size)

    def tanh(self, source: int, size: int) -> int:
        """The hyperbolic tangent."""
        return self._add(TANH, source, size, size)

    def build(self, logits: int, value: int) -> Program:
        """The program whose U logits and one value stand at these offsets."""
        self._written("logits", logits, self.actions)
        self._written("value", value, 1)
        program = Program(
            ops=np.array(self._ops, np.int64).reshape(-1, 6),
            weights=np.concatenate([*self._weights, np.zeros(0, np.float32)]),
            scratch=self._end, logits=logits, value=value,
            map_size=self.map_size, features=self.features, actions=self.actions,
        )  # fmt: skip
        check(program)
        return program

    def _add(self, code: int, source: int, size_in: int, size_out: int, *weights: F32) -> int:
        self._written(CODES[code], source, size_in)
        target, self._end = self._end, self._end + size_out
        self._ops.append((code, source, target, size_in, size_out, self._used))
        self._weights += weights
        self._used += sum(map(len, weights))
        return target

    def _written(self, what: str, offset: int, size: int) -> None:
        if size < 1 or offset < 0 or offset + size > self._end:
            raise ValueError(
                f"{what}: expected a stretch within 0 to {self._end}, got {offset} to {offset + size}"
            )


def check(program: Program) -> None:
    """Raise ValueError unless every number that a kernel reads or writes is in its array: kernels do not check.

    An operation reads what was written before it, and writes behind that; weights are finite (a clip's bounds may
    be infinite).
    """
    ops, weights = program.ops, program.weights
    if ops.dtype != np.int64 or ops.ndim != 2 or ops.shape[1] != 6 or weights.dtype != np.float32:
        raise ValueError(
            f"program: expected int64 ops [P, 6] and float32 weights, got {ops.dtype} {ops.shape}"
        )
    end = program.inputs
    for index, (code, source, target, size_in, size_out, first) in enumerate(ops.tolist()):
        where = f"program: operation {index}"
        if not 0 <= code < len(CODES) or size_in < 1 or size_out < 1:
            raise ValueError(
                f"{where}: expected a code below {len(CODES)} and sizes above 0, got {ops[index]}"
            )
        if code != DENSE and size_in != size_out:
            raise ValueError(f"{where}: {CODES[code]}: expected one size, got {size_in} and {size_out}")
        if not 0 <= source <= end - size_in or target != end:
            raise ValueError(
                f"{where}: expected to read below {end} and to write at it, got {source} and {target}"
            )
        if not 0 <= first <= len(weights) - _weights_of(code, size_in, size_out):
            raise ValueError(f"{where}: expected weights below {len(weights)}, got them from {first} on")
        _check_numbers(where, code, weights[first : first + _weights_of(code, size_in, size_out)], size_out)
        end += size_out
    if end != program.scratch:
        raise ValueError(f"program: expected a scratch of {end}, got {program.scratch}")
    for what, offset, size in (("logits", program.logits, program.actions), ("value", program.value, 1)):
        if not 0 <= offset <= end - size:
            raise ValueError(f"program: {what}: expected an offset from 0 to {end - size}, got {offset}")


def _weights_of(code: int, size_in: int, size_out: int) -> int:
    """How many weights an operation has."""
    if code == DENSE:
        return (size_in + 1) * size_out
    return 2 * size_out if code in (AFFINE, CLIP) else 0


def _check_numbers(where: str, code: int, numbers: F32, size_out: int) -> None:
    if np.isnan(numbers).any() or (code != CLIP and np.isinf(numbers).any()):
        raise ValueError(f"{where}: {CODES[code]}: expected finite weights")
    bias = numbers[-size_out:]
    if code == DENSE and (np.signbit(bias) & (bias == 0)).any():
        raise ValueError(f"{where}: dense: expected no bias of -0")


def _vector(numbers: Any, where: str) -> F32:
    found = np.array(numbers, np.float32)
    if found.ndim != 1:
        raise ValueError(f"{where}: expected one dimension, got shape {found.shape}")
    return found


def _same_size(what: str, first: F32, second: F32) -> None:
    if len(first) != len(second):
        raise ValueError(f"{what}: expected two vectors of one length, got {len(first)} and {len(second)}")
