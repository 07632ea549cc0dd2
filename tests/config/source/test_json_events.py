"""JSON is read as JSON: the values of Python's own reader, each at its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from townlet.config.source.json_events import events_of, is_json
from townlet.config.yaml_loader import parse
from townlet.errors import ConfigError

# Numbers that YAML reads as Python does, and any text: what YAML's parsers fold or refuse as well.
WHOLE_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
    | WHOLE_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WHOLE_TEXT, inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(WHOLE_TEXT, VALUES, min_size=1, max_size=4),
    st.sampled_from((None, 1, "\t")),
    st.booleans(),
)
def test_the_same_values(value: Any, indent: int | str | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert is_json(text)
    assert parse(text, "t").data == value


def test_places() -> None:
    document = parse('{\n "a": [1,\n   {"b{": "x\\"}"}]}', "t")
    assert document.place(("a", 1, "b{")) == (3, 11)
    assert document.place(("a", 1, "b{"), of_key=True) == (3, 5)


@pytest.mark.parametrize(
    "text", ["a: 1", "{a: 1}", "[1", '"x"', "1", "", '{"a": "\t"}', "[" * 100_000 + "]" * 100_000]
)
def test_what_is_no_json(text: str) -> None:
    assert not is_json(text)


def test_what_both_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is given twice, first on line 1" in parse('{"a": 1,\n "a": 2}', "t").problems[0].message
    monkeypatch.setattr("townlet.config.yaml_loader.MOST_VALUES", 100)
    for text, message in (
        ("[" * 65 + "]" * 65, "t:1:65: expected at most 64 levels of nesting, got more"),
        (
            "[" + "1," * 100 + "1]",
            "t:1:200: expected at most 100 values, what aliases stand for counted each time",
        ),
    ):
        with pytest.raises(ConfigError) as found:
            parse(text, "t")
        assert str(found.value).startswith(message)


def test_a_file_of_json_that_is_none_says_so() -> None:
    with pytest.raises(ConfigError, match=r"^town\.json:2:1: not valid JSON: "):
        parse('{"a": ', "town.json")
    assert len(list(events_of("[]"))) == 2
