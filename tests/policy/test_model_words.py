"""What people are told of a network."""

from __future__ import annotations

import json
from typing import Any

import pytest

from townlet.policy.model_words import LONGEST_TRAINED, network_words, trained_words
from townlet.policy.network.onnx_fields import encode

DIGEST = "0123456789ab" + "c" * 52


def model(told: Any) -> bytes:
    text = told if isinstance(told, str) else json.dumps(told)
    return encode(
        {"metadata_props": [{"key": "else", "value": "{}"}, {"key": "townlet.trained", "value": text}]}
    )


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (f"network:{DIGEST}", "network 0123456789ab"),
        (
            f"network:{DIGEST}?mode=greedy&temperature=0.5&remap=names",
            "network 0123456789ab, greedy, temperature 0.5, remap names",
        ),
        ("network:\x1b[31m?", "network \\x1b[31m"),
        ("network:?\n", "network:?\\x0a"),
    ],
)
def test_a_network_by_name(policy: str, words: str) -> None:
    assert network_words(policy) == words


def test_how_it_was_trained() -> None:
    told = {
        "algorithm": "ppo",
        "iterations": 40,
        "options": {"gamma": 0.99, "clip": None},
        "from": ["a", "b"],
        "no": {},
    }
    assert trained_words(model(told)) == 'algorithm ppo, from ["a", "b"], iterations 40, options.gamma 0.99'


@pytest.mark.parametrize("told", ["", "{", "[" * 100_000, "null", '""', "{}"])
def test_what_tells_nothing(told: str) -> None:
    assert trained_words(model(told)) == ""
    assert trained_words(told.encode()) == trained_words(b"") == trained_words(encode({})) == ""


def test_what_others_may_have_written() -> None:
    assert trained_words(model({"by": "\x1b[31m\nme"})) == "by \\x1b[31m\\x0ame"
    assert len(trained_words(model({str(number): "x" * 20 for number in range(1000)}))) == LONGEST_TRAINED
    deep: Any = 1
    for _ in range(200):
        deep = {"a": deep}
    assert len(trained_words(model(deep))) <= LONGEST_TRAINED
