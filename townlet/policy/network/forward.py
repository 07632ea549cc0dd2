"""A network's forward inside compiled code: float32 sums in a fixed order, so that equal inputs give equal bytes.

A row's numbers depend on nothing but what stands in that row: not on who else is decided for, nor on their number. An
output of a DENSE starts as its bias, and its inputs' products are added one after another, in order. Kernels do this
for LANES outputs of MOST_ROWS rows at a time (`add_products`), and leave out inputs that are 0 in all of these rows:
neither changes the order of a sum, nor a rounding. Without a compiler `forward_plain` does the same with NumPy rows:
sums and products of single elements, never `@` or `sum`, whose order of adding is not ours.

Indices are unsigned: a signed one costs a test for counting from the end, at every number.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from townlet.policy.network.elementary import tanh, tanh_of
from townlet.policy.network.program import AFFINE, CLIP, COPY, DENSE, RELU
from townlet.world.jit import LANES, MOST_ROWS, add_products, compiled, inlined, inner, kernel, rule

ZERO, ONE, TWO, THREE, FOUR = (np.uint64(number) for number in range(5))
NIL = np.float32(0.0)


@inlined
def see(maps, features, masks, i, t, scratch, at):
    """Copy what row i sees in slot t to `scratch[at:]`: map, features, mask."""
    tiles = np.uint64(maps.shape[2]) * np.uint64(maps.shape[3]) * np.uint64(maps.shape[4])
    first = (np.uint64(i) * np.uint64(maps.shape[1]) + np.uint64(t)) * tiles
    flat = maps.flat
    for tile in range(tiles):
        scratch[at + np.uint64(tile)] = flat[first + np.uint64(tile)]
    at += tiles
    for f in range(features.shape[2]):
        scratch[at + np.uint64(f)] = features[np.uint64(i), np.uint64(t), np.uint64(f)]
    at += np.uint64(features.shape[2])
    for u in range(masks.shape[2]):
        scratch[at + np.uint64(u)] = masks[np.uint64(i), np.uint64(t), np.uint64(u)]


@inner
def nonzeros(scratch, a, b, c, d, size, place, factor, start):
    """Write which of `size` inputs are not 0 in all of four rows, whose inputs begin at a to d, and those inputs.

    They stand from `start` on. Returns how many they are.
    """
    at, lanes = start, np.uint64(LANES)
    for input_ in range(size):
        j = np.uint64(input_)
        w, x, y, z = scratch[a + j], scratch[b + j], scratch[c + j], scratch[d + j]
        if w != NIL or x != NIL or y != NIL or z != NIL:
            place[at] = lanes * j
            of = FOUR * at
            factor[of] = w
            factor[of + ONE] = x
            factor[of + TWO] = y
            factor[of + THREE] = z
            at += ONE
    return at - start


@inner
def take_sums(sums, rows, lanes, scratch, target, width):
    """Write the first `lanes` sums of each row where they belong."""
    for r in range(rows):
        at, of = target + np.uint64(r) * width, np.uint64(r * LANES)
        for o in range(lanes):
            scratch[at + np.uint64(o)] = sums[of + np.uint64(o)]


@inner
def dense(table, first, size_in, size_out, target, count):
    """The outputs of a layer for `count` rows, of the inputs that `nonzeros` found; `target` is the first row's.

    A tile of the weights is used for all rows before the next one is read.
    """
    width, tile = np.uint64(table.width[0]), np.uint64(size_in + 1) * np.uint64(LANES)
    for start in range(0, size_out, LANES):
        lanes = min(LANES, size_out - start)
        for r in range(0, count, MOST_ROWS):
            rows, block = min(MOST_ROWS, count - r), r // MOST_ROWS
            add_products(
                table.weights, first, table.place, table.factor, table.found[block, 0], table.found[block, 1], rows,
                table.wide[0], table.sums,
            )  # fmt: skip
            at = target + np.uint64(r) * width + np.uint64(start)
            take_sums(table.sums, rows, lanes, table.scratch, at, width)
        first += tile


@inner
def affine(weights, first, size, scratch, source, target):
    """y = x * scale + shift."""
    for element in range(size):
        o = np.uint64(element)
        scratch[target + o] = scratch[source + o] * weights[first + o] + weights[first + np.uint64(size) + o]


@inner
def clip(weights, first, size, scratch, source, target):
    """y = min(max(x, low), high)."""
    for element in range(size):
        o = np.uint64(element)
        x, low, high = scratch[source + o], weights[first + o], weights[first + np.uint64(size) + o]
        x = low if x < low else x
        scratch[target + o] = high if x > high else x


@inner
def elementwise(code, size, scratch, source, target):
    """COPY, RELU or TANH."""
    if code == COPY:
        for element in range(size):
            scratch[target + np.uint64(element)] = scratch[source + np.uint64(element)]
    elif code == RELU:
        for element in range(size):
            x = scratch[source + np.uint64(element)]
            scratch[target + np.uint64(element)] = NIL if x < NIL else x
    else:
        for element in range(size):
            scratch[target + np.uint64(element)] = tanh(np.float64(scratch[source + np.uint64(element)]))


@inner
def same_inputs(table, p, end):
    """The end of the layers from operation p on that read the same inputs: they stand together."""
    ops, q = table.ops, p + 1
    while q < end and ops[q, 0] == DENSE and ops[q, 1] == ops[p, 1] and ops[q, 3] == ops[p, 3]:
        q += 1
    return q


@inner
def layers(table, p, q, count):
    """Play the layers p to q - 1, which read the same inputs, for `count` rows, MOST_ROWS at a time."""
    ops, width, room = (
        table.ops,
        np.uint64(table.width[0]),
        np.uint64(table.place.shape[0] // table.found.shape[0]),
    )
    for r in range(0, count, MOST_ROWS):
        rows, block = min(MOST_ROWS, count - r), r // MOST_ROWS
        a = np.uint64(r) * width + np.uint64(ops[p, 1])
        b = a + width if rows > 1 else a  # who is not there is as the one before
        c = b + width if rows > 2 else b
        d = c + width if rows > 3 else c
        start = np.uint64(block) * room
        table.found[block, 0] = start
        table.found[block, 1] = nonzeros(
            table.scratch, a, b, c, d, ops[p, 3], table.place, table.factor, start
        )  # fmt: skip
    for m in range(p, q):
        dense(table, np.uint64(ops[m, 5]), ops[m, 3], ops[m, 4], np.uint64(ops[m, 2]), count)


@inner
def play_ops(table, n, count):
    """Play network n's operations for `count` rows of the scratch."""
    ops, weights, scratch, width = table.ops, table.weights, table.scratch, np.uint64(table.width[0])
    p, end = table.first[n], table.first[n + 1]
    while p < end:
        code, size, first = ops[p, 0], ops[p, 3], np.uint64(ops[p, 5])
        q = same_inputs(table, p, end) if code == DENSE else p + 1
        if code == DENSE:
            layers(table, p, q, count)
        for r in range(0 if code == DENSE else count):
            at = np.uint64(r) * width
            source, target = at + np.uint64(ops[p, 1]), at + np.uint64(ops[p, 2])
            if code == AFFINE:
                affine(weights, first, size, scratch, source, target)
            elif code == CLIP:
                clip(weights, first, size, scratch, source, target)
            else:
                elementwise(code, size, scratch, source, target)
        p = q


@rule
def forward_compiled(table, n, maps, features, masks, t, count):
    """Network n on what the rows `table.row[:count]` see in slot t: fills `table.logits` and `table.value`.

    maps [A, T, C, W, W], features [A, T, F] float32, masks [A, T, U] bool, all contiguous; count <= ROWS.
    """
    scratch, width = table.scratch, np.uint64(table.width[0])
    for r in range(count):
        see(maps, features, masks, table.row[r], t, scratch, np.uint64(r) * width)
    play_ops(table, n, count)
    logits, value = np.uint64(table.output[n, 0]), np.uint64(table.output[n, 1])
    for r in range(count):
        at = np.uint64(r) * width
        for u in range(table.logits.shape[1]):
            table.logits[r, u] = scratch[at + logits + np.uint64(u)]
        table.value[r] = scratch[at + value]


def forward_plain(table: Any, n: Any, maps: Any, features: Any, masks: Any, t: Any, count: Any) -> None:
    """As `forward_compiled`, for a process without a compiler."""
    rows, width = table.row[:count], int(table.width[0])
    scratch = table.scratch.reshape(-1, width)[:count]
    seen = [maps[rows, t].reshape(count, -1), features[rows, t], masks[rows, t]]
    at = 0
    for part in seen:
        scratch[:, at : at + part.shape[1]] = part
        at += part.shape[1]
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is reported, not warned of
        for op in table.ops[table.first[n] : table.first[n + 1]].tolist():
            _play(op, table.weights, scratch)
    logits, value = table.output[n].tolist()
    table.logits[:count] = scratch[:, logits : logits + table.logits.shape[1]]
    table.value[:count] = scratch[:, value]


def _play(op: list[int], weights: np.ndarray, scratch: np.ndarray) -> None:
    """One operation on all rows of `scratch` [rows, width]."""
    code, source, target, size_in, size_out, first = op
    x, y = scratch[:, source : source + size_in], scratch[:, target : target + size_out]
    own = weights[first : first + 2 * size_out]
    if code == DENSE:
        tiles = -(-size_out // LANES)
        packed = weights[first : first + tiles * (1 + size_in) * LANES].reshape(tiles, 1 + size_in, LANES)
        matrix = packed.transpose(1, 0, 2).reshape(1 + size_in, tiles * LANES)[:, :size_out]
        y[:] = matrix[0]
        for j in range(size_in):
            if x[:, j].any():  # a product of 0 changes no sum
                y += matrix[1 + j] * x[:, j, None]
    elif code == AFFINE:
        y[:] = x * own[:size_out] + own[size_out:]
    elif code == CLIP:
        low, high = own[:size_out], own[size_out:]
        raised = np.where(x < low, low, x)
        y[:] = np.where(raised > high, high, raised)
    elif code == RELU:
        y[:] = np.where(x < 0, np.float32(0), x)
    else:
        y[:] = x if code == COPY else tanh_of(x)


forward = forward_compiled if compiled() else forward_plain


@kernel
def ask(table, n, maps, features, masks, t, count):
    """`forward` for Python: a way into the code that segments call, instead of a copy of it."""
    forward(table, n, maps, features, masks, t, count)
