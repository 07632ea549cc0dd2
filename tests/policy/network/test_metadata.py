"""What a model's file says of itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.policy.towns import setting
from townlet.policy.network.metadata import layout_of, read_facts, read_layout, written_facts
from townlet.run import FORMAT_VERSION


def test_what_is_written_is_read() -> None:
    layout = layout_of(setting())
    facts = read_facts(written_facts(layout, {"by": "ppo", "iterations": 3}))
    assert read_layout(facts) == layout
    assert facts["trained"] == {"by": "ppo", "iterations": 3}
    assert facts["format_version"] == FORMAT_VERSION
    assert facts["layout_digest"] == layout.digest


def test_a_layout_is_what_stands_where() -> None:
    layout = layout_of(setting())
    assert layout.map_shape == (1, 3, 3)
    assert layout.action_names[:2] == ('{"kind":"wait"}', '{"direction":"north","kind":"move"}')
    swapped = layout.__class__(
        layout.feature_names[::-1], layout.map_channels, layout.map_shape, layout.action_names
    )
    assert swapped.digest != layout.digest


def test_facts_of_others_are_theirs() -> None:
    assert read_facts({"author": "somebody", "townlet": "{"}) == {}
    assert read_layout({}) is None
    assert read_layout({"trained": {}}) is None


def test_text_that_is_no_json() -> None:
    for text in ("{", "[" * 100_000):
        with pytest.raises(ValueError, match=r"metadata townlet\.trained: expected JSON"):
            read_facts({"townlet.trained": text})


@pytest.mark.parametrize(
    "change, message",
    [
        ({"feature_names": None}, "feature_names: expected a list of names"),
        ({"feature_names": ["a", 1]}, "feature_names: expected a list of names"),
        ({"feature_names": ["a", "a"]}, "feature_names: expected different names"),
        ({"action_names": "abc"}, "action_names: expected a list of names"),
        ({"map_shape": [1, 3, "3"]}, "map_shape: expected three sizes"),
        ({"map_shape": [1, 3, True]}, "map_shape: expected three sizes"),
        ({"map_shape": [1, 3]}, "map_shape: expected three sizes"),
        ({"map_shape": [2, 3, 3]}, "map_shape: expected three sizes, the first that of map_channels"),
        ({"layout_digest": "0" * 64}, "layout_digest: expected [0-9a-f]{64}, that of the names"),
    ],
)
def test_half_a_layout(change: dict[str, Any], message: str) -> None:
    facts = read_facts(written_facts(layout_of(setting()), {}))
    with pytest.raises(ValueError, match=rf"metadata townlet\.{message}"):
        read_layout(json.loads(json.dumps(facts | change)))
