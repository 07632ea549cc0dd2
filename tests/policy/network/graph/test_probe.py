"""Inputs to try a network with, and a plain run of a program."""

from __future__ import annotations

import numpy as np

from townlet.policy.network.graph.probe import ROWS, probe_inputs, run_program
from townlet.policy.network.program import ProgramBuilder


def test_inputs() -> None:
    given = probe_inputs({"map": (2, 3, 3), "features": (5,), "mask": (4,)}, 4)
    assert {name: array.shape for name, array in given.items()} == {
        "features": (ROWS, 5), "map": (ROWS, 2, 3, 3), "mask": (ROWS, 4),
    }  # fmt: skip
    assert given["map"].dtype == given["features"].dtype == np.float32
    assert given["mask"].dtype == np.bool_
    assert not given["map"][0].any() and not given["features"][0].any()
    assert set(np.unique(given["map"][1:4])) == {0, 1}
    assert 1 < np.abs(given["features"][4:]).max() <= 4
    assert given["mask"][:, 0].all() and given["mask"][1].all()
    assert set(probe_inputs({"features": (5,)}, 4)) == {"features", "mask"}


def test_every_operation() -> None:
    builder = ProgramBuilder(2, 2, 1)
    x = builder.copy([(2, 1), (0, 1)])  # 3, 1
    x = builder.affine(x, [2, -1], [1, 0])  # 7, -1
    x = builder.dense(x, [[1, 0.5], [0, 1]], [0, 0.5])  # 7, 3
    x = builder.clip(x, [-1, -1], [5, 2])  # 5, 2
    x = builder.relu(builder.affine(x, [1, -1], [0, 0]), 2)  # 5, 0
    program = builder.build(builder.affine(x, [2, 1], [0, 0]), builder.tanh(x, 2))
    logits, values = run_program(program, np.array([[1, 2, 3, 4, 1]], np.float32))
    assert logits.tolist() == [[10]]
    np.testing.assert_allclose(values, np.tanh([5]), rtol=1e-6)
