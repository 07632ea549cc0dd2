"""Networks run by onnxruntime: only what was understood is handed on, and batches have one size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.policy.network.graph.graphs import ACTIONS, MAP, op, random, with_heads
from townlet.policy.network.graph.graph import read_graph
from townlet.policy.network.onnx_fields import decode
from townlet.policy.network.onnx_session import OnnxSession, check_operators, content_of

SOFT = op("Softsign", "features", to="x")


def test_what_is_passed_over_is_not_handed_on() -> None:
    data = with_heads(SOFT)
    odd = data + b"\xa2\x06\x06secret" + b"\x32\x03doc"  # a field that no table has, and a doc_string
    assert content_of(decode(odd)) == data


@pytest.mark.parametrize(
    "nodes, message",
    [
        ([op("Loop", "features", to="x")], "the operator Loop is not run"),
        ([op("NonZero", "features", to="n"), SOFT], "the operator NonZero is not run"),
        ([op("Unique", "features", to="n"), SOFT], "the operator Unique is not run"),
        ([op("Expand", "map", "features", to="x")], "the operator Expand makes a shape of what an agent sees"),
        ([op("Shape", "map", to="s"), op("Expand", "features", "s", to="x")], None),
        ([op("Abs", "features", to="a"), op("Range", "a", "a", "a", to="x")], "the operator Range makes a shape"),
    ],
)  # fmt: skip
def test_what_is_run(nodes: list, message: str | None) -> None:
    graph = read_graph(decode(with_heads(*nodes)))
    if message is None:
        check_operators(graph)
        return
    with pytest.raises(ValueError, match=message):
        check_operators(graph)


@pytest.mark.torch
def test_batches_have_one_size() -> None:
    session = OnnxSession(with_heads(SOFT), ACTIONS)
    asked: list[int] = []
    run = session._session.run
    session._session.run = lambda inputs: (asked.append(len(inputs["map"])), run(inputs))[1]
    seen: list[Any] = [random(10, *MAP), random(10, 3), np.ones((10, ACTIONS), np.bool_)]
    logits, values = session.run(*seen, rows=4)
    assert asked == [4, 4, 4] and logits.shape == (10, ACTIONS) and values.shape == (10,)
    for rows in ([3], [9, 0, 1], range(7)):  # whoever else is there
        some: Any = [array[list(rows)] for array in seen]
        found, worth = session.run(*some, rows=4)
        np.testing.assert_array_equal(found, logits[list(rows)])
        np.testing.assert_array_equal(worth, values[list(rows)])
    assert session.run(*(array[:0] for array in seen), rows=4)[0].shape == (0, ACTIONS)
