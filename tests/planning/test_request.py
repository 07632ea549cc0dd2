"""What is asked for: options that no config can have, each with a message of its own."""

from __future__ import annotations

from typing import Any

import pytest

from townlet.errors import UserError
from townlet.planning.request import Request, check_request


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ticks": 0}, "--ticks: expected 1 to 2\\^31 - 1, got 0"),
        ({"ticks": -5}, "--ticks: expected 1 .* got -5"),
        ({"ticks": 2**31}, "--ticks: expected 1 to"),
        ({"seeds": (-1,)}, "--seed: expected 0 to 2\\^63 - 1, got -1"),
        ({"seeds": (2**63,)}, "--seed: expected 0 to"),
        ({"seeds": (3, 0, 3)}, "--seeds: expected every seed once, got 3 twice"),
        ({"segment_ticks": -1}, "--segment-ticks: expected 0 .* got -1"),
        (
            {"policy": "wise"},
            "--policy: expected one of scripted, needs, uniform, idle, needs-early or network:PATH, got 'wise'",
        ),
        ({"policy": "outside"}, "--policy: expected one of"),
        ({"policy": 3}, "--policy: expected one of"),
        ({"policy": "network:"}, "--policy: expected network:PATH, the path of an ONNX file"),
        ({"policy": "network:a?mode=best"}, "--policy: mode: expected sample or greedy, got 'best'"),
        ({"prefix": "a/b"}, "--prefix: expected 1 to 64"),
        ({"prefix": ""}, "--prefix: expected 1 to 64"),
        ({"prefix": "../x"}, "--prefix: expected 1 to 64"),
        ({"compression": "zip"}, "--compression: expected one of fast, none, small, got 'zip'"),
    ],
)
def test_what_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_request(Request(("town.yaml",), **options))


def test_what_can_be() -> None:
    check_request(Request(("town.yaml",), policy="network:gone.onnx?mode=greedy", seeds=(1, 2), ticks=1))
