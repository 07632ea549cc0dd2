"""How policies are named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from townlet.errors import UserError
from townlet.policy_text import (
    MODES,
    REMAPS,
    NetworkText,
    checked_policy,
    digests_of,
    is_network,
    parse_network,
)

DIGEST = "ab" * 32


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("network:best.onnx", NetworkText("best.onnx")),
        ("network:a b/ü.onnx?mode=greedy", NetworkText("a b/ü.onnx", mode="greedy")),
        ("network:x%3Fy.onnx", NetworkText("x?y.onnx")),
        (f"network:{DIGEST}?temperature=.5&remap=names", NetworkText(DIGEST, temperature=0.5, remap="names")),
    ],
)
def test_parts(text: str, expected: NetworkText) -> None:
    assert parse_network(text) == expected
    assert parse_network(str(expected)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("network:", "expected network:PATH"),
        ("network:?mode=greedy", "expected network:PATH"),
        ("network:a?mode=best", "mode: expected sample or greedy, got 'best'"),
        ("network:a?mode=greedy&mode=greedy", "once after '\\?', got 'mode'"),
        ("network:a?speed=1", "expected mode, temperature or remap once after '\\?', got 'speed'"),
        ("network:a?greedy", "got 'greedy'"),
        ("network:a?remap=shape", "remap: expected names, got 'shape'"),
        ("network:a?temperature=0", "temperature: expected 0.001 to 1000, got '0'; mode=greedy"),
        ("network:a?temperature=nan", "temperature: expected"),
        ("network:a?temperature=x", "temperature: expected"),
        ("network:a?temperature=1e9", "temperature: expected"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=f"--policy: {message}" if "expected network" in message else message):
        parse_network(text, "--policy")


@given(
    st.builds(
        NetworkText,
        model=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        mode=st.sampled_from(MODES),
        temperature=st.floats(0.001, 1000),
        remap=st.sampled_from(REMAPS),
    )
)
def test_text_and_parts_are_the_same(network: NetworkText) -> None:
    assert parse_network(str(network)) == network
    assert is_network(str(network))


def test_names() -> None:
    assert checked_policy("needs") == "needs"
    assert checked_policy("network:a?temperature=1.0") == "network:a"
    for wrong in ("network", "best.onnx", None, 3):
        with pytest.raises(
            UserError, match=r"expected one of scripted, needs, uniform, idle, needs-early or network:PATH"
        ):
            checked_policy(wrong)


def test_digests() -> None:
    texts = ["needs", None, f"network:{DIGEST}", f"network:{DIGEST}?mode=greedy", "network:a.onnx"]
    assert digests_of(texts) == (DIGEST,)
