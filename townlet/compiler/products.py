"""Sums of products of a few rows at once: the inner loop of a network's layer, which is its time.

Compiled, it is vector code of our own (`townlet/compiler/vectors.py`); here is what it does.
"""

from __future__ import annotations

from typing import Any

LANES = 16  # outputs that are summed at once
MOST_ROWS = 4  # rows that are


def add_products(
    weights: Any, first: Any, place: Any, factor: Any, start: Any, count: Any, rows: Any, wide: Any, sums: Any
) -> None:
    """sums[r, o] = bias[o] + w[place[0], o] * factor[0, r] + w[place[1], o] * factor[1, r] + ..., in this order.

    For LANES outputs o and `rows` rows r, in float32, each operation rounded on its own. `weights` from `first` on are
    the bias [LANES] and w [inputs, LANES]; `place` [count], from `start` on, holds LANES times the number of an input,
    and `factor` [count * MOST_ROWS], from MOST_ROWS * start on, that input of each row; `sums` is [MOST_ROWS * LANES].
    1 <= rows <= MOST_ROWS. `wide`: the processor has vectors of eight numbers (AVX2); it changes no bit.
    """
    base, used = int(first), range(int(start), int(start) + int(count))
    for r in range(rows):
        for o in range(LANES):
            y = weights[base + o]
            for k in used:
                y += weights[base + LANES + int(place[k]) + o] * factor[MOST_ROWS * k + r]
            sums[r * LANES + o] = y
